"""The U-Net of a plain diffusion model: diffusers' UNet2DModel, which serves DDPM (Ho et al. 2020)
and latent diffusion (Rombach et al. 2022) alike."""

from __future__ import annotations

from diffusers.models.attention_processor import Attention
from diffusers.models.resnet import ResnetBlock2D
from diffusers.models.unets.unet_2d import UNet2DModel
from torch import nn

from palsynth.methods.diffusion.config import GROUPS, DiffusionModelSettings
from palsynth.methods.diffusion.labels import ConditionLabels
from palsynth.methods.networks import zero_init

MOST_GROUPS = 32


def build_unet(settings: DiffusionModelSettings, channels: int, side: int) -> UNet2DModel:
    """Builds the U-Net of a model.

    Args:
        settings: settings of the model.
        channels: channels of what is diffused: 3 of images, or those of latents.
        side: side of what is diffused.

    Returns:
        The U-Net, newly initialised; it predicts 0 until it is trained.

    Raises:
        InputError: the levels do not fit the side.
    """
    u = settings.unet
    u.check_side(side)
    attends = [level in u.attention for level in range(len(u.multipliers))]
    labels = ConditionLabels(settings.movements)
    unet = UNet2DModel(
        sample_size=side // u.unshuffle,
        in_channels=channels * u.unshuffle**2,
        out_channels=channels * u.unshuffle**2,
        block_out_channels=tuple(u.base * m for m in u.multipliers),
        layers_per_block=u.blocks,
        down_block_types=tuple("AttnDownBlock2D" if a else "DownBlock2D" for a in attends),
        up_block_types=tuple("AttnUpBlock2D" if a else "UpBlock2D" for a in reversed(attends)),
        attention_head_dim=u.head_channels,
        norm_num_groups=min(MOST_GROUPS, u.base // GROUPS),
        dropout=u.dropout,
        num_class_embeds=labels.null + 1 if settings.conditioned else None,
    )
    # zero-initialised residual branches, as in the code of Ho et al. 2020
    for module in unet.modules():
        if isinstance(module, ResnetBlock2D):
            zero_init(module.conv2)
        elif isinstance(module, Attention):
            zero_init(module.to_out[0])
    zero_init(unet.conv_out)
    if isinstance(unet.class_embedding, nn.Module):
        # those of unit variance that are usual drown the embedding of the timestep at first
        zero_init(unet.class_embedding)
    return unet

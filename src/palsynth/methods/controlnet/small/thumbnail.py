"""Where our autoencoder's training begins: at one that keeps thumbnails, colours and all.

From random weights brightness was learned first: lips were still grey when our time on a CPU was
over (docs/measurements.md). So eight channels carry the picture through unchanged: three opponent
colours, each with its negative, and a constant, by which the normalisation before the last layer
keeps their scale. SiLU(x) - SiLU(-x) = x takes each pair back to its colour. All else begins at
random, and everything trains.
"""

from __future__ import annotations

from typing import cast

import torch
from diffusers.models.attention_processor import Attention
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.downsampling import Downsample2D
from diffusers.models.resnet import ResnetBlock2D
from diffusers.models.upsampling import Upsample2D
from torch import Tensor, nn

COLOURS = 3
CARRIED = 2 * COLOURS + 2
"""Channels that carry: the colours with their negatives, and 1 with -1."""

CERTAIN = -6.0
"""Log variance of the latents at the beginning: a latent that is mostly noise tells nothing."""

_OPPONENT = torch.tensor([[0.75, 0.75, 0.75], [2.5, 0.0, -2.5], [5.0, -10.0, 5.0]])
"""Brightness, red - blue, green - magenta of RGB in -1 … 1, each with a deviation of about 1."""


@torch.no_grad()
def init_with_thumbnails(vae: AutoencoderKL) -> AutoencoderKL:
    """Sets the weights of a new autoencoder, in place: its first three latents are the colours of
    squares of pixels, which the decoder paints again."""
    for module in vae.modules():
        if isinstance(module, ResnetBlock2D):
            _silence(module.conv2)
            if module.conv_shortcut is not None:
                _carry(module.conv_shortcut)
        elif isinstance(module, Attention):
            _silence(module.to_out[0])
        elif isinstance(module, Downsample2D):  # it pads below and on the right
            _silence(module.conv)
            _weight(module.conv)[range(CARRIED), range(CARRIED), :2, :2] = 0.25
        elif isinstance(module, Upsample2D):
            _carry(cast(nn.Module, module.conv))
    pairs = torch.kron(torch.eye(COLOURS), torch.tensor([[1.0], [-1.0]]))  # of each colour
    constant = torch.tensor([0.0] * 2 * COLOURS + [1.0, -1.0])
    for conv, taken in (
        (vae.encoder.conv_in, _OPPONENT),
        (vae.decoder.conv_in, torch.eye(COLOURS)),
    ):
        _silence(conv)
        _middle(conv)[: 2 * COLOURS, :COLOURS] = pairs @ taken
        _bias(conv)[:CARRIED] = constant
    opponent = torch.linalg.inv(_OPPONENT)
    for conv, given in (
        (vae.encoder.conv_out, torch.eye(COLOURS)),
        (vae.decoder.conv_out, opponent),
    ):
        _silence(conv, COLOURS)
        _middle(conv)[:COLOURS, : 2 * COLOURS] = given @ pairs.T
    _bias(vae.encoder.conv_out)[vae.config["latent_channels"] :] = CERTAIN
    for mixing in (vae.quant_conv, vae.post_quant_conv):
        assert mixing is not None
        torch.nn.init.dirac_(mixing.weight)
        _bias(mixing).zero_()
    return vae


def _silence(layer: nn.Module, channels: int = CARRIED) -> None:
    """A layer gives nothing to its first channels."""
    _weight(layer)[:channels] = 0
    _bias(layer)[:channels] = 0


def _carry(conv: nn.Module) -> None:
    """A convolution gives on the channels that carry as they are."""
    _silence(conv)
    _middle(conv)[:CARRIED, :CARRIED] = torch.eye(CARRIED)


def _middle(conv: nn.Module) -> Tensor:
    """Weights (out, in) of a convolution's middle."""
    weight = _weight(conv)
    side = weight.shape[-1]
    return weight[:, :, side // 2, side // 2]


def _weight(layer: nn.Module) -> Tensor:
    return cast(Tensor, layer.weight)


def _bias(layer: nn.Module) -> Tensor:
    return cast(Tensor, layer.bias)

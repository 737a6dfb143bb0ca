"""Initialisation of our autoencoder: it reproduces thumbnails, colours included, untrained.

From random weights it learned brightness first: lips were still grey when our CPU time was over
(docs/measurements.md). So eight channels pass the image through unchanged: three opponent colours,
each with its negative, and a constant (with its negative), by which the normalisation before the
last layer preserves their scale. SiLU(x) - SiLU(-x) = x recovers the colour from each pair. All
other weights are random, and all weights train.
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
"""Channels that pass the image through: the colours with their negatives, and 1 with -1."""

CERTAIN = -6.0
"""Initial log variance of the latents: low, as a latent of mostly noise carries no information."""

_OPPONENT = torch.tensor([[0.75, 0.75, 0.75], [2.5, 0.0, -2.5], [5.0, -10.0, 5.0]])
"""RGB in -1 … 1 -> brightness, red - blue, green - magenta, each with a standard deviation of
about 1."""


@torch.no_grad()
def init_with_thumbnails(vae: AutoencoderKL) -> AutoencoderKL:
    """Initialises an autoencoder so that it reproduces thumbnails.

    Its first three latents are the opponent colours of squares of pixels, which the decoder
    converts back.

    Args:
        vae: a newly initialised autoencoder of at least 8 channels and 3 latent channels; its
            weights are changed in place.

    Returns:
        The same autoencoder.
    """
    for module in vae.modules():
        if isinstance(module, ResnetBlock2D):
            _zero_channels(module.conv2)
            if module.conv_shortcut is not None:
                _pass_through(module.conv_shortcut)
        elif isinstance(module, Attention):
            _zero_channels(module.to_out[0])
        elif isinstance(module, Downsample2D):  # it pads at the bottom and on the right
            _zero_channels(module.conv)
            _weight(module.conv)[range(CARRIED), range(CARRIED), :2, :2] = 0.25
        elif isinstance(module, Upsample2D):
            _pass_through(cast(nn.Module, module.conv))
    pairs = torch.kron(torch.eye(COLOURS), torch.tensor([[1.0], [-1.0]]))  # colour and negative
    constant = torch.tensor([0.0] * 2 * COLOURS + [1.0, -1.0])
    for conv, to_colours in (
        (vae.encoder.conv_in, _OPPONENT),
        (vae.decoder.conv_in, torch.eye(COLOURS)),
    ):
        _zero_channels(conv)
        _centre(conv)[: 2 * COLOURS, :COLOURS] = pairs @ to_colours
        _bias(conv)[:CARRIED] = constant
    for conv, from_colours in (
        (vae.encoder.conv_out, torch.eye(COLOURS)),
        (vae.decoder.conv_out, torch.linalg.inv(_OPPONENT)),
    ):
        _zero_channels(conv, COLOURS)
        _centre(conv)[:COLOURS, : 2 * COLOURS] = from_colours @ pairs.T
    _bias(vae.encoder.conv_out)[vae.config["latent_channels"] :] = CERTAIN
    for pointwise in (vae.quant_conv, vae.post_quant_conv):
        assert pointwise is not None
        torch.nn.init.dirac_(pointwise.weight)
        _bias(pointwise).zero_()
    return vae


def _zero_channels(layer: nn.Module, channels: int = CARRIED) -> None:
    """Sets the first output channels of a layer to zero."""
    _weight(layer)[:channels] = 0
    _bias(layer)[:channels] = 0


def _pass_through(conv: nn.Module) -> None:
    """Makes a convolution the identity on the channels that pass the image through."""
    _zero_channels(conv)
    _centre(conv)[:CARRIED, :CARRIED] = torch.eye(CARRIED)


def _centre(conv: nn.Module) -> Tensor:
    """The weights (out, in) at the centre of a convolution's kernel."""
    weight = _weight(conv)
    side = weight.shape[-1]
    return weight[:, :, side // 2, side // 2]


def _weight(layer: nn.Module) -> Tensor:
    return cast(Tensor, layer.weight)


def _bias(layer: nn.Module) -> Tensor:
    return cast(Tensor, layer.bias)

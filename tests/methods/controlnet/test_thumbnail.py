"""The autoencoder before its training."""

from __future__ import annotations

import torch
from torch.nn import functional

from palsynth.encoders.base import as_images
from palsynth.methods.controlnet.data.healthy import held_out
from palsynth.methods.controlnet.small.networks import AutoencoderSettings
from palsynth.methods.controlnet.small.thumbnail import init_with_thumbnails


def test_an_untrained_autoencoder_reproduces_a_thumbnail_in_colour() -> None:
    torch.manual_seed(0)
    vae = init_with_thumbnails(AutoencoderSettings(64, (32, 64, 128)).build())
    images = as_images(held_out(64)["image"])
    with torch.no_grad():
        latents = vae.encode(2 * images - 1).latent_dist
        decoded = vae.decode(latents.mode()).sample / 2 + 0.5
    assert latents.std.mean() < 0.1
    small = functional.avg_pool2d(images, 4)
    brightness = small.mean(1)
    first = latents.mode()[:, 0]
    assert torch.corrcoef(torch.stack([first.flatten(), brightness.flatten()]))[0, 1] > 0.98
    blocks = functional.interpolate(small, scale_factor=4)
    for channel in range(3):
        pair = torch.stack([decoded[:, channel].flatten(), blocks[:, channel].flatten()])
        assert torch.corrcoef(pair)[0, 1] > 0.95
    reds = [(x[:, 0] - x[:, 1]).flatten() for x in (decoded, blocks)]
    assert torch.corrcoef(torch.stack(reds))[0, 1] > 0.9

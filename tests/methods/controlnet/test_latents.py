"""Latents of images, encoded once."""

from __future__ import annotations

import torch

from palsynth.methods.controlnet.data.latents import LatentCache
from palsynth.methods.controlnet.networks.base import Base
from tests.methods.controlnet.conftest import latents_by_hand


@torch.no_grad()
def test_latents_are_sampled_from_the_encoded_distribution_and_scaled(base: Base) -> None:
    images, seed = torch.rand(3, 3, 32, 32), torch.Generator().manual_seed
    latents = LatentCache(base.vae).sample(images, [7, 8, 9], seed(4))
    assert torch.allclose(latents, latents_by_hand(base, images, seed(4)), atol=1e-5)


def test_latents_do_not_depend_on_their_batch(base: Base) -> None:
    images = torch.rand(3, 3, 32, 32)
    seed = torch.Generator().manual_seed

    def sampled(cache: LatentCache, rows: list[int]) -> torch.Tensor:
        return cache.sample(images[rows], rows, seed(4))

    together, alone = LatentCache(base.vae), LatentCache(base.vae)
    first = sampled(together, [0, 1, 2])
    sampled(alone, [2])
    assert torch.equal(sampled(alone, [0, 1, 2]), first)
    assert torch.equal(together.sample(torch.zeros(3, 3, 32, 32), [0, 1, 2], seed(4)), first)
    assert first.shape == (3, 4, 16, 16)

"""What is done to images before models of certain people see them: warps, tints, degradation."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
import torch
from scipy.fft import dctn
from scipy.ndimage import gaussian_filter
from torch import Tensor

from palsynth.methods.gans.degradation import blurred, degrade, quantised, reduced, smeared
from palsynth.methods.gans.tint import CHANNELS, random_tint
from palsynth.methods.gans.warping import random_warp
from palsynth.subjects import render, sample


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def noise(*shape: int) -> Tensor:
    return torch.rand(shape, generator=rng(9)) * 2 - 1


@pytest.fixture(scope="module")
def face() -> Tensor:
    image = cv2.resize(render(sample(5)).image, (32, 32), interpolation=cv2.INTER_AREA)
    return torch.from_numpy(image).permute(2, 0, 1)[None].float() / 127.5 - 1


RANDOM: list[Callable[[Tensor, torch.Generator], Tensor]] = [
    lambda images, source: random_warp(images, 0.05, source),
    lambda images, source: random_tint(images, 0.3, source),
    degrade,
]


@pytest.mark.parametrize("change", RANDOM)
def test_the_generator_decides_all(change: Callable[..., Tensor]) -> None:
    images = noise(4, 3, 16, 16)
    torch.manual_seed(1)
    made = change(images, rng())
    torch.manual_seed(2)
    assert torch.equal(change(images, rng()), made)
    assert not torch.equal(change(images, rng(1)), made)
    assert made.shape == images.shape
    assert made.abs().max() <= 1


@pytest.mark.parametrize("change", RANDOM)
def test_single_precision_is_kept_within_a_training_in_half(change: Callable[..., Tensor]) -> None:
    images = noise(8, 3, 24, 24)
    with torch.autocast("cpu", torch.bfloat16):
        half = change(images, rng())
    assert torch.equal(half, change(images, rng()))


def test_without_a_deviation_nothing_happens() -> None:
    images = noise(2, 3, 16, 16)
    assert torch.allclose(random_warp(images, 0, rng()), images, atol=1e-5)
    assert torch.allclose(random_tint(images, 0, rng()), images, atol=1e-6)


def test_a_warp_moves_points_by_the_deviation() -> None:
    """Images whose values are their own coordinates show where each pixel comes from."""
    side = 64
    steps = (2 * torch.arange(side) + 1) / side - 1
    ramp = torch.stack([steps.expand(side, side), steps[:, None].expand(side, side)])
    moved = random_warp(ramp.expand(200, 2, side, side), 0.02, rng()) - ramp
    knots = moved[:, :, 16:-15:16, 16:-15:16] / 2  # as a share of the side, at inner knots
    assert knots.std().item() == pytest.approx(0.02, rel=0.1)
    assert moved.diff(dim=-1)[..., 8:-8, 8:-8].abs().max() < 0.05, "it is smooth"


def test_a_tint_scales_brightness() -> None:
    images = torch.full((4000, 3, 1, 1), -0.9)
    logs = ((random_tint(images, 0.2, rng()) + 1) / 0.1).log()[:, :, 0, 0]
    assert logs.mean().item() == pytest.approx(0, abs=0.01)
    common, own = logs.mean(1), logs - logs.mean(1, keepdim=True)
    assert own.std().item() == pytest.approx(0.2 * CHANNELS * (2 / 3) ** 0.5, rel=0.05)
    assert common.std().item() == pytest.approx(0.2 * (1 + CHANNELS**2 / 3) ** 0.5, rel=0.05)


def test_blur_is_gaussian() -> None:
    images = noise(1, 3, 24, 24)
    expected = gaussian_filter(images[0].numpy(), (0, 1.2, 1.2), mode="nearest", radius=(0, 4, 4))
    assert np.allclose(blurred(images, 1.2)[0], expected, atol=1e-4)


def test_quantised_coefficients_are_multiples_of_their_steps() -> None:
    made = quantised(noise(1, 1, 16, 24), 0.1)[0, 0].numpy()
    steps = 0.1 * (1 + np.add.outer(np.arange(8), np.arange(8)))
    for top in (0, 8):
        for left in (0, 8, 16):
            block = dctn(made[top : top + 8, left : left + 8], norm="ortho") / steps
            assert np.allclose(block, block.round(), atol=1e-3)


def test_small_changes_remain_small(face: Tensor) -> None:
    assert (quantised(face, 1e-4) - face).abs().max() < 1e-3
    assert torch.allclose(reduced(face, 1.0), face, atol=1e-4)
    assert torch.allclose(smeared(face, 0.0, rng()), face, atol=1e-5)
    lost = [(reduced(face, f) - face).abs().mean().item() for f in (1.5, 2.0, 3.0)]
    assert lost == sorted(lost)
    assert lost[0] > 0


def test_each_image_is_degraded_in_its_own_way(face: Tensor) -> None:
    many = degrade(face.expand(60, 3, 32, 32), rng())
    changes = (many - face).abs().mean((1, 2, 3))
    assert changes.max() > 2 * changes.min()
    assert changes.unique().numel() > 40

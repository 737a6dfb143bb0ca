from __future__ import annotations

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from palsynth.evaluation.fidelity import moving, psnr, ssim


@pytest.fixture(scope="module")
def pair() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 256, (4, 48, 48, 3), np.uint8)
    noise = rng.normal(0, [[[[5]]], [[[15]]], [[[40]]], [[[0]]]], truth.shape)
    return (truth + noise).clip(0, 255).astype(np.uint8), truth


def test_psnr_agrees_with_scikit_image(pair: tuple[np.ndarray, np.ndarray]) -> None:
    images, truth = pair
    expected = [peak_signal_noise_ratio(t, i) for i, t in zip(images[:3], truth[:3], strict=True)]
    assert psnr(images, truth)[:3] == pytest.approx(expected, abs=1e-5)


def test_ssim_agrees_with_scikit_image(pair: tuple[np.ndarray, np.ndarray]) -> None:
    images, truth = pair
    expected = [
        structural_similarity(
            t,
            i,
            channel_axis=-1,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            data_range=255,
        )
        for i, t in zip(images, truth, strict=True)
    ]
    assert ssim(images, truth) == pytest.approx(expected, abs=1e-3)


def test_identical_images(pair: tuple[np.ndarray, np.ndarray]) -> None:
    _, truth = pair
    assert np.isinf(psnr(truth, truth)).all()
    assert ssim(truth, truth) == pytest.approx(1.0)
    whole = np.ones(truth.shape[:3], bool)
    assert np.isinf(psnr(truth, truth, whole)).all()


def test_batches_do_not_matter(pair: tuple[np.ndarray, np.ndarray]) -> None:
    images, truth = pair
    for metric in (psnr, ssim):
        one = [metric(images[k : k + 1], truth[k : k + 1])[0] for k in range(4)]
        assert one == pytest.approx(metric(images, truth), rel=1e-6)
        assert np.array_equal(metric(images, truth), metric(images, truth))


def test_masks_limit_what_is_compared(pair: tuple[np.ndarray, np.ndarray]) -> None:
    images, truth = pair
    whole = np.ones(truth.shape[:3], bool)
    assert psnr(images, truth, whole) == pytest.approx(psnr(images, truth), rel=1e-6)
    damaged = truth.copy()
    damaged[:, :10] = 0
    below = np.zeros_like(whole)
    below[:, 20:] = True
    assert np.isinf(psnr(damaged, truth, below)).all()
    assert ssim(damaged, truth, below) == pytest.approx(1.0)
    assert np.isnan(psnr(images, truth, ~whole)).all()


def test_moving_pixels() -> None:
    identity = np.full((1, 56, 56, 3), 100, np.uint8)
    truth = identity.copy()
    truth[0, 20:24, 30:34, 1] = 120
    truth[0, 50, 50] = 105  # below the threshold
    mask = moving(identity, truth)
    assert mask[0, 19:25, 29:35].all()
    assert mask.sum() == 36
    mask = moving(np.full((1, 112, 112, 3), 100, np.uint8), _with_dot(112, 109))
    assert mask.sum() == 25, "dilated by 2 px at 112 px, 1/56 of the side"
    assert not moving(np.full((1, 112, 112, 3), 100, np.uint8), _with_dot(112, 108)).any()
    assert moving(np.full((1, 112, 112, 3), 100, np.uint8), _with_dot(112, 91)).any(), "darker too"


def _with_dot(size: int, blue: int) -> np.ndarray:
    image = np.full((1, size, size, 3), 100, np.uint8)
    image[0, 50, 50, 2] = blue
    return image


def test_flat_pictures_by_hand() -> None:
    """One half is 60 grey levels off; the mask selects that half or the whole."""
    truth = np.full((1, 48, 48, 3), 100, np.uint8)
    image = truth.copy()
    image[:, :, :24] = 160
    whole, half = np.ones((1, 48, 48), bool), np.zeros((1, 48, 48), bool)
    half[:, :, :24] = True
    assert psnr(image, truth) == pytest.approx([20 * np.log10(255 / np.sqrt(1800))])
    assert psnr(image, truth, whole) == pytest.approx([20 * np.log10(255 / np.sqrt(1800))])
    assert psnr(image, truth, half) == pytest.approx([20 * np.log10(255 / 60)])
    inner = np.zeros((1, 48, 48), bool)
    inner[:, 12:36, 6:12] = True  # beyond the reach of the other half and the border
    luminance = (2 * 100 * 160 + 2.55**2) / (100**2 + 160**2 + 2.55**2)
    assert ssim(image, truth, inner) == pytest.approx([luminance], abs=1e-3)
    assert ssim(image, truth, inner[:, :, ::-1]) == pytest.approx([1.0])
    both = inner | inner[:, :, ::-1]
    assert ssim(image, truth, both) == pytest.approx([(1 + luminance) / 2], abs=1e-3)

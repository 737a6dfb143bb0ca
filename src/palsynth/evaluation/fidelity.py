"""The fidelity family: PSNR, SSIM and landmarks against the ground truth.

Papers pool these figures in different ways; here each is computed per image and averaged last.
Pooling the squared error over a batch first gives other numbers (10.6 dB where the mean per
image is 23.7).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import cv2
import numpy as np

from palsynth.errors import InputError
from palsynth.evaluation import checks
from palsynth.evaluation.metric import Inputs, Metric, Outcome
from palsynth.face import topology

if TYPE_CHECKING:  # functions import it: the registry, and with it the help, is free of torch
    import torch

WINDOW = 11
"""Side of SSIM's window, pixels."""

MOVES = 8.0
"""Grey levels by which the truth differs from the identity image where a pixel moved."""


def psnr(images: np.ndarray, truth: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
    """Peak signal-to-noise ratio of each image.

    Args:
        images: (N, H, W, 3) uint8.
        truth: (N, H, W, 3) uint8.
        mask: (N, H, W) bool, pixels to compare; default: all.

    Returns:
        (N,) float64 in dB; infinite for identical images, NaN for an empty mask.

    Raises:
        InputError: there are no images, or they differ in size or are not uint8.
    """
    _check(images, truth, mask)
    if mask is None:
        from torchmetrics.functional.image import peak_signal_noise_ratio

        values = peak_signal_noise_ratio(
            _tensor(images), _tensor(truth), 255.0, reduction="none", dim=(1, 2, 3)
        )
        return values.double().numpy()
    squared = np.square(images.astype(np.float64) - truth).mean(-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.where(mask, squared, 0).sum((1, 2)) / mask.sum((1, 2))
        return np.asarray(10 * np.log10(255.0**2 / error))


def ssim(images: np.ndarray, truth: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
    """Structural similarity of each image (Wang et al. 2004).

    The Gaussian window has 11 px and sigma 1.5, K is 0.01 and 0.03; mean over the channels.

    Args:
        images: (N, H, W, 3) uint8.
        truth: (N, H, W, 3) uint8.
        mask: (N, H, W) bool, pixels over which the similarity map is averaged; default: all.

    Returns:
        (N,) float64, at most 1; NaN for an empty mask.

    Raises:
        InputError: there are no images, they differ in size, are smaller than the window or not
            uint8.
    """
    _check(images, truth, mask)
    side = min(images.shape[1:3])
    checks.at_least("images", side, WINDOW, f"px: smaller than the window of SSIM, {WINDOW} px")
    from torchmetrics.functional.image import structural_similarity_index_measure

    values, full = structural_similarity_index_measure(
        _tensor(images).float(),  # ten times as fast as double; differs by about 1e-5
        _tensor(truth).float(),
        data_range=255.0,
        reduction="none",
        return_full_image=True,
    )
    if mask is None:
        return values.double().numpy()
    similarity = full.double().mean(1).numpy()
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(mask, similarity, 0).sum((1, 2)) / mask.sum((1, 2)))


def moving(identity: np.ndarray, truth: np.ndarray, threshold: float = MOVES) -> np.ndarray:
    """The pixels that move: where the truth differs from the identity image.

    Args:
        identity: (N, H, W, 3) uint8 identity images.
        truth: (N, H, W, 3) uint8.
        threshold: difference in grey levels that a channel must exceed.

    Returns:
        (N, H, W) bool, dilated by 1/56 of the image side.

    Raises:
        InputError: there are no images, or they differ in size or are not uint8.
    """
    _check(identity, truth)
    changed = np.abs(identity.astype(np.int16) - truth).max(-1) > threshold
    margin = max(1, round(identity.shape[1] / 56))
    kernel = np.ones((2 * margin + 1, 2 * margin + 1), np.uint8)
    return np.stack([cv2.dilate(c.astype(np.uint8), kernel) for c in changed]).astype(bool)


def landmark_error(found: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Mean distance of landmarks to the true ones.

    Args:
        found: (N, 478, 3) landmarks in pixels; NaN without a face.
        true: (N, 478, 3) landmarks of the truths.

    Returns:
        (N,) in per cent of the true outer-eye distance; NaN where that is 0.

    Raises:
        InputError: the arrays differ in shape or are infinite.
    """
    for name, points in (("found", found), ("true", true)):
        checks.dimensions(name, points, (len(found), topology.POINTS, 3))
        checks.finite(name, points, missing=True)
    left, right = (topology.OUTER_CANTHUS[side] for side in ("left", "right"))
    outer_eyes = np.linalg.norm(true[:, left, :2] - true[:, right, :2], axis=-1)
    outer_eyes = np.where(outer_eyes > 0, outer_eyes, np.nan)
    error = np.linalg.norm(found[..., :2] - true[..., :2], axis=-1).mean(1) / outer_eyes
    return np.asarray(100 * error)


def _check(images: np.ndarray, truth: np.ndarray, mask: np.ndarray | None = None) -> None:
    checks.images("images", images)
    checks.images("truth", truth)
    checks.same_shape("images", images, "truth", truth)
    checks.at_least("images", len(images), 1, "pictures: at least one is needed")
    if mask is not None:
        checks.dimensions("mask", mask, images.shape[:3])
        if mask.dtype != bool:
            raise InputError(f"mask: holds {mask.dtype}; a mask is bool")


def _tensor(images: np.ndarray) -> torch.Tensor:
    import torch

    return torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2))).double()


def _pixels(inputs: Inputs, column: int) -> Outcome:
    return Outcome(inputs.pixels()[:, column])


def _landmark_error(inputs: Inputs) -> Outcome:
    found, true = inputs.features("landmarks"), inputs.features("landmarks", "truth")
    return Outcome(landmark_error(found, true))


_FEW_PIXELS_MOVE = "few pixels move, so that copying the identity image scores high"

METRICS = (
    Metric(
        key="psnr",
        title="PSNR, dB",
        family="fidelity",
        better="up",
        meaning="peak signal-to-noise ratio to the truth, per picture, then averaged",
        judge="torchmetrics",
        needs=("pairs", "truth"),
        compute=partial(_pixels, column=0),
        digits=2,
        blind=_FEW_PIXELS_MOVE,
    ),
    Metric(
        key="ssim",
        title="SSIM",
        family="fidelity",
        better="up",
        meaning="structural similarity to the truth, per picture, then averaged",
        judge="torchmetrics",
        needs=("pairs", "truth"),
        compute=partial(_pixels, column=1),
        blind=_FEW_PIXELS_MOVE,
    ),
    Metric(
        key="psnr_moving",
        title="PSNR of moving pixels, dB",
        family="fidelity",
        better="up",
        meaning="PSNR over the pixels in which the truth differs from the identity image",
        judge="our own, by the same formula",
        needs=("pairs", "truth"),
        compute=partial(_pixels, column=2),
        digits=2,
    ),
    Metric(
        key="ssim_moving",
        title="SSIM of moving pixels",
        family="fidelity",
        better="up",
        meaning="SSIM over the pixels in which the truth differs from the identity image",
        judge="torchmetrics",
        needs=("pairs", "truth"),
        compute=partial(_pixels, column=3),
    ),
    Metric(
        key="lpips",
        title="LPIPS",
        family="fidelity",
        better="down",
        meaning="perceptual distance to the truth",
        judge="AlexNet by --alexnet (alexnet-owt-7be5be79.pth), heads of torchmetrics",
        needs=("pairs", "truth", "alexnet"),
        compute=lambda inputs: Outcome(inputs.perceptual("truth")),
        weights="alexnet",
    ),
    Metric(
        key="landmark_error",
        title="landmark error, %",
        family="fidelity",
        better="down",
        meaning="mean distance to the truth's landmarks, in per cent of the outer-eye distance",
        judge="MediaPipe",
        needs=("faces", "pairs", "truth"),
        compute=_landmark_error,
        digits=2,
        blind="includes the detector's own error",
        by_people=True,
    ),
)

"""Near-duplicates: copies of a picture, shifted, mirrored, brightened or compressed.

The search has two steps. The coarse one compares every probe with every picture of a gallery at
32 px, with small shifts; the fine one compares the best few candidates at 96 px, at all shifts.
Both correlate pictures without their mean brightness and their low-frequency illumination, so that
neither exposure nor contrast matters.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from palsynth.evaluation import checks
from palsynth.progress import Progress

COARSE, FINE = 32, 96
"""Side of the pictures in the two steps, pixels."""

REACH = 2
"""Largest shift of the coarse step, in its pixels; corresponds to 7 px of a picture of 112."""

CANDIDATES = 4
"""Pictures of the gallery that the fine step compares with each probe."""

DUPLICATE = 0.92
"""Correlation from which two pictures count as near-duplicates (docs/measurements.md)."""

_BLOCK = 2048


@dataclass(frozen=True)
class Match:
    """The most similar picture of the gallery to each probe.

    Attributes:
        index: (N,) int64 its index.
        correlation: (N,) float64 their correlation, -1 to 1.
    """

    index: np.ndarray
    correlation: np.ndarray


def prepared(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Prepares a picture for both steps: grey, without low-frequency illumination.

    Args:
        image: (H, W, 3) uint8 RGB.

    Returns:
        (COARSE, COARSE) and (FINE, FINE) float32.

    Raises:
        InputError: the picture has another shape or type.
    """
    checks.images("image", image[None])
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    fine = cv2.resize(grey, (FINE, FINE), interpolation=cv2.INTER_AREA)
    coarse = cv2.resize(
        cv2.GaussianBlur(fine, (0, 0), 1.2), (COARSE, COARSE), interpolation=cv2.INTER_AREA
    )
    return _high_pass(coarse, COARSE), _high_pass(cv2.GaussianBlur(fine, (0, 0), 0.8), FINE)


def _high_pass(image: np.ndarray, size: int) -> np.ndarray:
    return image - cv2.GaussianBlur(image, (0, 0), size / 10)


def duplicates(
    probes: tuple[np.ndarray, np.ndarray],
    gallery: tuple[np.ndarray, np.ndarray],
    progress: Progress | None = None,
) -> Match:
    """Finds the most similar picture of a gallery to each probe, as it is or mirrored.

    Args:
        probes: outputs of :func:`prepared` for N pictures, each stacked along a new first axis.
        gallery: the same for M pictures.
        progress: called with the number of probes done and their total.

    Returns:
        The matches.

    Raises:
        InputError: the gallery is empty, or pictures are not those of :func:`prepared`.
    """
    for name, stacks in (("probes", probes), ("gallery", gallery)):
        for side, stack in zip((COARSE, FINE), stacks, strict=True):
            checks.dimensions(f"{name} at {side} px", stack, (len(stacks[0]), side, side))
            checks.finite(f"{name} at {side} px", stack)
    checks.at_least("gallery", len(gallery[0]), 1, "pictures: there is nothing to compare with")
    index, best = np.zeros(len(probes[0]), np.int64), np.full(len(probes[0]), -1.0)
    for start in range(0, len(best), _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, len(best)))
        candidates_of_rows = _candidates(probes[0][rows], gallery[0])
        for row, candidates in zip(rows, candidates_of_rows, strict=True):
            correlations = _correlate(probes[1][row], gallery[1][candidates])
            index[row], best[row] = candidates[correlations.argmax()], correlations.max()
        if progress is not None:
            progress(int(rows[-1]) + 1, len(best))
    return Match(index, best)


def _candidates(probes: np.ndarray, gallery: np.ndarray) -> np.ndarray:
    """Indices (N, up to CANDIDATES) of the gallery's pictures most similar to each probe."""
    inner = slice(REACH, COARSE - REACH)
    fixed = _unit(gallery[:, inner, inner])
    best = np.full((len(probes), len(gallery)), -1.0, np.float32)
    for oriented in (probes, probes[:, :, ::-1]):
        for down in range(2 * REACH + 1):
            for right in range(2 * REACH + 1):
                size = COARSE - 2 * REACH
                shifted = _unit(oriented[:, down : down + size, right : right + size])
                np.maximum(best, shifted @ fixed.T, out=best)
    count = min(CANDIDATES, len(gallery))
    return np.argpartition(-best, count - 1, axis=1)[:, :count]


def _unit(images: np.ndarray) -> np.ndarray:
    """Pictures (N, H, W) as vectors (N, H * W) of mean 0 and length 1."""
    flat = images.reshape(len(images), -1)
    flat = flat - flat.mean(1, keepdims=True)
    return flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6)


def _correlate(probe: np.ndarray, candidates: np.ndarray) -> np.ndarray:
    """Correlation of a picture without its margin with each candidate, at the best shift: the lower
    one of the whole and of its centre, so that a similar wall and cap do not match two faces."""
    margin = FINE // 12
    size = FINE - 2 * margin
    centre = slice(size // 5, size - size // 5)
    out = np.full(len(candidates), -1.0)
    for oriented in (probe, probe[:, ::-1]):
        template = np.ascontiguousarray(oriented[margin:-margin, margin:-margin])
        for k, candidate in enumerate(candidates):
            correlation = cv2.matchTemplate(candidate, template, cv2.TM_CCOEFF_NORMED)
            _, whole, _, (right, down) = cv2.minMaxLoc(correlation)
            window = candidate[down : down + size, right : right + size]
            faces = _unit(np.stack([template[centre, centre], window[centre, centre]]))
            out[k] = max(out[k], min(whole, float(faces[0] @ faces[1])))
    return out

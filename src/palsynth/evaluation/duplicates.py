"""Near-duplicates: pictures that are one picture, shifted, mirrored, brightened or compressed.

Two steps. A coarse one compares every picture with every other at 32 px, with shifts; a fine one
looks at the best few again at 96 px, at all shifts. Both correlate pictures without their mean
brightness and their coarsest light, so that neither exposure nor contrast matters.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

COARSE, FINE = 32, 96
REACH = 2
"""Shifts of the coarse step, in its pixels: 7 px of a picture of 112."""

CANDIDATES = 4
"""Pictures that the fine step looks at."""

DUPLICATE = 0.92
"""Correlation of the fine step from which two pictures count as one (docs/measurements.md)."""

_BLOCK = 2048


@dataclass(frozen=True)
class Match:
    """Of each picture: the most similar one's number, and their correlation, -1 … 1; (N,)."""

    index: np.ndarray
    correlation: np.ndarray


def prepared(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A picture (H, W, 3) uint8 as the two steps see it, (COARSE, COARSE) and (FINE, FINE)
    float32: grey, without its coarsest light."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    fine = cv2.resize(grey, (FINE, FINE), interpolation=cv2.INTER_AREA)
    coarse = cv2.resize(cv2.GaussianBlur(fine, (0, 0), 1.2), (COARSE, COARSE),
                        interpolation=cv2.INTER_AREA)  # fmt: skip
    return _without_light(coarse, COARSE), _without_light(cv2.GaussianBlur(fine, (0, 0), 0.8), FINE)


def _without_light(image: np.ndarray, size: int) -> np.ndarray:
    return image - cv2.GaussianBlur(image, (0, 0), size / 10)


def duplicates(
    probes: tuple[np.ndarray, np.ndarray],
    gallery: tuple[np.ndarray, np.ndarray],
    progress: Callable[[int, int], None] | None = None,
) -> Match:
    """The nearest picture of a gallery to each probe, as it is or mirrored.

    ``probes`` and ``gallery`` are stacks of what :func:`prepared` gives, (N, …) and (M, …).
    """
    index, best = np.zeros(len(probes[0]), np.int64), np.full(len(probes[0]), -1.0)
    for begin in range(0, len(best), _BLOCK):
        rows = np.arange(begin, min(begin + _BLOCK, len(best)))
        likely = _candidates(probes[0][rows], gallery[0])
        for row, candidates in zip(rows, likely, strict=True):
            found = _fine(probes[1][row], gallery[1][candidates])
            index[row], best[row] = candidates[found.argmax()], found.max()
        if progress is not None:
            progress(int(rows[-1]) + 1, len(best))
    return Match(index, best)


def _candidates(probes: np.ndarray, gallery: np.ndarray) -> np.ndarray:
    """(N, up to CANDIDATES) numbers of the gallery's pictures most like each probe."""
    inner = slice(REACH, COARSE - REACH)
    fixed = _unit(gallery[:, inner, inner])
    best = np.full((len(probes), len(gallery)), -1.0, np.float32)
    for turned in (probes, probes[:, :, ::-1]):
        for down in range(2 * REACH + 1):
            for right in range(2 * REACH + 1):
                size = COARSE - 2 * REACH
                moved = _unit(turned[:, down : down + size, right : right + size])
                np.maximum(best, moved @ fixed.T, out=best)
    count = min(CANDIDATES, len(gallery))
    return np.argpartition(-best, count - 1, axis=1)[:, :count]


def _unit(images: np.ndarray) -> np.ndarray:
    """Pictures (N, H, W) as vectors (N, H * W) of mean 0 and length 1."""
    flat = images.reshape(len(images), -1)
    flat = flat - flat.mean(1, keepdims=True)
    return flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6)


def _fine(probe: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Correlation of a picture's inside with each other picture, where it fits best; the lower
    one of the whole and of its middle, so that a like wall and cap do not make two faces one."""
    rim = FINE // 12
    size = FINE - 2 * rim
    middle = slice(size // 5, size - size // 5)
    out = np.full(len(others), -1.0)
    for turned in (probe, probe[:, ::-1]):
        inside = np.ascontiguousarray(turned[rim:-rim, rim:-rim])
        for k, other in enumerate(others):
            found = cv2.matchTemplate(other, inside, cv2.TM_CCOEFF_NORMED)
            _, whole, _, (right, down) = cv2.minMaxLoc(found)
            window = other[down : down + size, right : right + size]
            faces = _unit(np.stack([inside[middle, middle], window[middle, middle]]))
            out[k] = max(out[k], min(whole, float(faces[0] @ faces[1])))
    return out

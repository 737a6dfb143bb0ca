"""Privacy of a synthetic set, as arithmetic over distances: who is recognised, who was trained on.

Distances are smaller for more alike faces; NaN stands where no face was found and matches nobody.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from palsynth.evaluation.recognition import auc

FALSE_ACCEPTS = (0.01, 0.001)
"""False-accept rates at which re-identification is given."""

_BLOCK = 1024


@dataclass(frozen=True)
class Nearest:
    """Of each picture: the nearest one's number (-1: no face), and the distance; (N,)."""

    index: np.ndarray
    distance: np.ndarray


def distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Euclidean distances (N, M) of features (N, D) and (M, D), in float64."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    squared = np.square(a).sum(1)[:, None] + np.square(b).sum(1) - 2 * (a @ b.T)
    return np.sqrt(np.maximum(squared, 0))


def nearest(probes: np.ndarray, gallery: np.ndarray) -> Nearest:
    """The nearest of a gallery (M, D) to each probe (N, D), in blocks of bounded memory."""
    index, distance = np.full(len(probes), -1), np.full(len(probes), np.nan)
    for begin in range(0, len(probes), _BLOCK):
        block = distances(probes[begin : begin + _BLOCK], gallery)
        rows = np.flatnonzero(~np.isnan(block).all(1))
        best = np.nanargmin(block[rows], 1)
        index[begin + rows], distance[begin + rows] = best, block[rows, best]
    return Nearest(index, distance)


def threshold_at(impostors: np.ndarray, far: float) -> float:
    """The largest distance that accepts at most a share ``far`` of pairs of two people (N,).

    A pair counts as one person where its distance is below the threshold.
    """
    known = np.sort(impostors[~np.isnan(impostors)])
    if not len(known):
        return float("nan")
    allowed = int(np.floor(far * len(known) + 1e-9))
    return float(known[min(allowed, len(known) - 1)])


def recognised(distance: np.ndarray, threshold: float) -> np.ndarray:
    """(N,) bool, whether a recogniser with this threshold takes a pair for one person."""
    with np.errstate(invalid="ignore"):
        return np.asarray(distance < threshold)


def membership_auc(members: np.ndarray, others: np.ndarray) -> float:
    """How well a score (a loss, a distance to the nearest synthetic picture) tells training
    pictures from others, 0.5 not at all: the chance that a member's is the lower one."""
    known = [-v[~np.isnan(v)] for v in (members, others)]
    return auc(known[0], known[1]) if all(map(len, known)) else float("nan")

"""Privacy of a synthetic set, from distances: re-identification and membership inference.

Distances are smaller for more similar faces; NaN stands for an image without a face, which matches
no other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from palsynth.evaluation import checks
from palsynth.evaluation.recognition import auc

FALSE_ACCEPTS = (0.01, 0.001)
"""False-accept rates at which re-identification is reported."""

_BLOCK = 1024


@dataclass(frozen=True)
class Nearest:
    """The nearest entry of a gallery to each probe.

    Attributes:
        index: (N,) int, -1 for a probe without a face.
        distance: (N,) float, NaN for a probe without a face.
    """

    index: np.ndarray
    distance: np.ndarray


def distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Euclidean distances of features.

    Args:
        a: (N, D) features.
        b: (M, D) features.

    Returns:
        (N, M) float64; NaN for rows of NaN.

    Raises:
        InputError: features are no numbers or differ in length.
    """
    checks.features("a", a)
    checks.features("b", b, a.shape[1])
    a, b = a.astype(np.float64), b.astype(np.float64)
    squared = np.square(a).sum(1)[:, None] + np.square(b).sum(1) - 2 * (a @ b.T)
    return np.sqrt(np.maximum(squared, 0))


def nearest(probes: np.ndarray, gallery: np.ndarray) -> Nearest:
    """Finds the nearest entry of a gallery to each probe, in blocks of bounded memory.

    Args:
        probes: (N, D) features; rows of NaN have no face.
        gallery: (M, D) features.

    Returns:
        Indices and distances; -1 and NaN too where the gallery shows no face.

    Raises:
        InputError: features are no numbers or differ in length, or the gallery is empty.
    """
    checks.features("probes", probes)
    checks.features("gallery", gallery, probes.shape[1])
    checks.at_least("gallery", len(gallery), 1, "pictures: there is nothing to compare with")
    index, distance = np.full(len(probes), -1), np.full(len(probes), np.nan)
    for start in range(0, len(probes), _BLOCK):
        block = distances(probes[start : start + _BLOCK], gallery)
        rows = np.flatnonzero(~np.isnan(block).all(1))
        best = np.nanargmin(block[rows], 1)
        index[start + rows], distance[start + rows] = best, block[rows, best]
    return Nearest(index, distance)


def threshold_at(impostors: np.ndarray, far: float) -> float:
    """The largest threshold with at most a given false-accept rate.

    A pair is accepted as one person if its distance is below the threshold.

    Args:
        impostors: (N,) distances of pairs of different people; NaN is left out.
        far: false-accept rate, 0 to 1.

    Returns:
        The threshold; NaN if there are no pairs.

    Raises:
        InputError: a distance is infinite, or the rate no share.
    """
    checks.finite("impostors", impostors.reshape(-1), missing=True)
    checks.within("far", far, 0, 1)
    known = np.sort(impostors[~np.isnan(impostors)])
    if not len(known):
        return float("nan")
    allowed = int(np.floor(far * len(known) + 1e-9))
    return float(known[min(allowed, len(known) - 1)])


def recognised(distance: np.ndarray, threshold: float) -> np.ndarray:
    """Whether a recogniser accepts pairs as one person.

    Args:
        distance: (N,) distances of the pairs; NaN is not accepted.
        threshold: the recogniser's threshold.

    Returns:
        (N,) bool.

    Raises:
        InputError: there is no threshold, or a distance is infinite.
    """
    if np.isnan(threshold):
        raise checks.TooFewError("threshold: there are no pairs of two people to take it from")
    checks.finite("distance", distance, missing=True)
    with np.errstate(invalid="ignore"):
        return np.asarray(distance < threshold)


def membership_auc(members: np.ndarray, others: np.ndarray) -> float:
    """AUC of a membership-inference attack: how well a score separates training images.

    Args:
        members: (N,) scores of training images, such as a loss or the distance to the nearest
            synthetic image; NaN is left out.
        others: (M,) scores of other images.

    Returns:
        The probability that a member's score is the lower one: 0.5 by chance, 1 if all members
        can be inferred. NaN if there are no scores.

    Raises:
        InputError: a score is infinite.
    """
    for name, scores in (("members", members), ("others", others)):
        checks.dimensions(name, scores, (None,))
        checks.finite(name, scores, missing=True)
    known = [-v[~np.isnan(v)] for v in (members, others)]
    return auc(known[0], known[1]) if all(map(len, known)) else float("nan")

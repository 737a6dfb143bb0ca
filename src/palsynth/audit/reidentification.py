"""Are training subjects recognised in a synthetic set, more than in pictures of other people?"""

from __future__ import annotations

import numpy as np
from scipy.stats import permutation_test

from palsynth.audit.findings import Finding, Verdict, judged, share
from palsynth.audit.image_set import ImageSet
from palsynth.evaluation.intervals import Figure, bootstrap
from palsynth.evaluation.privacy import (
    FALSE_ACCEPTS,
    Nearest,
    distances,
    recognised,
    threshold_at,
)

FLAGGED = 0.01
"""Share of hold-out images that the re-identification threshold flags."""

MIN_HOLDOUT_FACES = 100
"""Least hold-out faces for which a share of 1 % can be estimated."""

SIGNIFICANT = 0.025
"""One-sided p below which a set matches training subjects more often than the hold-out does."""


def reidentified(
    faces: Nearest, impostors: Nearest, synthetic: ImageSet, training: ImageSet, holdout: ImageSet
) -> list[Finding]:
    """Shares of images matched to a training subject, at false-accept rates per comparison.

    The first is compared with the hold-out's where that has too few faces for :func:`flagged`.

    Args:
        faces: the nearest training face of each synthetic image.
        impostors: that of each hold-out image.
        synthetic: the synthetic set.
        training: the training set.
        holdout: people not in the training set.

    Returns:
        One finding per rate; all but perhaps the first are shown without a verdict.
    """
    few = (~np.isnan(impostors.distance)).sum() < MIN_HOLDOUT_FACES
    rng = np.random.default_rng(0)
    sample = rng.permutation(len(training.rows))[:2000]
    impostor_distances = distances(holdout.features, training.features[sample]).ravel()
    findings = []
    for far in FALSE_ACCEPTS:
        threshold = threshold_at(impostor_distances, far)
        found = _matched(faces, threshold, synthetic)
        of_holdout = _matched(impostors, threshold, holdout)
        name = f"matched to a training subject, %, at FAR {100 * far:g} % per comparison"
        name += f" (distance {threshold:.3f})"
        limit = ""
        verdict: Verdict = "shown"
        if few and far == FALSE_ACCEPTS[0] and not np.isnan(threshold):
            limit = "not above the hold-out's"
            own, others = (recognised(one.distance, threshold) for one in (faces, impostors))
            p = _matched_more_often(own, others, synthetic.subjects, holdout.subjects)
            verdict = "FAILED" if p < SIGNIFICANT else "undecided"
        findings.append(Finding(name, found, of_holdout, limit, verdict))
    return findings


def _matched_more_often(
    own: np.ndarray, others: np.ndarray, subjects: np.ndarray, other_subjects: np.ndarray
) -> float:
    """One-sided p that a set is matched no more often than the hold-out.

    Subjects are permuted, since the images of one are not independent (Ernst 2004, doi
    10.1214/088342304000000396). Of very few subjects no p is small: chance accuses no set.
    """
    shares = [
        np.array([hits[names == name].mean() for name in np.unique(names)])
        for hits, names in ((own, subjects), (others, other_subjects))
    ]
    found = permutation_test(
        shares,
        lambda a, b, axis: a.mean(axis) - b.mean(axis),
        vectorized=True,
        alternative="greater",
        n_resamples=999,
        batch=100,
        random_state=np.random.default_rng(0),
    )
    return float(found.pvalue)


def _matched(faces: Nearest, threshold: float, images: ImageSet) -> Figure:
    """Share of images below a threshold; NaN without one, where no hold-out face was found."""
    if np.isnan(threshold):
        return Figure(threshold, threshold, threshold, len(images.rows))
    return share(recognised(faces.distance, threshold), images.subjects)


def flagged(
    faces: Nearest, impostors: Nearest, synthetic: ImageSet, holdout: ImageSet
) -> list[Finding]:
    """Share of images nearer to a training face than 99 % of the hold-out's.

    The threshold is over the distance to the nearest of the whole training set, not per comparison.

    Args:
        faces: the nearest training face of each synthetic image.
        impostors: that of each hold-out image.
        synthetic: the synthetic set.
        holdout: people not in the training set.

    Returns:
        The share with its verdict, and the mean distances.
    """
    has_face = ~np.isnan(faces.distance), ~np.isnan(impostors.distance)
    groups = np.concatenate([synthetic.subjects[has_face[0]], holdout.subjects[has_face[1]]])
    score = np.concatenate([faces.distance[has_face[0]], impostors.distance[has_face[1]]])
    own = np.arange(len(score)) < has_face[0].sum()

    def nearer(score: np.ndarray, own: np.ndarray) -> float:
        """In %, with the threshold of this resample, whose uncertainty thus enters the interval."""
        if own.all() or not own.any():
            return float("nan")
        return float(100 * (score[own] < np.quantile(score[~own], FLAGGED)).mean())

    found = bootstrap(score, own, groups=groups, statistic=nearer, num_resamples=500)
    enough = has_face[1].sum() >= MIN_HOLDOUT_FACES
    verdict = judged(found.value, found.low <= 100 * FLAGGED) if enough else "undecided"
    mean, of_holdout = (bootstrap(score[rows], groups=groups[rows]) for rows in (own, ~own))
    limit = "lower bound at most 1"
    return [
        Finding("nearer to a training face than 99 % of impostors, %", found, None, limit, verdict),
        Finding("distance to the nearest training face, mean", mean, of_holdout, "", "shown"),
    ]

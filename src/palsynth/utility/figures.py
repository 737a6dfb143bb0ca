"""The figures of graders, with intervals over subjects."""

from __future__ import annotations

import numpy as np

from palsynth.data.examples import GRADES, ITEMS, UNKNOWN
from palsynth.evaluation.agreement import weighted_kappa
from palsynth.evaluation.intervals import Figure, bootstrap
from palsynth.utility.graded import Graded

FIGURES = {
    "item kappa ↑": "quadratic weighted kappa of the Yanagihara item, given the movement; "
    "undefined where all true items are the same",
    "item right, % ↑": "share of items scored exactly",
    "grade kappa ↑": "quadratic weighted kappa of the House-Brackmann grade; undefined where all "
    "true grades are the same",
    "grade within one, % ↑": "share of grades at most one step off",
    "side accuracy, % ↑": "share of images with a weak side whose side is told from the other",
}
"""Name of a figure -> its definition."""


def figures(graded: list[Graded]) -> dict[str, Figure]:
    """The figures of a row, averaged over its seeds.

    The intervals are bootstrap intervals over subjects, whose images are resampled together; they
    do not include the variation between seeds.

    Args:
        graded: results of the graders of a row, one per seed, on the same images.

    Returns:
        Name in ``FIGURES`` -> figure; those without labels are left out. A kappa is NaN where all
        true labels are the same, and its interval is over the resamples that have two.
    """
    seed = np.concatenate([np.full(len(g.items), k) for k, g in enumerate(graded)])
    columns = {
        name: np.concatenate([getattr(g, name) for g in graded])
        for name in (
            *("items", "found_items", "grades", "found_grades"),
            *("sides", "found_sides", "subjects"),
        )
    }
    out: dict[str, Figure] = {}
    for label, scale, true, found in (
        ("item", ITEMS, "items", "found_items"),
        ("grade", GRADES, "grades", "found_grades"),
    ):
        known = columns[true] != UNKNOWN
        if not known.any():
            continue
        classes = range(len(scale))

        def kappa(t: np.ndarray, f: np.ndarray, s: np.ndarray, classes: range = classes) -> float:
            by_seed = [_kappa(t[s == k], f[s == k], classes) for k in np.unique(s)]
            return float(np.mean(by_seed))

        targets, predictions = columns[true][known], columns[found][known]
        groups = columns["subjects"][known]
        out[f"{label} kappa ↑"] = bootstrap(
            targets,
            predictions,
            seed[known],
            groups=groups,
            statistic=kappa,
            num_resamples=500,
        )
        tolerance = 0 if label == "item" else 1
        name = "item right, % ↑" if label == "item" else "grade within one, % ↑"
        hits = np.abs(targets - predictions) <= tolerance
        out[name] = bootstrap(100.0 * hits, groups=groups)
    sided = (columns["sides"] > 0) & (columns["found_sides"] != UNKNOWN)
    if sided.any():
        hits = columns["sides"][sided] == columns["found_sides"][sided]
        out["side accuracy, % ↑"] = bootstrap(100.0 * hits, groups=columns["subjects"][sided])
    return out


def _kappa(targets: np.ndarray, predictions: np.ndarray, classes: range) -> float:
    """The weighted kappa; NaN where all targets are the same, so that it tells nothing."""
    if np.ptp(targets) == 0:
        return float("nan")
    return weighted_kappa(targets, predictions, classes)


def difference(one: list[Graded], other: list[Graded]) -> Figure:
    """Difference of the mean item kappas of two rows, with an interval over subjects.

    Args:
        one: results of the graders of a row, one per seed.
        other: those of the row to subtract, as many, on the same images.

    Returns:
        Item kappa of ``one`` less that of ``other``.
    """
    known = one[0].items != UNKNOWN

    def gap(*columns: np.ndarray) -> float:
        targets, predictions = columns[0], columns[1:]
        half = len(predictions) // 2
        kappas = [_kappa(targets, found, range(len(ITEMS))) for found in predictions]
        return float(np.mean(kappas[:half]) - np.mean(kappas[half:]))

    found = [g.found_items[known] for g in (*one, *other)]
    groups = one[0].subjects[known]
    return bootstrap(one[0].items[known], *found, groups=groups, statistic=gap, num_resamples=500)

"""What the judges found out about one method: figures with intervals, and values per pair."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from palsynth.evaluation.compute import compute
from palsynth.evaluation.intervals import Figure
from palsynth.evaluation.metric import Metric
from palsynth.evaluation.metrics import METRICS
from palsynth.scoring.inputs import PictureInputs


@dataclass(frozen=True)
class Judged:
    """A method's figures and the values per pair behind them."""

    method: str
    names: list[str]
    """Name of each of the N pairs."""
    subjects: list[str]
    """Subject of each pair, the unit of the bootstrap."""
    figures: dict[str, Figure] = field(default_factory=dict)
    """Key of the metric -> figure."""
    per_pair: dict[str, np.ndarray] = field(default_factory=dict)
    """Key of the metric -> values, (N,); also ``requested`` and ``measured``, which plots show."""
    variants: dict[str, str] = field(default_factory=dict)
    """Key of the metric -> full name with backend, resize, weights and count."""
    reasons: dict[str, str] = field(default_factory=dict)
    """Key of the metric -> why its figure is NaN."""


def judge_pictures(method: str, names: list[str], inputs: PictureInputs) -> Judged:
    """Computes every metric whose needs the pictures meet.

    Args:
        method: name of the method.
        names: names of the N pictures.
        inputs: the pictures.

    Returns:
        The figures, in the order of the registry, and the values per pair.

    Raises:
        InputError: an image cannot be read or differs in size from the truth, or a judge's features
            are no numbers.
    """
    judged = Judged(method, names, inputs.subjects.tolist())
    for metric in METRICS:
        if metric.compute is None or not inputs.provides >= set(metric.needs):
            continue
        found = compute(metric, inputs)
        judged.figures[metric.key] = found.figure
        if found.values is not None:
            judged.per_pair[metric.key] = found.values
        if found.variant:
            judged.variants[metric.key] = found.variant
        if found.reason:
            judged.reasons[metric.key] = found.reason
    if inputs.provides >= {"pairs", "labels"}:
        measures = inputs.requested()
        judged.per_pair.update({"requested": measures.requested, "measured": measures.measured})
    return judged


def figures_of(
    judged: Judged, chosen: np.ndarray, metrics: tuple[Metric, ...]
) -> dict[str, Figure]:
    """Figures over a subset of the pairs.

    Args:
        judged: A method's values per pair.
        chosen: which pairs count, (N,) bool.
        metrics: which metrics.

    Returns:
        Key -> figure, for those of the metrics whose values the method has.
    """
    subjects = np.array(judged.subjects)[chosen]
    return {
        metric.key: metric.pool(judged.per_pair[metric.key][chosen], subjects)
        for metric in metrics
        if metric.key in judged.per_pair
    }

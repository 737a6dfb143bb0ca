"""What the judges found out about one method: figures with intervals, and values per pair."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from palsynth.evaluation.intervals import Figure, bootstrap


@dataclass(frozen=True)
class Judged:
    """A method's figures and the values per pair behind them."""

    method: str
    names: list[str]
    """Name of each of the N pairs."""
    subjects: list[str]
    """Subject of each pair, the unit of the bootstrap."""
    figures: dict[str, Figure] = field(default_factory=dict)
    """Column key -> figure."""
    per_pair: dict[str, np.ndarray] = field(default_factory=dict)
    """Column key -> values, (N,)."""
    variants: dict[str, str] = field(default_factory=dict)
    """Column key -> full name with backend, resize, weights and count."""


BY_GROUP = (
    "landmark_error",
    "identity_distance",
    "identity_top1",
    "leak_distance",
    "side_accuracy",
    "judge_movement",
    "judge_weakness",
    "ser_fiq",
    "faces",
)
"""Columns that are also reported by gender and by ethnicity."""


def figures_of(judged: Judged, chosen: np.ndarray) -> dict[str, Figure]:
    """Figures over a subset of the pairs.

    Args:
        judged: A method's values per pair.
        chosen: which pairs count, (N,) bool.

    Returns:
        Column key -> figure, for the columns in ``BY_GROUP`` that the method has.
    """
    figures = {}
    subjects = np.array(judged.subjects)
    for key in BY_GROUP:
        if key in judged.per_pair:
            rows = chosen & np.isfinite(judged.per_pair[key])
            figures[key] = bootstrap(judged.per_pair[key][rows], groups=subjects[rows])
    return figures

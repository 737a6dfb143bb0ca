"""What an audit finds: a figure of the synthetic set, beside the hold-out's, with a verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from palsynth.evaluation.intervals import Figure, bootstrap

Verdict = Literal["passed", "FAILED", "undecided", "shown"]
"""``shown`` figures have no limit; ``undecided`` ones could not be compared with theirs, and do not
count as passed."""


@dataclass(frozen=True)
class Finding:
    """A figure of the synthetic set with its verdict."""

    name: str
    found: Figure
    """The figure of the synthetic set."""
    impostors: Figure | None
    """The same figure of the hold-out, where it has one."""
    limit: str
    """What the figure must satisfy, in words; empty if it is only shown."""
    verdict: Verdict


def judged(figure: float, passed: bool) -> Verdict:
    """The verdict on a figure.

    Args:
        figure: the value; NaN if it could not be computed.
        passed: whether it satisfies its limit.

    Returns:
        ``undecided`` for NaN, else ``passed`` or ``FAILED``.
    """
    return "undecided" if np.isnan(figure) else "passed" if passed else "FAILED"


def share(flags: np.ndarray, groups: np.ndarray) -> Figure:
    """The share of pictures of which something is true.

    Args:
        flags: of each picture whether it is, (N,) bool.
        groups: subject of each picture, (N,) strings.

    Returns:
        The share in per cent, with an interval over subjects.
    """
    return bootstrap(100.0 * flags, groups=groups)

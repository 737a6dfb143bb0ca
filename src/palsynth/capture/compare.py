"""Compares the expressions of two faces: the patient's photo and an image made from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from palsynth.capture.basis import basis
from palsynth.capture.coefficients import ExpressionCoefficients
from palsynth.capture.evidence import regions, ways
from palsynth.capture.reading import PalsyReading, read, strengths
from palsynth.clinical import Movement, Side

LOST = {"brow": 0.03, "mouth": 0.04}
"""Root mean square difference of a region's displacement, in outer-eye distances, from which it
counts as moving differently, provided that it also exceeds the share ``LARGER`` of the movement."""

LARGER = 0.6
"""Share of the larger of both movements that the difference must exceed."""

MIN_DISPLACEMENT = 0.008
"""Root mean square displacement of a region below which an image shows no movement."""

LIDS = 0.4
"""Difference of lid closure that counts, and closure from which lids count as moving."""

CLEARLY = 1.5
"""How clear a weak side must be, in units of the limit for healthy people, for its absence to count
as a loss; a weaker finding may not be repeatable."""


@dataclass(frozen=True)
class Comparison:
    """Differences between two expressions, described in text."""

    side: str = ""
    """How the weak side differs; empty if it does not."""

    movement: tuple[str, ...] = ()
    """One line per region that moves differently."""

    weak_side: Side | None = None
    """The patient's weak side; None if neither is clearly weak."""

    moves: bool = True
    """Whether any region moves in the patient's image."""


def compare(
    patient: ExpressionCoefficients,
    made: ExpressionCoefficients,
    movement: Movement | None = None,
    lids: float = LIDS,
) -> Comparison:
    """Compares a patient's expression with that of an image made from it.

    Args:
        patient: the patient's expression.
        made: the expression in the image.
        movement: the movement requested of the patient, if known.
        lids: difference of lid closure that counts, 0 to 1.

    Returns:
        The differences.
    """
    lines = [
        line for region in ("brow", "mouth") if (line := _region_line(patient, made, region))
    ] + _lid_lines(patient, made, lids)
    own = read(patient, movement)
    return Comparison(
        _side(own, read(made, movement)), tuple(lines), own.weak_side, _moves(patient)
    )


def _moves(coefficients: ExpressionCoefficients) -> bool:
    """Whether brow, mouth or lids of either side clearly move."""
    regional = max(_rms(_region_displacement(coefficients, region)) for region in LOST)
    lids = max(abs(coefficients.of(side).closure) for side in Side)
    return regional > MIN_DISPLACEMENT or lids > LIDS


def _side(patient: PalsyReading, made: PalsyReading) -> str:
    """How the weak side differs, empty if it does not."""
    if patient.weak_side is made.weak_side:
        return ""
    if patient.weak_side is not None and made.weak_side is not None:
        return f"the {made.weak_side.value} looks weak, the patient's {patient.weak_side.value}"
    if patient.weak_side is not None and _clear(patient) > CLEARLY:
        return f"no side looks weak, the patient's {patient.weak_side.value}"
    if made.weak_side is not None and _clear(made) > CLEARLY:
        return f"the {made.weak_side.value} looks weak, neither side of the patient does"
    return ""


def _clear(reading: PalsyReading) -> float:
    """How clear the weak side is in its clearest region."""
    clear = [r.clear for r in reading.regions.values() if r.weak_side is reading.weak_side]
    return max(clear, default=0.0)


def _region_line(patient: ExpressionCoefficients, made: ExpressionCoefficients, region: str) -> str:
    """How a region's movement differs, empty if it does not."""
    expected, found = (_region_displacement(c, region) for c in (patient, made))
    difference, largest = _rms(expected - found), max(_rms(expected), _rms(found))
    if difference <= max(LOST[region], LARGER * largest):
        return ""
    return (
        f"the {region} moves differently: off by {100 * difference:.1f} % of the outer-eye "
        f"distance, the patient's moves by {100 * _rms(expected):.1f} %"
    )


def _region_displacement(coefficients: ExpressionCoefficients, region: str) -> np.ndarray:
    """Displacement (N, 2) of a region's landmarks, weighted by certainty, outer-eye distances."""
    moved = ways(strengths(coefficients), regions()[region])
    return coefficients.certainty[region] * np.vstack([moved[side] for side in Side])


def displacement(coefficients: ExpressionCoefficients) -> np.ndarray:
    """Computes the displacement of the landmarks, independent of identity and head pose.

    Lids are not included: they are described by their closure.

    Args:
        coefficients: the expression.

    Returns:
        Displacements (468, 2), outer-eye distances.
    """
    return np.asarray(np.tensordot(strengths(coefficients), basis().columns, 1)[:, :2])


def _rms(displacement: np.ndarray) -> float:
    """Root mean square length of displacements (N, 2)."""
    return float(np.sqrt(np.square(displacement).sum(1).mean()))


def _lid_lines(
    patient: ExpressionCoefficients, made: ExpressionCoefficients, least: float
) -> list[str]:
    """One line per eye whose closure differs."""
    lines = []
    for side in Side:
        expected, found = patient.of(side).closure, made.of(side).closure
        if abs(expected - found) > least:
            lines.append(f"the {side.value} eye is {_shut(found)}, the patient's {_shut(expected)}")
    return lines


def _shut(closure: float) -> str:
    return "open" if closure < 0.15 else f"{100 * min(closure, 1.0):.0f} % shut"

"""Whether one face does what another does: the patient in a photo, and who shows it instead."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from palsynth.capture.basis import basis
from palsynth.capture.coefficients import ExpressionCoefficients
from palsynth.capture.evidence import regions, ways
from palsynth.capture.reading import PalsyReading, read, strengths
from palsynth.clinical import Movement, Side

LOST = {"brow": 0.03, "mouth": 0.04}
"""Mean difference of a region's ways, outer-eye distances, from which it moves otherwise, and only
where it is LARGER than most of the movement itself."""

LARGER = 0.6

LEAST = 0.008
"""Mean way of a region's landmarks below which a picture shows no movement."""

LIDS = 0.4
"""The same of how far lids are shut."""

CLEARLY = 1.5
"""How clear a weak side must be, in the limits of healthy people, to be missed where it is not seen
again; less than that may be seen once and not the next time."""


@dataclass(frozen=True)
class Comparison:
    """What differs, in words; empty where nothing does. ``side`` which side is weak, ``movement``
    one line a region that moves otherwise. ``weak_side`` of the patient where one is seen, and
    ``moves`` whether anything does in the patient's picture."""

    side: str = ""
    movement: tuple[str, ...] = ()
    weak_side: Side | None = None
    moves: bool = True


def compare(
    patient: ExpressionCoefficients, made: ExpressionCoefficients, movement: Movement | None = None
) -> Comparison:
    """Compares what a patient does with what a picture made of it shows; ``movement`` is what the
    patient was asked for, if that is known."""
    lines = [
        line for region in ("brow", "mouth") if (line := _otherwise(patient, made, region))
    ] + _lids(patient, made)
    own = read(patient, movement)
    return Comparison(
        _side(own, read(made, movement)), tuple(lines), own.weak_side, _moves(patient)
    )


def _moves(coefficients: ExpressionCoefficients) -> bool:
    """Whether brow, mouth or lids of either side clearly do."""
    ways = max(_length(_ways(coefficients, region)) for region in LOST)
    lids = max(abs(coefficients.of(side).closure) for side in Side)
    return ways > LEAST or lids > LIDS


def _side(patient: PalsyReading, made: PalsyReading) -> str:
    if patient.weak_side is made.weak_side:
        return ""
    if patient.weak_side is not None and made.weak_side is not None:
        return f"the {made.weak_side.value} looks weak, the patient's {patient.weak_side.value}"
    if patient.weak_side is not None and _clear(patient) > CLEARLY:
        return f"no side looks weak, the patient's {patient.weak_side.value}"
    if made.weak_side is not None and _clear(made) > CLEARLY:
        return f"the {made.weak_side.value} looks weak, neither of the patient's"
    return ""


def _clear(reading: PalsyReading) -> float:
    """How clear the weak side is where it is clearest."""
    found = [r.clear for r in reading.regions.values() if r.weak_side is reading.weak_side]
    return max(found, default=0.0)


def _otherwise(patient: ExpressionCoefficients, made: ExpressionCoefficients, region: str) -> str:
    there, here = (_ways(coefficients, region) for coefficients in (patient, made))
    apart, most = _length(there - here), max(_length(there), _length(here))
    if apart <= max(LOST[region], LARGER * most):
        return ""
    return (
        f"the {region} moves otherwise: {100 * apart:.1f} % of the eyes' distance off, where the "
        f"patient's moves by {100 * _length(there):.1f} %"
    )


def _ways(coefficients: ExpressionCoefficients, region: str) -> np.ndarray:
    """What a region's landmarks (N, 2) are driven to do, outer-eye distances."""
    moved = ways(strengths(coefficients), regions()[region])
    return coefficients.certainty[region] * np.vstack([moved[side] for side in Side])


def displacement(coefficients: ExpressionCoefficients) -> np.ndarray:
    """Where the landmarks (468, 2) of a face go by its coefficients, outer-eye distances, whoever
    it is and however the head is turned; lids are told by their closure instead."""
    return np.asarray(np.tensordot(strengths(coefficients), basis().columns, 1)[:, :2])


def _length(way: np.ndarray) -> float:
    return float(np.sqrt(np.square(way).sum(1).mean()))


def _lids(patient: ExpressionCoefficients, made: ExpressionCoefficients) -> list[str]:
    lines = []
    for side in Side:
        there, here = patient.of(side).closure, made.of(side).closure
        if abs(there - here) > LIDS:
            lines.append(f"the {side.value} eye is {_shut(here)}, the patient's {_shut(there)}")
    return lines


def _shut(closure: float) -> str:
    return "open" if closure < 0.15 else f"{100 * min(closure, 1.0):.0f} % shut"

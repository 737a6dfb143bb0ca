"""Clinical measures of a face from its landmarks (as in Emotrics, Guarin 2018).

Axes are turned to the line of the pupils; where an eye is shut there is no pupil, so the
line of the canthi is used instead. Lengths are in millimetres on the iris scale (an iris
is 11.77 mm wide) or, where no iris is in sight, fractions of the outer-eye distance.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from palsynth.clinical import Side
from palsynth.face import topology

IRIS_MM = 11.77

OPEN_FISSURE = 0.055
"""Fissure, as a fraction of the outer-eye distance, below which an iris is not to be trusted."""

SIDED = (
    "brow height", "MRD1", "MRD2", "palpebral fissure", "commissure distance", "smile angle",
    "commissure height", "upper lip height", "lower lip height", "alar height", "cheek width",
)  # fmt: skip
"""Measures that each side has. Brow height and MRD1 count upwards from the eye, all other
heights downwards from the line of the pupils (or canthi)."""

MIDLINE = ("dental show", "philtrum tilt", "mouth shift", "lip width", "lip height")
"""Measures of the whole face; signed ones are positive towards the patient's left."""

DEGREES = frozenset({"smile angle", "philtrum tilt"})
"""Measures that are angles."""


@dataclass(frozen=True)
class Sided:
    """One measure on both sides."""

    left: float
    right: float

    @property
    def asymmetry(self) -> float:
        """Left minus right."""
        return self.left - self.right

    def of(self, side: Side) -> float:
        """One side's value."""
        return self.left if side is Side.LEFT else self.right


@dataclass(frozen=True)
class Measures:
    """``sided`` and ``midline`` measures; ``unit`` "mm" or "outer-eye fraction" for lengths
    (angles are degrees); ``outer_eye`` the outer-eye distance in that unit."""

    sided: Mapping[str, Sided]
    midline: Mapping[str, float]
    unit: str
    outer_eye: float

    def fractions(self) -> Measures:
        """The same measures with every length as a fraction of the outer-eye distance."""
        k = 1 / self.outer_eye
        sided = {
            n: v if n in DEGREES else Sided(v.left * k, v.right * k) for n, v in self.sided.items()
        }
        midline = {n: v if n in DEGREES else v * k for n, v in self.midline.items()}
        return Measures(sided, midline, "outer-eye fraction", 1.0)


def measure(landmarks: np.ndarray) -> Measures:
    """Measures a face from its landmarks (478, 2 or 3), pixels of an unmirrored image."""
    points = np.asarray(landmarks, np.float64)[:, :2]
    canthi = points[[topology.OUTER_CANTHUS["right"], topology.OUTER_CANTHUS["left"]]]
    outer = float(np.linalg.norm(canthi[1] - canthi[0]))
    irises = {s: points[topology.IRIS[s.value][0]] for s in Side}
    visible = {s: _gap(points, s) / outer > OPEN_FISSURE for s in Side}
    if all(visible.values()):
        axis, middle = irises[Side.LEFT] - irises[Side.RIGHT], sum(irises.values()) / 2
    else:
        axis, middle = canthi[1] - canthi[0], canthi.mean(0)
    c, s = axis / np.linalg.norm(axis)
    level = (points - middle) @ np.array([[c, -s], [s, c]])  # x to the patient's left, y down

    sided = {
        name: Sided(*(value(level, s) for s in (Side.LEFT, Side.RIGHT)))
        for name, value in _SIDED.items()
    }
    width = [_iris_width(points, s) for s in Side if visible[s]]
    unit, per_pixel = (
        ("mm", IRIS_MM / float(np.mean(width))) if width else ("outer-eye fraction", 1 / outer)
    )
    scaled = {
        n: v if n in DEGREES else Sided(v.left * per_pixel, v.right * per_pixel)
        for n, v in sided.items()
    }
    midline = {n: v if n in DEGREES else v * per_pixel for n, v in _midline(level).items()}
    return Measures(scaled, midline, unit, outer * per_pixel)


def _gap(points: np.ndarray, side: Side) -> float:
    """Middle opening of the lids, in pixels."""
    upper, lower = topology.UPPER_LID[side.value], topology.LOWER_LID[side.value]
    return float(np.linalg.norm(points[list(upper[3:6])] - points[list(lower[3:6])], axis=1).mean())


def _iris_width(points: np.ndarray, side: Side) -> float:
    _, a, _, b, _ = points[list(topology.IRIS[side.value])]
    return float(np.linalg.norm(a - b))


def _eye_line(level: np.ndarray, side: Side) -> float:
    """Height of the middle of the canthi, which stands for the pupil: the two differ by under a
    millimetre, and the canthi stay where they are when an eye is shut or rolled up."""
    corners = [topology.INNER_CANTHUS[side.value], topology.OUTER_CANTHUS[side.value]]
    return float(level[corners, 1].mean())


def _brow(level: np.ndarray, side: Side) -> float:
    brow = [*topology.BROW_UPPER[side.value], *topology.BROW_LOWER[side.value]]
    return _eye_line(level, side) - float(level[brow, 1].mean())


def _mrd1(level: np.ndarray, side: Side) -> float:
    return _eye_line(level, side) - float(
        level[list(topology.UPPER_LID[side.value][3:6]), 1].mean()
    )


def _mrd2(level: np.ndarray, side: Side) -> float:
    return float(level[list(topology.LOWER_LID[side.value][3:6]), 1].mean()) - _eye_line(
        level, side
    )


def _excursion(level: np.ndarray, side: Side) -> float:
    return float(np.linalg.norm(level[topology.COMMISSURE[side.value]] - level[17]))


def _smile_angle(level: np.ndarray, side: Side) -> float:
    dx, dy = level[topology.COMMISSURE[side.value]] - level[17]
    return float(90 + np.degrees(np.arctan2(-dy, abs(dx))))


def _height(indices: dict[str, tuple[int, ...]]):  # type: ignore[no-untyped-def]
    return lambda level, side: float(level[list(indices[side.value]), 1].mean())


_SIDED = {
    "brow height": _brow,
    "MRD1": _mrd1,
    "MRD2": _mrd2,
    "palpebral fissure": _gap,
    "commissure distance": _excursion,
    "smile angle": _smile_angle,
    "commissure height": _height({"left": (291, 308), "right": (61, 78)}),
    "upper lip height": _height({"left": (269, 311), "right": (39, 81)}),
    "lower lip height": _height({"left": (405, 402), "right": (181, 178)}),
    "alar height": _height({"left": (358, 327), "right": (129, 98)}),
    "cheek width": lambda level, side: float(
        abs(
            level[list({"left": (425, 436), "right": (205, 216)}[side.value]), 0] - level[168, 0]
        ).mean()
    ),
}


def _midline(level: np.ndarray) -> dict[str, float]:
    nose, lip = level[topology.PHILTRUM[0]], level[topology.PHILTRUM[1]]
    corners = level[list(topology.COMMISSURE.values())]
    return {
        "dental show": float(max(0.0, level[14, 1] - level[13, 1])),
        "philtrum tilt": float(np.degrees(np.arctan2(lip[0] - nose[0], lip[1] - nose[1]))),
        "mouth shift": float(corners[:, 0].mean() - level[topology.NASION, 0]),
        "lip width": float(np.ptp(corners[:, 0])),
        "lip height": float(level[17, 1] - level[0, 1]),
    }

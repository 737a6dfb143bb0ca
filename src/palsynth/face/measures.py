"""Clinical measures of a face from its landmarks (as in Emotrics, Guarin 2018).

Axes are aligned with the line of the pupils; where an eye is closed and its pupil is hidden, with
the line of the canthi. Lengths are in millimetres, scaled by the iris, which is 11.77 mm wide, or,
where no iris is visible, fractions of the outer-eye distance.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from palsynth.clinical import Side
from palsynth.face import topology

IRIS_MM = 11.77
"""Width of an iris, millimetres."""

OPEN_FISSURE = 0.055
"""Palpebral fissure, in outer-eye distances, below which an iris is not located reliably."""

SIDED = (
    "brow height",
    "MRD1",
    "MRD2",
    "palpebral fissure",
    "commissure distance",
    "smile angle",
    "commissure height",
    "upper lip height",
    "lower lip height",
    "alar height",
    "cheek width",
)
"""Measures of each side. Brow height and MRD1 are positive upwards from the eye, all other heights
downwards from the line of the pupils (or canthi)."""

MIDLINE = ("dental show", "philtrum tilt", "mouth shift", "lip width", "lip height")
"""Measures of the whole face. The signed ones are positive towards the patient's left."""

DEGREES = frozenset({"smile angle", "philtrum tilt"})
"""Measures that are angles, in degrees."""


@dataclass(frozen=True)
class Sided:
    """One measure on both sides.

    Attributes:
        left: value of the patient's left side.
        right: value of the patient's right side.
    """

    left: float
    right: float

    @property
    def asymmetry(self) -> float:
        """Left minus right."""
        return self.left - self.right

    def of(self, side: Side) -> float:
        """Value of one side.

        Args:
            side: the patient's side.

        Returns:
            The value of that side.
        """
        return self.left if Side(side) is Side.LEFT else self.right


@dataclass(frozen=True)
class Measures:
    """The measures of a face.

    Attributes:
        sided: the measures :data:`SIDED` of both sides.
        midline: the measures :data:`MIDLINE` of the whole face.
        unit: unit of the lengths, ``mm`` or ``outer-eye fraction``; angles are degrees.
        outer_eye: outer-eye distance in this unit.
    """

    sided: Mapping[str, Sided]
    midline: Mapping[str, float]
    unit: str
    outer_eye: float

    def fractions(self) -> Measures:
        """The same measures with every length as a fraction of the outer-eye distance."""
        scale = 1 / self.outer_eye
        sided = {
            n: v if n in DEGREES else Sided(v.left * scale, v.right * scale)
            for n, v in self.sided.items()
        }
        midline = {n: v if n in DEGREES else v * scale for n, v in self.midline.items()}
        return Measures(sided, midline, "outer-eye fraction", 1.0)


def measure(landmarks: np.ndarray) -> Measures:
    """Measures a face.

    Args:
        landmarks: (478, 2 or 3), pixels of an unmirrored image.

    Returns:
        All measures, in pixels and degrees of the picture.
    """
    points = np.asarray(landmarks, np.float64)[:, :2]
    canthi = points[[topology.OUTER_CANTHUS["right"], topology.OUTER_CANTHUS["left"]]]
    outer = float(np.linalg.norm(canthi[1] - canthi[0]))
    irises = {s: points[topology.IRIS[s.value][0]] for s in Side}
    visible = {s: _fissure(points, s) / outer > OPEN_FISSURE for s in Side}
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
    widths = [_iris_width(points, s) for s in Side if visible[s]]
    unit, per_pixel = (
        ("mm", IRIS_MM / float(np.mean(widths))) if widths else ("outer-eye fraction", 1 / outer)
    )
    scaled = {
        n: v if n in DEGREES else Sided(v.left * per_pixel, v.right * per_pixel)
        for n, v in sided.items()
    }
    midline = {n: v if n in DEGREES else v * per_pixel for n, v in _midline(level).items()}
    return Measures(scaled, midline, unit, outer * per_pixel)


def _fissure(points: np.ndarray, side: Side) -> float:
    """Opening of the lids in the middle of the eye, pixels."""
    upper, lower = topology.UPPER_LID[side.value], topology.LOWER_LID[side.value]
    return float(np.linalg.norm(points[list(upper[3:6])] - points[list(lower[3:6])], axis=1).mean())


def _iris_width(points: np.ndarray, side: Side) -> float:
    _, a, _, b, _ = points[list(topology.IRIS[side.value])]
    return float(np.linalg.norm(a - b))


def _eye_line(level: np.ndarray, side: Side) -> float:
    """Height of the midpoint of the canthi, in place of that of the pupil.

    The two differ by less than a millimetre, and the canthi do not move where an eye is closed or
    rolled up.
    """
    corners = [topology.INNER_CANTHUS[side.value], topology.OUTER_CANTHUS[side.value]]
    return float(level[corners, 1].mean())


def _brow_height(level: np.ndarray, side: Side) -> float:
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


def _commissure_distance(level: np.ndarray, side: Side) -> float:
    return float(np.linalg.norm(level[topology.COMMISSURE[side.value]] - level[17]))


def _smile_angle(level: np.ndarray, side: Side) -> float:
    dx, dy = level[topology.COMMISSURE[side.value]] - level[17]
    return float(90 + np.degrees(np.arctan2(-dy, abs(dx))))


def _height(indices: dict[str, tuple[int, ...]]):  # type: ignore[no-untyped-def]
    return lambda level, side: float(level[list(indices[side.value]), 1].mean())


_SIDED = {
    "brow height": _brow_height,
    "MRD1": _mrd1,
    "MRD2": _mrd2,
    "palpebral fissure": _fissure,
    "commissure distance": _commissure_distance,
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

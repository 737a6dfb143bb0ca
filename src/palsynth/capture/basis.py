"""The simulator's fields as columns of a linear system over the 468 skin landmarks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from palsynth.appearance.model import canonical_mesh
from palsynth.clinical import YANAGIHARA, Grade, Movement, Palsy, Side
from palsynth.face import topology
from palsynth.simulator.drive import drive
from palsynth.simulator.surface import fields, side_gate

POINTS = topology.SKIN_POINTS

SIDED = (
    "browDown",
    "browInnerUp",
    "browOuterUp",
    "cheekPuff",
    "cheekRaiser",
    "eyeSquint",
    "mouthDimple",
    "mouthFrown",
    "mouthFunnel",
    "mouthLowerDown",
    "mouthPress",
    "mouthPucker",
    "mouthShrugLower",
    "mouthSmile",
    "mouthStretch",
    "mouthUpperUp",
    "noseSneer",
    "smile",
)
"""Fields estimated for each side. Lids are measured instead (:mod:`palsynth.capture.lids`)."""

MIDDLE = ("jawOpen", "mouthRollLower", "mouthRollUpper", "mouthShrugUpper")
"""Fields estimated for the whole face."""

_SAGS = frozenset({"browInnerUp", "browOuterUp", "cheekRaiser", "eyeSquint", "mouthSmile"})
"""Fields that loss of tone drives below zero."""

_MAX_STRENGTH = {"mouthPucker": 2.0, "cheekPuff": 3.3, "jawOpen": 1.2, "drag": 1.0}
"""Upper bounds of the strengths; default: 1.5."""

_PRIOR_DEVIATION = {"jawOpen": 0.25, "drag": 0.25}
"""Prior standard deviations of the fields of the middle and the drag; default: 0.12."""

GAIN = {
    "cheekPuff": 2.0,
    "browDown": 1.5,
    "noseSneer": 1.5,
    "mouthPucker": 1.25,
    "cheekRaiser": 1.3,
    "drag": 1.25,
}
"""Correction of the strengths for the landmark detector, which shrinks faces towards rest and
symmetry. On subjects with known strengths the slopes are 3.8 (cheekPuff), 2.3, 2.2, 1.5, 1.7 and
about 1 for all other fields; half of the correction is applied, because on photographs all of it
overshoots (docs/measurements.md)."""

FLOOR = 0.05
"""Standard deviation of a strength around the joint prior of the muscles."""

LOOSER = 0.15
"""Weight of the joint prior of the muscles. In most simulated movements a given muscle is at rest,
so the full weight of their second moments would shrink every strength to zero."""


@dataclass(frozen=True)
class Basis:
    """Columns of the linear system, with bounds and prior of their strengths."""

    names: tuple[tuple[str, str], ...]
    """Field and side ("left", "right" or "middle") of each of the C columns."""

    columns: np.ndarray
    """Displacements (C, 468, 3) at full strength, canonical units."""

    low: np.ndarray
    """Lower bounds (C,) of the strengths."""

    high: np.ndarray
    """Upper bounds (C,) of the strengths."""

    precision: np.ndarray
    """Precision matrix (C, C) of the prior, whose mean is rest."""

    def index(self, field: str, side: str) -> int:
        """Finds the column of a field.

        Args:
            field: name of the field.
            side: "left", "right" or "middle".

        Returns:
            Index of the column.

        Raises:
            ValueError: there is no such column.
        """
        return self.names.index((field, side))


@lru_cache(maxsize=1)
def basis() -> Basis:
    """The columns, with sided fields gated at the midline as in the simulator."""
    library, mesh = fields(), canonical_mesh()
    gate = side_gate()[:POINTS, None]
    names: list[tuple[str, str]] = []
    columns = []
    for field in SIDED:
        names += [(field, "left"), (field, "right")]
        columns += [library[field][:POINTS] * gate, library[field][:POINTS] * (1 - gate)]
    for field in MIDDLE:
        names.append((field, "middle"))
        columns.append(library[field][:POINTS])
    towards_left = library["mouthLeft"]
    towards_right = towards_left[mesh.mirror] * np.array([-1, 1, 1], np.float32)
    names += [("drag", "left"), ("drag", "right")]
    columns += [towards_left[:POINTS], towards_right[:POINTS]]
    return Basis(
        tuple(names),
        np.stack(columns).astype(np.float64),
        np.array([-0.8 if field in _SAGS else 0.0 for field, _ in names]),
        np.array([_MAX_STRENGTH.get(field, 1.5) for field, _ in names]),
        _precision(names),
    )


def _precision(names: list[tuple[str, str]]) -> np.ndarray:
    """Inverse second moments of the strengths: joint for the muscles of one side, uncorrelated
    between the sides (a correlation would make faces symmetric) and for the middle."""
    joint = np.linalg.inv(_moments() + FLOOR**2 * np.eye(len(SIDED)))
    out = np.zeros((len(names), len(names)))
    for side in ("left", "right"):
        own = [names.index((field, side)) for field in SIDED]
        out[np.ix_(own, own)] = joint
    for k, (field, _) in enumerate(names):
        if field not in SIDED:
            out[k, k] = 1 / _PRIOR_DEVIATION.get(field, 0.12) ** 2
    return LOOSER * out


def _moments() -> np.ndarray:
    """Second moments (F, F) of one side's strengths over patients of every grade, the ten movements
    and a blink, at low to full effort: a smile is zygomaticus and some levator, not a jaw."""
    palsies = [Palsy.none()]
    for grade in (g for g in Grade if g is not Grade.I):
        palsies += [Palsy.peripheral(Side.LEFT, grade, late=late) for late in (False, True)]
    rows = [
        [activation.of(side).fields.get(field, 0.0) for field in SIDED]
        for movement in (*YANAGIHARA, Movement.BLINK)
        for palsy in palsies
        for effort in (0.4, 0.7, 1.0)
        for activation in [drive(movement, palsy, intensity=effort)]
        for side in Side
    ]
    values = np.array(rows)
    return np.asarray(values.T @ values / len(values))

"""The simulator's fields as columns of a linear system over the 468 landmarks of the skin."""

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
    "browDown", "browInnerUp", "browOuterUp", "cheekPuff", "cheekRaiser", "eyeSquint",
    "mouthDimple", "mouthFrown", "mouthFunnel", "mouthLowerDown", "mouthPress", "mouthPucker",
    "mouthShrugLower", "mouthSmile", "mouthStretch", "mouthUpperUp", "noseSneer", "smile",
)  # fmt: skip
"""Fields read on each side. Lids are read by their opening (:mod:`palsynth.capture.lids`)."""

MIDDLE = ("jawOpen", "mouthRollLower", "mouthRollUpper", "mouthShrugUpper")
"""Fields that are read for the whole face."""

_SAGS = frozenset({"browInnerUp", "browOuterUp", "cheekRaiser", "eyeSquint", "mouthSmile"})
"""Fields that lost tone drives below zero."""

_MOST = {"mouthPucker": 2.0, "cheekPuff": 3.3, "jawOpen": 1.2, "drag": 1.0}
"""Largest strengths; 1.5 where nothing is said."""

_SPREAD_OF_MIDDLE = {"jawOpen": 0.25, "drag": 0.25}
"""Standard deviation before anything is seen; 0.12 where nothing is said."""

GAIN = {
    "cheekPuff": 2.0, "browDown": 1.5, "noseSneer": 1.5, "mouthPucker": 1.25, "cheekRaiser": 1.3,
    "drag": 1.25,
}  # fmt: skip
"""How much more a field moves than the detector, which draws faces towards rest and symmetry,
shows. On subjects with known strengths the slopes are 3.8 (cheekPuff), 2.3, 2.2, 1.5, 1.7 and, of
all others, about 1; the half of it is taken, because on photographs all of it overdoes
(docs/measurements.md)."""

FLOOR = 0.05
"""Standard deviation by which a strength may leave what muscles do together."""

LOOSER = 0.15
"""Weight of what muscles do together. The simulator's patients mostly leave a muscle alone, so
their second moments alone would draw every strength to zero."""


@dataclass(frozen=True)
class Basis:
    """``names`` of the columns, (field, "left" | "right" | "middle"); ``columns`` (C, 468, 3)
    displacements, canonical units; ``low`` and ``high`` (C,) bounds; ``precision`` (C, C) of the
    prior about rest."""

    names: tuple[tuple[str, str], ...]
    columns: np.ndarray
    low: np.ndarray
    high: np.ndarray
    precision: np.ndarray

    def index(self, field: str, side: str) -> int:
        """The column of a field."""
        return self.names.index((field, side))


@lru_cache(maxsize=1)
def basis() -> Basis:
    """The columns, each side's fields gated at the midline as the simulator gates them."""
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
        np.array([_MOST.get(field, 1.5) for field, _ in names]),
        _precision(names),
    )


def _precision(names: list[tuple[str, str]]) -> np.ndarray:
    """Inverse second moments of the strengths: what muscles do together on one side, no tie
    between the sides (it would make faces symmetric), and independent fields of the middle."""
    together = np.linalg.inv(_moments() + FLOOR**2 * np.eye(len(SIDED)))
    out = np.zeros((len(names), len(names)))
    for side in ("left", "right"):
        own = [names.index((field, side)) for field in SIDED]
        out[np.ix_(own, own)] = together
    for k, (field, _) in enumerate(names):
        if field not in SIDED:
            out[k, k] = 1 / _SPREAD_OF_MIDDLE.get(field, 0.12) ** 2
    return LOOSER * out


def _moments() -> np.ndarray:
    """Second moments (F, F) of one side's strengths over what patients of every grade do in the ten
    movements and a blink, with little and full effort: a smile is zygomaticus and some levator, not
    a jaw."""
    palsies = [Palsy.none()]
    for grade in (g for g in Grade if g is not Grade.I):
        palsies += [Palsy.peripheral(Side.LEFT, grade, late=late) for late in (False, True)]
    rows = [
        [what.of(side).fields.get(field, 0.0) for field in SIDED]
        for movement in (*YANAGIHARA, Movement.BLINK)
        for palsy in palsies
        for effort in (0.4, 0.7, 1.0)
        for what in [drive(movement, palsy, intensity=effort)]
        for side in Side
    ]
    values = np.array(rows)
    return np.asarray(values.T @ values / len(values))

from __future__ import annotations

import numpy as np

from palsynth.appearance.mesh import EXTENT
from palsynth.appearance.model import UNIT, canonical_mesh
from palsynth.clinical import Grade, Movement, Palsy, Side
from palsynth.face import topology
from palsynth.face.face import Face
from palsynth.simulator.compose import compose
from palsynth.simulator.drive import drive
from palsynth.simulator.photo import at_rest
from palsynth.simulator.shading import smile_light
from palsynth.simulator.smile import no_smile, smile_model
from palsynth.simulator.surface import field_displacement


def _at(light: np.ndarray, x: float, y: float) -> float:
    """Mean over the channels at a canonical position."""
    column, row = round((x - EXTENT[0]) * UNIT), round((y - EXTENT[1]) * UNIT)
    return float(light[row, column].mean())


def test_the_shipped_smile_is_symmetric() -> None:
    smile = smile_model()
    mirrored = smile.way[canonical_mesh().mirror] * [-1, 1, 1]
    assert np.allclose(mirrored, smile.way, atol=2e-3)
    assert np.abs(smile.light - smile.light[:, ::-1]).mean() < 2e-3
    lids = [*topology.UPPER_LID["left"], *topology.LOWER_LID["left"]]
    assert not smile.way[lids].any(), "lids are moved by their closure"


def test_only_the_side_that_smiles_is_lit_by_it() -> None:
    light = smile_light(drive(Movement.GRIN, Palsy.peripheral(Side.LEFT, Grade.VI)), smile_model())
    assert light is not None
    fold = (0.25, 0.50)  # the nasolabial fold
    assert _at(light, -fold[0], fold[1]) < -0.03
    assert abs(_at(light, *fold)) < 0.01
    assert smile_light(drive(Movement.WHISTLE, Palsy.none()), smile_model()) is None


def test_a_grin_pulls_the_lower_lip_down_as_photographed_smiles_do() -> None:
    moved = field_displacement(drive(Movement.GRIN, Palsy.none(), intensity=0.71))
    corner, lower = topology.COMMISSURE["left"], topology.INNER_LOWER_LIP[5]
    # means of 36 photographed smiles that show teeth, outer-eye distances: -0.072 and 0.039
    assert moved[corner, 1] < -0.05
    assert 0.02 < moved[lower, 1] < 0.06


def test_a_photo_is_rendered_without_the_learnt_smile_on_request(astronaut: Face) -> None:
    rest, activation = at_rest(astronaut), drive(Movement.GRIN, Palsy.none())
    learnt, plain = compose(rest, activation), compose(rest, activation, no_smile())
    assert np.array_equal(learnt.points, plain.points)
    assert not np.array_equal(learnt.image, plain.image)
    assert np.array_equal(learnt.image, compose(rest, activation, smile_model()).image)

"""Comparison of a patient's expression with that of an image made from it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from palsynth.capture import capture
from palsynth.capture.compare import Comparison, compare, displacement
from palsynth.clinical import Grade, Movement, Palsy, Side
from palsynth.face.detect import detect_face
from palsynth.face.face import Face
from palsynth.face.framing import PORTRAIT
from palsynth.subjects import View, render, sample


def _face(movement: Movement, palsy: Palsy, seed: int = 1_000_301) -> Face:
    view = View(256, PORTRAIT)
    return detect_face(render(sample(seed), movement, palsy, view=view).image)


@pytest.fixture(scope="module")
def rest() -> Face:
    return _face(Movement.REST, Palsy.none())


def test_the_same_expression_does_not_differ(rest: Face) -> None:
    palsy = Palsy.peripheral(Side.LEFT, Grade.V)
    patient = capture(_face(Movement.GRIN, palsy), rest)
    assert compare(patient, patient, Movement.GRIN) == Comparison(weak_side=Side.LEFT)
    other = _face(Movement.GRIN, palsy, 1_000_302)
    image = capture(other, _face(Movement.REST, Palsy.none(), 1_000_302))
    assert compare(patient, image, Movement.GRIN).side == ""


@pytest.mark.parametrize("side", list(Side), ids=str)
def test_a_mirrored_expression_has_the_other_side(side: Side, rest: Face) -> None:
    patient = capture(_face(Movement.GRIN, Palsy.peripheral(side, Grade.VI)), rest)
    found = compare(patient, patient.mirrored(), Movement.GRIN)
    assert found.side == f"the {side.other.value} looks weak, the patient's {side.value}"
    assert found.movement
    assert found.movement[0].startswith("the mouth moves differently: ")


def test_a_lost_or_new_weak_side_is_reported_if_it_was_clear(rest: Face) -> None:
    weak = capture(_face(Movement.GRIN, Palsy.peripheral(Side.LEFT, Grade.VI)), rest)
    well = capture(_face(Movement.GRIN, Palsy.none()), rest)
    assert compare(weak, well, Movement.GRIN).side == "no side looks weak, the patient's left"
    assert (
        compare(well, weak, Movement.GRIN).side
        == "the left looks weak, neither side of the patient does"
    )


def test_an_eye_that_stays_open_is_reported(rest: Face) -> None:
    patient = capture(_face(Movement.CLOSE_EYES_LIGHTLY, Palsy.none()), rest)
    image = replace(patient, left=replace(patient.left, closure=0.1))
    found = compare(patient, image, Movement.CLOSE_EYES_LIGHTLY)
    assert "the left eye is open, the patient's 100 % shut" in found.movement
    half = replace(patient, left=replace(patient.left, closure=0.75))
    assert compare(patient, half, Movement.CLOSE_EYES_LIGHTLY).movement == ()


def test_displacement_of_the_landmarks(rest: Face) -> None:
    """The mouth corners go up in a smile; mirrored coefficients give mirrored displacements."""
    found = capture(_face(Movement.GRIN, Palsy.none()), rest)
    moved = displacement(found)
    assert moved.shape == (468, 2)
    assert (moved[[61, 291], 1] < -0.02).all()
    mirrored = displacement(found.mirrored())
    assert np.allclose(mirrored[61], moved[291] * [-1, 1], atol=1e-3)


def test_a_face_at_rest_does_not_move(rest: Face) -> None:
    still = capture(rest, rest)
    assert not compare(still, still).moves
    moved = capture(_face(Movement.CLOSE_EYES_LIGHTLY, Palsy.none()), rest)
    assert compare(moved, moved).moves

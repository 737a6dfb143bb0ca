from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from palsynth.clinical import Grade, Movement, Palsy, Side
from palsynth.errors import InputError
from palsynth.face.detect import detect_faces
from palsynth.face.face import Face
from palsynth.face.framing import PORTRAIT, RECOGNISER, Framing
from palsynth.face.measures import measure
from palsynth.methods import (
    ExpressionImage,
    Request,
    TargetExpression,
    get_method,
)
from palsynth.methods.resolve import expression_image, identity_face, subject_face
from palsynth.simulator.compose import compose
from palsynth.simulator.drive import drive
from palsynth.simulator.photo import at_rest
from palsynth.subjects import HeadPose, Scene, Subject, View, render, render_drive, sample

GRIN = TargetExpression(Movement.GRIN, Palsy.peripheral(Side.LEFT, Grade.V))


@pytest.mark.parametrize("name", ["subjects", "simulator"])
def test_a_request_gives_the_same_image_in_any_batch(name: str) -> None:
    requests = [Request(sample(s), GRIN, seed=s, size=128) for s in range(3)]
    method = get_method(name)
    together = method(requests)
    alone = [method([r])[0] for r in reversed(requests)][::-1]
    for batched, single in zip(together, alone, strict=True):
        assert batched.shape == (128, 128, 3)
        assert np.array_equal(batched, single)


WINK = TargetExpression(Movement.WINK, Palsy.peripheral(Side.LEFT, Grade.III), 0.7, Side.RIGHT)
"""No field has its default value."""


def test_subjects_perform_the_request_with_their_own_bells_phenomenon() -> None:
    subject = sample(min(range(970_200, 970_240), key=lambda s: sample(s).bell))
    image = get_method("subjects")([Request(subject, WINK, size=96, framing=PORTRAIT)])[0]
    expected = drive(Movement.WINK, WINK.palsy, intensity=0.7, bell=subject.bell, wink=Side.RIGHT)
    assert np.array_equal(image, render_drive(subject, expected, View(96, PORTRAIT))[0])


def test_the_simulator_moves_photos_and_subjects_at_rest(astronaut: Face) -> None:
    subject = sample(970_202)
    images = get_method("simulator")(
        [
            Request(astronaut, WINK, size=128, framing=PORTRAIT),
            Request(astronaut, WINK, framing=None),
            Request(subject, WINK, size=96, framing=PORTRAIT),
        ]
    )
    rendered = subject_face(
        subject, TargetExpression(Movement.REST, Palsy.none()), View(96, PORTRAIT)
    )
    faces = (astronaut.aligned(PORTRAIT, 128), astronaut, rendered.aligned(PORTRAIT, 96))
    for image, face, bell in zip(images, faces, (1.0, 1.0, subject.bell), strict=True):
        expected = drive(Movement.WINK, WINK.palsy, intensity=0.7, bell=bell, wink=Side.RIGHT)
        assert np.array_equal(image, compose(at_rest(face), expected).image)
    assert subject.bell < 1


@pytest.mark.parametrize("name", ["subjects", "simulator"])
def test_weights_and_expression_images_are_refused_where_they_have_no_use(
    name: str, face: Face, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="takes no weights"):
        get_method(name, tmp_path)
    with pytest.raises(InputError, match="request a movement"):
        get_method(name)([Request(sample(0), ExpressionImage(face))])


def test_subjects_refuses_photos(face: Face) -> None:
    with pytest.raises(InputError, match="the identity must be a synthetic subject"):
        get_method("subjects")([Request(face, GRIN)])


def test_an_identity_is_at_rest_and_without_a_palsy(subject: Subject, face: Face) -> None:
    assert identity_face(face, View(64, PORTRAIT)) is face
    rendered = identity_face(subject, View(128, PORTRAIT))
    view = View(128, PORTRAIT)
    expected = render(subject, Movement.REST, Palsy.none(), view=view)
    assert np.array_equal(rendered.image, expected.image)
    assert np.array_equal(rendered.landmarks[:, :2], expected.landmarks.astype(np.float32))
    depth = subject.landmarks[:, 2] * 0.40 * 128
    assert np.allclose(rendered.landmarks[:, 2], depth, rtol=1e-5)


def test_a_requested_movement_is_performed_by_the_subject_of_the_seed(face: Face) -> None:
    picture = expression_image(replace(GRIN, intensity=0.6), seed=41, size=96)
    grin = render(sample(41), GRIN.movement, GRIN.palsy, intensity=0.6, view=View(96))
    assert np.array_equal(picture.face.image, grin.image)
    assert picture.rest is None
    for wink, closed in ((Side.LEFT, "left"), (Side.RIGHT, "right")):
        requested = TargetExpression(Movement.WINK, Palsy.none(), wink=wink)
        eyes = measure(expression_image(requested, 41, 256).face.landmarks).sided[
            "palpebral fissure"
        ]
        assert ("left" if eyes.left < eyes.right else "right") == closed
    given = ExpressionImage(face)
    assert expression_image(given, 0, 64) is given


@pytest.mark.parametrize("yaw", [-6.0, 6.0])
def test_a_turned_subject_has_no_border_that_is_repeated(yaw: float) -> None:
    """Moved back to its place, a turned face of a tight crop would show the crop's border."""
    scene = Scene(pose=HeadPose(yaw))
    request = Request(sample(30_001), GRIN, size=112, framing=RECOGNISER, scene=scene)
    (image,) = get_method("simulator")([request])
    for border, inner in ((0, 2), (-1, -3)):
        assert (image[:, border] == image[:, inner]).all(1).mean() < 0.8
    (face,) = detect_faces(image)
    assert abs(face.landmarks[263, 1] - face.landmarks[33, 1]) < 2.5, "level"


@pytest.mark.parametrize("eye_line", [-5.0, 5.0])
@pytest.mark.parametrize("name", ["subjects", "simulator"])
def test_a_face_outside_the_picture_is_refused_in_words(name: str, eye_line: float) -> None:
    framing = Framing("outside", 0.4, eye_line)
    request = Request(sample(3), drive(Movement.GRIN, Palsy.none()), 1, 64, framing)
    with pytest.raises(InputError, match="the face lies outside the picture; choose another"):
        get_method(name)([request])

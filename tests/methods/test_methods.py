from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest

from palsynth.clinical import Grade, Movement, Palsy, Side
from palsynth.errors import InputError
from palsynth.face.face import Face
from palsynth.face.framing import ID_PHOTO
from palsynth.methods import Asked, Picture, Request, get_method, method_names
from palsynth.methods.base import METHODS
from palsynth.methods.resolve import expression_picture, identity_face
from palsynth.people import Person, sample

GRIN = Asked(Movement.GRIN, Palsy.peripheral(Side.LEFT, Grade.V))


def test_registry() -> None:
    assert {"people", "simulator"} <= set(method_names())
    assert get_method("people").name == "people"
    with pytest.raises(InputError, match=r"no method 'magic'; choose one of .*people, simulator"):
        get_method("magic")
    for name, place in METHODS.items():
        module, kind = place.split(":")
        assert getattr(importlib.import_module(module), kind).name == name


@pytest.mark.parametrize("name", ["people", "simulator"])
def test_a_request_gives_the_same_image_in_any_batch(name: str) -> None:
    requests = [Request(sample(s), GRIN, seed=s, size=128) for s in range(3)]
    method = get_method(name)
    together = method(requests)
    alone = [method([r])[0] for r in reversed(requests)][::-1]
    for one, two in zip(together, alone, strict=True):
        assert one.shape == (128, 128, 3)
        assert np.array_equal(one, two)


def test_the_simulator_serves_photos(astronaut: Face) -> None:
    image = get_method("simulator")([Request(astronaut, GRIN, size=160)])[0]
    plain = astronaut.aligned(ID_PHOTO, 160).image
    assert image.shape == plain.shape
    assert np.abs(image.astype(float) - plain).max() > 30


@pytest.mark.parametrize("name", ["people", "simulator"])
def test_weights_and_pictures_are_refused_where_they_mean_nothing(
    name: str, face: Face, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="takes no weights"):
        get_method(name, tmp_path)
    with pytest.raises(InputError, match="ask for a movement"):
        get_method(name)([Request(sample(0), Picture(face))])


def test_people_refuse_photos(face: Face) -> None:
    with pytest.raises(InputError, match="the identity must be a person"):
        get_method("people")([Request(face, GRIN)])


def test_resolving(person: Person, face: Face) -> None:
    assert identity_face(face, 256) is face
    drawn = identity_face(person, 256)
    assert drawn.image.shape == (256, 256, 3)
    assert drawn.landmarks.shape == (478, 3)
    picture = expression_picture(GRIN, seed=1, size=128)
    again = expression_picture(GRIN, seed=1, size=128)
    assert np.array_equal(picture.face.image, again.face.image)
    assert expression_picture(picture, 0, 64) is picture

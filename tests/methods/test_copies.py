from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from palsynth.clinical import Movement, Palsy
from palsynth.errors import InputError
from palsynth.face.face import Face
from palsynth.methods.base import Asked, Picture, Request, get_method
from palsynth.people import sample


@pytest.fixture
def request_(face: Face, astronaut: Face) -> Request:
    return Request(face, Picture(astronaut), seed=3, framing=None)


def test_copies_copy(request_: Request) -> None:
    assert np.array_equal(get_method("copy-identity")([request_])[0], request_.identity.image)
    made = get_method("copy-expression")([request_])[0]
    assert np.array_equal(made, request_.expression.face.image)


def test_copies_at_a_size_and_framing(face: Face) -> None:
    made = get_method("copy-identity")([Request(face, Picture(face), size=96)])[0]
    assert made.shape == (96, 96, 3)


def test_noise_is_the_seeds(request_: Request, face: Face) -> None:
    method = get_method("noise")
    other = Request(face, request_.expression, seed=4, framing=None)
    one, two, again = method([request_, other, request_])
    assert np.array_equal(one, again)
    assert not np.array_equal(one, two)
    apart = one.astype(float) - face.image
    assert 15 < apart.std() < 26, "25 grey levels, less what the ends cut off"


def test_bad_requests(face: Face, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="copy-identity has no weights"):
        get_method("copy-identity", tmp_path)
    with pytest.raises(InputError, match="needs a picture of the identity"):
        get_method("copy-identity")([Request(sample(1), Picture(face))])
    asked = Asked(Movement.GRIN, Palsy.none())
    with pytest.raises(InputError, match="needs a picture of the expression"):
        get_method("copy-expression")([Request(face, asked)])

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from palsynth.clinical import Movement, Palsy
from palsynth.errors import InputError
from palsynth.face.face import Face
from palsynth.face.framing import PORTRAIT
from palsynth.methods.base import ExpressionImage, Request, TargetExpression
from palsynth.methods.registry import get_method
from palsynth.subjects import sample


@pytest.fixture
def request_(face: Face, astronaut: Face) -> Request:
    return Request(face, ExpressionImage(astronaut, face), seed=3, framing=None)


def test_copies_copy(request_: Request) -> None:
    assert np.array_equal(get_method("copy-identity")([request_])[0], request_.identity.image)
    image = get_method("copy-expression")([request_])[0]
    assert np.array_equal(image, request_.expression.face.image)


def test_copies_at_a_size_and_framing(face: Face, astronaut: Face) -> None:
    request = Request(face, ExpressionImage(astronaut), size=96, framing=PORTRAIT)
    for name, source in (("copy-identity", face), ("copy-expression", astronaut)):
        image = get_method(name)([request])[0]
        assert np.array_equal(image, source.aligned(PORTRAIT, 96).image)


def test_noise_depends_on_the_seed_alone(request_: Request, face: Face) -> None:
    method = get_method("noise")
    grey = replace(face, image=np.full_like(face.image, 128))
    one, two, again = (
        method([replace(request_, identity=grey, seed=seed)])[0] for seed in (3, 4, 3)
    )
    assert np.array_equal(one, again)
    noise, other = one.astype(float) - 128, two.astype(float) - 128
    assert noise.std() == pytest.approx(25, abs=0.2)
    assert noise.mean() == pytest.approx(0, abs=0.2)
    assert np.corrcoef(noise.flat, other.flat)[0, 1] == pytest.approx(0, abs=0.02)
    on_face = method([request_])[0] - face.image.astype(float)
    unclipped = (face.image > 100) & (face.image < 156)
    assert np.array_equal(on_face[unclipped], noise[unclipped]), "independent of the identity"


def test_bad_requests(face: Face, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="copy-identity takes no weights"):
        get_method("copy-identity", tmp_path)
    with pytest.raises(InputError, match="copy-identity needs an identity image"):
        get_method("copy-identity")([Request(sample(1), ExpressionImage(face))])
    requested = TargetExpression(Movement.GRIN, Palsy.none())
    with pytest.raises(InputError, match="copy-expression needs an expression image"):
        get_method("copy-expression")([Request(face, requested)])

"""What each ControlNet method tells: edges and words."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from palsynth.clinical import Grade, Movement, Palsy, Side
from palsynth.face.detect import detect_face
from palsynth.face.face import Face
from palsynth.face.framing import PORTRAIT
from palsynth.methods import Asked, Picture, Request, get_method
from palsynth.methods.controlnet.base import Base
from palsynth.methods.controlnet.conditioning import codc, plain, plain_edges
from palsynth.methods.controlnet.method import (
    ControlNetMethod,
    Partial,
    PartialCaptured,
    PartialEyesAndMouth,
    PartialInOtherFace,
    words,
)
from palsynth.methods.controlnet.pipeline import ControlNetPalsyPipeline, Sampling
from palsynth.methods.resolve import identity_face
from palsynth.people import Person, View, render, sample
from palsynth.people.description import describe

SIZE = 32


@pytest.fixture(scope="module")
def patient() -> Face:
    palsy = Palsy.peripheral(Side.LEFT, Grade.V)
    view = View(224, PORTRAIT)
    return detect_face(render(sample(970_301), Movement.GRIN, palsy, view=view).image)


def _method(kind: type[ControlNetMethod], base: Base, controlnet) -> ControlNetMethod:  # type: ignore[no-untyped-def]
    return kind(ControlNetPalsyPipeline(base, controlnet, Sampling("ddim", 1, 1.0)))


def test_each_tells_its_own_edges(base: Base, controlnet, patient: Face) -> None:  # type: ignore[no-untyped-def]
    person = sample(970_302)
    request = Request(person, Picture(patient), 0, SIZE, PORTRAIT)
    other = identity_face(person, SIZE, PORTRAIT)
    larger = get_method("captured")([replace(request, size=4 * SIZE)])[0]
    moved = cv2.resize(larger, (SIZE, SIZE), interpolation=cv2.INTER_AREA)
    expected = {
        Partial: plain(patient, SIZE).edges,
        PartialInOtherFace: codc(patient, other, size=SIZE).edges,
        PartialEyesAndMouth: codc(patient, other, nose=False, size=SIZE).edges,
        PartialCaptured: plain_edges(moved),
    }
    for kind, edges in expected.items():
        assert np.array_equal(_method(kind, base, controlnet).edges(request, other), edges), kind


def test_the_captured_expression_on_a_photo_or_a_person(  # type: ignore[no-untyped-def]
    base: Base, controlnet, patient: Face, astronaut: Face
) -> None:
    method = _method(PartialCaptured, base, controlnet)
    told = []
    for identity in (sample(970_302), astronaut):
        requests = [
            Request(identity, expression, 0, 64, PORTRAIT)
            for expression in (
                Picture(patient),
                Asked(Movement.GRIN, Palsy.peripheral(Side.LEFT, Grade.V)),
                Asked(Movement.REST, Palsy.none()),
            )
        ]
        told += [method.edges(r, identity_face(identity, SIZE, PORTRAIT)) for r in requests]
        assert [image.shape for image in method(requests)] == [(64, 64, 3)] * 3
    assert len({edges.tobytes() for edges in told}) == 6


def test_words_follow_the_subject(person: Person, astronaut: Face, patient: Face) -> None:
    shown = Picture(patient)
    assert words(Request(person, shown)) == describe(person)
    assert words(Request(astronaut, shown)).startswith("person with ")
    assert words(Request(astronaut, shown, words="woman of about 40")) == "woman of about 40"

"""What each ControlNet method tells: edges and words."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from diffusers.models.controlnets.controlnet import ControlNetModel

from palsynth.clinical import Grade, Movement, Palsy, Side
from palsynth.face.detect import detect_face
from palsynth.face.face import Face
from palsynth.face.framing import ID_PHOTO, PORTRAIT, Framing
from palsynth.methods import ExpressionImage, Request, TargetExpression, get_method
from palsynth.methods.base import method_class
from palsynth.methods.controlnet.base import Base
from palsynth.methods.controlnet.conditioning import codc, plain, plain_edges
from palsynth.methods.controlnet.method import (
    ControlNetMethod,
    Partial,
    PartialCaptured,
    _laid,
    words,
)
from palsynth.methods.controlnet.pipeline import ControlNetPalsyPipeline, Sampling
from palsynth.methods.controlnet.prompts import PROMPT
from palsynth.methods.resolve import expression_picture, identity_face
from palsynth.subjects import Subject, View, render, sample
from palsynth.subjects.description import describe

SIZE = 32


@pytest.fixture(scope="module")
def patient() -> Face:
    palsy = Palsy.peripheral(Side.LEFT, Grade.V)
    view = View(224, PORTRAIT)
    return detect_face(render(sample(970_301), Movement.GRIN, palsy, view=view).image)


def _method(kind: type[ControlNetMethod], base: Base, controlnet) -> ControlNetMethod:  # type: ignore[no-untyped-def]
    return kind(ControlNetPalsyPipeline(base, controlnet, Sampling("ddim", 1, 1.0)))


class Drawing:
    """In a pipeline's place: keeps what it is told and draws a grey for each seed."""

    patients = None

    def __init__(self, size: int) -> None:
        self.base = SimpleNamespace(size=size)
        self.edges: list[np.ndarray] = []
        self.said: list[str] = []

    def __call__(self, edges, said, seeds):  # type: ignore[no-untyped-def]
        self.edges += edges
        self.said += said
        size = self.base.size
        return [np.full((size, size, 3), seed, np.uint8) for seed in seeds]


def test_each_tells_its_own_edges(patient: Face) -> None:
    """Whose contour, parts and nose: all five differ."""
    size, subject = 128, sample(970_302)
    request = Request(subject, ExpressionImage(patient), 0, size, PORTRAIT)
    other = identity_face(subject, size, PORTRAIT)
    larger = get_method("captured")([replace(request, size=4 * size)])[0]
    moved = cv2.resize(larger, (size, size), interpolation=cv2.INTER_AREA)
    expected = {
        "controlnet-zero-shot": plain(patient, size).edges,
        "controlnet-pf": plain(patient, size).edges,
        "controlnet-pf-codc": codc(patient, other, nose=True, size=size).edges,
        "controlnet-pf-eyes-mouth": codc(patient, other, nose=False, size=size).edges,
        "controlnet-pf-captured": plain_edges(moved),
    }
    assert len({edges.tobytes() for edges in expected.values()}) == 4
    for name, edges in expected.items():
        drawing = Drawing(size)
        method_class(name)(drawing)([request])
        assert np.array_equal(drawing.edges[0], edges), name


def test_each_request_keeps_its_edges_words_and_seed(astronaut: Face, patient: Face) -> None:
    """Across the batches in which they are drawn; words are the identity's, never the patient's."""
    people = [sample(970_310 + k) for k in range(10)]
    requests = [
        Request(p, ExpressionImage(patient), 40 + k, 64, PORTRAIT) for k, p in enumerate(people)
    ]
    requests[3] = replace(
        requests[3], expression=ExpressionImage(astronaut), words="man of about 60"
    )
    drawing = Drawing(64)
    made = Partial(drawing)(requests)  # type: ignore[arg-type]
    assert [image[30, 30, 0] for image in made] == list(range(40, 50))
    said = [PROMPT.replace("person", describe(p)) for p in people]
    said[3] = PROMPT.replace("person", "man of about 60")
    assert drawing.said == said
    same = [np.array_equal(e, plain(patient, 64).edges) for e in drawing.edges]
    assert same == [True] * 3 + [False] + [True] * 6


def test_a_wish_in_words_is_shown_by_the_person_of_the_seed(subject: Subject) -> None:
    requested = TargetExpression(Movement.GRIN, Palsy.peripheral(Side.LEFT, Grade.V))
    drawing = Drawing(64)
    Partial(drawing)([Request(subject, requested, 23)])  # type: ignore[arg-type]
    patient = expression_picture(requested, 23, 256).face
    assert np.array_equal(drawing.edges[0], plain(patient, 64).edges)


@pytest.mark.parametrize(
    ("framing", "size"), [(ID_PHOTO, 200), (PORTRAIT, 256), (PORTRAIT, 100), (None, 0)]
)
def test_a_portrait_is_laid_as_the_request_wants_it(
    astronaut: Face, framing: Framing | None, size: int
) -> None:
    """A portrait of the identity comes to lie over the identity."""
    request = Request(astronaut, ExpressionImage(astronaut), size=size, framing=framing)
    found = _laid(astronaut.aligned(PORTRAIT, 256).image, request, astronaut)
    wanted = astronaut if framing is None else astronaut.aligned(framing, size)
    assert found.shape == wanted.image.shape
    x, y = wanted.landmarks[4, :2].astype(int)
    r = int(0.6 * wanted.outer_eyes)
    middle = slice(y - r, y + r), slice(x - r, x + r)
    apart = found[middle].astype(float) - wanted.image[middle]
    assert np.abs(apart).mean() < 6


def test_what_ships_says_whom_it_was_tuned_on() -> None:
    plain_, tuned = (get_method(f"controlnet-{name}") for name in ("zero-shot", "pf"))
    assert plain_.settings["tuned"] is None
    assert tuned.settings["tuned"] == {
        "trains": "controlnet", "first": 500, "last": 701, "rank": 16,
        "targets": ("to_q", "to_k", "to_v", "to_out.0"),
    }  # fmt: skip
    assert tuned.settings["sampling"] == {
        "sampler": "dpm++", "steps": 10, "guidance": 1.0, "scale": 1.0, "outside": "tuned",
    }  # fmt: skip
    assert plain_.weights_sha256 != tuned.weights_sha256


def test_what_began_the_tuning_counts_among_the_weights(base: Base, controlnet) -> None:  # type: ignore[no-untyped-def]
    began = ControlNetModel.from_config(controlnet.config)
    pipelines = [
        ControlNetPalsyPipeline(base, controlnet, pretrained=other) for other in (None, began)
    ]
    assert Partial(pipelines[0]).weights_sha256 != Partial(pipelines[1]).weights_sha256


def test_the_captured_expression_on_a_photo_or_a_person(  # type: ignore[no-untyped-def]
    base: Base, controlnet, patient: Face, astronaut: Face
) -> None:
    method = _method(PartialCaptured, base, controlnet)
    examples = []
    for identity in (sample(970_302), astronaut):
        requests = [
            Request(identity, expression, 0, 64, PORTRAIT)
            for expression in (
                ExpressionImage(patient),
                TargetExpression(Movement.GRIN, Palsy.peripheral(Side.LEFT, Grade.V)),
                TargetExpression(Movement.REST, Palsy.none()),
            )
        ]
        examples += [method.edges(r, identity_face(identity, SIZE, PORTRAIT)) for r in requests]
        assert [image.shape for image in method(requests)] == [(64, 64, 3)] * 3
    assert len({edges.tobytes() for edges in examples}) == 6


def test_words_follow_the_identity(subject: Subject, astronaut: Face, patient: Face) -> None:
    shown = ExpressionImage(patient)
    assert words(Request(subject, shown)) == describe(subject)
    assert words(Request(astronaut, shown)) == "person with light skin"
    assert words(Request(patient, ExpressionImage(astronaut))) == "person with medium skin"
    assert words(Request(astronaut, shown, words="woman of about 40")) == "woman of about 40"

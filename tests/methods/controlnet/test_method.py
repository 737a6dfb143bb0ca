"""What each ControlNet method gives the pipeline: edges and prompts."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from diffusers.models.controlnets.controlnet import ControlNetModel

from palsynth.clinical import Grade, Movement, Palsy, Side
from palsynth.errors import InputError
from palsynth.face.detect import detect_face
from palsynth.face.face import Face
from palsynth.face.framing import ID_PHOTO, PORTRAIT, Framing
from palsynth.methods import ExpressionImage, Request, TargetExpression, get_method
from palsynth.methods.controlnet.conditioning import canny_edges, codc, patient_edges
from palsynth.methods.controlnet.config import Sampling
from palsynth.methods.controlnet.method import (
    ControlNetMethod,
    Partial,
    PartialCaptured,
    _reframed,
    words,
)
from palsynth.methods.controlnet.networks.base import Base
from palsynth.methods.controlnet.pipeline import ControlNetPalsyPipeline
from palsynth.methods.controlnet.prompts import PROMPT
from palsynth.methods.registry import method_class
from palsynth.methods.resolve import converted, expression_image, identity_face
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


class FakePipeline:
    """Records its edges and prompts, and returns a uniform grey image for each seed."""

    patients = None

    def __init__(self, size: int) -> None:
        self.base = SimpleNamespace(size=size)
        self.edges: list[np.ndarray] = []
        self.prompts: list[str] = []

    def __call__(self, edges, prompts, seeds):  # type: ignore[no-untyped-def]
        self.edges += edges
        self.prompts += prompts
        size = self.base.size
        return [np.full((size, size, 3), seed, np.uint8) for seed in seeds]


def test_each_method_gives_its_own_edges(patient: Face) -> None:
    """They differ in contour, parts and nose; zero-shot and PF share the patient's own edges."""
    size, subject = 128, sample(970_302)
    request = Request(subject, ExpressionImage(patient), 0, size, PORTRAIT)
    other = identity_face(subject, View(size, PORTRAIT))
    larger = get_method("captured")([replace(request, size=4 * size)])[0]
    moved = cv2.resize(larger, (size, size), interpolation=cv2.INTER_AREA)
    expected = {
        "controlnet-zero-shot": patient_edges(patient, size).edges,
        "controlnet-pf": patient_edges(patient, size).edges,
        "controlnet-pf-codc": codc(patient, other, nose=True, size=size).edges,
        "controlnet-pf-eyes-mouth": codc(patient, other, nose=False, size=size).edges,
        "controlnet-pf-captured": canny_edges(moved),
    }
    assert len({edges.tobytes() for edges in expected.values()}) == 4
    for name, edges in expected.items():
        pipeline = FakePipeline(size)
        method_class(name)(pipeline)([request])
        assert np.array_equal(pipeline.edges[0], edges), name


def test_each_request_has_its_own_edges_prompt_and_seed(astronaut: Face, patient: Face) -> None:
    """In every batch; the description is the identity's, never the patient's."""
    subjects = [sample(970_310 + k) for k in range(10)]
    requests = [
        Request(s, ExpressionImage(patient), 40 + k, 64, PORTRAIT) for k, s in enumerate(subjects)
    ]
    requests[3] = replace(
        requests[3], expression=ExpressionImage(astronaut), words="man of about 60"
    )
    pipeline = FakePipeline(64)
    images = Partial(pipeline)(requests)  # type: ignore[arg-type]
    assert [image[30, 30, 0] for image in images] == list(range(40, 50))
    prompts = [PROMPT.replace("person", describe(s)) for s in subjects]
    prompts[3] = PROMPT.replace("person", "man of about 60")
    assert pipeline.prompts == prompts
    same = [np.array_equal(e, patient_edges(patient, 64).edges) for e in pipeline.edges]
    assert same == [True] * 3 + [False] + [True] * 6


def test_a_requested_movement_is_performed_by_the_subject_of_the_seed(subject: Subject) -> None:
    requested = TargetExpression(Movement.GRIN, Palsy.peripheral(Side.LEFT, Grade.V))
    pipeline = FakePipeline(64)
    method, request = Partial(pipeline), Request(subject, requested, 23)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="are guided by an expression image"):
        method([request])
    method([converted(request, method)])
    patient = expression_image(requested, 23, 256).face
    assert np.array_equal(pipeline.edges[0], patient_edges(patient, 64).edges)


@pytest.mark.parametrize(
    ("framing", "size"), [(ID_PHOTO, 200), (PORTRAIT, 256), (PORTRAIT, 100), (None, 0)]
)
def test_a_portrait_is_reframed_as_requested(
    astronaut: Face, framing: Framing | None, size: int
) -> None:
    """A portrait of the identity is aligned with the identity."""
    request = Request(astronaut, ExpressionImage(astronaut), size=size, framing=framing)
    found = _reframed(astronaut.aligned(PORTRAIT, 256).image, request, astronaut)
    expected = astronaut if framing is None else astronaut.aligned(framing, size)
    assert found.shape == expected.image.shape
    x, y = expected.landmarks[4, :2].astype(int)
    r = int(0.6 * expected.outer_eyes)
    middle = slice(y - r, y + r), slice(x - r, x + r)
    difference = found[middle].astype(float) - expected.image[middle]
    assert np.abs(difference).mean() < 6


def test_shipped_methods_name_the_strategy_they_were_tuned_with() -> None:
    zero_shot, tuned = (get_method(f"controlnet-{name}") for name in ("zero-shot", "pf"))
    assert zero_shot.settings["tuned"] is None
    assert tuned.settings["tuned"] == {
        "trains": "controlnet",
        "first": 500,
        "last": 701,
        "rank": 16,
        "targets": ("to_q", "to_k", "to_v", "to_out.0"),
    }
    assert tuned.settings["sampling"] == {
        "sampler": "dpm++",
        "steps": 10,
        "guidance": 1.0,
        "scale": 1.0,
        "outside": "tuned",
    }
    assert zero_shot.weights_sha256 != tuned.weights_sha256


def test_the_pretrained_controlnet_counts_among_the_weights(base: Base, controlnet) -> None:  # type: ignore[no-untyped-def]
    other = ControlNetModel.from_config(controlnet.config)
    pipelines = [
        ControlNetPalsyPipeline(base, controlnet, pretrained=pretrained)
        for pretrained in (None, other)
    ]
    assert Partial(pipelines[0]).weights_sha256 != Partial(pipelines[1]).weights_sha256


def test_the_captured_expression_on_a_photo_or_a_synthetic_subject(  # type: ignore[no-untyped-def]
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
        face = identity_face(identity, View(SIZE, PORTRAIT))
        examples += [method.edges(request, face) for request in requests]
        assert [image.shape for image in method(requests)] == [(64, 64, 3)] * 3
    assert len({edges.tobytes() for edges in examples}) == 6


def test_the_description_follows_the_identity(
    subject: Subject, astronaut: Face, patient: Face
) -> None:
    expression = ExpressionImage(patient)
    assert words(Request(subject, expression)) == describe(subject)
    assert words(Request(astronaut, expression)) == "person with light skin"
    assert words(Request(patient, ExpressionImage(astronaut))) == "person with medium skin"
    request = Request(astronaut, expression, words="woman of about 40")
    assert words(request) == "woman of about 40"

"""From requests to images: what the model is asked for, and where its samples go."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from palsynth.cli import main
from palsynth.clinical import Grade, Movement, Palsy, Side
from palsynth.data.manifest import read_manifest
from palsynth.errors import InputError
from palsynth.face.detect import detect_face
from palsynth.face.face import Face
from palsynth.face.framing import PORTRAIT, RECOGNISER
from palsynth.methods.base import ExpressionImage, Request, TargetExpression
from palsynth.methods.diffusion.config import DiffusionSampling
from palsynth.methods.diffusion.io.files import save_model
from palsynth.methods.diffusion.labels import Condition
from palsynth.methods.diffusion.method import DDPMMethod, UnconditionalDDPM
from palsynth.methods.diffusion.pipeline import DiffusionPalsyPipeline
from palsynth.notes import collected_notes
from palsynth.subjects import View, render, sample
from tests.methods.diffusion.conftest import MODELS, SIZE, build

LEFT = Palsy.peripheral(Side.LEFT, Grade.V)
GRIN = TargetExpression(Movement.GRIN, LEFT)


class Recorder(DiffusionPalsyPipeline):
    """A pipeline whose samples are grey and that records what it is asked for."""

    def __init__(self, name: str) -> None:
        super().__init__(build(MODELS[name]))
        self.model.sample = self._sample  # type: ignore[method-assign]

    def _sample(
        self, labels: Tensor, seeds: Sequence[int], sampling: DiffusionSampling | None = None
    ) -> Tensor:
        self.labels, self.seeds, self.sampling = labels.tolist(), list(seeds), sampling
        return torch.full((len(labels), 3, SIZE, SIZE), 0.5)


def test_the_model_gets_movement_and_side_as_requested_or_recognised(astronaut: Face) -> None:
    """In any mixture; the person of the expression image is not the one of the identity."""
    recorder = Recorder("ddpm")
    palsy = Palsy.peripheral(Side.RIGHT, Grade.V)
    shown = detect_face(render(sample(31), Movement.GRIN, palsy, view=View(192)).image)
    healthy = TargetExpression(Movement.WHISTLE, Palsy.none())
    DDPMMethod(recorder)(
        [
            Request(astronaut, GRIN, 7, framing=None),
            Request(astronaut, ExpressionImage(shown), 8, framing=None),
            Request(astronaut, healthy, 9, framing=None),
        ]
    )
    assert recorder.labels == recorder.model.labels.encode(
        [
            Condition(Movement.GRIN, Side.LEFT),
            Condition(Movement.GRIN, Side.RIGHT),
            Condition(Movement.WHISTLE, None),
        ]
    )
    assert recorder.seeds == [7, 8, 9]
    assert recorder.sampling == MODELS["ddpm"].sampling


def test_without_conditions_nothing_is_recognised(
    astronaut: Face, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr("palsynth.methods.diffusion.method.read_movements_and_sides")
    recorder = Recorder("ddpm-unconditional")
    expressions = [GRIN, ExpressionImage(astronaut)]
    with collected_notes() as notes:
        UnconditionalDDPM(recorder)([Request(astronaut, e, framing=None) for e in expressions])
    assert notes == [
        "method ddpm-unconditional: makes up the face and its expression; it knows no request"
    ]
    assert recorder.labels == [recorder.model.labels.null] * 2


def test_the_sample_replaces_the_face_and_nothing_around_it(astronaut: Face) -> None:
    with collected_notes() as notes:
        (made,) = DDPMMethod(Recorder("ddpm"))([Request(astronaut, GRIN, framing=None)])
    assert notes == ["method ddpm: shows a face that it makes up, not the identity's"]
    x, y = astronaut.landmarks[4, :2].round().astype(int)
    assert np.abs(made[y, x].astype(int) - 128).max() <= 1, "the nose is grey"
    inside = np.zeros(made.shape[:2], bool)
    corners = astronaut.aligned(RECOGNISER, SIZE).onto(astronaut) @ np.array(
        [[-0.5, SIZE - 0.5], [-0.5, SIZE - 0.5], [1.0, 1.0]]
    )
    (left, right), (top, bottom) = corners.clip(0).round().astype(int)
    margin = SIZE
    inside[max(top - margin, 0) : bottom + margin, max(left - margin, 0) : right + margin] = True
    assert np.array_equal(made[~inside], astronaut.image[~inside])
    assert (~inside).mean() > 0.2


def test_a_movement_that_the_model_does_not_know_is_named(astronaut: Face) -> None:
    request = Request(astronaut, TargetExpression(Movement.BLINK, LEFT))
    with pytest.raises(InputError, match="the network does not know the movement 'blink'"):
        DDPMMethod(Recorder("ddpm"))([request])


def test_a_method_samples_as_it_is_told(astronaut: Face) -> None:
    recorder, sampling = Recorder("ddpm"), DiffusionSampling("ddim", 7, 3.0)
    method = DDPMMethod(recorder, sampling)
    method([Request(astronaut, GRIN, framing=PORTRAIT)])
    assert recorder.sampling == sampling
    assert method.settings == {"sampler": "ddim", "steps": 7, "guidance": 3.0}


def test_a_plan_generates_with_it(tmp_path: Path) -> None:
    """The gate would refuse what an untrained model makes."""
    save_model(build(MODELS["ddpm"]), tmp_path / "weights")
    (tmp_path / "plan.yaml").write_text(
        f"""
method: ddpm
weights: {tmp_path / "weights"}
identities: {{subjects: 2}}
images: 2
size: 64
gate: {{face: false, side: false, movement: false, identity: false}}
"""
    )
    main(["generate", str(tmp_path / "plan.yaml"), "--out", str(tmp_path / "set")])
    rows = read_manifest(tmp_path / "set")
    assert [row.provenance["method"] for row in rows] == ["ddpm"] * 2

"""The shipped encoders: complete, small, documented, and accurate on unseen subjects."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from palsynth.clinical import YANAGIHARA, Movement, Palsy, Side
from palsynth.data.augment import Augmentation
from palsynth.data.examples import Example, labels, stack
from palsynth.encoders.base import as_images
from palsynth.encoders.load import (
    expression_encoder,
    identity_encoder,
    judge,
    landmark_encoder,
)
from palsynth.encoders.reading import truth
from palsynth.encoders.shipped import ASSETS, CLASSES
from palsynth.evaluation.recognition import auc, cosines, top1, verification
from palsynth.face.framing import RECOGNISER
from palsynth.subjects import EVALUATION_SEEDS, random_view, render, sample

PEOPLE = 12


@pytest.fixture(scope="module")
def examples() -> list[Example]:
    """Twelve evaluation subjects, each at rest and then in four movements with a palsy."""
    rng = np.random.default_rng(4)
    out = []
    for k in range(PEOPLE):
        subject = sample(EVALUATION_SEEDS + 500 + k)
        for j in range(5):
            movement = YANAGIHARA[(3 * k + j) % 10] if j else Movement.REST
            side = Side.LEFT if (k + j) % 2 else Side.RIGHT
            palsy = Palsy.weakness(side, 0.85) if j else Palsy.none()
            view = random_view(rng, 112, RECOGNISER)
            portrait = render(subject, movement, palsy, view=view)
            points = portrait.landmarks
            out.append(Example(portrait.image, k, points=points, **labels(movement, palsy)))
    return out


def images(examples: list[Example]) -> torch.Tensor:
    return as_images(torch.from_numpy(stack(examples)["image"]))


@pytest.mark.parametrize("name", CLASSES)
def test_weights_are_documented_and_half_precision(name: str) -> None:
    folder = ASSETS / name
    for file in ("README.md", "config.json", "recipe.yaml", "metrics.json"):
        assert (folder / file).is_file()
    card = (folder / "README.md").read_text()
    for word in ("license:", "Trained on", "Never trained on", "Not for", "Limits", "CC BY 4.0"):
        assert word in card, word
    for file in ("recipe.yaml", "config.json", "metrics.json"):
        assert "/home" not in (folder / file).read_text()
        assert ": /" not in (folder / file).read_text().replace('"', ""), "a path of one machine"
    for path in folder.glob("*.safetensors"):
        kinds = {t.dtype for t in load_file(path).values() if t.is_floating_point()}
        assert kinds == {torch.float16}


def test_all_together_are_small() -> None:
    assert sum(p.stat().st_size for p in Path(ASSETS).rglob("*.safetensors")) <= 20 * 2**20


@torch.no_grad()
def test_identity_distinguishes_unseen_subjects(examples: list[Example]) -> None:
    """By their faces: the background is replaced, differently in every picture."""
    background = Augmentation(0, 0, 0, 0, 0, 0, 0, 0, mirror=0, backdrop=1.0)
    changed = [background(e, np.random.default_rng(k)) for k, e in enumerate(examples)]
    vectors = identity_encoder()(images(changed)).vector.numpy()
    subjects = np.array([e.subject for e in examples])
    neutral = np.arange(0, len(examples), 5)
    moved = np.setdiff1d(np.arange(len(examples)), neutral)
    similarity = cosines(vectors[moved], vectors[neutral])
    assert top1(similarity, subjects[moved], np.arange(PEOPLE)) >= 0.95


@torch.no_grad()
def test_the_expression_feature_drops_identity(examples: list[Example]) -> None:
    """Not all of it (docs/measurements.md), but enough that verification fails."""
    encoder, subjects = expression_encoder(), np.array([e.subject for e in examples])
    neutral = np.arange(0, len(examples), 5)
    moved = np.setdiff1d(np.arange(len(examples)), neutral)
    found = []
    for network in (encoder, encoder.identity):
        vectors = network(images(examples)).vector.numpy()
        similarity = cosines(vectors[moved], vectors[neutral])
        found.append(auc(*verification(similarity, subjects[moved], np.arange(PEOPLE))))
    difference, identity = found
    assert identity > 0.99
    assert difference < 0.8


@torch.no_grad()
def test_landmarks_are_near_the_truth(examples: list[Example]) -> None:
    points = landmark_encoder()(images(examples)).points.numpy() * 112 - 0.5
    distance = np.linalg.norm(points - np.stack([e.points for e in examples]), axis=-1).mean()
    assert distance / (0.44 * 112) < 0.04


@torch.no_grad()
def test_the_judge_predicts_movement_side_and_weakness(examples: list[Example]) -> None:
    targets = truth({n: torch.from_numpy(a) for n, a in stack(examples).items()})
    predictions = judge()(images(examples))
    assert (predictions.movement.argmax(1) == targets.movement).float().mean() > 0.7
    weak = targets.weakness.max(1).values > 0.5
    assert (predictions.side.argmax(1) == targets.side)[weak].float().mean() > 0.85
    assert (predictions.weakness - targets.weakness).abs().mean() < 0.15


def test_the_shipped_expression_is_e_face_minus_e_id() -> None:
    encoder = expression_encoder()
    for network, name in ((encoder.face, "expression"), (encoder.identity, "identity")):
        (path,) = (ASSETS / name).glob("diffusion_pytorch_model.safetensors")
        expected = load_file(path)["stem.0.weight"].float()
        assert torch.equal(network.stem[0].weight, expected)
    assert not torch.equal(encoder.face.stem[0].weight, encoder.identity.stem[0].weight)
    assert not any(p.requires_grad for p in encoder.parameters())

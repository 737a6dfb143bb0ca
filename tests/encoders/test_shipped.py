"""The encoders that ship: there, small, documented, and doing their job on people never seen."""

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
    """Twelve evaluation people: one at rest, then each with four movements and a palsy."""
    rng = np.random.default_rng(4)
    out = []
    for k in range(PEOPLE):
        subject = sample(EVALUATION_SEEDS + 500 + k)
        for j in range(5):
            movement = YANAGIHARA[(3 * k + j) % 10] if j else Movement.REST
            side = Side.LEFT if (k + j) % 2 else Side.RIGHT
            palsy = Palsy.weakness(side, 0.85) if j else Palsy.none()
            drawn = render(subject, movement, palsy, view=random_view(rng, 112, RECOGNISER))
            out.append(Example(drawn.image, k, points=drawn.landmarks, **labels(movement, palsy)))
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
        assert ": /" not in (folder / file).read_text().replace('"', ""), "somebody's path"
    for path in folder.glob("*.safetensors"):
        kinds = {t.dtype for t in load_file(path).values() if t.is_floating_point()}
        assert kinds == {torch.float16}


def test_all_together_are_small() -> None:
    assert sum(p.stat().st_size for p in Path(ASSETS).rglob("*.safetensors")) <= 20 * 2**20


@torch.no_grad()
def test_identity_tells_unseen_people_apart(examples: list[Example]) -> None:
    """By their faces: surroundings are painted over, differently in every picture."""
    paint = Augmentation(0, 0, 0, 0, 0, 0, 0, 0, mirror=0, backdrop=1.0)
    changed = [paint(e, np.random.default_rng(k)) for k, e in enumerate(examples)]
    vectors = identity_encoder()(images(changed)).vector.numpy()
    who = np.array([e.subject for e in examples])
    neutral = np.arange(0, len(examples), 5)
    moved = np.setdiff1d(np.arange(len(examples)), neutral)
    similarity = cosines(vectors[moved], vectors[neutral])
    assert top1(similarity, who[moved], np.arange(PEOPLE)) >= 0.95


@torch.no_grad()
def test_the_expression_feature_drops_identity(examples: list[Example]) -> None:
    """Far from all of it (docs/measurements.md), but most of what tells two people apart."""
    encoder, who = expression_encoder(), np.array([e.subject for e in examples])
    neutral = np.arange(0, len(examples), 5)
    moved = np.setdiff1d(np.arange(len(examples)), neutral)
    found = []
    for network in (encoder, encoder.identity):
        vectors = network(images(examples)).vector.numpy()
        similarity = cosines(vectors[moved], vectors[neutral])
        found.append(auc(*verification(similarity, who[moved], np.arange(PEOPLE))))
    difference, identity = found
    assert identity > 0.99
    assert difference < 0.8


@torch.no_grad()
def test_landmarks_are_near_the_truth(examples: list[Example]) -> None:
    points = landmark_encoder()(images(examples)).points.numpy() * 112 - 0.5
    far = np.linalg.norm(points - np.stack([e.points for e in examples]), axis=-1).mean()
    assert far / (0.44 * 112) < 0.04


@torch.no_grad()
def test_the_judge_reads_movement_side_and_weakness(examples: list[Example]) -> None:
    true = truth({n: torch.from_numpy(a) for n, a in stack(examples).items()})
    reading = judge()(images(examples))
    assert (reading.movement.argmax(1) == true.movement).float().mean() > 0.7
    weak = true.weakness.max(1).values > 0.5
    assert (reading.side.argmax(1) == true.side)[weak].float().mean() > 0.85
    assert (reading.weakness - true.weakness).abs().mean() < 0.15


def test_the_expression_that_ships_is_e_face_minus_e_id() -> None:
    encoder = expression_encoder()
    for network, name in ((encoder.face, "expression"), (encoder.identity, "identity")):
        (path,) = (ASSETS / name).glob("diffusion_pytorch_model.safetensors")
        stored = load_file(path)["stem.0.weight"].float()
        assert torch.equal(network.stem[0].weight, stored)
    assert not torch.equal(encoder.face.stem[0].weight, encoder.identity.stem[0].weight)
    assert not any(p.requires_grad for p in encoder.parameters())

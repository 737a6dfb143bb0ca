"""Objectives and training data of our recogniser and landmark network, in numbers."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from palsynth.data.augment import Augmentation, AugmentedSource
from palsynth.data.folder_source import CachedSource, FolderSource, MixedSource
from palsynth.data.manifest import Row, write_manifest
from palsynth.data.synthetic_source import PhotographsSource, SyntheticSource
from palsynth.encoders import identity, landmarks, validation
from palsynth.encoders.base import Features
from palsynth.encoders.identity import IdentityObjective, IdentityRecipe
from palsynth.encoders.landmarks import LandmarkNet, Landmarks, LandmarksObjective
from palsynth.encoders.sources import FacesSettings
from palsynth.errors import InputError
from palsynth.subjects import VALIDATION_SEEDS
from tests.data.aligned import aligned

RNG = torch.Generator()


class FixedVectors(nn.Module):
    """An encoder with fixed vectors."""

    def __init__(self, vectors: list[list[float]]) -> None:
        super().__init__()
        self.vectors, self.features = torch.tensor(vectors), len(vectors[0])

    def forward(self, images: Tensor) -> Features:
        return Features(self.vectors, images)


def arcface(vector: list[float], subject: int, scale: float, margin: float) -> IdentityObjective:
    objective = IdentityObjective(FixedVectors([vector]), 2, scale, margin)  # type: ignore[arg-type]
    objective.centres.data = torch.tensor([[2.0, 0.0], [0.0, 3.0]])
    return objective


def loss_of(objective: IdentityObjective, subject: int):  # type: ignore[no-untyped-def]
    batch = {
        "image": torch.zeros(1, 2, 2, 3, dtype=torch.uint8),
        "subject": torch.tensor([subject]),
    }
    return objective(batch, RNG)


def test_the_margin_widens_the_angle_to_the_correct_subject() -> None:
    """A vector with cosines 0.6 and 0.8 to two subjects: the correct angle grows by 0.3."""
    for subject, target, other in ((0, 0.6, 0.8), (1, 0.8, 0.6)):
        losses = loss_of(arcface([3.0, 4.0], subject, 2.0, 0.3), subject)
        with_margin = math.cos(math.acos(target) + 0.3)
        expected = math.log(1 + math.exp(2 * other - 2 * with_margin))
        assert losses.total.item() == pytest.approx(expected, abs=1e-5)
        assert losses.parts["cosine"].item() == pytest.approx(target, abs=1e-6)
        assert losses.parts["accuracy"].item() == subject


def test_beyond_pi_the_loss_continues_to_rise() -> None:
    """Where angle and margin pass pi, the cosine is lowered by margin * sin(margin) instead."""
    losses = loss_of(arcface([-1.0, 0.0], 0, 2.0, 0.3), 0)
    penalised = -1 - 0.3 * math.sin(0.3)
    assert losses.total.item() == pytest.approx(math.log(1 + math.exp(-2 * penalised)), abs=1e-4)
    recipe = IdentityRecipe()
    assert (recipe.scale, recipe.margin) == (32.0, 0.3)


def test_top1_compares_pictures_with_the_first_of_each(monkeypatch: pytest.MonkeyPatch) -> None:
    gallery = [(7 * k + 3) % 32 for k in range(32)]
    probes = [(5 * k + 1) % 32 for k in range(96)]
    vectors = torch.eye(32)[gallery + probes]
    vectors[40], vectors[50] = torch.eye(32)[0], torch.eye(32)[0]  # both of other subjects
    batch = {
        "image": torch.zeros(128, 2, 2, 3, dtype=torch.uint8),
        "subject": torch.tensor(gallery + probes),
    }
    assert 0 not in batch["subject"][[40, 50]]
    monkeypatch.setattr(identity, "on", lambda device: batch)
    objective = IdentityObjective(FixedVectors(vectors.tolist()), 2, 1.0, 0.0)  # type: ignore[arg-type]
    assert objective.validate() == {"validation/top1": pytest.approx(94 / 96)}


def landmark_objective(points: Tensor) -> LandmarksObjective:
    net = LandmarkNet((4, 4, 6, 8), (1, 1, 1, 1), 2, 16, 0.0)
    objective = LandmarksObjective(net)
    net.forward = lambda images: Landmarks(points, images)  # type: ignore[method-assign]
    return objective


def test_distances_are_in_outer_eye_distances_and_lips_are_weighted_threefold() -> None:
    """A lip off by 0.044 of the side is off by 0.1 outer-eye distances (0.44); the chin by 0.2."""
    true = torch.full((1, 478, 2), math.nan)
    true[0, 13], true[0, 152] = torch.tensor([19.5, 9.5]), torch.tensor([9.5, 29.5])
    found = torch.zeros(1, 478, 2)
    found[0, 13] = torch.tensor([0.5, 0.25 + 0.044])  # x 20 of 40, y 10 of 40
    found[0, 152] = torch.tensor([0.25 - 0.088, 0.75])
    batch = {"image": torch.zeros(1, 40, 40, 3, dtype=torch.uint8), "points": true}
    losses = landmark_objective(found)(batch, RNG)
    assert losses.total.item() == pytest.approx((3 * 0.1 + 0.2) / 4, abs=1e-3)
    assert losses.parts["distance"].item() == pytest.approx(0.15, abs=1e-3)
    weight = landmark_objective(found).weight
    lips_lids_brows_irises_nose = [13, 61, 291, 159, 386, 105, 334, 468, 473, 2]
    assert weight[lips_lids_brows_irises_nose].tolist() == [3] * 10
    assert weight[[152, 10, 50, 280]].tolist() == [1] * 4


def test_points_are_x_then_y_of_one_landmark_after_another() -> None:
    net = LandmarkNet((4, 4, 6, 8), (1, 1, 1, 1), 2, 16, 0.0).eval()
    with torch.no_grad():
        net.to_points.weight.zero_()
        net.to_points.bias.copy_(torch.arange(956.0))
        points = net(torch.zeros(1, 3, 112, 112)).points
    assert points[0, 0].tolist() == [0, 1]
    assert points[0, 477].tolist() == [954, 955]


def test_validation_subjects_precede_the_evaluation_subjects(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert (VALIDATION_SEEDS, validation.PEOPLE, validation.EACH) == (990_000, 32, 4)
    seen = []

    def sample(seed: int) -> int:
        seen.append(seed)
        return seed

    def render(subject: int, *_: object, **__: object) -> SimpleNamespace:
        return SimpleNamespace(image=np.zeros((2, 2, 3), np.uint8), landmarks=np.zeros((478, 2)))

    monkeypatch.setattr("palsynth.data.synthetic_source.sample", sample)
    monkeypatch.setattr("palsynth.data.synthetic_source.render", render)
    batch = validation.validation_batch.__wrapped__()
    assert sorted(seen[:32]) == list(range(990_000, 990_032)), "each subject once at first"
    assert len(seen) == 128
    assert batch["subject"].tolist() == [s - 990_000 for s in seen]


def test_training_subjects_end_before_the_validation_subjects() -> None:
    assert FacesSettings(subjects=10, first_subject=989_990).num_subjects() == 10
    with pytest.raises(InputError, match="seeds from 990,000 on are for validation and evaluation"):
        FacesSettings(subjects=11, first_subject=989_990)


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    rows = []
    for split, red in (("train", 200), ("validation", 100), ("test", 50)):
        for k in range(2):
            name = f"{split}-{k}.png"
            Image.new("RGB", (112, 112), (red, 10 * k, 0)).save(tmp_path / name)
            rows.append(Row(name, f"{split}-{k}", split=split, attributes=aligned(112)))
    write_manifest(tmp_path, rows)
    return tmp_path


def test_a_dataset_gives_its_train_people_alone(dataset: Path) -> None:
    no_augmentation = Augmentation(0, 0, 0, 0, 0, 0, 0, 0, mirror=0)
    faces = FacesSettings(
        subjects=0, dataset=dataset, dataset_share=1.0, augmentation=no_augmentation
    )
    assert faces.num_subjects() == 2
    source = faces.build()
    assert {int(source[n].image.max()) for n in range(12)} <= {199, 200}
    assert {source[n].subject for n in range(12)} == {0, 1}


def photographs(folder: Path, table: str) -> None:
    """A folder with the photographs of person 1, which show no face."""
    (folder / "split.csv").write_text(table)
    for kind in ("neutral", "smiling"):
        (folder / kind).mkdir()
        Image.new("RGB", (40, 40)).save(folder / kind / "1.jpg")


def test_shares_and_seeds_of_the_mixture(dataset: Path, tmp_path: Path) -> None:
    photographs(tmp_path, "face_id,split\n1,train\n2,test\n")
    faces = FacesSettings(
        subjects=30,
        first_subject=400,
        photographs=tmp_path,
        photographs_share=0.2,
        dataset=dataset,
        dataset_share=0.3,
        healthy=0.4,
        seed=5,
    )
    built = faces.build(build_cache=False)
    assert isinstance(built, AugmentedSource)
    assert built.augmentation == Augmentation()
    mixture = built.source
    assert isinstance(mixture, MixedSource)
    assert mixture.sources == [
        SyntheticSource(400, 30, healthy=0.4, seed=5),
        PhotographsSource(tmp_path, healthy=0.4, seed=5),
        FolderSource(dataset, ("train",), 112, 5),
    ]
    assert mixture.shares == pytest.approx([0.5, 0.2, 0.3])
    assert (built.seed, mixture.seed) == (5, 5)
    assert faces.num_subjects() == 30 + 1 + 2
    plain = FacesSettings()
    assert (plain.subjects, plain.healthy, plain.photographs_share) == (3000, 0.15, 0.15)


def test_sources_are_cached_separately(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built = []
    monkeypatch.setattr(CachedSource, "build", lambda self, *_: built.append(self))
    photographs(tmp_path, "face_id,split\n1,train\n")
    faces = FacesSettings(
        subjects=30,
        photographs=tmp_path,
        cache_dir=tmp_path / "cache",
        cached_subjects=90,
        cached_photographs=80,
        seed=5,
    )
    faces.build(build_cache=False)
    assert built == []
    faces.build()
    assert {(k.folder.name, k.count, type(k.source), k.seed) for k in built} == {
        ("subjects", 90, SyntheticSource, 5),
        ("photographs", 80, PhotographsSource, 5),
    }


def test_validation_pictures_show_the_predicted_points(monkeypatch: pytest.MonkeyPatch) -> None:
    points = torch.zeros(16, 478, 2)
    points[:] = torch.tensor([0.75, 0.25])
    monkeypatch.setattr(
        landmarks, "on", lambda device: {"image": torch.zeros(16, 112, 112, 3, dtype=torch.uint8)}
    )
    picture = landmark_objective(points).picture()
    assert picture.shape == (896, 896, 3)
    rows, columns = np.nonzero(picture[:224, :224, 1])
    assert (columns.mean(), rows.mean()) == pytest.approx((168, 56), abs=1)

"""The reader: its features, a tiny training run, and the shipped weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from palsynth.clinical import Movement, Palsy, Side
from palsynth.data.examples import Example
from palsynth.data.synthetic_source import SyntheticSource
from palsynth.encoders.base import as_images
from palsynth.encoders.features import DIM, CachedFeatures, extract_features, feature_dtype
from palsynth.encoders.load import expression_encoder
from palsynth.encoders.reader import ReaderNet, ReaderRecipe, ReaderSettings
from palsynth.encoders.shipped import load_ours
from palsynth.encoders.sources import FacesSettings
from palsynth.errors import InputError
from palsynth.face.framing import RECOGNISER
from palsynth.methods.reading import read_targets
from palsynth.subjects import EVALUATION_SEEDS, View, random_palsy, render, sample
from palsynth.training.loop import train
from palsynth.training.recipe import LoopSettings


def test_features_are_those_of_the_picture_alone() -> None:
    source = SyntheticSource(960_000, 3, seed=2)
    images = [source[n].image for n in range(3)]
    together = extract_features(images, [None] * 3)
    alone = extract_features(images[1:2], [None])
    assert np.allclose(together["vector"][1], alone["vector"][0], atol=1e-4)
    assert np.array_equal(together["points"][1], alone["points"][0])
    left, right = (together["points"][0][k] for k in (263, 33))
    assert np.allclose(left - right, [1, 0], atol=1e-5)


def test_features_are_e_face_minus_e_id_and_points_are_detected_where_a_face_is() -> None:
    """True landmarks would be more informative than those of a detector biased to symmetry."""
    image = SyntheticSource(960_000, 3, seed=2)[0].image
    features = extract_features([image, image], [None, np.full((478, 2), 7.0)])
    assert np.array_equal(features["points"][0], features["points"][1])
    with torch.no_grad():
        expected = expression_encoder()(as_images(torch.from_numpy(image[None]))).vector[0]
    assert np.allclose(features["vector"][0], expected, atol=1e-4)
    assert np.linalg.norm(expected) > 1


class Counted:
    """Every pixel, point and label of example n encodes n."""

    num_subjects = None

    def __getitem__(self, number: int) -> Example:
        return Example(
            np.full((2, 2, 3), number, np.uint8),
            0,
            movement=number,
            points=np.full((478, 2), number, np.float32),
            function=np.full((2, 5), number / 100, np.float32),
            tone=np.array([number / 100, 1], np.float32),
        )


def test_labels_match_their_features(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def features(crops: list[np.ndarray], points: list[np.ndarray]) -> np.ndarray:
        assert len(crops) <= 50
        rows = np.zeros(len(crops), feature_dtype())
        for row, crop, known in zip(rows, crops, points, strict=True):
            row["vector"], row["points"] = crop.max(), known
        return rows

    monkeypatch.setattr("palsynth.encoders.features.extract_features", features)
    numbers = list(range(119, -1, -1))
    rows = CachedFeatures(Counted(), tmp_path, 120, uncached=True).records(numbers)
    for n, row in zip(numbers, rows, strict=True):
        assert (row["vector"] == n).all()
        assert (row["points"] == n).all()
        assert row["movement"] == n
        assert np.allclose(row["function"], n / 100)
        assert row["tone"] == pytest.approx([n / 100, 1])


def test_without_a_face_the_given_points_are_used() -> None:
    empty = np.full((112, 112, 3), 127, np.uint8)
    points = SyntheticSource(960_000, 3, seed=2)[0].points
    features = extract_features([empty, empty], [points, None])
    assert np.abs(features["points"][0]).max() > 0.3
    assert np.abs(features["points"][1]).max() == 0


def test_cached_features_are_those_of_the_source(tmp_path: Path) -> None:
    source = SyntheticSource(960_000, 3, seed=2)
    cached = CachedFeatures(source, tmp_path / "cache", 4)
    cached.build()
    uncached = CachedFeatures(source, tmp_path / "none", 4, uncached=True)
    threads = torch.get_num_threads()
    assert uncached[0].arrays()["vector"].shape == (512,)
    assert torch.get_num_threads() == threads
    for n in range(4):
        a, b = cached[n].arrays(), uncached[n].arrays()
        assert a.keys() == b.keys() == {"vector", "points", "movement", "function", "tone"}
        assert np.allclose(a["vector"], b["vector"], atol=1e-4)
        assert a["movement"] == b["movement"]


def test_features_of_patients_are_cached_only_where_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    data = FacesSettings(subjects=4, first_subject=960_000)
    recipe = ReaderRecipe(model=ReaderSettings(2, 4), data=data, examples=3)
    assert recipe.source()[0].arrays()["vector"].shape == (DIM,)
    assert list(tmp_path.iterdir()) == []


def test_a_reader_trains_and_is_loaded(tmp_path: Path) -> None:
    recipe = ReaderRecipe(
        model=ReaderSettings(6, 16),
        data=FacesSettings(subjects=4, first_subject=960_000),
        examples=16,
        cache_dir=tmp_path / "cache",
        loop=LoopSettings(
            steps=30,
            batch=16,
            learning_rate=1e-2,
            validate_every=30,
            log_every=5,
            device="cpu",
        ),
    )
    assert train(recipe, tmp_path / "run")
    reader = load_ours("reader", tmp_path / "run" / "weights")
    rows = [recipe.source()[n].arrays() for n in range(16)]
    vectors, points = (
        torch.from_numpy(np.stack([r[name] for r in rows])) for name in ("vector", "points")
    )
    movement = reader(vectors, points).movement.argmax(1).numpy()
    assert (movement == np.array([r["movement"] for r in rows])).mean() > 0.9


def test_inputs_are_normalised() -> None:
    rng = torch.Generator().manual_seed(0)
    vectors = 3 + 5 * torch.randn(200, 512, generator=rng)
    points = torch.randn(200, 478, 2, generator=rng)
    reader = ReaderNet(10, 8)
    reader.fit_basis(vectors, points)
    features = torch.cat([vectors, (points.flatten(1) - reader.middle) @ reader.basis], 1)
    scaled = (features - reader.mean) / reader.deviation
    assert torch.allclose(scaled.std(0), torch.ones(522), atol=1e-3)
    assert torch.allclose(reader.basis.T @ reader.basis, torch.eye(10), atol=1e-4)


def test_components_are_ordered_by_variance() -> None:
    rng = torch.Generator().manual_seed(0)
    points = torch.zeros(300, 478, 2)
    points[:, 7, 1] = 5 + 3 * torch.randn(300, generator=rng)
    points[:, 2, 0] = 9 * torch.randn(300, generator=rng)
    reader = ReaderNet(2, 8)
    reader.fit_basis(torch.randn(300, 512, generator=rng), points)
    assert reader.middle[15] == pytest.approx(5, abs=0.5)
    assert reader.basis[4, 0].abs() > 0.99
    assert reader.basis[15, 1].abs() > 0.99


def test_a_reader_receives_normalised_features_and_components() -> None:
    reader = ReaderNet(1, 8).eval()
    reader.body, reader.head = torch.nn.Identity(), torch.nn.Identity()
    reader.middle[3], reader.basis[3, 0] = 2.0, 10.0
    reader.mean[0], reader.deviation[0] = 1.0, 4.0
    reader.mean[512], reader.deviation[512] = 5.0, 0.5
    vectors, points = torch.zeros(1, 512), torch.zeros(1, 478, 2)
    vectors[0, 0], points[0, 1, 1] = 9.0, 3.0
    features = reader(vectors, points)
    assert features.shape == (1, 513)
    assert features[0, 0].item() == (9 - 1) / 4
    assert features[0, 512].item() == ((3 - 2) * 10 - 5) / 0.5


@pytest.fixture(scope="module")
def read() -> tuple[list, list]:
    """Requested and predicted expressions of 40 subjects that were never trained on."""
    requested, crops = [], []
    movements = [m for m in Movement if m is not Movement.BLINK]
    for number in range(40):
        rng = np.random.default_rng([55, number])
        side = Side.LEFT if rng.random() < 0.5 else Side.RIGHT
        movement, palsy = movements[number % len(movements)], random_palsy(rng, side)
        subject = sample(EVALUATION_SEEDS + 70_000 + number)
        crops.append(render(subject, movement, palsy, view=View(112, RECOGNISER)).image)
        requested.append((movement, palsy))
    return requested, read_targets(crops)


def test_the_shipped_reader_predicts_movements(read: tuple[list, list]) -> None:
    right = [m is r.movement for (m, _), r in zip(*read, strict=True)]
    assert np.mean(right) >= 0.85


def test_the_shipped_reader_predicts_sides(read: tuple[list, list]) -> None:
    def lean(palsy: Palsy, movement: Movement) -> float:
        return palsy.movement_function(movement, Side.RIGHT) - palsy.movement_function(
            movement, Side.LEFT
        )

    pairs = [(lean(p, m), lean(r.palsy, m)) for (m, p), r in zip(*read, strict=True)]
    unambiguous = [(a, b) for a, b in pairs if abs(a) > 0.4]
    assert len(unambiguous) > 8
    assert np.mean([np.sign(a) == np.sign(b) for a, b in unambiguous]) >= 0.9


def test_invalid_sizes_are_refused() -> None:
    for wrong, text in (
        ({"components": 0}, "components 1 to 956"),
        ({"components": 957}, "two a landmark"),
        ({"hidden": 0}, "hidden must be at least 1"),
        ({"dropout": 1.0}, "dropout 1: must lie in 0 … 1"),
    ):
        with pytest.raises(InputError, match=text):
            ReaderSettings(**wrong)
    with pytest.raises(InputError, match="examples 99: 100 components need as many"):
        ReaderRecipe(examples=99)

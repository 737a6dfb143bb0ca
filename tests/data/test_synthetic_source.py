"""Sources of generated examples: subjects, expressions and labels."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from palsynth.clinical import Movement, Palsy
from palsynth.data.examples import Example, stack
from palsynth.data.pair_settings import PairsSettings, pairs_source
from palsynth.data.synthetic_source import PhotographsSource, SyntheticSource
from palsynth.encoders.sources import FacesSettings
from palsynth.errors import InputError
from palsynth.face.face import Face
from palsynth.subjects import EVALUATION_SEEDS


def same(one: Example, other: Example) -> bool:
    pairs = zip(stack([one]).values(), stack([other]).values(), strict=True)
    return all(np.allclose(a, b, atol=1e-4, equal_nan=True) for a, b in pairs)


def test_an_example_is_a_function_of_its_number() -> None:
    source = SyntheticSource(first=40, count=4, size=64, seed=2)
    assert same(source[7], SyntheticSource(first=40, count=4, size=64, seed=2)[7])
    assert not same(source[7], source[8])
    assert not same(source[7], SyntheticSource(first=40, count=4, size=64, seed=3)[7])


def test_seeds_from_a_million_on_are_not_trained_on() -> None:
    assert EVALUATION_SEEDS == 1_000_000
    assert SyntheticSource(first=999_998, count=2).num_subjects == 2
    with pytest.raises(InputError, match="999998 to 1000000: seeds from 1,000,000 on are for eval"):
        SyntheticSource(first=999_998, count=3)


@pytest.fixture
def rendered(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Records the calls of the renderer instead of rendering."""
    requested: list[dict[str, Any]] = []

    def render(
        subject: int, movement: Movement, palsy: Palsy, *, intensity: float, view: Any
    ) -> Any:
        requested.append(
            {
                "subject": subject,
                "movement": movement,
                "palsy": palsy,
                "effort": intensity,
                "view": view,
            }
        )
        image = np.full((view.size, view.size, 3), subject - 40, np.uint8)
        return SimpleNamespace(image=image, landmarks=np.full((478, 2), subject, np.float32))

    monkeypatch.setattr("palsynth.data.synthetic_source.sample", lambda seed: seed)
    monkeypatch.setattr("palsynth.data.synthetic_source.render", render)
    return requested


def test_labels_are_those_of_the_rendered_expression(rendered: list[dict[str, Any]]) -> None:
    source = SyntheticSource(first=40, count=4, size=8, seed=2)
    assert source.num_subjects == 4
    examples = [source[n] for n in range(400)]
    for example, requested in zip(examples, rendered, strict=True):
        assert example.subject == requested["subject"] - 40 == int(example.image.max())
        assert example.points[0, 0] == requested["subject"]
        assert list(Movement)[example.movement] is requested["movement"]
        for row, state in enumerate((requested["palsy"].left, requested["palsy"].right)):
            assert example.function[row] == pytest.approx(list(state.function.values()))
            assert example.tone[row] == pytest.approx(state.tone)
    for start in range(0, 400, 4):
        assert sorted(e.subject for e in examples[start : start + 4]) == [0, 1, 2, 3]
    assert {a["movement"] for a in rendered} == set(Movement) - {Movement.BLINK}
    assert 0.8 <= min(a["effort"] for a in rendered) < 0.83
    assert 1.07 < max(a["effort"] for a in rendered) <= 1.1
    assert {(a["view"].size, a["view"].framing.name) for a in rendered} == {(8, "recogniser")}


def test_both_sides_are_weak_equally_often_and_some_are_healthy(
    rendered: list[dict[str, Any]],
) -> None:
    source = SyntheticSource(first=40, count=4, size=8, healthy=0.2)
    function = np.array([source[n].function.sum(1) for n in range(600)])
    left, right = function.T
    healthy = (left == 5) & (right == 5)
    assert healthy.mean() == pytest.approx(0.2, abs=0.06)
    assert (left < right)[~healthy].mean() == pytest.approx(0.5, abs=0.07)
    always = SyntheticSource(first=40, count=4, size=8, healthy=1.0)
    assert all((always[n].function == 1).all() for n in range(20))


GREY = {"001/neutral": 10, "001/smiling": 20, "003/neutral": 30, "003/smiling": 40}


@pytest.fixture
def photographs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, face: Face) -> PhotographsSource:
    """A train split of 001 and 003; pictures differ in grey level, and moved ones are brighter."""
    rows = "001,train\n002,test\n003,train\n004,validation\n"
    (tmp_path / "split.csv").write_text(f"face_id,split\n{rows}")

    def read(path: Path) -> Face:
        assert path.suffix == ".jpg"
        grey = GREY[f"{path.stem}/{path.parent.name}"]
        return Face(np.full_like(face.image, grey), face.landmarks)

    def simulate(face: Face, movement: Movement, palsy: Palsy, *, intensity: float) -> Any:
        assert 0.8 <= intensity <= 1.1
        moves.append((face.image.max(), movement, palsy))
        return SimpleNamespace(image=face.image + 100, points=face.landmarks)

    moves: list[tuple[int, Movement, Palsy]] = []
    monkeypatch.setattr("palsynth.data.synthetic_source.read_face", read)
    monkeypatch.setattr("palsynth.data.synthetic_source.simulate", simulate)
    source = PhotographsSource(tmp_path, size=32, seed=1)
    source.__dict__["moves"] = moves
    return source


def test_only_photographs_of_the_train_split_are_used(photographs: PhotographsSource) -> None:
    assert photographs.names == ("001", "003")
    assert photographs.num_subjects == 2
    for (name, kind), grey in zip(
        (("001", "neutral"), ("001", "smiling"), ("003", "smiling")), (10, 20, 40), strict=True
    ):
        assert photographs.face(name, kind).image.max() == grey


def test_photographs_are_labelled_by_their_expression(photographs: PhotographsSource) -> None:
    examples = [photographs[n] for n in range(320)]
    moves = iter(photographs.__dict__["moves"])
    counts = {"neutral": 0, "smiling": 0, "moved": 0}
    for example in examples:
        grey = int(example.image.max())
        assert example.subject == (0 if grey % 100 < 25 else 1)
        irises = example.points[468:]
        if grey > 100:
            counts["moved"] += 1
            source_grey, movement, palsy = next(moves)
            assert source_grey == grey - 100
            assert source_grey in (10, 30), "only a face at rest is moved"
            assert list(Movement)[example.movement] is movement
            for row, state in enumerate((palsy.left, palsy.right)):
                assert example.function[row] == pytest.approx(list(state.function.values()))
                assert example.tone[row] == pytest.approx(state.tone)
            assert np.isnan(irises).all(), "they may have rolled up"
        else:
            kind = "neutral" if grey in (10, 30) else "smiling"
            counts[kind] += 1
            assert example.movement == {"neutral": 0, "smiling": 8}[kind]
            assert (example.function == 1).all()
            assert (example.tone == 1).all()
            assert not np.isnan(irises).any()
    assert list(counts.values()) == pytest.approx([40, 40, 240], abs=20)
    for start in range(0, 320, 2):
        assert sorted(e.subject for e in examples[start : start + 2]) == [0, 1]


def test_crops_of_photographs_are_in_recogniser_framing(
    photographs: PhotographsSource,
) -> None:
    examples = [photographs[n] for n in range(200)]
    widths = [e.points[263, 0] - e.points[33, 0] for e in examples]
    heights = [(e.points[263, 1] + e.points[33, 1]) / 2 for e in examples]
    assert np.mean(widths) == pytest.approx(0.44 * 32, rel=0.01)
    assert np.std(widths) == pytest.approx(0.02 * 0.44 * 32, rel=0.3)
    assert np.mean(heights) == pytest.approx(0.461 * 32 - 0.5, abs=0.1)
    assert np.std(heights) == pytest.approx(0.008 * 32, rel=0.3)
    assert same(photographs[3], examples[3])


def test_faults_of_a_photograph_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"split.csv: cannot be read"):
        PhotographsSource(tmp_path).check()
    (tmp_path / "split.csv").write_text("name\n1\n")
    with pytest.raises(InputError, match=r"split.csv: column face_id, split is missing"):
        PhotographsSource(tmp_path).num_subjects  # noqa: B018
    (tmp_path / "split.csv").write_text("face_id,split\n1,test\n")
    with pytest.raises(InputError, match="names no train people"):
        PhotographsSource(tmp_path).num_subjects  # noqa: B018


def test_a_photograph_is_moved_by_the_real_simulator(tmp_path: Path, astronaut: Face) -> None:
    for kind in ("neutral", "smiling"):
        (tmp_path / kind).mkdir()
        Image.fromarray(astronaut.image).save(tmp_path / kind / "001.jpg")
    (tmp_path / "split.csv").write_text("face_id,split\n001,train\n")
    source = PhotographsSource(tmp_path, seed=1)
    examples = [source[n] for n in range(8)]
    moved = [np.isnan(e.points[468:]).all() for e in examples]
    assert 0 < sum(moved) < 8
    assert len({e.image.tobytes() for e in examples}) == 8
    assert same(source[3], PhotographsSource(tmp_path, seed=1)[3])


def test_a_photograph_folder_is_checked_before_anything_is_rendered(tmp_path: Path) -> None:
    """A missing or unreadable photograph stops a training at its start, not after an hour."""
    (tmp_path / "split.csv").write_text("face_id,split\n1,train\n2,train\n3,test\n")
    picture = np.full((64, 64, 3), 9, np.uint8)
    for kind in ("neutral", "smiling"):
        (tmp_path / kind).mkdir()
        for name in ("1", "2"):
            Image.fromarray(picture).save(tmp_path / kind / f"{name}.jpg")
    for cache in (None, tmp_path / "cache"):
        settings = FacesSettings(
            photographs=tmp_path, subjects=0, photographs_share=1, cache_dir=cache
        )
        PhotographsSource(tmp_path).check()
        (tmp_path / "smiling" / "2.jpg").rename(tmp_path / "2.jpg")
        with pytest.raises(InputError, match=r"smiling/2\.jpg: no such photograph, but split\.csv"):
            settings.build()
        with pytest.raises(InputError, match=r"smiling/2\.jpg: no such photograph, but split\.csv"):
            pairs_source(PairsSettings(photographs=tmp_path, cache_dir=tmp_path / "cache"), 112)
        (tmp_path / "2.jpg").rename(tmp_path / "smiling" / "2.jpg")
        whole = (tmp_path / "neutral" / "1.jpg").read_bytes()
        (tmp_path / "neutral" / "1.jpg").write_text("text")
        with pytest.raises(InputError, match=r"neutral/1\.jpg: is not a picture"):
            settings.build()
        (tmp_path / "neutral" / "1.jpg").write_bytes(whole)
        assert not (tmp_path / "cache").exists()

"""How the pictures of a group's members are made, and their scripts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from palsynth.clinical import Branch, Movement, Palsy, Side, SidePalsy
from palsynth.data import drafts, groups
from palsynth.data.groups import GroupsSource, Script
from palsynth.errors import InputError

SIZE = 8


def picture(number: int) -> np.ndarray:
    return np.full((SIZE, SIZE, 3), number, np.uint8)


def number(image: np.ndarray) -> int:
    return int(image[0, 0, 0])


@pytest.fixture
def requested(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[Script]]]:
    """Which function makes the pictures of each member, and the scripts; no picture is rendered."""
    calls: list[tuple[str, list[Script]]] = []

    def maker(name: str) -> Any:
        def make(self: GroupsSource, rng: np.random.Generator, scripts: list[Script]) -> Any:
            calls.append((name, scripts))
            return SimpleNamespace(image=picture(9)), [picture(s) for s in range(3)]

        return make

    for name in ("_synthetic", "_simulated_photograph", "_smiling_photographs"):
        monkeypatch.setattr(GroupsSource, name, maker(name))
    monkeypatch.setattr(groups, "make_drafts", lambda *_: 0)
    return calls


def test_shares_of_groups_with_photographs(requested: list[tuple[str, list[Script]]]) -> None:
    source = GroupsSource(photographs=Path("there"), mixed=0.3, smiling=0.2, size=SIZE)
    made = [source[n] for n in range(400)]
    kinds = [tuple(name for name, _ in requested[k : k + 4]) for k in range(0, 1600, 4)]
    assert set(kinds) == {
        ("_smiling_photographs",) * 4,
        ("_simulated_photograph",) * 2 + ("_synthetic",) * 2,
        ("_synthetic",) * 4,
    }
    assert kinds.count(("_smiling_photographs",) * 4) == pytest.approx(80, abs=25)
    assert kinds.count(("_synthetic",) * 4) == pytest.approx(200, abs=30)
    for k, (kind, group) in enumerate(zip(kinds, made, strict=True)):
        scripts = requested[4 * k][1]
        for s, script in enumerate(scripts):
            assert list(Movement)[group["movement"][s]] is script.movement
            for row, state in enumerate((script.palsy.left, script.palsy.right)):
                assert group["function"][s, row] == pytest.approx(list(state.function.values()))
                assert group["tone"][s, row] == pytest.approx(state.tone)
        if kind[0] == "_simulated_photograph":
            assert scripts[0][:2] == (Movement.GRIN, Palsy.none())
        if kind[0] == "_smiling_photographs":
            assert {s.movement for s in scripts} == {Movement.GRIN}
            assert [s.palsy.weak_side for s in scripts] == [None, Side.LEFT, Side.RIGHT]
            left, right = group["function"][1, 0, 0], group["function"][2, 1, 0]
            assert 0 <= min(left, right) <= max(left, right) <= 0.75
            assert (group["tone"] == 1).all()


def test_scripts_of_synthetic_subjects(requested: list[tuple[str, list[Script]]]) -> None:
    source = GroupsSource(size=SIZE, healthy=0.2)
    for n in range(200):
        source[n]
    scripts = [script for _, found in requested[::4] for script in found]
    assert {name for name, _ in requested} == {"_synthetic"}, (
        "without photographs all are synthetic"
    )
    assert {s.movement for s in scripts} == set(Movement) - {Movement.BLINK}
    weak = [s.palsy.weak_side for s in scripts]
    assert weak.count(None) / 600 == pytest.approx(0.2, abs=0.07)
    assert weak.count(Side.LEFT) / (600 - weak.count(None)) == pytest.approx(0.5, abs=0.07)
    assert 0.85 <= min(s.effort for s in scripts) <= max(s.effort for s in scripts) <= 1.1


def test_a_member_is_one_subject_in_one_view(monkeypatch: pytest.MonkeyPatch) -> None:
    rendered = []

    def render(seed: Any, movement: Movement, palsy: Palsy, *, intensity: float, view: Any) -> Any:
        rendered.append((seed.number, movement, palsy, intensity, view))
        return SimpleNamespace(image=picture(len(rendered)), landmarks=np.zeros((478, 2)))

    def sample(seed: int) -> Any:
        return SimpleNamespace(number=seed, landmarks=np.ones((478, 3), np.float32))

    monkeypatch.setattr(groups, "sample", sample)
    monkeypatch.setattr(groups, "render", render)
    scripts = [
        Script(Movement.GRIN, Palsy.weakness(Side.LEFT, 0.5), 0.9),
        Script(Movement.WINK, Palsy.none(), 1.1),
        Script(Movement.REST, Palsy.none(), 1.0),
    ]
    seeds = set()
    for seed in range(60):
        rendered.clear()
        face, moved = GroupsSource(500, 6, size=SIZE)._synthetic(
            np.random.default_rng(seed), scripts
        )
        assert [d[1:4] for d in rendered] == [(Movement.REST, Palsy.none(), 1.0), *scripts]
        assert len({id(d[4]) for d in rendered}) == len({d[0] for d in rendered}) == 1
        seeds.add(rendered[0][0])
        assert number(face.image) == 1
        assert [number(image) for image in moved] == [2, 3, 4]
        assert face.landmarks[0, 2] == pytest.approx(0.44 * SIZE)
    assert seeds == {500, 501, 502, 503, 504, 505}


@dataclass
class Photographed:
    """Records which faces were requested; grey level 1 is neutral, 2 smiling."""

    names: tuple[str, ...] = ("001", "003")

    def __post_init__(self) -> None:
        self.num_subjects, self.requested = len(self.names), []

    def face(self, name: str, kind: str) -> Any:
        self.requested.append((name, kind))
        image = picture({"neutral": 1, "smiling": 2}[kind])
        return SimpleNamespace(
            image=image, aligned=lambda framing, size: SimpleNamespace(image=image, name=name)
        )


def test_a_healthy_grin_of_a_photographed_member_is_its_photograph(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    moved_by = []

    def simulate(face: Any, movement: Movement, palsy: Palsy, *, intensity: float) -> Any:
        assert number(face.image) == 1, "only the neutral picture is moved"
        moved_by.append((movement, palsy, intensity))
        return SimpleNamespace(image=picture(7))

    monkeypatch.setattr(groups, "simulate", simulate)
    weak = Palsy.weakness(Side.RIGHT, 0.5)
    scripts = [
        Script(Movement.GRIN, Palsy.none(), 0.9),
        Script(Movement.GRIN, weak, 1.0),
        Script(Movement.WINK, Palsy.none(), 1.1),
    ]
    source = GroupsSource()
    source.__dict__["_photographed"] = photographed = Photographed()
    for seed in range(20):
        photographed.requested.clear()
        moved_by.clear()
        face, moved = source._simulated_photograph(np.random.default_rng(seed), scripts)
        assert number(face.image) == 1
        assert [number(image) for image in moved] == [2, 7, 7]
        assert moved_by == [(Movement.GRIN, weak, 1.0), (Movement.WINK, Palsy.none(), 1.1)]
        assert len({name for name, _ in photographed.requested}) == 1


def test_a_half_smile_lacks_the_share_of_its_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    halves = []

    def pair_up(name: str, rest: Any, smile: Any, size: int, framing: Any) -> Any:
        assert (number(rest.image), number(smile.image)) == (1, 2)
        return SimpleNamespace(rest=rest, smile=smile)

    def half_smile(subject: Any, weak: Side, share: float) -> np.ndarray:
        halves.append((weak, share))
        return picture(5)

    monkeypatch.setattr(groups, "pair_up", pair_up)
    monkeypatch.setattr(groups, "half_smile", half_smile)
    source = GroupsSource()
    source.__dict__["_photographed"] = Photographed()
    scripts = [
        Script(Movement.GRIN, palsy, 1.0)
        for palsy in (
            Palsy.none(),
            Palsy.on(Side.LEFT, SidePalsy(dict.fromkeys(Branch, 0.25))),
            Palsy.on(Side.RIGHT, SidePalsy(dict.fromkeys(Branch, 0.6))),
        )
    ]
    rest, moved = source._smiling_photographs(np.random.default_rng(0), scripts)
    assert number(rest.image) == 1
    assert [number(image) for image in moved] == [2, 5, 5]
    assert [weak for weak, _ in halves] == [Side.LEFT, Side.RIGHT]
    assert [share for _, share in halves] == pytest.approx([0.75, 0.4])


def test_faces_that_cannot_be_captured_or_moved_give_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise InputError("no face")

    image, rest = picture(3), SimpleNamespace()
    monkeypatch.setattr(drafts, "detect_face", lambda image: ("face", number(image)))
    monkeypatch.setattr(drafts, "capture", lambda face, known: (face, known))
    monkeypatch.setattr(drafts, "at_rest", lambda face: ("rest", face))
    assert drafts._captured(image, rest) == (("face", 3), rest)  # type: ignore[arg-type, comparison-overlap]
    assert drafts._movable(rest) == ("rest", rest)  # type: ignore[arg-type, comparison-overlap]
    monkeypatch.setattr(drafts, "capture", refuse)
    monkeypatch.setattr(drafts, "at_rest", refuse)
    assert drafts._captured(image, None) is None
    assert drafts._movable(rest) is None  # type: ignore[arg-type]


def test_groups_use_photographs_of_the_train_split_only(tmp_path: Path) -> None:
    rows = "1,train\n2,test\n3,validation\n4,train\n"
    (tmp_path / "split.csv").write_text(f"face_id,split\n{rows}")
    source = GroupsSource(photographs=tmp_path, size=48)._photographed
    assert source is not None
    assert source.names == ("1", "4")
    assert source.size == 48

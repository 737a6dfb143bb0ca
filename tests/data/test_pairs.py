"""Members and expressions in a group and in a pair: every picture contains its own number."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from palsynth.data import drafts
from palsynth.data.drafts import make_drafts
from palsynth.data.groups import group_type
from palsynth.data.training_pairs import PairExample, PairsSource, make_pair

SIZE = 8


def picture(number: int) -> np.ndarray:
    """A picture of one grey level with a white left edge, so that mirroring is visible."""
    image = np.full((SIZE, SIZE, 3), number, np.uint8)
    image[:, 0] = 255
    return image


def known_group() -> np.ndarray:
    """Member m at rest: 10 m + 9; m with script s: 10 m + s; the draft of m from member o with
    script s: 50 + 40 m + 10 o + s, the next member first."""
    group = np.zeros((), group_type(SIZE))
    for member in range(4):
        group["rest"][member] = picture(10 * member + 9)
        for s in range(3):
            group["moved"][member, s] = picture(10 * member + s)
            for place, other in enumerate([1, 2, 3, 0, 1, 2][member : member + 3]):
                group["draft"][member, place, s] = picture(50 + 40 * member + 10 * other + s)
    group["movement"] = 8, 0, 3
    for s in range(3):
        group["function"][s] = [[0.1 + s / 10] * 5, [0.9] * 5]
        group["tone"][s] = 0.2 + s / 10, 1.0
    return group


def number(image: np.ndarray) -> int:
    return int(image[0, SIZE // 2, 0])


def numbers(pair: PairExample) -> tuple[int, int, int, int]:
    return tuple(number(getattr(pair, n)) for n in ("identity", "expression", "target", "draft"))  # type: ignore[return-value]


def test_a_pair_combines_a_member_with_the_expression_of_another() -> None:
    group = known_group()
    pair = make_pair(group, 1, 2, 3, SIZE)
    assert numbers(pair) == (19, 32, 12, 50 + 40 + 30 + 2)
    assert numbers(make_pair(group, 3, 0, 2, SIZE)) == (39, 20, 30, 50 + 120 + 20)
    assert numbers(make_pair(group, 0, 1, 1, SIZE)) == (9, 11, 1, 50 + 10 + 1)
    assert numbers(make_pair(group, 2, 1, 2, SIZE))[:3] == (29, 21, 21)
    assert numbers(make_pair(group, 2, 1, 2, SIZE))[3] == 50 + 80 + 30 + 1, "from the next member"
    assert pair.movement == 3
    assert np.allclose(pair.function, [[0.3] * 5, [0.9] * 5])
    assert pair.tone == pytest.approx([0.4, 1.0])


def test_a_mirrored_pair_swaps_sides_in_all_pictures_and_labels() -> None:
    pair = make_pair(known_group(), 0, 2, 1, SIZE)
    mirrored = pair.mirrored()
    for name in ("identity", "expression", "target", "draft"):
        assert np.array_equal(getattr(mirrored, name), getattr(pair, name)[:, ::-1]), name
    assert mirrored.movement == pair.movement == 3
    assert np.allclose(mirrored.function, [[0.9] * 5, [0.3] * 5])
    assert mirrored.tone == pytest.approx([1.0, 0.4])


@dataclass(frozen=True)
class TwoGroups:
    """The known group, and one whose pictures are three levels brighter."""

    count: int = 2

    def __getitem__(self, number: int) -> np.ndarray:
        group = known_group()
        for name in ("rest", "moved", "draft"):
            group[name][..., 1:, :] += np.uint8(3 * number)
        return group


def unmirrored(pair: PairExample) -> tuple[bool, PairExample]:
    """Whether a pair is mirrored, in agreement with its labels, and the pair before mirroring."""
    mirrored = pair.target[0, -1, 0] == 255
    assert (pair.function[1, 0] < 0.8) == mirrored
    return mirrored, pair.mirrored() if mirrored else pair


def test_crossed_pairs_have_the_expression_of_another_member() -> None:
    pairs = PairsSource(TwoGroups(), size=SIZE, seed=4)  # type: ignore[arg-type]
    assert pairs.num_subjects is None
    seen, num_mirrored = set(), 0
    for n in range(1200):
        mirrored, pair = unmirrored(pairs[n])
        num_mirrored += mirrored
        identity, expression, target, draft = numbers(pair)
        bright = identity % 10 == 2  # 9 and 3 more
        identity, expression, target, draft = (
            v - 3 * bright for v in (identity, expression, target, draft)
        )
        (member, rest), (other, script) = divmod(identity, 10), divmod(expression, 10)
        assert rest == 9
        assert divmod(target, 10) == (member, script)
        assert other != member
        assert draft == 50 + 40 * member + 10 * other + script
        assert pair.movement == (8, 0, 3)[script]
        assert pair.tone == pytest.approx([0.2 + script / 10, 1.0])
        seen.add((bright, member, other, script))
    assert len(seen) == 2 * 4 * 3 * 3, "every possible pair"
    assert 540 < num_mirrored < 660
    for start in range(0, 20, 2):
        assert {number(unmirrored(pairs[n])[1].identity) % 10 for n in (start, start + 1)} == {9, 2}


def test_uncrossed_pairs_are_two_pictures_of_one_member() -> None:
    pairs = PairsSource(TwoGroups(1), crossed=False, size=SIZE)  # type: ignore[arg-type]
    seen = set()
    for n in range(400):
        identity, expression, target, _ = numbers(unmirrored(pairs[n])[1])
        assert expression == target, "as in the paper's training"
        assert identity // 10 == target // 10, "the same member"
        assert identity != target
        seen.add((identity, target))
    assert len(seen) == 4 * 3 * 3, "at rest or with another script"


def test_the_share_of_mirrored_pairs() -> None:
    for share in (0.0, 1.0):
        pairs = PairsSource(TwoGroups(), size=SIZE, mirror=share)  # type: ignore[arg-type]
        assert {unmirrored(pairs[n])[0] for n in range(30)} == {bool(share)}


def test_drafts_are_captured_from_another_member_and_rendered_with_the_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Captured from the other's picture, half of the time with the other's face at rest, and
    rendered with the member itself."""
    rests = [SimpleNamespace(image=picture(10 * m + 9), member=m) for m in range(4)]
    captured = []

    def capture(image: np.ndarray, rest: Any) -> Any:
        other, script = divmod(number(image), 10)
        captured.append((other, script, None if rest is None else rest.member))
        return None if (other, script) == (3, 2) else (other, script)

    def compose(rest: Any, drive: tuple[int, int]) -> Any:
        other, script = drive
        return SimpleNamespace(image=picture(50 + 40 * rest.member + 10 * other + script))

    monkeypatch.setattr(drafts, "_captured", capture)
    monkeypatch.setattr(drafts, "_movable", lambda rest: None if rest.member == 2 else rest)
    monkeypatch.setattr(drafts, "drive_of", lambda found: found)
    monkeypatch.setattr(drafts, "compose", compose)
    for seed in range(20):
        moved = known_group()["moved"]
        made = make_drafts(rests, moved, np.random.default_rng(seed))  # type: ignore[arg-type]
        expected = known_group()["draft"]
        expected[2] = picture(29)  # a member that cannot be moved remains at rest
        for member, place in ((0, 2), (1, 1)):  # member 3's third expression cannot be captured
            expected[member, place, 2] = picture(10 * member + 9)
        assert np.array_equal(made, expected)
    assert {(o, s) for o, s, _ in captured} == {(o, s) for o in range(4) for s in range(3)}
    known = [rest == other for other, _, rest in captured if rest is not None]
    assert all(known)
    assert len(known) / len(captured) == pytest.approx(0.5, abs=0.12)

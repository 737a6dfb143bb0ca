"""Labels as numbers, mirrored examples, and the order of examples."""

from __future__ import annotations

import numpy as np
import pytest

from palsynth.clinical import Branch, Movement, Palsy, SidePalsy
from palsynth.data.examples import (
    GRADES,
    ITEMS,
    MOVEMENTS,
    UNKNOWN,
    Example,
    labels,
    shuffled,
    stack,
)
from palsynth.face import topology
from palsynth.seeds import Stream

UNEVEN = Palsy(
    left=SidePalsy(dict(zip(Branch, (0.1, 0.2, 0.3, 0.4, 0.5), strict=True)), tone=0.6),
    right=SidePalsy(dict(zip(Branch, (1.0, 0.9, 0.8, 0.75, 0.7), strict=True)), tone=0.95),
)


def test_class_numbers_are_those_of_the_trained_heads() -> None:
    assert [m.value for m in MOVEMENTS] == [
        "rest",
        "wrinkle-forehead",
        "close-eyes-lightly",
        "close-eyes-tightly",
        "wink",
        "wrinkle-nose",
        "puff-cheeks",
        "whistle",
        "grin",
        "depress-lip",
        "blink",
    ]
    assert ITEMS == (0, 2, 4)
    assert [g.value for g in GRADES] == ["I", "II", "III", "IV", "V", "VI"]
    assert UNKNOWN == -1


def test_labels_list_the_left_side_first_and_branches_from_the_forehead_down() -> None:
    got = labels(Movement.GRIN, UNEVEN)
    assert got["movement"] == 8
    expected = [[0.1, 0.2, 0.3, 0.4, 0.5], [1.0, 0.9, 0.8, 0.75, 0.7]]
    assert np.allclose(got["function"], expected)
    assert got["tone"] == pytest.approx([0.6, 0.95])


def test_unknown_labels_are_left_out() -> None:
    assert labels(None, None) == {}
    assert labels(Movement.WINK, None) == {"movement": 4}
    assert labels(None, Palsy.none()).keys() == {"function", "tone"}
    empty = Example(np.zeros((2, 2, 3), np.uint8), 0)
    assert (empty.movement, empty.item, empty.grade) == (-1, -1, -1)
    for name in ("points", "function", "tone"):
        assert np.isnan(getattr(empty, name)).all()


def test_mirroring_swaps_the_sides_of_every_label_and_preserves_the_others() -> None:
    image = np.arange(2 * 5 * 3, dtype=np.uint8).reshape(2, 5, 3)
    points = np.zeros((topology.POINTS, 2), np.float32)
    points[33], points[61], points[4] = (0.5, 1), (1.0, 0), (2.25, 1.5)
    known = labels(Movement.WINK, UNEVEN)
    mirrored = Example(image, 7, points=points, item=1, grade=4, **known).mirrored()
    assert np.array_equal(mirrored.image, image[:, [4, 3, 2, 1, 0]])
    assert mirrored.points[263].tolist() == [3.5, 1.0]  # the outer corner of the other eye
    assert mirrored.points[291].tolist() == [3.0, 0.0]  # the other corner of the mouth
    assert mirrored.points[4].tolist() == [1.75, 1.5]  # the tip of the nose has no other side
    expected = [[1.0, 0.9, 0.8, 0.75, 0.7], [0.1, 0.2, 0.3, 0.4, 0.5]]
    assert np.allclose(mirrored.function, expected)
    assert mirrored.tone == pytest.approx([0.95, 0.6])
    assert (mirrored.subject, mirrored.movement, mirrored.item, mirrored.grade) == (7, 4, 1, 4)


def test_every_epoch_has_every_index_once_in_its_own_order() -> None:
    epochs = [
        [shuffled(n, 20, 3, Stream.SYNTHETIC_ORDER) for n in range(r * 20, r * 20 + 20)]
        for r in range(3)
    ]
    assert all(sorted(order) == list(range(20)) for order in epochs)
    others = [
        [shuffled(n, 20, seed, stream) for n in range(20)]
        for seed, stream in ((4, Stream.SYNTHETIC_ORDER), (3, Stream.SYNTHETIC_PICTURE))
    ]
    assert len({tuple(order) for order in (*epochs, *others)}) == 5


def test_a_batch_is_stacked_along_the_first_axis_in_order() -> None:
    rows = [Example(np.full((2, 4, 3), n, np.uint8), n, movement=n + 3) for n in range(3)]
    batch = stack(rows)
    assert batch["image"].shape == (3, 2, 4, 3)
    assert batch["image"][:, 0, 0, 0].tolist() == batch["subject"].tolist() == [0, 1, 2]
    assert batch["movement"].tolist() == [3, 4, 5]
    assert batch["points"].shape == (3, 478, 2)

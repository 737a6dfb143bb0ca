"""What a picture asks for, in words."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from palsynth.clinical import Branch, Grade, Movement, Palsy, Side
from palsynth.face.detect import detect_face
from palsynth.face.face import Face
from palsynth.face.framing import RECOGNISER
from palsynth.methods.base import TargetExpression
from palsynth.methods.cfcpalsy import reading
from palsynth.methods.cfcpalsy.reading import as_targets, read_targets
from palsynth.subjects import View, render, sample


def grinning(seed: int, side: Side) -> Face:
    palsy = Palsy.peripheral(side, Grade.V)
    return detect_face(render(sample(seed), Movement.GRIN, palsy, view=View(192)).image)


@pytest.mark.parametrize("side", list(Side))
def test_the_weak_side_is_read_from_a_picture(side: Side) -> None:
    found = read_targets([grinning(31, side).aligned(RECOGNISER, 112).image])[0]
    assert found.movement is Movement.GRIN
    weak, strong = (np.mean(list(found.palsy.of(s).function.values())) for s in (side, side.other))
    assert weak < strong - 0.3


def test_what_the_reader_says_gets_its_name(monkeypatch: pytest.MonkeyPatch, face: Face) -> None:
    """The patient's left first; five branches from the brow down, then tone. Movements are those
    that the reader knows, in its order."""
    logits = torch.tensor([[0.0, 0.0, 1.0]])
    head = SimpleNamespace(movements=(Movement.REST, Movement.WHISTLE, Movement.GRIN))
    state = torch.tensor([[[0.1, 0.2, 0.3, 0.4, 0.5, 0.6], [0.9, 0.8, 0.7, 0.65, 0.55, 0.45]]])
    said = SimpleNamespace(movement=logits, state=state)

    class Reads:
        def __call__(self, vectors: torch.Tensor, points: torch.Tensor) -> SimpleNamespace:
            return said

    Reads.head = head  # type: ignore[attr-defined]
    monkeypatch.setattr(reading, "_reader", Reads)
    (found,) = read_targets([face.aligned(RECOGNISER, 112).image])
    assert found.movement is Movement.GRIN
    left, right = found.palsy.left, found.palsy.right
    branches = (Branch.TEMPORAL, Branch.ZYGOMATIC, Branch.BUCCAL, Branch.MARGINAL, Branch.CERVICAL)
    assert [left.function[b] for b in branches] == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5])
    assert [right.function[b] for b in branches] == pytest.approx([0.9, 0.8, 0.7, 0.65, 0.55])
    assert (left.tone, right.tone) == (pytest.approx(0.6), pytest.approx(0.45))


def test_only_what_is_not_known_is_read_and_everybody_keeps_their_words(
    monkeypatch: pytest.MonkeyPatch, face: Face, astronaut: Face
) -> None:
    known = TargetExpression(Movement.WINK, Palsy.none())
    read = [TargetExpression(m, Palsy.none()) for m in (Movement.GRIN, Movement.REST)]
    seen: list[np.ndarray] = []

    def reads(crops: list[np.ndarray], points: list[np.ndarray]) -> list[TargetExpression]:
        seen.extend(crops)
        return read

    monkeypatch.setattr(reading, "read_targets", reads)
    assert as_targets([astronaut, face, face], [None, known, None]) == [read[0], known, read[1]]
    crops = [f.aligned(RECOGNISER, 112).image for f in (astronaut, face)]
    assert all(np.array_equal(a, b) for a, b in zip(seen, crops, strict=True))

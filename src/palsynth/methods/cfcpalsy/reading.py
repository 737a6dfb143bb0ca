"""What a picture asks for, in words: so that the simulator can draft what the picture shows."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch

from palsynth.clinical import Branch, Palsy, SidePalsy
from palsynth.encoders.features import features_of
from palsynth.encoders.reader import ReaderNet
from palsynth.encoders.shipped import load_ours
from palsynth.face.face import Face
from palsynth.face.framing import RECOGNISER
from palsynth.methods.base import TargetExpression


@lru_cache(maxsize=1)
def _reader() -> ReaderNet:
    reader: ReaderNet = load_ours("reader").requires_grad_(False)
    return reader


@torch.no_grad()
def read_targets(
    crops: Sequence[np.ndarray], points: Sequence[np.ndarray | None] | None = None
) -> list[TargetExpression]:
    """Movement and palsy of expression images, cut out (112, 112, 3) uint8 RGB, by the reader.

    ``points`` (478, 2 or 3) are the landmarks in a crop, used where none are found there.
    Synkinesis and effort are not read. How often it errs stands in docs/measurements.md.
    """
    features = features_of(crops, points or [None] * len(crops))
    vectors, upright = (torch.from_numpy(np.array(features[n])) for n in ("vector", "points"))
    reader = _reader()
    reading = reader(vectors, upright)
    out = []
    for movement, state in zip(reading.movement.argmax(1), reading.state, strict=True):
        left, right = (
            SidePalsy({b: float(v) for b, v in zip(Branch, side, strict=False)}, float(side[-1]))
            for side in state
        )
        out.append(
            TargetExpression(reader.head.movements[int(movement)], Palsy(left=left, right=right))
        )
    return out


def as_targets(
    expressions: Sequence[Face], requested: Sequence[TargetExpression | None] | None = None
) -> list[TargetExpression]:
    """What each expression image shows: as it was ``requested`` where that is known, else as read."""
    known: list[TargetExpression | None] = (
        [None] * len(expressions) if requested is None else list(requested)
    )
    unknown = [k for k, words in enumerate(known) if words is None]
    if unknown:
        crops = [expressions[k].aligned(RECOGNISER, 112) for k in unknown]
        read = read_targets([c.image for c in crops], [c.landmarks for c in crops])
        for k, words in zip(unknown, read, strict=True):
            known[k] = words
    return [words for words in known if words is not None]

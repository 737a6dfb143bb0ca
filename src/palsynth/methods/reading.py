"""Recognises what an expression image shows: the movement with the palsy, for the simulator's draft
of it, or with the weak side."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch

from palsynth.clinical import Branch, Movement, Palsy, Side, SidePalsy
from palsynth.data.examples import SIDES
from palsynth.encoders.features import extract_features
from palsynth.encoders.reader import ReaderNet
from palsynth.encoders.reading import PalsyPrediction, class_indices
from palsynth.encoders.shipped import load_ours
from palsynth.face.face import Face
from palsynth.face.framing import RECOGNISER
from palsynth.methods.base import TargetExpression
from palsynth.simulator.drive import Drive


@lru_cache(maxsize=1)
def _reader() -> ReaderNet:
    reader: ReaderNet = load_ours("reader").requires_grad_(False)
    return reader


@torch.no_grad()
def _predict(
    crops: Sequence[np.ndarray], points: Sequence[np.ndarray | None] | None
) -> PalsyPrediction:
    """The reader's predictions for N crops, as :func:`read_targets` takes them."""
    features = extract_features(crops, points or [None] * len(crops))
    vectors, upright = (torch.from_numpy(np.array(features[n])) for n in ("vector", "points"))
    prediction: PalsyPrediction = _reader()(vectors, upright)
    return prediction


def read_targets(
    crops: Sequence[np.ndarray], points: Sequence[np.ndarray | None] | None = None
) -> list[TargetExpression]:
    """Recognises movement and palsy in crops of expression images, with the reader that ships.

    Synkinesis and effort are not recognised. The error rates are in docs/measurements.md.

    Args:
        crops: N crops (112, 112, 3) uint8 RGB at the recogniser framing.
        points: N arrays of landmarks (478, 2) or (478, 3) in pixels of the crop, used where no
            face is detected in the crop; default: none are known.

    Returns:
        N targets, each with the movement of highest probability and the estimated function of
        every branch.
    """
    predictions, movements = _predict(crops, points), _reader().head.movements
    targets = []
    for movement, state in zip(predictions.movement.argmax(1), predictions.state, strict=True):
        left, right = (
            SidePalsy({b: float(v) for b, v in zip(Branch, side, strict=False)}, float(side[-1]))
            for side in state
        )
        targets.append(TargetExpression(movements[int(movement)], Palsy(left=left, right=right)))
    return targets


def read_movements_and_sides(
    crops: Sequence[np.ndarray],
    points: Sequence[np.ndarray | None] | None,
    known: Sequence[Movement],
) -> list[tuple[Movement, Side | None]]:
    """Recognises movement and weak side in crops of expression images, with the reader that ships.

    Args:
        crops: N crops, as those of :func:`read_targets`.
        points: their landmarks, as those of :func:`read_targets`.
        known: the movements to choose from.

    Returns:
        N movements, each the most probable of ``known``, with the most probable weak side; None if
        both sides are equal.

    Raises:
        InputError: the reader does not know a movement.
    """
    predictions = _predict(crops, points)
    classes = class_indices(_reader().head.movements, known)
    movements = predictions.movement[:, classes].argmax(1).tolist()
    sides = predictions.side.argmax(1).tolist()
    return [(known[m], SIDES[s]) for m, s in zip(movements, sides, strict=True)]


def as_targets(
    expressions: Sequence[Face],
    requested: Sequence[TargetExpression | Drive | None] | None = None,
) -> list[TargetExpression | Drive]:
    """Recognises the movement and palsy of expression images, unless they are known.

    Args:
        expressions: N faces.
        requested: N targets or coefficients that are known, None where one is not; default: none
            is known.

    Returns:
        N targets: the known ones as they are, the others recognised.
    """
    targets: list[TargetExpression | Drive | None] = (
        [None] * len(expressions) if requested is None else list(requested)
    )
    unknown = [k for k, target in enumerate(targets) if target is None]
    if unknown:
        crops = [expressions[k].aligned(RECOGNISER, 112) for k in unknown]
        recognised = read_targets([c.image for c in crops], [c.landmarks for c in crops])
        for k, target in zip(unknown, recognised, strict=True):
            targets[k] = target
    return [target for target in targets if target is not None]

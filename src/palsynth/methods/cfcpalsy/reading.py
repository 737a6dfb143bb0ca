"""What a picture asks for, in words: so that the simulator can draft what the picture shows."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch

from palsynth.clinical import Branch, Palsy, SidePalsy
from palsynth.data.examples import MOVEMENTS
from palsynth.data.groups import Script
from palsynth.encoders.base import as_images
from palsynth.encoders.expression import ExpressionEncoder
from palsynth.encoders.load import expression_encoder, expression_head
from palsynth.encoders.reading import ReadingHead
from palsynth.face.face import Face
from palsynth.face.framing import RECOGNISER
from palsynth.methods.base import Asked


@lru_cache(maxsize=1)
def _readers() -> tuple[ExpressionEncoder, ReadingHead]:
    return expression_encoder(), expression_head()


@torch.no_grad()
def read_asked(crops: Sequence[np.ndarray]) -> list[Asked]:
    """Movement and palsy of expression images, cut out (112, 112, 3) uint8 RGB, by E_Face - E_ID
    and its head. Synkinesis and effort are not read. About one movement in seven is misread
    (docs/measurements.md)."""
    encoder, head = _readers()
    reading = head(encoder(as_images(torch.from_numpy(np.stack(crops)))).vector)
    out = []
    for movement, state in zip(reading.movement.argmax(1), reading.state, strict=True):
        left, right = (
            SidePalsy({b: float(v) for b, v in zip(Branch, side, strict=False)}, float(side[-1]))
            for side in state
        )
        out.append(Asked(MOVEMENTS[int(movement)], Palsy(left=left, right=right)))
    return out


def scripts_of(
    expressions: Sequence[Face], asked: Sequence[Asked | None] | None = None
) -> list[Script]:
    """What each expression image shows: as it was ``asked`` where that is known, else as read."""
    known: list[Asked | None] = [None] * len(expressions) if asked is None else list(asked)
    unknown = [k for k, words in enumerate(known) if words is None]
    if unknown:
        crops = [expressions[k].aligned(RECOGNISER, 112).image for k in unknown]
        for k, words in zip(unknown, read_asked(crops), strict=True):
            known[k] = words
    return [Script(a.movement, a.palsy, a.intensity) for a in known if a is not None]

"""What the reader sees of a picture: E_Face - E_ID and the detected landmarks, drawn and kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch

from palsynth.data.cache import ShardedCache
from palsynth.data.examples import Source, shuffled
from palsynth.encoders.base import as_images
from palsynth.encoders.expression import ExpressionEncoder
from palsynth.encoders.load import expression_encoder
from palsynth.face import topology
from palsynth.face.detect import detect_faces
from palsynth.face.face import upright
from palsynth.seeds import Stream

DIM = 512
"""Numbers of the expression feature."""


@lru_cache(maxsize=1)
def _encoder() -> ExpressionEncoder:
    return expression_encoder()


@torch.no_grad()
def features_of(crops: Sequence[np.ndarray], points: Sequence[np.ndarray | None]) -> np.ndarray:
    """What a reader is told of crops (112, 112, 3) uint8 RGB: (N,) records of ``vector`` (512,)
    and upright ``points`` (478, 2).

    Landmarks are detected in the crops, as in training, because a detector leans to symmetry and
    true landmarks would tell more; where no face is found, ``points`` (478, 2 or 3) are taken.
    """
    images = as_images(torch.from_numpy(np.stack(crops)))
    rows = np.zeros(len(crops), feature_type())
    rows["vector"] = _encoder()(images).vector.numpy()
    found = []
    for crop, instead in zip(crops, points, strict=True):
        faces = detect_faces(np.ascontiguousarray(crop))
        nothing = np.zeros((topology.POINTS, 2))
        known = faces[0].landmarks if faces else nothing if instead is None else instead
        found.append(np.nan_to_num(known[:, :2]))
    rows["points"] = upright(np.stack(found))
    return rows


def feature_type() -> np.dtype:
    """The fields of a record of features."""
    return np.dtype([("vector", "f4", (DIM,)), ("points", "f4", (topology.POINTS, 2))])


@dataclass(frozen=True)
class FeatureExample:
    """Features of a picture (see :func:`features_of`) and its labels."""

    row: np.void

    def arrays(self) -> dict[str, np.ndarray]:
        """The fields by name, for a batch."""
        fields = {name: np.array(self.row[name]) for name in self.row.dtype.names or ()}
        return {**fields, "movement": fields["movement"].astype(np.int64)}


@dataclass(frozen=True)
class CachedFeatures(ShardedCache):
    """Features of the first ``count`` examples of a source, drawn once and kept."""

    what: ClassVar[str] = "features"
    record_file: ClassVar[str] = "features.json"
    stem: ClassVar[str] = "features"
    part: ClassVar[int] = 500

    source: Source
    folder: Path
    count: int
    seed: int = 0
    uncached: bool = False

    @property
    def num_subjects(self) -> int | None:
        """As in the source."""
        return self.source.num_subjects

    def records(self, numbers: Sequence[int]) -> np.ndarray:
        """Some examples, their features drawn, in this process by one thread: others draw too."""
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            return self._drawn(numbers)
        finally:
            torch.set_num_threads(threads)

    def _drawn(self, numbers: Sequence[int]) -> np.ndarray:
        labels = [("movement", "i4"), ("function", "f4", (2, 5)), ("tone", "f4", (2,))]
        out = np.zeros(len(numbers), np.dtype([*feature_type().descr, *labels]))
        for begin in range(0, len(numbers), 50):
            examples = [self.source[n] for n in numbers[begin : begin + 50]]
            features = features_of([e.image for e in examples], [e.points for e in examples])
            part = out[begin : begin + 50]
            for name in ("vector", "points"):
                part[name] = features[name]
            for name in ("movement", "function", "tone"):
                part[name] = np.stack([getattr(example, name) for example in examples])
        return out

    def __getitem__(self, number: int) -> FeatureExample:
        row: Any = self.record(shuffled(number, self.count, self.seed, Stream.FEATURES_ORDER))
        return FeatureExample(row)

"""The reader's input: E_Face - E_ID and detected landmarks, extracted once and cached."""

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
from palsynth.encoders.device import Extractor
from palsynth.encoders.load import expression_encoder
from palsynth.face import topology
from palsynth.face.detect import detect_faces
from palsynth.face.face import upright
from palsynth.seeds import Stream

DIM = 512
"""Dimension of the expression feature."""


@lru_cache(maxsize=1)
def expression_extractor() -> Extractor:
    """E_Face - E_ID of the encoders that ship: bytes in, (N, 512) vectors out."""
    return Extractor(expression_encoder())


def extract_features(
    crops: Sequence[np.ndarray], points: Sequence[np.ndarray | None]
) -> np.ndarray:
    """Extracts the reader's features from aligned faces.

    Landmarks are detected in the crops, in training as well, because a detector is biased towards
    symmetry and true landmarks would be more informative.

    Args:
        crops: N aligned faces (112, 112, 3) uint8 RGB.
        points: for each crop landmarks (478, 2 or 3) in pixels to use where no face is detected;
            None uses zeros.

    Returns:
        (N,) records of :func:`feature_dtype`: ``vector`` (512,) and ``points`` (478, 2) upright.
    """
    rows = np.zeros(len(crops), feature_dtype())
    rows["vector"] = expression_extractor()(np.stack(crops))
    landmarks = []
    for crop, fallback in zip(crops, points, strict=True):
        faces = detect_faces(np.ascontiguousarray(crop))
        if fallback is None:
            fallback = np.zeros((topology.POINTS, 2))
        known = faces[0].landmarks if faces else fallback
        landmarks.append(np.nan_to_num(known[:, :2]))
    rows["points"] = upright(np.stack(landmarks))
    return rows


def feature_dtype() -> np.dtype:
    """The dtype of a record of features."""
    return np.dtype([("vector", "f4", (DIM,)), ("points", "f4", (topology.POINTS, 2))])


@dataclass(frozen=True)
class FeatureExample:
    """Features of a picture (see :func:`extract_features`) and its labels, in one record."""

    row: np.void

    def arrays(self) -> dict[str, np.ndarray]:
        """The fields by name, for a batch."""
        fields = {name: np.array(self.row[name]) for name in self.row.dtype.names or ()}
        return {**fields, "movement": fields["movement"].astype(np.int64)}


@dataclass(frozen=True)
class CachedFeatures(ShardedCache):
    """Features of the first ``count`` examples of a source, extracted once and cached."""

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
        """Number of subjects in the source."""
        return self.source.num_subjects

    def records(self, numbers: Sequence[int]) -> np.ndarray:
        """Features and labels of some examples; one thread, as several processes extract them."""
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            return self._extract(numbers)
        finally:
            torch.set_num_threads(threads)

    def _extract(self, numbers: Sequence[int]) -> np.ndarray:
        labels = [("movement", "i4"), ("function", "f4", (2, 5)), ("tone", "f4", (2,))]
        out = np.zeros(len(numbers), np.dtype([*feature_dtype().descr, *labels]))
        for start in range(0, len(numbers), 50):
            examples = [self.source[n] for n in numbers[start : start + 50]]
            features = extract_features([e.image for e in examples], [e.points for e in examples])
            part = out[start : start + 50]
            for name in ("vector", "points"):
                part[name] = features[name]
            for name in ("movement", "function", "tone"):
                part[name] = np.stack([getattr(example, name) for example in examples])
        return out

    def __getitem__(self, number: int) -> FeatureExample:
        row: Any = self.record(shuffled(number, self.count, self.seed, Stream.FEATURES_ORDER))
        return FeatureExample(row)

"""The features of a grader that is not trained from scratch, extracted once and cached.

They are what the reader sees (:mod:`palsynth.encoders.features`), of the image and of its mirror
image, normalised: E_Face - E_ID and the principal components of the detected landmarks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch

import palsynth
from palsynth.data.augment import Augmentation
from palsynth.data.cache import ShardedCache
from palsynth.data.examples import Example, shuffled
from palsynth.data.folder_source import FolderSource
from palsynth.data.manifest import FILE_NAME, Row
from palsynth.encoders.features import DIM as VECTOR
from palsynth.encoders.features import expression_extractor, extract_features
from palsynth.encoders.reader import ReaderNet
from palsynth.encoders.shipped import ASSETS, load_ours
from palsynth.face import topology
from palsynth.records import files_sha256
from palsynth.seeds import Stream, make_rng

COMPONENTS = 100
"""Principal components of the landmarks, those of the reader that ships."""

DIM = VECTOR + COMPONENTS
"""Dimension of the features of one image."""

BATCH = 32
"""Images whose features are extracted at once."""


@lru_cache(maxsize=1)
def _reader() -> ReaderNet:
    reader: ReaderNet = load_ours("reader").requires_grad_(False)
    return reader


@lru_cache(maxsize=1)
def encoders_sha256() -> str:
    """Identifies the encoders that ship and make the features: SHA-256 of their weights."""
    names = ("expression", "identity", "reader")
    return files_sha256(
        {name: ASSETS / name / "diffusion_pytorch_model.safetensors" for name in names}
    )


def grader_features(crops: Sequence[np.ndarray]) -> np.ndarray:
    """Extracts the features of aligned faces.

    Args:
        crops: N aligned faces (112, 112, 3) uint8 RGB.

    Returns:
        (N, 2, DIM) float32, of each face and of its mirror image; each feature has mean 0 and
        deviation 1 over the reader's training examples.
    """
    found = extract_features(crops, [None] * len(crops))
    mirrored = np.ascontiguousarray(np.stack(crops)[:, :, ::-1])
    vectors = np.stack([found["vector"], expression_extractor()(mirrored)], 1)
    points = np.stack([found["points"], found["points"][:, topology.MIRROR] * [-1, 1]], 1)
    pairs = (torch.from_numpy(a.astype(np.float32)).flatten(0, 1) for a in (vectors, points))
    return _reader().inputs(*pairs).view(-1, 2, DIM).cpu().numpy()


@dataclass(frozen=True)
class GraderExample:
    """Features of a picture with the labels of a grader; see :class:`Example`.

    Attributes:
        features: (2, DIM) float32, of the image and of its mirror image.
        subject: class number of the subject within its source.
        movement: index into MOVEMENTS, or UNKNOWN.
        item: index into ITEMS, or UNKNOWN.
        grade: index into GRADES, or UNKNOWN.
        side: index into SIDES, or UNKNOWN.
    """

    features: np.ndarray
    subject: int
    movement: int
    item: int
    grade: int
    side: int

    def arrays(self) -> dict[str, np.ndarray]:
        """The fields by name, for a batch."""
        return {name: np.asarray(getattr(self, name)) for name in self.__dataclass_fields__}


_LABELS = ("subject", "movement", "item", "grade", "side")


def _dtype() -> np.dtype:
    return np.dtype([("features", "f4", (2, DIM)), *((name, "i4") for name in _LABELS)])


def _records(examples: Sequence[Example]) -> np.ndarray:
    """Features and labels of some examples, as structured records."""
    rows = np.zeros(len(examples), _dtype())
    rows["features"] = grader_features([example.image for example in examples])
    for name in _LABELS:
        rows[name] = [getattr(example, name) for example in examples]
    return rows


def _example(row: Any) -> GraderExample:
    return GraderExample(np.array(row["features"]), *(int(row[name]) for name in _LABELS))


@dataclass(frozen=True)
class FeatureViews(ShardedCache):
    """Features of augmented views of a dataset's pictures, extracted once and cached.

    Attributes:
        source: the pictures.
        folder: where the shards are cached.
        views: views of each picture, of which the first is not augmented.
        augmentation: how the others are augmented. They are not mirrored, as graders see the mirror
            image of every view.
        seed: seed of the order of the views; their augmentation is the same with any.
        uncached: extract the features of a view when it is first used and write no shard.
    """

    what: ClassVar[str] = "features"
    record_file: ClassVar[str] = "grader-features.json"
    stem: ClassVar[str] = "views"
    part: ClassVar[int] = 500

    source: FolderSource
    folder: Path
    views: int
    augmentation: Augmentation
    seed: int = 0
    uncached: bool = field(default=False, repr=False)

    @cached_property
    def count(self) -> int:  # type: ignore[override]
        """Number of views of all pictures."""
        return self.views * len(self.source.rows)

    @property
    def num_subjects(self) -> int:
        """Number of subjects in the dataset."""
        return self.source.num_subjects

    def records(self, numbers: Sequence[int]) -> np.ndarray:
        """Features and labels of some views; one thread, as several processes extract them."""
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            parts = [numbers[start : start + BATCH] for start in range(0, len(numbers), BATCH)]
            return np.concatenate([_records([self._view(n) for n in part]) for part in parts])
        finally:
            torch.set_num_threads(threads)

    def _view(self, number: int) -> Example:
        view, index = divmod(number, len(self.source.rows))
        example = self.source.example(index)
        if view == 0:
            return example
        return self.augmentation(example, make_rng(0, number, Stream.AUGMENTATION))

    def _holds(self) -> dict[str, Any]:
        """The pictures by their contents: the folder may be named otherwise, or moved."""
        names = [FILE_NAME, *(row.file_name for row in self.source.rows)]
        return {
            "splits": [str(split) for split in self.source.splits],
            "views": self.views,
            "augmentation": repr(self.augmentation),
            "pictures_sha256": files_sha256({name: self.source.folder / name for name in names}),
            "encoders_sha256": encoders_sha256(),
            "version": palsynth.__version__,
        }

    def __getitem__(self, number: int) -> GraderExample:
        return _example(self.record(shuffled(number, self.count, self.seed, Stream.FEATURES_ORDER)))


@dataclass(frozen=True)
class FeatureRows:
    """Features of a dataset's pictures as they are, one example per row of its manifest."""

    source: FolderSource

    @property
    def folder(self) -> Path:
        """The dataset."""
        return self.source.folder

    @property
    def rows(self) -> list[Row]:
        """The rows whose pictures have a usable face."""
        return self.source.rows

    def example(self, index: int) -> GraderExample:
        """The features and labels of a row.

        Args:
            index: index into ``rows``.

        Returns:
            The example, the same at each call.
        """
        return _example(_records([self.source.example(index)])[0])

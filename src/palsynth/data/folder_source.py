"""Sources on disk: a dataset folder, and cached examples; mixtures of sources."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import numpy as np

from palsynth.clinical import Grade, Movement, Palsy, Side
from palsynth.data.cache import ShardedCache
from palsynth.data.examples import GRADES, ITEMS, SIDES, UNKNOWN, Example, Source, labels, shuffled
from palsynth.data.faces import Crop, FoundFace, crop_face, usable_faces
from palsynth.data.manifest import Row, check_files, read_manifest
from palsynth.errors import InputError
from palsynth.face import topology
from palsynth.face.face import Face
from palsynth.face.images import read_image
from palsynth.seeds import Stream, make_rng

TRIED = 3
"""Pictures that are read to check a dataset."""

PART = 500
"""Examples per shard of a cached source."""


@dataclass(frozen=True)
class FolderSource:
    """The faces of a dataset folder, cropped as at inference and reshuffled every epoch.

    Landmarks are known where the manifest has the attribute ``multipie60``; the face is cropped by
    them. Elsewhere it is found in the picture. Pictures without one usable face are left out, and
    listed on standard error.

    Attributes:
        folder: the dataset.
        splits: splits to use; None stands for rows without a split.
        size: side of the crops in pixels.
        seed: seed of the order.
        crop: how faces are cropped.
    """

    folder: Path
    splits: tuple[str | None, ...] = ("train",)
    size: int = 112
    seed: int = 0
    crop: Crop = "eyes"

    def check(self) -> None:
        """Checks the dataset, before anything that takes long.

        Raises:
            InputError: there is no picture of the splits, one is missing, a label is impossible, or
                a picture whose landmarks are given cannot be read, of which the first are tried.
        """
        check_files(self.folder, self.all_rows)
        given = [row for row in self.all_rows if self._given(row)]
        for row in given[:TRIED]:
            read_image(self.folder / row.file_name)

    def prepare(self) -> None:
        """Finds the faces now, before several processes that use the source would.

        Raises:
            InputError: no picture of the splits has a usable face, or a check fails.
        """
        self.check()
        _ = self.rows

    @cached_property
    def all_rows(self) -> list[Row]:
        """The rows of the splits. Raises InputError if there is none or a label is impossible."""
        rows = [r for r in read_manifest(self.folder) if r.split in self.splits]
        if not rows:
            splits = ", ".join(map(str, self.splits))
            raise InputError(f"{self.folder}: no images in split {splits}")
        for row in rows:
            if faults := row.problems():
                raise InputError(f"{self.folder / row.file_name}: {faults[0]}")
            if "multipie60" in row.attributes:
                _multipie60(row, self.folder)
        return rows

    @cached_property
    def rows(self) -> list[Row]:
        """The rows of the splits whose pictures have a usable face. Raises InputError without."""
        return self._faces[0]

    @cached_property
    def _faces(self) -> tuple[list[Row], dict[str, FoundFace]]:
        """The usable rows, and what was found where the manifest does not give the landmarks."""
        given = [row for row in self.all_rows if self._given(row)]
        return usable_faces(self.folder, self.all_rows, given)

    def _given(self, row: Row) -> bool:
        """Whether the manifest gives the landmarks that the crop needs, the eye corners."""
        return self.crop == "eyes" and "multipie60" in row.attributes

    @cached_property
    def subjects(self) -> list[str]:
        """Subject names, in the order of their class numbers."""
        return sorted({row.subject_id for row in self.rows})

    @property
    def num_subjects(self) -> int:
        """Number of subjects."""
        return len(self.subjects)

    def __getitem__(self, number: int) -> Example:
        return self.example(shuffled(number, len(self.rows), self.seed, Stream.FOLDER_ORDER))

    def example(self, index: int) -> Example:
        """Reads the example of one row.

        Args:
            index: index into ``rows``.

        Returns:
            The example, with all labels that the row has.
        """
        row = self.rows[index]
        image = read_image(self.folder / row.file_name)
        known = np.full((topology.POINTS, 3), np.nan, np.float32)
        if "multipie60" in row.attributes:
            known[list(topology.MULTIPIE_60.values()), :2] = _multipie60(row, self.folder)
        face = Face(image, known)
        if not self._given(row):
            face = Face(image, self._faces[1][row.file_name].landmarks())
        crop = crop_face(face, self.size, self.crop)
        movement = Movement(row.movement) if row.movement else None
        palsy = Palsy.from_dict(row.palsy) if row.palsy else None
        scored = {}
        if row.yanagihara_item is not None:
            scored["item"] = ITEMS.index(row.yanagihara_item)
        if row.hb_grade is not None:
            scored["grade"] = GRADES.index(Grade(row.hb_grade))
        return Example(
            crop.image,
            self.subjects.index(row.subject_id),
            points=_moved(known, crop.onto(face)),
            side=side_class(row),
            **labels(movement, palsy),
            **scored,
        )


def side_class(row: Row) -> int:
    """The weak side that the labels of a picture give.

    Args:
        row: the picture.

    Returns:
        Index into SIDES, or UNKNOWN.
    """
    if row.palsy:
        return SIDES.index(Palsy.from_dict(row.palsy).weak_side)
    if row.side is not None:
        return SIDES.index(Side(row.side))
    return SIDES.index(None) if row.hb_grade == Grade.I else UNKNOWN


def _multipie60(row: Row, folder: Path) -> np.ndarray:
    """The landmarks (60, 2) that the manifest gives. Raises InputError if they are no landmarks."""
    try:
        points = np.asarray(row.attributes["multipie60"], np.float32)
    except (ValueError, TypeError):
        points = np.zeros(0, np.float32)
    if points.shape != (len(topology.MULTIPIE_60), 2) or not np.isfinite(points).all():
        raise InputError(
            f"{folder / row.file_name}: multipie60 must be {len(topology.MULTIPIE_60)} pairs of "
            "numbers; correct the manifest"
        )
    return points


def _moved(points: np.ndarray, to_picture: np.ndarray) -> np.ndarray:
    """Landmarks (478, 2) of a picture in the pixels of a crop, by the crop's transform to it."""
    inverse = np.linalg.inv(np.vstack([to_picture, [0, 0, 1]]))[:2]
    moved: np.ndarray = points[:, :2] @ inverse[:, :2].T + inverse[:, 2]
    return moved.astype(np.float32)


@dataclass(frozen=True)
class CachedSource(ShardedCache):
    """The first ``count`` examples of a source, generated once and cached in ``folder``.

    Generating an example takes longer than reading it, so trainings of several epochs use a cache.
    A folder that holds examples of another source is refused. The labels that raters give
    (``item``, ``grade`` and ``side``) are not cached.

    Attributes:
        source: source of the examples.
        folder: where the shards are cached.
        count: number of examples.
        seed: seed of the order, reshuffled every epoch.
        uncached: generate each example when it is used and write no shard.
    """

    what: ClassVar[str] = "examples"
    record_file: ClassVar[str] = "source.json"
    stem: ClassVar[str] = "part"
    part: ClassVar[int] = PART

    source: Source
    folder: Path
    count: int
    seed: int = 0
    uncached: bool = field(default=False, repr=False)  # the examples are the same

    @property
    def num_subjects(self) -> int | None:
        """Number of subjects of the cached source."""
        return self.source.num_subjects

    def records(self, numbers: Sequence[int]) -> np.ndarray:
        """Generates the examples with the given numbers, as structured records."""
        examples = [self.source[n] for n in numbers]
        rows = np.zeros(len(examples), _row_type(examples[0].image.shape[0]))
        for row, example in zip(rows, examples, strict=True):
            for name in rows.dtype.names or ():
                row[name] = getattr(example, name)
        return rows

    def __getitem__(self, number: int) -> Example:
        row = self.record(shuffled(number, self.count, self.seed, Stream.CACHE_ORDER))
        return Example(
            np.array(row["image"]),
            int(row["subject"]),
            int(row["movement"]),
            np.array(row["points"]),
            np.array(row["function"]),
            np.array(row["tone"]),
        )


def _row_type(size: int) -> np.dtype:
    return np.dtype(
        [
            ("image", "u1", (size, size, 3)),
            ("subject", "i4"),
            ("movement", "i4"),
            ("points", "f4", (topology.POINTS, 2)),
            ("function", "f4", (2, 5)),
            ("tone", "f4", (2,)),
        ]
    )


@dataclass(frozen=True)
class MixedSource:
    """A mixture of sources; their subjects are numbered consecutively.

    Attributes:
        sources: the sources.
        shares: relative frequency of each; they need not add up to 1.
        seed: seed of the choice between them.
    """

    sources: Sequence[Source]
    shares: Sequence[float]
    seed: int = 0

    @property
    def num_subjects(self) -> int | None:
        """Number of subjects of all sources together; None if one of them does not count them."""
        counts = [source.num_subjects for source in self.sources]
        return None if None in counts else sum(c for c in counts if c is not None)

    def __getitem__(self, number: int) -> Example:
        rng = make_rng(self.seed, number, Stream.MIXTURE)
        shares = np.asarray(self.shares, np.float64)
        index = int(rng.choice(len(self.sources), p=shares / shares.sum()))
        example = self.sources[index][number]
        offset = sum(source.num_subjects or 0 for source in self.sources[:index])
        return replace(example, subject=example.subject + offset)

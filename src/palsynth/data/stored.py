"""Sources on disk: a dataset's manifest, and examples drawn once and kept."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path

import cv2
import numpy as np

import palsynth
from palsynth.clinical import Grade, Movement, Palsy
from palsynth.data.examples import GRADES, ITEMS, Example, Source, labels
from palsynth.data.manifest import Row, read_manifest
from palsynth.errors import InputError
from palsynth.face import topology
from palsynth.face.images import read_image
from palsynth.files import written_whole

PART = 500
"""Examples a file of a kept source."""


@dataclass(frozen=True)
class FolderSource:
    """The images of a dataset folder, shuffled anew each round.

    ``splits`` which of them; images are resized to ``size`` if need be. Points are known
    where the manifest has ``multipie60``.
    """

    folder: Path
    splits: tuple[str | None, ...] = ("train",)
    size: int = 112
    seed: int = 0

    @cached_property
    def rows(self) -> list[Row]:
        """The rows of the splits."""
        rows = [r for r in read_manifest(self.folder) if r.split in self.splits]
        if not rows:
            named = ", ".join(map(str, self.splits))
            raise InputError(f"{self.folder}: no images in split {named}")
        for row in rows:
            if faults := row.problems():
                raise InputError(f"{self.folder / row.file_name}: {faults[0]}")
        return rows

    @cached_property
    def subjects(self) -> list[str]:
        """Subjects in order of their class numbers."""
        return sorted({row.subject_id for row in self.rows})

    @property
    def people(self) -> int:
        """How many subjects."""
        return len(self.subjects)

    def __getitem__(self, number: int) -> Example:
        count = len(self.rows)
        order = np.random.default_rng([self.seed, number // count, 5])
        return self.example(int(order.permutation(count)[number % count]))

    def example(self, index: int) -> Example:
        """The example of one row."""
        row = self.rows[index]
        image = read_image(self.folder / row.file_name)
        scale = self.size / np.array(image.shape[1::-1])
        if image.shape[:2] != (self.size, self.size):
            image = cv2.resize(image, (self.size, self.size), interpolation=cv2.INTER_AREA)
        points = np.full((topology.POINTS, 2), np.nan, np.float32)
        if "multipie60" in row.attributes:
            found = np.asarray(row.attributes["multipie60"], np.float32)
            points[list(topology.MULTIPIE_60.values())] = (found + 0.5) * scale - 0.5
        movement = Movement(row.movement) if row.movement else None
        palsy = Palsy.from_dict(row.palsy) if row.palsy else None
        scored = {}
        if row.yanagihara_item is not None:
            scored["item"] = ITEMS.index(row.yanagihara_item)
        if row.hb_grade is not None:
            scored["grade"] = GRADES.index(Grade(row.hb_grade))
        who = self.subjects.index(row.subject_id)
        return Example(image, who, points=points, **labels(movement, palsy), **scored)


@dataclass(frozen=True)
class KeptSource:
    """The first ``count`` examples of a source, drawn once into ``folder`` and kept.

    Drawing takes longer than reading, so a training that goes round several times keeps them.
    A folder that holds examples of another source is refused.
    """

    source: Source
    folder: Path
    count: int
    seed: int = 0

    @property
    def people(self) -> int | None:
        """As in the source."""
        return self.source.people

    def draw(self, workers: int = 1, progress: Callable[[int, int], None] | None = None) -> None:
        """Draws what is missing. The result does not depend on ``workers``."""
        self.folder.mkdir(parents=True, exist_ok=True)
        record = self.folder / "source.json"
        plan = {"source": repr(self.source), "count": self.count, "version": palsynth.__version__}
        text = json.dumps(plan, indent=1) + "\n"
        if not record.exists():
            with written_whole(record) as temporary:
                temporary.write_text(text, "utf-8")
        elif record.read_text("utf-8") != text:
            raise InputError(f"{self.folder}: keeps examples of another source; give another one")
        parts = range(-(-self.count // PART))
        todo = [part for part in parts if not self._path(part).exists()]
        work = partial(_draw_part, self)
        context = multiprocessing.get_context("spawn")
        with context.Pool(workers) as pool:
            for done, _ in enumerate(pool.imap_unordered(work, todo), len(parts) - len(todo) + 1):
                if progress is not None:
                    progress(min(done * PART, self.count), self.count)

    def _path(self, part: int) -> Path:
        return self.folder / f"part-{part:05d}.npy"

    @cached_property
    def _parts(self) -> list[np.ndarray]:
        paths = [self._path(part) for part in range(-(-self.count // PART))]
        missing = [p.name for p in paths if not p.exists()]
        if missing:
            raise InputError(f"{self.folder}: {missing[0]} has not been drawn yet")
        try:
            return [np.load(path, mmap_mode="r") for path in paths]
        except (OSError, ValueError) as error:
            raise InputError(
                f"{self.folder}: a part is damaged ({error}); delete the folder, it is drawn anew"
            ) from None

    def __getitem__(self, number: int) -> Example:
        order = np.random.default_rng([self.seed, number // self.count, 6])
        index = int(order.permutation(self.count)[number % self.count])
        row = self._parts[index // PART][index % PART]
        return Example(
            np.array(row["image"]),
            int(row["person"]),
            int(row["movement"]),
            np.array(row["points"]),
            np.array(row["function"]),
            np.array(row["tone"]),
        )


def _draw_part(kept: KeptSource, part: int) -> int:
    cv2.setNumThreads(1)
    numbers = range(part * PART, min((part + 1) * PART, kept.count))
    examples = [kept.source[n] for n in numbers]
    rows = np.zeros(len(examples), _row_type(examples[0].image.shape[0]))
    for row, example in zip(rows, examples, strict=True):
        for name in rows.dtype.names or ():
            row[name] = getattr(example, name)
    with written_whole(kept._path(part)) as temporary:
        np.save(temporary, rows)
    return len(examples)


def _row_type(size: int) -> np.dtype:
    return np.dtype(
        [
            ("image", "u1", (size, size, 3)),
            ("person", "i4"),
            ("movement", "i4"),
            ("points", "f4", (topology.POINTS, 2)),
            ("function", "f4", (2, 5)),
            ("tone", "f4", (2,)),
        ]
    )


@dataclass(frozen=True)
class MixedSource:
    """Several sources, each with its share of the examples; their people are numbered on."""

    sources: Sequence[Source]
    shares: Sequence[float]
    seed: int = 0

    @property
    def people(self) -> int | None:
        """The people of all."""
        counts = [source.people for source in self.sources]
        return None if None in counts else sum(c for c in counts if c is not None)

    def __getitem__(self, number: int) -> Example:
        rng = np.random.default_rng([self.seed, number, 7])
        shares = np.asarray(self.shares, np.float64)
        which = int(rng.choice(len(self.sources), p=shares / shares.sum()))
        example = self.sources[which][number]
        before = sum(source.people or 0 for source in self.sources[:which])
        return replace(example, person=example.person + before)

"""A cache of generated records in numbered shards, for trainings of several epochs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np

import palsynth
from palsynth.errors import InputError
from palsynth.files import atomic_write, remove_stale
from palsynth.progress import Progress
from palsynth.records import claim_folder
from palsynth.workers import map_in_processes


class ShardedCache:
    """The first ``count`` records of a ``source``, cached in ``folder`` in shards.

    A base class for dataclasses with these three fields. The folder records which source its
    shards were generated from; another source is refused.

    Attributes:
        what: plural noun for the records, for error messages.
        record_file: name of the JSON file that records the source.
        stem: start of the shards' file names.
        part: records per shard.
        source: where the records come from.
        folder: where the shards are cached.
        count: number of records.
        uncached: generate each record on access and write no shard.
    """

    what: ClassVar[str]
    record_file: ClassVar[str]
    stem: ClassVar[str]
    part: ClassVar[int]

    source: Any
    folder: Path
    count: int
    uncached: bool = False

    def records(self, numbers: Sequence[int]) -> np.ndarray:
        """Generates the records with the given numbers.

        Args:
            numbers: record numbers.

        Returns:
            One record per number, stacked along the first axis.
        """
        raise NotImplementedError

    def build(self, workers: int = 1, progress: Progress | None = None) -> None:
        """Generates the missing shards. The result does not depend on ``workers``.

        Several processes may build the same cache. What a killed one left unfinished is removed.

        Args:
            workers: number of processes.
            progress: called with the number of records done and their total.

        Raises:
            InputError: if the folder holds records of another source, count or version, or
                shards without the file that says of which.
        """
        claim_folder(
            self.folder / self.record_file,
            {"source": repr(self.source), "count": self.count, "version": palsynth.__version__},
            holds=f"{self.what} of another source or other options",
            remedy="delete it, or give another folder (the option cache_dir)",
            foreign=[f"{self.stem}-*.npy"],
        )
        remove_stale(self.folder, f"{self.stem}-*.npy")
        paths = self._paths()
        missing = [k for k, path in enumerate(paths) if not path.exists()]
        finished = map_in_processes(self._build_part, missing, workers) if missing else []
        for done, _ in enumerate(finished, len(paths) - len(missing) + 1):
            if progress is not None:
                progress(min(done * self.part, self.count), self.count)

    def record(self, number: int) -> np.ndarray:
        """One record, from its shard or, if ``uncached``, generated.

        Args:
            number: record number, below ``count``.

        Returns:
            The record.

        Raises:
            InputError: if a shard is missing or damaged.
        """
        if self.uncached:
            generated: np.ndarray = self.records([number])[0]
            return generated
        cached: np.ndarray = self._parts[number // self.part][number % self.part]
        return cached

    def _paths(self) -> list[Path]:
        count = -(-self.count // self.part)
        return [self.folder / f"{self.stem}-{k:05d}.npy" for k in range(count)]

    def _build_part(self, part: int) -> int:
        cv2.setNumThreads(1)
        numbers = range(part * self.part, min((part + 1) * self.part, self.count))
        with atomic_write(self._paths()[part]) as temporary:
            np.save(temporary, self.records(numbers))
        return len(numbers)

    @cached_property
    def _parts(self) -> list[np.ndarray]:
        missing = [path.name for path in self._paths() if not path.exists()]
        if missing:
            raise InputError(f"{self.folder}: {missing[0]} has not been built yet")
        try:
            return [np.load(path, mmap_mode="r") for path in self._paths()]
        except (OSError, ValueError) as error:
            raise InputError(
                f"{self.folder}: a part is damaged ({error}); delete the folder and build it again"
            ) from None

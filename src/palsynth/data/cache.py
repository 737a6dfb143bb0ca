"""A cache of generated records in numbered shards, for trainings of several epochs."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np

import palsynth
from palsynth.documents import read_json
from palsynth.errors import InputError
from palsynth.files import atomic_write, remove_stale
from palsynth.progress import Progress
from palsynth.records import Ledger, claim_folder
from palsynth.workers import map_in_processes


class ShardedCache:
    """The first ``count`` records of a ``source``, cached in ``folder`` in shards.

    A base class for dataclasses with these three fields. The folder records which source its
    shards were generated from; another source is refused. A shard that is not as the folder's
    ledger says is generated again. Only their owner can read the shards, and a folder that is made
    for them.

    Attributes:
        what: plural noun for the records, for error messages.
        record_file: name of the JSON file that records the source.
        stem: start of the shards' file names.
        part: records per shard.
        source: where the records come from.
        folder: where the shards are cached.
        count: number of records.
        uncached: generate each record when it is first used, hold it in memory, and write no shard.
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
        """Generates the shards that are missing or were changed since they were generated.

        The result does not depend on ``workers``.

        Several processes may build the same cache. What a killed one left unfinished is removed.

        Args:
            workers: number of processes.
            progress: called with the number of records done and their total.

        Raises:
            InputError: if the folder holds records of another source, count or version, or
                shards without the file that says of which.
        """
        with contextlib.suppress(OSError):  # claim_folder says it
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # patients' faces
        claim_folder(
            self.folder / self.record_file,
            self._holds(),
            holds=f"{self.what} of another source or other options",
            remedy="delete it, or give another folder (the option cache_dir)",
            foreign=[f"{self.stem}-*.npy"],
        )
        remove_stale(self.folder, f"{self.stem}-*.npy")
        paths, ledger = self._paths(), Ledger(self.folder)
        faults = {k: _fault(ledger, path) for k, path in enumerate(paths)}
        for k, fault in faults.items():
            if fault:
                print(f"note: {paths[k]}: {fault}; it is made again", file=sys.stderr)
        missing = [k for k, fault in faults.items() if fault is not None]
        finished = map_in_processes(self._build_part, missing, workers) if missing else []
        for done, _ in enumerate(finished, len(paths) - len(missing) + 1):
            if progress is not None:
                progress(min(done * self.part, self.count), self.count)
        ledger.read()
        ledger.tidy()

    def missing(self) -> int:
        """How many records :meth:`build` would generate.

        Returns:
            The records whose shards do not exist or are of another size; all where the folder holds
            another source's.
        """
        try:
            held = read_json(self.folder / self.record_file)
        except InputError:
            return self.count
        if held != self._holds():
            return self.count
        ledger = Ledger(self.folder)
        faults = [_fault(ledger, path, contents=False) for path in self._paths()]
        absent = [k for k, fault in enumerate(faults) if fault is not None]
        return sum(min(self.part, self.count - k * self.part) for k in absent)

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
            if number not in self.generated:
                self.generated[number] = self.records([number])[0]
            return self.generated[number]
        cached: np.ndarray = self._parts[number // self.part][number % self.part]
        return cached

    @cached_property
    def generated(self) -> dict[int, np.ndarray]:
        """The records that were generated without the cache, by number."""
        return {}

    def _holds(self) -> dict[str, Any]:
        """What the folder's record file says."""
        return {"source": repr(self.source), "count": self.count, "version": palsynth.__version__}

    def _paths(self) -> list[Path]:
        count = -(-self.count // self.part)
        return [self.folder / f"{self.stem}-{k:05d}.npy" for k in range(count)]

    def _build_part(self, part: int) -> int:
        cv2.setNumThreads(1)
        numbers = range(part * self.part, min((part + 1) * self.part, self.count))
        with atomic_write(self._paths()[part]) as temporary:
            temporary.touch(mode=0o600)
            np.save(temporary, self.records(numbers))
        Ledger(self.folder).add(self._paths()[part].name)
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


def _fault(ledger: Ledger, path: Path, contents: bool = True) -> str | None:
    """Why a shard cannot be used; empty where it has not been made yet."""
    if path.name in ledger:
        return ledger.fault(path.name, contents)
    return "is not in the ledger" if path.exists() else ""


def find_caches(source: Any) -> Iterator[ShardedCache]:
    """Finds the caches that a source reads.

    Args:
        source: a source; the sources that it is made of are the fields of dataclasses.

    Yields:
        The outermost caches: what they cache themselves is not read once they are built.
    """
    if isinstance(source, ShardedCache):
        yield source
    elif isinstance(source, (list, tuple)):
        for part in source:
            yield from find_caches(part)
    elif is_dataclass(source):
        for field in fields(source):
            yield from find_caches(getattr(source, field.name))

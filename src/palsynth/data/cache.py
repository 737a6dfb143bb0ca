"""Records drawn once into numbered files and kept: what several rounds of a training read."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np

import palsynth
from palsynth.errors import InputError
from palsynth.files import atomic_write
from palsynth.workers import map_in_processes


class ShardedCache:
    """The first ``count`` records of a ``source``, in files of ``part`` records in ``folder``.

    A base for dataclasses with these three fields. The folder says whose records it holds and
    refuses others'. With ``uncached`` records are drawn when asked for, and none is kept.
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
        """The records of some numbers, drawn."""
        raise NotImplementedError

    def build(self, workers: int = 1, progress: Callable[[int, int], None] | None = None) -> None:
        """Draws what is missing. The result does not depend on ``workers``."""
        self.folder.mkdir(parents=True, exist_ok=True)
        record = self.folder / self.record_file
        plan = {"source": repr(self.source), "count": self.count, "version": palsynth.__version__}
        text = json.dumps(plan, indent=1) + "\n"
        if not record.exists():
            with atomic_write(record) as temporary:
                temporary.write_text(text, "utf-8")
        elif record.read_text("utf-8") != text:
            raise InputError(
                f"{self.folder}: keeps {self.what} of another source or other options; delete it, "
                "or give another folder (the option cache_dir)"
            )
        every = self._paths()
        todo = [k for k, path in enumerate(every) if not path.exists()]
        finished = map_in_processes(self._build_part, todo, workers) if todo else []
        for done, _ in enumerate(finished, len(every) - len(todo) + 1):
            if progress is not None:
                progress(min(done * self.part, self.count), self.count)

    def record(self, number: int) -> np.ndarray:
        """One record, read. Raises InputError where its file is missing or damaged."""
        if self.uncached:
            drawn: np.ndarray = self.records([number])[0]
            return drawn
        found: np.ndarray = self._parts[number // self.part][number % self.part]
        return found

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
            raise InputError(f"{self.folder}: {missing[0]} has not been drawn yet")
        try:
            return [np.load(path, mmap_mode="r") for path in self._paths()]
        except (OSError, ValueError) as error:
            raise InputError(
                f"{self.folder}: a part is damaged ({error}); delete the folder, it is drawn anew"
            ) from None

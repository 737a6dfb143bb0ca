"""Training pairs from a dataset folder, as the paper makes them: both pictures of one patient."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from palsynth.data.examples import Example, shuffled
from palsynth.data.folder_source import FolderSource
from palsynth.data.training_pairs import PairExample
from palsynth.errors import InputError
from palsynth.seeds import Stream, make_rng


@dataclass(frozen=True)
class FolderPairs:
    """Every image of a folder's splits as expression and target, shuffled anew each round, beside
    another image of the same subject as the identity. There is no draft: it is the identity."""

    folder: Path
    splits: tuple[str, ...] = ("train",)
    size: int = 112
    seed: int = 0

    @cached_property
    def _source(self) -> FolderSource:
        return FolderSource(self.folder, self.splits, self.size, self.seed)

    @cached_property
    def _others(self) -> dict[str, list[int]]:
        """Subject -> its rows. Raises InputError where a subject has only one image."""
        found: dict[str, list[int]] = defaultdict(list)
        for number, row in enumerate(self._source.rows):
            found[row.subject_id].append(number)
        lonely = [subject for subject, rows in found.items() if len(rows) < 2]
        if lonely:
            raise InputError(
                f"{self.folder}: subject {lonely[0]} has one image only; a pair needs two"
            )
        return found

    @property
    def num_subjects(self) -> int | None:
        """Not counted."""
        return None

    def __getitem__(self, number: int) -> PairExample:
        rows = self._source.rows
        which = shuffled(number, len(rows), self.seed, Stream.FOLDER_PAIRS_ORDER)
        rng = make_rng(self.seed, number, Stream.FOLDER_PAIR)
        others = [k for k in self._others[rows[which].subject_id] if k != which]
        target: Example = self._source.example(which)
        identity = self._source.example(others[int(rng.integers(len(others)))]).image
        return PairExample(identity, target.image, target.image, identity, target.movement,
                           target.function, target.tone)  # fmt: skip

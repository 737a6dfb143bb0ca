"""The faces that our encoders train on, as a recipe says them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from palsynth.data.augment import Augmentation, AugmentedSource
from palsynth.data.examples import Source
from palsynth.data.folder_source import FolderSource, KeptSource, MixedSource
from palsynth.data.synthetic_source import PeopleSource, PhotographsSource
from palsynth.encoders.validation import FIRST
from palsynth.errors import InputError
from palsynth.settings import Settings


@dataclass(frozen=True)
class FacesSettings(Settings):
    """People who do not exist, photographs and dataset folders, mixed and augmented."""

    people: int = 3000
    """How many people are drawn; 0 none."""
    first_person: int = 0
    """Seed of the first."""
    photographs: Path | None = None
    """A London-set folder; its train people are used."""
    photographs_share: float = 0.15
    """Share of examples from the photographs."""
    dataset: Path | None = None
    """A dataset folder with a manifest; its train split is used."""
    dataset_share: float = 0.5
    """Share of examples from the dataset."""
    healthy: float = 0.15
    """Share of drawn examples without a palsy."""
    keep: Path | None = None
    """Folder where drawn examples are kept and used again; without it all are drawn anew."""
    keep_people: int = 36_000
    """Examples of people that are kept."""
    keep_photographs: int = 4000
    """Examples of moved photographs that are kept."""
    drawing_workers: int = 2
    """Processes that draw what is kept."""
    seed: int = 0
    augmentation: Augmentation = field(default_factory=Augmentation)

    def __post_init__(self) -> None:
        if not (self.people or self.photographs or self.dataset):
            raise InputError("name people, photographs or a dataset to train on")
        for name in ("people", "first_person", "seed"):
            if getattr(self, name) < 0:
                raise InputError(f"{name} {getattr(self, name)}: must not be negative")
        for name in ("keep_people", "keep_photographs", "drawing_workers"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} {getattr(self, name)}: must be at least 1")
        if self.people and self.first_person + self.people > FIRST:
            raise InputError(
                f"first_person {self.first_person} with people {self.people}: seeds from {FIRST:,} "
                "on are for validation and evaluation"
            )
        other = self.photographs_share if self.photographs else 0.0
        other += self.dataset_share if self.dataset else 0.0
        if not 0 <= other <= 1 or (self.people and other == 1):
            raise InputError(
                f"photographs_share and dataset_share make {other:g} together; they must lie "
                "between 0 and 1, below 1 where people are drawn too"
            )

    def build(self, draw: bool = True) -> Source:
        """The source; draws what is to be kept first. Without ``draw`` nothing is kept."""
        parts = self._parts(draw)
        mixed = MixedSource([s for s, _ in parts], [w for _, w in parts], self.seed)
        return AugmentedSource(mixed, self.augmentation, self.seed)

    def people_count(self) -> int:
        """Class numbers run below this."""
        return sum(source.people or 0 for source, _ in self._parts(draw=False))

    def _parts(self, draw: bool = True) -> list[tuple[Source, float]]:
        out: list[tuple[Source, float]] = []
        other = 0.0
        if self.photographs:
            moved = PhotographsSource(self.photographs, healthy=self.healthy, seed=self.seed)
            kept = self._kept(moved, "photographs", self.keep_photographs, draw)
            out.append((kept, self.photographs_share))
            other += self.photographs_share
        if self.dataset:
            out.append((FolderSource(self.dataset, seed=self.seed), self.dataset_share))
            other += self.dataset_share
        if self.people:
            drawn = PeopleSource(
                self.first_person, self.people, healthy=self.healthy, seed=self.seed
            )
            out.insert(0, (self._kept(drawn, "people", self.keep_people, draw), 1 - other))
        return out

    def _kept(self, source: Source, name: str, count: int, draw: bool) -> Source:
        if self.keep is None or not draw:
            return source
        kept = KeptSource(source, self.keep / name, count, self.seed)
        if draw:
            from palsynth.progress import progress_bar

            with progress_bar(f"drawing {name}") as progress:
                kept.draw(self.drawing_workers, progress)
        return kept

"""The faces that our encoders train on, as a recipe says them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from palsynth.data.augment import Augmentation, AugmentedSource
from palsynth.data.examples import Source
from palsynth.data.folder_source import CachedSource, FolderSource, MixedSource
from palsynth.data.synthetic_source import PhotographsSource, SyntheticSource
from palsynth.encoders.validation import FIRST
from palsynth.errors import InputError
from palsynth.settings import Settings


@dataclass(frozen=True)
class FacesSettings(Settings):
    """People who do not exist, photographs and dataset folders, mixed and augmented."""

    subjects: int = 3000
    """How many people are drawn; 0 none."""
    first_subject: int = 0
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
    cache_dir: Path | None = None
    """Folder where drawn examples are kept and used again; without it all are drawn anew."""
    cached_subjects: int = 36_000
    """Examples of people that are kept."""
    cached_photographs: int = 4000
    """Examples of moved photographs that are kept."""
    render_workers: int = 2
    """Processes that draw what is kept."""
    seed: int = 0
    augmentation: Augmentation = field(default_factory=Augmentation)

    def __post_init__(self) -> None:
        if not (self.subjects or self.photographs or self.dataset):
            raise InputError("name people, photographs or a dataset to train on")
        for name in ("subjects", "first_subject", "seed"):
            if getattr(self, name) < 0:
                raise InputError(f"{name} {getattr(self, name)}: must not be negative")
        for name in ("cached_subjects", "cached_photographs", "render_workers"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} {getattr(self, name)}: must be at least 1")
        if self.subjects and self.first_subject + self.subjects > FIRST:
            raise InputError(
                f"first_subject {self.first_subject} with subjects {self.subjects}: seeds from {FIRST:,} "
                "on are for validation and evaluation"
            )
        other = self.photographs_share if self.photographs else 0.0
        other += self.dataset_share if self.dataset else 0.0
        if not 0 <= other <= 1 or (self.subjects and other == 1):
            raise InputError(
                f"photographs_share and dataset_share make {other:g} together; they must lie "
                "between 0 and 1, below 1 where people are drawn too"
            )

    def build(self, build_cache: bool = True) -> Source:
        """The source; draws what is to be kept first. Without ``build_cache`` nothing is kept."""
        parts = self._parts(build_cache)
        mixed = MixedSource([s for s, _ in parts], [w for _, w in parts], self.seed)
        return AugmentedSource(mixed, self.augmentation, self.seed)

    def num_subjects(self) -> int:
        """Class numbers run below this."""
        return sum(source.num_subjects or 0 for source, _ in self._parts(build_cache=False))

    def _parts(self, build_cache: bool = True) -> list[tuple[Source, float]]:
        out: list[tuple[Source, float]] = []
        other = 0.0
        if self.photographs:
            moved = PhotographsSource(self.photographs, healthy=self.healthy, seed=self.seed)
            cached = self._cached(moved, "photographs", self.cached_photographs, build_cache)
            out.append((cached, self.photographs_share))
            other += self.photographs_share
        if self.dataset:
            out.append((FolderSource(self.dataset, seed=self.seed), self.dataset_share))
            other += self.dataset_share
        if self.subjects:
            synthetic = SyntheticSource(
                self.first_subject, self.subjects, healthy=self.healthy, seed=self.seed
            )
            out.insert(
                0,
                (self._cached(synthetic, "subjects", self.cached_subjects, build_cache), 1 - other),
            )
        return out

    def _cached(self, source: Source, name: str, count: int, build_cache: bool) -> Source:
        if self.cache_dir is None or not build_cache:
            return source
        cached = CachedSource(source, self.cache_dir / name, count, self.seed)
        if build_cache:
            from palsynth.progress import progress_bar

            with progress_bar(f"drawing {name}") as progress:
                cached.build(self.render_workers, progress)
        return cached

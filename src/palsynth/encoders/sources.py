"""The training faces of our encoders, as configured by a recipe."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from palsynth.data.augment import Augmentation, AugmentedSource
from palsynth.data.examples import Source
from palsynth.data.folder_source import CachedSource, FolderSource, MixedSource
from palsynth.data.synthetic_source import PhotographsSource, SyntheticSource
from palsynth.errors import InputError
from palsynth.progress import progress_bar
from palsynth.settings import Settings
from palsynth.subjects import VALIDATION_SEEDS


@dataclass(frozen=True)
class FacesSettings(Settings):
    """Synthetic subjects, photographs and dataset folders, combined and augmented."""

    subjects: int = 3000
    """Number of synthetic subjects; 0 for none."""
    first_subject: int = 0
    """Seed of the first synthetic subject."""
    photographs: Path | None = None
    """Folder of the London Set; the people of its train split are used."""
    photographs_share: float = 0.15
    """Fraction of the examples from the photographs."""
    dataset: Path | None = None
    """A dataset folder with a manifest; its train split is used."""
    dataset_share: float = 0.5
    """Fraction of the examples from the dataset."""
    healthy: float = 0.15
    """Fraction of the rendered examples without a palsy."""
    cache_dir: Path | None = None
    """Folder where rendered examples are cached; default: none, rendered again at each use."""
    cached_subjects: int = 36_000
    """Number of cached examples of synthetic subjects."""
    cached_photographs: int = 4000
    """Number of cached examples of moved photographs."""
    render_workers: int = 2
    """Processes that render the cached examples."""
    seed: int = 0
    """Seed of the examples, their order and their augmentation."""
    augmentation: Augmentation = field(default_factory=Augmentation)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (self.subjects or self.photographs or self.dataset):
            raise InputError("name subjects, photographs or a dataset to train on")
        for name in ("subjects", "first_subject", "seed"):
            if getattr(self, name) < 0:
                raise InputError(f"{name} {getattr(self, name)}: must not be negative")
        for name in ("cached_subjects", "cached_photographs", "render_workers"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} {getattr(self, name)}: must be at least 1")
        if self.subjects and self.first_subject + self.subjects > VALIDATION_SEEDS:
            raise InputError(
                f"first_subject {self.first_subject} with subjects {self.subjects}: "
                f"seeds from {VALIDATION_SEEDS:,} on are for validation and evaluation"
            )
        real = self.photographs_share if self.photographs else 0.0
        real += self.dataset_share if self.dataset else 0.0
        if not 0 <= real <= 1 or (self.subjects and real == 1):
            raise InputError(
                f"photographs_share and dataset_share add up to {real:g}; the sum must lie "
                "between 0 and 1, below 1 together with synthetic subjects"
            )

    def build(self, build_cache: bool = True) -> Source:
        """Builds the source of examples.

        Args:
            build_cache: render and cache examples first, if ``cache_dir`` is set; otherwise the
                cache is neither read nor written.

        Returns:
            The augmented mixture. The faces of the dataset have been found.
        """
        parts = self._parts(build_cache)
        mixture = MixedSource([s for s, _ in parts], [w for _, w in parts], self.seed)
        return AugmentedSource(mixture, self.augmentation, self.seed)

    def num_subjects(self) -> int:
        """Number of subjects in all sources, which is the number of identity classes."""
        return sum(source.num_subjects or 0 for source, _ in self._parts(build_cache=False))

    def _parts(self, build_cache: bool = True) -> list[tuple[Source, float]]:
        out: list[tuple[Source, float]] = []
        real = 0.0
        pictures = FolderSource(self.dataset, seed=self.seed) if self.dataset else None
        if pictures is not None:
            pictures.check()  # all is checked before anything is rendered
        if self.photographs:
            moved = PhotographsSource(self.photographs, healthy=self.healthy, seed=self.seed)
            moved.check()
            cached = self._cached(moved, "photographs", self.cached_photographs, build_cache)
            out.append((cached, self.photographs_share))
            real += self.photographs_share
        if pictures is not None:
            pictures.prepare()
            out.append((pictures, self.dataset_share))
            real += self.dataset_share
        if self.subjects:
            synthetic = SyntheticSource(
                self.first_subject, self.subjects, healthy=self.healthy, seed=self.seed
            )
            cached = self._cached(synthetic, "subjects", self.cached_subjects, build_cache)
            out.insert(0, (cached, 1 - real))
        return out

    def _cached(self, source: Source, name: str, count: int, build_cache: bool) -> Source:
        if self.cache_dir is None:
            return source
        folder = self.cache_dir / name
        cached = CachedSource(source, folder, count, self.seed, uncached=not build_cache)
        if build_cache:
            with progress_bar(f"rendering {name}") as progress:
                cached.build(self.render_workers, progress)
        return cached

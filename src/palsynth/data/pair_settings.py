"""Pairs of images for methods that transfer expressions: where they come from, and a fixed batch
for metrics during training."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor

from palsynth.data.examples import Source, stack
from palsynth.data.faces import Crop
from palsynth.data.folder_pairs import FolderPairs
from palsynth.data.groups import MEMBERS, SCRIPTS, CachedGroups, GroupsSource
from palsynth.data.training_pairs import PairExample, PairsSource, make_pair
from palsynth.errors import InputError
from palsynth.progress import progress_bar
from palsynth.settings import Settings
from palsynth.subjects import VALIDATION_SEEDS

GROUPS = 2
"""Groups of validation pairs."""


@dataclass(frozen=True)
class PairsSettings(Settings):
    """Where training pairs come from: a clinical dataset, or groups of synthetic subjects."""

    dataset: Path | None = None
    """Dataset folder; a pair is two images of one patient of its train split. Default: none, pairs
    come from groups of synthetic subjects."""
    subjects: int = 6000
    """Number of synthetic subjects, where there is no dataset."""
    first_subject: int = 200_000
    """Seed of the first subject."""
    photographs: Path | None = None
    """London-set folder, the people of whose train split are members of some groups."""
    mixed: float = 0.35
    """Share of groups half of whose members are photographed people, moved by the simulator."""
    smiling: float = 0.0
    """Share of groups of photographed people only, whose smiles and half-smiles are photographs
    too."""
    groups: int = 1500
    """Number of cached groups; each gives 36 pairs of two different members."""
    cache_dir: Path = Path("runs/cache-groups")
    """Folder of the cached groups."""
    render_workers: int = 2
    """Processes that render the groups."""
    crossed: bool = True
    """Whether expression images show another person, as at synthesis; False pairs two images of one
    person, as the paper does."""
    fixed_identity: bool = False
    """Whether a patient of a dataset has the same identity image in all pairs, as in the published
    training: the first at rest, or the first. False takes any other image of the patient."""
    healthy: float = 0.12
    """Share of movements without a palsy."""
    mirror: float = 0.5
    """Share of pairs that are mirrored."""
    seed: int = 0
    """Seed of the groups, of their order and of the mirroring."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.first_subject + self.subjects > VALIDATION_SEEDS:
            raise InputError(
                f"first_subject {self.first_subject} with subjects {self.subjects}: "
                f"seeds from {VALIDATION_SEEDS:,} on are for validation and evaluation"
            )
        for name in ("groups", "render_workers"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} {getattr(self, name)}: must be at least 1")


def pairs_source(
    settings: PairsSettings, size: int, build_cache: bool = True, crop: Crop = "eyes"
) -> Source:
    """Builds the source of training pairs.

    Args:
        settings: where the pairs come from.
        size: side of the images in pixels; groups are rendered at least as large.
        build_cache: whether missing groups are rendered now and cached; if False, every group is
            rendered when it is used, without the cache. Has no effect on a dataset, whose faces
            are found now in either case.
        crop: how the faces of a dataset are cropped, which must be as the model crops them at
            inference.

    Returns:
        The source.

    Raises:
        InputError: the dataset cannot be read or has no pairs.
    """
    s = settings
    if s.dataset is not None:
        pairs = FolderPairs(
            s.dataset, size=size, seed=s.seed, crop=crop, fixed_identity=s.fixed_identity
        )
        pairs.prepare()
        return pairs
    groups = GroupsSource(
        s.first_subject,
        s.subjects,
        s.photographs,
        s.mixed,
        s.smiling,
        size=max(size, GroupsSource.size),
        healthy=s.healthy,
        seed=s.seed,
    )
    groups.check()
    cached = CachedGroups(groups, s.cache_dir, s.groups, uncached=not build_cache)
    if build_cache:
        with progress_bar("rendering groups") as progress:
            cached.build(s.render_workers, progress)
    return PairsSource(cached, s.crossed, size, s.mirror, s.seed)


@lru_cache(maxsize=2)
def validation_pairs(size: int) -> dict[str, Tensor]:
    """24 pairs of validation subjects, rendered once per process.

    Args:
        size: side of the images in pixels.

    Returns:
        A batch as the training loop makes it, such as ``identity`` (24, size, size, 3) uint8 RGB.
    """
    source = GroupsSource(VALIDATION_SEEDS + 2000, 500, seed=99, healthy=0.1)
    pairs: list[PairExample] = []
    for number in range(GROUPS):
        group = source[number]
        for member in range(MEMBERS):
            for script in range(SCRIPTS):
                pairs.append(make_pair(group, member, script, (member + 1) % MEMBERS, size))
    return {name: torch.from_numpy(array) for name, array in stack(pairs).items()}

"""Pairs of images: what CFCPalsy trains on, and a fixed batch for metrics during training."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from palsynth.data.examples import Source, stack
from palsynth.data.folder_pairs import FolderPairs
from palsynth.data.groups import MEMBERS, SCRIPTS, CachedGroups, GroupsSource
from palsynth.data.training_pairs import PairExample, PairsSource, make_pair
from palsynth.encoders.validation import FIRST
from palsynth.methods.cfcpalsy.config import PairsSettings
from palsynth.progress import progress_bar

GROUPS = 2


def pairs_source(settings: PairsSettings, size: int, build_cache: bool = True) -> Source:
    """Builds the source of training pairs.

    Args:
        settings: where the pairs come from.
        size: side of the images in pixels.
        build_cache: whether missing groups are rendered now and cached; if False, every group is
            rendered when it is used, without the cache. Has no effect on a dataset.

    Returns:
        The source.
    """
    s = settings
    if s.dataset is not None:
        return FolderPairs(s.dataset, size=size, seed=s.seed)
    groups = GroupsSource(
        s.first_subject,
        s.subjects,
        s.photographs,
        s.mixed,
        s.smiling,
        healthy=s.healthy,
        seed=s.seed,
    )
    cached = CachedGroups(groups, s.cache_dir, s.groups, uncached=not build_cache)
    if build_cache:
        with progress_bar("rendering groups") as progress:
            cached.build(s.render_workers, progress)
    return PairsSource(cached, s.crossed, size, s.mirror, s.seed)


@lru_cache(maxsize=2)
def validation_batch(size: int) -> dict[str, Tensor]:
    """24 pairs of validation subjects, rendered once per process.

    Args:
        size: side of the images in pixels.

    Returns:
        A batch as the training loop makes it, such as ``identity`` (24, size, size, 3) uint8 RGB.
    """
    source = GroupsSource(FIRST + 2000, 500, seed=99, healthy=0.1)
    pairs: list[PairExample] = []
    for number in range(GROUPS):
        group = source[number]
        for member in range(MEMBERS):
            for script in range(SCRIPTS):
                pairs.append(make_pair(group, member, script, (member + 1) % MEMBERS, size))
    return {name: torch.from_numpy(array) for name, array in stack(pairs).items()}

"""Batches without end, from any place: the example numbers of a step are arithmetic."""

from __future__ import annotations

import atexit
import os
import signal
from collections.abc import Iterator

import cv2
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from palsynth.data.examples import Example, Source, stack
from palsynth.training.recipe import LoopSettings


class _Numbers:
    """Example numbers, a list for each micro-step of one rank, from a step to the last."""

    def __init__(self, settings: LoopSettings, start: int, rank: int, ranks: int) -> None:
        self.settings, self.start, self.rank, self.ranks = settings, start, rank, ranks

    def __iter__(self) -> Iterator[list[int]]:
        size = self.settings.batch
        first, last = (s * self.settings.accumulate for s in (self.start, self.settings.steps))
        for micro in range(first, last):
            begin = (micro * self.ranks + self.rank) * size
            yield list(range(begin, begin + size))


class _Dataset(torch.utils.data.Dataset[Example]):
    def __init__(self, source: Source) -> None:
        self.source = source

    def __getitem__(self, number: int) -> Example:
        return self.source[number]


def _collate(examples: list[Example]) -> dict[str, Tensor]:
    return {name: torch.from_numpy(array) for name, array in stack(examples).items()}


def _in_worker(_: int) -> None:
    # a terminal interrupts workers too, but only the run decides when to stop
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # once a worker aborted while Python wound down around its thread that hands over tensors;
    # nothing is left to do then, so it leaves at once
    atexit.register(os._exit, 0)
    cv2.setNumThreads(1)
    torch.set_num_threads(1)


def batches(
    source: Source, settings: LoopSettings, start: int, rank: int = 0, ranks: int = 1
) -> Iterator[dict[str, Tensor]]:
    """One batch a micro-step, from step ``start`` on: the same whatever came before."""
    workers = settings.workers
    loader = DataLoader(
        _Dataset(source),
        batch_sampler=_Numbers(settings, start, rank, ranks),
        num_workers=workers,
        collate_fn=_collate,
        worker_init_fn=_in_worker,
        multiprocessing_context="spawn" if workers else None,
        prefetch_factor=4 if workers else None,
        pin_memory=torch.cuda.is_available() and settings.device == "auto",
    )
    return iter(loader)

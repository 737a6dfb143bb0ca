"""Batches from any step on: the example indices of a step are computed, not stored."""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterator
from typing import cast

import cv2
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from palsynth.data.examples import Example, Source, stack
from palsynth.errors import InputError
from palsynth.signals import ignore_signals, signals_blocked, start_resource_tracker
from palsynth.training.recipe import LoopSettings
from palsynth.workers import WORKER_KILLED


class _BatchIndices:
    """Example indices, one list per micro-step of one rank, from a step to the last."""

    def __init__(self, settings: LoopSettings, start: int, rank: int, ranks: int) -> None:
        self.settings, self.start, self.rank, self.ranks = settings, start, rank, ranks

    def __iter__(self) -> Iterator[list[int]]:
        size = self.settings.batch
        first, last = (s * self.settings.accumulate for s in (self.start, self.settings.steps))
        for micro in range(first, last):
            offset = (micro * self.ranks + self.rank) * size
            yield list(range(offset, offset + size))


class _Dataset(torch.utils.data.Dataset[Example | InputError]):
    """The examples, or why one cannot be read: DataLoader would make a traceback of the error."""

    def __init__(self, source: Source) -> None:
        self.source = source

    def __getitem__(self, number: int) -> Example | InputError:
        try:
            return self.source[number]
        except InputError as error:
            return error


def _collate(examples: list[Example | InputError]) -> dict[str, Tensor] | InputError:
    for example in examples:
        if isinstance(example, InputError):
            return example
    found = stack(cast(list[Example], examples))
    return {name: torch.from_numpy(array) for name, array in found.items()}


def _in_worker(_: int) -> None:
    # Ctrl-C in a terminal reaches the workers too, as does a kill of the whole group, but only the
    # run decides when to stop; without it they end by themselves
    ignore_signals()
    # A worker once aborted during interpreter shutdown, because of the thread that passes tensors
    # on. No work remains at that point, so the worker exits immediately.
    atexit.register(os._exit, 0)
    cv2.setNumThreads(1)
    torch.set_num_threads(1)


def batches(
    source: Source, settings: LoopSettings, start: int, rank: int = 0, ranks: int = 1
) -> Iterator[dict[str, Tensor]]:
    """Loads one batch per micro-step, the same whether or not the run was interrupted.

    Args:
        source: the training examples, by index.
        settings: batch size, accumulation, steps and workers.
        start: optimiser steps already done.
        rank: this process among ``ranks``, from 0.
        ranks: number of processes, which share out the examples.

    Returns:
        An iterator over batches up to the last step: field name -> tensor (N, …), N the batch
        size. It raises InputError where an example cannot be read or a worker was killed.
    """
    workers = settings.workers
    if workers:
        start_resource_tracker()
    loader = DataLoader(
        _Dataset(source),
        batch_sampler=_BatchIndices(settings, start, rank, ranks),
        num_workers=workers,
        collate_fn=_collate,
        worker_init_fn=_in_worker,
        multiprocessing_context="spawn" if workers else None,
        prefetch_factor=4 if workers else None,
        pin_memory=torch.cuda.is_available() and settings.device == "auto",
    )
    with signals_blocked():  # a worker that is still starting does not ignore them yet
        loaded = iter(loader)
    return _checked(loaded)


def _checked(loaded: Iterator[dict[str, Tensor] | InputError]) -> Iterator[dict[str, Tensor]]:
    """Batches, or the error that a worker ran into."""
    while True:
        try:
            batch = next(loaded, None)
        except RuntimeError as error:
            if "DataLoader worker" not in str(error) or "Traceback" in str(error):
                raise
            raise InputError(
                f"{WORKER_KILLED}; resume the training with fewer --loop.workers"
            ) from None
        if batch is None:
            return
        if isinstance(batch, InputError):
            raise batch
        yield batch

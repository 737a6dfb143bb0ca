"""Work spread over processes, for what is drawn without any order."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_in_processes(
    work: Callable[[Item], Result], items: Iterable[Item], workers: int
) -> Iterator[Result]:
    """What ``work`` gives for each item, as soon as it is there. To be called from the main thread.

    A terminal's interruption reaches this process alone, which then stops the others.
    """
    context = multiprocessing.get_context("spawn")
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # new processes begin with what is set
    try:
        pool = context.Pool(workers)
    finally:
        signal.signal(signal.SIGINT, before)
    with pool:
        yield from pool.imap_unordered(work, items)

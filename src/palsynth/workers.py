"""Work distributed over processes, for items whose order does not matter."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_in_processes(
    work: Callable[[Item], Result], items: Iterable[Item], workers: int
) -> Iterator[Result]:
    """Applies a function to items in several processes. Call it from the main thread.

    Ctrl-C in a terminal reaches this process only, which then stops the workers.

    Args:
        work: the function; it must be importable, because the processes are spawned.
        items: what it is applied to.
        workers: number of processes.

    Yields:
        Each result as soon as it is available, in no particular order.
    """
    context = multiprocessing.get_context("spawn")
    with _interrupts_blocked():
        pool = context.Pool(workers)
    with pool:
        yield from pool.imap_unordered(work, items)


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Holds back Ctrl-C: processes that start meanwhile never get it, this one gets it after."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    from multiprocessing import resource_tracker  # not on Windows

    resource_tracker.ensure_running()  # first: starting it ends with Ctrl-C let through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

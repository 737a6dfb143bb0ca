"""Work distributed over processes: results as they come, or in the order of the items."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any, TypeVar

from palsynth.errors import InputError
from palsynth.signals import signals_blocked, start_resource_tracker

Item = TypeVar("Item")
Result = TypeVar("Result")

WORKER_KILLED = "a worker process was killed, perhaps because memory ran out"
"""Start of the error message."""

AHEAD = 2
"""Items per worker that are begun before the result of the first is taken."""


def map_in_processes(
    work: Callable[[Item], Result], items: Iterable[Item], workers: int
) -> Iterator[Result]:
    """Applies a function to items in several processes. Call it from the main thread.

    Signals to stop reach this process only, which then ends the workers. They end with it too.

    Args:
        work: the function; it must be importable, because the processes are spawned.
        items: what it is applied to.
        workers: number of processes.

    Yields:
        Each result as soon as it is available, in no particular order.

    Raises:
        InputError: a worker was killed, as the system does when memory runs out.
    """
    with _executor(work, workers) as executor:
        with signals_blocked():
            futures = [executor.submit(_do, item) for item in items]
        for future in as_completed(futures):
            yield future.result()


def stream_in_processes(
    work: Callable[[Item], Result], items: Iterable[Item], workers: int
) -> Iterator[Result]:
    """Applies a function to items in several processes, and gives the results in their order.

    Few items and results are held at a time, so neither need fit into memory together.

    Args:
        work: the function; it must be importable, because the processes are spawned.
        items: what it is applied to; read as the results are taken.
        workers: number of processes; 1 works in this one.

    Yields:
        The result of each item.

    Raises:
        InputError: a worker was killed, as the system does when memory runs out.
    """
    if workers == 1:
        yield from map(work, items)
        return
    with _executor(work, workers) as executor:
        waiting: deque[Future[Result]] = deque()
        for item in items:
            with signals_blocked():
                waiting.append(executor.submit(_do, item))
            if len(waiting) > AHEAD * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


_work: Callable[[Any], Any] | None = None
"""What this worker applies to items."""


def _do(item: Any) -> Any:
    assert _work is not None
    return _work(item)


@contextmanager
def _executor(work: Callable[[Any], Any], workers: int) -> Iterator[ProcessPoolExecutor]:
    """Processes that end with this one, and at once where what they are for fails.

    Each is given the function once, when it starts, and not with every item: it may hold much, and
    early releases of Python 3.11 wait for ever to send dead workers what does not fit into a pipe.
    """
    start_resource_tracker()  # first: starting it ends with Ctrl-C let through again
    others = set(multiprocessing.active_children())
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, initializer=_begin, initargs=(work,)) as executor:
        try:
            yield executor
        except BaseException as error:
            # first: a broken executor holds its lock until its workers, which ignore SIGTERM, end
            for process in set(multiprocessing.active_children()) - others:
                process.kill()
            executor.shutdown(wait=False, cancel_futures=True)
            if not isinstance(error, BrokenProcessPool):
                raise
            raise InputError(f"{WORKER_KILLED}; run the command again with fewer workers") from None


def _begin(work: Callable[[Any], Any]) -> None:
    """Prepares a worker."""
    global _work
    _work = work
    _end_with_parent()


def _end_with_parent() -> None:
    """Starts a thread that ends this worker when its parent is killed.

    Without it the worker would wait for work for ever."""

    def wait() -> None:
        parent = multiprocessing.parent_process()
        assert parent is not None
        parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()

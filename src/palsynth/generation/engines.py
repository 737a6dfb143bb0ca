"""Engines that carry out work on groups of pictures: processes of this machine, or Ray."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, TypeVar

from palsynth.errors import InputError
from palsynth.workers import map_in_processes

Item = TypeVar("Item")
Result = TypeVar("Result")

Engine = Callable[[Callable[[Item], Result], Sequence[Item]], Iterator[Result]]
"""Applies a function to items and yields the results as they come, in any order. Results are small:
pictures are written where they are made."""

EngineName = Literal["processes", "ray"]

AHEAD = 4
"""Items per processor that Ray is given before their turn, so that no worker waits."""


def processes(workers: int) -> Engine[Any, Any]:
    """An engine of processes on this machine.

    Args:
        workers: how many; 1 works in this process.

    Returns:
        The engine.
    """

    def run(work: Callable[[Any], Any], items: Sequence[Any]) -> Iterator[Any]:
        if workers == 1:
            return map(work, items)
        return map_in_processes(work, items, workers)

    return run


def ray_cluster(address: str | None, workers: int | None, gpus: float) -> Engine[Any, Any]:
    """An engine on a Ray cluster, whose machines all see the output folder under the same path.

    Work of a worker that dies is done again by another one.

    Args:
        address: the cluster; None starts one on this machine.
        workers: most items that are worked on at once; None: as many as there are processors.
        gpus: share of a GPU that a worker takes, 0 for none.

    Returns:
        The engine.

    Raises:
        InputError: Ray is not installed, or the cluster cannot be reached.
    """
    try:
        import ray
    except ImportError:
        raise InputError("--engine ray: needs Ray; install palsynth[ray]") from None

    def run(work: Callable[[Any], Any], items: Sequence[Any]) -> Iterator[Any]:
        try:
            ray.init(address, log_to_driver=False, include_dashboard=False, num_cpus=_own(address))
        except (ConnectionError, ValueError, RuntimeError) as error:
            reason = str(error).splitlines()[0]
            raise InputError(f"--address {address}: cannot be reached ({reason})") from None
        try:
            task = ray.remote(work).options(num_gpus=gpus, max_retries=-1)
            most = workers or int(ray.cluster_resources().get("CPU", 1))
            ahead = 1 if workers else AHEAD
            waiting: list[Any] = []
            for item in items:
                waiting.append(task.remote(item))
                if len(waiting) >= most * ahead:
                    done, waiting = ray.wait(waiting)
                    yield from ray.get(done)
            while waiting:
                done, waiting = ray.wait(waiting)
                yield from ray.get(done)
        except ray.exceptions.RayTaskError as error:
            cause = error.cause
            raise cause if isinstance(cause, InputError) else error from None
        finally:
            ray.shutdown()

    def _own(address: str | None) -> int | None:
        """Processors of a cluster that is started here."""
        return workers if address is None else None

    return run

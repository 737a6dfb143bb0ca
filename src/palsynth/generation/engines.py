"""Engines that carry out work on groups of pictures: processes of this machine, or Ray."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

from palsynth.errors import InputError
from palsynth.signals import kept_handlers
from palsynth.terminal import one_line
from palsynth.workers import map_in_processes

Item = TypeVar("Item")
Result = TypeVar("Result")

Engine = Callable[[Callable[[Item], Result], Sequence[Item]], Iterator[Result]]
"""Applies a function to items and yields the results as they come, in any order. Results are small:
pictures are written where they are made."""

EngineName = Literal["processes", "ray"]

AHEAD = 4
"""Items per processor that Ray is given before their turn, so that no worker waits."""


RETRIES = 3
"""How often Ray gives work to another worker when one dies over it: pictures that take more memory
than there is would end all of them."""

OBJECT_STORE = 100 * 2**20
"""Shared memory of a cluster that is started here, bytes: it holds no picture."""


ANSWER = 10.0
"""Seconds in which a cluster must answer."""


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
    """An engine on a Ray cluster, whose machines all see the same files under the same paths.

    Work of a worker that dies is done again by another one, at most :data:`RETRIES` times.

    Args:
        address: the cluster; None starts one on this machine.
        workers: most items that are worked on at once; None: as many as there are processors.
        gpus: share of a GPU that a worker takes, 0 for none.

    Returns:
        The engine. It raises InputError where the cluster cannot be reached or loses its workers.

    Raises:
        InputError: Ray is not installed.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # no command uses the network for anything else
    os.environ.setdefault("RAY_task_oom_retries", str(RETRIES))
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # its coming default
    try:
        import ray
    except ImportError:
        raise InputError(
            "--engine ray: needs Ray; install it with: pip install 'palsynth[ray]'"
        ) from None

    def run(work: Callable[[Any], Any], items: Sequence[Any]) -> Iterator[Any]:
        if not items:
            return
        here = Path.cwd()

        @ray.remote(num_gpus=gpus, max_retries=RETRIES)
        def do(item: Any) -> Any:
            os.chdir(here)  # where the paths of the work begin
            return work(item)

        _connect(address, workers)
        try:
            most = workers or AHEAD * int(ray.cluster_resources().get("CPU", 1))
            waiting: list[Any] = []
            for item in items:
                waiting.append(do.remote(item))
                if len(waiting) >= most:
                    done, waiting = ray.wait(waiting)
                    yield from ray.get(done)
            while waiting:
                done, waiting = ray.wait(waiting)
                yield from ray.get(done)
        except ray.exceptions.RayTaskError as error:
            raise error.cause from None
        except (ray.exceptions.WorkerCrashedError, ray.exceptions.OutOfMemoryError):
            raise InputError(
                f"workers of Ray were killed {RETRIES + 1} times over the same pictures, perhaps "
                "because memory ran out; run the command again with fewer workers"
            ) from None
        except ray.exceptions.RayError as error:
            raise InputError(
                f"the Ray cluster was lost ({one_line(error)[:200]}); run the command again to "
                "resume"
            ) from None
        finally:
            ray.shutdown()

    return run


def _connect(address: str | None, workers: int | None) -> None:
    """Connects to a cluster, or starts one on this machine that ends with this process."""
    import ray

    if address is not None:
        _check_address(address)
    own: dict[str, Any] = {"num_cpus": workers, "object_store_memory": OBJECT_STORE}
    own |= {"include_dashboard": False}
    try:
        with kept_handlers():  # Ray's own would abort at SIGTERM
            ray.init(
                address or "local",
                log_to_driver=False,
                logging_level="ERROR",
                **({} if address else own),
            )
    except (ValueError, RuntimeError, OSError, ray.exceptions.RayError) as error:
        what = f"--address {address}: cannot be reached" if address else "Ray does not start"
        raise InputError(f"{what} ({one_line(error)[:200]})") from None


def _check_address(address: str) -> None:
    """Raises InputError where nobody answers at HOST:PORT: Ray itself would try for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal():
        return  # a word, such as auto
    try:
        socket.create_connection((host, int(port)), ANSWER).close()
    except (OSError, OverflowError) as error:
        raise InputError(f"--address {address}: cannot be reached ({error})") from None

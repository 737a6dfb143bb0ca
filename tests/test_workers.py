"""Work distributed over processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from palsynth.errors import InputError
from palsynth.workers import AHEAD, map_in_processes, stream_in_processes


def test_every_item_is_processed_once() -> None:
    assert sorted(map_in_processes(abs, range(-5, 1), 2)) == [0, 1, 2, 3, 4, 5]


def slower_first(item: int) -> int:
    time.sleep(0.02 * (6 - item))
    return item


@pytest.mark.parametrize("workers", [1, 2])
def test_a_stream_keeps_the_order_and_does_not_read_ahead_far(workers: int) -> None:
    read: list[int] = []
    items = (read.append(k) or k for k in range(7))
    stream = stream_in_processes(slower_first, items, workers)
    assert next(stream) == 0
    assert len(read) <= AHEAD * workers + 1 < 7
    assert list(stream) == [1, 2, 3, 4, 5, 6]


def test_a_stream_says_that_a_worker_was_killed() -> None:
    with pytest.raises(InputError, match=r"a worker process was killed, .* fewer workers"):
        list(stream_in_processes(kill_itself, range(8), 2))


def test_workers_never_get_ctrl_c(tmp_path: Path) -> None:
    """Asked of a fresh process: what multiprocessing starts there first lets Ctrl-C through."""
    script = tmp_path / "masks.py"
    script.write_text(
        "import signal\n"
        "from palsynth.workers import map_in_processes\n"
        "def blocked(_):\n"
        "    return signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, [])\n"
        "if __name__ == '__main__':\n"
        "    print(blocked(0), list(map_in_processes(blocked, range(4), 2)), blocked(0))\n"
    )
    command = [sys.executable, str(script)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "False [True, True, True, True] False", done.stderr


def kill_itself(item: int) -> int:
    if item == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return item


def test_a_killed_worker_is_said() -> None:
    with pytest.raises(InputError, match=r"a worker process was killed, .* fewer workers"):
        list(map_in_processes(kill_itself, range(8), 2))


def test_workers_end_with_a_killed_parent(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        "import os, signal, time\n"
        "from palsynth.workers import map_in_processes\n"
        "def work(item):\n"
        "    print(os.getpid(), flush=True)\n"
        "    time.sleep(60)\n"
        "if __name__ == '__main__':\n"
        "    list(map_in_processes(work, range(4), 2))\n"
    )
    process = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    workers = [int(process.stdout.readline()) for _ in range(2)]
    process.kill()
    process.wait()
    deadline = time.monotonic() + 20
    while any(Path(f"/proc/{pid}").exists() for pid in workers):
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("number", "code", "said"),
    [
        (signal.SIGINT, 130, "interrupted; run the same command again to resume"),
        (signal.SIGTERM, 143, "palsynth: stopped by SIGTERM"),
        (signal.SIGHUP, 129, "palsynth: stopped by SIGHUP"),
    ],
)
def test_a_signal_to_the_group_stops_rendering_without_tracebacks(
    tmp_path: Path, number: signal.Signals, code: int, said: str
) -> None:
    """As Ctrl-C in a terminal, a scheduler's end of a job, and the end of a terminal."""
    words = "--subjects 40 --images-per-subject 20 --size 96 --workers 2"
    command = [sys.executable, "-m", "palsynth.cli", "subjects", "export", str(tmp_path / "set")]
    command += words.split()
    process = subprocess.Popen(
        command,
        start_new_session=True,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),  # a shell may ignore it
    )
    while not list((tmp_path / "set").rglob("*.png")):
        assert process.poll() is None
        time.sleep(0.05)
    os.killpg(process.pid, number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == code
    assert "Traceback" not in errors
    assert said in errors
    assert [path.name for path in tmp_path.iterdir()] == ["set"], "its lock is removed"

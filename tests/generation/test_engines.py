"""The engines: the same results whatever carries out the work, and one line where it cannot."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from palsynth.errors import InputError
from palsynth.generation.engines import RETRIES, processes, ray_cluster

needs_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="needs Ray: pip install 'palsynth[ray]'"
)


@pytest.mark.parametrize("workers", [1, 2])
def test_processes_do_every_item_once(workers: int) -> None:
    assert sorted(processes(workers)(abs, range(-5, 1))) == [0, 1, 2, 3, 4, 5]


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match=r"needs Ray; install it with: pip install 'palsynth\[ray"):
        ray_cluster(None, 2, 0)


SCRIPT = """
import os, signal, sys
from functools import partial
from pathlib import Path
from palsynth.errors import InputError
from palsynth.generation.engines import ray_cluster

def die(marks, item):  # a worker that is killed over each of its items once, and over 7 always
    mark = marks / str(item)
    with (marks / "all").open("a") as file:
        file.write(f"{item}\\n")
    if item == 7 or not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return item

def refuse(item):
    raise InputError(f"{Path('here').read_text()}.png: item {item} is bad")

def attempt(work, items):
    try:
        print("RESULT", sorted(ray_cluster(None, 2, 0)(work, items)))
    except InputError as error:
        print("RESULT", error)

if __name__ == "__main__":
    attempt(partial(die, Path("marks")), [1, 2])
    attempt(partial(die, Path("marks")), [7])
    attempt(refuse, [3])
    attempt(abs, [])
"""


@needs_ray
def test_work_of_killed_workers_is_done_again_and_errors_are_one_line(tmp_path: Path) -> None:
    """In a process of its own: Ray looks for the address of this machine, and starts others."""
    (tmp_path / "marks").mkdir()
    (tmp_path / "here").write_text("a")
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    said = [line for line in done.stdout.splitlines() if line.startswith("RESULT")]
    assert said == [
        "RESULT [1, 2]",
        "RESULT workers of Ray were killed 4 times over the same pictures, perhaps because memory "
        "ran out; run the command again with fewer workers",
        "RESULT a.png: item 3 is bad",
        "RESULT []",
    ], done.stderr
    tries = (tmp_path / "marks/all").read_text().split()
    assert [tries.count(item) for item in "127"] == [2, 2, RETRIES + 1]


@needs_ray
@pytest.mark.parametrize(
    ("address", "reason"),
    [("127.0.0.1:1", "Connection refused"), ("auto", "Could not find any running Ray instance")],
)
def test_a_cluster_that_is_not_there_is_said_at_once(address: str, reason: str) -> None:
    with pytest.raises(InputError, match=rf"--address {address}: cannot be reached \(.*{reason}"):
        list(ray_cluster(address, None, 0)(abs, [1]))


@needs_ray
def test_ctrl_c_ends_the_cluster_and_the_command_in_order(tmp_path: Path) -> None:
    plan, out = tmp_path / "plan.yaml", tmp_path / "set"
    plan.write_text("{identities: {subjects: 40}, images: 4000, size: 64, gate: {face: false}}")
    command = [sys.executable, "-m", "palsynth.cli", "generate", str(plan), "--out", str(out)]
    process = subprocess.Popen(
        [*command, "--engine", "ray", "--workers", "2"],
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    try:
        while not list(out.rglob("*.png")):
            assert process.poll() is None
            time.sleep(0.1)
    finally:
        os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.strip() == "interrupted; run the same command again to resume"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["plan.yaml", "set"]

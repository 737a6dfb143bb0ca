"""Work distributed over processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from palsynth.workers import map_in_processes


def test_every_item_is_processed_once() -> None:
    assert sorted(map_in_processes(abs, range(-5, 1), 2)) == [0, 1, 2, 3, 4, 5]


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


def test_ctrl_c_stops_rendering_without_tracebacks(tmp_path: Path) -> None:
    """Ctrl-C reaches all processes of the terminal's group."""
    words = "--subjects 40 --images-per-subject 20 --size 96 --workers 2"
    command = [sys.executable, "-m", "palsynth.cli", "subjects", "export", str(tmp_path / "set")]
    command += words.split()
    process = subprocess.Popen(
        command,
        start_new_session=True,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell may ignore it
    )
    while not list((tmp_path / "set").rglob("*.png")):
        assert process.poll() is None
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert "interrupted; run the same command again to resume" in errors

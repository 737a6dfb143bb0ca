"""Two processes never write one folder; the second one says who does."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from palsynth.errors import InputError
from palsynth.files import atomic_folder
from palsynth.locks import SUFFIX, lock_folder

HOLD = """
import sys
from pathlib import Path
from palsynth.locks import lock_folder
with lock_folder(Path(sys.argv[2])):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def held(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock of a path, until its input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, "hold", str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    try:
        yield process
    finally:
        process.communicate(timeout=60)


def test_the_second_process_is_told_who_holds_the_lock(tmp_path: Path) -> None:
    out = tmp_path / "new" / "out"
    with held(out) as process:
        text = rf"out: is being written by -c hold \(process {process.pid} on .*, since 20.*\)"
        with pytest.raises(InputError, match=text), lock_folder(out):
            pass
        with pytest.raises(InputError, match="is being written by"), atomic_folder(out):
            pass
        link = tmp_path / "link"
        link.symlink_to(out)
        with pytest.raises(InputError, match="is being written by"), lock_folder(link):
            pass
    assert list(tmp_path.iterdir()) == [link], "the lock and the folder made for it are removed"


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    with held(tmp_path / "out") as process:
        process.kill()
    assert (tmp_path / f".out{SUFFIX}").exists()
    with lock_folder(tmp_path / "out"):
        assert f"process {os.getpid()} on" in (tmp_path / f".out{SUFFIX}").read_text()
    assert not list(tmp_path.iterdir())


def test_a_process_may_take_its_lock_again_in_any_thread(tmp_path: Path) -> None:
    faults: list[BaseException] = []

    def work() -> None:
        try:
            with lock_folder(tmp_path / "out"):
                pass
        except BaseException as error:
            faults.append(error)

    with lock_folder(tmp_path / "out"):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        with lock_folder(tmp_path / "out"):
            pass
        assert (tmp_path / f".out{SUFFIX}").exists(), "it is held until the first one ends"
    assert not faults
    assert not list(tmp_path.iterdir())


def test_what_was_written_stays(tmp_path: Path) -> None:
    with lock_folder(tmp_path / "a" / "out"):
        (tmp_path / "a" / "out").mkdir()
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["out"]


def test_a_file_system_without_locks_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: int) -> None:
        raise OSError(errno.ENOSYS, "not implemented")

    monkeypatch.setattr("fcntl.flock", refuse)
    with lock_folder(tmp_path / "out"):
        (tmp_path / "out").mkdir()
    assert "out: its file system has no locks; let no other command" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_folder_alone_on_its_file_system_is_locked_inside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    real = os.open

    def refuse(path: str | os.PathLike[str], *rest: int, **more: int) -> int:
        if Path(path).parent == tmp_path:
            raise PermissionError(errno.EACCES, "not yours", str(path))
        return real(path, *rest, **more)

    monkeypatch.setattr(os, "open", refuse)
    with lock_folder(out):
        assert [path.name for path in out.iterdir()] == [SUFFIX]
    assert not list(out.iterdir())


@pytest.mark.parametrize("words", [["data", "import", "aflfp"], ["subjects", "sample", "--out"]])
def test_a_command_locks_what_it_writes(tmp_path: Path, words: list[str]) -> None:
    (tmp_path / "in").mkdir()
    words = [*words, *([str(tmp_path / "in")] if words[0] == "data" else []), str(tmp_path / "out")]
    with held(tmp_path / "out"):
        done = subprocess.run(
            [sys.executable, "-m", "palsynth.cli", *words], capture_output=True, text=True
        )
    assert done.returncode == 2
    assert done.stderr.startswith(f"palsynth: {tmp_path / 'out'}: is being written by -c hold (")
    assert done.stderr.count("\n") == 1

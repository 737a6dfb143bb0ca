"""The last line of defence: one line, exit code 1, and a log that its owner alone can read."""

from __future__ import annotations

import errno
import os
import re
import stat
import tempfile
from pathlib import Path

import pytest

from palsynth import cli
from palsynth.commands import data
from palsynth.crashes import describe


def crash(options: data.CheckOptions) -> None:
    raise LookupError("something\nunforeseen")


@pytest.fixture(autouse=True)
def _crashing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(data, "data_check", crash)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.delenv("PALSYNTH_DEBUG", raising=False)


def test_an_unforeseen_error_is_one_line_and_a_log(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main(["data", "check", str(tmp_path)])
    assert end.value.code == 1
    line = capsys.readouterr().err
    found = re.fullmatch(
        r"palsynth: unexpected error \(LookupError: something unforeseen\); please report it with "
        r"(\S+), which may name your files\n",
        line,
    )
    assert found is not None, line
    log = Path(found.group(1))
    assert "in crash" in log.read_text()
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


def test_without_room_for_a_log_it_is_one_line_too(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    with pytest.raises(SystemExit) as end:
        cli.main(["data", "check", str(tmp_path)])
    assert end.value.code == 1
    assert "set PALSYNTH_DEBUG=1 to see where" in capsys.readouterr().err


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
        RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"),
    ],
)
def test_too_little_memory_is_said(error: Exception) -> None:
    assert describe(error).startswith("memory ran out (")


def test_debugging_shows_the_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PALSYNTH_DEBUG", "1")
    with pytest.raises(LookupError):
        cli.main(["data", "check", str(tmp_path)])
    assert not list(tmp_path.glob("*.log"))


def test_a_link_that_leads_to_itself_is_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    for words in (["data", "check", loop], ["data", "stats", tmp_path, "--out", loop / "out"]):
        with pytest.raises(SystemExit) as end:
            cli.main([str(word) for word in words])
        assert end.value.code == 2
        assert f"{loop}" in (line := capsys.readouterr().err)
        assert "is a link that leads to itself; give another path" in line


def test_a_deleted_current_folder_is_said(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(SystemExit) as end:
        cli.main(["data", "check", str(tmp_path)])
    assert end.value.code == 2
    assert "the current folder has been deleted; change to another" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOSPC, "the output cannot be written (No space left on device)"),
        (errno.ENOMEM, "the system refuses (Cannot allocate memory)"),
    ],
)
def test_only_faults_of_an_output_are_called_so(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    said: str,
) -> None:
    def fail(options: data.CheckOptions) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(data, "data_check", fail)
    monkeypatch.setattr("palsynth.cli.drop_output", lambda: None)  # of the tests themselves
    with pytest.raises(SystemExit) as end:
        cli.main(["data", "check", str(tmp_path)])
    assert end.value.code == 1
    assert said in capsys.readouterr().err

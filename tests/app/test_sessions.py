"""Private folders: only their owner reads them, and they go with the session and the server."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from palsynth.app import sessions as module
from palsynth.app.sessions import PREFIX, Sessions, Stopped, private_sessions
from palsynth.errors import InputError


@pytest.fixture
def sessions(tmp_path: Path) -> Sessions:
    return Sessions(tmp_path)


def upload(sessions: Sessions) -> Path:
    path = sessions.upload_folder() / "grin.png"
    path.write_bytes(b"x")
    return path


def test_only_the_owner_reads_a_folder(sessions: Sessions) -> None:
    with sessions.work("a") as work:
        for folder in (sessions.upload_folder(), work.folder()):
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_session_takes_its_uploads_and_results_with_it(sessions: Sessions) -> None:
    mine, other = upload(sessions), upload(sessions)
    with sessions.work("a") as work:
        assert work.claim(str(mine), None) == [mine]
        result = work.folder()
    sessions.end("b")
    assert mine.exists()
    assert result.exists()
    sessions.end("a")
    assert not mine.parent.exists()
    assert not result.exists()
    assert other.exists()


def test_work_of_a_session_that_ended_stops_and_leaves_nothing(sessions: Sessions) -> None:
    with sessions.work("a") as work, sessions.work("b") as others:
        work.check()
        sessions.end("a")
        with pytest.raises(Stopped):
            work.check()
        with pytest.raises(Stopped):
            work.folder()
        others.check()
    assert list(sessions.root.iterdir()) == []
    with sessions.work("a") as again:
        again.check()


def test_an_upload_that_nobody_uses_goes_after_a_while(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    unused, used = upload(sessions), upload(sessions)
    sessions.claim("a", used)
    monkeypatch.setattr(module, "UNUSED", -1.0)
    sessions.upload_folder()
    assert not unused.exists()
    assert used.exists()


def test_what_gradio_leaves_goes_with_a_session(sessions: Sessions) -> None:
    gradio = pytest.importorskip("gradio", reason="gradio is not installed")
    used = upload(sessions)
    sessions.claim("a", used)
    field = gradio.File()
    field.GRADIO_CACHE = str(sessions.root)
    field.preprocess(gradio.FileData(path=str(used)))
    assert [p for p in sessions.root.iterdir() if p.is_file()]
    sessions.end("a")
    assert list(sessions.root.iterdir()) == []


def test_what_was_not_uploaded_or_is_gone_is_refused(sessions: Sessions, tmp_path: Path) -> None:
    inside = sessions.upload_folder()
    (inside / "link").symlink_to("/etc/passwd")
    outside = [
        Path("/etc/passwd"),
        inside / "../../x",
        inside / "link",
        sessions.root,
        Path("a.png"),
    ]
    for path in outside:
        assert not sessions.holds(path)
    for path in (*outside, inside / "gone.png"):
        with pytest.raises(InputError, match="no longer here; please choose it again"):
            sessions.claim("a", path)


def test_all_folders_go_with_the_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.tempfile, "tempdir", str(tmp_path))
    with private_sessions() as sessions:
        assert stat.S_IMODE(sessions.root.stat().st_mode) == 0o700
        upload(sessions)
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_server_left_is_removed_and_a_running_ones_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module.tempfile, "tempdir", str(tmp_path))
    code = (
        "import os, sys, tempfile; tempfile.tempdir = sys.argv[1]\n"
        "from palsynth.app.sessions import private_sessions\n"
        "with private_sessions() as s: (s.upload_folder() / 'x').touch(); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert len(list(tmp_path.glob(f"{PREFIX}*"))) == 1
    with private_sessions() as first, private_sessions() as second:
        assert {p for p in tmp_path.iterdir()} == {first.root, second.root}

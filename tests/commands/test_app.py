"""``palsynth app`` lets nobody in by mistake, and says what it lacks."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from palsynth.cli import main
from palsynth.commands.app import AppOptions, _is_local, _visitor


def fails(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with pytest.raises(SystemExit) as caught:
        main(["app", *words])
    assert caught.value.code == 2
    return capsys.readouterr().err


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.0.7", "::", "clinic.example"])
def test_other_machines_need_a_password(capsys: pytest.CaptureFixture[str], host: str) -> None:
    said = fails(capsys, "--host", host)
    assert said == (
        f"palsynth: --host {host}: other machines could reach it; add --auth USER:PASSWORDFILE\n"
    )


def test_this_machine_alone_needs_none() -> None:
    assert all(map(_is_local, ("127.0.0.1", "127.1.2.3", "::1", "localhost")))
    assert AppOptions().host == "127.0.0.1"
    assert AppOptions().auth is None
    assert not AppOptions().api


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "cannot be read (No such file or directory); write the password there"),
        (b"short", "must hold one line, a password of 8 characters or more"),
        (b"", "must hold one line"),
        (b"long enough\nbut two lines", "must hold one line"),
        (b"\xff" * 12, "cannot be read (not a text)"),
    ],
)
def test_a_bad_password_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, content: bytes | None, reason: str
) -> None:
    path = tmp_path / "password.txt"
    if content is not None:
        path.write_bytes(content)
    assert f"--auth: {path}: {reason}" in fails(capsys, "--auth", f"clinic:{path}")


@pytest.mark.parametrize("text", ["clinic", ":file", "clinic:", ""])
def test_auth_needs_a_name_and_a_file(capsys: pytest.CaptureFixture[str], text: str) -> None:
    assert "give USER:PASSWORDFILE" in fails(capsys, "--auth", text)


def test_a_password_that_others_can_read_is_said(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "password.txt"
    path.write_text("correct horse\n")
    path.chmod(0o600)
    visitor = _visitor(f"clinic:{path}")
    assert (visitor.user, visitor.password) == ("clinic", "correct horse")
    assert capsys.readouterr().err == ""
    path.chmod(0o644)
    _visitor(f"clinic:{path}")
    assert f"chmod 600 {path}" in capsys.readouterr().err


def test_without_gradio_one_line_says_how_to_get_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "gradio", None)
    said = fails(capsys)
    assert (
        said
        == "palsynth: palsynth app needs Gradio; install it with: pip install 'palsynth[app]'\n"
    )


def test_it_says_at_once_that_it_starts_and_then_where_it_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("gradio", reason="gradio is not installed")
    monkeypatch.setattr("palsynth.app.web.web_app", lambda *given: print("built"))
    monkeypatch.setattr("palsynth.app.web.warm_up", lambda: None)
    monkeypatch.setattr("uvicorn.Server.run", lambda server: setattr(server, "started", True))
    main(["app", "--port", "7899"])
    first, second, *rest = capsys.readouterr().out.splitlines()
    assert first == "starting; this takes a few seconds"
    assert second == "built"
    assert rest == ["press Ctrl+C to stop:", "  http://127.0.0.1:7899/"]

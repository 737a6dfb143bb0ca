"""Names of others are shown as they are, and no terminal stops a command."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from palsynth.evaluation.document import Table, print_table
from palsynth.progress import progress_bar, stages_bar
from palsynth.terminal import literal, one_line, say


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("P1 [bold]é.png", "P1 [bold]é.png"),
        ("a\x1b[2J\r\n\tb", "a\\x1b[2J\\r\\n\\tb"),
        (os.fsdecode(b"M\xfcller"), "M\\xfcller"),
        ("a\u202egnp.exe", "a\\u202egnp.exe"),
        ("a\x9bb\u2028c", "a\\x9bb\\u2028c"),
        (Path("a") / "b", "a/b"),
    ],
)
def test_literal(text: object, shown: str) -> None:
    assert literal(text) == shown


def test_messages_are_joined_and_their_spaces_kept(capsys: pytest.CaptureFixture[str]) -> None:
    assert one_line("a  b.png: wrong\n   why\x07") == "a  b.png: wrong why\\x07"
    say("a\x1b\nb")
    assert capsys.readouterr().out == "a\\x1b\nb\n"


def test_tables_and_bars_take_brackets_for_text(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(Table("of [/red]", ["[b]name", "x"], [["[/]P1[red]", "a\x1b[2J"]]))
    shown = capsys.readouterr().out
    assert all(text in shown for text in ("of [/red]", "[b]name", "[/]P1[red]", "a\\x1b[2J"))
    with progress_bar("faces of {a}[/red]\x1b[2J") as progress:
        progress(1, 1)
    with stages_bar() as stages:
        stages("of [/b]{x}", 1, 1)
    shown = capsys.readouterr().out
    assert "faces of {a}[/red]\\x1b[2J" in shown
    assert "of [/b]{x}" in shown


def run(words: str, **named: Any) -> subprocess.CompletedProcess[str]:
    """Runs ``python -m palsynth`` in a shell, with further variables of the environment."""
    return subprocess.run(
        ["bash", "-c", f"{sys.executable} -m palsynth {words}"],
        capture_output=True,
        text=True,
        timeout=180,
        env={**os.environ, **named},
    )


@pytest.mark.parametrize("command", ["--help", "simulate --help", "subjects --help"])
def test_an_output_that_ends_early_or_is_full_gives_no_traceback(command: str) -> None:
    ended = run(f"{command} | true; exit ${{PIPESTATUS[0]}}")
    assert ended.returncode in (0, 141), "0 where all was written before the reader left"
    assert ended.stderr == ""
    full = run(f"{command} > /dev/full")
    assert full.returncode == 1
    assert full.stderr == "palsynth: the output cannot be written (No space left on device)\n"
    assert run(f"{command} >&-").stderr == ""
    assert run("dance 2>&-").returncode == 2


@pytest.mark.parametrize("columns", ["0", "1", "5", "39", "x"])
def test_no_width_of_the_terminal_stops_help(columns: str) -> None:
    shown = run("simulate --help", COLUMNS=columns)
    assert shown.returncode == 0
    assert "House-Brackmann" in shown.stdout


def test_a_terminal_of_ascii_shows_everything(tmp_path: Path) -> None:
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    assert "Usage" not in run("measure --help", **ascii_only).stderr
    shown = run(f"measure '{tmp_path}/[red].png'", **ascii_only)
    assert shown.returncode == 2
    assert "[red].png: no such file" in shown.stderr


def test_words_that_are_not_utf8_are_refused_with_their_bytes(tmp_path: Path) -> None:
    refused = run(r"measure $'M\xfcller.png'")
    assert refused.returncode == 2
    assert refused.stderr == "palsynth: M\\xfcller.png: is not UTF-8; rename the file\n"

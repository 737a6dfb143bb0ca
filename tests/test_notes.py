"""Notes are printed once, or collected for a page that shows them to its reader."""

from __future__ import annotations

import pytest

from palsynth.notes import collected_notes, note


def test_a_note_is_printed_once(capsys: pytest.CaptureFixture[str]) -> None:
    note("small")
    note("small")
    assert capsys.readouterr().err == "note: small\n"


def test_collected_notes_are_not_printed(capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):  # every reader is told
        with collected_notes() as notes:
            note("small")
            note("small")
            note("dark")
        assert notes == ["small", "dark"]
    assert capsys.readouterr().err == ""
    note("small")
    assert capsys.readouterr().err == "note: small\n"

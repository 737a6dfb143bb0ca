"""Progress bars."""

from __future__ import annotations

import time
from typing import Any

import pytest
from rich.progress import Progress

from palsynth.notes import note
from palsynth.progress import late_progress_bar, progress_bar, stages_bar


def test_bars_show_how_much_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    updates: list[dict[str, Any]] = []
    monkeypatch.setattr(Progress, "update", lambda self, task, **named: updates.append(named))
    with progress_bar("rendering") as progress:
        progress(3, 8)
    with stages_bar() as stages:
        stages("judging", 2, 5)
    assert updates == [
        {"completed": 3, "total": 8},
        {"description": "judging", "completed": 2, "total": 5},
    ]


def test_a_late_bar_is_shown_from_its_first_move_on(capsys: pytest.CaptureFixture[str]) -> None:
    with late_progress_bar("faces") as progress:
        pass
    assert capsys.readouterr().out == ""
    with late_progress_bar("faces") as progress:
        progress(1, 2)
        progress(2, 2)
    assert "faces" in (out := capsys.readouterr().out)
    assert "2/2" in out


def test_a_note_is_printed_once_by_one_process(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    note("slow")
    note("slow")
    note("wet")
    assert capsys.readouterr().err == "note: slow\nnote: wet\n"
    monkeypatch.setenv("RANK", "1")
    note("cold")
    assert capsys.readouterr().err == ""
    monkeypatch.setenv("RANK", "0")
    note("cold")
    assert capsys.readouterr().err == "note: cold\n"


def test_a_rate_is_that_of_this_run_alone(capsys: pytest.CaptureFixture[str]) -> None:
    """A run that resumes begins with what is done already."""
    with progress_bar("images", rate=True) as progress:
        progress(900, 1000)
        time.sleep(0.2)
        progress(1000, 1000)
    shown = capsys.readouterr().out
    assert "1000/1000" in shown
    assert 100 < float(shown.split("/s")[0].split()[-1]) <= 500

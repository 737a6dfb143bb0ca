"""Bars that say how much is done of how much."""

from __future__ import annotations

from typing import Any

import pytest
from rich.progress import Progress

from palsynth.progress import progress_bar, stages_bar


def test_bars_are_told_what_is_done_of_how_much(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[dict[str, Any]] = []
    monkeypatch.setattr(Progress, "update", lambda self, task, **named: told.append(named))
    with progress_bar("drawing") as progress:
        progress(3, 8)
    with stages_bar() as stages:
        stages("judging", 2, 5)
    assert told == [
        {"completed": 3, "total": 8},
        {"description": "judging", "completed": 2, "total": 5},
    ]

"""Progress bars."""

from __future__ import annotations

from typing import Any

import pytest
from rich.progress import Progress

from palsynth.progress import progress_bar, stages_bar


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

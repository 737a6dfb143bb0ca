"""Progress bars and notes of long-running work, and the callbacks that drive the bars."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from rich import progress as rich_progress
from rich.text import Text

from palsynth.terminal import one_line

Progress = Callable[[int, int], None]
"""Callback ``(done, total)``: how many items are done, and how many there are."""

RATE_OVER = 300.0
"""Seconds over which rate and remaining time are averaged: networks make some pictures a minute."""

StageProgress = Callable[[str, int, int], None]
"""Callback ``(stage, done, total)`` for work in several named stages."""


class _Rate(rich_progress.ProgressColumn):
    """Items per second, of the work of this run alone."""

    def render(self, task: rich_progress.Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:.3g}/s")


@contextmanager
def progress_bar(what: str, rate: bool = False) -> Iterator[Progress]:
    """Shows a progress bar in the terminal for as long as the context is open.

    Args:
        what: label in front of the bar, such as ``"rendering"``.
        rate: show also how many items are done in a second.

    Yields:
        The callback that moves the bar.
    """
    columns = (
        rich_progress.TextColumn("{task.description}", markup=False),
        rich_progress.BarColumn(),
        rich_progress.MofNCompleteColumn(),
        *([_Rate()] if rate else []),
        rich_progress.TimeRemainingColumn(),
    )
    with rich_progress.Progress(*columns, speed_estimate_period=RATE_OVER) as bar:
        task = bar.add_task(one_line(what), total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextmanager
def late_progress_bar(what: str, rate: bool = False) -> Iterator[Progress]:
    """Shows a progress bar from its first move on: none where all work has been done before.

    Args:
        what: label in front of the bar.
        rate: show also how many items are done in a second.

    Yields:
        The callback that moves the bar.
    """
    with ExitStack() as stack:
        bar: list[Progress] = []

        def advance(done: int, total: int) -> None:
            if not bar:
                bar.append(stack.enter_context(progress_bar(what, rate)))
            bar[0](done, total)

        yield advance


@contextmanager
def stages_bar() -> Iterator[StageProgress]:
    """Shows a progress bar whose label is the current stage.

    Yields:
        The callback that moves the bar and sets its label.
    """
    columns = (
        rich_progress.TextColumn("{task.description}", markup=False),
        rich_progress.BarColumn(),
        rich_progress.MofNCompleteColumn(),
    )
    with rich_progress.Progress(*columns) as bar:
        task = bar.add_task("", total=None)
        yield lambda stage, done, total: bar.update(
            task, description=one_line(stage), completed=done, total=total
        )

"""What a run writes while it goes: metrics.jsonl, TensorBoard where installed, the terminal."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor

from palsynth.files import atomic_write
from palsynth.training.objective import TIMESTEP_BINS, TIMESTEPS, Losses


def loss_vector(micro: list[Losses], ranks: int) -> Tensor:
    """One step's losses as a vector that, summed over the ranks, is their mean: the total, the
    parts, then for diffusion objectives sums and counts per tenth of the timesteps."""
    parts = [torch.stack([x.total, *x.parts.values()]).detach().double() for x in micro]
    vector = torch.stack(parts).mean(0) / ranks
    if micro[0].timesteps is None:
        return vector
    return torch.cat([vector, torch.stack([_bins(x) for x in micro]).sum(0).flatten()])


class Window:
    """Loss vectors since the last row of the log.

    They are kept apart and summed in order when asked: a run that was interrupted in between
    adds the same numbers in the same order, and a GPU is not waited for at every step.
    """

    def __init__(self, rows: list[list[float]] | None = None) -> None:
        self._rows = [torch.tensor(row, dtype=torch.float64) for row in rows or []]

    def add(self, vector: Tensor) -> None:
        """One step's vector."""
        self._rows.append(vector)

    def rows(self) -> list[list[float]]:
        """As plain numbers, exact."""
        return [row.tolist() for row in self._rows]

    def mean(self, names: list[str]) -> dict[str, float]:
        """Means over the window: ``loss``, the named parts, and the loss per timestep bin."""
        total = torch.zeros(len(self._rows[0]), dtype=torch.float64)
        for row in self._rows:
            total += row.cpu()
        names = ["loss", *names]
        out = {n: float(total[i]) / len(self._rows) for i, n in enumerate(names)}
        if len(total) > len(names):
            sums, counts = total[len(names) :].reshape(2, TIMESTEP_BINS).tolist()
            width = TIMESTEPS // TIMESTEP_BINS
            for k, (value, count) in enumerate(zip(sums, counts, strict=True)):
                if count:
                    out[f"loss/t{k * width:03d}-{(k + 1) * width - 1:03d}"] = value / count
        return out


def _bins(losses: Losses) -> Tensor:
    """(2, TIMESTEP_BINS) sums of the loss and counts."""
    assert losses.timesteps is not None
    assert losses.per_image is not None
    which = (losses.timesteps.detach() * TIMESTEP_BINS // TIMESTEPS).long()
    values = torch.stack([losses.per_image.detach().double(), torch.ones_like(which).double()])
    empty = torch.zeros(2, TIMESTEP_BINS, dtype=torch.float64, device=which.device)
    return empty.index_add_(1, which, values)


class RunLog:
    """The log files of a run, and its progress bar. Use as a context.

    ``metrics.jsonl`` holds what the seed decides, ``speed.jsonl`` what the clock says.
    """

    def __init__(self, run: Path, start: int, steps: int, silent: bool = False) -> None:
        self._run, self._board, self._silent = run, None, silent
        if silent:  # another rank writes
            return
        for name in ("metrics.jsonl", "speed.jsonl"):
            _cut(run / name, start)
        try:
            from torch.utils.tensorboard import SummaryWriter

            self._board = SummaryWriter(str(run / "tensorboard"), purge_step=start + 1)
        except ImportError:  # it is an extra
            pass
        self._bar = Progress(
            TextColumn("training"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}"),
            TimeRemainingColumn(),
        )
        self._task = self._bar.add_task("", total=steps, completed=start, note="")
        self._plain = not sys.stderr.isatty() and not sys.stdout.isatty()

    def __enter__(self) -> RunLog:
        if not self._silent and not self._plain:
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._silent:
            self._bar.stop()
        if self._board is not None:
            self._board.close()

    def advance(self, step: int) -> None:
        """Moves the bar."""
        if self._silent:
            return
        self._bar.update(self._task, completed=step)

    def metrics(self, row: dict[str, Any]) -> None:
        """One row of metrics.jsonl; numbers that are not finite are written as null."""
        if self._silent:
            return
        plain = {k: v if not isinstance(v, float) or math.isfinite(v) else None
                 for k, v in row.items()}  # fmt: skip
        _append(self._run / "metrics.jsonl", plain)
        if self._board is not None:
            for name, value in row.items():
                if isinstance(value, float):
                    self._board.add_scalar(name, value, row["step"])

    def speed(self, step: int, images_per_second: float, loss: float) -> None:
        """One row of speed.jsonl and the note beside the bar."""
        if self._silent:
            return
        _append(self._run / "speed.jsonl", {"step": step, "images_per_second": images_per_second})
        note = f"{images_per_second:.3g} images/s  loss {loss:.4g}"
        self._bar.update(self._task, note=note)
        if self._plain:
            print(f"step {step}  {note}", flush=True)


def _append(path: Path, row: dict[str, Any]) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


def _cut(path: Path, step: int) -> None:
    """Removes the rows after a step, and a last line that was not finished."""
    if not path.exists():
        return
    kept = []
    for line in path.read_text("utf-8").splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            break
        if row["step"] > step:
            break
        kept.append(line + "\n")
    with atomic_write(path) as temporary:
        temporary.write_text("".join(kept), "utf-8")

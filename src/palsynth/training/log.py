"""The log of a run: metrics.jsonl, TensorBoard if it is installed, and the terminal."""

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

from palsynth.documents import json_row
from palsynth.errors import InputError
from palsynth.files import atomic_write
from palsynth.training.objective import TIMESTEP_BINS, TIMESTEPS, Losses


def loss_vector(micro: list[Losses], ranks: int) -> Tensor:
    """Packs the losses of one optimiser step into a vector.

    Args:
        micro: the losses of each micro-step.
        ranks: number of processes.

    Returns:
        float64 vector whose sum over the ranks is the mean: the total and the parts; for diffusion
        objectives then the sum and the number of per-image losses in each tenth of the timesteps.
    """
    parts = [torch.stack([x.total, *x.parts.values()]).detach().double() for x in micro]
    vector = torch.stack(parts).mean(0) / ranks
    if micro[0].timesteps is None:
        return vector
    return torch.cat([vector, torch.stack([_bins(x) for x in micro]).sum(0).flatten()])


class Window:
    """Loss vectors since the last row of the log.

    They are stored separately and summed in order only for a row of the log: a run that was
    interrupted in between adds the same numbers in the same order, and no step has to wait for
    the GPU.

    Args:
        rows: the vectors of an interrupted window, as :meth:`rows` returned them.
    """

    def __init__(self, rows: list[list[float]] | None = None) -> None:
        self._rows = [torch.tensor(row, dtype=torch.float64) for row in rows or []]

    def add(self, vector: Tensor) -> None:
        """Appends the vector of one step.

        Args:
            vector: as :func:`loss_vector` returns it, summed over the ranks.
        """
        self._rows.append(vector)

    def rows(self) -> list[list[float]]:
        """The vectors as plain numbers, exactly."""
        return [row.tolist() for row in self._rows]

    def mean(self, names: list[str]) -> dict[str, float]:
        """Averages over the window.

        Args:
            names: names of the loss's parts, in order.

        Returns:
            ``loss``, the parts by name, and the loss of each bin of timesteps that occurred.
        """
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
    """Sums of the loss and counts per bin of timesteps, (2, TIMESTEP_BINS)."""
    assert losses.timesteps is not None
    assert losses.per_image is not None
    bin_index = (losses.timesteps.detach() * TIMESTEP_BINS // TIMESTEPS).long()
    values = torch.stack([losses.per_image.detach().double(), torch.ones_like(bin_index).double()])
    empty = torch.zeros(2, TIMESTEP_BINS, dtype=torch.float64, device=bin_index.device)
    return empty.index_add_(1, bin_index, values)


class RunLog:
    """The log files of a run and its progress bar, as a context manager.

    ``metrics.jsonl`` depends on the seed alone, ``speed.jsonl`` on the time that steps take.

    Args:
        run: folder of the run.
        start: optimiser steps already done; later rows of an interrupted run are removed.
        steps: optimiser steps in total.
        silent: write no files and show no bar, on all ranks but one.
    """

    def __init__(self, run: Path, start: int, steps: int, silent: bool = False) -> None:
        self._run, self._board, self._silent = run, None, silent
        if silent:  # rank 0 writes
            return
        for name in ("metrics.jsonl", "speed.jsonl"):
            _truncate(run / name, start)
        try:
            from torch.utils.tensorboard import SummaryWriter

            self._board = SummaryWriter(str(run / "tensorboard"), purge_step=start + 1)
        except ImportError:  # an optional dependency
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
        """Moves the progress bar.

        Args:
            step: optimiser steps done.
        """
        if self._silent:
            return
        self._bar.update(self._task, completed=step)

    def metrics(self, row: dict[str, Any]) -> None:
        """Writes one row of metrics.jsonl.

        Args:
            row: ``step`` and named figures; those that are not finite are written as null.
        """
        if self._silent:
            return
        plain = {k: None if _not_finite(v) else v for k, v in row.items()}
        _append(self._run / "metrics.jsonl", plain)
        if self._board is not None:
            for name, value in row.items():
                if isinstance(value, float):
                    self._board.add_scalar(name, value, row["step"])

    def speed(self, step: int, images_per_second: float, loss: float) -> None:
        """Writes one row of speed.jsonl and the text beside the progress bar.

        Args:
            step: optimiser steps done.
            images_per_second: training speed, over all ranks.
            loss: mean loss since the last row.
        """
        if self._silent:
            return
        _append(self._run / "speed.jsonl", {"step": step, "images_per_second": images_per_second})
        note = f"{images_per_second:.3g} images/s  loss {loss:.4g}"
        self._bar.update(self._task, note=note)
        if self._plain:
            print(f"step {step}  {note}", flush=True)


def _not_finite(value: Any) -> bool:
    return isinstance(value, float) and not math.isfinite(value)


def _append(path: Path, row: dict[str, Any]) -> None:
    """Appends a row; one that a kill cuts short is removed on resuming."""
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error})") from None


def _truncate(path: Path, step: int) -> None:
    """Removes the rows after a step, and an incomplete last line.

    Raises InputError if the file cannot be read or another line is damaged."""
    if not path.exists():
        return
    try:
        lines = path.read_text("utf-8", errors="replace").splitlines()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None
    rows = []
    for number, line in enumerate(lines, 1):
        try:
            if json_row(line, path)["step"] > step:
                break
        except (InputError, TypeError, KeyError):
            if number < len(lines):
                raise InputError(
                    f"{path}: line {number} is damaged; remove it, or the file, and resume"
                ) from None
            break
        rows.append(line + "\n")
    with atomic_write(path) as temporary:
        temporary.write_text("".join(rows), "utf-8")

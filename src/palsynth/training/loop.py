"""The training loop.

Every random number is a pure function of (seed, step, rank), and every example of its index in the
source. A run that was killed and resumed is therefore bit-identical to an uninterrupted one.
"""

from __future__ import annotations

import contextlib
import math
import shutil
import signal
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import DistributedDataParallelKwargs
from torch import Tensor

from palsynth.errors import InputError
from palsynth.face.images import SHOWS_INPUT, write_png
from palsynth.training import checkpoints
from palsynth.training import recipe as recipes
from palsynth.training.batches import batches
from palsynth.training.ema import Ema
from palsynth.training.log import RunLog, Window, loss_vector
from palsynth.training.objective import Losses, Objective
from palsynth.training.randomness import derive_seed, make_generator
from palsynth.training.recipe import LoopSettings, Recipe


def train(recipe: Recipe, run: Path, *, resume: bool = False) -> bool:
    """Trains a recipe.

    Writes recipe.yaml, metrics.jsonl, checkpoints/, samples/ and finally weights/, which are the
    averaged weights. An interruption (SIGINT or SIGTERM) saves a checkpoint first.

    Args:
        recipe: the recipe.
        run: folder of the run.
        resume: continue from the newest checkpoint in the folder.

    Returns:
        Whether training reached the last step; False after an interruption.

    Raises:
        InputError: the folder holds another run, or a run and ``resume`` is not set, or ``resume``
            is set without a checkpoint, or the loss or gradient is not finite.
    """
    return _Run(recipe, run, resume).to_last_step()


def learning_rate(loop: LoopSettings, step: int) -> float:
    """Computes the learning rate of one optimiser step.

    Args:
        loop: warm-up, schedule and number of steps.
        step: optimiser step, from 0.

    Returns:
        The learning rate.
    """
    if step < loop.warmup:
        return loop.learning_rate * (step + 1) / loop.warmup
    if loop.schedule == "constant":
        return loop.learning_rate
    fraction = (step - loop.warmup) / max(1, loop.steps - loop.warmup)
    return loop.learning_rate * 0.5 * (1 + math.cos(math.pi * fraction))


def build(recipe: Recipe) -> Objective:
    """Builds a recipe's objective, initialised from the recipe's seed.

    Args:
        recipe: the recipe.

    Returns:
        The objective in training mode, on the CPU.
    """
    torch.manual_seed(derive_seed(recipe.loop.seed))
    return recipe.objective().train()


class _Run:
    """One run on one of its ranks. All ranks train; rank 0 also logs and writes."""

    def __init__(self, recipe: Recipe, run: Path, resume: bool) -> None:
        self.recipe, self.loop, self.run = recipe, recipe.loop, run
        self.accelerator = Accelerator(
            cpu=self.loop.device == "cpu" or not torch.cuda.is_available(),
            kwargs_handlers=[DistributedDataParallelKwargs(gradient_as_bucket_view=True)],
        )
        self.main = self.accelerator.is_main_process
        if self.main:
            _check_folder(recipe, run, resume)
        with self.accelerator.main_process_first():  # it may build a cache
            self.source = recipe.source()
        self.objective = build(recipe)
        if self.main:
            _prepare_folder(recipe, run)
        self.trained = [p for p in self.objective.parameters() if p.requires_grad]
        optimizer = torch.optim.AdamW(
            self.trained, self.loop.learning_rate, weight_decay=self.loop.weight_decay
        )
        self.model, self.optimizer = self.accelerator.prepare(self.objective, optimizer)
        self.state = self.objective.trained_state()
        self.ema = Ema(self.state, self.loop.ema, self.loop.ema_power)
        self.window = Window()
        self.start = self._restore()

    def to_last_step(self) -> bool:
        """Trains from the newest checkpoint to the last step or an interruption."""
        loop, ranks = self.loop, self.accelerator.num_processes
        data = batches(self.source, loop, self.start, self.accelerator.process_index, ranks)
        log = RunLog(self.run, self.start, loop.steps, silent=not self.main)
        images = loop.batch * loop.accumulate * ranks
        step, logged_step, logged_time = self.start, self.start, time.perf_counter()
        with log, _interruption() as interrupted:
            while step < loop.steps:
                step += 1
                names = self._step(step, data)
                log.advance(step)
                last = step == loop.steps
                if step % loop.log_every == 0 or last:
                    row = self.window.mean(names)
                    elapsed = time.perf_counter() - logged_time
                    images_per_second = (step - logged_step) * images / elapsed
                    self.window = Window()
                    rate = learning_rate(loop, step - 1)
                    log.metrics({"step": step, "images": step * images, "rate": rate, **row})
                    log.speed(step, images_per_second, row["loss"])
                    self._check_finite([row["loss"]], step)
                    logged_step, logged_time = step, time.perf_counter()
                if loop.validate_every and (step % loop.validate_every == 0 or last):
                    self._validate(step, log)
                stop = self._stop_requested(interrupted, step)
                if step % loop.checkpoint_every == 0 or last or stop:
                    self._save(step)
                if stop:
                    break
        if step == loop.steps:
            self._export()
        self.accelerator.wait_for_everyone()
        self.accelerator.end_training()
        return step == loop.steps

    def _step(self, step: int, data: Iterator[dict[str, Tensor]]) -> list[str]:
        """One optimiser step; returns the names of the loss's parts."""
        accelerator, loop = self.accelerator, self.loop
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(loop, step - 1)
        bf16 = loop.precision == "bf16"
        micro: list[Losses] = []
        for k in range(loop.accumulate):
            batch = {n: t.to(accelerator.device, non_blocking=True) for n, t in next(data).items()}
            rng = make_generator(loop.seed, step, accelerator.process_index, k, accelerator.device)
            last = k == loop.accumulate - 1
            with contextlib.nullcontext() if last else accelerator.no_sync(self.model):
                with torch.autocast(accelerator.device.type, torch.bfloat16, enabled=bf16):
                    losses = self.model(batch, rng)
                accelerator.backward(losses.total / loop.accumulate)
            micro.append(losses)
        norm = accelerator.clip_grad_norm_(self.trained, loop.clip or math.inf)
        self._check_finite([float(norm)] if norm is not None else [], step, "gradient")
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.ema.update(step - 1)
        vector = loss_vector(micro, accelerator.num_processes)
        self.window.add(accelerator.reduce(vector, "sum"))
        return list(micro[0].parts)

    def _check_finite(self, values: Sequence[float], step: int, what: str = "loss") -> None:
        if not all(map(math.isfinite, values)):
            raise InputError(
                f"{self.run}: the {what} is no longer finite at step {step}; the last checkpoint "
                "remains; train from scratch with a lower learning_rate or precision 'no'"
            )

    def _validate(self, step: int, log: RunLog) -> None:
        """Logs figures and a sample picture of the averaged weights."""
        if self.main:
            self.objective.eval()
            torch.manual_seed(derive_seed(self.loop.seed, step, 0, 0, 1))
            with self.ema.in_place(), torch.no_grad():
                figures, picture = self.objective.validate(), self.objective.picture()
            self.objective.train()
            if figures:
                log.metrics({"step": step, **figures})
            if picture is not None:
                write_png(self.run / "samples" / f"step-{step}.png", picture, **SHOWS_INPUT)
        self.accelerator.wait_for_everyone()

    def _stop_requested(self, interrupted: list[int], step: int) -> bool:
        """Whether any rank was interrupted. Several ranks synchronise this when they log."""
        if self.accelerator.num_processes == 1:
            return bool(interrupted)
        if step % self.loop.log_every:
            return False
        requested = torch.tensor(len(interrupted), device=self.accelerator.device)
        return bool(self.accelerator.reduce(requested, "sum").item())

    def _save(self, step: int) -> None:
        self._check_finite([row[0] for row in self.window.rows()], step)
        if self.main:
            optimizer = checkpoints.optimizer_tensors(self.optimizer)
            tensors = {"model": self.state, "ema": self.ema.averaged, "optimizer": optimizer}
            ranks = self.accelerator.num_processes
            state = {"step": step, "ranks": ranks, "window": self.window.rows()}
            checkpoints.write(self.run, step, tensors, state, self.loop.max_checkpoints)
        self.accelerator.wait_for_everyone()

    def _restore(self) -> int:
        """Restores the newest checkpoint, if any, and returns its step."""
        found = checkpoints.steps(self.run)
        if not found:
            return 0
        if found[-1] > self.loop.steps:
            raise InputError(
                f"{self.run}: is at step {found[-1]} already; give loop.steps {found[-1]} or more"
            )
        folder = self.run / "checkpoints" / f"step-{found[-1]}"
        checkpoints.fill(self.state, checkpoints.read(folder, "model"), folder)
        checkpoints.fill(self.ema.averaged, checkpoints.read(folder, "ema"), folder)
        checkpoints.fill_optimizer(self.optimizer, checkpoints.read(folder, "optimizer"))
        state = checkpoints.read_state(folder)
        if state["ranks"] != self.accelerator.num_processes:
            raise InputError(
                f"{self.run}: was started with {state['ranks']} processes, not "
                f"{self.accelerator.num_processes}; resume with the same number"
            )
        self.window = Window(state["window"])
        return int(state["step"])

    def _export(self) -> None:
        if not self.main:
            return
        partial, final = self.run / ".weights.partial", self.run / "weights"
        shutil.rmtree(partial, ignore_errors=True)
        with self.ema.in_place():
            self.objective.export(partial)
        recipes.save(self.recipe, partial / "recipe.yaml")
        shutil.rmtree(final, ignore_errors=True)
        partial.rename(final)


def _check_folder(recipe: Recipe, run: Path, resume: bool) -> None:
    """Raises InputError if the folder holds a run that this one may not overwrite or continue."""
    if checkpoints.steps(run):
        if not resume:
            raise InputError(
                f"{run}: holds a run; say --resume to continue it, or give another --out"
            )
        kinds: dict[str, type] = {recipe.kind: type(recipe)}
        recipes.check_resumable(recipes.load(run / "recipe.yaml", kinds), recipe, run)
    elif resume:
        raise InputError(f"{run}: holds no checkpoint to resume from")
    elif (run / "weights").exists():
        raise InputError(f"{run}: holds a finished run; give another --out")


def _prepare_folder(recipe: Recipe, run: Path) -> None:
    """Creates the folder with the recipe; removes the logs of a run without a checkpoint."""
    try:
        run.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{run}: cannot be created ({error.strerror or error})") from None
    if not checkpoints.steps(run):
        for stale in ("metrics.jsonl", "speed.jsonl"):
            (run / stale).unlink(missing_ok=True)
    recipes.save(recipe, run / "recipe.yaml")


@contextlib.contextmanager
def _interruption() -> Iterator[list[int]]:
    """Collects the signals to stop; the second one raises KeyboardInterrupt immediately."""
    received: list[int] = []

    def handle(number: int, frame: Any) -> None:
        if received:
            raise KeyboardInterrupt
        received.append(number)

    before = {s: signal.signal(s, handle) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

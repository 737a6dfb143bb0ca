"""The training loop.

Every random number is a pure function of (seed, step, rank), and every example of its index in the
source. A run that was killed and resumed is therefore bit-identical to an uninterrupted one.
"""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NoReturn

import torch
from accelerate import Accelerator
from accelerate.utils import DistributedDataParallelKwargs
from torch import Tensor

from palsynth.errors import InputError
from palsynth.face.images import SHOWS_INPUT, write_png
from palsynth.files import atomic_folder
from palsynth.locks import lock_folder
from palsynth.training import checkpoints, recipe_file
from palsynth.training.batches import batches
from palsynth.training.ema import Ema
from palsynth.training.finite import check_saved, first_not_finite
from palsynth.training.interruption import interruption
from palsynth.training.log import RunLog, Window, loss_vector
from palsynth.training.objective import Objective
from palsynth.training.randomness import derive_seed, make_generator
from palsynth.training.recipe import LoopSettings, Recipe
from palsynth.training.run_folder import check_folder, prepare_folder
from palsynth.training.step import make_optimizers, make_scaler, training_step


def train(recipe: Recipe, run: Path, *, resume: bool = False) -> bool:
    """Trains a recipe.

    Writes recipe.yaml, metrics.jsonl, checkpoints/, samples/ and finally weights/, which are the
    averaged weights. An interruption (SIGINT, SIGTERM or SIGHUP) saves a checkpoint first. Weights
    that are not finite are never written. The folder is locked meanwhile.

    Args:
        recipe: the recipe.
        run: folder of the run.
        resume: continue from the newest checkpoint in the folder.

    Returns:
        Whether training reached the last step; False after an interruption.

    Raises:
        InputError: the folder holds another run, or a run and ``resume`` is not set, or ``resume``
            is set without a checkpoint, or another process trains into it, or the loss, the
            gradient or the weights are not finite.
    """
    if os.environ.get("RANK", "0") != "0":  # one of several processes writes, and locks
        return _Run(recipe, run, resume).to_last_step()
    with lock_folder(run):
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
        parallel = DistributedDataParallelKwargs(gradient_as_bucket_view=True)
        cpu = self.loop.device == "cpu" or not torch.cuda.is_available()
        self.accelerator = Accelerator(cpu=cpu, kwargs_handlers=[parallel])
        self.main = self.accelerator.is_main_process
        if self.main:
            check_folder(recipe, run, resume)
        with self.accelerator.main_process_first():  # it may build a cache
            self.source = recipe.source()
        self.objective = build(recipe)
        if self.main:
            prepare_folder(recipe, run)
            if cpu and self.loop.precision == "fp16":
                print(
                    "note: CPUs are slow in fp16; --loop.precision bf16 is faster", file=sys.stderr
                )
        optimizers = make_optimizers(self.objective, self.loop)
        parallel.find_unused_parameters = len(optimizers) > 1  # each turn uses its own
        self.model, *prepared = self.accelerator.prepare(self.objective, *optimizers.values())
        self.optimizers = dict(zip(optimizers, prepared, strict=True))
        self.state = self.objective.trained_state()
        self.ema = Ema(self.state, self.loop.ema, self.loop.ema_power)
        self.scaler = make_scaler(self.loop, self.accelerator.device)
        self.window = Window()
        self.start = self._restore()

    def to_last_step(self) -> bool:
        """Trains from the newest checkpoint to the last step or an interruption."""
        loop, ranks = self.loop, self.accelerator.num_processes
        data = batches(self.source, loop, self.start, self.accelerator.process_index, ranks)
        log = RunLog(self.run, self.start, loop.steps, silent=not self.main)
        images = loop.batch * loop.accumulate * ranks
        step, logged_step, logged_time = self.start, self.start, time.perf_counter()
        with log, interruption() as interrupted:
            while step < loop.steps:
                step += 1
                names = self._step(step, data)
                log.advance(step)
                last = step == loop.steps
                if step % loop.log_every == 0 or last:
                    row = self.window.mean(names)
                    self._check_finite([row["loss"]], step)
                    elapsed = time.perf_counter() - logged_time
                    images_per_second = (step - logged_step) * images / elapsed
                    self.window = Window()
                    rate = learning_rate(loop, step - 1)
                    log.metrics({"step": step, "images": step * images, "rate": rate, **row})
                    log.speed(step, images_per_second, row["loss"])
                    logged_step, logged_time = step, time.perf_counter()
                stop = self._stop_requested(interrupted, step)
                validates = loop.validate_every and (step % loop.validate_every == 0 or last)
                saves = step % loop.checkpoint_every == 0 or last or stop
                if validates or saves:
                    self._check_weights(step)
                if validates:
                    self._validate(step, log)
                if saves:
                    self._save(step)
                if stop:
                    break
        if step == loop.steps:
            self._export()
        self.accelerator.wait_for_everyone()
        self.accelerator.end_training()
        return step == loop.steps

    def _step(self, step: int, data: Iterator[dict[str, Tensor]]) -> list[str]:
        """One step of every optimiser; returns the names of the loss's parts."""
        accelerator, loop, device = self.accelerator, self.loop, self.accelerator.device
        for name, optimizer in self.optimizers.items():
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(loop, step - 1) * self.objective.rates.get(name, 1.0)
        batches = [
            {name: tensor.to(device, non_blocking=True) for name, tensor in next(data).items()}
            for _ in range(loop.accumulate)
        ]
        make_rng = partial(
            make_generator, loop.seed, step, accelerator.process_index, device=device
        )
        check = partial(self._check_finite, step=step, what="gradient")
        micro = training_step(
            self.model, self.optimizers, batches, make_rng, loop, check, accelerator, self.scaler
        )
        self.ema.update(step - 1)
        vector = loss_vector(micro, accelerator.num_processes)
        self.window.add(accelerator.reduce(vector, "sum"))
        return list(micro[0].parts)

    def _check_finite(self, values: Sequence[float], step: int, what: str = "loss") -> None:
        if not all(map(math.isfinite, values)):
            self._fail_diverged(f"the {what} is", step)

    def _check_weights(self, step: int) -> None:
        """Checks what a checkpoint would hold, on every rank, before anything is written."""
        kinds = {"weights": self.state, "averaged weights": self.ema.averaged}
        for optimizer in self.optimizers.values():
            kinds["optimiser's state"] = checkpoints.optimizer_tensors(optimizer)
            for kind, tensors in kinds.items():
                if (name := first_not_finite(tensors)) is not None:
                    self._fail_diverged(f"the {kind} ({name}) are", step)

    def _fail_diverged(self, what: str, step: int) -> NoReturn:
        found = checkpoints.steps(self.run)
        kept = f"the checkpoint of step {found[-1]} remains" if found else "no checkpoint is kept"
        raise InputError(
            f"{self.run}: {what} no longer finite at step {step}; {kept}; train into another "
            "folder with a lower loop.learning_rate, or loop.precision no"
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
            tensors = {"model": self.state, "ema": self.ema.averaged}
            for name, optimizer in self.optimizers.items():
                tensors[_file_of(name)] = checkpoints.optimizer_tensors(optimizer)
            ranks = self.accelerator.num_processes
            state = {"step": step, "ranks": ranks, "window": self.window.rows()}
            if self.scaler is not None:
                state["scaler"] = self.scaler.state_dict()
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
        for name, optimizer in self.optimizers.items():
            file = folder / f"{_file_of(name)}.safetensors"
            checkpoints.fill_optimizer(optimizer, checkpoints.read(folder, _file_of(name)), file)
        keys = None if self.scaler is None else self.scaler.state_dict().keys()
        state = checkpoints.read_run_state(folder, keys)
        if state.ranks != self.accelerator.num_processes:
            raise InputError(
                f"{self.run}: was started with {state.ranks} processes, not "
                f"{self.accelerator.num_processes}; resume with the same number"
            )
        if self.scaler is not None:
            self.scaler.load_state_dict(state.scaler)
        self.window = Window(state.window)
        return state.step

    def _export(self) -> None:
        if not self.main:
            return
        with atomic_folder(self.run / "weights") as folder, self.ema.in_place():
            self.objective.export(folder)
            check_saved(folder, self.run / "weights")
            recipe_file.save(self.recipe, folder / "recipe.yaml")


def _file_of(optimizer: str) -> str:
    """Stem of the file of an optimiser in a checkpoint."""
    return f"optimizer-{optimizer}" if optimizer else "optimizer"

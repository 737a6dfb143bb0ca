"""Recipes: typed dataclasses that define the command line, the API and the saved YAML alike."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from palsynth.data.examples import RowExamples, Source
from palsynth.errors import InputError
from palsynth.limits import check_limits
from palsynth.records import flattened
from palsynth.settings import Settings

if TYPE_CHECKING:  # it imports torch, which a plan does not need
    from palsynth.training.objective import Objective


@dataclass(frozen=True)
class LoopSettings(Settings):
    """Settings of the training loop, for every kind of recipe."""

    steps: int = 1000
    """Optimiser steps in total."""
    batch: int = 32
    """Images per process and micro-step."""
    accumulate: int = 1
    """Micro-steps whose gradients are summed before the optimiser steps."""
    learning_rate: float = 1e-4
    """Peak learning rate, after the warm-up."""
    warmup: int = 0
    """Steps over which the learning rate rises from 0."""
    schedule: Literal["constant", "cosine"] = "constant"
    """After the warm-up; cosine ends at 0."""
    weight_decay: float = 0.01
    """Weight decay of AdamW."""
    beta1: float = 0.9
    """Decay of AdamW's mean of the gradient; GANs are usually trained with 0.5."""
    clip: float = 1.0
    """Largest norm of the gradient; 0 disables clipping."""
    ema: float = 0.9999
    """Largest decay of the exponential moving average."""
    ema_power: float = 0.75
    """The decay rises as 1 - (1 + step) ** -power up to the value of ema."""
    precision: Literal["no", "bf16", "fp16"] = "no"
    """bf16 and fp16 compute in half precision, fp16 with the loss scaled so that small gradients do
    not vanish; weights and optimiser stay in single precision."""
    seed: int = 0
    """Seed of the initial weights and of all randomness during training."""
    workers: int = 0
    """Processes that prepare examples; 0 prepares them in the training process."""
    device: Literal["auto", "cpu"] = "auto"
    """auto uses a GPU if there is one."""
    log_every: int = 50
    """Steps between rows of metrics.jsonl; each row is the mean since the last one."""
    checkpoint_every: int = 500
    """Steps between checkpoints."""
    max_checkpoints: int = 2
    """Number of newest checkpoints that are not deleted."""
    validate_every: int = 0
    """Steps between validations and sample pictures of the averaged weights; 0 disables them."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_limits(self)
        for name in (
            "steps",
            "batch",
            "accumulate",
            "log_every",
            "checkpoint_every",
            "max_checkpoints",
        ):
            if getattr(self, name) < 1:
                raise InputError(f"{name} {getattr(self, name)}: must be at least 1")
        for name in ("warmup", "weight_decay", "clip", "seed", "workers", "validate_every"):
            if getattr(self, name) < 0:
                raise InputError(f"{name} {getattr(self, name)}: must not be negative")
        if self.learning_rate <= 0:
            raise InputError(f"learning_rate {self.learning_rate:g}: must be above 0")
        if not self.learning_rate <= 1e30:  # single precision holds little more
            raise InputError(f"learning_rate {self.learning_rate:g}: is too large; give 1 or less")
        if not 0 <= self.beta1 < 1:
            raise InputError(f"beta1 {self.beta1:g}: must lie in 0 … 1, 1 excluded")
        if self.ema_power <= 0:
            raise InputError(f"ema_power {self.ema_power:g}: must be above 0")
        if not 0 <= self.ema < 1:
            raise InputError(f"ema {self.ema:g}: must lie in 0 … 1, 1 excluded")


MAY_CHANGE = frozenset(
    {
        "steps",
        "workers",
        "device",
        "log_every",
        "checkpoint_every",
        "max_checkpoints",
        "validate_every",
    }
)
"""Fields of LoopSettings that may differ when a run is resumed. They change no gradient, except
``steps`` with the cosine schedule: the rest of the run then follows the new schedule."""


class Recipe(Protocol):
    """A dataclass that fully specifies one training run."""

    @property
    def kind(self) -> str:
        """The kind of recipe, which is the first line of its file."""
        ...

    @property
    def loop(self) -> LoopSettings:
        """Settings of the training loop."""
        ...

    def objective(self) -> Objective:
        """The model with its loss, initialised from ``loop.seed``."""
        ...

    def source(self, build_cache: bool = True) -> Source:
        """The training examples.

        Args:
            build_cache: build a missing cache first, which may take long and shows a progress bar.
                Without it the source generates the same examples one by one and writes no files.

        Returns:
            The source of examples.
        """
        ...


@runtime_checkable
class AuditableRecipe(Recipe, Protocol):
    """A recipe whose objective gives the loss of single images, so that an audit can ask whether
    the model has memorised them."""

    def examples_of(
        self, folder: Path, splits: tuple[str | None, ...], trained: bool
    ) -> RowExamples:
        """The pictures of a dataset as training examples of this recipe.

        Args:
            folder: the dataset.
            splits: splits to use; None stands for rows without a split.
            trained: whether it is the training set; then only the pictures that training uses.

        Returns:
            The examples.

        Raises:
            InputError: the recipe trains on no dataset, or the folder has no such pictures.
        """
        ...


def check_resumable(old: Any, new: Any, where: Path) -> None:
    """Checks that a run may be resumed with another recipe.

    Args:
        old: the recipe of the run.
        new: the recipe to resume it with.
        where: folder of the run, for the error message.

    Raises:
        InputError: a field other than those in MAY_CHANGE differs; names the first.
    """
    before, after = flattened(dataclasses.asdict(old)), flattened(dataclasses.asdict(new))
    for name in sorted({*before, *after}):
        may_change = name.startswith("loop.") and name.removeprefix("loop.") in MAY_CHANGE
        if not may_change and before.get(name) != after.get(name):
            raise InputError(
                f"{where}: was started with {name} {before.get(name)}, not {after.get(name)}; "
                "resume with the same recipe or give another folder"
            )

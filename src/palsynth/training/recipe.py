"""Recipes: typed dataclasses that define the command line, the API and the saved YAML alike."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar, runtime_checkable

from pydantic import TypeAdapter, ValidationError

from palsynth import renamed
from palsynth.data.examples import RowExamples, Source
from palsynth.documents import as_text, kind_of, read_yaml
from palsynth.documents import to_yaml as dump_yaml
from palsynth.documents.checks import shown
from palsynth.errors import InputError
from palsynth.files import atomic_write
from palsynth.limits import check_limits
from palsynth.records import flattened
from palsynth.settings import Settings

if TYPE_CHECKING:  # it imports torch, which a plan does not need
    from palsynth.training.objective import Objective

T = TypeVar("T")


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


def load(path: Path, kinds: dict[str, type], note: Callable[[str], None] | None = None) -> Any:
    """Reads a recipe from a YAML file.

    Args:
        path: the file.
        kinds: kind of recipe -> its dataclass.
        note: called with one line when the file uses old field names; default: no message.

    Returns:
        The dataclass of the recipe's kind.

    Raises:
        InputError: names the file, the field and the fault.
    """
    data = read_yaml(path)
    if not isinstance(data, dict):
        raise InputError(
            f"{path}: has no 'kind': holds {kind_of(data)} where a mapping (key: value) is expected"
        )
    if "kind" not in data:
        raise InputError(f"{path}: has no 'kind'; kinds are {', '.join(kinds)}")
    if not isinstance(data["kind"], str) or data["kind"] not in kinds:
        raise InputError(f"{path}: no kind '{data['kind']}'; kinds are {', '.join(kinds)}")
    return from_dict(kinds[data["kind"]], data, str(path), note)


def from_dict(
    kind: type[T], data: dict[str, Any], where: str, note: Callable[[str], None] | None = None
) -> T:
    """Builds a settings dataclass from plain values.

    Args:
        kind: the dataclass.
        data: plain values, nested like the dataclass.
        where: the file, for messages.
        note: called with one line when the values use old field names; default: no message.

    Returns:
        The dataclass with validated values.

    Raises:
        InputError: names the first fault.
    """
    data, phrases = renamed.fields(kind, data, where)
    if phrases and note is not None:
        note(f"palsynth: {where}: {'; '.join(phrases)}; old names go in 0.3")
    try:
        # as JSON, of which pydantic takes a list for a tuple but no text for a number
        built = TypeAdapter(kind).validate_json(json.dumps(data, default=str), strict=True)
    except ValidationError as error:
        fault = error.errors()[0]
        place = ".".join(str(part) for part in fault["loc"])
        text = fault["msg"].removeprefix("Value error, ")
        if fault["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
            text = "no such field"
        elif fault["type"].endswith("_type"):
            text += _given(fault["input"], fault["type"])
        raise InputError(f"{where}: {place + ': ' if place else ''}{text}") from None
    check_limits(built, where)
    _check_paths(built, data, where)
    return built


def _check_paths(built: Any, data: Any, where: str) -> None:
    """Raises InputError where an empty text would stand for the current folder."""
    for field in dataclasses.fields(built):
        value, given = getattr(built, field.name), data.get(field.name)
        if dataclasses.is_dataclass(value) and isinstance(given, dict):
            _check_paths(value, given, where)
        elif isinstance(value, Path) and given == "":
            raise InputError(f"{where}: {field.name} is empty; give a path")


def _given(value: Any, expected: str) -> str:
    """What stands where another type is expected, and what to write where YAML 1.1 misleads."""
    given = kind_of(value) if isinstance(value, (dict, list)) else as_text(value) or "nothing"
    hint = ""
    if expected == "bool_type" and given.lower() in ("yes", "on", "no", "off"):
        hint = "; write true or false"
    elif expected in ("int_type", "float_type") and given.startswith(tuple("0123456789")):
        hint = "; write a plain number, such as 90"
    quote = "'" if isinstance(value, str) else ""
    return f", not {quote}{shown(given)}{quote}{hint}"


def save(recipe: Any, path: Path) -> None:
    """Writes a recipe with all its fields as YAML, atomically.

    Args:
        recipe: the dataclass.
        path: the file.
    """
    with atomic_write(path) as temporary:
        temporary.write_text(to_yaml(recipe), "utf-8")


def to_yaml(recipe: Any) -> str:
    """Converts a recipe to YAML.

    Args:
        recipe: the dataclass.

    Returns:
        YAML text with every field, in the order of the dataclass.
    """
    return dump_yaml(to_plain(dataclasses.asdict(recipe)))


def to_plain(value: Any) -> Any:
    """Converts settings to what YAML and JSON hold.

    Args:
        value: nested dictionaries and sequences, with paths and enums of strings.

    Returns:
        Dictionaries, lists, text, numbers and None.
    """
    if isinstance(value, dict):
        return {key: to_plain(v) for key, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_plain(v) for v in value]
    if isinstance(value, Enum):
        return value.value
    return str(value) if isinstance(value, Path) else value


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

"""The seam that every method stands behind: a request goes in, an image comes out."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np

from palsynth.clinical import Movement, Palsy
from palsynth.errors import InputError
from palsynth.face.face import Face
from palsynth.face.framing import ID_PHOTO, Framing
from palsynth.people.person import Person


@dataclass(frozen=True)
class Picture:
    """An expression given as a picture: the face that shows it."""

    face: Face


@dataclass(frozen=True)
class Asked:
    """An expression given in words: a movement, by a patient with a palsy."""

    movement: Movement
    palsy: Palsy
    intensity: float = 1.0


Expression = Picture | Asked
Identity = Face | Person


@dataclass(frozen=True)
class Request:
    """Who the result must look like, what it must show, and the seed of all chance in it.

    ``size`` pixels a side and ``framing`` say how the face lies in the result; without a framing
    it lies as in the identity image, whose size it has then.
    """

    identity: Identity
    expression: Expression
    seed: int = 0
    size: int = 256
    framing: Framing | None = ID_PHOTO


class Method(Protocol):
    """Anything that turns requests into images.

    The same request with the same seed gives the same image whatever batch it travels in.
    """

    name: str
    takes_pictures: bool
    """Whether an expression may be given as a picture; else it must be asked in words."""
    synthetic: bool
    """Whether it makes pictures; a copy of a photograph must not say that it is synthetic."""

    def __call__(self, requests: Sequence[Request]) -> list[np.ndarray]:
        """Images (H, W, 3) uint8 RGB, one a request, in order."""
        ...

    @classmethod
    def from_pretrained(cls, path: Path | None = None) -> Method:
        """Loads the method; None means what ships with the package."""
        ...

    def save_pretrained(self, path: Path) -> None:
        """Writes what :meth:`from_pretrained` reads."""
        ...


METHOD_MODULES = (
    "palsynth.methods.people",
    "palsynth.methods.simulator",
    "palsynth.methods.copies",
    "palsynth.methods.cfcpalsy.method",
)
"""Where methods register themselves. A new method adds its module here."""

_REGISTRY: dict[str, Callable[[Path | None], Method]] = {}
M = TypeVar("M")


def register(name: str) -> Callable[[type[M]], type[M]]:
    """Class decorator: makes a method known by name to every command."""

    def add(cls: type[M]) -> type[M]:
        if name in _REGISTRY:
            raise ValueError(f"there is already a method '{name}'")
        _REGISTRY[name] = cls.from_pretrained  # type: ignore[attr-defined]
        cls.name = name  # type: ignore[attr-defined]
        return cls

    return add


def method_names() -> list[str]:
    """All known methods."""
    _load_all()
    return sorted(_REGISTRY)


def get_method(name: str, weights: Path | None = None) -> Method:
    """A method by name. Raises InputError for an unknown one."""
    _load_all()
    if name not in _REGISTRY:
        raise InputError(f"no method '{name}'; choose one of {', '.join(sorted(_REGISTRY))}")
    return _REGISTRY[name](weights)


def _load_all() -> None:
    """Imports every method's module, so that its registration runs."""
    for module in METHOD_MODULES:
        importlib.import_module(module)

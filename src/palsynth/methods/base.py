"""The seam that every method stands behind: a request goes in, an image comes out."""

from __future__ import annotations

import importlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

import palsynth
from palsynth import renamed
from palsynth.clinical import Movement, Palsy, Side
from palsynth.errors import InputError
from palsynth.face.face import Face
from palsynth.face.framing import ID_PHOTO, Framing
from palsynth.face.images import NOT_MADE, write_png
from palsynth.subjects.subject import Subject


@dataclass(frozen=True)
class ExpressionImage:
    """An expression given as a picture: the face that shows it, and the same person's at rest
    where there is one."""

    face: Face
    rest: Face | None = None


@dataclass(frozen=True)
class TargetExpression:
    """An expression given in words: a movement, by a patient with a palsy; ``wink`` is the eye that
    is asked to wink, the weak one's if None."""

    movement: Movement
    palsy: Palsy
    intensity: float = 1.0
    wink: Side | None = None


Expression = ExpressionImage | TargetExpression
Identity = Face | Subject


@dataclass(frozen=True)
class Request:
    """Who the result must look like, what it must show, and the seed of all chance in it.

    ``size`` pixels a side and ``framing`` say how the face lies in the result; without a framing
    it lies as in the identity image, whose size it has then. ``words`` describe the identity to
    methods that are told in words whom to draw, in place of what they see of it themselves.
    """

    identity: Identity
    expression: Expression
    seed: int = 0
    size: int = 256
    framing: Framing | None = ID_PHOTO
    words: str = ""


class Method(Protocol):
    """Anything that turns requests into images.

    The same request with the same seed gives the same image whatever batch it travels in.
    """

    name: str
    takes_pictures: bool
    """Whether an expression may be given as a picture; else it must be asked in words."""
    synthetic: bool
    """Whether it makes pictures; a copy of a photograph must not say that it is synthetic."""

    @property
    def weights_sha256(self) -> str | None:
        """What identifies its networks; None where it has none."""
        ...

    @property
    def settings(self) -> dict[str, Any]:
        """What else decides its pictures, such as how they are sampled."""
        ...

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


def provenance(method: Method, seed: int, **said: Any) -> dict[str, Any]:
    """What a picture says of how it was made; ``said`` is what was asked for."""
    return {**identified(method), "seed": seed, "version": palsynth.__version__, **said}


def identified(method: Method) -> dict[str, Any]:
    """What says which method made pictures: name, networks and, where it has some, settings."""
    settings = {"settings": method.settings} if method.settings else {}
    return {"method": method.name, "weights_sha256": method.weights_sha256, **settings}


def write_made(path: Path, image: np.ndarray, method: Method, record: dict[str, Any]) -> None:
    """Writes a method's picture (PNG) with its :func:`provenance`; a copy says that it is one."""
    made = {"palsynth:provenance": json.dumps(record, sort_keys=True)}
    write_png(path, image, **(made if method.synthetic else NOT_MADE))


METHODS = {
    "subjects": "palsynth.methods.subjects:SubjectsMethod",
    "simulator": "palsynth.methods.simulator:SimulatorMethod",
    "copy-identity": "palsynth.methods.copies:CopyIdentity",
    "copy-expression": "palsynth.methods.copies:CopyExpression",
    "noise": "palsynth.methods.copies:Noise",
    "captured": "palsynth.methods.captured:CapturedMethod",
    "draft": "palsynth.methods.cfcpalsy.method:DraftMethod",
    "cfcpalsy": "palsynth.methods.cfcpalsy.method:CFCPalsyMethod",
    "controlnet-zero-shot": "palsynth.methods.controlnet.method:ZeroShot",
    "controlnet-pf": "palsynth.methods.controlnet.method:Partial",
    "controlnet-pf-codc": "palsynth.methods.controlnet.method:PartialInOtherFace",
    "controlnet-pf-eyes-mouth": "palsynth.methods.controlnet.method:PartialEyesAndMouth",
    "controlnet-pf-captured": "palsynth.methods.controlnet.method:PartialCaptured",
}
"""Name of a method -> where its class is, imported when asked for. A new method adds its line."""


def method_names() -> list[str]:
    """All known methods."""
    return sorted(METHODS)


def method_class(name: str) -> type[Method]:
    """A method's class by name. Raises InputError for an unknown one."""
    name = renamed.method(name)
    if name not in METHODS:
        raise InputError(f"no method '{name}'; choose one of {', '.join(method_names())}")
    module, kind = METHODS[name].split(":")
    found: type[Method] = getattr(importlib.import_module(module), kind)
    return found


def get_method(name: str, weights: Path | None = None) -> Method:
    """A method by name. Raises InputError for an unknown one."""
    return method_class(name).from_pretrained(weights)

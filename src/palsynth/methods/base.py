"""The interface that every method implements: a request goes in, an image comes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self, runtime_checkable

import numpy as np

from palsynth.clinical import Movement, Palsy, Side
from palsynth.errors import InputError
from palsynth.face.face import Face
from palsynth.face.framing import ID_PHOTO, Framing
from palsynth.face.label import DigitalSource
from palsynth.settings import FiniteNumbers
from palsynth.simulator.drive import Drive
from palsynth.subjects.scene import Scene
from palsynth.subjects.subject import Subject


@dataclass(frozen=True)
class ExpressionImage:
    """An expression given as an image.

    Attributes:
        face: the face with the expression.
        rest: the same person's face at rest, if there is such an image. With it, an asymmetry that
            is there at rest is not taken for part of the expression.
    """

    face: Face
    rest: Face | None = None


@dataclass(frozen=True)
class TargetExpression(FiniteNumbers):
    """A requested expression: a movement as performed by a patient with a palsy.

    Attributes:
        movement: the movement that is attempted.
        palsy: what the facial nerve of each side can still do.
        intensity: effort, 0 … 1.2; 1 is full effort.
        wink: the eye that is to wink, of the patient; None means the weak side's,
            the left one of a healthy face.
    """

    movement: Movement
    palsy: Palsy
    intensity: float = 1.0
    wink: Side | None = None


Expression = ExpressionImage | TargetExpression | Drive
"""An expression as an image, as a requested movement and palsy, or as the coefficients that drive
the simulator."""

ALL_FORMS: frozenset[type] = frozenset({ExpressionImage, TargetExpression, Drive})
"""The forms of an expression."""

Identity = Face | Subject


@dataclass(frozen=True)
class Request:
    """One image to be made: an identity, an expression, and the seed of all randomness in it.

    Attributes:
        identity: the identity image as a face, or a synthetic subject.
        expression: the expression, in any of its forms.
        seed: decides everything that is random in the result.
        size: side of the result in pixels; unused where ``framing`` is None.
        framing: position and scale of the face in the result. None leaves the face where it is in
            the identity image, and the result has the size of that image.
        words: description of the identity, for methods that take a text prompt; if empty, they
            describe the identity themselves.
        scene: pose, light and camera of a synthetic subject; a photo has its own.
    """

    identity: Identity
    expression: Expression
    seed: int = 0
    size: int = 256
    framing: Framing | None = ID_PHOTO
    words: str = ""
    scene: Scene = field(default_factory=Scene)


class Method(Protocol):
    """Anything that turns requests into images.

    The same request with the same seed gives the same image, whatever batch it is part of; that of
    a network to within one grey level, because its sums are rounded otherwise in another batch.
    """

    name: str
    takes: frozenset[type]
    """The forms of expression that it takes, images or coefficients among them;
    :func:`palsynth.methods.resolve.converted` converts the others."""
    synthetic: bool
    """Whether the images are synthetic; a copy of a photograph must not be labelled as such."""

    @property
    def weights_sha256(self) -> str | None:
        """SHA-256 of the networks' weights; None where there are none."""
        ...

    @property
    def settings(self) -> dict[str, Any]:
        """What else determines the images, such as the sampler and its steps."""
        ...

    def __call__(self, requests: Sequence[Request]) -> list[np.ndarray]:
        """Makes one image per request.

        Args:
            requests: what to make; any number of requests.

        Returns:
            Images (H, W, 3) uint8 RGB, in the order of the requests.

        Raises:
            InputError: a request has an identity or an expression of a kind that the method does
                not take.
        """
        ...

    @classmethod
    def from_pretrained(cls, path: Path | None = None) -> Method:
        """Loads the method.

        Args:
            path: folder of weights; None means the weights that ship with the package.

        Returns:
            The method, ready to be called.

        Raises:
            InputError: the folder holds no such weights, or the method has none to load.
        """
        ...

    def save_pretrained(self, path: Path) -> None:
        """Writes the weights, for :meth:`from_pretrained` to load.

        Args:
            path: folder to write to; a method without weights writes no files.
        """
        ...


@runtime_checkable
class KnowsLandmarks(Protocol):
    """A method that renders its images and therefore knows where their landmarks are."""

    def faces(self, requests: Sequence[Request]) -> list[Face]:
        """Makes one image per request, with its exact landmarks.

        Args:
            requests: what to make.

        Returns:
            The images as faces, in the order of the requests.
        """
        ...


@runtime_checkable
class SaysSource(Protocol):
    """A method that says how its images come to be, for the label that their files carry. Those of
    any other are taken for images of a trained model.

    A composite consists of a photo's own pixels, moved or partly replaced; where the identity is a
    synthetic subject, there is no photo in the image and it counts as one of a trained model.
    """

    digital_source: DigitalSource


@runtime_checkable
class Averages(Protocol):
    """A method whose image is the mean of several samples."""

    def sampling_once(self) -> Method:
        """The same method without averaging: its images differ more by their seeds."""
        ...


class Weightless:
    """Base of the methods without weights of their own: there is nothing to load or to save.

    A method derived from it sets ``name`` and ``takes``, and makes images in ``__call__``.
    """

    name: str = ""
    synthetic: bool = True
    weights_sha256: str | None = None
    settings: ClassVar[dict[str, Any]] = {}

    @classmethod
    def from_pretrained(cls, path: Path | None = None) -> Self:
        """Builds the method; a path is refused."""
        if path is not None:
            raise InputError(
                f"{path}: the method {cls.name} takes no weights; name the method that they are "
                "for, or leave them out"
            )
        return cls()

    def save_pretrained(self, path: Path) -> None:
        """Writes no files: there are no weights."""

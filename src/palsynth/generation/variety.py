"""What differs between pictures of one request with different seeds: effort, folds and light.

A method may average its samples to show the one picture that it finds most likely. Pictures of a
data set should differ instead, as a person's own pictures do.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from palsynth.errors import InputError
from palsynth.face.face import Face
from palsynth.methods.base import (
    Expression,
    ExpressionImage,
    Identity,
    Request,
    TargetExpression,
)
from palsynth.methods.resolve import as_drive
from palsynth.seeds import Stream, make_rng
from palsynth.settings import Settings
from palsynth.simulator.drive import Drive, SideDrive
from palsynth.subjects import Light, Subject
from palsynth.subjects.scene import apply_light

MAX_EFFORT = 1.2
"""Largest effort of a movement."""


@dataclass(frozen=True)
class Variety(Settings):
    """How far seeds vary a request; 0 does not. The defaults are a convention of this project, in
    the range of the effort and light of its benchmark sets."""

    effort: float = 0.1
    """Standard deviation of the effort of a requested movement, as a share of it."""
    folds: float = 0.25
    """Standard deviation of the logarithm of the depth of all folds of a requested movement."""
    light: float = 1.0
    """Range of side, exposure and warmth of the light, relative to ordinary indoor light."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, value in (("effort", self.effort), ("folds", self.folds), ("light", self.light)):
            if not 0 <= value <= 1:
                raise InputError(f"variety of {name} {value:g}: must lie between 0 and 1")


def vary(request: Request, variety: Variety) -> Request:
    """Varies a request as its seed decides.

    The expression of an expression image stays that of the image: it is somebody's.

    Args:
        request: what is requested.
        variety: how far it is varied.

    Returns:
        The request with another light and, for a requested movement or coefficients, other effort
        and depth of folds. It is a pure function of the request and the variety.
    """
    rng = make_rng(request.seed, Stream.VARIETY)
    effort = _effort(rng, variety)
    folds = float(np.exp(variety.folds * rng.normal()))
    side, exposure, warmth = (variety.light * v for v in rng.uniform(-1, 1, 3))
    light = Light(0.5 * side, 1 + 0.1 * exposure, 0.4 * warmth)
    varied = replace(
        request, expression=_varied(request.expression, request.identity, effort, folds)
    )
    if not variety.light:
        return varied
    if isinstance(request.identity, Subject):
        return replace(varied, scene=replace(request.scene, light=light))
    return replace(varied, identity=_relit(request.identity, light))


def varied_effort(seed: int, variety: Variety) -> float:
    """The effort that :func:`vary` gives to a movement.

    Args:
        seed: seed of the request.
        variety: how far it is varied.

    Returns:
        A factor, about 1.
    """
    return _effort(make_rng(seed, Stream.VARIETY), variety)


def _effort(rng: np.random.Generator, variety: Variety) -> float:
    return float(np.exp(variety.effort * rng.normal()))


def _varied(expression: Expression, identity: Identity, effort: float, folds: float) -> Expression:
    if isinstance(expression, ExpressionImage):
        return expression
    if isinstance(expression, TargetExpression):
        tried = min(MAX_EFFORT, expression.intensity * effort)
        drive = as_drive(replace(expression, intensity=tried), identity)
    else:
        drive = _scaled(expression, effort)
    left, right = (
        replace(side, folds={name: folds * depth for name, depth in side.folds.items()})
        for side in (drive.left, drive.right)
    )
    return replace(drive, left=left, right=right)


def _scaled(drive: Drive, effort: float) -> Drive:
    """Coefficients at another effort; an eye cannot close further than shut."""

    def side(one: SideDrive) -> SideDrive:
        return replace(
            one,
            fields={name: effort * strength for name, strength in one.fields.items()},
            closure=min(1.0, effort * one.closure),
            folds={name: effort * depth for name, depth in one.folds.items()},
            smile=min(MAX_EFFORT, effort * one.smile),
        )

    return replace(
        drive,
        left=side(drive.left),
        right=side(drive.right),
        drag=effort * drive.drag,
        jaw=effort * drive.jaw,
        offset=None if drive.offset is None else effort * drive.offset,
    )


def _relit(face: Face, light: Light) -> Face:
    image = apply_light(face.image.astype(np.float32), light)
    return Face(image.clip(0, 255).round().astype(np.uint8), face.landmarks)

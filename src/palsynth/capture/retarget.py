"""Retargets a captured expression to another face, with the simulator's compositor."""

from __future__ import annotations

import numpy as np

from palsynth.appearance.model import canonical_mesh
from palsynth.capture.coefficients import (
    ExpressionCoefficients,
    SideCoefficients,
    mirrored_residual,
)
from palsynth.capture.evidence import BROW
from palsynth.clinical import Side
from palsynth.face import topology
from palsynth.face.face import Face
from palsynth.simulator.compose import compose
from palsynth.simulator.drive import Drive, SideDrive
from palsynth.simulator.photo import at_rest
from palsynth.simulator.rest import Moved

_FOLDS: dict[str, dict[str, float]] = {
    "forehead": {"browInnerUp": 0.5, "browOuterUp": 0.5},
    "glabella": {"browDown": 0.8},
    "crow": {"cheekRaiser": 0.5, "eyeSquint": 0.4},
    "bunny": {"noseSneer": 1.0},
    "nasolabial": {"mouthSmile": 0.25, "mouthUpperUp": 0.4, "noseSneer": 0.4},
    "marionette": {"mouthFrown": 0.6},
    "chin": {"mouthShrugLower": 1.0},
    "pucker": {"mouthPucker": 0.5},
}
"""Weights of the fields that produce each fold, following the muscles behind them in the
simulator."""

FULL_SMILE = 0.9
"""Strength of ``mouthSmile`` in the simulator's full grin."""


def drive_of(coefficients: ExpressionCoefficients) -> Drive:
    """Converts expression coefficients to an activation of the simulator.

    Movements are weighted by certainty, so that the noise of a face at rest is not animated.

    Args:
        coefficients: the expression.

    Returns:
        The activation of the whole face.
    """
    mouth = coefficients.certainty["mouth"]
    left, right = (_side(coefficients, coefficients.of(side)) for side in (Side.LEFT, Side.RIGHT))
    return Drive(
        left,
        right,
        drag=mouth * coefficients.drag,
        jaw=mouth * coefficients.middle["jawOpen"],
        sealed=coefficients.sealed,
        offset=spread(_expressive_residual(coefficients)),
    )


def retarget(coefficients: ExpressionCoefficients, identity: Face) -> Moved:
    """Applies a captured expression to a photo.

    Args:
        coefficients: the expression.
        identity: a face at rest.

    Returns:
        The animated face, at the size of the photo.

    Raises:
        InputError: an eye lies outside the photo.
    """
    return compose(at_rest(identity), drive_of(coefficients))


def _side(coefficients: ExpressionCoefficients, side: SideCoefficients) -> SideDrive:
    brow, mouth = (coefficients.certainty[region] for region in ("brow", "mouth"))
    middle = {name: value for name, value in coefficients.middle.items() if name != "jawOpen"}
    fields = {
        name: value * (brow if name in BROW else mouth)
        for name, value in {**side.fields, **middle}.items()
    }
    folds = {
        fold: float(np.clip(sum(w * fields[name] for name, w in weights.items()), -1.0, 1.2))
        for fold, weights in _FOLDS.items()
    }
    if side.closure > 0.5:  # closing the lids already includes a squint
        fields["eyeSquint"] *= 0.5
    smile = float(np.clip(fields["mouthSmile"] / FULL_SMILE, 0.0, 1.2))
    return SideDrive(fields, closure=side.closure, bell=side.roll, folds=folds, smile=smile)


def _expressive_residual(coefficients: ExpressionCoefficients) -> np.ndarray:
    """The part (468, 3) of the residual that is expression: around the mouth, whose skew no field
    produces. The symmetric part is the person's own shape if the rest is unknown, and half of it
    is if it is known."""
    residual = coefficients.residual
    mirrored = mirrored_residual(residual)
    symmetric_share = 0.5 if coefficients.with_rest else 0.0
    expressive = (residual - mirrored) / 2 + symmetric_share * (residual + mirrored) / 2
    height = canonical_mesh().vertices[: topology.SKIN_POINTS, 1]
    about_mouth = np.clip((height - 0.33) / 0.12, 0, 1)[:, None]
    return np.asarray(coefficients.certainty["mouth"] * about_mouth * expressive)


def spread(residual: np.ndarray) -> np.ndarray:
    """Interpolates displacements of the landmarks over the mesh.

    They are zero at the lids, which are moved by their closure, and fade out towards the face's
    outline, so that the background does not move.

    Args:
        residual: displacements (468, 3) of the landmarks, canonical units.

    Returns:
        Displacements (V, 3) of the mesh, canonical units.
    """
    mesh = canonical_mesh()
    moved = residual.astype(np.float32).copy()
    for side in Side:
        moved[[*topology.UPPER_LID[side.value], *topology.LOWER_LID[side.value]]] = 0
    x, y = np.abs(mesh.vertices[:, 0]), mesh.vertices[:, 1]
    inside = _ramp(x, 0.70, 0.92) * _ramp(y, 1.15, 1.40) * _ramp(-y, 0.62, 0.92)
    return np.asarray(np.vstack([moved, mesh.spread @ moved]) * inside[:, None])


def _ramp(values: np.ndarray, start: float, end: float) -> np.ndarray:
    """1 up to ``start``, falling to 0 at ``end``."""
    return np.asarray(np.clip(1 - (values - start) / (end - start), 0, 1))

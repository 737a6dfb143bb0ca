"""Expression coefficients on another face: the simulator's compositor, driven by a capture."""

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
"""Which fields make which fold; as the muscles behind them do in the simulator."""

FULL_SMILE = 0.9
"""Strength of the mouth's smile in a full grin, as the simulator draws it."""


def drive_of(coefficients: ExpressionCoefficients) -> Drive:
    """The coefficients as the simulator is driven: what faces at rest show by chance is not."""
    mouth = coefficients.certainty["mouth"]
    left, right = (_side(coefficients, coefficients.of(side)) for side in (Side.LEFT, Side.RIGHT))
    return Drive(
        left,
        right,
        drag=mouth * coefficients.drag,
        jaw=mouth * coefficients.middle["jawOpen"],
        sealed=coefficients.sealed,
        offset=spread(_carried(coefficients)),
    )


def retarget(coefficients: ExpressionCoefficients, identity: Face) -> Moved:
    """The person of a photo at rest with a captured expression, as large as the photo."""
    return compose(at_rest(identity), drive_of(coefficients))


def _side(coefficients: ExpressionCoefficients, side: SideCoefficients) -> SideDrive:
    brow, mouth = (coefficients.certainty[region] for region in ("brow", "mouth"))
    whole = {name: value for name, value in coefficients.middle.items() if name != "jawOpen"}
    fields = {
        name: value * (brow if name in BROW else mouth)
        for name, value in {**side.fields, **whole}.items()
    }
    folds = {
        fold: float(np.clip(sum(w * fields[name] for name, w in parts.items()), -1.0, 1.2))
        for fold, parts in _FOLDS.items()
    }
    if side.closure > 0.5:  # lids that shut have squinted already
        fields["eyeSquint"] *= 0.5
    smile = float(np.clip(fields["mouthSmile"] / FULL_SMILE, 0.0, 1.2))
    return SideDrive(fields, closure=side.closure, bell=side.roll, folds=folds, smile=smile)


def _carried(coefficients: ExpressionCoefficients) -> np.ndarray:
    """The part of the residual that is expression: about the mouth, whose skew no field makes. What
    is alike on both sides is the person's own shape where the rest is not known, and half of it
    where it is."""
    residual = coefficients.residual
    mirrored = mirrored_residual(residual)
    alike = 0.5 if coefficients.with_rest else 0.0
    skew = (residual - mirrored) / 2 + alike * (residual + mirrored) / 2
    height = canonical_mesh().vertices[: topology.SKIN_POINTS, 1]
    about_mouth = np.clip((height - 0.33) / 0.12, 0, 1)[:, None]
    return np.asarray(coefficients.certainty["mouth"] * about_mouth * skew)


def spread(residual: np.ndarray) -> np.ndarray:
    """Displacement (V, 3) of the mesh from the landmarks' residual (468, 3): none at the lids,
    which go their own way, and less towards the face's outline, where background begins."""
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

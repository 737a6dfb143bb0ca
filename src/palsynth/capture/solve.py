"""Pose, identity and expression of landmarks by bounded least squares with priors.

    landmarks = pose(mean + sum of identity x component + sum of strength x field)

is linear but for the head's turn, which two rounds of Gauss-Newton settle; strengths stay within
their bounds.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from palsynth.capture.basis import POINTS, basis
from palsynth.capture.neutral import neutral_model
from palsynth.face import topology
from palsynth.simulator.surface import Pose, estimate_pose

NOISE = 0.05
"""Standard deviation of one landmark's coordinate, canonical units. Errors of neighbours are
alike, so each landmark says less than its own error, about 0.012, would have it."""

IDENTITY = 2.0
"""Weight of the prior that people are like the mean. Above 1, so that a smile is not taken for
a wide mouth."""

TURN = np.radians(4.0)
"""Standard deviation of the head's turn and nod about the detector's own estimate."""

ROUNDS = 2


@dataclass(frozen=True)
class Solution:
    """``pose`` and ``shift`` (2,) of the face in its picture; ``neutral`` (468, 3) the person at
    rest, canonical units; ``strengths`` (C,) of the basis and their ``errors``; ``residual``
    (468, 3) what is left."""

    pose: Pose
    shift: np.ndarray
    neutral: np.ndarray
    strengths: np.ndarray
    errors: np.ndarray
    residual: np.ndarray


def solve_rest(landmarks: np.ndarray) -> Solution:
    """Pose and identity of a face (478, 3) at rest; ``neutral`` takes the residual in."""
    found = _solve(landmarks, None, expression=False)
    return Solution(
        found.pose,
        found.shift,
        found.neutral + found.residual,
        found.strengths,
        found.errors,
        np.zeros_like(found.residual),
    )


def solve(landmarks: np.ndarray, neutral: np.ndarray | None = None) -> Solution:
    """Pose and expression of a face (478, 3), and its identity where ``neutral`` (468, 3), the
    person's own shape at rest, is not given."""
    return _solve(landmarks, neutral, expression=True)


def _solve(landmarks: np.ndarray, own: np.ndarray | None, expression: bool) -> Solution:
    model, columns = neutral_model(), basis()
    shape = model.mean if own is None else own
    identity = model.components if own is None else model.components[:0]
    fields = columns.columns if expression else columns.columns[:0]
    seen = np.asarray(landmarks, np.float64)[:POINTS, :2]
    start = estimate_pose(landmarks)
    rotation, scale = start.rotation.astype(np.float64), start.scale
    shift = (seen - scale * (shape @ rotation.T)[:, :2]).mean(0)
    k, count = len(identity), 6 + len(identity) + len(fields)
    prior = np.zeros((count, count))
    prior[0, 0] = prior[1, 1] = 1 / TURN**2
    prior[6 : 6 + k, 6 : 6 + k] = IDENTITY * np.eye(k)
    prior[6 + k :, 6 + k :] = columns.precision[: len(fields), : len(fields)]
    low, high = np.full(count, -np.inf), np.full(count, np.inf)
    low[6 : 6 + k], high[6 : 6 + k] = -4.0, 4.0
    low[6 + k :], high[6 + k :] = columns.low[: len(fields)], columns.high[: len(fields)]
    codes, strengths = np.zeros(k), np.zeros(len(fields))
    weight = _weights()[:, None] / NOISE
    for _ in range(ROUNDS):
        moved = shape + np.tensordot(codes, identity, 1) + np.tensordot(strengths, fields, 1)
        turned = np.concatenate([identity, fields]) @ rotation.T
        system = np.concatenate([_pose_columns(moved @ rotation.T), turned[..., :2]]) * weight
        target = ((seen - shift) / scale - (shape @ rotation.T)[:, :2]) * weight
        flat = system.reshape(count, -1)
        normal = flat @ flat.T + prior
        found = bounded(normal, flat @ target.ravel(), low, high)
        codes, strengths = found[6 : 6 + k], found[6 + k :]
        rotation = _turn(found[:3]) @ rotation
        shift, scale = shift + scale * found[4:6], scale * (1 + found[3])
    neutral = shape + np.tensordot(codes, identity, 1)
    explained = (neutral + np.tensordot(strengths, fields, 1)) @ rotation.T
    left = (seen - shift) / scale - explained[:, :2]
    return Solution(
        Pose(rotation, float(scale)),
        shift,
        neutral,
        strengths,
        np.sqrt(np.diag(np.linalg.inv(normal)))[6 + k :],
        np.hstack([left, np.zeros((POINTS, 1))]) @ rotation,
    )


def bounded(normal: np.ndarray, right: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """The x (N,) between ``low`` and ``high`` that minimises x'Hx/2 - f'x, H positive definite.

    An active set: what the free solution takes beyond a bound is held there; what the bound holds
    against its gradient is freed again, one at a time (Lawson & Hanson 1974, with two bounds).
    """
    x = np.clip(np.zeros(len(right)), low, high)
    free = np.ones(len(right), bool)
    for _ in range(3 * len(right)):
        held = normal[np.ix_(free, ~free)] @ x[~free]
        x[free] = np.linalg.solve(normal[np.ix_(free, free)], right[free] - held)
        beyond = free & ((x < low) | (x > high))
        if beyond.any():
            x = np.clip(x, low, high)
            free &= ~beyond
            continue
        slope = normal @ x - right
        against = ~free & np.where(x <= low, slope < -1e-9, slope > 1e-9)
        if not against.any():
            break
        free[np.argmax(np.where(against, np.abs(slope), 0))] = True
    return np.clip(x, low, high)


def _pose_columns(points: np.ndarray) -> np.ndarray:
    """(6, 468, 2): how turned points move when the head nods, turns, tilts, comes nearer, and
    goes right and down."""
    x, y, z = points.T
    zero, one = np.zeros_like(x), np.ones_like(x)
    pairs = [(zero, -z), (z, zero), (-y, x), (x, y), (one, zero), (zero, one)]
    return np.stack([np.stack(pair, -1) for pair in pairs])


def _turn(vector: np.ndarray) -> np.ndarray:
    """Rotation (3, 3) about a vector by its length in radians (Rodrigues)."""
    angle = float(np.linalg.norm(vector))
    if angle < 1e-12:
        return np.eye(3)
    x, y, z = vector / angle
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.asarray(np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross)


@lru_cache(maxsize=1)
def _weights() -> np.ndarray:
    """(468,) how much each landmark says of fields: brows and lips much, the face's outline,
    which slides along it, little, and lids, which are read by themselves, less."""
    out = np.ones(POINTS)
    for side in ("left", "right"):
        out[[*topology.UPPER_LID[side], *topology.LOWER_LID[side]]] = 0.4
        out[[*topology.BROW_UPPER[side], *topology.BROW_LOWER[side]]] = 2.0
    for lip in ("INNER_UPPER_LIP", "INNER_LOWER_LIP", "OUTER_UPPER_LIP", "OUTER_LOWER_LIP"):
        out[list(getattr(topology, lip))] = 2.0
    out[list(topology.FACE_OVAL)] = 0.3
    return out

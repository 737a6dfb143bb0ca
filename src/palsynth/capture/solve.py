"""Pose, identity and expression of landmarks by bounded least squares with priors.

    landmarks = pose(mean + sum of identity x component + sum of strength x field)

is linear except for the head's rotation, for which two Gauss-Newton iterations suffice; strengths
stay within their bounds.
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
"""Standard deviation of one landmark coordinate, canonical units. Errors of neighbouring landmarks
are correlated, so each one carries less information than its own error, about 0.012, suggests."""

IDENTITY = 2.0
"""Weight of the prior on identity. Above 1, so that a smile is not mistaken for a wide mouth."""

TURN = np.radians(4.0)
"""Standard deviation of yaw and pitch around the initial estimate of the pose."""

ROUNDS = 2
"""Gauss-Newton iterations."""


@dataclass(frozen=True)
class Solution:
    """Pose, identity and expression of one face."""

    pose: Pose
    """Pose of the face in the image."""

    shift: np.ndarray
    """Position (2,) of the canonical origin in the image, pixels."""

    neutral: np.ndarray
    """Landmarks (468, 3) of the person at rest, canonical units."""

    strengths: np.ndarray
    """Strengths (C,) of the basis' columns."""

    errors: np.ndarray
    """Standard errors (C,) of the strengths."""

    residual: np.ndarray
    """Displacement (468, 3) left unexplained, canonical units."""


def solve_rest(landmarks: np.ndarray) -> Solution:
    """Estimates pose and identity of a face at rest.

    Args:
        landmarks: landmarks (478, 3) in pixels.

    Returns:
        The solution without strengths; its residual is part of ``neutral``.
    """
    solution = _solve(landmarks, None, expression=False)
    return Solution(
        solution.pose,
        solution.shift,
        solution.neutral + solution.residual,
        solution.strengths,
        solution.errors,
        np.zeros_like(solution.residual),
    )


def solve(landmarks: np.ndarray, neutral: np.ndarray | None = None) -> Solution:
    """Estimates pose and expression of a face, and its identity unless it is known.

    Args:
        landmarks: landmarks (478, 3) in pixels.
        neutral: landmarks (468, 3) of the same person at rest, canonical units.

    Returns:
        The solution.
    """
    return _solve(landmarks, neutral, expression=True)


def _solve(landmarks: np.ndarray, own: np.ndarray | None, expression: bool) -> Solution:
    """Solves for pose, for identity if ``own`` is None, and for expression if wanted."""
    model, columns = neutral_model(), basis()
    shape = model.mean if own is None else own
    identity = model.components if own is None else model.components[:0]
    fields = columns.columns if expression else columns.columns[:0]
    observed = np.asarray(landmarks, np.float64)[:POINTS, :2]
    start = estimate_pose(landmarks)
    rotation, scale = start.rotation.astype(np.float64), start.scale
    shift = (observed - scale * (shape @ rotation.T)[:, :2]).mean(0)
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
        target = ((observed - shift) / scale - (shape @ rotation.T)[:, :2]) * weight
        flat = system.reshape(count, -1)
        normal = flat @ flat.T + prior
        step = bounded(normal, flat @ target.ravel(), low, high)
        codes, strengths = step[6 : 6 + k], step[6 + k :]
        rotation = _turn(step[:3]) @ rotation
        shift, scale = shift + scale * step[4:6], scale * (1 + step[3])
    neutral = shape + np.tensordot(codes, identity, 1)
    explained = (neutral + np.tensordot(strengths, fields, 1)) @ rotation.T
    unexplained = (observed - shift) / scale - explained[:, :2]
    return Solution(
        Pose(rotation, float(scale)),
        shift,
        neutral,
        strengths,
        np.sqrt(np.diag(np.linalg.inv(normal)))[6 + k :],
        np.hstack([unexplained, np.zeros((POINTS, 1))]) @ rotation,
    )


def bounded(normal: np.ndarray, right: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Minimises x'Hx/2 - f'x within bounds, H positive definite.

    An active-set method: variables that the free solution takes beyond a bound are fixed there;
    those whose gradient points away from their bound are freed again, one at a time (Lawson &
    Hanson 1974, with two bounds).

    Args:
        normal: H (N, N).
        right: f (N,).
        low: lower bounds (N,).
        high: upper bounds (N,).

    Returns:
        The minimiser x (N,).

    Example:
        >>> bounded(np.eye(2), np.array([3.0, 0.5]), np.zeros(2), np.ones(2)).tolist()
        [1.0, 0.5]
    """
    x = np.clip(np.zeros(len(right)), low, high)
    free = np.ones(len(right), bool)
    for _ in range(3 * len(right)):
        fixed = normal[np.ix_(free, ~free)] @ x[~free]
        x[free] = np.linalg.solve(normal[np.ix_(free, free)], right[free] - fixed)
        beyond = free & ((x < low) | (x > high))
        if beyond.any():
            x = np.clip(x, low, high)
            free &= ~beyond
            continue
        gradient = normal @ x - right
        releasable = ~free & np.where(x <= low, gradient < -1e-9, gradient > 1e-9)
        if not releasable.any():
            break
        free[np.argmax(np.where(releasable, np.abs(gradient), 0))] = True
    return np.clip(x, low, high)


def _pose_columns(points: np.ndarray) -> np.ndarray:
    """Derivatives (6, N, 2) of rotated points (N, 3) by pitch, yaw, roll, scale, and translation
    to the right and down."""
    x, y, z = points.T
    zero, one = np.zeros_like(x), np.ones_like(x)
    pairs = [(zero, -z), (z, zero), (-y, x), (x, y), (one, zero), (zero, one)]
    return np.stack([np.stack(pair, -1) for pair in pairs])


def _turn(vector: np.ndarray) -> np.ndarray:
    """Rotation matrix (3, 3) of a rotation vector in radians (Rodrigues)."""
    angle = float(np.linalg.norm(vector))
    if angle < 1e-12:
        return np.eye(3)
    x, y, z = vector / angle
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.asarray(np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross)


@lru_cache(maxsize=1)
def _weights() -> np.ndarray:
    """Weight (468,) of each landmark: high for brows and lips, lower for lids, which are measured
    separately, and lowest for the face's outline, where landmarks slide along the contour."""
    out = np.ones(POINTS)
    for side in ("left", "right"):
        out[[*topology.UPPER_LID[side], *topology.LOWER_LID[side]]] = 0.4
        out[[*topology.BROW_UPPER[side], *topology.BROW_LOWER[side]]] = 2.0
    for lip in ("INNER_UPPER_LIP", "INNER_LOWER_LIP", "OUTER_UPPER_LIP", "OUTER_LOWER_LIP"):
        out[list(getattr(topology, lip))] = 2.0
    out[list(topology.FACE_OVAL)] = 0.3
    return out

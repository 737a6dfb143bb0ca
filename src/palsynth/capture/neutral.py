"""Faces at rest: the mean of detected landmarks and how people differ from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np

from palsynth.face import topology
from palsynth.simulator.surface import rest_surface

POINTS = topology.SKIN_POINTS

COMPONENTS = 24
"""Directions in which people differ; with 66 people more would describe noise."""

STABLE = (33, 133, 362, 263, 168, 6, 197, 195, 127, 356, 10, 234, 454, 5, 4, 9, 8, 151)
"""Landmarks that no expression moves much: eye corners, bridge and tip of the nose, temples."""


@dataclass(frozen=True)
class NeutralModel:
    """``mean`` (468, 3) and ``components`` (K, 468, 3), each of one standard deviation, in
    canonical units: outer eye corners a unit apart on a level line, their middle at 0, y down."""

    mean: np.ndarray
    components: np.ndarray


@lru_cache(maxsize=1)
def neutral_model() -> NeutralModel:
    """The model that ships, of 66 photographed people; depth is the scan's."""
    with (files("palsynth.capture") / "assets" / "neutral.npz").open("rb") as file:
        stored = np.load(file)
        mean, components = (stored[k].astype(np.float64) for k in ("mean", "components"))
    depth = rest_surface()[:POINTS, 2:].astype(np.float64)
    return NeutralModel(
        np.hstack([mean, depth]), np.concatenate([components, 0 * components[..., :1]], -1)
    )


def fit_neutral(landmarks: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    """Mean and principal components of detected landmarks (468 or 478, 2 or 3) of faces at rest.

    Each face counts as it is and mirrored, so that the model prefers no side.
    """
    faces = []
    for points in landmarks:
        skin = np.asarray(points, np.float64)[:POINTS, :2]
        faces += [skin, skin[topology.MIRROR[:POINTS]] * [-1, 1]]
    mean = _upright(faces[0])
    for _ in range(5):
        aligned = np.stack([_aligned(face, mean) for face in faces])
        mean = aligned.mean(0)
        mean = _upright((mean + mean[topology.MIRROR[:POINTS]] * [-1, 1]) / 2)
    aligned = np.stack([_aligned(face, mean) for face in faces])
    deviations = (aligned - mean).reshape(len(faces), -1)
    _, sizes, directions = np.linalg.svd(deviations, full_matrices=False)
    spread = sizes[:COMPONENTS, None] / np.sqrt(len(faces) - 1)
    components = (spread * directions[:COMPONENTS]).reshape(COMPONENTS, POINTS, 2)
    return {"mean": mean.astype(np.float32), "components": components.astype(np.float16)}


def _upright(points: np.ndarray) -> np.ndarray:
    """Outer eye corners a unit apart on a level line, their middle at 0."""
    right, left = (points[topology.OUTER_CANTHUS[s]] for s in ("right", "left"))
    c, s = (left - right) / np.square(left - right).sum()
    return np.asarray((points - (left + right) / 2) @ np.array([[c, -s], [s, c]]))


def _aligned(points: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Points moved, turned and scaled so that the stable ones lie nearest the mean's."""
    from palsynth.face.face import similarity

    own = list(STABLE)
    turn, shift = similarity(points[own], mean[own])
    return np.asarray(points @ turn.T + shift)

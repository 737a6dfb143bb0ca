"""Faces at rest: a linear model of detected landmarks over people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np

from palsynth.face import topology
from palsynth.face.face import similarity
from palsynth.simulator.surface import rest_surface

POINTS = topology.SKIN_POINTS

COMPONENTS = 24
"""Principal components of identity; with 66 people, more would describe noise."""

STABLE = (33, 133, 362, 263, 168, 6, 197, 195, 127, 356, 10, 234, 454, 5, 4, 9, 8, 151)
"""Landmarks that expressions hardly move: eye corners, bridge and tip of the nose, temples."""


@dataclass(frozen=True)
class NeutralModel:
    """Linear model of the landmarks of faces at rest.

    Canonical units: outer eye corners one unit apart on a level line, their midpoint at 0, y down.
    """

    mean: np.ndarray
    """Mean landmarks (468, 3)."""

    components: np.ndarray
    """Components (K, 468, 3), each scaled to one standard deviation."""


@lru_cache(maxsize=1)
def neutral_model() -> NeutralModel:
    """The model that ships with the package, of 66 photographed people; depth is the scan's."""
    with (files("palsynth.capture") / "assets" / "neutral.npz").open("rb") as file:
        arrays = np.load(file)
        mean, components = (arrays[k].astype(np.float64) for k in ("mean", "components"))
    depth = rest_surface()[:POINTS, 2:].astype(np.float64)
    return NeutralModel(
        np.hstack([mean, depth]), np.concatenate([components, 0 * components[..., :1]], -1)
    )


def fit_neutral(landmarks: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    """Fits mean and principal components to faces at rest.

    Each face counts as it is and mirrored, so that the model prefers no side.

    Args:
        landmarks: detected landmarks (468 or 478, 2 or 3) of each face, pixels.

    Returns:
        The arrays of the model's file: ``mean`` (468, 2) float32 and ``components`` (K, 468, 2)
        float16.
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
    _, singular_values, directions = np.linalg.svd(deviations, full_matrices=False)
    scale = singular_values[:COMPONENTS, None] / np.sqrt(len(faces) - 1)
    components = (scale * directions[:COMPONENTS]).reshape(COMPONENTS, POINTS, 2)
    return {"mean": mean.astype(np.float32), "components": components.astype(np.float16)}


def _upright(points: np.ndarray) -> np.ndarray:
    """Normalises points: outer eye corners one unit apart on a level line, midpoint at 0."""
    right, left = (points[topology.OUTER_CANTHUS[s]] for s in ("right", "left"))
    c, s = (left - right) / np.square(left - right).sum()
    return np.asarray((points - (left + right) / 2) @ np.array([[c, -s], [s, c]]))


def _aligned(points: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Points aligned to the mean by the similarity transform of the stable landmarks."""
    stable = list(STABLE)
    rotation, shift = similarity(points[stable], mean[stable])
    return np.asarray(points @ rotation.T + shift)

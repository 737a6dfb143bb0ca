"""Finds the face at rest in a clip: the most restful stretch, and the median of its landmarks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import combinations

import numpy as np

from palsynth.capture.at_rest import not_at_rest
from palsynth.capture.capture import capture
from palsynth.capture.evidence import regions, ways
from palsynth.capture.neutral import STABLE
from palsynth.capture.reading import strengths
from palsynth.clinical import Side
from palsynth.face.face import Face, similarity

STRETCH = 0.5
"""Length of a stretch in seconds: a blink is a minor part of it."""

STILL = 0.004
"""Movement of any region of either side between the thirds of a stretch, in outer-eye distances, up
to which the face is still. Filmed photographs at rest mostly stay below 0.003."""

MOVEMENT_COUNTS = 2.0
"""Weight of that movement beside the expression: a face at rest is still, whereas the expression
judged from single pictures includes the shape of the person's own face."""

OPENING = 0.08
"""Opening of the lids, outer-eye distances, by which closures become displacements."""


@dataclass(frozen=True)
class FoundRest:
    """A face at rest that was found in a clip."""

    face: Face
    """The frame nearest to the median of the stretch, with the stretch's median landmarks."""

    frame: int
    """Index of that frame in the clip."""

    fault: str
    """Why the face is not at rest even there; empty where it is."""


def find_rest(faces: Sequence[Face | None], times: Sequence[float]) -> FoundRest:
    """Finds the most restful stretch of a clip.

    Of the stretches in which the face is still, that with the least expression and movement is
    taken; where it moves all the time, that in which it moves least. Nothing is assumed to be
    symmetric, since a patient's rest is not.

    Args:
        faces: faces of the frames, one at least; None for frames without one.
        times: times of the frames in seconds, increasing.

    Returns:
        The face at rest.
    """
    seen = [k for k, face in enumerate(faces) if face is not None]
    shown = [face for face in faces if face is not None]
    moved = np.stack([_displacements(face) for face in shown])
    at = np.array([times[k] for k in seen])
    stretches = _stretches(at)
    middles = np.stack([np.median(moved[a:b], 0) for a, b in stretches])
    moves = np.array([_movement(moved[a:b]) for a, b in stretches])
    amounts = _rms(middles)
    still = moves <= STILL
    unrest = np.where(still, amounts + MOVEMENT_COUNTS * moves, np.inf)
    best = int(np.argmin(unrest if still.any() else moves))
    first, last = stretches[best]
    nearest = first + int(np.argmin(_rms(moved[first:last] - middles[best])))
    face = _median_face(shown[first:last], shown[nearest])
    fault = (not_at_rest(face) or "") if still[best] else "the face moves all the time"
    return FoundRest(face, seen[nearest], fault)


def _displacements(face: Face) -> np.ndarray:
    """How far brows, mouth and lids are from those of a face at rest (N, 2), outer-eye distances,
    judged from the one picture."""
    found = capture(face)
    values = strengths(found)
    moved = [points for r in regions().values() for points in ways(values, r).values()]
    lids = [[0.0, OPENING * found.of(side).closure] for side in Side]
    return np.vstack([*moved, lids])


def _movement(moved: np.ndarray) -> float:
    """How far the region that moves most moves between the thirds of a stretch; in halves, a
    movement that comes and goes would cancel out."""
    thirds = [np.median(part, 0) for part in np.array_split(moved, 3) if len(part)]
    changes = [later - earlier for earlier, later in combinations(thirds, 2)]
    return max(
        (float(_rms(part)) for change in changes for part in np.split(change, _parts())),
        default=0.0,
    )


@lru_cache(maxsize=1)
def _parts() -> list[int]:
    """Where the points of the second and every further region and side begin."""
    sizes = [len(points) for r in regions().values() for points in r.points.values()]
    return [*np.cumsum(sizes).tolist(), sum(sizes) + 1]


def _rms(moved: np.ndarray) -> np.ndarray:
    """Root mean square displacements (T,) of points (T, N, 2)."""
    return np.asarray(np.sqrt(np.square(moved).sum(-1).mean(-1)))


def _stretches(times: np.ndarray) -> list[tuple[int, int]]:
    """First frame, and the one behind the last, of all stretches that are long enough; where there
    is none, of everything."""
    ends = np.searchsorted(times, times + STRETCH - 1e-6)
    whole = [(a, int(b) + 1) for a, b in enumerate(ends) if b < len(times)]
    # a gap in a stretch leaves fewer frames in it
    full = max((b - a for a, b in whole), default=0)
    return [(a, b) for a, b in whole if b - a > full / 2] or [(0, len(times))]


def _median_face(faces: Sequence[Face], nearest: Face) -> Face:
    """The nearest face with the median landmarks and blendshapes of all of them."""
    stable = list(STABLE)
    target = nearest.landmarks[stable, :2].astype(np.float64)
    aligned = []
    for face in faces:
        points = face.landmarks.astype(np.float64)
        turn, shift = similarity(points[stable, :2], target)
        scale = np.sqrt(np.linalg.det(turn))
        aligned.append(np.column_stack([points[:, :2] @ turn.T + shift, scale * points[:, 2]]))
    known = [face.blendshapes for face in faces if face.blendshapes is not None]
    shapes = None
    if known:
        shapes = {name: float(np.median([one[name] for one in known])) for name in known[0]}
    return replace(
        nearest,
        landmarks=np.median(aligned, 0).astype(np.float32),
        blendshapes=shapes,
    )

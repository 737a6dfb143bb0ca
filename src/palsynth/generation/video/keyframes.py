"""Clips of slow networks: some frames are made by the network, those between by the simulator.

Between two frames of the network the simulator moves both to the expression of the moment, and they
are blended. Of a method that refines the simulator's picture, such as CFCPalsy, only the change is
moved and added to the simulator's picture of that moment, which has the right lids and teeth.
What is random in a network thus changes evenly and cannot flicker from frame to frame.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np

from palsynth.appearance.model import canonical_mesh
from palsynth.appearance.raster import rasterise
from palsynth.face.label import DigitalSource
from palsynth.face.topology import SKIN_POINTS
from palsynth.generation.video.excursion import amount_of
from palsynth.generation.video.frames import make_frames
from palsynth.methods.base import Method, Request, SaysSource
from palsynth.methods.resolve import as_drive, framed_face
from palsynth.simulator.compose import compose
from palsynth.simulator.photo import at_rest

SPREAD = 0.08
"""Blur, as a share of the picture's side, by which the face's movement continues around it."""


@dataclass(frozen=True)
class _Drawn:
    """What a frame of the method is a change of, (S, S, 3) float32: the simulator's picture, or
    black. And the landmarks (468, 3) as the simulator moves them, pixels."""

    image: np.ndarray
    points: np.ndarray


def keyframed(
    method: Method, requests: Sequence[Request], every: int, also: Sequence[int] = ()
) -> Generator[np.ndarray]:
    """Makes frames, of which the method itself makes every n-th, the apex and the last.

    Args:
        method: the method, a network.
        requests: one per frame, all of one identity and framing, with coefficients.
        every: how many frames lie between two of the method's own; 1 makes all by it.
        also: numbers of further frames that the method makes itself.

    Yields:
        (S, S, 3) uint8 RGB each, in order.

    Raises:
        InputError: the method copies pictures, or does not take what is requested.
    """
    numbers = sorted({*key_numbers(requests, every), *also})
    pictures = make_frames(method, [requests[k] for k in numbers])
    refines = isinstance(method, SaysSource) and method.digital_source is DigitalSource.COMPOSITE
    before = next(pictures)
    yield before
    drawn = _draw(requests[0], refines)
    for first, last in pairwise(numbers):
        after, drawn_after = next(pictures), _draw(requests[last], refines)
        changes = [
            (drawn, before - drawn.image),
            (drawn_after, after - drawn_after.image),
        ]
        for k in range(first + 1, last):
            share = (k - first) / (last - first)
            yield _between(_draw(requests[k], refines), changes, share)
        yield after
        before, drawn = after, drawn_after


def key_numbers(requests: Sequence[Request], every: int) -> list[int]:
    """Which frames the method makes itself.

    Args:
        requests: one per frame, with coefficients.
        every: how many frames lie between two of them.

    Returns:
        Indices, rising: every n-th, the one with the largest movement, and the last.
    """
    amounts = [amount_of(as_drive(r.expression, r.identity)) for r in requests]
    last = len(requests) - 1
    return sorted({*range(0, last, every), int(np.argmax(amounts)), last})


def _draw(request: Request, refines: bool) -> _Drawn:
    """What the method refines, if it does, and where the simulator moves the landmarks to."""
    moved = compose(at_rest(framed_face(request)), as_drive(request.expression, request.identity))
    image = moved.image.astype(np.float32)
    return _Drawn(image if refines else np.zeros_like(image), moved.points[:SKIN_POINTS])


def _between(drawn: _Drawn, changes: list[tuple[_Drawn, np.ndarray]], share: float) -> np.ndarray:
    """The picture between two frames of the method, from the changes of both."""
    out = drawn.image
    for (key, change), weight in zip(changes, (1 - share, share), strict=True):
        out = out + weight * _follow(change, key.points, drawn.points)
    return np.asarray(out.round().clip(0, 255), np.uint8)


def _follow(change: np.ndarray, before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """A change (S, S, 3) moved along with the landmarks, and around the face as far as near it."""
    size = change.shape[0]
    triangles = canonical_mesh().triangles
    triangles = triangles[(triangles < SKIN_POINTS).all(1)]
    back = (before - after)[:, :2].astype(np.float32)
    field, cover = rasterise(
        after[:, :2].astype(np.float32), after[:, 2], back, triangles, change.shape[:2]
    )
    weight = cover.astype(np.float32)
    soft = cv2.GaussianBlur(weight, (0, 0), SPREAD * size)[..., None]
    spread = cv2.GaussianBlur(field * weight[..., None], (0, 0), SPREAD * size)
    field = np.where(cover[..., None], field, spread / np.maximum(soft, 0.05))
    rows, columns = np.mgrid[:size, :size].astype(np.float32)
    return np.asarray(
        cv2.remap(
            change,
            columns + field[..., 0],
            rows + field[..., 1],
            cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_REPLICATE,
        )
    )

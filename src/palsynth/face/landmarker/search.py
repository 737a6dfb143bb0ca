"""Every face of a picture: a look at the whole of it, then nearer ones until a face is found."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from palsynth.face.landmarker.detector import SMALLEST_SHARE, Detection, detect, overlap
from palsynth.face.landmarker.landmarks import FaceLandmarks, read_face
from palsynth.face.landmarker.region import CropRegion

NEARER = 3
"""How many times smaller the tiles of a nearer look are."""

SMALLEST_TILE = 240
"""Pixels. In smaller tiles only faces could be found that are too small to be read."""

MARGINS = (1.6, 2.2)
"""How much larger than the picture looks are taken at a face that fills it."""

PRESENT = 0.9
"""Probability from which the landmark network is believed that there is a face: for real ones it
says more than 0.999, for shapes that merely look like one also 0.86."""


def find_faces(image: np.ndarray) -> list[FaceLandmarks]:
    """Reads the faces of a picture (H, W, 3) uint8 RGB, largest first; none gives an empty list.

    A look at a square finds faces of a sixteenth of its side and more. The first look takes in
    the whole picture; nearer ones are taken only while nothing is found, so that somebody small
    in the background is not counted beside the person of a portrait.
    """
    for regions in _looks(image):
        detections = [d for region in regions for d in detect(image, region)]
        readings = [read_face(image, d.region()) for d in _distinct(detections)]
        faces = _one_each([r for r in readings if r.presence >= PRESENT])
        if faces:
            return sorted(faces, key=lambda r: -float(np.ptp(r.landmarks[:, :2], 0).prod()))
    return []


def _looks(image: np.ndarray) -> Iterator[list[CropRegion]]:
    """What is looked at together: the picture, the picture with room around it, its tiles."""
    yield [CropRegion.whole(image)]
    yield [CropRegion.whole(image, margin) for margin in MARGINS]
    side = max(image.shape[:2]) / NEARER
    while side >= SMALLEST_TILE:
        yield _tiles(image, side)
        side /= NEARER


def _tiles(image: np.ndarray, side: float) -> list[CropRegion]:
    """Squares that cover a picture, each face that the look before could miss whole in one."""
    share = NEARER * SMALLEST_SHARE
    centres = []
    for length in image.shape[1::-1]:
        room = max(length - side, 0)
        count = int(np.ceil(room / (side * (1 - share)))) + 1
        middle = (length - 1) / 2
        centres.append(middle + np.linspace(-room / 2, room / 2, count) * (count > 1))
    return [CropRegion(np.array([x, y]), side) for y in centres[1] for x in centres[0]]


def _distinct(detections: list[Detection]) -> list[Detection]:
    """One detection a face, the surest, where tiles overlap."""
    kept: list[Detection] = []
    for found in sorted(detections, key=lambda d: -d.score):
        if not kept or overlap(found.box, np.array([d.box for d in kept])).max() < 0.3:
            kept.append(found)
    return kept


def _one_each(readings: list[FaceLandmarks]) -> list[FaceLandmarks]:
    """Without the second reading of a face: looks at two detections of it meet there."""
    kept: list[FaceLandmarks] = []
    boxes: list[np.ndarray] = []
    for found in sorted(readings, key=lambda r: -r.presence):
        box = np.concatenate([found.landmarks[:, :2].min(0), found.landmarks[:, :2].max(0)])
        if not boxes or overlap(box, np.array(boxes)).max() < 0.3:
            kept.append(found)
            boxes.append(box)
    return kept

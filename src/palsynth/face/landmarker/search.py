"""Search for all faces of a picture, from the whole of it to smaller tiles."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from palsynth.face.landmarker.detector import SMALLEST_SHARE, Detection, detect, overlap
from palsynth.face.landmarker.landmarks import FaceLandmarks, read_face
from palsynth.face.landmarker.region import CropRegion

NEARER = 3
"""Factor by which the tiles of each further step are smaller."""

SMALLEST_TILE = 240
"""Side of the smallest tile, pixels. Faces found only in smaller ones are too small to be used."""

MARGINS = (1.6, 2.2)
"""Factors by which the region is larger than the picture, to find a face that fills it."""

PRESENT = 0.9
"""Presence, as estimated by the landmark network, from which a detection is accepted: real faces
have more than 0.999, shapes that merely resemble a face up to 0.86."""


def find_faces(image: np.ndarray) -> list[FaceLandmarks]:
    """Finds the faces of a picture with their landmarks and blendshapes.

    In a square region, faces of at least a sixteenth of its side are found. The whole picture is
    searched first, and smaller tiles only until a face is found, so that small people in the
    background do not count in addition to the person of a portrait.

    Args:
        image: (H, W, 3) uint8 RGB.

    Returns:
        The faces, largest first; an empty list where there is none.
    """
    for regions in _search_regions(image):
        detections = [d for region in regions for d in detect(image, region)]
        faces = [read_face(image, d.region()) for d in _unique_detections(detections)]
        faces = _unique_faces([f for f in faces if f.presence >= PRESENT])
        if faces:
            return sorted(faces, key=lambda f: -float(np.ptp(f.landmarks[:, :2], 0).prod()))
    return []


def _search_regions(image: np.ndarray) -> Iterator[list[CropRegion]]:
    """Regions of each search step: the picture, the picture with a margin, then its tiles."""
    yield [CropRegion.whole(image)]
    yield [CropRegion.whole(image, margin) for margin in MARGINS]
    side = max(image.shape[:2]) / NEARER
    while side >= SMALLEST_TILE:
        yield _tiles(image, side)
        side /= NEARER


def _tiles(image: np.ndarray, side: float) -> list[CropRegion]:
    """Overlapping squares that cover a picture.

    The overlap is such that each face that the previous step could miss lies within one square.
    """
    share = NEARER * SMALLEST_SHARE
    centres = []
    for length in image.shape[1::-1]:
        room = max(length - side, 0)
        count = int(np.ceil(room / (side * (1 - share)))) + 1
        middle = (length - 1) / 2
        centres.append(middle + np.linspace(-room / 2, room / 2, count) * (count > 1))
    return [CropRegion(np.array([x, y]), side) for y in centres[1] for x in centres[0]]


def _unique_detections(detections: list[Detection]) -> list[Detection]:
    """One detection per face, that of the highest score, where tiles overlap."""
    unique: list[Detection] = []
    for detection in sorted(detections, key=lambda d: -d.score):
        if not unique or overlap(detection.box, np.array([d.box for d in unique])).max() < 0.3:
            unique.append(detection)
    return unique


def _unique_faces(faces: list[FaceLandmarks]) -> list[FaceLandmarks]:
    """Without duplicates of a face: two detections of it lead to the same landmarks."""
    unique: list[FaceLandmarks] = []
    boxes: list[np.ndarray] = []
    for face in sorted(faces, key=lambda f: -f.presence):
        box = np.concatenate([face.landmarks[:, :2].min(0), face.landmarks[:, :2].max(0)])
        if not boxes or overlap(box, np.array(boxes)).max() < 0.3:
            unique.append(face)
            boxes.append(box)
    return unique

"""BlazeFace (Bazarevsky 2019), full range: face boxes with six points, one pass over a square.

Numbers are those of MediaPipe's graph ``face_detection_full_range_common.pbtxt``. The short-range
network is not needed beside it (docs/measurements.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from palsynth.face.landmarker.network import network, probability
from palsynth.face.landmarker.region import CropRegion

SIZE = 192
"""Pixels a side of the network's input."""

STRIDE = 4
"""Pixels between anchors."""

THRESHOLD = 0.6
"""Probability from which a box is a face."""

SMALLEST_SHARE = 0.0625
"""Side of the smallest face that is found reliably, in sides of the square looked at."""

SAME_FACE = 0.3
"""Intersection over union from which two boxes are of one face."""

ROOM = 1.5
"""Side of the region that the landmark network wants, in sides of a box
(``face_detector_graph.cc``)."""


@dataclass(frozen=True)
class Detection:
    """``box`` (4,) left, top, right, bottom and ``points`` (6, 2), pixels of the picture: the
    patient's right eye, left eye, nose tip, mouth, right ear, left ear; ``score`` 0 … 1."""

    box: np.ndarray
    points: np.ndarray
    score: float

    def region(self) -> CropRegion:
        """Where the landmark network has to look: around the box, turned as the eyes are."""
        low, high = self.box[:2], self.box[2:]
        across = self.points[1] - self.points[0]
        turn = float(np.arctan2(across[1], across[0]))
        return CropRegion((low + high) / 2, ROOM * float((high - low).max()), turn)


def detect(image: np.ndarray, region: CropRegion) -> list[Detection]:
    """Faces that are upright in a region of a picture (H, W, 3) uint8 RGB, surest first.

    What lies beyond the picture is black, as it was when the network was trained.
    """
    pixels = region.cut(image, SIZE, cv2.BORDER_CONSTANT) * 2 - 1
    values, logits = (o[0].astype(np.float64) for o in network("face_detection")(pixels))
    scores = probability(logits[:, 0])
    kept = scores >= THRESHOLD
    # A row says, from its anchor: the box's centre, its width and height, then six points.
    rows, anchors = values[kept], _anchors()[kept]
    centre, half = rows[:, :2] + anchors, rows[:, 2:4] / 2
    points = np.hstack([centre - half, centre + half, rows[:, 4:] + np.tile(anchors, 6)])
    found = []
    for row, score in _merge(points, scores[kept]):
        flat = region.to_picture(row.reshape(8, 2), SIZE)
        found.append(Detection(flat[:2].ravel(), flat[2:], score))
    return found


@lru_cache(maxsize=1)
def _anchors() -> np.ndarray:
    """(2304, 2) centres of the anchors, pixels of the input, row by row."""
    ticks = (np.arange(SIZE // STRIDE) + 0.5) * STRIDE
    return np.stack(np.meshgrid(ticks, ticks), -1).reshape(-1, 2)


def _merge(rows: np.ndarray, scores: np.ndarray) -> list[tuple[np.ndarray, float]]:
    """Weighted non-maximum suppression: each cluster of boxes (N, 16), whose first four numbers
    are the corners, becomes the mean of its members, weighted by their scores."""
    order = np.argsort(-scores, kind="stable")
    merged = []
    while len(order):
        same = overlap(rows[order[0], :4], rows[order, :4]) > SAME_FACE
        same[0] = True  # a box without area, too, is taken away
        cluster = order[same]
        weights = scores[cluster] / scores[cluster].sum()
        merged.append((weights @ rows[cluster], float(scores[cluster[0]])))
        order = order[~same]
    return merged


def overlap(box: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Intersection over union (N,) of a box (4,) and others (N, 4): left, top, right, bottom."""
    shared = np.minimum(box[2:], boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2])
    both = np.clip(shared, 0, None).prod(1)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(1) + (box[2:] - box[:2]).prod()
    return np.asarray(both / np.maximum(areas - both, 1e-9))

"""BlazeFace (Bazarevsky 2019), full range: face boxes with six keypoints, in a square region.

The constants are those of MediaPipe's graph ``face_detection_full_range_common.pbtxt``. The
short-range network is not needed in addition (docs/measurements.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from palsynth.face.landmarker.network import network, probability
from palsynth.face.landmarker.region import CropRegion

SIZE = 192
"""Side of the network's input, pixels."""

STRIDE = 4
"""Distance between anchors, pixels of the input."""

THRESHOLD = 0.6
"""Probability from which a box counts as a face."""

SMALLEST_SHARE = 0.0625
"""Side of the smallest face that is found reliably, in sides of the region."""

SAME_FACE = 0.3
"""Intersection over union above which two boxes are merged as one face."""

ROOM = 1.5
"""Side of the landmark network's region, in sides of a box (``face_detector_graph.cc``)."""


@dataclass(frozen=True)
class Detection:
    """A detected face.

    Attributes:
        box: (4,) left, top, right and bottom, pixels of the picture.
        points: (6, 2) keypoints, pixels of the picture: the patient's right eye, left eye, nose
            tip, mouth, right ear and left ear.
        score: probability that this is a face, 0 … 1.
    """

    box: np.ndarray
    points: np.ndarray
    score: float

    def region(self) -> CropRegion:
        """The region for the landmark network: around the box, aligned with the eyes."""
        low, high = self.box[:2], self.box[2:]
        across = self.points[1] - self.points[0]
        turn = float(np.arctan2(across[1], across[0]))
        return CropRegion((low + high) / 2, ROOM * float((high - low).max()), turn)


def detect(image: np.ndarray, region: CropRegion) -> list[Detection]:
    """Detects the faces in a region that are upright with respect to the region.

    Pixels beyond the picture are black, as in the training of the network.

    Args:
        image: (H, W, 3) uint8 RGB.
        region: the region of the picture.

    Returns:
        The faces, highest score first.
    """
    pixels = region.cut(image, SIZE, cv2.BORDER_CONSTANT) * 2 - 1
    values, logits = (o[0].astype(np.float64) for o in network("face_detection")(pixels))
    scores = probability(logits[:, 0])
    mask = scores >= THRESHOLD
    # A row holds the box's centre, its width and height, then six points, the centre and the
    # points relative to the anchor.
    rows, anchors = values[mask], _anchors()[mask]
    centre, half = rows[:, :2] + anchors, rows[:, 2:4] / 2
    points = np.hstack([centre - half, centre + half, rows[:, 4:] + np.tile(anchors, 6)])
    detections = []
    for row, score in _merge(points, scores[mask]):
        corners_and_points = region.to_picture(row.reshape(8, 2), SIZE)
        detections.append(Detection(corners_and_points[:2].ravel(), corners_and_points[2:], score))
    return detections


@lru_cache(maxsize=1)
def _anchors() -> np.ndarray:
    """Centres of the anchors (2304, 2), pixels of the input, row by row."""
    ticks = (np.arange(SIZE // STRIDE) + 0.5) * STRIDE
    return np.stack(np.meshgrid(ticks, ticks), -1).reshape(-1, 2)


def _merge(rows: np.ndarray, scores: np.ndarray) -> list[tuple[np.ndarray, float]]:
    """Weighted non-maximum suppression of rows (N, 16), whose first four values are a box.

    Each cluster of overlapping boxes becomes the mean of its members, weighted by their scores.
    """
    order = np.argsort(-scores, kind="stable")
    merge_lora = []
    while len(order):
        same = overlap(rows[order[0], :4], rows[order, :4]) > SAME_FACE
        same[0] = True  # also removes a box without area
        cluster = order[same]
        weights = scores[cluster] / scores[cluster].sum()
        merge_lora.append((weights @ rows[cluster], float(scores[cluster[0]])))
        order = order[~same]
    return merge_lora


def overlap(box: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Intersection over union of a box with several others.

    Args:
        box: (4,) left, top, right and bottom.
        boxes: (N, 4), in the same format.

    Returns:
        (N,) float64 in 0 … 1.

    Example:
        >>> overlap(np.array([0.0, 0, 2, 2]), np.array([[0.0, 0, 2, 1], [5, 5, 6, 6]])).tolist()
        [0.5, 0.0]
    """
    sides = np.minimum(box[2:], boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2])
    intersection = np.clip(sides, 0, None).prod(1)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(1) + (box[2:] - box[:2]).prod()
    return np.asarray(intersection / np.maximum(areas - intersection, 1e-9))

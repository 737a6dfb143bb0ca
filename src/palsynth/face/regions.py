"""Regions of a face as polygons of landmarks."""

from __future__ import annotations

import cv2
import numpy as np

from palsynth.face import topology

REGIONS: dict[str, tuple[int, ...]] = {
    "face": topology.FACE_OVAL,
    "right eye": tuple(topology.eye_polygon("right").tolist()),
    "left eye": tuple(topology.eye_polygon("left").tolist()),
    "right brow": topology.BROW_UPPER["right"] + topology.BROW_LOWER["right"][::-1],
    "left brow": topology.BROW_UPPER["left"] + topology.BROW_LOWER["left"][::-1],
    "nose": (168, 193, 122, 196, 198, 209, 129, 98, 97, 2, 326, 327, 358, 429, 420, 419, 351, 417),
    "mouth": topology.OUTER_UPPER_LIP + topology.OUTER_LOWER_LIP[-2:0:-1],
}
"""Landmark indices of the closed contour of each region."""


def region_polygon(landmarks: np.ndarray, region: str) -> np.ndarray:
    """Contour of a region.

    Args:
        landmarks: (478, 2 or 3), pixels.
        region: name of the region, one of :data:`REGIONS`.

    Returns:
        (N, 2), the vertices of the closed contour, pixels.

    Raises:
        KeyError: the region is unknown.
    """
    return np.asarray(landmarks[list(REGIONS[region]), :2])


def region_mask(landmarks: np.ndarray, region: str, shape: tuple[int, ...]) -> np.ndarray:
    """Mask of a region.

    Args:
        landmarks: (478, 2 or 3), pixels.
        region: name of the region, one of :data:`REGIONS`.
        shape: shape of the image; the first two entries are height and width.

    Returns:
        (H, W) bool, True inside the region and on its contour.

    Raises:
        KeyError: the region is unknown.
    """
    mask = np.zeros(shape[:2], np.uint8)
    cv2.fillPoly(mask, [np.round(region_polygon(landmarks, region)).astype(np.int32)], 1)
    return mask.astype(bool)


def region_box(landmarks: np.ndarray, region: str) -> tuple[float, float, float, float]:
    """Bounding box of a region.

    Args:
        landmarks: (478, 2 or 3), pixels.
        region: name of the region, one of :data:`REGIONS`.

    Returns:
        Left, top, right and bottom, pixels.

    Raises:
        KeyError: the region is unknown.
    """
    polygon = region_polygon(landmarks, region)
    left, top = polygon.min(0)
    right, bottom = polygon.max(0)
    return float(left), float(top), float(right), float(bottom)

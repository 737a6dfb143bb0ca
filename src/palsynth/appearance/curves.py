"""Smooth curves through points, and antialiased polygon coverage."""

from __future__ import annotations

import cv2
import numpy as np


def smooth_curve(points: np.ndarray, steps: int = 6) -> np.ndarray:
    """Interpolates points with a Catmull-Rom spline.

    Args:
        points: points (N, 2) that the curve passes through.
        steps: samples per segment.

    Returns:
        Samples ((N - 1) * steps + 1, 2) along the curve, both ends included.
    """
    a, b, c, d = _catmull_rom_points(points)
    t = (np.arange(steps) / steps)[None, :, None]
    curve = 0.5 * (
        2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3
    )
    return np.vstack([curve.reshape(-1, 2), points[-1:]])


def _catmull_rom_points(points: np.ndarray) -> list[np.ndarray]:
    """The four control points of each segment, (N - 1, 1, 2) each."""
    ends = 2 * points[0] - points[1], 2 * points[-1] - points[-2]
    padded = np.vstack([ends[0], points, ends[1]])
    segments = len(points) - 1
    return [padded[k : k + segments, None] for k in range(4)]


def polygon_alpha(polygon: np.ndarray, shape: tuple[int, int], origin: np.ndarray) -> np.ndarray:
    """Rasterises a polygon to antialiased coverage.

    Args:
        polygon: corners (N, 2) in pixels; pixel centres are whole numbers.
        shape: height and width of the window.
        origin: position (2,) of the window's first pixel.

    Returns:
        Coverage (H, W) float32, 0 … 1.
    """
    scale = 4
    canvas = np.zeros((shape[0] * scale, shape[1] * scale), np.uint8)
    placed = (polygon - origin + 0.5) * scale - 0.5
    cv2.fillPoly(canvas, [np.round(placed * 16).astype(np.int32)], 255, cv2.LINE_8, 4)
    return cv2.resize(canvas, (shape[1], shape[0]), interpolation=cv2.INTER_AREA) / np.float32(255)

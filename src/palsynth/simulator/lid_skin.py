"""The skin of a closing lid, which a photo of the open eye does not show."""

from __future__ import annotations

import cv2
import numpy as np

from palsynth.appearance.curves import smooth_curve
from palsynth.appearance.smoothstep import smoothstep
from palsynth.clinical import Side
from palsynth.face import topology
from palsynth.simulator.rest import Rest

ABOVE_CREASE = 0.4
"""How far above the crease the unrolled lid reaches, as a share of the lid: the roots of the
open eye's lashes lie there, and they must move down with the lid."""

_CHEEK = 0.12
"""How far down the cheek is sampled for the fine grain of a lid, canonical units."""


def paint_lid(
    image: np.ndarray,
    rest: Rest,
    moved: np.ndarray,
    side: Side,
    closure: float,
    origin: np.ndarray,
) -> np.ndarray:
    """Paints the lid skin that closing reveals.

    A closing lid unrolls skin that a photo of the open eye does not show. It takes the colour
    of the skin around the eye, slightly darker in the crease and near the lashes, and bulges
    over the eyeball.

    Args:
        image: window (H, W, 3) of the picture around the eye, 0 … 255.
        rest: the face at rest.
        moved: moved vertices (V, 3), pixels of the picture.
        side: side of the eye.
        closure: closure of the lids, 0 … 1.
        origin: position (2,) of the window's first pixel.

    Returns:
        The window (H, W, 3) float32 with the skin.
    """
    upper, lower = list(topology.UPPER_LID[side.value]), list(topology.LOWER_LID[side.value])
    crease = list(topology.UPPER_CREASE[side.value])
    first, last = moved[upper[0], :2], moved[upper[-1], :2]
    length = max(float(np.linalg.norm(last - first)), 1e-3)
    along = (last - first) / length
    down = np.array([-along[1], along[0]])

    def in_eye(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        offset = points - first
        return offset @ along / length, offset @ down

    grid_y, grid_x = np.mgrid[: image.shape[0], : image.shape[1]].astype(np.float32)
    position, depth = in_eye(np.stack([grid_x + origin[0], grid_y + origin[1]], -1))
    margin_x, margin_y = in_eye(smooth_curve(moved[upper, :2]))
    margin = np.interp(position, margin_x, margin_y)
    lid = rest.points[upper, :2] - rest.points[crease, :2]
    top_points = moved[crease, :2] - ABOVE_CREASE * lid
    top_x, top_y = in_eye(smooth_curve(top_points))
    top = np.interp(position, top_x, top_y)
    height = (depth - top) / np.maximum(margin - top, 0.5)

    opening = np.linalg.norm(rest.points[upper, :2] - rest.points[lower, :2], axis=1)
    opening = opening / max(float(opening.max()), 1e-3)
    share = np.interp(position, np.linspace(0, 1, len(opening)), opening)
    alpha = smoothstep(closure / 0.6) * smoothstep(height / 0.5) * smoothstep(share / 0.9)
    alpha = alpha * (depth <= margin + 1) * (position > 0) * (position < 1)

    above, below = _skin_around(rest, side)
    steps = np.linspace(0, 1, len(above))
    mix = (0.25 + 0.25 * height)[..., None]
    colour = (
        np.stack([np.interp(position, steps, above[:, c]) for c in range(3)], -1) * (1 - mix)
        + np.stack([np.interp(position, steps, below[:, c]) for c in range(3)], -1) * mix
    )
    across = position * 2 - 1
    light = 1 + 0.07 * np.exp(-np.square((height - 0.6) / 0.3)) * (1 - across**2)
    light -= 0.06 * np.clip(height - 0.75, 0, 0.25) / 0.25 + 0.06 * across**4
    colour = colour * light[..., None] * np.array([1.0, 0.985, 0.98])
    colour = colour * _skin_grain(rest, side, position, depth / rest.pose.scale)[..., None]
    return np.asarray(image + (colour - image) * (0.85 * alpha)[..., None], np.float32)


def _skin_grain(rest: Rest, side: Side, position: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """Factor (H, W) of fine skin grain for a lid that the image does not show: sampled from the
    cheek below, at ``position`` along the eye and ``depth`` below its corner (canonical units).
    The sample is mirrored periodically so that it has no seams."""
    unit = _skin_unit(rest)
    lower = rest.skin_points[list(topology.LOWER_LID[side.value])]
    upper = rest.skin_points[list(topology.UPPER_LID[side.value])]
    down = (lower - upper).mean(0)
    down = down / max(float(np.linalg.norm(down)), 1e-6)
    first, along = lower[0] + 0.16 * unit * down, lower[-1] - lower[0]
    across = np.abs(np.mod(position + 1, 2) - 1)  # triangle wave, 0 … 1
    below = np.abs(np.mod(depth / _CHEEK + 1, 2) - 1) * _CHEEK * unit
    x = first[0] + across * along[0] + below * down[0]
    y = first[1] + across * along[1] + below * down[1]
    left, top = np.maximum(np.floor([x.min(), y.min()]).astype(int) - 8, 0)
    right, bottom = np.ceil([x.max(), y.max()]).astype(int) + 9
    window = rest.skin[top:bottom, left:right]
    if window.size == 0:
        return np.ones_like(position)
    grey = cv2.cvtColor(window, cv2.COLOR_RGB2GRAY).astype(np.float32) + 8
    fine = grey / cv2.GaussianBlur(grey, (0, 0), max(1.0, 0.012 * unit))
    grain = cv2.remap(
        fine,
        (x - left).astype(np.float32),
        (y - top).astype(np.float32),
        cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(np.clip(grain, 0.85, 1.15))


def _skin_around(rest: Rest, side: Side) -> tuple[np.ndarray, np.ndarray]:
    """Skin colours above the crease and below the lower lid, (9, 3) each, along the eye."""
    unit = _skin_unit(rest)
    blurred = _blurred_eye_region(rest, side, 0.035 * unit)
    crease = rest.skin_points[list(topology.UPPER_CREASE[side.value])]
    lower = rest.skin_points[list(topology.LOWER_LID[side.value])]
    upper = rest.skin_points[list(topology.UPPER_LID[side.value])]
    up = (upper - lower).mean(0)
    up = up / max(np.linalg.norm(up), 1e-6)
    image, origin = blurred

    def read(points: np.ndarray) -> np.ndarray:
        p = np.round(points - origin).astype(int)
        p = np.clip(p, 0, [image.shape[1] - 1, image.shape[0] - 1])
        colours = image[p[:, 1], p[:, 0]].astype(np.float32)
        # a stray lash, brow hair or rim of glasses must not leave a stripe on the lid
        median = np.median(colours, axis=0)
        return (
            0.5 * median + 0.5 * cv2.blur(colours[None], (5, 1), borderType=cv2.BORDER_REPLICATE)[0]
        )

    below = read(lower - up * 0.13 * unit)
    above = read(crease + up * 0.045 * unit)
    # make-up, lash and brow are darker than the lid that unrolls from behind them
    cheek = np.median(read(lower - up * 0.30 * unit), axis=0)
    return _at_least(above, 0.74 * cheek), _at_least(below, 0.82 * cheek)


def _at_least(colours: np.ndarray, floor: np.ndarray) -> np.ndarray:
    """Colours (N, 3), each blended towards ``floor`` (3,) by how much darker it is."""
    lack = np.clip(1 - colours.sum(1, keepdims=True) / max(float(floor.sum()), 1.0), 0, 0.5) * 2
    return np.asarray(colours + (floor - colours) * lack, np.float32)


def _skin_unit(rest: Rest) -> float:
    """Pixels per canonical unit in the image that skin is sampled from."""
    a, b = (rest.skin_points[topology.OUTER_CANTHUS[s]] for s in ("right", "left"))
    return float(np.linalg.norm(a - b))


def _blurred_eye_region(rest: Rest, side: Side, sigma: float) -> tuple[np.ndarray, np.ndarray]:
    """The skin around an eye, blurred, and the position (2,) of the window's first pixel."""
    points = rest.skin_points[[*topology.UPPER_CREASE[side.value], *topology.LOWER_LID[side.value]]]
    pad = 11 * sigma
    x0, y0 = np.maximum(np.floor(points.min(0) - pad).astype(int), 0)
    x1, y1 = np.ceil(points.max(0) + pad).astype(int)
    window = rest.skin[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)]
    return cv2.GaussianBlur(window, (0, 0), max(sigma, 0.5)), np.array([x0, y0])

"""Moving lids: what is visible of the eyeball between them, and the lashes over it."""

from __future__ import annotations

import cv2
import numpy as np

from palsynth.appearance.curves import polygon_alpha, smooth_curve
from palsynth.appearance.eyes import add_glint, draw_eyeball
from palsynth.appearance.smoothstep import smoothstep
from palsynth.clinical import Side
from palsynth.face import topology
from palsynth.simulator.drive import SideDrive
from palsynth.simulator.lashes import draw_lashes
from palsynth.simulator.lid_skin import paint_lid
from palsynth.simulator.rest import Rest

ROLL = (0.066, 0.022)
"""Full Bell's phenomenon: canonical units by which the iris moves up and outward."""


NEAR_REST = 0.04
"""Canonical units by which lids must move for a photo's eye to be redrawn altogether: it
fades up to there, so that no eye changes at once as its lids begin to move. A convention of this
project."""


def draw_eye(
    image: np.ndarray,
    support: np.ndarray,
    rest: Rest,
    moved: np.ndarray,
    side: Side,
    drive: SideDrive,
) -> None:
    """Draws the eyeball visible between the moved lids, and the lashes over it, in place.

    Args:
        image: image (H, W, 3) uint8 RGB, modified in place.
        support: mask (H, W) bool of the changed pixels, modified in place.
        rest: the face at rest.
        moved: moved vertices (V, 3), pixels.
        side: side of the eye.
        drive: the activation of that side.
    """
    upper = smooth_curve(moved[list(topology.UPPER_LID[side.value]), :2])
    lower = smooth_curve(moved[list(topology.LOWER_LID[side.value]), :2])
    unit = rest.pose.scale
    crease = moved[list(topology.UPPER_CREASE[side.value]), :2]
    both = np.vstack([upper, lower, crease])
    pad = 0.06 * unit + 2
    x0, y0 = np.maximum(np.floor(both.min(0) - pad).astype(int), 0)
    x1, y1 = np.minimum(np.ceil(both.max(0) + pad).astype(int) + 1, image.shape[1::-1])
    if x1 - x0 < 3 or y1 - y0 < 3:
        return
    origin, shape = np.array([x0, y0], np.float32), (y1 - y0, x1 - x0)
    window = image[y0:y1, x0:x1]
    skin = window.astype(np.float32)

    gap = float(np.linalg.norm(upper - lower, axis=1).max())
    alpha = polygon_alpha(np.vstack([upper, lower[::-1]]), shape, origin)
    alpha *= np.clip(gap / max(0.012 * unit, 1.0), 0, 1)
    out = skin
    if drive.closure > 0.02:
        out = paint_lid(out, rest, moved, side, drive.closure, origin)
    if alpha.max() > 0:
        own = _own_share(rest, moved, side, drive)
        ball = _eyeball_pixels(rest, side, drive, shape, origin, own)
        shade = _lid_shadow(upper, lower, shape, origin, unit, drive)[..., None]
        ball *= 1 - (1 - own) * (1 - shade)  # a photo's own eye has its own shadow
        # where no skin was rendered the image still shows the face before the lids parted
        bare = ~support[y0:y1, x0:x1] & (alpha > 0.15)
        bare &= rest.is_synthetic or drive.closure < -0.02
        under = np.where(bare[..., None], 0.6 * ball, out)
        out = under + (ball - under) * alpha[..., None]
    strength = 1.0 if rest.is_synthetic else float(np.clip(drive.closure / 0.5, 0, 1))
    out = draw_lashes(out, upper - origin, unit, side, drive.closure, strength)
    changed = np.abs(out - skin).max(-1) > 0.5
    window[changed] = np.clip(out + 0.5, 0, 255).astype(np.uint8)[changed]
    support[y0:y1, x0:x1] |= changed


def eye_roll(rest: Rest, side: Side, drive: SideDrive) -> np.ndarray:
    """Computes how far an iris has rolled up and outward.

    Args:
        rest: the face at rest.
        side: side of the eye.
        drive: the activation of that side.

    Returns:
        Displacement (2,) float32 in pixels of the image.
    """
    outward = np.array([side.sign * ROLL[1], -ROLL[0]]) * rest.pose.scale * drive.bell
    return np.asarray(rest.pose.rotation[:2, :2] @ outward, np.float32)


def _own_share(rest: Rest, moved: np.ndarray, side: Side, drive: SideDrive) -> float:
    """How much of a photo's own eye stays as it is: 1 at rest, 0 where lids or eye have moved."""
    if rest.is_synthetic:
        return 0.0
    margin = [*topology.UPPER_LID[side.value], *topology.LOWER_LID[side.value]]
    travel = np.abs(moved[margin, :2] - rest.points[margin, :2]).max() / rest.pose.scale
    return float((1 - smoothstep(travel / NEAR_REST)) * (1 - _rolled(drive)))


def _rolled(drive: SideDrive) -> float:
    """How much of the rolled-up eye is redrawn, 0 … 1."""
    return float(np.clip((drive.bell - 0.1) / 0.4, 0, 1))


def _eyeball_pixels(
    rest: Rest,
    side: Side,
    drive: SideDrive,
    shape: tuple[int, int],
    origin: np.ndarray,
    own: float,
) -> np.ndarray:
    """The eyeball over a window: the photo's own pixels where visible, otherwise rendered."""
    eye = rest.eyes[side]
    roll = eye_roll(rest, side, drive)
    grid_y, grid_x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    corners = rest.points[
        [topology.INNER_CANTHUS[side.value], topology.OUTER_CANTHUS[side.value]], :2
    ]
    ball = draw_eyeball(eye, grid_x + origin[0], grid_y + origin[1], roll, corners)
    if rest.is_synthetic or drive.bell < 0.15:
        add_glint(ball, eye, roll, origin)
    if rest.is_synthetic or drive.bell > 0.5:
        return ball
    # the photo's own eye, slightly inside its lids to exclude the lashes
    upper = smooth_curve(rest.points[list(topology.UPPER_LID[side.value]), :2])
    lower = smooth_curve(rest.points[list(topology.LOWER_LID[side.value]), :2])
    inset = min(0.018 * rest.pose.scale, 0.2 * float((lower - upper)[:, 1].max()))
    centre = (upper + lower) / 2

    def shrink(curve: np.ndarray) -> np.ndarray:
        offset = curve - centre
        length = np.linalg.norm(offset, axis=1, keepdims=True)
        return centre + offset * np.clip(1 - inset / np.maximum(length, 1e-3), 0, 1)

    visible = polygon_alpha(np.vstack([shrink(upper), shrink(lower)[::-1]]), shape, origin)
    visible = cv2.GaussianBlur(visible, (0, 0), max(0.5, 0.008 * rest.pose.scale))
    visible *= 1 - _rolled(drive)
    aperture = polygon_alpha(np.vstack([upper, lower[::-1]]), shape, origin)
    visible = np.maximum(visible, own * np.clip(2 * aperture, 0, 1))
    x0, y0 = origin.astype(int)
    photo = rest.picture[y0 : y0 + shape[0], x0 : x0 + shape[1]].astype(np.float32)
    return ball + (photo - ball) * visible[..., None]


def _lid_shadow(
    upper: np.ndarray,
    lower: np.ndarray,
    shape: tuple[int, int],
    origin: np.ndarray,
    unit: float,
    drive: SideDrive,
) -> np.ndarray:
    """Factor (H, W) of the shadow that lids and lashes cast on the eyeball: wider when it is
    rolled up, since more of the ball then lies below the edge of the upper lid."""
    x = np.arange(shape[1]) + origin[0]
    y = (np.arange(shape[0]) + origin[1])[:, None]
    edges = []
    for curve in (upper, lower):
        order = np.argsort(curve[:, 0])
        edges.append(np.interp(x, curve[order, 0], curve[order, 1])[None])
    rolled = min(1.0, drive.bell)
    depth = np.clip(y - edges[0], 0, None) / ((0.03 + 0.03 * rolled) * unit)
    rise = np.clip(edges[1] - y, 0, None) / (0.02 * unit)
    shade = 1 - (0.4 + 0.1 * rolled) * np.exp(-np.square(depth))
    return np.asarray(shade * (1 - 0.22 * rolled * np.exp(-np.square(rise))), np.float32)

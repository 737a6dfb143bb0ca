"""From shape to pixels: skin, lids, eyeballs, lashes and mouth, back to front."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from palsynth.appearance.curves import polygon_alpha, smooth_curve
from palsynth.appearance.model import UNIT, canonical_mesh
from palsynth.appearance.raster import rasterise
from palsynth.clinical import Side
from palsynth.errors import InputError
from palsynth.face import topology
from palsynth.simulator.drive import Drive
from palsynth.simulator.lids import draw_eye
from palsynth.simulator.mouth import draw_mouth
from palsynth.simulator.rest import Moved, Rest
from palsynth.simulator.shading import (
    Shading,
    sample_map,
    shading,
    skin_likeness,
    smooth_out,
)
from palsynth.simulator.smile import Smile, smile_model
from palsynth.simulator.surface import Pose, field_displacement, move

STILL = 0.03
"""Pixels by which a vertex must move for the triangles around it to be re-rendered."""


def compose(rest: Rest, drive: Drive, smile: Smile | None = None) -> Moved:
    """Animates a face at rest and renders the result.

    Args:
        rest: the face at rest.
        drive: the activation of the face.
        smile: how smiling changes the light on the skin and inside the mouth; default: the
            smile that ships with the package.

    Returns:
        The image, the moved vertices and the support.

    Raises:
        InputError: no part of a synthetic subject's face is in the picture.
    """
    smile = smile or smile_model()
    displacement = field_displacement(drive)
    moved = move(rest.points, rest.pose, drive)
    light = shading(drive, displacement, smile)
    light.turn[_hole_margins()] = 0
    active = _active_triangles(rest, moved, light)

    image = rest.picture.copy()
    support = np.zeros(image.shape[:2], bool)
    if active.any():
        image, support = _draw_skin(rest, moved, active, light)
    for side in Side:
        margin = [*topology.UPPER_LID[side.value], *topology.LOWER_LID[side.value]]
        unmoved = np.abs(moved[margin, :2] - rest.points[margin, :2]).max() < STILL
        if rest.is_synthetic or not unmoved or drive.of(side).bell > 0:
            draw_eye(image, support, rest, moved, side, drive.of(side))
    lips = [*topology.INNER_UPPER_LIP, *topology.INNER_LOWER_LIP]
    if rest.is_synthetic or np.abs(moved[lips, :2] - rest.points[lips, :2]).max() > STILL:
        draw_mouth(image, support, rest, moved, drive, smile)
    return Moved(image, moved, support)


def _active_triangles(rest: Rest, moved: np.ndarray, light: Shading) -> np.ndarray:
    """Mask (T,) of the triangles to be rendered: those that move or whose light changes."""
    triangles = canonical_mesh().triangles
    if rest.is_synthetic:
        return np.ones(len(triangles), bool)
    active = np.abs(moved[:, :2] - rest.points[:, :2]).max(1) > STILL
    active |= light.touched()
    return np.asarray(active[triangles].any(1))


def _draw_skin(
    rest: Rest, moved: np.ndarray, active: np.ndarray, light: Shading
) -> tuple[np.ndarray, np.ndarray]:
    """The image (H, W, 3) with the active skin rendered onto it, and the support (H, W)."""
    mesh = canonical_mesh()
    triangles = mesh.triangles[active]
    height, width = rest.picture.shape[:2]
    corners = moved[np.unique(triangles), :2]
    x0, y0 = np.clip(np.floor(corners.min(0)).astype(int) - 1, 0, None)
    x1, y1 = np.minimum(np.ceil(corners.max(0)).astype(int) + 2, [width, height])
    attributes = np.column_stack([rest.skin_points, mesh.vertices[:, :2], light.turn])
    box = (max(y1 - y0, 0), max(x1 - x0, 0))
    if not all(box):
        if rest.is_synthetic:
            raise InputError("the face lies outside the picture; choose another framing")
        return rest.picture.copy(), np.zeros((height, width), bool)
    out, cover = rasterise(moved[:, :2] - [x0, y0], moved[:, 2], attributes, triangles, box)

    x, y = np.ascontiguousarray(out[..., 0]), np.ascontiguousarray(out[..., 1])
    u, v = out[..., 2], out[..., 3]
    colour = cv2.remap(rest.skin, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    colour = colour.astype(np.float32)
    # the mesh reaches past the face's outline; light and folds apply to the face only
    outline = _face_outline(moved, rest.pose, box, np.array([x0, y0]))
    if light.vanish is not None:
        smooth = smooth_out(colour, rest.pose.scale)
        weight = (sample_map(light.vanish, u, v) * outline)[..., None]
        colour = colour * (1 - weight) + smooth * weight
    log_light = out[..., 4:]
    if light.appear is not None or light.smile is not None:
        likeness = skin_likeness(colour, rest.pose.scale)[..., None]
        if light.appear is not None:
            log_light = log_light + sample_map(light.appear, u, v)[..., None] * likeness
        if light.smile is not None:
            log_light = log_light + sample_map(light.smile, u, v, UNIT) * likeness
    colour *= np.exp(log_light * outline[..., None])

    image = rest.picture.copy()
    window = image[y0:y1, x0:x1]
    if rest.is_synthetic:
        _darken_mouth(image, moved)
        weight = outline[..., None]
        colour = window + (colour * _edge_shade(weight, rest.pose.scale) - window) * weight
    window[cover] = np.clip(colour + 0.5, 0, 255).astype(np.uint8)[cover]
    support = np.zeros((height, width), bool)
    support[y0:y1, x0:x1] = cover
    return image, support


def _darken_mouth(image: np.ndarray, moved: np.ndarray) -> None:
    """Fills the mouth, in place, with the dark between closed lips, so that the background does
    not show through where no triangle covers a pixel."""
    lips = moved[[*topology.OUTER_UPPER_LIP, *topology.OUTER_LOWER_LIP[-2:0:-1]], :2]
    cv2.fillPoly(image, [np.round(lips).astype(np.int32)], (70, 34, 34))


def _edge_shade(outline: np.ndarray, unit: float) -> np.ndarray:
    """Shade (H, W, 1) towards the face's outline, where its surface curves away from the light."""
    depth = cv2.GaussianBlur(outline[..., 0], (0, 0), max(0.5, 0.05 * unit))
    return np.asarray(1 - 0.42 * np.clip(1 - depth, 0, 0.5) ** 1.2)[..., None]


def _face_outline(
    moved: np.ndarray, pose: Pose, shape: tuple[int, int], origin: np.ndarray
) -> np.ndarray:
    """Coverage (H, W) of the face within its outline. Above the cheeks it reaches further
    out than the landmarks do: forehead and temples continue under hair or cap."""
    oval = list(topology.FACE_OVAL)
    canonical = canonical_mesh().vertices[oval, :2]
    outward = canonical - [0.0, 0.2]
    reach = 0.10 * np.clip((0.25 - canonical[:, 1]) / 0.2, 0, 1)[:, None]
    offset = (
        outward / np.linalg.norm(outward, axis=1, keepdims=True) * reach
        - 0.008 * (reach == 0) * outward
    )
    points = moved[oval, :2] + offset @ pose.rotation[:2, :2].T * pose.scale
    curve = smooth_curve(np.vstack([points[-1:], points, points[:2]]), 5)[5:-5]
    alpha = polygon_alpha(curve, shape, origin)
    return np.asarray(cv2.GaussianBlur(alpha, (0, 0), max(0.4, 0.008 * pose.scale)))


@lru_cache(maxsize=1)
def _hole_margins() -> np.ndarray:
    """Vertices without a meaningful surface normal: the rims of eyes and mouth."""
    holes = [topology.eye_polygon("left"), topology.eye_polygon("right"), topology.mouth_polygon()]
    return np.unique(np.concatenate(holes))

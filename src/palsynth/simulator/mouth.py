"""The open mouth: teeth and dark between parted lips."""

from __future__ import annotations

import cv2
import numpy as np

from palsynth.appearance.curves import polygon_alpha, smooth_curve
from palsynth.appearance.smoothstep import smoothstep
from palsynth.appearance.teeth import TOOTH_WHITE, sample_mouth
from palsynth.clinical import Side
from palsynth.face import topology
from palsynth.simulator.drive import Drive
from palsynth.simulator.rest import Rest
from palsynth.simulator.smile import Smile

BITE_BELOW_LIPS = 0.040
"""Canonical units from the line of the closed lips down to the edge of the upper incisors."""

WET = 0.018
"""Canonical units by which the moist rim of the lower lip covers the teeth."""

LOWER_TEETH = 0.0
"""Canonical units from the upper to the lower incisors' edge when the jaw is shut."""

SHUT = 0.6
"""Pixels of the widest gap up to which lips count as shut."""

SMILING_JAW = 0.16
"""Strength of the jaw field up to which the lips part but the teeth do not: smiling pulls the
lower lip down, which capture and fields cannot distinguish from an opening jaw."""


def draw_mouth(
    image: np.ndarray,
    support: np.ndarray,
    rest: Rest,
    moved: np.ndarray,
    drive: Drive,
    smile: Smile,
) -> None:
    """Draws what is visible between the moved lips, in place.

    The teeth are fixed to skull and jaw, so they do not follow the lips.

    Args:
        image: image (H, W, 3) uint8 RGB, modified in place.
        support: mask (H, W) bool of the changed pixels, modified in place.
        rest: the face at rest.
        moved: moved vertices (V, 3), pixels.
        drive: the activation of the face.
        smile: light inside the mouth.
    """
    unit = rest.pose.scale
    upper = smooth_curve(moved[list(topology.INNER_UPPER_LIP), :2])
    lower = smooth_curve(moved[list(topology.INNER_LOWER_LIP), :2])
    gap = float(np.linalg.norm(upper - lower, axis=1).max())
    if gap < SHUT:
        return
    both = np.vstack([upper, lower])
    x0, y0 = np.maximum(np.floor(both.min(0)).astype(int) - 2, 0)
    x1, y1 = np.minimum(np.ceil(both.max(0)).astype(int) + 3, image.shape[1::-1])
    if x1 - x0 < 3 or y1 - y0 < 3:
        return
    origin, shape = np.array([x0, y0], np.float32), (y1 - y0, x1 - x0)
    alpha = polygon_alpha(np.vstack([upper, lower[::-1]]), shape, origin)
    if not rest.is_synthetic:
        alpha *= min(1.0, gap / SHUT - 1)  # no gap shows at once as lips begin to part

    across, down = _offsets_from_lips(rest, shape, origin)
    drop = LOWER_TEETH + 0.30 * max(0.0, drive.jaw - SMILING_JAW)
    inside = sample_mouth(
        across.astype(np.float32),
        (down - BITE_BELOW_LIPS).astype(np.float32),
        drop,
        rest.tooth,
        unit,
    )
    inside *= _lip_shade(upper, lower, shape, origin, unit, smile)
    inside = _wet_lip(inside, image, upper, lower, origin, unit)
    inside *= 1 - 0.8 * min(1.0, _pursed(drive))  # pursed lips stand before the teeth
    if not rest.is_synthetic:
        inside = _own_mouth(inside, rest, upper, lower, origin)
    window = image[y0:y1, x0:x1]
    base = window.astype(np.float32)
    # where no skin was rendered the image still shows the face before the lips parted
    bare = ~support[y0:y1, x0:x1] & (alpha > 0.15)
    base[bare] = 0.45 * inside[bare]
    out = base + (inside - base) * alpha[..., None]
    changed = alpha > 0.004
    window[changed] = np.clip(out + 0.5, 0, 255).astype(np.uint8)[changed]
    support[y0:y1, x0:x1] |= changed


def _offsets_from_lips(
    rest: Rest, shape: tuple[int, int], origin: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Offsets (H, W) of a window's pixels, across and down, from the middle of the lips at rest,
    canonical units."""
    anchor = rest.points[list(topology.INNER_UPPER_LIP), :2]
    anchor = (anchor[5] + rest.points[topology.INNER_LOWER_LIP[5], :2]) / 2
    grid_y, grid_x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    offset = np.stack([grid_x + origin[0] - anchor[0], grid_y + origin[1] - anchor[1]], -1)
    # back from the image plane to canonical units; in a turned head the dental arch is shifted
    inverse = np.linalg.pinv(rest.pose.rotation[:2, :2] * rest.pose.scale)
    across, down = np.moveaxis(offset @ inverse.T, -1, 0)
    return across, down


def _own_mouth(
    inside: np.ndarray,
    rest: Rest,
    upper: np.ndarray,
    lower: np.ndarray,
    origin: np.ndarray,
) -> np.ndarray:
    """Stretches a photo's own teeth over the new opening if its lips are already apart."""
    own_upper = smooth_curve(rest.points[list(topology.INNER_UPPER_LIP), :2])
    own_lower = smooth_curve(rest.points[list(topology.INNER_LOWER_LIP), :2])
    gap = float((own_lower - own_upper)[:, 1].max()) / rest.pose.scale
    share = np.clip((gap - 0.02) / 0.03, 0, 1)
    if share == 0:
        return inside
    x = np.arange(inside.shape[1]) + origin[0]
    y = (np.arange(inside.shape[0]) + origin[1])[:, None]
    step = np.arange(len(upper), dtype=np.float64)
    position = np.interp(x, upper[:, 0], step)
    top, bottom = np.interp(x, upper[:, 0], upper[:, 1]), np.interp(x, lower[:, 0], lower[:, 1])
    height = np.clip((y - top) / np.maximum(bottom - top, 0.5), 0.04, 0.96)
    from_x = np.interp(position, step, own_upper[:, 0])[None].repeat(len(y), 0)
    own_top = np.interp(position, step, own_upper[:, 1])
    own_bottom = np.interp(position, step, own_lower[:, 1])
    from_y = own_top + height * (own_bottom - own_top)
    photo = cv2.remap(
        rest.picture,
        from_x.astype(np.float32),
        from_y.astype(np.float32),
        cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REPLICATE,
    ).astype(np.float32)
    return np.asarray(inside + (photo - inside) * share, np.float32)


def _wet_lip(
    inside: np.ndarray,
    image: np.ndarray,
    upper: np.ndarray,
    lower: np.ndarray,
    origin: np.ndarray,
    unit: float,
) -> np.ndarray:
    """Adds the moist inner rim of the lower lip in front of the teeth: darker, with a soft edge."""
    x = np.arange(inside.shape[1]) + origin[0]
    y = (np.arange(inside.shape[0]) + origin[1])[:, None]
    top, bottom = np.interp(x, upper[:, 0], upper[:, 1]), np.interp(x, lower[:, 0], lower[:, 1])
    below = np.broadcast_to(bottom + 0.022 * unit, (1, len(x))).astype(np.float32)
    lip = cv2.remap(image, x[None].astype(np.float32), below, cv2.INTER_LINEAR)
    lip = cv2.blur(lip, (2 * max(1, round(0.02 * unit)) + 1, 1)).astype(np.float32)
    reach = np.minimum(WET * unit, 0.3 * (bottom - top))
    rim = 1 - smoothstep((bottom - y) / np.maximum(reach, 0.5))
    return np.asarray(inside + (0.72 * lip - inside) * rim[..., None], np.float32)


def _lip_shade(
    upper: np.ndarray,
    lower: np.ndarray,
    shape: tuple[int, int],
    origin: np.ndarray,
    unit: float,
    smile: Smile,
) -> np.ndarray:
    """Factor (H, W, 3) for the light inside the mouth, under the lips and in the corners, as
    learnt from photographed smiles."""
    x = np.arange(shape[1]) + origin[0]
    top = np.interp(x, upper[:, 0], upper[:, 1])
    bottom = np.interp(x, lower[:, 0], lower[:, 1])
    y = (np.arange(shape[0]) + origin[1])[:, None]
    mean, deviation = smile.openings
    opening = np.clip(((bottom - top).max() / unit - mean) / deviation, -1.5, 1.5)
    light = smile.mouth[0] + opening * smile.mouth[1]
    rows, columns = light.shape[:2]
    along = np.interp(x, [upper[0, 0], upper[-1, 0]], [0.5, columns - 1.5])
    across = np.clip((y - top) / np.maximum(bottom - top, 0.5), 0, 1) * (rows - 1)
    along = np.broadcast_to(along, across.shape)
    lit = np.exp(
        cv2.remap(
            light,
            along.astype(np.float32),
            across.astype(np.float32),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
    )
    slit = np.clip((bottom - top) / (0.05 * unit), 0, 1)  # little light gets in
    return np.asarray(lit * (0.5 + 0.5 * slit)[None, :, None], np.float32)


def _pursed(drive: Drive) -> float:
    return max(drive.of(side).fields.get("mouthPucker", 0.0) for side in Side)


def tooth_colour(skin: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Estimates the colour of a lit tooth from the light on a face.

    The brightness of the light is taken from the brightest tenth of the face's skin.

    Args:
        skin: image (H, W, 3) uint8 RGB of the skin.
        points: vertices (V, 2) in that image, pixels.

    Returns:
        Colour (3,), RGB 0 … 255.
    """
    x = np.clip(points[: topology.SKIN_POINTS, 0].astype(int), 0, skin.shape[1] - 1)
    y = np.clip(points[: topology.SKIN_POINTS, 1].astype(int), 0, skin.shape[0] - 1)
    light = skin[y, x].astype(np.float32)
    bright = float(np.percentile(light.max(1), 90))
    level = np.clip(0.46 * bright + 142.0, 165.0, 248.0)
    return TOOTH_WHITE * level

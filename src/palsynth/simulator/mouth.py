"""The open mouth: teeth and dark between lips that have parted."""

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
"""Canonical units by which the upper incisors' edge lies below the line of closed lips."""

WET = 0.018
"""Canonical units that the lower lip's moist rim reaches up before the teeth."""

LOWER_TEETH = 0.0
"""Canonical units from the upper incisors' edge down to the lower ones' where the jaw is shut."""

SMILING_JAW = 0.16
"""Strength of the jaw's field up to which lips part and teeth do not: smiling draws the lower lip
down, which capture and fields cannot tell from a jaw that opens."""


def draw_mouth(
    image: np.ndarray, support: np.ndarray, rest: Rest, moved: np.ndarray, drive: Drive,
    smile: Smile,
) -> None:  # fmt: skip
    """Draws, in place, what shows between the moved lips. Skull and jaw hold the teeth,
    so they do not follow the lips."""
    unit = rest.pose.scale
    upper = smooth_curve(moved[list(topology.INNER_UPPER_LIP), :2])
    lower = smooth_curve(moved[list(topology.INNER_LOWER_LIP), :2])
    gap = np.linalg.norm(upper - lower, axis=1)
    if gap.max() < 0.6:
        return
    both = np.vstack([upper, lower])
    x0, y0 = np.maximum(np.floor(both.min(0)).astype(int) - 2, 0)
    x1, y1 = np.minimum(np.ceil(both.max(0)).astype(int) + 3, image.shape[1::-1])
    if x1 - x0 < 3 or y1 - y0 < 3:
        return
    origin, shape = np.array([x0, y0], np.float32), (y1 - y0, x1 - x0)
    alpha = polygon_alpha(np.vstack([upper, lower[::-1]]), shape, origin)

    anchor = rest.points[list(topology.INNER_UPPER_LIP), :2]
    anchor = (anchor[5] + rest.points[topology.INNER_LOWER_LIP[5], :2]) / 2
    grid_y, grid_x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    offset = np.stack([grid_x + origin[0] - anchor[0], grid_y + origin[1] - anchor[1]], -1)
    # the picture plane, turned back by the head's roll; a turned head shows its arch shifted
    inverse = np.linalg.pinv(rest.pose.rotation[:2, :2] * unit)
    across, down = np.moveaxis(offset @ inverse.T, -1, 0)
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
    if not rest.drawn:
        inside = _own_mouth(inside, rest, upper, lower, origin)
    window = image[y0:y1, x0:x1]
    base = window.astype(np.float32)
    # where no skin was drawn the picture still shows what was there before the lips parted
    bare = ~support[y0:y1, x0:x1] & (alpha > 0.15)
    base[bare] = 0.45 * inside[bare]
    out = base + (inside - base) * alpha[..., None]
    changed = alpha > 0.004
    window[changed] = np.clip(out + 0.5, 0, 255).astype(np.uint8)[changed]
    support[y0:y1, x0:x1] |= changed


def _own_mouth(
    inside: np.ndarray,
    rest: Rest,
    upper: np.ndarray,
    lower: np.ndarray,
    origin: np.ndarray,
) -> np.ndarray:
    """A photo whose lips are already apart keeps its own teeth, spread over the new opening."""
    own_upper = smooth_curve(rest.points[list(topology.INNER_UPPER_LIP), :2])
    own_lower = smooth_curve(rest.points[list(topology.INNER_LOWER_LIP), :2])
    gap = float((own_lower - own_upper)[:, 1].max()) / rest.pose.scale
    share = np.clip((gap - 0.02) / 0.03, 0, 1)
    if share == 0:
        return inside
    x = np.arange(inside.shape[1]) + origin[0]
    y = (np.arange(inside.shape[0]) + origin[1])[:, None]
    step = np.arange(len(upper), dtype=np.float64)
    place = np.interp(x, upper[:, 0], step)
    top, bottom = np.interp(x, upper[:, 0], upper[:, 1]), np.interp(x, lower[:, 0], lower[:, 1])
    height = np.clip((y - top) / np.maximum(bottom - top, 0.5), 0.04, 0.96)
    from_x = np.interp(place, step, own_upper[:, 0])[None].repeat(len(y), 0)
    own_top = np.interp(place, step, own_upper[:, 1])
    own_bottom = np.interp(place, step, own_lower[:, 1])
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
    inside: np.ndarray, image: np.ndarray, upper: np.ndarray, lower: np.ndarray,
    origin: np.ndarray, unit: float,
) -> np.ndarray:  # fmt: skip
    """The lower lip's moist inner rim before the teeth, darker than the lip and without an edge."""
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
    upper: np.ndarray, lower: np.ndarray, shape: tuple[int, int], origin: np.ndarray, unit: float,
    smile: Smile,
) -> np.ndarray:  # fmt: skip
    """Light within the mouth as photographed smiles have it, under the lips and in the corners:
    (H, W, 3), a factor."""
    x = np.arange(shape[1]) + origin[0]
    top = np.interp(x, upper[:, 0], upper[:, 1])
    bottom = np.interp(x, lower[:, 0], lower[:, 1])
    y = (np.arange(shape[0]) + origin[1])[:, None]
    mean, spread = smile.openings
    wide = np.clip(((bottom - top).max() / unit - mean) / spread, -1.5, 1.5)
    light = smile.mouth[0] + wide * smile.mouth[1]
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
    """Colour (3,) of a lit tooth for a face: white under the light that its cheeks are in.

    ``skin`` (H, W, 3) RGB and ``points`` (V, 2) where the mesh lies in it. Lamps differ in
    brightness and colour; the brightest tenth of the face's skin tells how much.
    """
    x = np.clip(points[: topology.SKIN_POINTS, 0].astype(int), 0, skin.shape[1] - 1)
    y = np.clip(points[: topology.SKIN_POINTS, 1].astype(int), 0, skin.shape[0] - 1)
    light = skin[y, x].astype(np.float32)
    bright = float(np.percentile(light.max(1), 90))
    level = np.clip(0.46 * bright + 142.0, 165.0, 248.0)
    return TOOTH_WHITE * level

"""Procedural teeth and mouth interior, from dental proportions rather than photos.

Widths and heights of the crowns are textbook means (Wheeler's Dental Anatomy), foreshortened
along the dental arch. The texture is in canonical units, centred on the biting edge of the
upper incisors, and lit like the face it is composited into.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

TOOTH_WHITE = np.array([1.0, 0.962, 0.925])
"""Colour of a tooth at brightness 1: mean of the open smiles of 31 photographed people."""

UNITS_PER_MM = 1 / 92.0
"""Canonical units per millimetre; the outer-eye distance is about 92 mm."""

REACH = (0.42, 0.22)
"""Half width and half height of the texture in canonical units."""

_RESOLUTION = 700
"""Texture pixels per canonical unit."""

_UPPER = ((8.5, 10.8), (6.6, 9.4), (7.5, 10.4), (7.0, 8.8), (6.8, 8.0), (9.0, 7.2))
_LOWER = ((5.2, 9.0), (5.7, 9.2), (6.8, 10.0), (7.0, 8.6), (7.0, 8.0), (9.5, 7.2))
"""(width, height) in mm, from the midline outwards."""

_EDGES = (
    (0.45, 4.0, 0.0),
    (0.8, 3.0, 0.7),
    (1.4, 1.4, 0.1),
    (1.1, 1.6, 0.5),
    (0.9, 2.0, 0.8),
    (0.7, 2.0, 1.2),
)
"""Biting edges of the upper crowns: mm by which the edge rises at the sides, the exponent of
that rise, and mm by which the crown is shorter. Incisors are square, canines pointed."""

_GUM = np.array([0.76, 0.54, 0.53])
_BETWEEN = np.array([0.76, 0.69, 0.65])
"""Colours of the gum and of the sides of the crowns, relative to full tooth white."""

_ARCH_MM = 27.0
"""Half width of the arch; a tooth at arc length s appears at x = arch * sin(s / arch)."""


@lru_cache(maxsize=1)
def teeth_texture() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Renders both rows of teeth.

    Returns:
        The upper row (H, W, 4) and the lower row (H, W, 4), float32 RGBA with premultiplied
        colour relative to full tooth white, and the shade (H, W) of the mouth's depth, 0 … 1.
    """
    width, height = (int(2 * r * _RESOLUTION) for r in REACH)
    x = (np.arange(width) + 0.5) / _RESOLUTION - REACH[0]
    y = (np.arange(height) + 0.5) / _RESOLUTION - REACH[1]
    depth = np.clip(np.abs(x) / UNITS_PER_MM / _ARCH_MM, 0, 1)
    shade = (1 - 0.78 * depth**3)[None].repeat(height, 0).astype(np.float32)
    upper = _row(_UPPER, x, y, up=True)
    lower = _row(_LOWER, x, y - 0.004, up=False)
    return upper, lower, shade


def _row(
    sizes: tuple[tuple[float, float], ...], x: np.ndarray, y: np.ndarray, up: bool
) -> np.ndarray:
    """One row of teeth with its gum, (H, W, 4): premultiplied colours and coverage."""
    grid_x, grid_y = np.meshgrid(x / UNITS_PER_MM, y / UNITS_PER_MM)
    # height above the biting edge, which curves up towards the molars (smile arc)
    bite = 0.006 * np.square(grid_x) * (1 if up else -1)
    rise = (-(grid_y + bite) if up else grid_y - 0.1 - bite).astype(np.float32)
    colour = np.zeros((*grid_x.shape, 3), np.float32)
    alpha = np.zeros(grid_x.shape, np.float32)
    arc = 0.0
    gum_line = np.full(grid_x.shape, 7.5, np.float32)
    for number, (width, height) in enumerate(sizes):
        near, far = (_ARCH_MM * np.sin(min((arc + w) / _ARCH_MM, np.pi / 2)) for w in (0.0, width))
        arc += width + 0.15
        for sign in (1, -1):
            middle, half = sign * (near + far) / 2, (far - near) / 2
            u = (grid_x - middle) / max(half, 0.3)
            side = np.clip(np.abs(u), 0, 1.2)
            rise_at_sides, exponent, shortening = _EDGES[number] if up else (0.35, 4.0, 0.0)
            bottom = rise - rise_at_sides * side**exponent - shortening
            crown = height - 1.8 * np.square(u)
            v = np.clip(rise / height, 0, 1)
            narrowing = 1.03 - 0.16 * np.square(np.clip(v - 0.25, 0, 1) / 0.75)
            body = np.clip((narrowing - np.abs(u)) * half / 0.22, 0, 1)
            body *= np.clip(bottom / 0.3 + 0.5, 0, 1) * np.clip((crown - rise) / 0.6 + 0.5, 0, 1)
            # crowns are round: brightest slightly off centre, darker where they curve away
            light = 1.0 - 0.07 * np.square(u - 0.15 * sign) - 0.10 * side**10
            light += 0.04 * np.exp(-np.square((v - 0.4) / 0.25) - np.square(u / 0.4))
            light -= 0.07 * np.exp(-np.square(bottom / 0.8)) + 0.12 * np.clip(v - 0.6, 0, 1)
            warm = np.array([1.0, 1.0 - 0.006 * number, 1.0 - 0.014 * number])
            tone = light[..., None] * (warm - np.array([0.0, 0.012, 0.03]) * v[..., None])
            body = body[..., None]
            colour = colour * (1 - body) + tone.astype(np.float32) * body
            alpha = np.maximum(alpha, body[..., 0])
            inside = np.abs(u) <= 1
            gum_line = np.where(inside, crown, gum_line)
    in_row = np.abs(grid_x) < _ARCH_MM
    gum = np.clip((rise - gum_line + 0.4) / 0.8, 0, 1) * in_row
    gum_colour = _GUM * (0.97 - 0.03 * np.clip(rise - gum_line, 0, 9))[..., None]
    # between two crowns their sides are visible, not the dark of the mouth
    gap = np.clip((rise - 0.6) / 0.8, 0, 1) * (in_row & (rise < gum_line)) * (1 - alpha)
    colour = (
        colour + (_BETWEEN - colour) * gap[..., None] / np.maximum(alpha + gap, 1e-6)[..., None]
    )
    alpha = np.maximum(alpha + gap, gum)
    colour = colour + (gum_colour - colour) * gum[..., None]
    blur = 0.12 * UNITS_PER_MM * _RESOLUTION
    row = np.dstack([colour * alpha[..., None], alpha]).astype(np.float32)
    return cv2.GaussianBlur(row, (0, 0), blur)


@lru_cache(maxsize=16)
def _blurred(level: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The textures as resolved by an image with 2 ** (level / 2) pixels per canonical unit."""
    sigma = 0.45 * _RESOLUTION / 2 ** (level / 2)
    if sigma < 0.8:
        return teeth_texture()
    upper, lower, shade = (cv2.GaussianBlur(t, (0, 0), sigma) for t in teeth_texture())
    return upper, lower, shade


def sample_mouth(
    grid_x: np.ndarray, grid_y: np.ndarray, jaw_drop: float, white: np.ndarray, sharpness: float
) -> np.ndarray:
    """Samples the inside of the mouth.

    Args:
        grid_x: horizontal offsets (H, W) from the middle of the upper biting edge, canonical
            units.
        grid_y: vertical offsets (H, W), pointing down.
        jaw_drop: how far the lower row has moved down, canonical units.
        white: colour (3,) of a fully lit tooth, RGB 0 … 255.
        sharpness: pixels per canonical unit of the image.

    Returns:
        Colours (H, W, 3) float32, RGB about 0 … 255.
    """
    upper, lower, shade = _blurred(round(2 * np.log2(max(sharpness, 8.0))))

    def read(texture: np.ndarray, dy: float) -> np.ndarray:
        map_x = ((grid_x + REACH[0]) * _RESOLUTION - 0.5).astype(np.float32)
        map_y = ((grid_y - dy + REACH[1]) * _RESOLUTION - 0.5).astype(np.float32)
        return cv2.remap(texture, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)

    lit = read(shade, 0.0)[..., None]
    out = (np.array([92.0, 50.0, 48.0]) * lit).astype(np.float32)
    for row, light in ((read(lower, jaw_drop), 0.74), (read(upper, 0.0), 1.0)):
        cover = row[..., 3:]
        out = out * (1 - cover) + row[..., :3] * white * lit * light
    return out

"""The eyeball behind the lids, visible where they open wider or the eye rolls.

An iris is a radial colour profile, a sclera a colour with the shading of a ball. For a photo
both are estimated where they are visible; for a synthetic subject they are generated. No
image of an eye is stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

RINGS = 24
"""Samples of an iris profile, from centre to rim."""

PUPIL = 0.36
"""Radius of the pupil as a share of the iris (indoor light)."""

_VEIN = np.array([0.07, 0.24, 0.23])
"""Share of red, green and blue light that a vessel absorbs."""

_VESSEL_REACH, _VESSEL_STEP = 4, 24
"""Half width of the vessel texture in iris radii, and its pixels per iris radius."""


@dataclass(frozen=True)
class Eyeball:
    """Appearance and position of one eyeball."""

    profile: np.ndarray
    """Iris colours (RINGS, 3) from centre to rim, RGB 0 … 255."""

    sclera: np.ndarray
    """Colour (3,) of the sclera, RGB 0 … 255."""

    centre: np.ndarray
    """Centre (2,) of the iris in pixels of the image."""

    radius: float
    """Radius of the iris in pixels of the image."""


def iris_profile(colour: np.ndarray, limbus: float = 0.45, ring: float = 0.18) -> np.ndarray:
    """Generates an iris: dark pupil, lighter collarette, colour, dark limbus.

    Args:
        colour: colour (3,) of the iris, RGB 0 … 255.
        limbus: how much the rim is darkened, 0 … 1.
        ring: how much the collarette is lightened, 0 … 1.

    Returns:
        Profile (RINGS, 3) from centre to rim, RGB 0 … 255.
    """
    r = (np.arange(RINGS) + 0.5) / RINGS
    lightness = 0.82 + ring * np.exp(-np.square((r - 0.52) / 0.12))
    lightness *= 1 - limbus * np.clip((r - 0.8) / 0.2, 0, 1) ** 1.5
    profile = colour[None] * lightness[:, None]
    dark = 1 / (1 + np.exp((r - PUPIL) / 0.025))
    return (profile * (1 - dark[:, None]) + np.array([12, 10, 10]) * dark[:, None]).clip(0, 255)


def read_eyeball(
    image: np.ndarray, aperture: np.ndarray, centre: np.ndarray, radius: float
) -> Eyeball:
    """Estimates an eyeball from an image.

    Rings of the iris that are not visible are interpolated from their neighbours; a shut eye
    gets a brown iris.

    Args:
        image: image (H, W, 3) RGB.
        aperture: mask (H, W) bool of the visible eyeball.
        centre: centre (2,) of the iris in pixels.
        radius: radius of the iris in pixels.

    Returns:
        The eyeball, with the given centre and radius.
    """
    ys, xs = np.nonzero(aperture)
    default = iris_profile(np.array([92.0, 64.0, 44.0]))
    if len(ys) < 12:
        return Eyeball(default, np.array([205.0, 196.0, 190.0]), centre, radius)
    pixels = image[ys, xs].astype(np.float32)
    distance = np.hypot(xs - centre[0], ys - centre[1]) / max(radius, 1e-3)
    profile = np.full((RINGS, 3), np.nan, np.float32)
    ring_of_pixel = np.floor(distance * RINGS).astype(int)
    for ring in range(RINGS):
        members = pixels[np.abs(ring_of_pixel - ring) <= 1]
        if len(members) >= 3:
            profile[ring] = np.median(members, axis=0)
    visible = np.flatnonzero(~np.isnan(profile[:, 0]))
    if len(visible) < 4:
        profile = default.astype(np.float32)
    else:
        for channel in range(3):
            profile[:, channel] = np.interp(np.arange(RINGS), visible, profile[visible, channel])
    white = pixels[(distance > 1.15) & (distance < 2.4)]
    if len(white) >= 6:
        light = white.sum(1)
        # lashes, lids and their shadow darken most of the visible sclera
        sclera = np.median(white[light >= np.percentile(light, 75)], axis=0)
    else:
        sclera = np.array([205.0, 196.0, 190.0])
    return Eyeball(profile, sclera, centre, radius)


def draw_eyeball(
    eye: Eyeball,
    grid_x: np.ndarray,
    grid_y: np.ndarray,
    shift: np.ndarray,
    corners: np.ndarray,
) -> np.ndarray:
    """Renders an eyeball.

    Args:
        eye: the eyeball.
        grid_x: x of the pixels (H, W) to render.
        grid_y: y of the pixels (H, W) to render.
        shift: pixels (2,) by which the iris has rolled away from ``eye.centre``.
        corners: inner and outer corner (2, 2) of the eye, towards which the ball curves away
            from the light.

    Returns:
        Colours (H, W, 3) float32, RGB about 0 … 255.
    """
    centre = eye.centre + shift
    middle, half = corners.mean(0), max(np.linalg.norm(corners[1] - corners[0]) / 2, 1e-3)
    off = np.hypot(grid_x - middle[0], 1.3 * (grid_y - middle[1])) / half
    shade = 1.05 - 0.47 * np.clip(off, 0, 1.2) ** 2.0
    out = eye.sclera[None, None] * shade[..., None]
    out = out * (1 - _VEIN * _vessels_at(eye, centre, grid_x, grid_y)[..., None])
    inner = np.hypot(grid_x - corners[0, 0], grid_y - corners[0, 1]) / half
    pink = np.exp(-np.square(inner / 0.22))[..., None]
    out = out * (1 - 0.75 * pink) + np.array([168.0, 110.0, 100.0]) * shade[..., None] * 0.75 * pink

    # an iris that has rolled away from the camera is foreshortened in the direction of the roll
    distance = float(np.linalg.norm(shift))
    dx, dy = grid_x - centre[0], grid_y - centre[1]
    if distance > 1e-3:
        ux, uy = shift / distance
        along = dx * ux + dy * uy
        squeeze = 1 / max(0.45, np.sqrt(max(0.0, 1 - (distance / (2.1 * eye.radius)) ** 2))) - 1
        dx, dy = dx + along * squeeze * ux, dy + along * squeeze * uy
    r = np.hypot(dx, dy) / max(eye.radius, 1e-3)
    position = np.clip(r * RINGS - 0.5, 0, RINGS - 1).astype(np.float32)
    low = np.floor(position).astype(int)
    high = np.minimum(low + 1, RINGS - 1)
    mix = (position - low)[..., None]
    iris = eye.profile[low] * (1 - mix) + eye.profile[high] * mix
    angle = np.arctan2(dy, dx)
    streaks = np.sin(23 * angle + 2.0 * np.sin(5 * angle)) + 0.6 * np.sin(41 * angle + 1.3)
    iris = iris * (1 + 0.05 * (streaks * ((r > PUPIL + 0.05) & (r < 0.95)))[..., None])
    soft = max(0.06, 0.7 / max(eye.radius, 1e-3))
    inside = np.clip((1 + soft / 2 - r) / soft, 0, 1)[..., None]
    # through the cornea, the rim of the iris casts a soft shadow on the sclera
    rim = np.exp(-np.square((r - 1.05) / 0.12))[..., None]
    out = out * (1 - 0.25 * rim)
    return np.asarray(out * (1 - inside) + iris * inside, np.float32)


@lru_cache(maxsize=1)
def _vessels() -> np.ndarray:
    """Fine vessels of the sclera (H, W), 0 … 1, around a central iris: none beside it, more
    towards the corners, the same in every eye."""
    size = 2 * _VESSEL_REACH * _VESSEL_STEP
    canvas = np.zeros((size, size), np.float32)
    rng = np.random.default_rng(5)
    for _ in range(46):
        angle = rng.choice([0.0, np.pi]) + rng.normal(0, 0.55)
        start = np.array([np.cos(angle), 0.8 * np.sin(angle)]) * rng.uniform(2.2, 3.4)
        direction = -start / np.linalg.norm(start)
        path = [start]
        for _ in range(int(rng.integers(8, 20))):
            direction = direction + rng.normal(0, 0.2, 2)
            direction = direction / np.linalg.norm(direction)
            path.append(path[-1] + 0.09 * direction)
        points = (np.array(path) + _VESSEL_REACH) * _VESSEL_STEP
        stroke = np.zeros((size, size), np.uint8)
        fixed_point = np.round(points * 16).astype(np.int32)
        cv2.polylines(stroke, [fixed_point], False, 255, 1, cv2.LINE_AA, 4)
        canvas = np.maximum(canvas, rng.uniform(0.25, 1.0) * stroke.astype(np.float32) / 255)
    soft = cv2.GaussianBlur(canvas, (0, 0), 0.8)
    y, x = (np.mgrid[:size, :size] / _VESSEL_STEP) - _VESSEL_REACH
    haze = 0.25 * np.clip((np.hypot(x, 1.2 * y) - 1.6) / 2.0, 0, 1)
    away = np.clip((np.hypot(x, y) - 1.2) / 0.6, 0, 1)
    return np.asarray((soft + haze) * away, np.float32)


def _vessels_at(
    eye: Eyeball, centre: np.ndarray, grid_x: np.ndarray, grid_y: np.ndarray
) -> np.ndarray:
    """The vessels (H, W) at the resolution of this eyeball; a tiny one shows their mean."""
    radius = max(eye.radius, 1e-3)
    x = ((grid_x - centre[0]) / radius + _VESSEL_REACH) * _VESSEL_STEP - 0.5
    y = ((grid_y - centre[1]) / radius + _VESSEL_REACH) * _VESSEL_STEP - 0.5
    blur = 0.4 * _VESSEL_STEP / radius
    texture = _vessels() if blur < 0.6 else cv2.GaussianBlur(_vessels(), (0, 0), blur)
    return cv2.remap(
        texture,
        x.astype(np.float32),
        y.astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )


def add_glint(image: np.ndarray, eye: Eyeball, shift: np.ndarray, origin: np.ndarray) -> None:
    """Adds the specular highlight of the lamp to an image, in place.

    It follows the iris by about a third of its roll only, since the lamp does not move.

    Args:
        image: window (H, W, 3) float, RGB 0 … 255, modified in place.
        eye: the eyeball.
        shift: pixels (2,) by which the iris has rolled away from ``eye.centre``.
        origin: position (2,) of the window's first pixel in the image.
    """
    x, y = eye.centre + 0.35 * shift - origin + np.array([-0.28, -0.42]) * eye.radius
    grid_y, grid_x = np.mgrid[: image.shape[0], : image.shape[1]]
    size = max(0.16 * eye.radius, 0.55)
    glint = np.exp(-(np.square(grid_x - x) + np.square(grid_y - y)) / (2 * (0.6 * size) ** 2))
    strength = min(1.0, (0.16 * eye.radius / 0.55) ** 2)
    image += (250 - image) * (0.85 * strength * glint)[..., None]

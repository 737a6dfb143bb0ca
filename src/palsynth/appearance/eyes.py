"""The eyeball: what lies behind the lids and shows when they open wider or the eye rolls.

A person's iris is a radial colour profile, its sclera a colour with the shading of a ball.
From a photo both are read where they can be seen; a person who does not exist gets them
drawn. No picture of an eye is stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

RINGS = 24
"""Samples of an iris profile, centre to rim."""

PUPIL = 0.36
"""Radius of the pupil as a share of the iris (indoor light)."""

_VEIN = np.array([0.07, 0.24, 0.23])
"""Share of red, green and blue light that a vessel takes."""

_VESSEL_REACH, _VESSEL_STEP = 4, 24
"""Iris radii that the drawn vessels reach from the middle of the iris, and pixels of a radius."""


@dataclass(frozen=True)
class Eyeball:
    """``profile`` (RINGS, 3) iris colours centre to rim, ``sclera`` (3,), both RGB 0 … 255;
    ``centre`` (2,) and ``radius`` of the iris in pixels of the picture."""

    profile: np.ndarray
    sclera: np.ndarray
    centre: np.ndarray
    radius: float


def iris_profile(colour: np.ndarray, limbus: float = 0.45, ring: float = 0.18) -> np.ndarray:
    """A drawn iris: dark pupil, lighter collarette, colour, dark limbus. (RINGS, 3)."""
    r = (np.arange(RINGS) + 0.5) / RINGS
    lightness = 0.82 + ring * np.exp(-np.square((r - 0.52) / 0.12))
    lightness *= 1 - limbus * np.clip((r - 0.8) / 0.2, 0, 1) ** 1.5
    profile = colour[None] * lightness[:, None]
    dark = 1 / (1 + np.exp((r - PUPIL) / 0.025))
    return (profile * (1 - dark[:, None]) + np.array([12, 10, 10]) * dark[:, None]).clip(0, 255)


def read_eyeball(
    image: np.ndarray, aperture: np.ndarray, centre: np.ndarray, radius: float
) -> Eyeball:
    """Reads an eyeball from a picture.

    ``image`` (H, W, 3) RGB, ``aperture`` (H, W) bool where the eyeball shows, ``centre``
    and ``radius`` of the iris in the same pixels. Rings with nothing to see take their
    neighbours' colours; an eye that is shut gets a brown iris.
    """
    ys, xs = np.nonzero(aperture)
    default = iris_profile(np.array([92.0, 64.0, 44.0]))
    if len(ys) < 12:
        return Eyeball(default, np.array([205.0, 196.0, 190.0]), centre, radius)
    pixels = image[ys, xs].astype(np.float32)
    distance = np.hypot(xs - centre[0], ys - centre[1]) / max(radius, 1e-3)
    profile = np.full((RINGS, 3), np.nan, np.float32)
    which = np.floor(distance * RINGS).astype(int)
    for ring in range(RINGS):
        members = pixels[np.abs(which - ring) <= 1]
        if len(members) >= 3:
            profile[ring] = np.median(members, axis=0)
    seen = np.flatnonzero(~np.isnan(profile[:, 0]))
    if len(seen) < 4:
        profile = default.astype(np.float32)
    else:
        for channel in range(3):
            profile[:, channel] = np.interp(np.arange(RINGS), seen, profile[seen, channel])
    white = pixels[(distance > 1.15) & (distance < 2.4)]
    if len(white) >= 6:
        light = white.sum(1)
        # lashes, lids and their shade darken most of what shows
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
    """Colours (H, W, 3) float32 of the eyeball at pixel positions ``grid_x``, ``grid_y``.

    ``shift`` (2,) pixels the iris has rolled away from ``eye.centre``; ``corners`` (2, 2)
    inner and outer corner, towards which the ball turns away from the light.
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

    # rolled away from the camera an iris is seen foreshortened along the way it rolled
    way = float(np.linalg.norm(shift))
    dx, dy = grid_x - centre[0], grid_y - centre[1]
    if way > 1e-3:
        ux, uy = shift / way
        along = dx * ux + dy * uy
        squeeze = 1 / max(0.45, np.sqrt(max(0.0, 1 - (way / (2.1 * eye.radius)) ** 2))) - 1
        dx, dy = dx + along * squeeze * ux, dy + along * squeeze * uy
    r = np.hypot(dx, dy) / max(eye.radius, 1e-3)
    at = np.clip(r * RINGS - 0.5, 0, RINGS - 1).astype(np.float32)
    low = np.floor(at).astype(int)
    high = np.minimum(low + 1, RINGS - 1)
    mix = (at - low)[..., None]
    iris = eye.profile[low] * (1 - mix) + eye.profile[high] * mix
    angle = np.arctan2(dy, dx)
    streaks = np.sin(23 * angle + 2.0 * np.sin(5 * angle)) + 0.6 * np.sin(41 * angle + 1.3)
    iris = iris * (1 + 0.05 * (streaks * ((r > PUPIL + 0.05) & (r < 0.95)))[..., None])
    soft = max(0.06, 0.7 / max(eye.radius, 1e-3))
    inside = np.clip((1 + soft / 2 - r) / soft, 0, 1)[..., None]
    # seen through the cornea, the rim of the iris casts a soft shade on the white
    rim = np.exp(-np.square((r - 1.05) / 0.12))[..., None]
    out = out * (1 - 0.25 * rim)
    return np.asarray(out * (1 - inside) + iris * inside, np.float32)


@lru_cache(maxsize=1)
def _vessels() -> np.ndarray:
    """Fine vessels of the white (H, W), 0 … 1, about an iris in the middle: none beside it, more
    towards the corners, the same in every eye."""
    size = 2 * _VESSEL_REACH * _VESSEL_STEP
    canvas = np.zeros((size, size), np.float32)
    rng = np.random.default_rng(5)
    for _ in range(46):
        angle = rng.choice([0.0, np.pi]) + rng.normal(0, 0.55)
        at = np.array([np.cos(angle), 0.8 * np.sin(angle)]) * rng.uniform(2.2, 3.4)
        way = -at / np.linalg.norm(at)
        path = [at]
        for _ in range(int(rng.integers(8, 20))):
            way = way + rng.normal(0, 0.2, 2)
            way = way / np.linalg.norm(way)
            path.append(path[-1] + 0.09 * way)
        points = (np.array(path) + _VESSEL_REACH) * _VESSEL_STEP
        stroke = np.zeros((size, size), np.uint8)
        drawn = np.round(points * 16).astype(np.int32)
        cv2.polylines(stroke, [drawn], False, 255, 1, cv2.LINE_AA, 4)
        canvas = np.maximum(canvas, rng.uniform(0.25, 1.0) * stroke.astype(np.float32) / 255)
    soft = cv2.GaussianBlur(canvas, (0, 0), 0.8)
    y, x = (np.mgrid[:size, :size] / _VESSEL_STEP) - _VESSEL_REACH
    haze = 0.25 * np.clip((np.hypot(x, 1.2 * y) - 1.6) / 2.0, 0, 1)
    away = np.clip((np.hypot(x, y) - 1.2) / 0.6, 0, 1)
    return np.asarray((soft + haze) * away, np.float32)


def _vessels_at(
    eye: Eyeball, centre: np.ndarray, grid_x: np.ndarray, grid_y: np.ndarray
) -> np.ndarray:
    """The vessels (H, W) as a ball of this size shows them; one of few pixels shows their mean."""
    radius = max(eye.radius, 1e-3)
    x = ((grid_x - centre[0]) / radius + _VESSEL_REACH) * _VESSEL_STEP - 0.5
    y = ((grid_y - centre[1]) / radius + _VESSEL_REACH) * _VESSEL_STEP - 0.5
    blur = 0.4 * _VESSEL_STEP / radius
    texture = _vessels() if blur < 0.6 else cv2.GaussianBlur(_vessels(), (0, 0), blur)
    return cv2.remap(texture, x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR,
                     borderMode=cv2.BORDER_REPLICATE)  # fmt: skip


def add_glint(image: np.ndarray, eye: Eyeball, shift: np.ndarray, origin: np.ndarray) -> None:
    """Paints, in place, the reflection of the lamp, which stays where lamp and ball meet."""
    x, y = eye.centre + 0.35 * shift - origin + np.array([-0.28, -0.42]) * eye.radius
    grid_y, grid_x = np.mgrid[: image.shape[0], : image.shape[1]]
    size = max(0.16 * eye.radius, 0.55)
    glint = np.exp(-(np.square(grid_x - x) + np.square(grid_y - y)) / (2 * (0.6 * size) ** 2))
    strength = min(1.0, (0.16 * eye.radius / 0.55) ** 2)
    image += (250 - image) * (0.85 * strength * glint)[..., None]

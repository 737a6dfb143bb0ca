"""Clothes of all synthetic subjects: surgical cap and top, light blue on a light-blue background
unless a scene says otherwise.

The fixed prompt of the ControlNet method describes the blue picture, and a cap covers the hair,
which the appearance model does not include. All shapes are defined in canonical coordinates.
"""

from __future__ import annotations

import colorsys
from dataclasses import dataclass

import cv2
import numpy as np

from palsynth.appearance.curves import polygon_alpha, smooth_curve
from palsynth.simulator.surface import rest_surface

BAND = (
    (-0.765, 0.22),
    (-0.775, 0.10),
    (-0.765, -0.10),
    (-0.665, -0.36),
    (-0.44, -0.535),
    (0.0, -0.60),
)
"""Lower edge of the cap, from below the patient's right ear to the middle of the forehead."""

CROWN = (
    (-0.765, 0.22), (-0.84, 0.20), (-0.905, 0.08), (-0.965, -0.14), (-1.02, -0.42), (-1.00, -0.74),
    (-0.88, -1.02), (-0.64, -1.22), (-0.32, -1.33), (0.0, -1.36),
)  # fmt: skip
"""Upper edge of the cap, from below the same ear to the top of the head."""

_SHOULDERS = (
    (-2.6, 2.6), (-2.2, 1.78), (-1.55, 1.60), (-0.95, 1.47), (-0.66, 1.36), (-0.52, 1.47),
    (-0.30, 1.68), (0.0, 1.80),
)  # fmt: skip
"""Outline of the top, from the patient's right shoulder to the middle of its neckline."""

_NECK = ((-0.60, 0.30), (-0.585, 0.75), (-0.555, 1.10), (-0.565, 1.35), (-0.70, 1.60), (-1.2, 1.9))

CLOTH = np.array([158.0, 200.0, 224.0])
BACKGROUND = np.array([196.0, 219.0, 233.0])


@dataclass(frozen=True)
class Stage:
    """Mapping of canonical coordinates to a square picture.

    Attributes:
        size: image side in pixels.
        to_pixels: (2, 3) affine map of the head as a whole.
        width: width of the subject's face relative to the mean face.
        turn: (2,) shift in pixels, by the rotation of the head, of a point that is one canonical
            unit nearer to the camera.
    """

    size: int
    to_pixels: np.ndarray
    width: float
    turn: np.ndarray

    def place(self, points: np.ndarray, depth: np.ndarray | float = 0.0) -> np.ndarray:
        """Maps canonical points to pixels.

        Args:
            points: (N, 2) canonical coordinates.
            depth: canonical depth of all points or (N,) of each; negative is nearer.

        Returns:
            (N, 2) float64 pixels.
        """
        scaled = np.asarray(points, np.float64) * [self.width, 1.0]
        depths = np.broadcast_to(np.asarray(depth, np.float64), len(scaled))[:, None]
        return scaled @ self.to_pixels[:, :2].T + self.to_pixels[:, 2] - depths * self.turn


def background(stage: Stage, rng: np.random.Generator) -> np.ndarray:
    """Renders the background, a vignetted light blue.

    Args:
        stage: the mapping to pixels.
        rng: source of randomness.

    Returns:
        (S, S, 3) float32 RGB, 0 to 255.
    """
    return _vignetted(stage, BACKGROUND * rng.uniform(0.97, 1.02))


def wall(stage: Stage, rng: np.random.Generator) -> np.ndarray:
    """Renders a plain wall of any pale or dark, hardly saturated colour, vignetted.

    Args:
        stage: the mapping to pixels.
        rng: source of randomness.

    Returns:
        (S, S, 3) float32 RGB, 0 to 255.
    """
    hue, saturation, value = rng.uniform(0, 1), rng.beta(1.2, 4), rng.beta(3, 1.6)
    tone = np.array(colorsys.hsv_to_rgb(hue, 0.4 * saturation, 0.25 + 0.7 * value))
    return _vignetted(stage, 255 * tone)


def _vignetted(stage: Stage, tone: np.ndarray) -> np.ndarray:
    size = stage.size
    y, x = np.mgrid[:size, :size].astype(np.float32) / size
    vignette = 1.03 - 0.10 * (np.square(x - 0.5) + np.square(y - 0.4))
    return np.asarray(vignette[..., None] * tone, np.float32)


def draw_neck_and_top(
    image: np.ndarray,
    stage: Stage,
    skin: np.ndarray,
    chin: np.ndarray,
    rng: np.random.Generator,
    cloth: np.ndarray = CLOTH,
) -> None:
    """Draws neck and top, in place.

    Args:
        image: (S, S, 3) float32 RGB, 0 to 255.
        stage: the mapping to pixels.
        skin: (3,) RGB of the jaw.
        chin: (2,) the chin in pixels.
        rng: source of randomness.
        cloth: (3,) RGB of the top.
    """
    size = stage.size
    unit = float(np.linalg.norm(stage.to_pixels[:, 0]))
    neck = stage.place(_mirrored(_NECK), 0.35)
    alpha = polygon_alpha(_curve(neck), (size, size), np.zeros(2))
    box = _box(alpha)
    y, x = np.mgrid[box].astype(np.float32)
    across = (x - neck[:, 0].mean()) / (0.58 * unit * stage.width)
    below = np.clip((y - chin[1]) / unit, -0.4, None)
    # the chin casts a shadow on the neck, whose sides face away from the light
    shade = 1.0 - 0.34 * np.exp(-np.square((below + 0.02) / 0.15)) * np.exp(-0.6 * across**2)
    shade *= 1 - 0.18 * np.clip(np.abs(across), 0, 1.3) ** 3
    cords = np.exp(-np.square((np.abs(across) - 0.45 + 0.25 * below) / 0.16))
    shade *= 1 + 0.05 * cords * np.clip(below / 0.2, 0, 1)
    colour = skin * np.array([0.97, 0.95, 0.94])
    image[box] += (colour * shade[..., None] - image[box]) * alpha[box][..., None]

    top = stage.place(_mirrored(_SHOULDERS), 0.45)
    alpha = polygon_alpha(_curve(top), (size, size), np.zeros(2))
    box = _box(alpha)
    creases = _creases(stage, rng, 5.0)[box]
    edge = cv2.GaussianBlur(alpha, (0, 0), 0.05 * unit)[box]
    hem = np.clip((1 - edge) * 2, 0, 1)
    shade = 0.93 + 0.10 * creases - 0.10 * hem + 0.06 * np.exp(-np.square((edge - 0.72) / 0.05))
    drop = cv2.GaussianBlur(alpha, (0, 0), 0.035 * unit) * (1 - alpha)
    around = _box(drop)
    image[around] *= 1 - 0.35 * drop[around][..., None]
    image[box] += (cloth * shade[..., None] - image[box]) * alpha[box][..., None]


def draw_cap(
    image: np.ndarray, stage: Stage, rng: np.random.Generator, cloth: np.ndarray = CLOTH
) -> None:
    """Draws the cap over head and forehead, in place, with its shadow on the skin.

    Args:
        image: (S, S, 3) float32 RGB, 0 to 255.
        stage: the mapping to pixels.
        rng: source of randomness.
        cloth: (3,) RGB of the cap.
    """
    size = stage.size
    unit = float(np.linalg.norm(stage.to_pixels[:, 0]))
    puff = 1 + rng.uniform(-0.04, 0.06, len(CROWN))
    half_band = np.array(BAND)
    half_band[-2:, 1] += rng.uniform(-0.05, 0.03)  # some wear it lower on the forehead
    edge = _mirrored(tuple(map(tuple, half_band)))
    band = smooth_curve(stage.place(edge, _skin_depth(edge) - 0.03), 8)
    crown = np.array(CROWN)
    crown[1:, 0] *= puff[1:]
    crown = _mirrored(tuple(map(tuple, crown)))
    depth = np.full(len(crown), 0.35)
    depth[[0, -1]] = _skin_depth(crown[[0, -1]]) - 0.03  # where it meets the band
    crown = smooth_curve(stage.place(crown, depth), 8)
    outline = np.vstack([band, crown[::-1]])
    alpha = polygon_alpha(outline, (size, size), np.zeros(2))
    if not alpha.any():
        return

    shadow = cv2.GaussianBlur(alpha, (0, 0), max(0.5, 0.022 * unit))
    shadow = np.roll(shadow, max(1, round(0.02 * unit)), axis=0) * (1 - alpha)
    around = _box(shadow)
    image[around] *= 1 - 0.42 * shadow[around][..., None]

    # a bouffant cap is a cushion: bright on top, darker where it curves away, pleated at the band
    edge_distance = cv2.distanceTransform((alpha > 0.5).astype(np.uint8), cv2.DIST_L2, 3) / unit
    edge_distance = cv2.GaussianBlur(edge_distance, (0, 0), max(0.5, 0.03 * unit))
    roundness = 1 - np.exp(-edge_distance / 0.11)
    slope_y, slope_x = np.gradient(roundness * 0.22 * unit)
    box = _box(alpha)
    roundness, slope_x, slope_y = roundness[box], slope_x[box], slope_y[box]
    light = 0.80 + 0.17 * roundness - 0.34 * slope_x * 0.25 + 0.30 * slope_y * -0.55
    creases = _creases(stage, rng, 3.2)[box]
    edge_distance = edge_distance[box]
    y, x = np.mgrid[box].astype(np.float32)
    order = np.argsort(band[:, 0])
    rim = np.interp(x[0], band[order, 0], band[order, 1])
    above = np.clip((rim[None] - y) / unit, 0, None)
    pleat = _pleats(x[0], unit, rng)[None] * np.exp(-above / 0.16) * np.clip(above / 0.045, 0, 1)
    sides = np.clip((np.abs((x - crown[:, 0].mean()) / unit) - 0.72) / 0.1, 0, 1)
    light = light + 0.055 * creases + 0.075 * pleat * (1 - sides)
    elastic = np.exp(-np.square((edge_distance - 0.040) / 0.014)) * np.clip(
        (0.3 - above) / 0.2, 0, 1
    )
    light = light - 0.07 * elastic
    image[box] += (cloth * 1.01 * light[..., None] - image[box]) * alpha[box][..., None]


def _box(weight: np.ndarray) -> tuple[slice, slice]:
    """The rows and columns of (H, W) outside which a weight is 0: nothing needs painting there."""
    rows, columns = (np.flatnonzero((weight != 0).any(axis)) for axis in (1, 0))
    if not len(rows):
        return slice(0, 0), slice(0, 0)
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _skin_depth(points: np.ndarray) -> np.ndarray:
    """Depth (N,) of the face under canonical points (N, 2): that of the nearest vertex."""
    surface = rest_surface()
    nearest = np.square(points[:, None] - surface[None, :, :2]).sum(-1).argmin(1)
    return np.asarray(surface[nearest, 2])


def _mirrored(half: tuple[tuple[float, float], ...]) -> np.ndarray:
    """A curve with its mirror image appended; a last point on the midline is not repeated."""
    points = np.array(half)
    mirrored = points[::-1] * [-1, 1]
    if abs(points[-1, 0]) < 1e-9:
        mirrored = mirrored[1:]
    return np.vstack([points, mirrored])


def _curve(points: np.ndarray) -> np.ndarray:
    return smooth_curve(points, 6)


def _creases(stage: Stage, rng: np.random.Generator, scale: float) -> np.ndarray:
    """Soft creases of cloth (S, S), about -1 to 1; the same at every image size."""
    cells = 96
    noise = rng.standard_normal((cells, cells)).astype(np.float32)
    soft = cv2.GaussianBlur(noise, (0, 0), scale)
    ridge = 1 - 2 * np.abs(np.tanh(1.2 * soft / soft.std()))
    ridge = cv2.GaussianBlur(ridge, (0, 0), 1.2)
    broad = cv2.GaussianBlur(noise, (0, 0), 2.4 * scale)
    creases = 0.6 * ridge + 0.6 * broad / broad.std()
    return np.asarray(cv2.resize(creases, (stage.size, stage.size), interpolation=cv2.INTER_CUBIC))


def _pleats(x: np.ndarray, unit: float, rng: np.random.Generator) -> np.ndarray:
    """Gathers of the elastic along the band, (S,), about -1 to 1."""
    phase = rng.uniform(0, 2 * np.pi, 4)
    s = x / unit
    waves = (
        np.sin(38 * s + phase[0] + 1.5 * np.sin(7 * s + phase[1]))
        + 0.7 * np.sin(61 * s + phase[2])
        + 0.5 * np.sin(23 * s + phase[3])
    )
    return np.asarray(waves / 1.6, np.float32)

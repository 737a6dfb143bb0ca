"""The lash line: dark along the lid margin, with single lashes where the image can resolve them."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np

from palsynth.clinical import Side

LASHES = 42
_COLOUR = np.array([26.0, 18.0, 16.0])
_FINE = 4
"""Supersampling factor at which the lashes are drawn."""


def draw_lashes(
    image: np.ndarray,
    margin: np.ndarray,
    unit: float,
    side: Side,
    closure: float,
    strength: float,
) -> np.ndarray:
    """Draws lashes along the margin of an upper lid.

    Args:
        image: window (H, W, 3) float32, RGB 0 … 255.
        margin: points (N, 2) along the margin, pixels of the window.
        unit: pixels per canonical unit.
        side: side of the eye.
        closure: 0 open … 1 shut, which turns the lashes from up to down.
        strength: opacity, 0 … 1.

    Returns:
        The window (H, W, 3) float32 with lashes; ``image`` itself if ``strength`` is about 0.
    """
    if strength <= 0.02:
        return image
    height, width = image.shape[:2]
    canvas = np.zeros((height * _FINE, width * _FINE), np.uint8)
    shut = float(np.clip(closure, 0, 1))
    sink = np.array([0.0, 0.005 * unit * shut])
    path = (margin + sink + 0.5) * _FINE - 0.5
    path = path if side == Side.RIGHT else path[::-1]  # from the outer corner to the nose
    thickness = max(1, round((0.010 + 0.003 * shut) * unit * _FINE))
    for k, segment in enumerate(pairwise(path)):
        tone = 225 - 165 * (k / (len(path) - 2)) ** 2  # lashes thin out towards the nose
        _stroke(canvas, np.array(segment), tone, thickness)
    if unit > 60:  # in a smaller image a single lash is too thin to resolve
        for stroke, tone in _single_lashes(path, 0.044 * unit * _FINE, side, shut):
            _stroke(canvas, stroke, tone, max(1, round(0.0028 * unit * _FINE)))
    mask = cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA) / np.float32(255)
    return np.asarray(image + (_COLOUR - image) * (0.8 * strength * mask)[..., None], np.float32)


def _single_lashes(
    path: np.ndarray, length: float, side: Side, shut: float
) -> list[tuple[np.ndarray, float]]:
    """Slightly curved strokes (3, 2) of varying length, direction and tone; deterministic."""
    rng = np.random.default_rng(11)
    out = []
    for k in range(LASHES):
        t = 0.86 * (k + rng.uniform(0.1, 0.9)) / LASHES
        root = path[int(t * (len(path) - 1))]
        outward = side.sign * np.interp(t, [0, 0.5, 1], [1.0, 0.25, -0.5])
        # lashes of an open eye point up and out; of a shut eye, down and out
        direction = np.array([outward + rng.normal(0, 0.18), 2.0 * shut - 1.0])
        direction = direction / np.linalg.norm(direction)
        reach = length * (0.55 + 0.45 * np.sin(np.pi * min(1, t + 0.25))) * rng.uniform(0.4, 1.1)
        tip = root + reach * direction
        curve = np.array([root, (root + tip) / 2 + [0, rng.uniform(0.04, 0.16) * reach], tip])
        out.append((curve, float(rng.uniform(60, 150))))
    return out


def _stroke(canvas: np.ndarray, points: np.ndarray, tone: float, thickness: int) -> None:
    fixed_point = np.round(points * 16).astype(np.int32)
    cv2.polylines(canvas, [fixed_point], False, tone, thickness, cv2.LINE_AA, 4)

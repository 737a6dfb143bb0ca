"""The appearance model: linear face shape and skin on the canonical mesh, and its file."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import cv2
import numpy as np

from palsynth.appearance.mesh import EXTENT, CanonicalMesh
from palsynth.files import atomic_write

UNIT = 128
"""Texture pixels per canonical unit, close to the resolution of the training photographs."""

ETHNICITIES = ("white", "black", "west_asian", "east_asian")
"""Groups that the photographed people reported, and so the ones that can be requested."""


def to_texture(points: np.ndarray) -> np.ndarray:
    """Converts canonical coordinates to texture pixels.

    Args:
        points: canonical coordinates (…, 2).

    Returns:
        Texture coordinates (…, 2) float32; pixel centres are whole numbers.
    """
    return np.asarray((points - np.array(EXTENT[:2], np.float32)) * UNIT - 0.5, np.float32)


def texture_shape() -> tuple[int, int]:
    """Height and width of a texture in pixels."""
    left, top, right, bottom = EXTENT
    return int((bottom - top) * UNIT), int((right - left) * UNIT)


def attribute_row(age: float, woman: bool, ethnicity: str) -> np.ndarray:
    """Encodes a person's attributes as the regressors of the appearance codes.

    Args:
        age: age in years.
        woman: whether the person is a woman.
        ethnicity: one of ``ETHNICITIES``; the first is the reference group.

    Returns:
        Row (6,) float64: [1, age / 10 − 3, woman, one-hot ethnicity without the reference].

    Example:
        >>> attribute_row(45, True, "black").tolist()
        [1.0, 1.5, 1.0, 1.0, 0.0, 0.0]
    """
    return np.array(
        [1.0, age / 10 - 3, float(woman), *(float(ethnicity == e) for e in ETHNICITIES[1:])]
    )


@dataclass(frozen=True)
class AppearanceModel:
    """Linear model of landmarks and skin, with the regression of its codes on attributes.

    A code (K,) holds S shape coefficients, then one coefficient per texture component.
    """

    mesh: CanonicalMesh
    """The canonical mesh."""

    landmark_mirror: np.ndarray
    """Index (478,) of each landmark's mirror image."""

    shape_mean: np.ndarray
    """Mean landmarks (478, 3), canonical units."""

    shape_basis: np.ndarray
    """Shape components (S, 478 · 3) of unit length."""

    inside: np.ndarray
    """Mask (H, W) bool of the texture pixels that the model covers (N of them)."""

    texture_mean: np.ndarray
    """Mean skin (N, 3), RGB 0 … 255."""

    texture_basis: np.ndarray
    """Texture components (C, N · 3) int8, to be multiplied by ``texture_scale``."""

    texture_scale: np.ndarray
    """Scale (C,) that gives each texture component unit length."""

    grain: np.ndarray
    """Standard deviation (H, W) of the skin that the components leave unexplained."""

    regression: np.ndarray
    """Regression weights (A, K) of the codes on :func:`attribute_row`."""

    spread: np.ndarray
    """Cholesky factor (K, K) of the covariance of the codes given the attributes."""

    @property
    def code_length(self) -> int:
        """Number of coefficients in a code."""
        return len(self.spread)

    def landmarks(self, code: np.ndarray) -> np.ndarray:
        """Computes the neutral landmarks of a code.

        Args:
            code: coefficients (K,).

        Returns:
            Landmarks (478, 3) float32, canonical units.
        """
        n = len(self.shape_basis)
        flat = code[:n].astype(np.float32) @ self.shape_basis.astype(np.float32)
        return np.asarray(self.shape_mean + flat.reshape(-1, 3), np.float32)

    def texture(self, code: np.ndarray) -> np.ndarray:
        """Computes the skin texture of a code, at the mean shape.

        Args:
            code: coefficients (K,).

        Returns:
            Texture (H, W, 3) float32, RGB about 0 … 255; 0 where the model does not reach.
        """
        weights = code[len(self.shape_basis) :].astype(np.float32) * self.texture_scale
        flat = self._mean + weights @ self._basis
        out = np.zeros((*texture_shape(), 3), np.float32)
        out[self.inside] = flat.reshape(-1, 3)
        return out

    def lightness(self, step: np.ndarray) -> np.ndarray:
        """Computes how a change of code changes the lightness of the skin.

        Args:
            step: difference of two codes (K,).

        Returns:
            Change (H, W) float32 of the channels' mean; 0 where the model does not reach.
        """
        weights = step[len(self.shape_basis) :].astype(np.float32) * self.texture_scale
        out = np.zeros(texture_shape(), np.float32)
        out[self.inside] = weights @ self._light_basis
        return out

    @cached_property
    def _light_basis(self) -> np.ndarray:
        return np.ascontiguousarray(self._basis.reshape(len(self._basis), -1, 3).mean(-1))

    @cached_property
    def _basis(self) -> np.ndarray:
        return self.texture_basis.astype(np.float32)

    @cached_property
    def _mean(self) -> np.ndarray:
        return self.texture_mean.astype(np.float32).ravel()


def save_model(arrays: dict[str, np.ndarray], path: Path) -> None:
    """Writes a fitted model atomically.

    Args:
        arrays: what :func:`palsynth.appearance.fit.fit` returns.
        path: the ``.npz`` file to write.
    """
    with atomic_write(path) as temporary, temporary.open("wb") as file:
        named: dict[str, Any] = arrays
        np.savez_compressed(file, **named)


def load_model(path: Path) -> AppearanceModel:
    """Loads a model from its file.

    Args:
        path: a file written by :func:`save_model`.

    Returns:
        The appearance model.

    Raises:
        ValueError: the file cannot be read or is not an appearance model.
    """
    try:
        with np.load(path, allow_pickle=False) as data:
            arrays = {name: data[name] for name in data.files}
        for name, array in arrays.items():
            if array.dtype.kind == "f" and not np.isfinite(array).all():
                raise ValueError(f"{name} has values that are not finite")
        mesh = CanonicalMesh(*(arrays.pop(n) for n in ("vertices", "triangles", "mirror")))
        height, width = texture_shape()
        inside = np.unpackbits(arrays.pop("inside"))[: height * width].reshape(height, width)
        return AppearanceModel(mesh=mesh, inside=inside.astype(bool), **arrays)
    except (OSError, EOFError, BadZipFile, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: not an appearance model ({error})") from None


@lru_cache(maxsize=1)
def appearance_model() -> AppearanceModel:
    """The appearance model that ships with the package."""
    return load_model(Path(str(files("palsynth.appearance") / "assets" / "appearance.npz")))


def canonical_mesh() -> CanonicalMesh:
    """The canonical mesh of the appearance model that ships with the package."""
    return appearance_model().mesh


def pyramid(texture: np.ndarray, scale: float) -> tuple[np.ndarray, float]:
    """Downsamples a texture to the resolution of the image it is rendered into.

    The texture is halved as long as it stays at least about as fine as the image.

    Args:
        texture: texture (H, W, 3) with ``UNIT`` pixels per canonical unit.
        scale: pixels per canonical unit of the image.

    Returns:
        The reduced texture and its pixels per canonical unit.
    """
    unit = float(UNIT)
    while unit / 2 >= 0.95 * scale:
        texture = cv2.pyrDown(texture)
        unit /= 2
    return texture, unit

"""The appearance model's file: the canonical mesh and, on it, what faces look like."""

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
"""Texture pixels per canonical unit: about the resolution of the photographs."""

ETHNICITIES = ("white", "black", "west_asian", "east_asian")
"""What the photographed people reported, and so what can be asked for."""


def to_texture(points: np.ndarray) -> np.ndarray:
    """Canonical (…, 2) -> texture pixels."""
    return np.asarray((points - np.array(EXTENT[:2], np.float32)) * UNIT - 0.5, np.float32)


def texture_shape() -> tuple[int, int]:
    """(height, width) of a texture."""
    left, top, right, bottom = EXTENT
    return int((bottom - top) * UNIT), int((right - left) * UNIT)


def attribute_row(age: float, woman: bool, ethnicity: str) -> np.ndarray:
    """What a person's codes are regressed on: [1, age/10 − 3, woman, one-hot ethnicity]."""
    return np.array(
        [1.0, age / 10 - 3, float(woman), *(float(ethnicity == e) for e in ETHNICITIES[1:])]
    )


@dataclass(frozen=True)
class AppearanceModel:
    """Linear model of landmarks and skin, with the regression of its codes on attributes.

    A person's code is (K,): SHAPE numbers first, then one per texture component.
    """

    mesh: CanonicalMesh
    landmark_mirror: np.ndarray
    shape_mean: np.ndarray
    shape_basis: np.ndarray
    inside: np.ndarray
    texture_mean: np.ndarray
    texture_basis: np.ndarray
    texture_scale: np.ndarray
    grain: np.ndarray
    regression: np.ndarray
    spread: np.ndarray

    @property
    def code_length(self) -> int:
        """Numbers in a person's code."""
        return len(self.spread)

    def landmarks(self, code: np.ndarray) -> np.ndarray:
        """Neutral landmarks (478, 3) of a code, canonical units."""
        n = len(self.shape_basis)
        flat = code[:n].astype(np.float32) @ self.shape_basis.astype(np.float32)
        return np.asarray(self.shape_mean + flat.reshape(-1, 3), np.float32)

    def texture(self, code: np.ndarray) -> np.ndarray:
        """Skin (H, W, 3) float32 RGB of a code, at the mean shape."""
        weights = code[len(self.shape_basis) :].astype(np.float32) * self.texture_scale
        flat = self._mean + weights @ self._basis
        out = np.zeros((*texture_shape(), 3), np.float32)
        out[self.inside] = flat.reshape(-1, 3)
        return out

    def lightness(self, step: np.ndarray) -> np.ndarray:
        """Change (H, W) of the skin's lightness that a step (K,) in code makes."""
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
    """Writes the arrays that :func:`palsynth.appearance.fit.fit` returns, whole or not at all."""
    with atomic_write(path) as temporary, temporary.open("wb") as file:
        named: dict[str, Any] = arrays
        np.savez_compressed(file, **named)


def load_model(path: Path) -> AppearanceModel:
    """Reads a model's file. Raises ValueError where it is not one."""
    try:
        with np.load(path, allow_pickle=False) as data:
            arrays = {name: data[name] for name in data.files}
        mesh = CanonicalMesh(*(arrays.pop(n) for n in ("vertices", "triangles", "mirror")))
        height, width = texture_shape()
        inside = np.unpackbits(arrays.pop("inside"))[: height * width].reshape(height, width)
        return AppearanceModel(mesh=mesh, inside=inside.astype(bool), **arrays)
    except (OSError, EOFError, BadZipFile, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: not an appearance model ({error})") from None


@lru_cache(maxsize=1)
def appearance_model() -> AppearanceModel:
    """The model that ships with the package."""
    return load_model(Path(str(files("palsynth.appearance") / "assets" / "appearance.npz")))


def canonical_mesh() -> CanonicalMesh:
    """The mesh of the model that ships with the package."""
    return appearance_model().mesh


def pyramid(texture: np.ndarray, scale: float) -> tuple[np.ndarray, float]:
    """A texture reduced for pictures of ``scale`` pixels per canonical unit, and its own
    pixels per unit: halved while that leaves the picture's resolution."""
    unit = float(UNIT)
    while unit / 2 >= 0.95 * scale:
        texture = cv2.pyrDown(texture)
        unit /= 2
    return texture, unit

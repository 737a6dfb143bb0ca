"""A set of images in an audit, with the recogniser's features of each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from palsynth.data.faces import FoundFace, crop_face, find_faces
from palsynth.data.manifest import Row
from palsynth.data.pictures import pictures
from palsynth.errors import InputError
from palsynth.face.face import Face
from palsynth.face.images import read_image
from palsynth.progress import StageProgress
from palsynth.scoring.features import FeatureCache, cached_features
from palsynth.scoring.judges import Judge

MIN_IMAGES = 20
"""Least images per set for meaningful rates."""

FACE_SIZE = 112
"""Side in pixels of the faces that are compared."""


@dataclass(frozen=True)
class ImageSet:
    """A set of N images under audit."""

    folder: Path
    rows: list[Row]
    """Row of the manifest of each image."""
    features: np.ndarray
    """Features of the faces, (N, D) float; NaN without exactly one face."""

    def path(self, number: int) -> Path:
        """The file of an image.

        Args:
            number: its row, from 0.

        Returns:
            The path.
        """
        return self.folder / self.rows[number].file_name

    def image(self, number: int) -> np.ndarray:
        """Reads an image.

        Args:
            number: its row, from 0.

        Returns:
            (H, W, 3) uint8 RGB.
        """
        return read_image(self.path(number))

    def face(self, number: int) -> np.ndarray:
        """Reads an image, cropped to the one usable face that is found in it, if there is one.

        Args:
            number: its row, from 0.

        Returns:
            (H, W, 3) uint8 RGB.
        """
        image = self.image(number)
        found = self._found[self.rows[number].file_name]
        if found.points is None:
            return image
        return crop_face(Face(image, found.landmarks()), FACE_SIZE).image

    @property
    def has_photographs(self) -> bool:
        """Whether images may not be cropped yet: some lack exact landmarks."""
        return any("multipie60" not in row.attributes for row in self.rows)

    @cached_property
    def _found(self) -> dict[str, FoundFace]:
        return find_faces(self.folder, self.rows)

    @property
    def subjects(self) -> np.ndarray:
        """Subject of each image, (N,) strings that differ between folders."""
        return np.array([f"{self.folder.resolve()}:{row.subject_id}" for row in self.rows])


def check_size(folder: Path, splits: tuple[str, ...] | None) -> list[Row]:
    """Checks that a set has enough images for meaningful rates.

    Args:
        folder: folder of the set.
        splits: splits to use; None for all images.

    Returns:
        Its rows.

    Raises:
        InputError: there are fewer than ``MIN_IMAGES`` images, or the folder cannot be read.
    """
    rows = pictures(folder, splits)
    if len(rows) < MIN_IMAGES:
        which = f" in split {' and '.join(splits)}" if splits else ""
        raise InputError(
            f"{folder}: {len(rows)} pictures{which}; an audit needs at least {MIN_IMAGES} of "
            "each set "
            "(--holdout names another hold-out)"
        )
    return rows


def open_set(
    folder: Path,
    splits: tuple[str, ...] | None,
    judge: Judge,
    cache: FeatureCache,
    progress: StageProgress | None = None,
) -> ImageSet:
    """Reads the images of a folder and the features of their faces.

    Args:
        folder: folder of the set.
        splits: splits to use; None for all images.
        judge: the recogniser.
        cache: cache of the features.
        progress: called with the stage, the images done and their total.

    Returns:
        The set; features compared by cosine are normalised to unit length.

    Raises:
        InputError: there are fewer than ``MIN_IMAGES`` images, or one cannot be read.
    """
    rows = check_size(folder, splits)
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        if progress is not None:
            progress(f"{folder.name}, {judge.name}", done, len(rows))

    files = [folder / row.file_name for row in rows]
    features = cached_features(files, judge.name, judge.extract, cache, advance)
    if judge.by_cosine:
        features = features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-9)
    return ImageSet(folder, rows, features)

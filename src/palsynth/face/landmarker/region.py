"""Rotated square regions of a picture: cropping them, and mapping points back to the picture."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True)
class CropRegion:
    """A rotated square in a picture.

    Attributes:
        centre: (2,) x and y, pixels of the picture; the first pixel has its centre at 0.
        side: side of the square, pixels.
        turn: rotation of the square, radians, positive clockwise.
    """

    centre: np.ndarray
    side: float
    turn: float = 0.0

    @staticmethod
    def whole(image: np.ndarray, room: float = 1.0) -> CropRegion:
        """The smallest upright square around a whole picture, enlarged.

        Args:
            image: (H, W, ...).
            room: factor by which the square is enlarged.

        Returns:
            A square region around the whole picture.
        """
        size = np.array(image.shape[1::-1])
        return CropRegion((size - 1) / 2, room * float(size.max()))

    @property
    def axes(self) -> np.ndarray:
        """(2, 2) float64, the axes of the square as columns, in the picture."""
        c, s = np.cos(self.turn), np.sin(self.turn)
        return np.array([[c, -s], [s, c]])

    def cut(self, image: np.ndarray, size: int, border: int = cv2.BORDER_REPLICATE) -> np.ndarray:
        """Crops the region from a picture.

        Where a pixel of the crop spans two or more of the picture, these are averaged first.

        Args:
            image: (H, W, 3) uint8.
            size: side of the crop, pixels.
            border: OpenCV's border mode for pixels beyond the picture. Default: the outermost
                pixels are repeated.

        Returns:
            (size, size, 3) float32 in 0 … 1.
        """
        step = self.side / size
        first = self.centre - self.axes @ np.full(2, (self.side - step) / 2)
        factor = max(1, int(step))
        if factor > 1:
            image, offset = self._reduced(image, factor)
            first = (first - offset - (factor - 1) / 2) / factor
        crop = cv2.warpAffine(
            image,
            np.column_stack([self.axes * (step / factor), first]),
            (size, size),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=border,
        )
        return crop.astype(np.float32) / 255

    def _reduced(self, image: np.ndarray, factor: int) -> tuple[np.ndarray, np.ndarray]:
        """The part of a picture around the region, reduced, and the part's first pixel (2,)."""
        reach = self.side * np.abs(self.axes).sum(1) / 2 + 2 * factor
        size = np.array(image.shape[1::-1])
        low = np.clip((self.centre - reach).astype(int), 0, np.maximum(size - factor, 0))
        high = np.clip(
            (self.centre + reach).astype(int) + 1, low + factor, np.maximum(size, low + factor)
        )
        count = np.maximum((high - low) // factor, 1)
        high = np.minimum(low + count * factor, size)
        part = image[low[1] : high[1], low[0] : high[0]]
        return cv2.resize(part, count.tolist(), interpolation=cv2.INTER_AREA), low

    def to_picture(self, points: np.ndarray, size: int) -> np.ndarray:
        """Maps points of a crop back to the picture.

        Args:
            points: (N, 2 or 3), pixels of the crop, counted from its edge (0 … ``size``); depth in
                the units of x.
            size: side of the crop, pixels.

        Returns:
            (N, 2 or 3) float64, pixels of the picture; depth in the units of x.
        """
        scale = self.side / size
        positions = (points[:, :2] * scale - self.side / 2) @ self.axes.T + self.centre
        return np.column_stack([positions, points[:, 2:] * scale])

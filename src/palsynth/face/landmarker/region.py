"""A turned square in a picture: cut out for a network, and the way back for what it finds."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True)
class CropRegion:
    """``centre`` (2,) and ``side`` in pixels, where pixel 0 has its centre at 0; ``turn`` in
    radians, positive where the square is turned clockwise."""

    centre: np.ndarray
    side: float
    turn: float = 0.0

    @staticmethod
    def whole(image: np.ndarray, room: float = 1.0) -> CropRegion:
        """The smallest upright square around a picture (H, W, ...), ``room`` times as large."""
        size = np.array(image.shape[1::-1])
        return CropRegion((size - 1) / 2, room * float(size.max()))

    @property
    def axes(self) -> np.ndarray:
        """(2, 2): a column for each of the square's own axes, in the picture."""
        c, s = np.cos(self.turn), np.sin(self.turn)
        return np.array([[c, -s], [s, c]])

    def cut(self, image: np.ndarray, size: int, border: int = cv2.BORDER_REPLICATE) -> np.ndarray:
        """The region as (size, size, 3) float32 in 0 … 1.

        Where a pixel of the cut spans two or more of the picture's, they are averaged first.
        """
        step = self.side / size
        first = self.centre - self.axes @ np.full(2, (self.side - step) / 2)
        reduce = max(1, int(step))
        if reduce > 1:
            image, offset = self._reduced(image, reduce)
            first = (first - offset - (reduce - 1) / 2) / reduce
        cut = cv2.warpAffine(
            image,
            np.column_stack([self.axes * (step / reduce), first]),
            (size, size),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=border,
        )
        return cut.astype(np.float32) / 255

    def _reduced(self, image: np.ndarray, by: int) -> tuple[np.ndarray, np.ndarray]:
        """The part of a picture around the region, reduced, and the part's first pixel (2,)."""
        reach = self.side * np.abs(self.axes).sum(1) / 2 + 2 * by
        size = np.array(image.shape[1::-1])
        low = np.clip((self.centre - reach).astype(int), 0, np.maximum(size - by, 0))
        high = np.clip((self.centre + reach).astype(int) + 1, low + by, np.maximum(size, low + by))
        count = np.maximum((high - low) // by, 1)
        high = np.minimum(low + count * by, size)
        part = image[low[1] : high[1], low[0] : high[0]]
        return cv2.resize(part, count.tolist(), interpolation=cv2.INTER_AREA), low

    def to_picture(self, points: np.ndarray, size: int) -> np.ndarray:
        """Points (N, 2 or 3) of a cut, counted from its edge in 0 … ``size``, in the picture;
        depth in the units of x."""
        scale = self.side / size
        flat = (points[:, :2] * scale - self.side / 2) @ self.axes.T + self.centre
        return np.column_stack([flat, points[:, 2:] * scale])

from __future__ import annotations

import cv2
import numpy as np
import pytest

from palsynth.face.landmarker.region import CropRegion

RAMP = np.repeat(
    np.stack(np.meshgrid(np.arange(200), np.arange(120)), -1).astype(np.uint8), [1, 2], axis=2
)
"""Red is x, green and blue are y of each pixel."""


def test_a_crop_without_resampling() -> None:
    region = CropRegion(np.array([49.5, 39.5]), 20.0)
    assert np.array_equal(region.cut(RAMP, 20) * 255, RAMP[30:50, 40:60])


@pytest.mark.parametrize("side", [30.0, 64.0, 110.0])
@pytest.mark.parametrize("turn", [0.0, 0.4, -1.2])
def test_points_of_a_crop_map_back_to_the_pixels_of_the_picture(side: float, turn: float) -> None:
    region = CropRegion(np.array([100.0, 60.0]), side, turn)
    crop = region.cut(RAMP, 20) * 255
    pixels = np.array([[10, 10], [6, 12], [13, 8]])
    origin = region.to_picture(pixels + 0.5, 20)
    assert np.abs(crop[pixels[:, 1], pixels[:, 0], :2] - origin).max() < 0.6


def test_depth_is_in_the_units_of_x() -> None:
    assert region_depth(CropRegion(np.zeros(2), 512.0, 0.3)) == 20


def region_depth(region: CropRegion) -> float:
    return float(region.to_picture(np.array([[0.0, 0.0, 10.0]]), 256)[0, 2])


def test_large_regions_are_averaged_not_subsampled() -> None:
    stripes = np.zeros((400, 400, 3), np.uint8)
    stripes[:, ::2] = 255  # one pixel wide: subsampling would make them all black or all white
    crop = CropRegion.whole(stripes).cut(stripes, 100)
    assert np.abs(crop - 0.5).max() < 0.01


def test_a_region_beyond_the_picture_can_be_cropped() -> None:
    image = np.full((50, 50, 3), 90, np.uint8)
    for centre in ([-400.0, 20.0], [500.0, 500.0]):
        crop = CropRegion(np.array(centre), 300.0).cut(image, 20)
        assert np.allclose(crop * 255, 90)
        black = CropRegion(np.array(centre), 300.0).cut(image, 20, cv2.BORDER_CONSTANT)
        assert black.max() == 0


def test_the_region_of_a_whole_picture() -> None:
    region = CropRegion.whole(np.zeros((120, 200, 3), np.uint8), 1.5)
    assert np.allclose(region.centre, [99.5, 59.5])
    assert region.side == 300

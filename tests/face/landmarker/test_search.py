"""Detection of faces of any size and position, and of none where there is none."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from palsynth.face.landmarker import find_faces
from palsynth.face.landmarker.search import _search_regions, _tiles


def _paste(face: np.ndarray, size: tuple[int, int], at: tuple[int, int], side: int) -> np.ndarray:
    photo = np.full((size[1], size[0], 3), 96, np.uint8)
    photo[at[1] : at[1] + side, at[0] : at[0] + side] = cv2.resize(
        face, (side, side), interpolation=cv2.INTER_AREA
    )
    return photo


@pytest.mark.parametrize(
    ("size", "at", "side"),
    [
        ((4000, 3000), (3000, 300), 400),
        ((6000, 600), (1000, 100), 400),
        ((8660, 5773), (8000, 5500), 200),
    ],
)
def test_small_faces_in_large_photos(
    neutral: np.ndarray, size: tuple[int, int], at: tuple[int, int], side: int
) -> None:
    (found,) = find_faces(_paste(neutral, size, at, side))
    (near,) = find_faces(cv2.resize(neutral, (side, side), interpolation=cv2.INTER_AREA))
    apart = found.landmarks[:, :2] - at - near.landmarks[:, :2]
    width = np.ptp(near.landmarks[:, 0])
    assert np.linalg.norm(apart, axis=1).mean() < 0.02 * width


def test_a_face_that_fills_the_picture(neutral: np.ndarray) -> None:
    (whole,) = find_faces(neutral)
    (x, y), (right, bottom) = (f(whole.landmarks[:, :2], 0).astype(int) for f in (np.min, np.max))
    (tight,) = find_faces(np.ascontiguousarray(neutral[y:bottom, x:right]))
    apart = tight.landmarks[:, :2] + [x, y] - whole.landmarks[:, :2]
    assert np.linalg.norm(apart, axis=1).mean() < 0.04 * (right - x)


def test_people_in_the_background_do_not_count_beside_a_portrait(neutral: np.ndarray) -> None:
    photo = _paste(neutral, (1500, 1500), (0, 400), 1100)
    photo[:60, 1440:] = cv2.resize(neutral, (60, 60), interpolation=cv2.INTER_AREA)
    assert len(find_faces(photo)) == 1


def test_faces_are_sorted_by_size(neutral: np.ndarray) -> None:
    photo = _paste(neutral, (900, 500), (0, 0), 300)
    photo[:500, 400:] = cv2.resize(neutral, (500, 500))
    found = [np.ptp(r.landmarks[:, 0]) for r in find_faces(photo)]
    assert len(found) == 2
    assert found[0] > found[1]


def test_no_face_in_noise_or_grey() -> None:
    rng = np.random.default_rng(0)
    assert find_faces(np.full((300, 400, 3), 128, np.uint8)) == []
    assert find_faces(rng.integers(0, 255, (700, 1000, 3)).astype(np.uint8)) == []


@pytest.mark.parametrize("size", [(1000, 700), (4000, 3000), (6000, 600)])
def test_each_face_that_a_step_could_miss_lies_within_a_tile_of_the_next(
    size: tuple[int, int],
) -> None:
    image = np.broadcast_to(np.zeros((1, 1, 3), np.uint8), (size[1], size[0], 3))
    before = max(size)
    tiled = list(_search_regions(image))[2:]
    assert tiled
    for regions in tiled:
        side = regions[0].side
        largest_missed = before * 0.0625
        for axis in (0, 1):
            edges = sorted({(r.centre - r.side / 2)[axis] for r in regions})
            assert edges[0] <= 0
            assert edges[-1] + side >= size[axis] - 1
            gaps = np.diff(edges) if len(edges) > 1 else np.zeros(1)
            assert gaps.max() <= side - largest_missed + 1e-6
        before = side


def test_one_tile_where_the_tile_is_larger_than_the_picture() -> None:
    (tile,) = _tiles(np.zeros((600, 400, 3), np.uint8), 5000)
    assert np.allclose(tile.centre, [199.5, 299.5])

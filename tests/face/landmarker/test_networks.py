"""The code around the three networks, against MediaPipe's own results."""

from __future__ import annotations

import threading

import cv2
import numpy as np
import pytest

from palsynth.face import topology
from palsynth.face.landmarker import detector, landmarks
from palsynth.face.landmarker.blendshapes import BLENDSHAPES, blendshapes
from palsynth.face.landmarker.detector import detect
from palsynth.face.landmarker.landmarks import SIZE, around, look, read_face
from palsynth.face.landmarker.network import network, probability
from tests.face.landmarker.conftest import Reference, mediapipe_region


def test_detections_match_mediapipe(reference: Reference) -> None:
    side = float(max(reference.image.shape[:2]))
    region = mediapipe_region(np.full(2, side / 2), side, 0.0, detector.SIZE)
    (found,) = detect(reference.image, region)
    offset = 0.5 * side / detector.SIZE
    assert np.abs(found.box + offset - reference.box).max() < 0.1
    assert np.abs(found.points + offset - reference.points).max() < 0.1
    assert abs(found.score - reference.score) < 0.002


def test_landmarks_match_mediapipe(reference: Reference) -> None:
    x, y, side, turn = reference.region
    region = mediapipe_region(np.array([x, y]), side, turn, SIZE)
    points, presence = look(region.cut(reference.image, SIZE))
    found = region.to_picture(points, SIZE)
    found[:, :2] += region.axes @ np.full(2, 0.5 * side / SIZE)
    assert np.abs(found - reference.landmarks)[:, :2].max() < 0.12
    assert np.abs(found - reference.landmarks)[:, 2].max() < 0.2
    assert presence > 0.9


def test_blendshapes_match_mediapipe(reference: Reference) -> None:
    assert np.abs(blendshapes(reference.landmarks) - reference.blendshapes).max() < 1e-5
    assert len(BLENDSHAPES) == 52


def test_the_second_pass_hardly_depends_on_the_first_region(reference: Reference) -> None:
    (found,) = detect(reference.image, mediapipe_region(np.full(2, 90.0), 180.0, 0.0, 192))
    region = found.region()
    near = read_face(reference.image, region).landmarks
    shifted = type(region)(
        region.centre + np.array([6.0, -4.0]), region.side * 1.1, region.turn + 0.05
    )
    far = read_face(reference.image, shifted).landmarks
    single = look(region.cut(reference.image, SIZE))[0], look(shifted.cut(reference.image, SIZE))[0]
    once = np.abs(region.to_picture(single[0], SIZE) - shifted.to_picture(single[1], SIZE))[:, :2]
    assert np.abs(near - far)[:, :2].mean() < 0.6 * once.mean()


def test_a_mirrored_picture_gives_mirrored_landmarks(reference: Reference) -> None:
    region = around(reference.landmarks)
    width = reference.image.shape[1]
    mirror_region = type(region)(
        np.array([width - 1 - region.centre[0], region.centre[1]]), region.side, -region.turn
    )
    straight = read_face(reference.image, region).landmarks
    mirrored = read_face(np.ascontiguousarray(reference.image[:, ::-1]), mirror_region).landmarks
    back = mirrored[topology.MIRROR] * [-1, 1, 1] + [width - 1, 0, 0]
    once = look(region.cut(reference.image, SIZE)[:, ::-1])[0][topology.MIRROR]
    once = region.to_picture(once * [-1, 1, 1] + [SIZE, 0, 0], SIZE)
    direct = region.to_picture(look(region.cut(reference.image, SIZE))[0], SIZE)
    single, double = np.abs(once - direct)[:, :2].mean(), np.abs(back - straight)[:, :2].mean()
    assert double < 0.1
    assert double < 0.5 * single


def test_regions_follow_the_rotation_and_extent_of_the_landmarks() -> None:
    landmarks = np.zeros((topology.POINTS, 3))
    landmarks[topology.OUTER_CANTHUS["right"], :2] = [0, 0]
    landmarks[topology.OUTER_CANTHUS["left"], :2] = [10, 10]
    region = around(landmarks)
    assert np.isclose(region.turn, np.pi / 4)
    assert np.allclose(region.centre, [5, 5])
    assert np.isclose(region.side, 1.5 * np.sqrt(200))


def test_the_region_of_a_detection_has_a_margin_and_follows_the_eyes() -> None:
    points = np.array(
        [[40, 50], [50, 60], [0, 0], [0, 0], [0, 0], [0, 0]], float
    )  # right eye first
    region = detector.Detection(np.array([30.0, 40.0, 70.0, 60.0]), points, 0.9).region()
    assert np.allclose(region.centre, [50, 50])
    assert region.side == 1.5 * 40
    assert np.isclose(region.turn, np.pi / 4), "clockwise: the patient's left eye is lower"


def test_presence_is_the_lower_of_the_two_passes(
    reference: Reference, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = np.random.default_rng(0).uniform(50, 200, (478, 3))
    for values in ((0.9, 0.8, 0.3), (0.9, 0.3, 0.8)):
        presences = iter(values)
        monkeypatch.setattr(
            landmarks, "look", lambda crop, presences=presences: (points, next(presences))
        )
        assert read_face(reference.image, around(reference.landmarks)).presence == 0.3


def test_a_cluster_becomes_its_weighted_mean() -> None:
    boxes = np.array([[0, 0, 10, 10], [2, 0, 12, 10], [50, 50, 60, 60]], float)
    rows = np.hstack([boxes, np.tile([[1.0], [4.0], [9.0]], 12)])
    first, second = detector._merge(rows, np.array([0.9, 0.6, 0.7]))
    assert np.allclose(first[0][:5], [0.8, 0, 10.8, 10, 0.6 * 1 + 0.4 * 4])
    assert first[1] == 0.9
    assert np.allclose(second[0][:5], [50, 50, 60, 60, 9])


def test_every_thread_gets_the_same_result(reference: Reference) -> None:
    region = around(reference.landmarks)
    crop = region.cut(reference.image, SIZE)
    expected = look(crop)[0]
    results: list[np.ndarray] = []
    threads = [
        threading.Thread(target=lambda: results.extend(look(crop)[0] for _ in range(5)))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 15
    assert all(np.array_equal(r, expected) for r in results)
    assert network("face_landmarks") is network("face_landmarks")


def test_probabilities() -> None:
    found = probability(np.array([-1000.0, 0.0, np.log(3), 1000.0]))
    assert np.allclose(found, [0, 0.5, 0.75, 1])


def test_a_region_beyond_the_picture_is_black_or_repeats_the_edge(reference: Reference) -> None:
    region = type(around(reference.landmarks))(np.array([0.0, 0.0]), 40.0)
    image = np.full((60, 60, 3), 255, np.uint8)
    assert region.cut(image, 20).min() == 1
    black = region.cut(image, 20, cv2.BORDER_CONSTANT)
    assert black[:9, :9].max() == 0
    assert black[11:, 11:].min() == 1

from __future__ import annotations

from contextlib import nullcontext

import cv2
import numpy as np
import pytest

from palsynth.clinical import Grade, Movement, Palsy, Side
from palsynth.errors import InputError
from palsynth.face import topology
from palsynth.face.detect import check_usable, detect_batch, detect_face, detect_faces
from palsynth.face.edges import canny
from palsynth.face.face import Face, similarity, upright
from palsynth.face.framing import FRAMINGS, ID_PHOTO
from palsynth.face.regions import REGIONS, region_box, region_mask
from palsynth.subjects import View, render, sample
from tests.face.measured import hand_made


def test_the_patients_left_is_on_the_right_of_the_image(face: Face) -> None:
    left, right = (face.landmarks[topology.IRIS[s][0], 0] for s in ("left", "right"))
    assert left > right


@pytest.mark.parametrize("size", [64, 112, 512])
@pytest.mark.parametrize("framing", list(FRAMINGS.values()))
def test_alignment_round_trip(face: Face, size: int, framing: object) -> None:
    crop = face.aligned(framing, size)  # type: ignore[arg-type]
    assert crop.image.shape == (size, size, 3)
    assert crop.outer_eyes == pytest.approx(framing.scale(size), rel=1e-4)  # type: ignore[attr-defined]
    canthi = crop.landmarks[[33, 263], 1]
    assert canthi[0] == pytest.approx(canthi[1], abs=1e-3)
    homogeneous = np.column_stack([crop.landmarks[:, :2], np.ones(478)])
    assert np.allclose(homogeneous @ crop.to_source.T, face.landmarks[:, :2], atol=0.01)


def test_a_crop_of_a_crop_maps_back_to_the_picture(face: Face) -> None:
    twice = face.aligned(ID_PHOTO, 300).recogniser_crop(112)
    homogeneous = np.column_stack([twice.landmarks[:, :2], np.ones(478)])
    assert np.allclose(homogeneous @ twice.to_source.T, face.landmarks[:, :2], atol=0.02)


TEMPLATE = {  # ArcFace's five points at 112 px: eyes, tip of the nose, corners of the mouth
    468: (38.2946, 51.6963),
    473: (73.5318, 51.5014),
    4: (56.0252, 71.7366),
    61: (41.5493, 92.3655),
    291: (70.7299, 92.2041),
}


@pytest.mark.parametrize("size", [112, 224])
def test_the_recogniser_crop_is_arcfaces_template(size: int) -> None:
    """Points of the template that were rotated, doubled and moved are mapped back to it."""
    turn = 2 * np.array([[0.8, -0.6], [0.6, 0.8]])
    landmarks = np.zeros((478, 3))
    landmarks[list(TEMPLATE), :2] = np.array(list(TEMPLATE.values())) @ turn.T + [130, 20]
    crop = Face(np.zeros((400, 400, 3), np.uint8), landmarks).recogniser_crop(size)
    assert crop.image.shape == (size, size, 3)
    expected = np.array(list(TEMPLATE.values())) * size / 112
    assert np.allclose(crop.landmarks[list(TEMPLATE), :2], expected, atol=1e-3)


def test_framings_as_fractions_of_the_side() -> None:
    assert {f.name: (f.outer_eyes, f.eye_line) for f in FRAMINGS.values()} == {
        "id-photo": (0.30, 0.42),
        "portrait": (0.40, 0.42),
        "recogniser": (0.44, 0.461),
    }
    assert ID_PHOTO.scale(200) == pytest.approx(60)
    assert ID_PHOTO.origin(200) == pytest.approx([99.5, 83.5])


def _spotted() -> Face:
    """A black picture with a white spot on the patient's left mouth corner."""
    landmarks = np.zeros((478, 3), np.float32)
    landmarks[:, :2] = hand_made()
    landmarks[291, 2] = 7
    image = np.zeros((400, 300, 3), np.uint8)
    cv2.circle(image, (182, 266), 5, (255, 255, 255), -1)
    return Face(image, landmarks)


@pytest.mark.parametrize("way", ["aligned", "recogniser", "mirrored"])
def test_pixels_move_with_the_landmarks(way: str) -> None:
    face = _spotted()
    crop = {
        "aligned": lambda: face.aligned(FRAMINGS["portrait"], 150),
        "recogniser": lambda: face.recogniser_crop(120),
        "mirrored": face.mirrored,
    }[way]()
    y, x = np.nonzero(crop.image[..., 0] > 128)
    corner = 61 if way == "mirrored" else 291  # in a mirror it is the right corner
    assert np.abs([x.mean(), y.mean()] - crop.landmarks[corner, :2]).max() < 0.5


def test_an_aligned_face_is_level_centred_and_scaled_with_its_depth() -> None:
    crop = _spotted().aligned(FRAMINGS["portrait"], 150)
    assert crop.landmarks[[33, 263], :2] == pytest.approx(
        np.array([[74.5 - 30, 62.5], [74.5 + 30, 62.5]]), abs=1e-3
    )
    assert crop.landmarks[291] == pytest.approx(
        [74.5 + 0.6 * 32, 62.5 + 0.6 * 66, 0.6 * 7], abs=1e-3
    )
    turned = _spotted()
    c, s = np.cos(0.4), np.sin(0.4)
    turned.landmarks[:, :2] = turned.landmarks[:, :2] @ np.array([[c, s], [-s, c]])
    level = turned.aligned(FRAMINGS["portrait"], 150)
    assert np.allclose(level.landmarks, crop.landmarks, atol=1e-3)


def test_mirroring_renames_landmarks_and_round_trips() -> None:
    once = _spotted().mirrored()
    # the left corner, at x 182 of 300 pixels, is the right one now
    assert once.landmarks[61].tolist() == [299 - 182, 266, 7]
    assert once.landmarks[263].tolist() == [299 - 100, 200, 0]
    assert once.to_source.tolist() == [[-1, 0, 299], [0, 1, 0]]
    assert np.allclose(once.mirrored().landmarks, _spotted().landmarks, atol=1e-4)


def test_similarity_agrees_with_a_known_transform() -> None:
    rng = np.random.default_rng(0)
    points = rng.normal(size=(9, 2))
    turn = 1.7 * np.array([[np.cos(0.4), -np.sin(0.4)], [np.sin(0.4), np.cos(0.4)]])
    found, shift = similarity(points, points @ turn.T + [3, -2])
    assert np.allclose(found, turn)
    assert np.allclose(shift, [3, -2])


def test_a_mirrored_face_is_detected_at_its_landmarks(face: Face) -> None:
    once = face.mirrored()
    found = detect_face(once.image)
    gap = np.linalg.norm(found.landmarks[:468, :2] - once.landmarks[:468, :2], axis=1).mean()
    assert gap / face.outer_eyes < 0.02


def test_detection_of_no_face_one_and_several(neutral: np.ndarray) -> None:
    assert detect_faces(np.full((200, 200, 3), 128, np.uint8)) == []
    assert len(detect_faces(neutral)) == 1
    three = np.hstack([neutral] * 3)
    assert len(detect_faces(three)) == 3
    with pytest.raises(InputError, match=r"x\.jpg: 3 faces found; crop the photo"):
        detect_face(three, "x.jpg")


def test_a_batch_gives_the_same_faces_as_single_pictures(neutral: np.ndarray) -> None:
    grey = np.full((90, 90, 3), 128, np.uint8)
    pictures = [neutral, grey, np.hstack([neutral] * 2), neutral[:, ::-1].copy()]
    for threads in (1, 3):
        found = detect_batch(pictures, threads)
        assert [len(faces) for faces in found] == [1, 0, 2, 1]
        for faces, picture in zip(found, pictures, strict=True):
            for face, alone in zip(faces, detect_faces(picture), strict=True):
                assert np.array_equal(face.landmarks, alone.landmarks)
                assert face.blendshapes == alone.blendshapes


def test_blendshapes_name_the_patients_sides() -> None:
    """A person without a palsy winks with the left eye, on the picture's right."""
    palsy = Palsy.peripheral(Side.LEFT, Grade.I)
    face = detect_face(render(sample(1_000_034), Movement.WINK, palsy, view=View(256)).image)
    assert face.blendshapes is not None
    right, left = face.blendshapes["eyeBlinkRight"], face.blendshapes["eyeBlinkLeft"]
    assert left > 2 * right
    mirrored = face.mirrored().blendshapes
    assert mirrored is not None
    assert (mirrored["eyeBlinkRight"], mirrored["eyeBlinkLeft"]) == (left, right)
    assert mirrored["mouthLeft"] == face.blendshapes["mouthRight"]
    assert mirrored["jawOpen"] == face.blendshapes["jawOpen"]
    assert set(mirrored) == set(face.blendshapes)
    assert face.aligned(ID_PHOTO, 128).blendshapes == face.blendshapes


def test_blendshapes_of_a_one_sided_smile(half_grin: np.ndarray) -> None:
    """The patient's left is weak. The network's order is alphabetical, left before right."""
    shapes = detect_face(half_grin).blendshapes
    assert shapes is not None
    assert shapes["mouthSmileRight"] > 1.5 * shapes["mouthSmileLeft"]
    assert list(shapes) == ["_neutral", *sorted(set(shapes) - {"_neutral"})]
    assert len(shapes) == 52


@pytest.mark.parametrize(("yaw", "usable"), [(32.0, True), (-32.0, True), (34.0, False)])
def test_a_face_is_turned_too_far_from_33_degrees(yaw: float, usable: bool) -> None:
    _check(usable, "turned by 34°", yaw=yaw)


@pytest.mark.parametrize(("roll", "usable"), [(49.0, True), (-49.0, True), (-51.0, False)])
def test_a_face_is_tilted_too_far_from_50_degrees(roll: float, usable: bool) -> None:
    _check(usable, "turn the photo by 90° clockwise", roll=roll)


@pytest.mark.parametrize(("eyes", "usable"), [(16.1, True), (15.9, False)])
def test_a_face_is_too_small_below_16_pixels(eyes: float, usable: bool) -> None:
    _check(usable, "the face is too small", eyes=eyes)


def _check(usable: bool, text: str, yaw: float = 0, roll: float = 0, eyes: float = 100) -> None:
    """A flat head with cheeks three eye distances apart, rotated by roll and yaw."""
    landmarks = np.zeros((478, 3))
    landmarks[[33, 263, 234, 454], 0] = np.array([-0.5, 0.5, -1.5, 1.5]) * eyes
    for degrees, (one, other) in ((roll, (0, 1)), (yaw, (0, 2))):
        c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        x, y = landmarks[:, one].copy(), landmarks[:, other].copy()
        landmarks[:, one], landmarks[:, other] = c * x - s * y, s * x + c * y
    face = Face(np.zeros((9, 9, 3), np.uint8), landmarks)
    with nullcontext() if usable else pytest.raises(InputError, match=rf"x\.jpg: .*{text}"):
        check_usable(face, "x.jpg")


def test_detection_scales_with_the_picture(astronaut: Face) -> None:
    large = cv2.resize(astronaut.image, None, fx=8, fy=8, interpolation=cv2.INTER_CUBIC)
    found = detect_face(large)
    gap = np.linalg.norm(found.landmarks[:468, :2] / 8 - astronaut.landmarks[:468, :2], axis=1)
    assert gap.mean() / astronaut.outer_eyes < 0.03


def test_edges_are_those_of_perceived_brightness() -> None:
    """Full red is as bright as a grey of 76, so between the two there is no edge; blue is dark."""
    image = np.full((40, 200, 3), 76, np.uint8)
    for x in range(60, 200, 40):
        image[:, x : x + 20] = 70  # faint edges of equal strength
    image[:, :40] = (255, 0, 0)
    assert not canny(image)[:, :50].any()
    image[:, :40] = (0, 0, 255)
    assert np.flatnonzero(canny(image)[20]).tolist() == [39]


def test_only_the_strongest_edges_are_detected() -> None:
    """Steps of 4 to 64 grey levels: only the largest is above 1.33 times the 85th percentile."""
    image = np.zeros((60, 200, 3), np.uint8)
    for x, level in ((40, 4), (80, 12), (120, 28), (160, 92)):
        image[:, x:] = level
    columns = np.flatnonzero(canny(image)[30])
    assert len(columns) == 1
    assert abs(columns[0] - 159.5) <= 1
    upright = np.ascontiguousarray(image.transpose(1, 0, 2))
    assert np.array_equal(canny(upright), canny(image).T)


def test_a_strong_edge_continues_where_it_fades_and_a_faint_one_alone_is_no_edge() -> None:
    image = np.full((120, 480, 3), 60, np.uint8)
    for x in range(120, 480, 30):
        image[:, x : x + 15] = 100  # many of equal strength, which set the percentile
    # three times as strong at the top, as strong as these at the bottom
    image[:, :40] = np.interp(np.arange(120), [10, 70], [180, 100])[:, None, None]
    edges = canny(image)
    assert edges[10:110, 38:42].any(1).all()
    assert not edges[:, 100:].any()


def test_edges_are_binary_and_robust_to_dim_light(face: Face) -> None:
    crop = face.aligned(ID_PHOTO, 256)
    edges = canny(crop.image)
    assert set(np.unique(edges)) == {0, 255}
    dim = canny((crop.image * 0.45).astype(np.uint8))
    assert (dim > 0).sum() > 0.6 * (edges > 0).sum()


def test_regions(face: Face) -> None:
    shape = face.image.shape[:2]
    masks = {name: region_mask(face.landmarks, name, shape) for name in REGIONS}
    for name in ("left eye", "right eye", "mouth", "nose"):
        assert masks[name].sum() > 0
        assert (masks[name] & masks["face"]).sum() == masks[name].sum()
    assert not (masks["left eye"] & masks["right eye"]).any()
    x = np.mgrid[: shape[0], : shape[1]][1]
    for kind in ("eye", "brow"):
        assert x[masks[f"left {kind}"]].min() > x[masks[f"right {kind}"]].max()


def test_a_regions_box_is_left_top_right_bottom() -> None:
    landmarks = hand_made()
    assert region_box(landmarks, "right brow") == (120, 170, 120, 170)
    assert region_box(landmarks, "left eye") == (150, 150, 200, 207)
    assert region_box(landmarks, "right eye") == (100, 150, 150, 205)


def test_upright_landmarks_are_invariant_to_rotation_translation_and_scale() -> None:
    rng = np.random.default_rng(0)
    points = rng.normal(size=(2, 478, 3)) * 20 + 60
    turn = np.array([[0.8, -0.6], [0.6, 0.8]]) * 1.7
    moved = points.copy()
    moved[..., :2] = points[..., :2] @ turn.T + [9, -4]
    assert np.allclose(upright(points), upright(moved))
    corners = upright(points)[:, [33, 263]]
    assert np.allclose(corners, [[-0.5, 0], [0.5, 0]])
    level = upright(hand_made()[None])[0]
    assert np.allclose(level[[61, 17]], [[-0.30, 0.50], [0.0, 0.90]])
    moved[:, 300, 0] += 5
    assert not np.allclose(upright(points), upright(moved))


def test_a_crop_maps_onto_the_image_it_was_cropped_from(face: Face) -> None:
    """Also where that image is itself a crop of a photo."""
    whole = face.aligned(FRAMINGS["portrait"], 200)
    crop = whole.aligned(ID_PHOTO, 90)
    affine = crop.onto(whole)
    moved = crop.landmarks[:, :2] @ affine[:, :2].T + affine[:, 2]
    assert np.allclose(moved, whole.landmarks[:, :2], atol=1e-2)
    assert np.allclose(whole.onto(whole), np.eye(2, 3), atol=1e-9)

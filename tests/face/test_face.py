from __future__ import annotations

import cv2
import numpy as np
import pytest

from palsynth.clinical import Grade, Movement, Palsy, Side
from palsynth.errors import InputError
from palsynth.face import topology
from palsynth.face.detect import detect_batch, detect_face, detect_faces
from palsynth.face.edges import canny
from palsynth.face.face import Face, similarity, upright
from palsynth.face.framing import FRAMINGS, ID_PHOTO
from palsynth.face.regions import REGIONS, region_box, region_mask
from palsynth.people import View, render, sample


def test_mirror_table_is_an_involution_that_swaps_sides() -> None:
    assert (topology.MIRROR[topology.MIRROR] == np.arange(478)).all()
    assert topology.MIRROR[topology.OUTER_CANTHUS["left"]] == topology.OUTER_CANTHUS["right"]
    assert list(topology.MIRROR[list(topology.UPPER_LID["left"])]) == list(
        topology.UPPER_LID["right"][::-1]
    )


def test_patients_left_is_on_the_right_of_the_image(face: Face) -> None:
    left, right = (face.landmarks[topology.IRIS[s][0], 0] for s in ("left", "right"))
    assert left > right


@pytest.mark.parametrize("size", [64, 112, 512])
@pytest.mark.parametrize("framing", list(FRAMINGS.values()))
def test_alignment_and_the_way_back(face: Face, size: int, framing: object) -> None:
    cut = face.aligned(framing, size)  # type: ignore[arg-type]
    assert cut.image.shape == (size, size, 3)
    assert cut.outer_eyes == pytest.approx(framing.scale(size), rel=1e-4)  # type: ignore[attr-defined]
    canthi = cut.landmarks[[33, 263], 1]
    assert canthi[0] == pytest.approx(canthi[1], abs=1e-3)
    homogeneous = np.column_stack([cut.landmarks[:, :2], np.ones(478)])
    assert np.allclose(homogeneous @ cut.to_source.T, face.landmarks[:, :2], atol=0.01)


def test_a_crop_of_a_crop_leads_back_to_the_picture(face: Face) -> None:
    twice = face.aligned(ID_PHOTO, 300).recogniser_crop(112)
    homogeneous = np.column_stack([twice.landmarks[:, :2], np.ones(478)])
    assert np.allclose(homogeneous @ twice.to_source.T, face.landmarks[:, :2], atol=0.02)


def test_recogniser_crop_puts_the_eyes_on_the_template(face: Face) -> None:
    eyes = face.recogniser_crop().landmarks[[468, 473], :2]
    assert np.abs(eyes - [[38.29, 51.70], [73.53, 51.50]]).max() < 4


def test_similarity_agrees_with_a_known_transform() -> None:
    rng = np.random.default_rng(0)
    points = rng.normal(size=(9, 2))
    turn = 1.7 * np.array([[np.cos(0.4), -np.sin(0.4)], [np.sin(0.4), np.cos(0.4)]])
    found, shift = similarity(points, points @ turn.T + [3, -2])
    assert np.allclose(found, turn)
    assert np.allclose(shift, [3, -2])


def test_mirroring_twice_is_nothing_and_sides_stay_the_patients(face: Face) -> None:
    once = face.mirrored()
    assert np.array_equal(once.mirrored().image, face.image)
    assert np.allclose(once.mirrored().landmarks, face.landmarks)
    seen = detect_face(once.image)
    gap = np.linalg.norm(seen.landmarks[:468, :2] - once.landmarks[:468, :2], axis=1).mean()
    assert gap / face.outer_eyes < 0.02


def test_detection_of_none_one_and_many(neutral: np.ndarray) -> None:
    assert detect_faces(np.full((200, 200, 3), 128, np.uint8)) == []
    assert len(detect_faces(neutral)) == 1
    three = np.hstack([neutral] * 3)
    assert len(detect_faces(three)) == 3
    with pytest.raises(InputError, match=r"x\.jpg: 3 faces found; crop the photo"):
        detect_face(three, "x.jpg")


def test_a_batch_is_read_as_its_pictures_one_by_one(neutral: np.ndarray) -> None:
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


def test_detection_scales_with_the_picture(astronaut: Face) -> None:
    large = cv2.resize(astronaut.image, None, fx=8, fy=8, interpolation=cv2.INTER_CUBIC)
    found = detect_face(large)
    gap = np.linalg.norm(found.landmarks[:468, :2] / 8 - astronaut.landmarks[:468, :2], axis=1)
    assert gap.mean() / astronaut.outer_eyes < 0.03


def test_edges_are_binary_and_survive_dim_light(face: Face) -> None:
    cut = face.aligned(ID_PHOTO, 256)
    edges = canny(cut.image)
    assert set(np.unique(edges)) == {0, 255}
    dim = canny((cut.image * 0.45).astype(np.uint8))
    assert (dim > 0).sum() > 0.6 * (edges > 0).sum()


def test_regions(face: Face) -> None:
    shape = face.image.shape[:2]
    masks = {name: region_mask(face.landmarks, name, shape) for name in REGIONS}
    for name in ("left eye", "right eye", "mouth", "nose"):
        assert masks[name].sum() > 0
        assert (masks[name] & masks["face"]).sum() == masks[name].sum()
    assert not (masks["left eye"] & masks["right eye"]).any()
    left, top, right, bottom = region_box(face.landmarks, "mouth")
    assert left < right
    assert top < bottom


def test_upright_landmarks_do_not_depend_on_turn_place_and_size() -> None:
    rng = np.random.default_rng(0)
    points = rng.normal(size=(2, 478, 3)) * 20 + 60
    turn = np.array([[0.8, -0.6], [0.6, 0.8]]) * 1.7
    moved = points.copy()
    moved[..., :2] = points[..., :2] @ turn.T + [9, -4]
    assert np.allclose(upright(points), upright(moved))
    moved[:, 300, 0] += 5
    assert not np.allclose(upright(points), upright(moved))


def test_a_crop_lands_where_it_was_cut_from(face: Face) -> None:
    """Also in a face that was cut from a photo itself."""
    whole = face.aligned(FRAMINGS["portrait"], 200)
    crop = whole.aligned(ID_PHOTO, 90)
    affine = crop.onto(whole)
    moved = crop.landmarks[:, :2] @ affine[:, :2].T + affine[:, 2]
    assert np.allclose(moved, whole.landmarks[:, :2], atol=1e-2)
    assert np.allclose(whole.onto(whole), np.eye(2, 3), atol=1e-9)

"""Which face contour, sizes and parts come from: the patient's image has vertical stripes and the
non-patient's horizontal ones, so that every edge shows its origin."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from palsynth.clinical import Movement, Palsy
from palsynth.face.edges import canny
from palsynth.face.face import Face
from palsynth.face.framing import PORTRAIT
from palsynth.methods.base import TargetExpression
from palsynth.methods.controlnet.conditioning import _inner, canny_edges, codc, patient_edges
from palsynth.methods.resolve import subject_face
from palsynth.subjects import View, sample

SIZE = 256
EYES = 0.40 * SIZE
"""Outer-eye distance of a portrait, pixels."""

POINTS = {
    "right eye": (7, 33, 46, 52, 53, 55, 63, 65, 66, 70, 105, 107, 133, 144, 145, 153, 154,
                  155, 157, 158, 159, 160, 161, 163, 173, 246),
    "left eye": (249, 263, 276, 282, 283, 285, 293, 295, 296, 300, 334, 336, 362, 373,
                 374, 380, 381, 382, 384, 385, 386, 387, 388, 390, 398, 466),
    "nose": (168, 209, 129, 98, 97, 2, 326, 327, 358, 429),
    "mouth": (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 146, 91, 181, 84, 17, 314, 405, 321,
              375),
}  # fmt: skip
"""Part -> MediaPipe landmarks: brow with eye, nose, outer lips; right is the patient's."""


def striped(face: Face, upright: bool) -> Face:
    """A face whose image is stripes of 20 px, shaded so that there are weak edges too."""
    x = np.arange(SIZE)
    line = (np.where(x % 40 < 20, 60, 190) + x % 20).astype(np.uint8)
    stripes = np.tile(line, (SIZE, 1))
    return replace(face, image=np.repeat((stripes if upright else stripes.T)[..., None], 3, 2))


def stretch(face: Face, number: int, centre: np.ndarray, factor: float) -> None:
    """Moves a landmark away from a point, in place."""
    point = face.landmarks[number, :2]
    face.landmarks[number, :2] = centre + factor * (point - centre)


@pytest.fixture
def both() -> tuple[Face, Face]:
    """Patient and non-patient, of one shape."""
    rest = TargetExpression(Movement.REST, Palsy.none())
    face = subject_face(sample(901), rest, View(SIZE, PORTRAIT)).aligned(PORTRAIT, SIZE)
    return tuple(
        replace(striped(face, upright), landmarks=face.landmarks.copy())
        for upright in (True, False)
    )  # type: ignore[return-value]


def mask_of(boxes: dict[str, tuple[int, int, int, int]]) -> np.ndarray:
    out = np.zeros((SIZE, SIZE), bool)
    for left, top, right, bottom in boxes.values():
        out[top:bottom, left:right] = True
    return out


def test_contour_of_the_non_patient_parts_of_the_patient(both: tuple[Face, Face]) -> None:
    patient, other = both
    own, others = (canny_edges(f.image) for f in both)
    inner = _inner(other)
    found = codc(patient, other, size=SIZE)
    parts = mask_of(found.boxes) & inner
    assert list(found.boxes) == ["right eye", "left eye", "nose", "mouth"]
    assert np.array_equal(found.edges, np.where(parts, own, np.where(inner, 0, others)))
    assert own[parts].any()
    no_contour = codc(patient, other, contour=False, size=SIZE)
    assert np.array_equal(no_contour.edges, np.where(inner & ~parts, 0, own))
    steps = found.steps
    assert np.array_equal(steps["patient"], patient.image)
    assert np.array_equal(steps["non-patient"], other.image)
    assert np.array_equal(steps["non-patient's edges"], others)
    assert np.array_equal(steps["non-patient's contour"], np.where(inner, 0, others))
    assert np.array_equal(steps["condition"], found.edges)
    changed = (steps["parts"] != patient.image).any(-1)
    assert changed.any(), "the patient, with boxes drawn"
    assert changed.mean() < 0.2


def test_the_nose_of_the_non_patient_in_place_of_the_patients(
    both: tuple[Face, Face],
) -> None:
    patient, other = both
    own, others = (canny_edges(f.image) for f in both)
    found = codc(patient, other, nose=False, size=SIZE)
    assert list(found.boxes) == ["nose", "right eye", "left eye", "mouth"], (
        "the eyes overwrite the nose"
    )
    inner = _inner(other)
    nose = mask_of({"nose": found.boxes.pop("nose")})
    parts = mask_of(found.boxes)
    expected = np.where(parts, own, np.where(nose, others, 0))
    assert np.array_equal(found.edges, np.where(inner, expected, others))
    assert (nose & ~parts).sum() > 500


def test_each_part_is_resized_to_that_of_the_non_patient(both: tuple[Face, Face]) -> None:
    """By its own ruler: an eye's corners, the nose's length, the jaw's width."""
    patient, other = both
    p = patient.landmarks
    stretch(patient, 133, p[33, :2].copy(), 1.1)  # inner corner of the right eye
    stretch(patient, 168, p[2, :2].copy(), 1.25)  # upper end of the nose, from its lower end
    middle = (p[172, :2] + p[397, :2]) / 2
    for number in (172, 397):
        stretch(patient, number, middle, 1.6)
    found = codc(patient, other, size=SIZE)
    assert found.scales == pytest.approx(
        {"right eye": 1 / 1.1, "left eye": 1.0, "nose": 1 / 1.25, "mouth": 1 / 1.6}, rel=1e-4
    )
    left, top, right, bottom = found.boxes["mouth"]
    columns = np.nonzero(found.edges[(top + bottom) // 2, left + 3 : right - 3])[0]
    assert np.diff(columns).mean() == pytest.approx(20 / 1.6, abs=0.5), "stripes are narrower"
    unscaled = codc(patient, other, organ_size=False, size=SIZE)
    assert set(unscaled.scales.values()) == {1.0}
    columns = np.nonzero(unscaled.edges[(top + bottom) // 2, left + 3 : right - 3])[0]
    assert np.diff(columns).mean() == pytest.approx(20, abs=1.5)
    other_nose = codc(patient, other, nose=False, size=SIZE)
    assert other_nose.scales["nose"] == 1.0, "the non-patient's own is not resized"


def test_each_part_is_placed_where_the_non_patients_is(both: tuple[Face, Face]) -> None:
    """Eyes by the middle of their corners, nose and mouth by the point under the nose; a margin of
    a tenth of the eyes' distance."""
    patient, other = both
    for number, shift in ((2, (3, 5)), (133, (4, 2)), (362, (-6, 4)), (168, (9, 9))):
        other.landmarks[number, :2] += shift
    found = codc(patient, other, organ_size=False, size=SIZE)
    shifts = {"right eye": (2, 1), "left eye": (-3, 2), "nose": (3, 5), "mouth": (3, 5)}
    assert found.boxes.keys() == shifts.keys()
    for name, points in POINTS.items():
        moved = patient.landmarks[list(points), :2].astype(np.float64) + shifts[name]
        box = (*np.floor(moved.min(0) - 0.10 * EYES), *np.ceil(moved.max(0) + 0.10 * EYES))
        assert np.abs(np.subtract(found.boxes[name], box)).max() <= 1, name


def test_the_inner_face_lies_a_rim_within_the_oval(both: tuple[Face, Face]) -> None:
    other = both[1]
    chin = other.landmarks[152, :2].round().astype(int)
    column = np.nonzero(_inner(other)[:, chin[0]])[0]
    assert chin[1] - column.max() == pytest.approx(0.06 * EYES, abs=1.1)


@pytest.mark.parametrize(("size", "sigma"), [(128, 0.8), (256, 0.8), (512, 1.28), (800, 2.0)])
def test_edges_are_blurred_in_proportion_to_the_size(
    astronaut: Face, size: int, sigma: float
) -> None:
    found = patient_edges(astronaut, size)
    portrait = astronaut.aligned(PORTRAIT, size).image
    assert np.array_equal(found.edges, canny(portrait, 0.66, 1.33, sigma))
    assert np.array_equal(found.steps["patient"], portrait)
    if size == 512:
        assert np.array_equal(patient_edges(astronaut).edges, found.edges), "as published"

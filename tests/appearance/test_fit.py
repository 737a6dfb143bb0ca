"""The training photographs of the appearance model, and the arithmetic of the fit."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from palsynth.appearance.fit import (
    _attribute_row,
    _principal,
    _regress,
    canonical,
    mean_shape,
    skin_mask,
    warp_to_texture,
)
from palsynth.appearance.model import (
    EXTENT,
    UNIT,
    appearance_model,
    attribute_row,
    canonical_mesh,
    texture_shape,
    to_texture,
)
from palsynth.appearance.photographs import Photograph, neutral_photographs
from palsynth.errors import InputError
from palsynth.face.photographs import read_subjects
from tests.face.measured import hand_made

SPLIT = "face_id,split\n001,train\n002,test\n003,train\n004,val\n"
INFO = """face_id,age,gender,ethnicity
001,33,female,east_asian/west_asian
002,20,male,black
003,n/a,male,white
004,40,female,white
"""


@pytest.fixture
def london(tmp_path: Path) -> Path:
    """Four people, each of one colour; OpenCV writes blue first."""
    (tmp_path / "neutral").mkdir()
    (tmp_path / "split.csv").write_text(SPLIT)
    (tmp_path / "info.csv").write_text(INFO)
    for name, bgr in (
        ("001", (0, 0, 250)),
        ("002", (0, 250, 0)),
        ("003", (250, 0, 0)),
        ("004", (90, 90, 90)),
    ):
        cv2.imwrite(str(tmp_path / "neutral" / f"{name}.jpg"), np.full((32, 32, 3), bgr, np.uint8))
    return tmp_path


def test_only_train_people_are_read_and_as_rgb(london: Path) -> None:
    seen: list[np.ndarray] = []

    def detect(image: np.ndarray) -> np.ndarray:
        seen.append(image)
        return np.full((478, 3), len(seen))

    assert [s.name for s in read_subjects(london, "train")] == ["001", "003"]
    found = neutral_photographs(london, detect)
    assert [(p.age, p.gender, p.ethnicity) for p in found] == [
        (33.0, "female", "east_asian"),
        (None, "male", "white"),
    ]
    assert len(seen) == 2
    assert found[0].image.mean((0, 1)) == pytest.approx([250, 0, 0], abs=6)
    assert found[1].image.mean((0, 1)) == pytest.approx([0, 0, 250], abs=6)
    assert seen[0] is found[0].image
    assert found[1].landmarks[0, 0] == 2
    (london / "neutral" / "003.jpg").unlink()
    with pytest.raises(InputError, match=r"003\.jpg: no such file"):
        neutral_photographs(london, detect)


def test_attribute_rows() -> None:
    """1, decades from age 30, woman, one-hot group; white is the reference without a column."""
    assert attribute_row(45, True, "black").tolist() == [1, 1.5, 1, 1, 0, 0]
    assert attribute_row(20, False, "white").tolist() == [1, -1, 0, 0, 0, 0]
    assert attribute_row(30, False, "west_asian").tolist() == [1, 0, 0, 0, 1, 0]
    assert attribute_row(30, True, "east_asian").tolist() == [1, 0, 1, 0, 0, 1]
    empty = np.zeros((1, 1, 3), np.uint8), np.zeros((478, 3))
    unknown = Photograph(*empty, None, "female", "martian")
    assert _attribute_row(unknown).tolist() == pytest.approx([1, -0.2, 1, 0, 0, 0])
    assert _attribute_row(Photograph(*empty, 50, "male", "black")).tolist() == [1, 2, 0, 1, 0, 0]


@pytest.mark.parametrize("angle", [0.0, 0.5])
def test_canonical_coordinates(angle: float) -> None:
    """A tilted face with known landmarks becomes level; 100 pixels are one unit."""
    c, s = np.cos(angle), np.sin(angle)
    landmarks = np.column_stack([hand_made() @ np.array([[c, s], [-s, c]]), np.full(478, 30.0)])
    found = canonical(landmarks)
    assert found[[33, 263]] == pytest.approx(np.array([[-0.5, 0, 0.3], [0.5, 0, 0.3]]))
    assert found[291] == pytest.approx([0.32, 0.66, 0.3]), "the left corner lies at larger x"


def test_the_mean_shape_is_alike_on_both_sides() -> None:
    mean = appearance_model().shape_mean.astype(np.float64)
    skewed = mean.copy()
    skewed[291] += [0.02, 0.01, 0.03]
    found, mirror = mean_shape(np.stack([mean, skewed]))
    assert mirror[291] == 61
    assert found[291] == pytest.approx(mean[291] + np.array([0.005, 0.0025, 0.0075]), abs=1e-5)
    assert found[61] == pytest.approx(found[291] * [-1, 1, 1], abs=1e-6)


def test_principal_directions_of_known_points() -> None:
    """Points with a deviation of 3 along one axis and of 1 along another."""
    centred = np.array([[3.0, 0, 0], [-3, 0, 0], [0, 1, 0], [0, -1, 0]])
    basis, codes = _principal(centred, 2)
    assert np.abs(basis) == pytest.approx(np.array([[1, 0, 0], [0, 1, 0]]), abs=1e-9)
    assert codes @ basis == pytest.approx(centred, abs=1e-9)
    assert np.abs(codes[:, 0]).max() == pytest.approx(3)


def test_regression_of_codes_finds_what_each_attribute_does() -> None:
    rng = np.random.default_rng(0)
    attributes = np.array(
        [
            attribute_row(
                rng.uniform(18, 60),
                rng.random() < 0.5,
                rng.choice(["white", "black", "west_asian", "east_asian"]),
            )
            for _ in range(3000)
        ]
    )
    true = rng.normal(size=(6, 2))
    noise = rng.normal(size=(3000, 2)) @ np.array([[2.0, 0], [1.2, 0.5]])
    weights, factor = _regress(attributes, attributes @ true + noise)
    assert weights == pytest.approx(true, abs=0.25)
    covariance = factor @ factor.T  # residual variance, and half of the covariance
    assert covariance[0, 0] == pytest.approx(2.0**2 + 1.2**2, rel=0.1)
    assert covariance[0, 1] == pytest.approx(0.5 * 1.2 * 0.5, rel=0.25)


def test_a_texture_is_the_photo_at_the_mean_shape() -> None:
    """A photo whose red encodes x and green y, of a face at 100 pixels per unit."""
    y, x = np.mgrid[:260, :220]
    photo = np.stack([x, y, np.zeros_like(x)], -1).astype(np.uint8)
    mesh = canonical_mesh()
    points = mesh.vertices[:, :2] * 100 + [110, 100]
    texture = warp_to_texture(photo, points, mesh)
    assert texture.shape == (*texture_shape(), 3)
    assert to_texture(np.zeros(2)) == pytest.approx(127.5)  # between the two middle pixels
    assert (UNIT, EXTENT, texture_shape()) == (128, (-1.0, -1.0, 1.0, 1.5), (320, 256))
    for place in ((-0.3, 0.4), (0.3, -0.3), (0.0, 1.1)):
        column, row = to_texture(np.array(place)).round().astype(int)
        expected = [110 + 100 * place[0], 100 + 100 * place[1], 0]
        assert texture[row, column] == pytest.approx(expected, abs=1.5)


def test_hair_over_the_forehead_is_not_skin() -> None:
    texture = np.full((*texture_shape(), 3), (190, 150, 130), np.float32)
    column, row = to_texture(np.array([0.3, -0.5])).astype(int)
    texture[: row + 10, column:] = (40, 30, 25)
    seen = skin_mask(texture)
    assert not seen[row, column + 20]
    assert seen[row, 256 - column - 20]
    cheek = to_texture(np.array([0.36, 0.32])).astype(int)
    assert seen[cheek[1], cheek[0]]


def test_a_persons_code_is_shape_first_then_skin() -> None:
    model = appearance_model()
    shape = np.zeros(model.code_length)
    shape[0] = 2.0
    moved = model.landmarks(shape) - model.shape_mean
    assert moved.ravel() == pytest.approx(2 * model.shape_basis[0].astype(float), abs=1e-4)
    mean = model.texture(np.zeros(model.code_length))
    assert np.array_equal(model.texture(shape), mean)
    skin = np.zeros(model.code_length)
    skin[len(model.shape_basis) + 1] = 3000.0  # of a direction as long as all pixels together
    assert np.array_equal(model.landmarks(skin), model.shape_mean)
    change = (model.texture(skin) - mean)[model.inside].ravel()
    step = model.texture_basis[1].astype(float) * model.texture_scale[1]
    assert change == pytest.approx(3000 * step, abs=1e-2)
    assert model.lightness(skin)[model.inside] == pytest.approx(
        3000 * step.reshape(-1, 3).mean(-1), abs=1e-2
    )

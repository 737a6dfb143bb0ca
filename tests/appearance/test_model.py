from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from palsynth.appearance.curves import polygon_alpha, smooth_curve
from palsynth.appearance.eyes import iris_profile, read_eyeball
from palsynth.appearance.fit import MAX_COMPONENTS, fit
from palsynth.appearance.folds import NAMES, fold_maps
from palsynth.appearance.model import (
    ETHNICITIES,
    appearance_model,
    attribute_row,
    load_model,
    pyramid,
    save_model,
    texture_shape,
)
from palsynth.appearance.photographs import Photograph, neutral_photographs
from palsynth.appearance.smoothstep import smoothstep
from palsynth.appearance.teeth import sample_mouth
from palsynth.subjects import View, render, sample


def test_the_shipped_model_stays_within_its_limits() -> None:
    model = appearance_model()
    assert len(model.texture_scale) <= MAX_COMPONENTS
    path = Path(load_model.__code__.co_filename).parent / "assets" / "appearance.npz"
    assert path.stat().st_size <= 12e6
    assert texture_shape()[1] >= 256


def test_the_mean_code_gives_the_mean_face() -> None:
    model = appearance_model()
    zero = np.zeros(model.code_length)
    assert np.allclose(model.landmarks(zero), model.shape_mean)
    assert np.allclose(
        model.texture(zero)[model.inside], model.texture_mean.astype(np.float32), atol=1e-3
    )


def test_attributes_move_the_mean_the_right_way() -> None:
    model = appearance_model()

    def light(ethnicity: str) -> float:
        code = attribute_row(28, True, ethnicity) @ model.regression
        return float(model.texture(code)[model.inside].mean())

    assert light("white") > light("west_asian") > light("black")
    assert set(ETHNICITIES) == {"white", "black", "west_asian", "east_asian"}


def _subjects_as_photographs(count: int) -> list[Photograph]:
    out = []
    for seed in range(count):
        subject = sample(seed)
        portrait = render(subject, view=View(256))
        depth = subject.landmarks[:, 2:] * 77
        landmarks = np.hstack([portrait.landmarks, depth]).astype(np.float32)
        gender = {"woman": "female", "man": "male"}[subject.gender]
        out.append(Photograph(portrait.image, landmarks, subject.age, gender, subject.ethnicity))
    return out


def test_a_fit_reconstructs_what_it_was_fitted_to(tmp_path: Path) -> None:
    """A model of twelve subjects, with as many components, explains each of them."""
    photographs = _subjects_as_photographs(12)
    arrays = fit(photographs, components=12)
    path = tmp_path / "model.npz"
    save_model(arrays, path)
    model = load_model(path)
    assert len(model.texture_scale) == 12
    components = arrays["texture_basis"].astype(np.float32) * arrays["texture_scale"][:, None]
    gram = components @ components.T
    assert np.allclose(np.diag(gram), 1, atol=0.05)  # unit length after rounding to 8 bits
    assert np.abs(gram - np.diag(np.diag(gram))).max() < 0.05
    assert not list(tmp_path.glob("*.partial*"))
    # each subject counts mirrored, too
    average = np.zeros((*texture_shape(), 3), np.float32)
    average[model.inside] = model.texture_mean.astype(np.float32)
    both = (model.inside & model.inside[:, ::-1])[..., None]
    assert np.abs((average - average[:, ::-1]) * both).max() < 1
    for flat in model.shape_basis[:4].astype(float):
        direction = flat.reshape(478, 3)
        mirrored = direction[model.landmark_mirror] * [-1, 1, 1]
        assert abs((mirrored * direction).sum()) == pytest.approx(1, abs=0.02)
    woman = model.landmarks(model.regression[2]) - model.shape_mean
    mirrored = woman[model.landmark_mirror] * [-1, 1, 1]
    assert np.abs(mirrored - woman).max() < 0.02 * np.abs(woman).max(), (
        "the effect of gender is symmetric"
    )


def test_files_that_are_no_model_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    path.write_bytes(b"not a zip")
    with pytest.raises(ValueError, match="not an appearance model"):
        load_model(path)
    np.savez(path, vertices=np.zeros(3))
    with pytest.raises(ValueError, match="not an appearance model"):
        load_model(path)


def test_a_folder_without_photographs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"split\.csv: cannot be read"):
        neutral_photographs(tmp_path, lambda image: image)


def test_pyramid_halves_down_to_the_image_resolution() -> None:
    texture = np.zeros((320, 256, 3), np.uint8)
    assert pyramid(texture, 128)[0].shape == (320, 256, 3)
    small, unit = pyramid(texture, 34)
    assert small.shape == (160, 128, 3)
    assert unit == 64


def test_folds_are_symmetric_and_bounded() -> None:
    shading, place = fold_maps()
    assert set(shading) == set(NAMES)
    for name in NAMES:
        assert np.allclose(shading[name], shading[name][:, ::-1], atol=1e-5)
        assert shading[name].min() < -0.05
        assert shading[name].min() > -0.8
        assert 0 <= place[name].min() <= place[name].max() <= 1


def test_polygon_alpha_is_the_area() -> None:
    square = np.array([[1.5, 1.5], [5.5, 1.5], [5.5, 4.5], [1.5, 4.5]])
    alpha = polygon_alpha(square, (8, 8), np.zeros(2))
    # the edge is rasterised an eighth of a pixel thick
    assert alpha.sum() == pytest.approx(12 + 14 / 8, rel=0.02)
    assert alpha[3, 3] == 1
    assert alpha[7, 7] == 0


def test_smooth_curve_passes_through_its_points() -> None:
    points = np.array([[0, 0], [1, 2], [3, 1], [4, 4]], float)
    curve = smooth_curve(points, 5)
    assert np.allclose(curve[::5], points)


def test_round_trip_of_an_eyeball() -> None:
    profile = iris_profile(np.array([100.0, 130.0, 150.0]))
    y, x = np.mgrid[:60, :80]
    r = np.hypot(x - 40, y - 30) / 14
    image = np.full((60, 80, 3), 220.0)
    inside = r < 1
    image[inside] = profile[np.clip((r[inside] * len(profile)).astype(int), 0, len(profile) - 1)]
    eye = read_eyeball(
        image.astype(np.uint8), np.ones((60, 80), bool), np.array([40.0, 30.0]), 14.0
    )
    assert np.abs(eye.profile[10:20] - profile[10:20]).max() < 12
    assert np.allclose(eye.sclera, 220, atol=2)


def test_a_shut_eye_still_gives_an_eyeball() -> None:
    eye = read_eyeball(np.zeros((9, 9, 3), np.uint8), np.zeros((9, 9), bool), np.zeros(2), 3.0)
    assert eye.profile.shape[1] == 3
    assert np.isfinite(eye.profile).all()


def test_teeth_are_lighter_than_the_mouth_and_darken_to_the_sides() -> None:
    x, y = np.meshgrid(np.linspace(-0.3, 0.3, 241), np.linspace(-0.06, 0.06, 49))
    white = np.array([230.0, 224.0, 212.0])
    mouth = sample_mouth(x.astype(np.float32), y.astype(np.float32), 0.05, white, 400.0)
    row = mouth[10].mean(-1)  # across the upper crowns
    assert row[110:130].max() > 150
    assert row[:12].max() < row[110:130].max() - 40
    assert mouth[32].mean() < mouth[10].mean()  # below the biting edge it is dark


def test_smoothstep_has_level_ends() -> None:
    assert smoothstep(np.array([-1.0, 0.0, 0.5, 1.0, 2.0])).tolist() == [0, 0, 0.5, 1, 1]
    assert smoothstep(0.01) < 0.001

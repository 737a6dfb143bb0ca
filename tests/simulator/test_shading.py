from __future__ import annotations

import numpy as np

from palsynth.appearance.model import canonical_mesh
from palsynth.clinical import Grade, Movement, Palsy, Side
from palsynth.simulator.drive import drive
from palsynth.simulator.shading import (
    _lambert,
    _normals,
    fold_shading,
    sample_map,
    skin_likeness,
    smooth_out,
    surface_shading,
)
from palsynth.simulator.surface import field_displacement


def test_a_face_that_does_not_move_keeps_its_light() -> None:
    still = np.zeros_like(canonical_mesh().vertices)
    assert np.abs(surface_shading(still)).max() < 1e-5
    assert fold_shading(drive(Movement.REST, Palsy.none())) == (None, None)


def test_a_symmetric_movement_is_lit_symmetrically() -> None:
    light = surface_shading(field_displacement(drive(Movement.GRIN, Palsy.none())))
    gap = np.abs(light - light[canonical_mesh().mirror])
    assert np.abs(light).max() > 0.02
    assert np.percentile(gap, 95) < 0.04


def test_a_turned_surface_darkens_by_lamberts_law() -> None:
    """The lamp is above: a forehead that leans back turns towards it, one that leans forward
    turns away."""
    points = canonical_mesh().vertices
    tilt = np.zeros_like(points)
    tilt[:, 2] = 0.3 * points[:, 1]  # the lower, the further from the camera
    assert np.median(surface_shading(tilt)) < -0.03
    assert np.median(surface_shading(-tilt)) > 0.03


def test_a_flat_face_is_lit_by_the_lamps_slant() -> None:
    """0.6 of the light is ambient, 0.4 follows the cosine to (0, -0.5, -0.86)."""
    flat = canonical_mesh().vertices * np.array([1, 1, 0], np.float32)
    normals = _normals(flat)
    used = np.linalg.norm(normals, axis=1) > 0
    assert np.allclose(normals[used], [0, 0, -1], atol=1e-5), "towards the camera"
    slant = 0.86 / np.hypot(0.5, 0.86)
    assert np.allclose(_lambert(normals[used]), 0.6 + 0.4 * slant, atol=1e-5)


def test_forehead_lines_appear_on_the_side_that_works() -> None:
    appear, _ = fold_shading(
        drive(Movement.WRINKLE_FOREHEAD, Palsy.peripheral(Side.LEFT, Grade.VI))
    )
    assert appear is not None
    right = sample_map(appear, np.array([[-0.25]]), np.array([[-0.43]]))[0, 0]
    left = sample_map(appear, np.array([[0.25]]), np.array([[-0.43]]))[0, 0]
    assert right < -0.1 < left <= 0
    healthy, _ = fold_shading(drive(Movement.WRINKLE_FOREHEAD, Palsy.none()))
    assert healthy is not None
    assert sample_map(healthy, np.array([[-0.25]]), np.array([[-0.43]]))[0, 0] == right


def test_folds_vanish_where_tone_is_lost() -> None:
    _, vanish = fold_shading(drive(Movement.REST, Palsy.peripheral(Side.LEFT, Grade.VI)))
    assert vanish is not None
    assert sample_map(vanish, np.array([[0.265]]), np.array([[0.56]]))[0, 0] > 0.5
    assert sample_map(vanish, np.array([[-0.265]]), np.array([[0.56]]))[0, 0] == 0


def test_smoothing_out_removes_a_fold_and_keeps_grain_and_light() -> None:
    unit = 200.0
    y = np.arange(256)[:, None] * np.ones((1, 256))
    fold = -30 * np.exp(-0.5 * ((y - 128) / (0.02 * unit)) ** 2)
    grain = np.random.default_rng(0).normal(0, 3, (256, 256))
    image = (150 + 0.1 * y + fold + grain)[..., None].repeat(3, 2).astype(np.float32)
    out = smooth_out(image, unit)[..., 0]
    assert out[128].mean() - out[20].mean() > -12  # the fold was 30 deep
    assert abs(out.mean() - image.mean()) < 1
    residue = out[180:240] - out[180:240].mean(1, keepdims=True)
    assert residue.std() > 2


def test_hair_does_not_fold() -> None:
    picture = np.full((60, 60, 3), 180, np.float32)
    picture[:20] = 40
    weight = skin_likeness(picture, 100.0)
    assert weight[5].max() < 0.1
    assert weight[50].min() > 0.9

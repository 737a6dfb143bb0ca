"""Round trip of the linear system: landmarks composed from it are decomposed again."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import lsq_linear

from palsynth.capture.basis import MIDDLE, SIDED, basis
from palsynth.capture.neutral import COMPONENTS, fit_neutral, neutral_model
from palsynth.capture.solve import _pose_columns, _turn, bounded, solve, solve_rest
from palsynth.face import topology
from palsynth.simulator.surface import Pose
from palsynth.subjects.render import _rotation
from palsynth.subjects.scene import HeadPose

POINTS = topology.SKIN_POINTS


def _landmarks(shape: np.ndarray, pose: HeadPose, scale: float = 150.0) -> np.ndarray:
    """A shape (468, 3) in an image: rotated, scaled and moved; depth in the units of x."""
    turned = shape @ _rotation(pose).T * scale
    return np.asarray(turned + np.array([220.0, 240.0, 0.0]))


def test_bounded_least_squares_agrees_with_scipy() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        system, target = rng.normal(size=(30, 8)), rng.normal(size=30)
        low, high = -rng.uniform(0, 0.2, 8), rng.uniform(0, 0.2, 8)
        found = bounded(system.T @ system, system.T @ target, low, high)
        reference = lsq_linear(system, target, (low, high), tol=1e-12).x
        assert np.allclose(found, reference, atol=1e-6)


def test_without_bounds_it_is_ordinary_least_squares() -> None:
    rng = np.random.default_rng(1)
    system, target = rng.normal(size=(20, 5)), rng.normal(size=20)
    free = np.full(5, np.inf)
    found = bounded(system.T @ system, system.T @ target, -free, free)
    assert np.allclose(found, np.linalg.lstsq(system, target, rcond=None)[0])


@pytest.mark.parametrize("pose", [HeadPose(), HeadPose(20, 0, 0), HeadPose(-12, 8, 15)])
def test_a_known_smile_is_read_from_any_pose(pose: HeadPose) -> None:
    columns = basis()
    subject = neutral_model().mean + 1.2 * neutral_model().components[0]
    strengths = np.zeros(len(columns.names))
    strengths[columns.index("mouthSmile", "right")] = 0.8
    strengths[columns.index("mouthUpperUp", "right")] = 0.4
    moved = subject + np.tensordot(strengths, columns.columns, 1)
    rest = solve_rest(_landmarks(subject, HeadPose(3, -2, 5)))
    found = solve(_landmarks(moved, pose), rest.neutral)
    right = found.strengths[columns.index("mouthSmile", "right")]
    left = found.strengths[columns.index("mouthSmile", "left")]
    assert right == pytest.approx(0.8, abs=0.2)
    assert abs(left) < 0.08
    explained = np.tensordot(found.strengths, columns.columns, 1)
    expected = moved - subject
    lips = list(topology.COMMISSURE.values())
    assert np.abs(explained - expected)[lips, :2].max() < 0.02


def test_a_face_at_rest_moves_nothing_against_its_own_rest() -> None:
    subject = neutral_model().mean - 1.5 * neutral_model().components[2]
    rest = solve_rest(_landmarks(subject, HeadPose()))
    found = solve(_landmarks(subject, HeadPose(4, 2, -6), 90.0), rest.neutral)
    assert np.abs(found.strengths).max() < 0.03
    assert np.abs(found.residual).max() < 0.01


def test_the_columns_of_the_pose_are_its_derivatives() -> None:
    """Pitch, yaw and roll by a thousandth of a radian; scale; translation right and down."""
    points = np.random.default_rng(0).normal(size=(7, 3))
    columns, step = _pose_columns(points), 1e-3
    for k in range(3):
        turned = points @ _turn(step * np.eye(3)[k]).T
        assert (turned - points)[:, :2] / step == pytest.approx(columns[k], abs=3e-3)
    assert columns[3] == pytest.approx(points[:, :2])
    assert columns[4] == pytest.approx(np.broadcast_to([1.0, 0.0], (7, 2)))
    assert columns[5] == pytest.approx(np.broadcast_to([0.0, 1.0], (7, 2)))


def test_a_wrong_initial_pose_is_corrected(monkeypatch: pytest.MonkeyPatch) -> None:
    """The initial pose of a face lying on its side is off by six degrees of pitch, and in scale."""
    subject, pose = neutral_model().mean, HeadPose(0, 0, 80)
    truth = _rotation(pose)
    wrong = Pose(_turn(np.radians([6.0, 0.0, 0.0])) @ truth, 140.0)
    monkeypatch.setattr("palsynth.capture.solve.estimate_pose", lambda landmarks: wrong)
    found = solve(_landmarks(subject, pose), subject)
    assert found.pose.scale == pytest.approx(150, rel=0.01)
    off = np.degrees(np.arccos((np.trace(found.pose.rotation @ truth.T) - 1) / 2))
    assert off < 1.5


def test_the_residual_is_in_the_axes_of_the_face() -> None:
    """A point of the forehead is 0.1 lower, on a head tilted by 30 degrees."""
    subject = neutral_model().mean
    odd = subject.copy()
    odd[151, 1] += 0.1
    found = solve(_landmarks(odd, HeadPose(roll=30)), subject)
    assert found.residual[151] == pytest.approx([0, 0.1, 0], abs=0.02)


def test_without_information_in_the_landmarks_the_error_is_the_priors(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("palsynth.capture.solve.NOISE", 1e6)
    subject, columns = neutral_model().mean, basis()
    found = solve(_landmarks(subject, HeadPose()), subject)
    errors = dict(zip(columns.names, found.errors, strict=True))
    assert errors["jawOpen", "middle"] == pytest.approx(0.25 / np.sqrt(0.15), rel=1e-3)
    assert errors["mouthRollLower", "middle"] == pytest.approx(0.12 / np.sqrt(0.15), rel=1e-3)


def test_the_basis_is_mirrored_exactly() -> None:
    columns = basis()
    mirror = topology.MIRROR[:POINTS]
    for field in SIDED:
        left, right = (columns.columns[columns.index(field, s)] for s in ("left", "right"))
        assert np.allclose(left[mirror] * [-1, 1, 1], right, atol=1e-6)
    for field in MIDDLE:
        whole = columns.columns[columns.index(field, "middle")]
        assert np.allclose(whole[mirror] * [-1, 1, 1], whole, atol=1e-6)
    assert (np.linalg.eigvalsh(columns.precision) > 0).all()


def test_left_fields_move_the_patients_left() -> None:
    columns = basis()
    smile = columns.columns[columns.index("mouthSmile", "left")]
    left, right = (topology.COMMISSURE[s] for s in ("left", "right"))
    assert smile[left, 1] < -0.05  # up
    assert smile[left, 0] > 0.02  # to the patient's left, the picture's right
    assert np.abs(smile[right]).max() < 0.005


def test_the_neutral_model_is_symmetric_and_normalised() -> None:
    model = neutral_model()
    mirror = topology.MIRROR[:POINTS]
    assert np.allclose(model.mean[mirror] * [-1, 1, 1], model.mean, atol=1e-5)
    corners = model.mean[[topology.OUTER_CANTHUS["right"], topology.OUTER_CANTHUS["left"]], :2]
    assert np.allclose(corners, [[-0.5, 0], [0.5, 0]], atol=1e-4)
    assert model.components.shape == (24, POINTS, 3)
    assert not model.components[..., 2].any()  # people differ in the plane: depth is the scan's
    assert np.ptp(model.mean[:, 2]) > 0.5


def test_fitting_recovers_the_components_of_identity() -> None:
    rng = np.random.default_rng(0)
    model = neutral_model()
    codes = rng.normal(size=(40, 3))
    codes -= codes.mean(0)
    faces = [
        _landmarks(model.mean + np.tensordot(c, model.components[:3], 1), HeadPose(roll=9.0))
        for c in codes
    ]
    found = fit_neutral(faces)
    assert np.abs(found["mean"] - model.mean[:, :2]).max() < 0.01
    deviations = np.linalg.norm(found["components"].astype(float).reshape(COMPONENTS, -1), axis=1)
    assert deviations[6] < 0.15 * deviations[0]  # three components and their mirror images
    whole = np.square(deviations).sum()  # scaled to standard deviations, like the model
    assert whole == pytest.approx(np.square(model.components[:3]).sum(), rel=0.5)
    mirror = topology.MIRROR[:POINTS]
    for component in found["components"][:4].astype(float):
        mirrored = component[mirror] * [-1, 1]
        cosine = (mirrored * component).sum() / np.square(component).sum()
        assert abs(cosine) > 0.98, "symmetric or antisymmetric"


def test_each_face_counts_mirrored_too() -> None:
    """If wide faces always lean to the left, width and leaning are still separate components."""
    model = neutral_model()
    wide, leaning = model.components[0], model.components[3]
    codes = np.linspace(-1.5, 1.5, 12)
    found = fit_neutral([_landmarks(model.mean + c * (wide + leaning), HeadPose()) for c in codes])
    mirror = topology.MIRROR[:POINTS]
    for component, sign in zip(found["components"][:2].astype(float), (1, -1), strict=True):
        mirrored = component[mirror] * [-1, 1]
        cosine = (mirrored * component).sum() / np.square(component).sum()
        assert cosine == pytest.approx(sign, abs=0.05)

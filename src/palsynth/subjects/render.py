"""Rendering of synthetic subjects with a movement and a palsy, with exact ground truth."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from palsynth.appearance.eyes import Eyeball, iris_profile
from palsynth.appearance.model import canonical_mesh, pyramid, to_texture
from palsynth.appearance.teeth import TOOTH_WHITE
from palsynth.clinical import Movement, Palsy, Side
from palsynth.face import topology
from palsynth.seeds import Stream, make_rng
from palsynth.simulator.compose import compose
from palsynth.simulator.drive import Drive, drive
from palsynth.simulator.lids import eye_roll
from palsynth.simulator.rest import Moved, Rest
from palsynth.simulator.surface import Pose, rest_surface
from palsynth.subjects.ageing import aged
from palsynth.subjects.dress import CLOTH, Stage, background, draw_cap, draw_neck_and_top, wall
from palsynth.subjects.scene import HeadPose, View, apply_camera, apply_light
from palsynth.subjects.subject import Subject

LARGEST = 1024
"""Largest image side, pixels."""

_PIVOT = np.array([0.0, 0.35, 0.75])
"""The joint of the neck, about which the head rotates, canonical units."""


@dataclass(frozen=True)
class Portrait:
    """A rendered picture with its ground truth.

    Attributes:
        image: (S, S, 3) uint8 RGB.
        landmarks: (478, 2) float32 in pixels.
        subject: the subject.
        movement: the movement.
        palsy: the palsy.
    """

    image: np.ndarray
    landmarks: np.ndarray
    subject: Subject
    movement: Movement
    palsy: Palsy


def render(
    subject: Subject,
    movement: Movement = Movement.REST,
    palsy: Palsy | None = None,
    *,
    intensity: float = 1.0,
    view: View | None = None,
    wink: Side | None = None,
) -> Portrait:
    """Renders a subject with a movement and a palsy.

    Args:
        subject: the subject.
        movement: the movement.
        palsy: the palsy; default: none.
        intensity: effort of the movement, 0 to 1.2.
        view: size, crop, pose and light; default: a frontal ID photo of 256 px.
        wink: the eye that winks; default: that of the weak side.

    Returns:
        The picture with its ground truth.

    Raises:
        ValueError: if the size is not 32 to 1024 px.
    """
    palsy = palsy or Palsy.none()
    expression = drive(movement, palsy, intensity=intensity, bell=subject.bell, wink=wink)
    image, landmarks = render_drive(subject, expression, view)
    return Portrait(image, landmarks, subject, movement, palsy)


def render_drive(
    subject: Subject, expression: Drive, view: View | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Renders a subject with a drive of the simulator.

    Ageing is added, and folds are scaled by the subject's ``lines``.

    Args:
        subject: the subject.
        expression: the drive.
        view: size, crop, pose and light; default: a frontal ID photo of 256 px.

    Returns:
        The picture, (S, S, 3) uint8 RGB, and its landmarks, (478, 2) float32 in pixels.

    Raises:
        ValueError: if the size is not 32 to 1024 px.
    """
    view = view or View()
    rest, stage = _at_rest(subject, view)
    moved, expression = _moved(subject, rest, expression)
    image = moved.image.astype(np.float32)
    draw_cap(image, stage, make_rng(subject.seed, Stream.SUBJECT_CAP), _cloth(view))
    image = apply_light(image, view.scene.light)
    image = apply_camera(image, view)
    landmarks = np.vstack([moved.points[: topology.SKIN_POINTS, :2], _irises(rest, expression)])
    return image.clip(0, 255).round().astype(np.uint8), landmarks.astype(np.float32)


class Sitting:
    """A subject who holds still in one view, for many pictures one after the other: what no
    expression changes is drawn once.

    Args:
        subject: the subject.
        view: size, crop, pose and light.

    Raises:
        ValueError: if the size is not 32 to 1024 px.
    """

    def __init__(self, subject: Subject, view: View) -> None:
        self._subject, self._view = subject, view
        self._rest, self._stage = _at_rest(subject, view)
        self._pictures = 0

    def picture(self, expression: Drive) -> np.ndarray:
        """Renders an expression.

        Args:
            expression: the drive.

        Returns:
            The picture of :func:`render_drive`, (S, S, 3) uint8 RGB, but for rounding.
        """
        moved, _ = _moved(self._subject, self._rest, expression)
        self._pictures += 1
        if self._pictures == 1:  # there may be no other
            image = self._capped(moved.image.astype(np.float32))
        else:
            added, share = self._cap
            image = moved.image * share + added
        image = apply_light(image, self._view.scene.light)
        image = apply_camera(image, self._view)
        return np.asarray(image.clip(0, 255).round().astype(np.uint8))

    @cached_property
    def _cap(self) -> tuple[np.ndarray, np.ndarray]:
        """What drawing the cap adds to a picture, and what share of it stays: (S, S, 3) each."""
        dark, light = (
            self._capped(np.full((self._view.size, self._view.size, 3), level, np.float32))
            for level in (0.0, 1.0)
        )
        return dark, light - dark

    def _capped(self, image: np.ndarray) -> np.ndarray:
        rng = make_rng(self._subject.seed, Stream.SUBJECT_CAP)
        draw_cap(image, self._stage, rng, _cloth(self._view))
        return image


def _cloth(view: View) -> np.ndarray:
    """(3,) RGB of cap and top."""
    return CLOTH if view.scene.cloth is None else np.array(view.scene.cloth, np.float64)


def _moved(subject: Subject, rest: Rest, expression: Drive) -> tuple[Moved, Drive]:
    """The subject with an expression, and that expression with the subject's age added."""
    left, right = (
        aged(side, subject.age, subject.lines) for side in (expression.left, expression.right)
    )
    expression = replace(expression, left=left, right=right)
    return compose(rest, expression), expression


def _at_rest(subject: Subject, view: View) -> tuple[Rest, Stage]:
    """The subject at rest, without cap, as the simulator takes it; and the mapping for the cap."""
    if not 32 <= view.size <= LARGEST:
        raise ValueError(f"size {view.size}: subjects are rendered from 32 to {LARGEST} px")
    framing, size = view.framing, view.size
    scale = framing.scale(size) * view.scene.jitter.zoom
    rotation = _rotation(view.scene.pose)
    mesh = canonical_mesh()
    points = mesh.from_landmarks(subject.landmarks)
    points[:, 2] = rest_surface()[:, 2]
    origin = framing.origin(size) + np.array(view.scene.jitter.shift) * size
    eye_centre = (subject.landmarks[33, :2] + subject.landmarks[263, :2]) / 2
    rotated = (points - _PIVOT) @ rotation.T + _PIVOT
    rotated[:, :2] -= eye_centre
    pixels = (rotated * scale).astype(np.float32)
    pixels[:, :2] += origin

    oval = subject.landmarks[[234, 454], 0]
    width = float((oval[1] - oval[0]) / 1.562)
    pivot = (_PIVOT - _PIVOT @ rotation.T)[:2] - eye_centre
    affine = np.column_stack([rotation[:2, :2] * scale, pivot * scale + origin])
    stage = Stage(size, affine, width, -rotation[:2, 2] * scale)

    if view.scene.backdrop is None:
        canvas = background(stage, make_rng(subject.seed, Stream.SUBJECT_BACKDROP))
    else:
        canvas = wall(stage, make_rng(view.scene.backdrop, Stream.SUBJECT_BACKDROP))
    skin, unit = pyramid(subject.skin, scale)
    skin_points = (to_texture(mesh.vertices[:, :2]) + 0.5) * (unit / 128.0) - 0.5
    cheeks = skin_points[[50, 280, 205, 425, 207, 427, 214, 434]].astype(int)  # jaws are shaded
    tone = np.median(skin[cheeks[:, 1], cheeks[:, 0]], axis=0).astype(np.float64)
    draw_neck_and_top(
        canvas,
        stage,
        tone,
        pixels[topology.CHIN, :2],
        make_rng(subject.seed, Stream.SUBJECT_CLOTHES),
        _cloth(view),
    )
    level = float(np.percentile(subject.skin[90:260:4, 60:196:4].max(-1), 75))
    tooth = TOOTH_WHITE * np.clip(0.46 * level + 142, 165, 248) * subject.teeth
    eyes = {side: _eye(subject, pixels, side, scale, rotation, level) for side in Side}
    rest = Rest(
        picture=canvas.clip(0, 255).astype(np.uint8),
        skin=skin,
        skin_points=skin_points.astype(np.float32),
        points=pixels,
        pose=Pose(rotation, scale),
        eyes=eyes,
        tooth=tooth,
        is_synthetic=True,
    )
    return rest, stage


def _eye(
    subject: Subject,
    pixels: np.ndarray,
    side: Side,
    scale: float,
    rotation: np.ndarray,
    level: float,
) -> Eyeball:
    """The eyeball of one side, looking into the camera."""
    iris = subject.landmarks[topology.IRIS[side.value][0], :2]
    lids = [*topology.UPPER_LID[side.value], *topology.LOWER_LID[side.value]]
    shift = (iris - subject.landmarks[lids, :2].mean(0)) @ rotation[:2, :2].T * scale
    radius = 0.0655 * scale
    light = np.clip(0.35 + 0.65 * level / 215, 0.5, 1.1)
    sclera = np.array([222.0, 214.0, 209.0]) * light
    centre = pixels[lids, :2].mean(0) + shift
    return Eyeball(iris_profile(subject.iris * light), sclera, centre.astype(np.float32), radius)


def _irises(rest: Rest, expression: Drive) -> np.ndarray:
    """Landmarks (10, 2) of both irises, rolled up by Bell's phenomenon or not."""
    out = []
    for side in (Side.RIGHT, Side.LEFT):
        eye = rest.eyes[side]
        ring = np.array([[0, 0], [1, 0], [0, -1], [-1, 0], [0, 1]]) * eye.radius
        out.append(eye.centre + eye_roll(rest, side, expression.of(side)) + ring)
    return np.vstack(out)


def _rotation(pose: HeadPose) -> np.ndarray:
    yaw, pitch, roll = np.radians([pose.yaw, pose.pitch, pose.roll])
    cy, sy, cp, sp, cr, sr = (
        np.cos(yaw),
        np.sin(yaw),
        np.cos(pitch),
        np.sin(pitch),
        np.cos(roll),
        np.sin(roll),
    )
    about_y = np.array([[cy, 0, -sy], [0, 1, 0], [sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return np.asarray(about_z @ about_x @ about_y)

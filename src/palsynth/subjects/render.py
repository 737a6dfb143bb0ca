"""A picture of a person who does not exist, doing a movement, with its exact truth."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from palsynth.appearance.eyes import Eyeball, iris_profile
from palsynth.appearance.model import canonical_mesh, pyramid, to_texture
from palsynth.appearance.teeth import TOOTH_WHITE
from palsynth.clinical import Movement, Palsy, Side
from palsynth.face import topology
from palsynth.face.framing import ID_PHOTO, Framing
from palsynth.seeds import Stream, make_rng
from palsynth.simulator.compose import compose
from palsynth.simulator.drive import Drive, drive
from palsynth.simulator.lids import eye_roll
from palsynth.simulator.rest import Rest
from palsynth.simulator.surface import Pose, rest_surface
from palsynth.subjects.ageing import aged
from palsynth.subjects.dress import Stage, background, draw_cap, draw_neck_and_top
from palsynth.subjects.subject import Subject

LARGEST = 1024
_PIVOT = np.array([0.0, 0.35, 0.75])
"""The neck's joint, around which a head turns, canonical units."""


@dataclass(frozen=True)
class HeadPose:
    """Degrees: ``yaw`` positive turns the face to the image's right, ``pitch`` positive
    looks down, ``roll`` positive tilts clockwise in the image."""

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0


@dataclass(frozen=True)
class Light:
    """``side`` -1 … 1 where the lamp stands (1: image right), ``exposure`` factor of all
    light, ``warmth`` -1 (bluish) … 1 (yellowish)."""

    side: float = 0.0
    exposure: float = 1.0
    warmth: float = 0.0


@dataclass(frozen=True)
class Jitter:
    """What a camera and a hasty crop do: shift (shares of the side), zoom, blur (pixels at
    512 px), noise (grey levels)."""

    shift: tuple[float, float] = (0.0, 0.0)
    zoom: float = 1.0
    blur: float = 0.0
    noise: float = 0.0
    seed: int = 0


@dataclass(frozen=True)
class Portrait:
    """A picture with its truth: ``image`` (S, S, 3) uint8 RGB, ``landmarks`` (478, 2) pixels."""

    image: np.ndarray
    landmarks: np.ndarray
    subject: Subject
    movement: Movement
    palsy: Palsy


@dataclass(frozen=True)
class View:
    """Everything about a picture that is not the person or what the person does."""

    size: int = 256
    framing: Framing = ID_PHOTO
    pose: HeadPose = field(default_factory=HeadPose)
    light: Light = field(default_factory=Light)
    jitter: Jitter = field(default_factory=Jitter)


def render(
    subject: Subject,
    movement: Movement = Movement.REST,
    palsy: Palsy | None = None,
    *,
    intensity: float = 1.0,
    view: View | None = None,
    wink: Side | None = None,
) -> Portrait:
    """Draws a person doing a movement with a palsy.

    ``intensity`` 0 … 1.2 scales the effort; ``wink`` is the eye that is asked to, the weak one's if
    None. Sizes run from 32 to 1024 px.
    """
    palsy = palsy or Palsy.none()
    what = drive(movement, palsy, intensity=intensity, bell=subject.bell, wink=wink)
    image, landmarks = render_drive(subject, what, view)
    return Portrait(image, landmarks, subject, movement, palsy)


def render_drive(
    subject: Subject, what: Drive, view: View | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Draws a person doing what a drive says: the picture (S, S, 3) uint8 RGB and its landmarks
    (478, 2) in pixels. Folds are as deep as the person's own lines."""
    view = view or View()
    if not 32 <= view.size <= LARGEST:
        raise ValueError(f"size {view.size}: people are drawn from 32 to {LARGEST} px")
    rest, stage = _at_rest(subject, view)
    left, right = (aged(side, subject.age, subject.lines) for side in (what.left, what.right))
    what = replace(what, left=left, right=right)
    moved = compose(rest, what)
    image = moved.image.astype(np.float32)
    draw_cap(image, stage, make_rng(subject.seed, Stream.SUBJECT_CAP))
    image = _lit(image, view.light)
    image = _photographed(image, view)
    landmarks = np.vstack([moved.points[: topology.SKIN_POINTS, :2], _irises(rest, what)])
    return image.clip(0, 255).round().astype(np.uint8), landmarks.astype(np.float32)


def _at_rest(subject: Subject, view: View) -> tuple[Rest, Stage]:
    framing, size = view.framing, view.size
    scale = framing.scale(size) * view.jitter.zoom
    rotation = _rotation(view.pose)
    mesh = canonical_mesh()
    points = mesh.from_landmarks(subject.landmarks)
    points[:, 2] = rest_surface()[:, 2]
    origin = framing.origin(size) + np.array(view.jitter.shift) * size
    middle = (subject.landmarks[33, :2] + subject.landmarks[263, :2]) / 2
    turned = (points - _PIVOT) @ rotation.T + _PIVOT
    turned[:, :2] -= middle
    pixels = (turned * scale).astype(np.float32)
    pixels[:, :2] += origin

    oval = subject.landmarks[[234, 454], 0]
    width = float((oval[1] - oval[0]) / 1.562)
    pivot = (_PIVOT - _PIVOT @ rotation.T)[:2] - middle
    affine = np.column_stack([rotation[:2, :2] * scale, pivot * scale + origin])
    stage = Stage(size, affine, width, -rotation[:2, 2] * scale)

    canvas = background(stage, make_rng(subject.seed, Stream.SUBJECT_BACKDROP))
    skin, unit = pyramid(subject.skin, scale)
    skin_points = (to_texture(mesh.vertices[:, :2]) + 0.5) * (unit / 128.0) - 0.5
    below = skin_points[[50, 280, 205, 425, 207, 427, 214, 434]].astype(int)  # the jaw is shaded
    tone = np.median(skin[below[:, 1], below[:, 0]], axis=0).astype(np.float64)
    draw_neck_and_top(
        canvas,
        stage,
        tone,
        pixels[topology.CHIN, :2],
        make_rng(subject.seed, Stream.SUBJECT_CLOTHES),
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
        drawn=True,
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
    """The drawn eye of one side, looking into the camera."""
    where = subject.landmarks[topology.IRIS[side.value][0], :2]
    lids = [*topology.UPPER_LID[side.value], *topology.LOWER_LID[side.value]]
    shift = (where - subject.landmarks[lids, :2].mean(0)) @ rotation[:2, :2].T * scale
    radius = 0.0655 * scale
    light = np.clip(0.35 + 0.65 * level / 215, 0.5, 1.1)
    sclera = np.array([222.0, 214.0, 209.0]) * light
    centre = pixels[lids, :2].mean(0) + shift
    return Eyeball(iris_profile(subject.iris * light), sclera, centre.astype(np.float32), radius)


def _irises(rest: Rest, what: Drive) -> np.ndarray:
    """Landmarks (10, 2) of both irises, rolled up or not."""
    out = []
    for side in (Side.RIGHT, Side.LEFT):
        eye = rest.eyes[side]
        ring = np.array([[0, 0], [1, 0], [0, -1], [-1, 0], [0, 1]]) * eye.radius
        out.append(eye.centre + eye_roll(rest, side, what.of(side)) + ring)
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


def _lit(image: np.ndarray, light: Light) -> np.ndarray:
    if light == Light():
        return image
    across = np.linspace(-1, 1, image.shape[1], dtype=np.float32)
    gain = light.exposure * (1 + 0.28 * light.side * across)
    tint = np.array([1 + 0.06 * light.warmth, 1.0, 1 - 0.10 * light.warmth], np.float32)
    return image * gain[None, :, None] * tint


def _photographed(image: np.ndarray, view: View) -> np.ndarray:
    jitter = view.jitter
    if jitter.blur > 0:
        image = cv2.GaussianBlur(image, (0, 0), max(0.3, jitter.blur * view.size / 512))
    if jitter.noise > 0:
        rng = make_rng(jitter.seed, Stream.CAMERA_NOISE)
        image = image + rng.normal(0, jitter.noise, image.shape).astype(np.float32)
    return image

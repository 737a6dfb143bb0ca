"""Prepares a photo for the simulator, and simulates movements in it."""

from __future__ import annotations

import numpy as np

from palsynth.appearance.curves import polygon_alpha
from palsynth.appearance.eyes import read_eyeball
from palsynth.appearance.model import canonical_mesh
from palsynth.clinical import Movement, Palsy, Side
from palsynth.errors import InputError
from palsynth.face import topology
from palsynth.face.face import Face
from palsynth.simulator.compose import compose
from palsynth.simulator.drive import BELL, drive
from palsynth.simulator.mouth import tooth_colour
from palsynth.simulator.rest import Moved, Rest
from palsynth.simulator.surface import estimate_pose


def at_rest(face: Face) -> Rest:
    """Decomposes a photo of a face at rest into skin, eyeballs, pose and light.

    Args:
        face: a face at rest.

    Returns:
        The layers that :func:`palsynth.simulator.compose.compose` animates.

    Raises:
        InputError: an eye lies outside the photo.
    """
    points = canonical_mesh().from_landmarks(face.landmarks)
    eyes = {}
    for side in Side:
        contour = face.landmarks[topology.eye_polygon(side.value), :2]
        iris = face.landmarks[list(topology.IRIS[side.value]), :2]
        radius = float(np.linalg.norm(iris[1:] - iris[0], axis=1).mean())
        left, top = np.maximum(np.floor(contour.min(0)).astype(int) - 2, 0)
        size = np.array(face.image.shape[1::-1])
        right, bottom = np.minimum(np.ceil(contour.max(0)).astype(int) + 3, size)
        if right - left < 3 or bottom - top < 3:
            raise InputError("an eye lies outside the photo; use one with the whole face in it")
        window = face.image[top:bottom, left:right]
        origin = np.array([left, top], np.float32)
        aperture = polygon_alpha(contour, (bottom - top, right - left), origin) > 0.6
        ball = read_eyeball(window, aperture, iris[0] - origin, radius)
        eyes[side] = type(ball)(ball.profile, ball.sclera, iris[0], radius)
    return Rest(
        picture=face.image,
        skin=face.image,
        skin_points=points[:, :2],
        points=points,
        pose=estimate_pose(face.landmarks),
        eyes=eyes,
        tooth=tooth_colour(face.image, points[:, :2]),
    )


def simulate(
    face: Face,
    movement: Movement,
    palsy: Palsy,
    *,
    intensity: float = 1.0,
    bell: float = BELL,
) -> Moved:
    """Simulates a movement with a palsy in a photo. No training, no randomness.

    Args:
        face: a face at rest.
        movement: the requested movement.
        palsy: the palsy to simulate.
        intensity: effort of the movement, 0 … 1.2.
        bell: strength of Bell's phenomenon, 0 (absent) … 1.

    Returns:
        The image, the moved vertices, and the support: no pixel outside it differs from the
        photo.

    Raises:
        InputError: an eye lies outside the photo.
    """
    return compose(at_rest(face), drive(movement, palsy, intensity=intensity, bell=bell))

"""How a subject is photographed: pose, lighting, camera and crop."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from palsynth.face.framing import ID_PHOTO, Framing
from palsynth.seeds import Stream, make_rng
from palsynth.settings import FiniteNumbers
from palsynth.simulator.motion import Sway


@dataclass(frozen=True)
class HeadPose(FiniteNumbers):
    """Rotation of the head, degrees.

    Attributes:
        yaw: positive turns the face to the right of the image.
        pitch: positive looks down.
        roll: positive tilts clockwise in the image.
    """

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0


def head_pose(rotation: np.ndarray) -> HeadPose:
    """The pose of a head from its rotation matrix.

    Args:
        rotation: (3, 3), as :func:`palsynth.simulator.surface.estimate_pose` gives it.

    Returns:
        The angles, pitch between -90 and 90 degrees.
    """
    pitch = np.arcsin(np.clip(rotation[2, 1], -1, 1))
    yaw = np.arctan2(rotation[2, 0], rotation[2, 2])
    roll = np.arctan2(-rotation[0, 1], rotation[1, 1])
    return HeadPose(*np.degrees([yaw, pitch, roll]).tolist())


@dataclass(frozen=True)
class Light(FiniteNumbers):
    """Lighting of a picture.

    Attributes:
        side: position of the lamp, -1 (left of the image) to 1 (right).
        exposure: factor of all light.
        warmth: -1 (bluish) to 1 (yellowish).
    """

    side: float = 0.0
    exposure: float = 1.0
    warmth: float = 0.0


@dataclass(frozen=True)
class Jitter(FiniteNumbers):
    """Imperfections of camera and crop.

    Attributes:
        shift: translation in x and y, as fractions of the image side.
        zoom: factor of the scale.
        blur: sigma of the Gaussian blur, pixels in an image of 512 px.
        noise: standard deviation of the Gaussian noise, grey levels.
        seed: seed of the noise.
    """

    shift: tuple[float, float] = (0.0, 0.0)
    zoom: float = 1.0
    blur: float = 0.0
    noise: float = 0.0
    seed: int = 0


@dataclass(frozen=True)
class Scene:
    """How a subject is photographed.

    Attributes:
        pose: pose of the head.
        light: the lighting.
        jitter: imperfections of camera and crop.
        backdrop: seed of the wall behind the subject; default: a light blue one.
        cloth: colour of cap and top, RGB, 0 … 255; default: light blue.
    """

    pose: HeadPose = field(default_factory=HeadPose)
    light: Light = field(default_factory=Light)
    jitter: Jitter = field(default_factory=Jitter)
    backdrop: int | None = None
    cloth: tuple[int, int, int] | None = None

    def swayed(self, sway: Sway) -> Scene:
        """The same scene with the head turned a little further, as in one frame of a clip.

        Args:
            sway: rotation from where the head is held.

        Returns:
            The scene; all else stays as it is.
        """
        pose = HeadPose(
            self.pose.yaw + sway.yaw, self.pose.pitch + sway.pitch, self.pose.roll + sway.roll
        )
        return replace(self, pose=pose)


@dataclass(frozen=True)
class View(FiniteNumbers):
    """All parameters of a picture except subject and expression.

    Attributes:
        size: image side in pixels, 32 to 1024.
        framing: the crop.
        scene: pose, lighting and camera.
    """

    size: int = 256
    framing: Framing = ID_PHOTO
    scene: Scene = field(default_factory=Scene)


def apply_light(image: np.ndarray, light: Light) -> np.ndarray:
    """Lights a picture.

    Args:
        image: (H, W, 3) float32 RGB, 0 … 255.
        light: the lighting.

    Returns:
        (H, W, 3) float32 RGB, not clipped.
    """
    if light == Light():
        return image
    x = np.linspace(-1, 1, image.shape[1], dtype=np.float32)
    gain = light.exposure * (1 + 0.28 * light.side * x)
    tint = np.array([1 + 0.06 * light.warmth, 1.0, 1 - 0.10 * light.warmth], np.float32)
    return image * gain[None, :, None] * tint


def apply_camera(image: np.ndarray, view: View) -> np.ndarray:
    """Blurs a picture and adds noise, as its scene's camera does.

    Args:
        image: (S, S, 3) float32 RGB, 0 … 255.
        view: size and scene of the picture.

    Returns:
        (S, S, 3) float32 RGB, not clipped.
    """
    jitter = view.scene.jitter
    if jitter.blur > 0:
        image = cv2.GaussianBlur(image, (0, 0), max(0.3, jitter.blur * view.size / 512))
    if jitter.noise > 0:
        rng = make_rng(jitter.seed, Stream.CAMERA_NOISE)
        image = image + rng.normal(0, jitter.noise, image.shape).astype(np.float32)
    return image

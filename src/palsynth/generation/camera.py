"""How the pictures of a data set are taken: pose and backdrop of synthetic subjects, blur, noise
and JPEG of all pictures, so that a network does not learn to know them by being too clean."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from palsynth.errors import InputError
from palsynth.face.framing import ID_PHOTO
from palsynth.methods.base import Request
from palsynth.seeds import Stream, make_rng
from palsynth.settings import Settings
from palsynth.subjects import HeadPose, Jitter, Scene, Subject, View
from palsynth.subjects.scene import apply_camera

POSE = (4.0, 3.0, 2.0)
"""Standard deviation of yaw, pitch and roll of people who look into a camera, degrees."""

QUALITY = (60, 96)
"""Range of the JPEG quality, from that of messengers to that of cameras."""


@dataclass(frozen=True)
class CameraSettings(Settings):
    """How far seeds vary the taking of a picture; 0 or false does not. The defaults are a
    convention of this project, in the range of its benchmark sets."""

    pose: float = 1.0
    """Pose of synthetic subjects, relative to that of people who look into a camera, 0 to 2."""
    backdrop: bool = True
    """Another wall behind a synthetic subject in each picture."""
    blur: float = 1.2
    """Largest sigma of the Gaussian blur, pixels in a picture of 512 px, 0 to 5."""
    noise: float = 2.0
    """Largest standard deviation of the camera noise, grey levels, 0 to 20."""
    jpeg: float = 0.3
    """Share of pictures that have been JPEG files, of quality 60 to 95."""

    def __post_init__(self) -> None:
        super().__post_init__()
        limits = {"pose": 2.0, "blur": 5.0, "noise": 20.0, "jpeg": 1.0}
        for name, most in limits.items():
            if not 0 <= getattr(self, name) <= most:
                value = getattr(self, name)
                raise InputError(f"camera: {name} {value:g}: must lie between 0 and {most:g}")


def posed(request: Request, camera: CameraSettings) -> Request:
    """Gives a request's synthetic subject a pose and a backdrop, as its seed decides.

    Args:
        request: what is requested; a photo has a pose of its own and is left alone.
        camera: how far they vary.

    Returns:
        The request with another scene.
    """
    if not isinstance(request.identity, Subject):
        return request
    rng = make_rng(request.seed, Stream.CAMERA_SCENE)
    yaw, pitch, roll = (camera.pose * float(rng.normal(0, s)) for s in POSE)
    backdrop = int(rng.integers(2**31))
    scene = replace(request.scene, pose=HeadPose(yaw, pitch, roll))
    if camera.backdrop:
        scene = replace(scene, backdrop=backdrop)
    return replace(request, scene=scene)


def photographed(
    image: np.ndarray, camera: CameraSettings, seed: int, frame: int = 0
) -> np.ndarray:
    """Blurs a picture, adds noise and saves it as a JPEG, as far as its seed decides.

    Args:
        image: (H, W, 3) uint8 RGB.
        camera: how far they vary.
        seed: seed of the picture's request.
        frame: number of a frame of a clip, each of which has a noise of its own.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    rng = make_rng(seed, Stream.CAMERA_EFFECTS)
    blur, noise = (float(rng.uniform(0, most)) for most in (camera.blur, camera.noise))
    pattern = (int(rng.integers(2**31)) + frame) % 2**31
    jitter = Jitter(blur=blur, noise=noise, seed=pattern)
    view = View(min(image.shape[:2]), ID_PHOTO, Scene(jitter=jitter))
    taken = apply_camera(image.astype(np.float32), view).clip(0, 255).round().astype(np.uint8)
    quality = int(rng.integers(*QUALITY))
    return _as_jpeg(taken, quality) if rng.random() < camera.jpeg else taken


def _as_jpeg(image: np.ndarray, quality: int) -> np.ndarray:
    data = io.BytesIO()
    Image.fromarray(image).save(data, "JPEG", quality=quality)
    return np.array(Image.open(data).convert("RGB"))

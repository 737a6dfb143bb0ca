"""A face: an image, its landmarks, and the transform back to the original picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from palsynth.face import topology
from palsynth.face.framing import Framing


@dataclass(frozen=True)
class Face:
    """An image of a face with its landmarks.

    Attributes:
        image: (H, W, 3) uint8 RGB.
        landmarks: (478, 3) float32, x and y in pixels of ``image``, depth in the units of x.
        to_source: (2, 3) affine transform from the pixels of ``image`` to those of the picture it
            was cropped from.
        blendshapes: the 52 expression coefficients, 0 … 1, under their ARKit names, where left
            and right are the patient's; None where no network has estimated them.
    """

    image: np.ndarray
    landmarks: np.ndarray
    to_source: np.ndarray = field(
        default_factory=lambda: np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    )
    blendshapes: Mapping[str, float] | None = None

    @property
    def outer_eyes(self) -> float:
        """Distance between the outer eye corners, pixels."""
        a, b = (self.landmarks[topology.OUTER_CANTHUS[s], :2] for s in ("right", "left"))
        return float(np.linalg.norm(b - a))

    @property
    def height(self) -> float:
        """Distance from the top of the forehead to the chin, pixels."""
        top, chin = (self.landmarks[n, :2] for n in (topology.FACE_OVAL[0], topology.CHIN))
        return float(np.linalg.norm(chin - top))

    def aligned(self, framing: Framing, size: int) -> Face:
        """Crops the face with its outer eye corners level, at a framing.

        Args:
            framing: position and scale of the face in the crop.
            size: side of the crop, pixels.

        Returns:
            The crop (size, size, 3), with its transform to the original picture.
        """
        a, b = (
            self.landmarks[topology.OUTER_CANTHUS[s], :2].astype(np.float64)
            for s in ("right", "left")
        )
        distance = max(float(np.linalg.norm(b - a)), 1e-6)
        c, s = (b - a) / distance
        scale = framing.scale(size) / distance
        turn = np.array([[c, s], [-s, c]]) * scale
        return self.warped(turn, framing.origin(size) - turn @ ((a + b) / 2), (size, size))

    def recogniser_crop(self, size: int = 112) -> Face:
        """Crops the face as face recognisers are trained on it: ArcFace's five-point template.

        The crop is the least-squares similarity transform (Umeyama 1991) of the eye centres, the
        nose tip and the mouth corners to the template.

        Args:
            size: side of the crop, pixels.

        Returns:
            The crop (size, size, 3), with its transform to the original picture.
        """
        template = np.array(
            [
                [38.2946, 51.6963],
                [73.5318, 51.5014],
                [56.0252, 71.7366],
                [41.5493, 92.3655],
                [70.7299, 92.2041],
            ]
        ) * (size / 112)
        eyes = [self.landmarks[topology.IRIS[s][0], :2] for s in ("right", "left")]
        nose_and_mouth = self.landmarks[[topology.NOSE_TIP, *topology.COMMISSURE.values()], :2]
        turn, shift = similarity(np.vstack([eyes, nose_and_mouth]).astype(np.float64), template)
        return self.warped(turn, shift, (size, size))

    def warped(self, turn: np.ndarray, shift: np.ndarray, shape: tuple[int, int]) -> Face:
        """Resamples the face, moving each point p to ``turn @ p + shift``.

        The image is low-pass filtered before it is reduced, and continued beyond its edge by its
        outermost pixels.

        Args:
            turn: (2, 2) rotation with scale.
            shift: (2,) translation, pixels of the new image.
            shape: height and width of the new image, pixels.

        Returns:
            The resampled face, with landmarks and ``to_source`` transformed along.
        """
        affine = np.column_stack([turn, shift])
        scale = float(np.sqrt(abs(np.linalg.det(turn))))
        source = self.image
        if scale < 0.6:  # reduce without aliasing
            source = cv2.GaussianBlur(source, (0, 0), 0.42 / scale)
        image = cv2.warpAffine(
            source, affine, shape[::-1], flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
        )
        landmarks = self.landmarks.astype(np.float64).copy()
        landmarks[:, :2] = landmarks[:, :2] @ turn.T + shift
        landmarks[:, 2] *= scale
        inverse = cv2.invertAffineTransform(affine)
        to_source = np.vstack([self.to_source, [0, 0, 1]]) @ np.vstack([inverse, [0, 0, 1]])
        return Face(image, landmarks.astype(np.float32), to_source[:2], self.blendshapes)

    def onto(self, other: Face) -> np.ndarray:
        """Affine transform from the pixels of this face to those of another one.

        Args:
            other: a face cropped from the same picture, or from which this one was cropped.

        Returns:
            (2, 3) float64.
        """
        own, theirs = (np.vstack([f.to_source, [0, 0, 1]]) for f in (self, other))
        affine: np.ndarray = np.linalg.solve(theirs, own)[:2]
        return affine

    def mirrored(self) -> Face:
        """Mirrors the face, as to undo the mirroring of a selfie.

        Landmarks and blendshapes are renamed, so that left and right remain the patient's.
        """
        width = self.image.shape[1]
        landmarks = self.landmarks[topology.MIRROR].copy()
        landmarks[:, 0] = width - 1 - landmarks[:, 0]
        flip = np.array([[-1.0, 0.0, width - 1.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
        to_source = np.vstack([self.to_source, [0, 0, 1]]) @ flip
        return replace(
            self,
            image=np.ascontiguousarray(self.image[:, ::-1]),
            landmarks=landmarks,
            to_source=to_source[:2],
            blendshapes=self.blendshapes
            and {_mirrored_name(n): v for n, v in self.blendshapes.items()},
        )


def _mirrored_name(name: str) -> str:
    """Name of a blendshape on the other side; unchanged where it belongs to no side."""
    if name.endswith("Left"):
        return name.removesuffix("Left") + "Right"
    return name.removesuffix("Right") + "Left" if name.endswith("Right") else name


def upright(landmarks: np.ndarray) -> np.ndarray:
    """Normalises landmarks for rotation, translation and scale in the image plane.

    Args:
        landmarks: (N, P, 2 or 3), P landmarks of each of N faces, pixels.

    Returns:
        (N, P, 2) float64, with the outer eye corners at (-0.5, 0) and (0.5, 0).
    """
    a, b = (
        landmarks[:, topology.OUTER_CANTHUS[s], :2].astype(np.float64) for s in ("right", "left")
    )
    across = b - a
    centred = landmarks[..., :2] - ((a + b) / 2)[:, None]
    level = np.stack([across, np.stack([-across[:, 1], across[:, 0]], 1)], 1)
    scale = np.square(across).sum(1)[:, None, None]
    return np.asarray(centred @ level.transpose(0, 2, 1) / np.maximum(scale, 1e-12))


def similarity(source: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Least-squares similarity transform between corresponding points (Umeyama 1991).

    Args:
        source: (N, 2) points.
        target: (N, 2) points that correspond to them.

    Returns:
        Rotation with scale (2, 2), without reflection, and translation (2,): ``turn`` and
        ``shift`` such that ``turn @ p + shift`` is nearest to the target.
    """
    a, b = source - source.mean(0), target - target.mean(0)
    u, values, vt = np.linalg.svd(b.T @ a)
    sign = np.array([1.0, np.sign(np.linalg.det(u @ vt))])
    scale = float((values * sign).sum() / max(np.square(a).sum(), 1e-12))
    turn = scale * (u * sign) @ vt
    return turn, target.mean(0) - turn @ source.mean(0)

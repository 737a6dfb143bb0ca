"""A face: an image, its landmarks, and the way back to the picture it came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from palsynth.face import topology
from palsynth.face.framing import Framing


@dataclass(frozen=True)
class Face:
    """``image`` (H, W, 3) uint8 RGB; ``landmarks`` (478, 3) in its pixels, depth in the units
    of x; ``to_source`` (2, 3) affine from its pixels to those of the picture it was cut from;
    ``blendshapes`` the 52 expression coefficients, 0 … 1, under their usual names, left and right
    the patient's, where a network has read them.
    """

    image: np.ndarray
    landmarks: np.ndarray
    to_source: np.ndarray = field(
        default_factory=lambda: np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    )
    blendshapes: Mapping[str, float] | None = None

    @property
    def outer_eyes(self) -> float:
        """Distance of the outer eye corners, pixels."""
        a, b = (self.landmarks[topology.OUTER_CANTHUS[s], :2] for s in ("right", "left"))
        return float(np.linalg.norm(b - a))

    def aligned(self, framing: Framing, size: int) -> Face:
        """The face cut out upright at a framing, (size, size), with the transform back."""
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
        """The crop that face recognisers are trained on: ArcFace's five-point template.

        Least-squares similarity (Umeyama 1991) of eye centres, nose tip and mouth corners.
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
        rest = self.landmarks[[topology.NOSE_TIP, *topology.COMMISSURE.values()], :2]
        turn, shift = similarity(np.vstack([eyes, rest]).astype(np.float64), template)
        return self.warped(turn, shift, (size, size))

    def warped(self, turn: np.ndarray, shift: np.ndarray, shape: tuple[int, int]) -> Face:
        """The face in a picture (height, width), each of its points p at ``turn @ p + shift``."""
        affine = np.column_stack([turn, shift])
        shrink = float(np.sqrt(abs(np.linalg.det(turn))))
        source = self.image
        if shrink < 0.6:  # reduce without aliasing
            source = cv2.GaussianBlur(source, (0, 0), 0.42 / shrink)
        image = cv2.warpAffine(
            source, affine, shape[::-1], flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
        )
        landmarks = self.landmarks.astype(np.float64).copy()
        landmarks[:, :2] = landmarks[:, :2] @ turn.T + shift
        landmarks[:, 2] *= shrink
        back = cv2.invertAffineTransform(affine)
        whole = np.vstack([self.to_source, [0, 0, 1]]) @ np.vstack([back, [0, 0, 1]])
        return Face(image, landmarks.astype(np.float32), whole[:2], self.blendshapes)

    def onto(self, other: Face) -> np.ndarray:
        """The affine (2, 3) from this face's pixels to those of another that was cut from the same
        picture, or that this one was cut from."""
        own, theirs = (np.vstack([f.to_source, [0, 0, 1]]) for f in (self, other))
        affine: np.ndarray = np.linalg.solve(theirs, own)[:2]
        return affine

    def mirrored(self) -> Face:
        """The same face as a mirror shows it, with landmarks renamed to stay the patient's.

        Undoes the mirroring of a selfie.
        """
        from palsynth.face.topology import MIRROR

        width = self.image.shape[1]
        landmarks = self.landmarks[MIRROR].copy()
        landmarks[:, 0] = width - 1 - landmarks[:, 0]
        flip = np.array([[-1.0, 0.0, width - 1.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
        back = np.vstack([self.to_source, [0, 0, 1]]) @ flip
        return replace(
            self,
            image=np.ascontiguousarray(self.image[:, ::-1]),
            landmarks=landmarks,
            to_source=back[:2],
            blendshapes=self.blendshapes and {_other(n): v for n, v in self.blendshapes.items()},
        )


def _other(name: str) -> str:
    """A blendshape's name on the other side; those of the whole face keep theirs."""
    if name.endswith("Left"):
        return name.removesuffix("Left") + "Right"
    return name.removesuffix("Right") + "Left" if name.endswith("Right") else name


def upright(landmarks: np.ndarray) -> np.ndarray:
    """Landmarks (N, P, 2 or 3) with the outer eye corners a unit apart on a level line and their
    middle at 0: (N, P, 2) float64, the same for a turned, moved or larger picture."""
    a, b = (
        landmarks[:, topology.OUTER_CANTHUS[s], :2].astype(np.float64) for s in ("right", "left")
    )
    across = b - a
    centred = landmarks[..., :2] - ((a + b) / 2)[:, None]
    level = np.stack([across, np.stack([-across[:, 1], across[:, 0]], 1)], 1)
    scale = np.square(across).sum(1)[:, None, None]
    return np.asarray(centred @ level.transpose(0, 2, 1) / np.maximum(scale, 1e-12))


def similarity(source: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rotation with scale (2, 2) and shift (2,) that carry points (N, 2) nearest to others.

    Umeyama 1991, without reflection.
    """
    a, b = source - source.mean(0), target - target.mean(0)
    u, values, vt = np.linalg.svd(b.T @ a)
    sign = np.array([1.0, np.sign(np.linalg.det(u @ vt))])
    scale = float((values * sign).sum() / max(np.square(a).sum(), 1e-12))
    turn = scale * (u * sign) @ vt
    return turn, target.mean(0) - turn @ source.mean(0)

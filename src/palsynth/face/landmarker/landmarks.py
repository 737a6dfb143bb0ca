"""478 landmarks, with irises, of the face in a region (Kartynnik 2019, Grishchenko 2020)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from palsynth.face import topology
from palsynth.face.landmarker.blendshapes import blendshapes
from palsynth.face.landmarker.network import network, probability
from palsynth.face.landmarker.region import CropRegion

SIZE = 256
"""Side of the network's input, pixels."""

ROOM = 1.5
"""Side of the region, in sides of the box around the landmarks
(``face_landmarks_detector_graph.cc``)."""


@dataclass(frozen=True)
class FaceLandmarks:
    """Landmarks and blendshapes of a face.

    Attributes:
        landmarks: (478, 3) float64, pixels of the picture; depth in the units of x, negative for
            points nearer to the camera.
        blendshapes: (52,) float32 in 0 … 1.
        presence: probability that there is a face, 0 … 1.
    """

    landmarks: np.ndarray
    blendshapes: np.ndarray
    presence: float


def read_face(image: np.ndarray, region: CropRegion) -> FaceLandmarks:
    """Estimates the landmarks and blendshapes of the face in a region of a picture.

    The first pass locates the face. The second pass, on the region around the first landmarks, is
    averaged over the crop and its mirror image, so that both sides of the face are estimated by
    the same weights; its error is smaller than that of a single pass (docs/measurements.md).

    Args:
        image: (H, W, 3) uint8 RGB.
        region: the region, roughly around the face and aligned with its eyes.

    Returns:
        Landmarks, blendshapes and presence.
    """
    points, _ = look(region.cut(image, SIZE))
    return read_again(image, around(region.to_picture(points, SIZE)))


def read_again(image: np.ndarray, region: CropRegion) -> FaceLandmarks:
    """Estimates the landmarks and blendshapes of a face whose place is known from its landmarks.

    Args:
        image: (H, W, 3) uint8 RGB.
        region: the region around the landmarks (:func:`around`).

    Returns:
        Landmarks, blendshapes and presence.
    """
    crop = region.cut(image, SIZE)
    direct, presence = look(crop)
    mirrored, presence_mirrored = look(crop[:, ::-1])
    mirrored = mirrored[topology.MIRROR] * [-1, 1, 1] + [SIZE, 0, 0]
    landmarks = region.to_picture((direct + mirrored) / 2, SIZE)
    return FaceLandmarks(landmarks, blendshapes(landmarks), min(presence, presence_mirrored))


def look(crop: np.ndarray) -> tuple[np.ndarray, float]:
    """Runs the landmark network once.

    Args:
        crop: (256, 256, 3) float32 RGB in 0 … 1, the crop of a region.

    Returns:
        Landmarks (478, 3) float64 in pixels of the crop, counted from its edge, and the
        probability that there is a face.
    """
    outputs = network("face_landmarks")(crop)
    return outputs[0].reshape(-1, 3).astype(np.float64), float(probability(outputs[1].ravel()[0]))


def around(landmarks: np.ndarray) -> CropRegion:
    """The region around landmarks, aligned with the outer eye corners.

    Args:
        landmarks: (478, 3), pixels of the picture.

    Returns:
        The region, with a margin around all landmarks.
    """
    across = landmarks[topology.OUTER_CANTHUS["left"]] - landmarks[topology.OUTER_CANTHUS["right"]]
    level = CropRegion(np.zeros(2), 1.0, float(np.arctan2(across[1], across[0])))
    points = landmarks[:, :2] @ level.axes
    low, high = points.min(0), points.max(0)
    return CropRegion(level.axes @ ((low + high) / 2), ROOM * float((high - low).max()), level.turn)

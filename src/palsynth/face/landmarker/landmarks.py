"""478 landmarks with irises from a region with a face in it (Kartynnik 2019, Grishchenko 2020)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from palsynth.face import topology
from palsynth.face.landmarker.blendshapes import blendshapes
from palsynth.face.landmarker.network import network, probability
from palsynth.face.landmarker.region import CropRegion

SIZE = 256
"""Pixels a side of the network's input."""

ROOM = 1.5
"""Side of the region to look at, in sides of the box around the landmarks
(``face_landmarks_detector_graph.cc``)."""


@dataclass(frozen=True)
class FaceLandmarks:
    """``landmarks`` (478, 3) float64, pixels of the picture, depth in the units of x and nearer
    points below 0; ``blendshapes`` (52,) in 0 … 1; ``presence`` probability 0 … 1 that there is
    a face."""

    landmarks: np.ndarray
    blendshapes: np.ndarray
    presence: float


def read_face(image: np.ndarray, region: CropRegion) -> FaceLandmarks:
    """Reads the face in a region of a picture (H, W, 3) uint8 RGB.

    The first look finds where the face lies. The second, of the region around those landmarks,
    is taken of the pixels and of their mirror image and averaged, so that either side of the
    face is read by the same weights; it errs less than one look (docs/measurements.md).
    """
    points, _ = look(region.cut(image, SIZE))
    region = around(region.to_picture(points, SIZE))
    cut = region.cut(image, SIZE)
    seen, presence = look(cut)
    mirrored, presence_mirrored = look(cut[:, ::-1])
    mirrored = mirrored[topology.MIRROR] * [-1, 1, 1] + [SIZE, 0, 0]
    landmarks = region.to_picture((seen + mirrored) / 2, SIZE)
    return FaceLandmarks(landmarks, blendshapes(landmarks), min(presence, presence_mirrored))


def look(cut: np.ndarray) -> tuple[np.ndarray, float]:
    """One pass of the network over (256, 256, 3) float32 in 0 … 1: landmarks (478, 3) float64 in
    the cut's pixels, counted from its edge, and the probability that there is a face."""
    outputs = network("face_landmarks")(cut)
    return outputs[0].reshape(-1, 3).astype(np.float64), float(probability(outputs[1].ravel()[0]))


def around(landmarks: np.ndarray) -> CropRegion:
    """The region to look at again, upright with the outer eye corners, of landmarks (478, 3)."""
    across = landmarks[topology.OUTER_CANTHUS["left"]] - landmarks[topology.OUTER_CANTHUS["right"]]
    level = CropRegion(np.zeros(2), 1.0, float(np.arctan2(across[1], across[0])))
    own = landmarks[:, :2] @ level.axes
    low, high = own.min(0), own.max(0)
    return CropRegion(level.axes @ ((low + high) / 2), ROOM * float((high - low).max()), level.turn)

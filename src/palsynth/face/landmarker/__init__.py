"""Pixels to landmarks and blendshapes: MediaPipe's face networks on LiteRT, without MediaPipe.

A search selects regions of a picture (:mod:`search`), a detector finds boxes in each
(:mod:`detector`), a region around each box is cropped (:mod:`region`), and two networks estimate
landmarks and blendshapes from it (:mod:`landmarks`, :mod:`blendshapes`).
"""

from palsynth.face.landmarker.blendshapes import BLENDSHAPES
from palsynth.face.landmarker.landmarks import FaceLandmarks
from palsynth.face.landmarker.search import find_faces

__all__ = ["BLENDSHAPES", "FaceLandmarks", "find_faces"]

"""One person's face in consecutive pictures: which face is meant, and where to look for it next."""

from __future__ import annotations

import numpy as np

from palsynth.errors import InputError
from palsynth.face.detect import check_usable, detect_faces
from palsynth.face.face import Face
from palsynth.face.landmarker.blendshapes import BLENDSHAPES
from palsynth.face.landmarker.landmarks import around, read_again
from palsynth.face.landmarker.search import PRESENT

SIMILAR = 0.7
"""Height of the second largest face relative to the largest from which, in the first picture, it is
unclear who is meant."""

MOVES = 1.0
"""Distance, in outer-eye distances, by which a face may lie from where it was last seen. Heads side
by side are at least two apart."""

RIVAL = 0.5
"""Distance of the nearest face relative to the next from which it is unclear who is meant."""

CHANGES = 0.25
"""Change of a face's height, as a logarithm, since it was last seen, beyond which it is taken for
somebody else, or for landmarks that slipped."""

EVERY = 25
"""Pictures between two searches of the whole picture while a face is followed."""

FORGOTTEN = 25
"""Pictures without the face after which whoever is largest is meant again."""


class FaceTracker:
    """Follows one person's face through consecutive pictures.

    The largest face of the first picture is meant, then whichever is nearest to it. While it is
    followed, its landmarks say where it is next, which saves the search of the whole picture and
    one of three passes of the landmark network.

    Attributes:
        fault: why the last picture has no face; empty where it has one.
    """

    def __init__(self) -> None:
        self.fault = ""
        self._last: Face | None = None
        self._missed = 0
        self._since_search = 0

    def update(self, image: np.ndarray) -> Face | None:
        """Finds the person's face in the next picture.

        Args:
            image: (H, W, 3) uint8 RGB.

        Returns:
            The face; None where there is none, where it is unclear which face is meant, or where it
            is too small or turned too far (``fault`` says which).
        """
        face = self._followed(image)
        if face is None:
            face = self._chosen(detect_faces(image))
            self._since_search = 0
        else:
            self._since_search += 1
        if face is not None:
            try:
                check_usable(face, "picture")
            except InputError as error:
                self.fault = str(error).removeprefix("picture: ")
                face = None
        if face is None:
            self._missed += 1
            if self._missed > FORGOTTEN:
                self._last = None
            return None
        self._last, self._missed, self.fault = face, 0, ""
        return face

    def _followed(self, image: np.ndarray) -> Face | None:
        """The face where it was in the last picture; None where it has to be searched for."""
        if self._last is None or self._missed or self._since_search >= EVERY:
            return None
        found = read_again(image, around(self._last.landmarks.astype(np.float64)))
        if found.presence < PRESENT:
            return None
        shapes = dict(zip(BLENDSHAPES, found.blendshapes.tolist(), strict=True))
        face = Face(image, found.landmarks.astype(np.float32), blendshapes=shapes)
        return face if self._fits(face) else None

    def _chosen(self, faces: list[Face]) -> Face | None:
        """The face that is meant, of all that a picture shows."""
        if not faces:
            self.fault = "no face found"
            return None
        if self._last is None:
            heights = sorted((face.height for face in faces), reverse=True)
            if len(heights) > 1 and heights[1] > SIMILAR * heights[0]:
                self.fault = f"{len(faces)} faces of similar size: unclear which is meant"
                return None
            return max(faces, key=lambda face: face.height)
        near = sorted((face for face in faces if self._fits(face)), key=self._distance)
        if not near:
            self.fault = "the face is not near its last place"
            return None
        if len(near) > 1 and self._distance(near[0]) > RIVAL * self._distance(near[1]):
            self.fault = f"{len(near)} faces near the last one: unclear which is meant"
            return None
        return near[0]

    def _fits(self, face: Face) -> bool:
        """Whether a face can be the last one, by its place and size."""
        assert self._last is not None
        size = abs(np.log(face.height / max(self._last.height, 1e-6)))
        return bool(self._distance(face) <= MOVES and size <= CHANGES)

    def _distance(self, face: Face) -> float:
        """Distance of a face from the last one, in the last one's outer-eye distances."""
        assert self._last is not None
        gap = (face.landmarks - self._last.landmarks)[:, :2].mean(0)
        return float(np.linalg.norm(gap)) / max(self._last.outer_eyes, 1e-6)

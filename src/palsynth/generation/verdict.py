"""The last word on a picture that is to stand for a patient: is the patient recognised, and does it
show what the patient does?

Two recognisers, so that nobody judges their own work: ours is the gate, by which candidates are
redrawn; dlib's, which no model here was trained on and no candidate is chosen by, is the verdict.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from palsynth.capture import capture
from palsynth.capture.compare import Comparison, compare
from palsynth.clinical import Movement
from palsynth.encoders.published.dlib import SAME_PERSON, DlibRecogniser
from palsynth.encoders.recogniser import Recogniser
from palsynth.face.detect import detect_faces
from palsynth.face.face import Face
from palsynth.methods.base import ExpressionImage

GATE = 0.25
"""Cosine from which our recogniser takes a picture for the patient: of photographed people beside
people who do not exist, 6 pairs in 100 lie above, of two photographs of one person all."""


FAULTS = ("no-face", "patient-recognised", "side-differs", "movement-differs")
"""What can be wrong with a picture, as its name says it."""


class Gate:
    """Our recogniser, by which candidates who resemble the patient are redrawn."""

    def __init__(self, patient: Sequence[Face]) -> None:
        self._recogniser = Recogniser()
        self._known = np.stack([self._recogniser.describe(face) for face in patient])

    def takes(self, image: np.ndarray) -> bool:
        """Whether a picture (H, W, 3) uint8 is taken for the patient; one without a single face is
        not."""
        faces = detect_faces(image)
        if len(faces) != 1:
            return False
        return bool((self._known @ self._recogniser.describe(faces[0])).max() >= GATE)


@dataclass(frozen=True)
class Verdict:
    """``distance`` to the patient by dlib, None where the picture shows no single face;
    ``expression`` what differs of it."""

    distance: float | None
    expression: Comparison = field(default_factory=Comparison)

    @property
    def recognised(self) -> bool:
        """Whether the patient is."""
        return self.distance is not None and self.distance < SAME_PERSON

    @property
    def faults(self) -> tuple[str, ...]:
        """Which of FAULTS there are; nothing where all is well."""
        found = (
            self.distance is None,
            self.recognised,
            bool(self.expression.side),
            bool(self.expression.movement),
        )
        return tuple(name for name, wrong in zip(FAULTS, found, strict=True) if wrong)

    @property
    def expression_kept(self) -> bool:
        """Whether side and movement are the patient's, who does move."""
        if self.distance is None or not self.expression.moves:
            return False
        return not (self.expression.side or self.expression.movement)

    @property
    def lines(self) -> tuple[str, ...]:
        """What is wrong, and what gives pause, in words."""
        if self.distance is None:
            return ("the picture shows no single face",)
        out = []
        if self.recognised:
            out.append(f"THE PATIENT IS RECOGNISED (dlib distance {self.distance:.3f})")
        if self.expression.side:
            out.append(f"THE SIDE DIFFERS: {self.expression.side}")
        out += [f"THE MOVEMENT DIFFERS: {line}" for line in self.expression.movement]
        if not self.expression.moves:
            out.append("note: hardly anything moves in the patient's picture")
        return tuple(out)


class PrivacyCheck:
    """dlib's recogniser and the capture, over one patient's pictures."""

    def __init__(self, rest: Face | None) -> None:
        self._recogniser = DlibRecogniser()
        self._rest = None if rest is None else self._describe(rest)

    def _describe(self, face: Face) -> np.ndarray:
        return self._recogniser.describe(self._recogniser.crop(face).image)

    def verdict(
        self, shown: ExpressionImage, made: np.ndarray, rest: Face | None, movement: Movement | None
    ) -> Verdict:
        """On a picture (H, W, 3) uint8 made of what the patient shows; ``rest`` is whoever shows it
        instead, at rest."""
        faces = detect_faces(made)
        if len(faces) != 1:
            return Verdict(None)
        own = self._describe(faces[0])
        known = [self._describe(shown.face), *([] if self._rest is None else [self._rest])]
        distance = min(float(np.linalg.norm(own - vector)) for vector in known)
        there = capture(shown.face, shown.rest)
        found = compare(there, capture(faces[0], rest), movement)
        if movement is Movement.REST:  # nothing need move
            found = replace(found, moves=True)
        return Verdict(distance, found)

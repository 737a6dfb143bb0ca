"""Checks a picture made from a patient's: is the patient recognised, is the expression preserved?

Two recognisers keep selection and evaluation independent. Ours is the gate that rejects candidates;
dlib's gives the verdict: no model here was trained on it, and no candidate is selected by it.
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
"""Cosine similarity from which our recogniser matches a picture to the patient. Of pairs of a
photographed person and a synthetic subject 6 in 100 lie above it, of pairs of photographs of one
person all."""


FAULTS = ("no-face", "patient-recognised", "side-differs", "movement-differs")
"""The faults of a picture, as its file name states them."""


class Gate:
    """Our recogniser, which rejects candidates that resemble the patient.

    Args:
        patient: all known faces of the patient, at least one.
    """

    def __init__(self, patient: Sequence[Face]) -> None:
        self._recogniser = Recogniser()
        self._features = np.stack([self._recogniser.describe(face) for face in patient])

    def takes(self, image: np.ndarray) -> bool:
        """Whether a picture is matched to the patient.

        Args:
            image: the picture, (H, W, 3) uint8 RGB.

        Returns:
            True if its cosine similarity with a face of the patient is at least :data:`GATE`; False
            if it does not show exactly one face.
        """
        faces = detect_faces(image)
        if len(faces) != 1:
            return False
        return bool((self._features @ self._recogniser.describe(faces[0])).max() >= GATE)


@dataclass(frozen=True)
class Verdict:
    """The verdict on one picture: dlib's ``distance`` to the patient, None if the picture does not
    show exactly one face, and the comparison of its ``expression`` with the patient's."""

    distance: float | None
    expression: Comparison = field(default_factory=Comparison)

    @property
    def recognised(self) -> bool:
        """Whether the patient is recognised: the distance is below :data:`SAME_PERSON`."""
        return self.distance is not None and self.distance < SAME_PERSON

    @property
    def faults(self) -> tuple[str, ...]:
        """The faults, members of :data:`FAULTS`; empty if there are none."""
        present = (
            self.distance is None,
            self.recognised,
            bool(self.expression.side),
            bool(self.expression.movement),
        )
        return tuple(name for name, faulty in zip(FAULTS, present, strict=True) if faulty)

    @property
    def expression_preserved(self) -> bool:
        """Whether side and movement are the patient's; False if the patient's face does not
        move."""
        if self.distance is None or not self.expression.moves:
            return False
        return not (self.expression.side or self.expression.movement)

    @property
    def lines(self) -> tuple[str, ...]:
        """The faults and notes in words, one line per finding."""
        if self.distance is None:
            return ("the picture shows no single face",)
        out = []
        if self.recognised:
            out.append(f"THE PATIENT IS RECOGNISED (dlib distance {self.distance:.3f})")
        if self.expression.side:
            out.append(f"THE SIDE DIFFERS: {self.expression.side}")
        out += [f"THE MOVEMENT DIFFERS: {line}" for line in self.expression.movement]
        if not self.expression.moves:
            out.append("note: there is hardly any movement in the patient's picture")
        return tuple(out)


class PrivacyCheck:
    """Compares pictures with a patient's: identity by dlib's recogniser, expression by capture.

    Args:
        rest: the patient at rest, a second reference for identity; None if unknown.
    """

    def __init__(self, rest: Face | None) -> None:
        self._recogniser = DlibRecogniser()
        self._rest = None if rest is None else self._describe(rest)

    def _describe(self, face: Face) -> np.ndarray:
        return self._recogniser.describe(self._recogniser.crop(face).image)

    def verdict(
        self,
        patient: ExpressionImage,
        image: np.ndarray,
        rest: Face | None,
        movement: Movement | None,
    ) -> Verdict:
        """Judges one picture.

        Args:
            patient: the patient's picture, with the patient's rest.
            image: the picture made from it, (H, W, 3) uint8 RGB.
            rest: the subject of that picture at rest; None if unknown.
            movement: the movement that the patient performs; None if unknown.

        Returns:
            The verdict; its distance is the smallest to any known face of the patient.
        """
        faces = detect_faces(image)
        if len(faces) != 1:
            return Verdict(None)
        features = self._describe(faces[0])
        known = [self._describe(patient.face), *([] if self._rest is None else [self._rest])]
        distance = min(float(np.linalg.norm(features - vector)) for vector in known)
        captured = capture(patient.face, patient.rest)
        comparison = compare(captured, capture(faces[0], rest), movement)
        if movement is Movement.REST:  # a picture at rest need not move
            comparison = replace(comparison, moves=True)
        return Verdict(distance, comparison)

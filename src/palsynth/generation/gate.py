"""The quality gate of a data set: what a picture must show to be in it.

Side and movement are compared by capture with a reference that shows what was requested: the
patient's picture whose expression it is, or what the simulator makes of the same request on the
same identity, whose rest is known. A method that moves the face by the simulator itself shows what
was requested.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import numpy as np

from palsynth.capture import capture
from palsynth.capture.compare import compare
from palsynth.capture.shown import asymmetry_shown, movement_shown
from palsynth.clinical import Movement, Palsy
from palsynth.encoders.recogniser import Recogniser
from palsynth.face.detect import detect_faces
from palsynth.face.face import Face
from palsynth.generation.measured import measured_in
from palsynth.generation.plan import GateSettings
from palsynth.generation.runner import Generated
from palsynth.methods.base import ExpressionImage, Identity, KnowsLandmarks, Method, Request
from palsynth.methods.resolve import REST, identity_face, view_of
from palsynth.methods.simulator import SimulatorMethod
from palsynth.subjects import Scene

FAULTS = {
    "no-face": "there is not exactly one face",
    "side": "another side looks weak than was requested",
    "movement": "another movement than was requested, or none",
    "identity": "matched to another identity of the set",
    "patient": "matched to the patient whose expression it shows",
}
"""The faults of a picture, and what they mean."""

PATIENT = 0.25
"""Cosine similarity from which a picture is matched to a patient, as in anonymize: of pairs of a
photographed person and a synthetic subject 6 in 100 lie above it, of pairs of photographs of one
person all."""


LEAST_MOVEMENT, LEAST_ASYMMETRY = 0.4, 0.2
"""Shares of the requested movement, and of the requested difference between the sides, of which a
picture must show more. These limits and the next two were set on pictures of the photographs of 41
people; docs/measurements.md has the figures of 41 others."""

CLEAR = 2.0
"""Size of a requested difference between the sides, in units of capture's noise, up to which
neither side need look weak: a side that clearly does is then a fault."""

LIDS = 0.6
"""Difference of a lid's closure that counts. In small pictures lids that are half shut, of dark
faces above all, may pass for shut."""


@dataclass(frozen=True)
class Checked:
    """What the gate found: ``faults``, keys of :data:`FAULTS`, and what it ``measured``."""

    faults: tuple[str, ...] = ()
    measured: dict[str, Any] = field(default_factory=dict)


class QualityGate:
    """Checks pictures of one data set.

    Args:
        settings: what is checked.
        method: the method that makes the pictures.
        identities: unit vectors (N, 512) of the set's first identities at rest, by
            :func:`describe`, with which every picture is compared.
    """

    def __init__(self, settings: GateSettings, method: Method, identities: np.ndarray) -> None:
        self._settings = settings
        self._exact = isinstance(method, (KnowsLandmarks, SimulatorMethod))
        self._identities = identities
        self._recogniser = _recogniser()
        self._simulator = SimulatorMethod()
        self._described: dict[int, np.ndarray] = {}
        self._at_rest: dict[int, Face] = {}

    def check(
        self, picture: Generated, identity: int, movement: Movement | None, palsy: Palsy | None
    ) -> Checked:
        """Checks a picture.

        Args:
            picture: the picture as it was made.
            identity: index of the identity that it shows.
            movement: the movement; None if unknown.
            palsy: the requested palsy; None if unknown, as of patients.

        Returns:
            Its faults, and ``weak_side``, ``yanagihara_item`` and ``asymmetry`` as measured, and
            the ``similarity`` to the identity at rest.
        """
        faces = detect_faces(picture.image)
        if len(faces) != 1:
            return Checked(("no-face",) if self._settings.face else ())
        face = faces[0]
        faults: list[str] = []
        if not self._exact:
            rest = self._rest(identity, picture.request.identity)
            faults += self._expression(picture.request, face, rest, movement)
        measured: dict[str, Any] = {}
        if movement is not None:  # what is measured does not depend on the palsy
            found = measured_in(face, movement, palsy or Palsy.none())
            measured = {
                "weak_side": found.measured_side.value if found.measured_side else None,
                "yanagihara_item": found.measured_score,
                "asymmetry": None if found.asymmetry is None else round(found.asymmetry, 3),
            }
        vector = self._recogniser.describe(face)
        own = float(self._own(identity, picture.request.identity) @ vector)
        measured["similarity"] = round(own, 4)
        if self._settings.identity:
            others = np.delete(self._identities @ vector, self._known(identity))
            if others.size and others.max() > own:
                faults.append("identity")
            if self._is_the_patient(picture.request, vector):
                faults.append("patient")
        return Checked(tuple(faults), measured)

    def _known(self, identity: int) -> list[int]:
        """Where an identity stands among those that the set is compared with, if it does."""
        return [identity] if identity < len(self._identities) else []

    def _own(self, identity: int, shown: Identity) -> np.ndarray:
        """The vector (512,) of an identity at rest."""
        if known := self._known(identity):
            return np.asarray(self._identities[known[0]])
        if identity not in self._described:
            self._described = {identity: describe([shown])[0]}
        return self._described[identity]

    def _rest(self, identity: int, shown: Identity) -> Face:
        """An identity at rest; the last one's is kept, as pictures of one follow each other."""
        if identity not in self._at_rest:
            self._at_rest = {identity: _at_rest(shown)}
        return self._at_rest[identity]

    def _expression(
        self, request: Request, face: Face, rest: Face, movement: Movement | None
    ) -> list[str]:
        wanted, reference_rest = self._reference(request, rest)
        expected, found = capture(wanted, reference_rest), capture(face, rest)
        difference = compare(expected, found, movement, lids=LIDS)
        asymmetry, moved = asymmetry_shown(expected, found), movement_shown(expected, found)
        one_sided = asymmetry.clear < CLEAR and difference.side  # where neither side should be weak
        faults = []
        if self._settings.side and (one_sided or asymmetry.surely_below(LEAST_ASYMMETRY)):
            faults.append("side")
        if self._settings.movement and (difference.movement or moved.surely_below(LEAST_MOVEMENT)):
            faults.append("movement")
        return faults

    def _reference(self, request: Request, rest: Face) -> tuple[Face, Face | None]:
        """A face that shows what was requested, and the same person at rest."""
        if isinstance(request.expression, ExpressionImage):
            return request.expression.face, request.expression.rest
        plain = replace(request, identity=rest, framing=None, scene=Scene())
        (image,) = self._simulator([plain])
        faces = detect_faces(image)
        return (faces[0] if len(faces) == 1 else rest), rest

    def _is_the_patient(self, request: Request, vector: np.ndarray) -> bool:
        if not isinstance(request.expression, ExpressionImage):
            return False
        known = [request.expression.face, request.expression.rest]
        similar = [
            float(self._recogniser.describe(face) @ vector) for face in known if face is not None
        ]
        return max(similar) >= PATIENT


def _at_rest(identity: Identity) -> Face:
    """The identity at rest; a synthetic subject as an ID photo of 256 px."""
    return identity_face(identity, view_of(Request(identity, REST)))


def describe(identities: Sequence[Identity]) -> np.ndarray:
    """Describes identities at rest for the gate.

    Args:
        identities: the identities.

    Returns:
        Unit vectors (N, 512) float32.
    """
    return np.stack([_recogniser().describe(_at_rest(one)) for one in identities])


@lru_cache(maxsize=1)
def _recogniser() -> Recogniser:
    """The recogniser, loaded once in a process."""
    return Recogniser()

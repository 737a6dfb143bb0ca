"""Shows a patient's expressions on another face, a candidate that does not resemble the patient.

Candidates whose pictures the gate matches to the patient are rejected, and the next one is tried.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from palsynth.errors import InputError
from palsynth.face.detect import detect_faces
from palsynth.face.face import Face
from palsynth.face.framing import PORTRAIT
from palsynth.generation.patient import Patient, PatientPicture
from palsynth.generation.runner import Generated, generate
from palsynth.generation.verdict import Gate, PrivacyCheck, Verdict
from palsynth.methods.base import Expression, ExpressionImage, Identity, Method, Request
from palsynth.methods.resolve import REST
from palsynth.progress import Progress
from palsynth.subjects.description import Description

MAX_REJECTED = 40
"""Candidates matched to the patient in a row before the search is given up."""

Candidates = Iterator[tuple[int, Identity]]
"""Identities that may show the expression, each with the seed of its requests."""


@dataclass(frozen=True)
class RequestSettings:
    """Settings of the requests: ``size`` pixels a side, and ``words`` that describe the subject to
    methods conditioned on text (empty: generated from the subject)."""

    size: int = 512
    words: str = ""


@dataclass(frozen=True)
class Anonymized:
    """One of a patient's pictures: as it was ``made`` on the subject, and its verdict."""

    picture: PatientPicture
    made: Generated
    verdict: Verdict

    @property
    def image(self) -> np.ndarray:
        """The picture, (S, S, 3) uint8 RGB."""
        return self.made.image


@dataclass(frozen=True)
class Anonymization:
    """All of a patient's pictures on ``subject``, generated with ``seed``.

    ``rest`` is the subject at rest, None if no single face was found there; ``num_rejected``
    counts the candidates that the gate rejected before; ``resembles`` is true if the gate also
    matches the subject to the patient, but there was no other candidate.
    """

    subject: Identity
    seed: int
    rest: Face | None
    pictures: tuple[Anonymized, ...]
    how: RequestSettings
    num_rejected: int = 0
    resembles: bool = False

    @property
    def faults(self) -> tuple[str, ...]:
        """The faults of all pictures, without repetition."""
        return tuple(dict.fromkeys(f for made in self.pictures for f in made.verdict.faults))


def single_candidate(subject: Identity, seed: int) -> Candidates:
    """A single candidate.

    Args:
        subject: the identity.
        seed: seed of its requests.

    Returns:
        An iterator over that one candidate.
    """
    return iter([(seed, subject)])


def candidates_for(description: Description, seed: int) -> Candidates:
    """The synthetic subjects that fit a description.

    Args:
        description: the parsed description.
        seed: selects the first subject; also the seed of all requests.

    Yields:
        The seed and the next subject.

    Raises:
        InputError: no further subject fits the description.
    """
    for subject in description.subjects(seed):
        yield seed, subject


def anonymize(
    patient: Patient,
    candidates: Candidates,
    method: Method,
    how: RequestSettings,
    progress: Progress | None = None,
) -> Anonymization:
    """Shows a patient's expressions on the first candidate that passes the gate.

    A candidate passes if the gate matches none of its pictures to the patient. If the candidates
    run out, the last one is used although it does not pass.

    Args:
        patient: the patient's pictures.
        candidates: at least one identity with its seed.
        method: a method that takes expression images.
        how: settings of the requests.
        progress: called with the number of finished pictures and their total.

    Returns:
        One picture per picture of the patient, each with its verdict.

    Raises:
        InputError: more than ``MAX_REJECTED`` candidates are matched to the patient.
    """
    faces = [picture.face for picture in patient.pictures]
    gate = Gate(faces if patient.rest is None else [*faces, patient.rest])
    num_rejected = 0
    seed, subject = next(candidates)
    while True:
        requests = _requests(patient, subject, seed, how)
        made, resembles = _generate(requests, method, gate, progress)
        following = next(candidates, None) if resembles else None
        if following is None:
            break
        num_rejected += 1
        if num_rejected > MAX_REJECTED:
            raise InputError(
                f"{num_rejected} candidates in a row are matched to the patient; "
                "change the description"
            )
        seed, subject = following
    made += generate(method, requests[len(made) :])  # the rest of a last one that did not pass
    if progress is not None and resembles:
        progress(len(made), len(made))
    rest = _at_rest(patient, subject, seed, method, how)
    check = PrivacyCheck(patient.rest)
    pictures = [
        Anonymized(p, one, check.verdict(patient.expression(p), one.image, rest, p.movement))
        for p, one in zip(patient.pictures, made, strict=True)
    ]
    return Anonymization(subject, seed, rest, tuple(pictures), how, num_rejected, resembles)


def _requests(
    patient: Patient, subject: Identity, seed: int, how: RequestSettings
) -> list[Request]:
    return [
        Request(subject, patient.expression(picture), seed, how.size, PORTRAIT, how.words)
        for picture in patient.pictures
    ]


def _generate(
    requests: list[Request],
    method: Method,
    gate: Gate,
    progress: Progress | None,
) -> tuple[list[Generated], bool]:
    """Pictures up to the first that is matched to the patient, or all, and whether one was.

    The first picture is a batch of its own, so that rejecting a candidate may cost only one.
    """
    made: list[Generated] = []
    for part in (requests[:1], requests[1:]):
        for picture in generate(method, part):
            made.append(picture)
            if gate.takes(picture.image):
                return made, True
            if progress is not None:
                progress(len(made), len(requests))
    return made, False


def _at_rest(
    patient: Patient, subject: Identity, seed: int, method: Method, how: RequestSettings
) -> Face | None:
    """The subject at rest as the method generates it, the reference for its movements; None if no
    single face is found."""
    neutral: Expression = REST
    if patient.rest is not None:
        neutral = ExpressionImage(patient.rest, patient.rest)
    request = Request(subject, neutral, seed, how.size, PORTRAIT, how.words)
    (picture,) = generate(method, [request])
    faces = detect_faces(picture.image)
    return faces[0] if len(faces) == 1 else None

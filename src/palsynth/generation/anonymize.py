"""A patient's expressions on one other person, who is redrawn where they resemble the patient."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from palsynth.clinical import Movement, Palsy
from palsynth.errors import InputError
from palsynth.face.detect import detect_faces
from palsynth.face.face import Face
from palsynth.face.framing import PORTRAIT
from palsynth.generation.patient import Patient, PatientPicture
from palsynth.generation.verdict import Gate, PrivacyCheck, Verdict
from palsynth.methods.base import (
    Expression,
    ExpressionImage,
    Identity,
    Method,
    Request,
    TargetExpression,
)
from palsynth.subjects.description import Description

MOST_REDRAWN = 40
"""Candidates who are taken for the patient before it is given up."""

BATCH = 8
"""Pictures that a method gets at once; no picture depends on it."""

Candidates = Iterator[tuple[int, Identity]]
"""Who may show the expression, with the seed that methods get."""


@dataclass(frozen=True)
class How:
    """``size`` pixels a side; ``words`` for methods that are told in words whom to draw."""

    size: int = 512
    words: str = ""


@dataclass(frozen=True)
class Anonymized:
    """One of a patient's pictures on somebody else: ``image`` (S, S, 3) uint8."""

    picture: PatientPicture
    image: np.ndarray
    verdict: Verdict


@dataclass(frozen=True)
class Anonymization:
    """All of a patient's pictures on ``subject``, drawn from ``seed``; ``rest`` is the subject at
    rest. ``redrawn`` candidates before were taken for the patient by the gate; ``resembles``
    whether the subject is too and could not be redrawn."""

    subject: Identity
    seed: int
    rest: Face | None
    pictures: tuple[Anonymized, ...]
    how: How
    redrawn: int = 0
    resembles: bool = False

    @property
    def faults(self) -> tuple[str, ...]:
        """The faults of all pictures, each once."""
        return tuple(dict.fromkeys(f for made in self.pictures for f in made.verdict.faults))


def fixed(subject: Identity, seed: int) -> Candidates:
    """The one who is given."""
    return iter([(seed, subject)])


def described(description: Description, seed: int) -> Candidates:
    """Whoever fits a description, one after another."""
    for subject in description.subjects(seed):
        yield seed, subject


def anonymize(
    patient: Patient, candidates: Candidates, method: Method, how: How,
    progress: Callable[[int, int], None] | None = None,
) -> Anonymization:  # fmt: skip
    """Shows a patient's expressions on the first candidate whom the gate does not take for the
    patient in any of the pictures; on the last one all the same, where there is no other.

    Raises InputError where nobody in MOST_REDRAWN passes.
    """
    faces = [picture.face for picture in patient.pictures]
    gate = Gate(faces if patient.rest is None else [*faces, patient.rest])
    redrawn = 0
    seed, subject = next(candidates)
    while True:
        requests = _requests(patient, subject, seed, how)
        images, resembles = _drawn(requests, method, gate, progress)
        other = next(candidates, None) if resembles else None
        if other is None:
            break
        redrawn += 1
        if redrawn > MOST_REDRAWN:
            raise InputError(
                f"{redrawn} candidates in a row are taken for the patient; describe somebody else"
            )
        seed, subject = other
    images += method(requests[len(images) :])  # one who resembles the patient, and no other
    if progress is not None and resembles:
        progress(len(images), len(images))
    rest = _at_rest(patient, subject, seed, method, how)
    judge = PrivacyCheck(patient.rest)
    made = [
        Anonymized(p, image, judge.verdict(patient.expression(p), image, rest, p.movement))
        for p, image in zip(patient.pictures, images, strict=True)
    ]
    return Anonymization(subject, seed, rest, tuple(made), how, redrawn, resembles)


def _requests(patient: Patient, subject: Identity, seed: int, how: How) -> list[Request]:
    return [
        Request(subject, patient.expression(picture), seed, how.size, PORTRAIT, how.words)
        for picture in patient.pictures
    ]


def _drawn(
    requests: list[Request], method: Method, gate: Gate,
    progress: Callable[[int, int], None] | None,
) -> tuple[list[np.ndarray], bool]:  # fmt: skip
    """Pictures up to the first that is taken for the patient, or all, and whether one was: the
    first by itself, so that a candidate who resembles the patient costs one picture, the others in
    batches."""
    images: list[np.ndarray] = []
    size = 1
    while len(images) < len(requests):
        for image in method(requests[len(images) : len(images) + size]):
            images.append(image)
            if gate.takes(image):
                return images, True
        size = BATCH
        if progress is not None:
            progress(len(images), len(requests))
    return images, False


def _at_rest(
    patient: Patient, subject: Identity, seed: int, method: Method, how: How
) -> Face | None:
    """The subject at rest as the method draws it, against whom its movements are read; None where
    no single face is found."""
    still: Expression = TargetExpression(Movement.REST, Palsy.none())
    if patient.rest is not None:
        still = ExpressionImage(patient.rest, patient.rest)
    image = method([Request(subject, still, seed, how.size, PORTRAIT, how.words)])[0]
    faces = detect_faces(image)
    return faces[0] if len(faces) == 1 else None

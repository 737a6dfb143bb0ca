"""Decides in which order patients are shown, and by whom: by an identity that does not resemble
the patient."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np

from palsynth.data.manifest import Row
from palsynth.encoders.recogniser import Recogniser
from palsynth.errors import InputError
from palsynth.face.detect import read_face
from palsynth.generation.gate import PATIENT, describe
from palsynth.generation.identities import PlannedIdentity

COMPARED = 3
"""Pictures of a patient that identities are compared with."""


@dataclass(frozen=True)
class PatientPhotos:
    """A patient's ``split`` and ``photos``, that at rest first."""

    split: str
    photos: Sequence[Path]


def in_turn(rows: Sequence[Row], checksums: Mapping[str, str], seed: int) -> list[Row]:
    """Sorts patients' pictures: the first of each patient, then the second of each, and so on.

    Patients and their pictures stand in an order that depends on the seed and on what the pictures
    hold. In the order of their names, the numbers of subjects and pictures could be matched with a
    list of the patients.

    Args:
        rows: the pictures.
        checksums: file name -> SHA-256 of the picture.
        seed: the plan's seed.

    Returns:
        The pictures.
    """

    def place(names: Iterable[str]) -> str:
        contents = sorted(checksums[name] for name in names)
        return hashlib.sha256(" ".join([str(seed), *contents]).encode()).hexdigest()

    own: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        own[row.subject_id].append(row.file_name)
    places = {patient: place(names) for patient, names in own.items()}
    turns: Counter[str] = Counter()
    placed = []
    for row in sorted(rows, key=lambda row: place([row.file_name])):
        placed.append((turns[row.subject_id], places[row.subject_id], row))
        turns[row.subject_id] += 1
    return [row for _, _, row in sorted(placed, key=lambda one: one[:2])]


def assign_identities(
    folder: Path, patients: Sequence[PatientPhotos], identities: Sequence[PlannedIdentity]
) -> list[PlannedIdentity]:
    """Assigns an identity to each patient: the first free one that does not resemble the patient.

    Args:
        folder: the patients' data set, for the message.
        patients: the patients.
        identities: the identities, each of which is used once. Synthetic subjects take the split
            of their patient; people in photographs have one of their own, which must agree.

    Returns:
        The patients' identities, in order.

    Raises:
        InputError: a patient is left without one, or a photo has no usable face.
    """
    recogniser = Recogniser()

    @cache
    def vector(identity: PlannedIdentity) -> np.ndarray:
        return describe([identity.load()])[0]

    free = list(identities)
    out = []
    for patient in patients:
        known = np.stack([recogniser.describe(read_face(p)) for p in patient.photos[:COMPARED]])
        fit = next(
            (
                one
                for one in free
                if (one.subject is not None or one.split == patient.split)
                and (known @ vector(one)).max() < PATIENT
            ),
            None,
        )
        if fit is None:
            raise InputError(
                f"{folder}: has {len(patients)} patients, and no identity is left for one of them "
                "that does not resemble the patient; give more subjects, or more people in each "
                "split"
            )
        free.remove(fit)
        out.append(replace(fit, split=patient.split))
    return out

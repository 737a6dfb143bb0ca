"""Gives every patient of a data set an identity that does not resemble the patient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np

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

"""The identities of a planned data set: synthetic subjects, or people in photographs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from palsynth.capture.at_rest import note_unless_at_rest
from palsynth.clinical import Movement
from palsynth.data.manifest import read_manifest
from palsynth.data.placing import Unplaced, by_subject
from palsynth.data.split import split_of
from palsynth.errors import InputError
from palsynth.face.detect import read_face
from palsynth.face.images import SUFFIXES
from palsynth.generation.plan import Identities
from palsynth.methods.base import Identity
from palsynth.seeds import Stream, make_rng
from palsynth.subjects import Subject, sample, subject_name

CACHED = 32
"""Identities that a process keeps; one of a subject takes about 3 MB."""


@dataclass(frozen=True)
class PlannedIdentity:
    """An identity of a data set, small enough to be sent to another process.

    Attributes:
        name: ``subject_id`` in the manifest.
        split: split of all its pictures.
        subject: seed of the synthetic subject; None for a person in a photograph.
        attributes: of a subject: the attributes that the plan gives, as arguments of
            :func:`palsynth.subjects.sample`.
        photograph: the photo at rest; None for a synthetic subject.
    """

    name: str
    split: str
    subject: int | None = None
    attributes: tuple[tuple[str, Any], ...] = ()
    photograph: Path | None = None

    def load(self) -> Identity:
        """The identity: the subject, or the face in the photo.

        Raises:
            InputError: the photo has no usable face.
        """
        return _load(self)

    def columns(self) -> dict[str, Any]:
        """What the manifest says about a subject; nothing of a person in a photograph."""
        identity = self.load()
        if not isinstance(identity, Subject):
            return {}
        return {
            "age": identity.age,
            "gender": identity.gender,
            "ethnicity": identity.ethnicity,
            "monk": identity.monk,
        }


@lru_cache(maxsize=CACHED)
def _load(planned: PlannedIdentity) -> Identity:
    if planned.subject is None:
        assert planned.photograph is not None
        return read_face(planned.photograph)
    return sample(planned.subject, **dict(planned.attributes))


@dataclass(frozen=True)
class FoundIdentities:
    """The identities of a plan, and one line per picture that shows none of them."""

    identities: list[PlannedIdentity]
    left_out: list[str] = field(default_factory=list)


def planned_identities(settings: Identities) -> FoundIdentities:
    """The identities that a plan names, without opening their pictures.

    Args:
        settings: whose faces are shown.

    Returns:
        At least one identity, in the order of their names.

    Raises:
        InputError: a folder or data set cannot be read or shows nobody at rest.
    """
    if settings.photographs is not None:
        return _photographed(settings.photographs)
    if settings.dataset is not None:
        return _of_dataset(settings.dataset)
    return FoundIdentities([_subject(settings, seed) for seed in settings.subject_seeds()])


def _subject(settings: Identities, seed: int) -> PlannedIdentity:
    given: dict[str, Any] = {"gender": settings.gender, "ethnicity": settings.ethnicity}
    if settings.ages:
        youngest, oldest = settings.ages
        given["age"] = float(make_rng(seed, Stream.PLANNED_AGE).uniform(youngest, oldest))
    name = subject_name(seed)
    return PlannedIdentity(name, split_of(name), seed, tuple(given.items()))


def _photographed(folder: Path) -> FoundIdentities:
    """People in a folder: ``PERSON/rest.jpg`` with other movements beside, or one photo each."""
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder of photographs")
    found: dict[str, Path] = {}
    left_out = []
    for item in by_subject(folder, "photo"):
        if isinstance(item, Unplaced):
            if item.path.parent == folder and item.path.suffix.lower() in SUFFIXES:
                found.setdefault(item.path.stem, item.path)
            else:
                left_out.append(f"{item.path}: {item.rule}")
            continue
        path, row = item
        name = path.relative_to(folder).parts[0]
        if row.movement in (None, Movement.REST.value) and name not in found:
            found[name] = path
        else:
            left_out.append(f"{path}: shows no rest, or another photo of the person does")
    return _checked(folder, found, {}, left_out)


def _of_dataset(folder: Path) -> FoundIdentities:
    """People of a data set: the first picture at rest of each."""
    found: dict[str, Path] = {}
    splits: dict[str, str] = {}
    everyone: dict[str, None] = {}
    for row in sorted(read_manifest(folder), key=lambda row: row.file_name):
        everyone[row.subject_id] = None
        if row.movement == Movement.REST.value and row.subject_id not in found:
            found[row.subject_id] = folder / row.file_name
            splits[row.subject_id] = row.split or split_of(row.subject_id)
    left_out = [f"{name}: has no picture at rest" for name in everyone if name not in found]
    return _checked(folder, found, splits, left_out)


def _checked(
    folder: Path, found: dict[str, Path], splits: dict[str, str], left_out: Sequence[str]
) -> FoundIdentities:
    if not found:
        raise InputError(
            f"{folder}: shows nobody at rest; name photos PERSON.jpg or PERSON/rest.jpg"
        )
    return FoundIdentities(
        [
            PlannedIdentity(name, splits.get(name) or split_of(name), photograph=path)
            for name, path in sorted(found.items())
        ],
        list(left_out),
    )


def usable(identities: Sequence[PlannedIdentity]) -> FoundIdentities:
    """Opens every photograph and leaves out those without one usable face.

    Args:
        identities: the identities.

    Returns:
        Those that can be shown, and one line for each of the others.

    Raises:
        InputError: none can be shown.
    """
    kept, left_out = [], []
    for identity in identities:
        try:
            if identity.photograph is not None:
                face = read_face(identity.photograph)
                note_unless_at_rest(face, str(identity.photograph))
            kept.append(identity)
        except InputError as error:
            left_out.append(str(error))
    if not kept:
        raise InputError(f"no identity can be shown; the first: {left_out[0]}")
    return FoundIdentities(kept, left_out)

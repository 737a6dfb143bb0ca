"""The pictures of a plan, as small groups that any process can make: requested expressions, or
those of a patients' data set."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from palsynth.clinical import Movement, Palsy
from palsynth.data.faces import find_faces
from palsynth.data.manifest import FILE_NAME, Row, read_manifest
from palsynth.data.split import split_of
from palsynth.errors import InputError
from palsynth.face.detect import read_face
from palsynth.face.face import Face
from palsynth.face.framing import FRAMINGS
from palsynth.generation.assigning import PatientPhotos, assign_identities, in_turn
from palsynth.generation.identities import PlannedIdentity
from palsynth.generation.plan import Plan
from palsynth.generation.planning import file_name, numbers_of, plan_picture, request_seed
from palsynth.generation.runner import BATCH, Planned
from palsynth.methods.base import ExpressionImage, Request


@dataclass(frozen=True)
class Group:
    """Pictures of one identity that are made together: their ``numbers``, in order. A group is
    always made as a whole, so that no picture depends on which others exist already."""

    identity: int
    numbers: tuple[int, ...]


class Pictures(Protocol):
    """All pictures of a plan."""

    @property
    def identities(self) -> Sequence[PlannedIdentity]:
        """Who is shown."""
        ...

    def groups(self) -> list[Group]:
        """All pictures, in groups of at most :data:`~palsynth.generation.runner.BATCH`."""
        ...

    def planned(self, identity: int, number: int, attempt: int = 0) -> Planned:
        """Plans one picture.

        Args:
            identity: index of the identity that it shows.
            number: number of the picture.
            attempt: how often it has been made before and did not pass the gate.

        Returns:
            The picture's request with its place in the set.
        """
        ...

    def inputs(self) -> dict[str, Path]:
        """The files of which the pictures are made, by what each is used for."""
        ...

    def name(self, identity: int, number: int) -> str:
        """The path of a picture in the set.

        Args:
            identity: index of the identity that it shows.
            number: number of the picture.

        Returns:
            The path, with forward slashes.
        """
        ...


@dataclass(frozen=True)
class RequestedPictures:
    """The pictures of a plan whose movements and palsies are requested.

    Attributes:
        plan: the plan.
        identities: its identities.
    """

    plan: Plan
    identities: Sequence[PlannedIdentity]

    def groups(self) -> list[Group]:
        """All pictures, in groups of one identity."""
        every = range(min(len(self.identities), self.plan.num_images()))
        return _grouped({i: numbers_of(i, self.plan, len(self.identities)) for i in every})

    def planned(self, identity: int, number: int, attempt: int = 0) -> Planned:
        """Plans one picture.

        Args:
            identity: index of the identity that it shows.
            number: number of the picture.
            attempt: how often it has been made before and did not pass the gate.

        Returns:
            The picture's request with its place in the set.
        """
        return plan_picture(self.plan, self.identities, number, attempt)

    def inputs(self) -> dict[str, Path]:
        """The photographs."""
        return _photographs(self.identities)

    def name(self, identity: int, number: int) -> str:
        """The path of a picture in the set.

        Args:
            identity: index of the identity that it shows.
            number: number of the picture.

        Returns:
            The path, with forward slashes.
        """
        movements = self.plan.expressions.movements
        return file_name(self.identities[identity], number, movements[number % len(movements)])


@dataclass(frozen=True)
class PatientPictures:
    """The pictures of a plan that show the expressions of patients, each on one identity.

    Attributes:
        plan: the plan.
        folder: the patients' data set.
        identities: one per patient, in the patient's split.
        rows: the patients' pictures that are shown, in turn.
        patients: of each row, the index of its patient and identity.
        rests: of each patient, the picture at rest; None where there is none.
        left_out: one line per picture that cannot be shown.
    """

    plan: Plan
    folder: Path
    identities: Sequence[PlannedIdentity]
    rows: Sequence[Row]
    patients: Sequence[int]
    rests: Sequence[str | None]
    left_out: list[str] = field(default_factory=list)

    def groups(self) -> list[Group]:
        """All pictures, in groups of one identity."""
        numbers: dict[int, list[int]] = defaultdict(list)
        for number in range(self.plan.num_images(len(self.rows))):
            numbers[self.patients[number % len(self.rows)]].append(number)
        return _grouped(numbers)

    def planned(self, identity: int, number: int, attempt: int = 0) -> Planned:
        """Plans one picture, whose labels are those of the patient's.

        Args:
            identity: index of the identity that it shows.
            number: number of the picture.
            attempt: how often it has been made before and did not pass the gate.

        Returns:
            The picture's request with its place in the set.
        """
        row = self.rows[number % len(self.rows)]
        shown, rest = self.identities[identity], self.rests[identity]
        at_rest = row.movement == Movement.REST.value
        face = _face(self.folder / row.file_name)
        reference = None if rest is None or at_rest else _face(self.folder / rest)
        request = Request(
            shown.load(),
            ExpressionImage(face, reference),
            request_seed(self.plan, number, attempt),
            self.plan.size,
            FRAMINGS[self.plan.framing],
        )
        return Planned(
            self.name(identity, number),
            shown.name,
            request,
            labels=_labels(row),
            rated={
                "side": row.side,
                "hb_grade": row.hb_grade,
                "yanagihara_item": row.yanagihara_item,
            },
            split=shown.split,
            attributes=shown.columns(),
        )

    def inputs(self) -> dict[str, Path]:
        """The photographs, and the patients' pictures with their labels."""
        rests = (name for name in self.rests if name is not None)
        names = [FILE_NAME, *(row.file_name for row in self.rows), *rests]
        patients = {f"patients/{name}": self.folder / name for name in names}
        return _photographs(self.identities) | patients

    def name(self, identity: int, number: int) -> str:
        """The path of a picture in the set, which tells nothing of the patient's name.

        Args:
            identity: index of the identity that it shows.
            number: number of the picture.

        Returns:
            The path, with forward slashes.
        """
        movement = self.rows[number % len(self.rows)].movement
        shown = self.identities[identity]
        return file_name(shown, number, None if movement is None else Movement(movement))


def patient_pictures(plan: Plan, identities: Sequence[PlannedIdentity]) -> PatientPictures:
    """Assigns an identity to every patient of a data set who is shown.

    Args:
        plan: a plan with ``expressions.patients``; with fewer ``images`` than there are pictures,
            the first picture of each patient is shown before the second of any.
        identities: at least as many as there are patients. Synthetic subjects take the split of
            their patient; people in photographs have one of their own, which must agree.

    Returns:
        The pictures.

    Raises:
        InputError: the data set cannot be read, has no usable picture, or a patient for whom no
            identity is left.
    """
    folder = plan.expressions.patients
    assert folder is not None
    rows = sorted(read_manifest(folder), key=lambda row: row.file_name)
    found = find_faces(folder, rows)
    shown = [row for row in rows if found[row.file_name].fault is None]
    left_out = [
        f"{row.file_name}: {fault}" for row in rows if (fault := found[row.file_name].fault)
    ]
    if not shown:
        raise InputError(f"{folder}: no picture has a usable face; the first: {left_out[0]}")
    splits = {row.subject_id: row.split or split_of(row.subject_id) for row in shown}
    rests = {
        row.subject_id: row.file_name
        for row in reversed(shown)
        if row.movement == Movement.REST.value
    }
    photos: dict[str, list[Path]] = defaultdict(list)
    for row in sorted(shown, key=lambda row: row.movement != Movement.REST.value):
        photos[row.subject_id].append(folder / row.file_name)
    order = in_turn(shown, {name: face.sha256 for name, face in found.items()}, plan.seed)
    order = order[: plan.num_images(len(order))]
    patients = list(dict.fromkeys(row.subject_id for row in order))
    index = {patient: k for k, patient in enumerate(patients)}
    known = [PatientPhotos(splits[patient], photos[patient]) for patient in patients]
    assigned = assign_identities(folder, known, identities)
    return PatientPictures(
        plan,
        folder,
        assigned,
        order,
        [index[row.subject_id] for row in order],
        [rests.get(patient) for patient in patients],
        left_out,
    )


def _labels(row: Row) -> tuple[Movement, Palsy | None] | None:
    if row.movement is None:
        return None
    return Movement(row.movement), Palsy.from_dict(row.palsy) if row.palsy else None


def _photographs(identities: Sequence[PlannedIdentity]) -> dict[str, Path]:
    return {f"identities/{one.name}": one.photograph for one in identities if one.photograph}


def _grouped(numbers: dict[int, list[int]]) -> list[Group]:
    return [
        Group(identity, tuple(own[k : k + BATCH]))
        for identity, own in numbers.items()
        for k in range(0, len(own), BATCH)
    ]


@lru_cache(maxsize=BATCH + 2)
def _face(path: Path) -> Face:
    return read_face(path)

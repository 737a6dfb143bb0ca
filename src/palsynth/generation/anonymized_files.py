"""What an anonymization leaves on disk, and what is said of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from palsynth.clinical import YANAGIHARA, Movement, Palsy
from palsynth.encoders.published.dlib import SAME_PERSON
from palsynth.face.face import Face
from palsynth.face.measures import Measures, measure
from palsynth.generation.anonymize import Anonymization, Anonymized
from palsynth.generation.measured import AskedMeasured, asked_and_measured
from palsynth.generation.patient import Patient
from palsynth.generation.sheet import Sheet, drawn_sheet
from palsynth.methods.base import Method, provenance, write_made
from palsynth.people.description import describe

CARE = "no recogniser can show that nobody recognises the patient: look at it before it is shown"


def write_one(out: Path, made: Anonymization, method: Method) -> list[str]:
    """Writes the picture of one photo; returns what is to be said."""
    only = made.pictures[0]
    path = named(out, only.verdict.faults)
    write_made(path, only.image, method, _record(made, method))
    return [str(path), *subject_lines(made), *_verdict_lines(only, ""), CARE]


def write_folder(out: Path, patient: Patient, made: Anonymization, method: Method) -> list[str]:
    """Writes all pictures of a folder and their sheet; returns what is to be said."""
    for picture in made.pictures:
        path = named(out / f"{picture.picture.name}.png", picture.verdict.faults)
        write_made(path, picture.image, method, _record(made, method))
    drawn = sheet_of(patient, made)
    lines = write_sheet(out / "sheet.png", patient, made, method, drawn)
    return [f"{out}: {len(made.pictures)} pictures", *lines]


def write_sheet(
    out: Path, patient: Patient, made: Anonymization, method: Method, drawn: Sheet
) -> list[str]:
    """Writes a sheet under a name that says what is wrong with any of its pictures; returns what is
    to be said."""
    path = named(out, made.faults)
    write_made(path, drawn.image, method, _record(made, method))
    there = {picture.movement for picture in patient.pictures}
    missing = [m.value for m in YANAGIHARA if m not in there]
    lines = [str(path), *(f"left out: {line}" for line in patient.left_out)]
    if missing:
        lines.append(f"not in the folder: {', '.join(missing)}")
    return [*lines, *summary(made)]


def summary(made: Anonymization) -> list[str]:
    """What is to be said of several pictures."""
    lines = subject_lines(made)
    for picture in made.pictures:
        if picture.verdict.faults:
            lines += _verdict_lines(picture, f"{picture.picture.name}: ")
    known = [p.verdict.distance for p in made.pictures if p.verdict.distance is not None]
    hits = sum(p.verdict.recognised for p in made.pictures)
    if known:
        lines.append(
            f"the patient is recognised in {hits} of {len(made.pictures)} pictures (dlib distance "
            f"{min(known):.3f} to {max(known):.3f}; below {SAME_PERSON} is one person)"
        )
    kept = sum(not (p.verdict.expression.side or p.verdict.expression.movement)
               for p in made.pictures if p.verdict.distance is not None)  # fmt: skip
    lines.append(f"side and movement are the patient's in {kept} of {len(made.pictures)}")
    return [*lines, CARE]


def subject_lines(made: Anonymization) -> list[str]:
    """Who shows it, and what the gate did."""
    if isinstance(made.subject, Face):
        lines = ["subject: the person of the photo"]
    else:
        lines = [f"subject: {describe(made.subject)} (person {made.subject.seed}), synthetic"]
    if made.redrawn:
        many = "candidate was" if made.redrawn == 1 else "candidates were"
        lines.append(f"gate: {made.redrawn} {many} taken for the patient and redrawn")
    if made.resembles:
        lines.append("gate: our recogniser takes the subject for the patient; choose somebody else")
    return lines


def named(path: Path, faults: tuple[str, ...]) -> Path:
    """A picture's path, its name saying what is wrong with it."""
    return path.with_name("-".join([path.stem, *faults]) + path.suffix) if faults else path


def sheet_of(patient: Patient, made: Anonymization, size: int = 320) -> Sheet:
    """The first picture of each movement side by side, the patient's and the picture's estimated
    item score under each."""
    first: dict[Movement, Anonymized] = {}
    for picture in made.pictures:
        if picture.picture.movement is not None:
            first.setdefault(picture.picture.movement, picture)
    rest = _measures(made.rest)
    own = _measures(patient.rest)
    rows = [_row(movement, picture, own, rest) for movement, picture in first.items()]
    images = [picture.image for picture in first.values()]
    return drawn_sheet(images, rows, "A patient's movements on somebody else", "patient", size=size)


def _row(
    movement: Movement, made: Anonymized, own: Measures | None, rest: Measures | None
) -> AskedMeasured:
    """What is measured in a picture, the patient's own measure in place of what was asked."""
    if movement is Movement.REST:
        own = rest = None
    theirs = asked_and_measured(made.picture.face.image, movement, Palsy.none(), own)
    ours = asked_and_measured(made.image, movement, Palsy.none(), rest)
    return replace(ours, asked_side=theirs.measured_side, asked_score=theirs.measured_score)


def _measures(face: Face | None) -> Measures | None:
    return None if face is None else measure(face.landmarks)


def _verdict_lines(made: Anonymized, where: str) -> list[str]:
    verdict = made.verdict
    if verdict.distance is None:
        return [f"{where}{line}" for line in verdict.lines]
    lines = [f"{where}{line}" for line in verdict.lines]
    if not where and not verdict.recognised:
        lines.insert(
            0,
            f"privacy: the patient is not recognised (dlib distance {verdict.distance:.3f}; below "
            f"{SAME_PERSON} is one person)",
        )
    if not where and not (verdict.expression.side or verdict.expression.movement):
        lines.append("expression: side and movement are the patient's")
    return lines


def _record(made: Anonymization, method: Method) -> dict[str, Any]:
    """What the pictures say of how they were made; nothing of whose they were made of."""
    who = "a photo" if isinstance(made.subject, Face) else describe(made.subject)
    said = {"words": made.how.words} if made.how.words else {}
    return provenance(method, made.seed, expression="picture", subject=who, **said)

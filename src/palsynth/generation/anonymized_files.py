"""What an anonymization leaves on disk, and what is said of it."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from palsynth.clinical import YANAGIHARA, Movement, Palsy
from palsynth.encoders.published.dlib import SAME_PERSON
from palsynth.errors import InputError
from palsynth.face.face import Face
from palsynth.face.images import check_replaceable
from palsynth.face.measures import Measures, measure
from palsynth.generation.anonymize import Anonymization, Anonymized
from palsynth.generation.measured import RequestedMeasured, requested_and_measured
from palsynth.generation.patient import Patient
from palsynth.generation.sheet import Sheet, drawn_sheet
from palsynth.generation.verdict import FAULTS
from palsynth.methods.base import Method, provenance, write_made
from palsynth.subjects.description import describe

CARE = "no recogniser can show that nobody recognises the patient: look at it before it is shown"

ADVICE = "try another --seed or somebody else, and see whether the photo shows the movement clearly"


def write_one(out: Path, made: Anonymization, method: Method) -> list[str]:
    """Writes the picture of one photo; returns what is to be said."""
    only = made.pictures[0]
    path = _write(out, only.verdict.faults, only.image, made, method)
    advice = [ADVICE] if made.faults else []
    return [str(path), *subject_lines(made), *_verdict_lines(only), *advice, CARE]


def write_folder(out: Path, patient: Patient, made: Anonymization, method: Method) -> list[str]:
    """Writes all pictures of a folder and their sheet; returns what is to be said."""
    for picture in made.pictures:
        path = out / f"{picture.picture.name}.png"
        _write(path, picture.verdict.faults, picture.image, made, method)
    drawn = sheet_of(patient, made)
    lines = write_sheet(out / "sheet.png", patient, made, method, drawn)
    return [f"{out}: {len(made.pictures)} pictures", *lines]


def write_sheet(
    out: Path, patient: Patient, made: Anonymization, method: Method, drawn: Sheet
) -> list[str]:
    """Writes a sheet under a name that says what is wrong with any of its pictures; returns what is
    to be said."""
    lines = [str(_write(out, made.faults, drawn.image, made, method))]
    lines += [f"left out: {line}" for line in patient.left_out]
    there = {picture.movement for picture in patient.pictures}
    missing = [m.value for m in YANAGIHARA if m not in there]
    if missing:
        lines.append(f"not in the folder: {', '.join(missing)}")
    if patient.rest is None:
        lines.append("without a picture at rest a lopsided face may be taken for a palsy")
    further = [p.name for p in patient.pictures if p.movement and p.name != p.movement.value]
    if further:
        lines.append(f"the sheet shows the first of each movement, and not {', '.join(further)}")
    return [*lines, *summary(made)]


def summary(made: Anonymization) -> list[str]:
    """What is to be said of several pictures."""
    lines = subject_lines(made)
    for picture in made.pictures:
        lines += [f"{picture.picture.name}: {line}" for line in picture.verdict.lines]
    known = [p.verdict.distance for p in made.pictures if p.verdict.distance is not None]
    hits = sum(p.verdict.recognised for p in made.pictures)
    if known:
        lines.append(
            f"privacy: the patient is recognised in {hits} of {len(made.pictures)} pictures (dlib "
            f"distance {min(known):.3f} to {max(known):.3f}; below {SAME_PERSON} is one person)"
        )
    kept = sum(p.verdict.expression_kept for p in made.pictures)
    lines.append(
        f"expression: side and movement are the patient's in {kept} of {len(made.pictures)}"
    )
    return [*lines, *([ADVICE] if made.faults else []), CARE]


def subject_lines(made: Anonymization) -> list[str]:
    """Who shows it, and what the gate did."""
    subject = made.subject
    if isinstance(subject, Face):
        lines = ["subject: the person of the photo"]
    else:
        older = ", extrapolated beyond the ages photographed" if subject.extrapolated else ""
        group = subject.ethnicity.replace("_", " ")
        lines = [f"subject: {describe(subject)} ({group}; person {subject.seed}), synthetic{older}"]
    if made.redrawn:
        many = "candidate was" if made.redrawn == 1 else "candidates were"
        lines.append(f"gate: {made.redrawn} {many} taken for the patient and redrawn")
    if made.resembles:
        lines.append(
            "gate: our own recogniser finds the subject like the patient; another is safer"
        )
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


def _write(
    path: Path, faults: tuple[str, ...], image: Any, made: Anonymization, method: Method
) -> Path:
    """Writes a picture under a name that says its faults, in place of what an earlier run left
    there under a name that says others."""
    target = named(path, faults)
    write_made(target, image, method, _record(made, method))
    pattern = re.compile(
        rf"{re.escape(path.stem)}((-({'|'.join(FAULTS)}))*){re.escape(path.suffix)}"
    )
    for other in path.parent.iterdir():
        if other != target and pattern.fullmatch(other.name):
            with suppress(InputError, OSError):  # not ours, it stays
                check_replaceable(other)
                other.unlink()
    return target


def _row(
    movement: Movement, made: Anonymized, own: Measures | None, rest: Measures | None
) -> RequestedMeasured:
    """What is measured in a picture, the patient's own measure in place of what was asked."""
    if movement is Movement.REST:
        own = rest = None
    theirs = requested_and_measured(made.picture.face.image, movement, Palsy.none(), own)
    ours = requested_and_measured(made.image, movement, Palsy.none(), rest)
    return replace(ours, requested_side=theirs.measured_side, requested_score=theirs.measured_score)


def _measures(face: Face | None) -> Measures | None:
    return None if face is None else measure(face.landmarks)


def _verdict_lines(made: Anonymized) -> list[str]:
    """All that is to be said of one picture."""
    verdict = made.verdict
    if verdict.distance is None:
        return list(verdict.lines)
    lines = []
    if not verdict.recognised:
        lines.append(
            f"privacy: the patient is not recognised (dlib distance {verdict.distance:.3f}; below "
            f"{SAME_PERSON} is one person)"
        )
    if verdict.expression_kept:
        weak = verdict.expression.weak_side
        side = "neither side weak" if weak is None else f"the {weak.value} weak"
        lines.append(f"expression: side ({side}) and movement are the patient's")
    return [*lines, *verdict.lines]


def _record(made: Anonymization, method: Method) -> dict[str, Any]:
    """What the pictures say of how they were made; nothing of whose they were made of."""
    who = "a photo" if isinstance(made.subject, Face) else describe(made.subject)
    said = {"words": made.how.words} if made.how.words else {}
    return provenance(method, made.seed, expression="picture", subject=who, **said)

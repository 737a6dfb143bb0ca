"""Writes the pictures of an anonymization and reports on them, line by line."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from palsynth.clinical import YANAGIHARA, Movement, Palsy
from palsynth.encoders.published.dlib import SAME_PERSON
from palsynth.errors import InputError
from palsynth.face.face import Face
from palsynth.face.images import check_replaceable
from palsynth.face.measures import Measures, measure
from palsynth.generation.anonymize import Anonymization, Anonymized
from palsynth.generation.measured import RequestedMeasured, requested_and_measured
from palsynth.generation.patient import Patient
from palsynth.generation.runner import Generated
from palsynth.generation.sheet import Sheet, layout_sheet
from palsynth.generation.verdict import FAULTS
from palsynth.subjects.description import describe

CARE = (
    "no recogniser can rule out that people recognise the patient: check before showing a picture"
)

ADVICE = "try another --seed or subject, and check that the photo shows the movement clearly"


def write_one(out: Path, result: Anonymization) -> list[str]:
    """Writes the picture of a single photo.

    Args:
        out: path of the PNG; the faults of the picture are appended to its name.
        result: the anonymization, with one picture.

    Returns:
        The report, one line per finding, the written path first.
    """
    picture = result.pictures[0]
    path = _write(out, picture.verdict.faults, picture.made)
    advice = [ADVICE] if result.faults else []
    return [str(path), *subject_lines(result), *_verdict_lines(picture), *advice, CARE]


def write_folder(out: Path, patient: Patient, result: Anonymization) -> list[str]:
    """Writes all pictures of a patient's folder, and ``sheet.png``.

    Args:
        out: folder for the pictures, which are named by movement and faults.
        patient: the patient's pictures.
        result: their anonymization.

    Returns:
        The report, one line per finding.
    """
    for picture in result.pictures:
        path = out / f"{picture.picture.name}.png"
        _write(path, picture.verdict.faults, picture.made)
    sheet = anonymization_sheet(patient, result)
    lines = write_sheet(out / "sheet.png", patient, result, sheet)
    return [f"{out}: {len(result.pictures)} pictures", *lines]


def write_sheet(out: Path, patient: Patient, result: Anonymization, sheet: Sheet) -> list[str]:
    """Writes a sheet.

    Args:
        out: path of the PNG; the faults of all pictures are appended to its name.
        patient: the patient's pictures.
        result: their anonymization.
        sheet: the sheet from :func:`anonymization_sheet`.

    Returns:
        The report, one line per finding, the written path first.
    """
    lines = [str(_write(out, result.faults, sheet))]
    lines += [f"left out: {line}" for line in patient.left_out]
    movements = {picture.movement for picture in patient.pictures}
    missing = [m.value for m in YANAGIHARA if m not in movements]
    if missing:
        lines.append(f"not in the folder: {', '.join(missing)}")
    if patient.rest is None:
        lines.append("without a picture at rest, an asymmetric face may be mistaken for a palsy")
    further = [p.name for p in patient.pictures if p.movement and p.name != p.movement.value]
    if further:
        lines.append(f"the sheet shows the first picture per movement, not {', '.join(further)}")
    return [*lines, *summary(result)]


def summary(result: Anonymization) -> list[str]:
    """Reports on several pictures.

    Args:
        result: the anonymization.

    Returns:
        One line per finding: the subject, each picture's faults, privacy and expression.
    """
    lines = subject_lines(result)
    for picture in result.pictures:
        lines += [f"{picture.picture.name}: {line}" for line in picture.verdict.lines]
    distances = [p.verdict.distance for p in result.pictures if p.verdict.distance is not None]
    recognised = sum(p.verdict.recognised for p in result.pictures)
    if distances:
        lines.append(
            f"privacy: the patient is recognised in {recognised} of {len(result.pictures)} "
            f"pictures (dlib distance {min(distances):.3f} to {max(distances):.3f}; below "
            f"{SAME_PERSON}: same person)"
        )
    preserved = sum(p.verdict.expression_preserved for p in result.pictures)
    lines.append(
        f"expression: side and movement are the patient's in {preserved} of {len(result.pictures)}"
    )
    return [*lines, *([ADVICE] if result.faults else []), CARE]


def subject_lines(result: Anonymization) -> list[str]:
    """Reports on the subject and the gate.

    Args:
        result: the anonymization.

    Returns:
        One line for the subject, and one per finding of the gate.
    """
    subject = result.subject
    if isinstance(subject, Face):
        lines = ["subject: the person of the photo"]
    else:
        note = ", extrapolated beyond the photographed ages" if subject.extrapolated else ""
        group = subject.ethnicity.replace("_", " ")
        lines = [f"subject: {describe(subject)} ({group}; seed {subject.seed}), synthetic{note}"]
    if result.num_rejected:
        candidates = "candidate was" if result.num_rejected == 1 else "candidates were"
        lines.append(
            f"gate: {result.num_rejected} {candidates} matched to the patient and rejected"
        )
    if result.resembles:
        lines.append(
            "gate: our own recogniser matches the subject to the patient; choose another subject"
        )
    return lines


def named(path: Path, faults: tuple[str, ...]) -> Path:
    """Appends faults to a file name.

    Args:
        path: path of a picture.
        faults: members of :data:`FAULTS`.

    Returns:
        The path with the faults before its suffix.

    Example:
        >>> named(Path("grin.png"), ("side-differs",)).name
        'grin-side-differs.png'
    """
    return path.with_name("-".join([path.stem, *faults]) + path.suffix) if faults else path


def anonymization_sheet(patient: Patient, result: Anonymization, size: int = 320) -> Sheet:
    """Lays out the first picture of each movement side by side.

    Args:
        patient: the patient's pictures.
        result: their anonymization.
        size: pixels a side of each picture on the sheet.

    Returns:
        The sheet. Under each picture are two estimated item scores: that of the patient's picture,
        in place of a requested one, and that of the generated picture.
    """
    first: dict[Movement, Anonymized] = {}
    for picture in result.pictures:
        if picture.picture.movement is not None:
            first.setdefault(picture.picture.movement, picture)
    rest = _measures(result.rest)
    patient_rest = _measures(patient.rest)
    rows = [_row(movement, picture, patient_rest, rest) for movement, picture in first.items()]
    pictures = [picture.made for picture in first.values()]
    return layout_sheet(
        pictures, rows, "A patient's movements on somebody else", "patient", size=size
    )


def _write(path: Path, faults: tuple[str, ...], picture: Generated | Sheet) -> Path:
    """Writes a picture under a name that states its faults, and deletes what an earlier run wrote
    under a name that states other faults."""
    target = named(path, faults)
    picture.write(target)
    pattern = re.compile(
        rf"{re.escape(path.stem)}((-({'|'.join(FAULTS)}))*){re.escape(path.suffix)}"
    )
    for other in path.parent.iterdir():
        if other != target and pattern.fullmatch(other.name):
            with suppress(InputError, OSError):  # not written by palsynth: leave it
                check_replaceable(other)
                other.unlink()
    return target


def _row(
    movement: Movement,
    picture: Anonymized,
    patient_rest: Measures | None,
    subject_rest: Measures | None,
) -> RequestedMeasured:
    """The measures of a generated picture, with those of the patient's as the requested ones."""
    if movement is Movement.REST:
        patient_rest = subject_rest = None
    requested = requested_and_measured(
        picture.picture.face.image, movement, Palsy.none(), patient_rest
    )
    measured = requested_and_measured(picture.image, movement, Palsy.none(), subject_rest)
    return replace(
        measured,
        requested_side=requested.measured_side,
        requested_score=requested.measured_score,
    )


def _measures(face: Face | None) -> Measures | None:
    return None if face is None else measure(face.landmarks)


def _verdict_lines(picture: Anonymized) -> list[str]:
    """The report on a single picture, with what is in order too."""
    verdict = picture.verdict
    if verdict.distance is None:
        return list(verdict.lines)
    lines = []
    if not verdict.recognised:
        lines.append(
            f"privacy: the patient is not recognised (dlib distance {verdict.distance:.3f}; below "
            f"{SAME_PERSON}: same person)"
        )
    if verdict.expression_preserved:
        weak = verdict.expression.weak_side
        side = "neither side weak" if weak is None else f"the {weak.value} weak"
        lines.append(f"expression: side ({side}) and movement are the patient's")
    return [*lines, *verdict.lines]

"""Checks a dataset for faults that would invalidate a training or an evaluation on it."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from palsynth.clinical import Movement
from palsynth.data.clips import read_clip
from palsynth.data.faces import find_faces
from palsynth.data.hub import CONTACT_SHEET
from palsynth.data.manifest import Row, read_manifest
from palsynth.data.writer import CLIP
from palsynth.errors import InputError
from palsynth.face.images import list_images, read_image
from palsynth.paths import FileNames
from palsynth.progress import Progress
from palsynth.tables.grid import key


@dataclass(frozen=True)
class Fault:
    """One fault of a dataset.

    Attributes:
        kind: one of KINDS.
        about: the file, or for a leak the subject.
        text: what is wrong.
    """

    kind: str
    about: str
    text: str


KINDS = {
    "missing": "a row names an image that is not on disk",
    "unlisted": "an image has no row",
    "unreadable": "an image cannot be read",
    "duplicate": "two images have the same bytes, or two rows the same file",
    "no face": "no single usable face is found; training leaves the image out",
    "leak": "a subject is in more than one split",
    "label": "a label is impossible",
}
"""Kind of fault -> description, in the order of reporting."""

NOTES = {
    "small face": "a face is used, but small",
    "not at rest": "a picture at rest shows something else; movements are measured from it",
}
"""Kind of note -> description: pictures that are used, but should be looked at."""


def check(folder: Path, *, faces: bool = True, progress: Progress | None = None) -> list[Fault]:
    """Finds all faults of a dataset.

    Args:
        folder: the dataset.
        faces: also find the face in every picture (not in clips), as training does
            (:func:`palsynth.data.faces.find_faces`), 50 to 100 ms each the first time.
        progress: called with the number of images whose faces have been searched and their total.

    Returns:
        The faults, in the order of KINDS and then by file.

    Raises:
        InputError: if the manifest cannot be read.
    """
    rows = read_manifest(folder, unique=False)
    found = [*_missing(folder, rows), *_unlisted(folder, rows), *_leaks(rows), *_labels(rows)]
    there = [row for row in rows if (folder / row.file_name).is_file()]
    hashes: dict[str, str] = {}
    readable = []
    for row in there:
        faults = _check_image(folder / row.file_name, row.file_name, hashes)
        unreadable = any(fault.kind == "unreadable" for fault in faults)
        if not unreadable and not row.file_name.endswith(CLIP):
            readable.append(row)
        found += faults
    if faces:
        of_row = find_faces(folder, readable, progress)
        for row in readable:
            if (fault := of_row[row.file_name].fault) is not None:
                found.append(Fault("no face", row.file_name, fault))
    order = list(KINDS)
    return sorted(found, key=lambda f: (order.index(f.kind), f.about))


def notes(folder: Path, rows: list[Row], progress: Progress | None = None) -> list[Fault]:
    """Finds pictures that are used, but should be looked at.

    Args:
        folder: the dataset.
        rows: its pictures.
        progress: called with the number of images whose faces have been searched and their total.

    Returns:
        The notes, in the order of NOTES and then by file.
    """
    found = find_faces(folder, rows, progress)
    small = [(row, found[row.file_name].small) for row in rows]
    moved = [
        (row, found[row.file_name].not_at_rest)
        for row in rows
        if row.movement == Movement.REST.value
    ]
    return [
        Fault(kind, row.file_name, text)
        for kind, pairs in zip(NOTES, (small, moved), strict=True)
        for row, text in sorted(pairs, key=lambda pair: pair[0].file_name)
        if text is not None
    ]


def _missing(folder: Path, rows: list[Row]) -> list[Fault]:
    out, names = [], FileNames(folder)
    for row in rows:
        if (twin := names.twin(row.file_name)) == row.file_name:
            out.append(Fault("duplicate", row.file_name, "is in the manifest twice"))
        elif twin is not None:
            out.append(Fault("duplicate", row.file_name, f"is {twin} too on some systems"))
        if not (folder / row.file_name).is_file():
            out.append(Fault("missing", row.file_name, "is in the manifest but not on disk"))
    return out


def _unlisted(folder: Path, rows: list[Row]) -> list[Fault]:
    listed = {row.file_name for row in rows} | {CONTACT_SHEET}
    try:
        on_disk = [p.relative_to(folder).as_posix() for p in list_images(folder)]
    except InputError:
        return []
    return [
        Fault("unlisted", name, "is on disk but not in the manifest")
        for name in on_disk
        if name not in listed
    ]


def _leaks(rows: list[Row]) -> list[Fault]:
    """Subjects in several splits, also where only space, case or accents tell their names apart."""
    splits, names = defaultdict(set), defaultdict(set)
    for row in rows:
        if row.split is not None:
            subject = key(row.subject_id)
            splits[subject].add(row.split)
            names[subject].add(row.subject_id)
    out = []
    for subject, found in splits.items():
        if len(found) > 1:
            first, *others = sorted(names[subject])
            spelt = f", spelt {', '.join(map(repr, others))} too" if others else ""
            out.append(Fault("leak", first, f"is in {' and '.join(sorted(found))}{spelt}"))
    return out


def _labels(rows: list[Row]) -> list[Fault]:
    return [Fault("label", row.file_name, text) for row in rows for text in row.problems()]


def _check_image(path: Path, name: str, hashes: dict[str, str]) -> list[Fault]:
    out = []
    checksum = hashlib.sha256(path.read_bytes()).hexdigest()
    if checksum in hashes:
        out.append(Fault("duplicate", name, f"has the same bytes as {hashes[checksum]}"))
    hashes.setdefault(checksum, name)
    try:
        if path.suffix == CLIP:
            for _ in read_clip(path):
                pass
        else:
            read_image(path)
    except InputError as error:
        out.append(Fault("unreadable", name, str(error).split(": ", 1)[-1]))
    return out

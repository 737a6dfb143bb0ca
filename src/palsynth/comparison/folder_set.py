"""A benchmark set from a dataset of one's own: every expression on another patient of its split."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

import numpy as np

import palsynth
from palsynth.clinical import Movement
from palsynth.data.faces import find_faces
from palsynth.data.manifest import FILE_NAME, SPLITS, Row, read_manifest
from palsynth.data.pairs import Pair, write_pairs
from palsynth.data.writer import DatasetWriter
from palsynth.errors import InputError
from palsynth.face.detect import detect_face
from palsynth.face.face import Face
from palsynth.face.framing import RECOGNISER, Framing
from palsynth.face.images import read_image
from palsynth.face.label import digital_source
from palsynth.files import atomic_write
from palsynth.locks import lock_folder
from palsynth.progress import Progress
from palsynth.records import file_sha256

LEFT_OUT = "left-out.txt"
"""Lists the pictures of the dataset that the set does not show, with the reason."""


@dataclass
class FolderSet:
    """What a set shows, and what it does not."""

    pairs: list[Pair] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    """One line per picture or split: its name, and why."""


def folder_set(
    folder: Path,
    dataset: Path,
    size: int = 112,
    framing: Framing = RECOGNISER,
    splits: Sequence[str] = SPLITS,
    progress: Progress | None = None,
) -> FolderSet:
    """Makes a benchmark set of a dataset's pictures, cropped to their faces.

    Every picture of a patient that shows a known movement is the expression of one pair. The
    identity is another patient of the same split, at rest; these take turns. The patient's own
    first picture at rest is the fixed identity image of the way back (aFID), and no expression.
    There is no truth. Pictures without a movement or a usable face, and all of patients without a
    picture at rest, are left out and listed in ``left-out.txt``.

    Args:
        folder: folder of the set.
        dataset: the dataset, with a manifest.
        size: side of the images, pixels.
        framing: position and scale of the face in the images.
        splits: the splits whose patients are paired.
        progress: called with the number of pictures that have been searched and cropped, and how
            many of both there are.

    Returns:
        The pairs, and what is left out.

    Raises:
        InputError: the dataset cannot be read or gives no pair; ``folder`` lies in the dataset or
            holds another set.
    """
    if folder.resolve().is_relative_to(dataset.resolve()):
        raise InputError(f"{folder}: lies in {dataset}; give another --out")
    rows = [row for row in read_manifest(dataset) if row.split in splits]
    if not rows:
        raise InputError(f"{dataset}: no images in split {', '.join(splits)}")
    for row in rows:
        if faults := row.problems():
            raise InputError(f"{dataset / row.file_name}: {faults[0]}")

    searched = 0

    def report(done: int, total: int) -> None:
        nonlocal searched
        searched = done
        if progress is not None:
            progress(done, total + len(rows))

    found = find_faces(dataset, rows, report)
    made = FolderSet()
    shown = []
    for row in sorted(rows, key=lambda row: row.file_name):
        fault = found[row.file_name].fault
        if row.movement is None:
            fault = "its movement is not known"
        if fault is None:
            shown.append(row)
        else:
            made.left_out.append(f"{row.file_name}: {fault}")
    plan = {
        "benchmark": "folder",
        "dataset": file_sha256(dataset / FILE_NAME),
        "pictures": _sha256({row.file_name: found[row.file_name].sha256 for row in rows}),
        "splits": list(splits),
        "size": size,
        "framing": framing.name,
        "version": palsynth.__version__,
    }
    _check_pairable(dataset, shown, made)
    with lock_folder(folder):
        writer = DatasetWriter(folder, plan)
        names = _names(shown)
        usable = []
        for done, row in enumerate(shown, 1):
            own = replace(row, file_name=names[row.file_name], attributes=_kept(row))
            fault = None
            if not writer.has(own.file_name):
                face = Face(read_image(dataset / row.file_name), found[row.file_name].landmarks())
                crop = face.aligned(framing, size).image
                fault = _fault(crop)
                if fault is None:
                    writer.add(crop, own, digital_source(dataset / row.file_name))
            if fault is None:
                usable.append(own)
            else:
                made.left_out.append(f"{row.file_name}: cropped to {size} px, {fault}")
            if progress is not None:
                progress(searched + done, searched + len(shown))
        made.pairs = _pairs(usable, made.left_out)
        if not made.pairs:
            writer.remove_if_empty()
            raise _no_pairs(dataset, made)
        writer.finish([row.file_name for row in usable])
        with atomic_write(folder / LEFT_OUT) as temporary:
            temporary.write_text("".join(f"{line}\n" for line in made.left_out), "utf-8")
        write_pairs(folder / "pairs.csv", made.pairs)
    return made


def _sha256(pictures: dict[str, str]) -> str:
    """SHA-256 of the names and checksums of pictures."""
    return hashlib.sha256(json.dumps(pictures, sort_keys=True).encode()).hexdigest()


def _check_pairable(dataset: Path, rows: list[Row], made: FolderSet) -> None:
    """Raises InputError, before anything is written, where no pair can be made."""
    left_out = list(made.left_out)
    if not _pairs(rows, left_out):
        raise _no_pairs(dataset, FolderSet(left_out=left_out))


def _no_pairs(dataset: Path, made: FolderSet) -> InputError:
    first = f"; the first left out: {made.left_out[0]}" if made.left_out else ""
    return InputError(
        f"{dataset}: no pair can be made; a split needs two subjects with a picture at rest, and "
        f"one of them another movement{first}"
    )


def _names(rows: list[Row]) -> dict[str, str]:
    """File name in the dataset -> file name in the set, all different and ``.png``."""
    out: dict[str, str] = {}
    for row in rows:
        name = str(PurePosixPath(row.file_name).with_suffix(".png"))
        out[row.file_name] = f"{row.file_name}.png" if name in out.values() else name
    return out


def _kept(row: Row) -> dict[str, object]:
    """The attributes that hold for the crop too: not the landmarks' places in the picture."""
    return {name: value for name, value in row.attributes.items() if name != "multipie60"}


def _fault(crop: np.ndarray) -> str | None:
    """Why methods could not use a crop, if they could not."""
    try:
        detect_face(crop)
    except InputError as error:
        return str(error).split(": ", 1)[-1]
    return None


def _pairs(rows: list[Row], left_out: list[str]) -> list[Pair]:
    """One pair per expression; extends the list of what is left out."""
    by_split: dict[str | None, dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        by_split[row.split][row.subject_id].append(row)
    pairs: list[Pair] = []
    for split, by_subject in by_split.items():
        rests = {
            subject: next((r for r in own if r.movement == Movement.REST.value), None)
            for subject, own in by_subject.items()
        }
        left_out += [f"{s}: has no picture at rest" for s, rest in rests.items() if rest is None]
        at_rest = {subject: rest for subject, rest in rests.items() if rest is not None}
        if len(at_rest) == 1:
            left_out.append(f"split {split}: has one subject only; a pair needs another")
            continue
        turn = 0
        for subject, rest in at_rest.items():
            others = [other for other in at_rest if other != subject]
            for row in by_subject[subject]:
                if row is rest:
                    continue
                identity = at_rest[others[turn % len(others)]]
                turn += 1
                pairs.append(_pair(len(pairs), identity, row, rest))
    return pairs


def _pair(number: int, identity: Row, expression: Row, rest: Row) -> Pair:
    return Pair(
        f"{number:05d}-{expression.movement}.png",
        identity.file_name,
        expression.file_name,
        "",
        identity.subject_id,
        str(expression.movement),
        "" if expression.palsy is None else json.dumps(expression.palsy),
        rest.file_name,
        str(identity.attributes.get("gender") or ""),
        str(identity.attributes.get("ethnicity") or ""),
    )

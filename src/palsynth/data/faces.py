"""The faces of a dataset's pictures: found once, stored with it, cropped as at inference.

A picture is cropped by seven landmarks, which ``.faces.jsonl`` in the dataset holds together with
the checksum of the picture, or with the reason why it has no usable face. Only its owner can read
the file, since landmarks are patients' data too; it may be deleted.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from palsynth.data.manifest import Row
from palsynth.documents import json_row
from palsynth.errors import InputError
from palsynth.face import topology
from palsynth.face.face import Face
from palsynth.face.framing import RECOGNISER
from palsynth.face.images import read_image
from palsynth.files import atomic_write
from palsynth.notes import note
from palsynth.paths import name_fault
from palsynth.progress import Progress, late_progress_bar

FACES_FILE = ".faces.jsonl"

FORMAT = "faces 2"
"""Written in every line; lines of another format are not read."""

Crop = Literal["eyes", "five points"]
"""How faces are cropped: ``eyes`` by the outer eye corners, which no palsy moves, as our encoders
are trained; ``five points`` by ArcFace's template, as published encoders are."""

_POINTS = (
    *topology.OUTER_CANTHUS.values(),
    *(iris[0] for iris in topology.IRIS.values()),
    topology.NOSE_TIP,
    *topology.COMMISSURE.values(),
)
"""The landmarks that the crops need."""


@dataclass(frozen=True)
class FoundFace:
    """What was found in a picture.

    Attributes:
        sha256: checksum of the file; empty where it cannot be read.
        size: width and height of the picture in pixels; None where it cannot be read.
        points: the landmarks that crops need, in pixels, by their numbers; None without a face.
        fault: why there is no usable face, for a message; None where there is one.
        small: what to say of a face that is usable, but small; None otherwise.
        not_at_rest: what moves in it, if the picture should show the face at rest; None otherwise.
    """

    sha256: str
    size: tuple[int, int] | None = None
    points: Mapping[int, tuple[float, float]] | None = None
    fault: str | None = None
    small: str | None = None
    not_at_rest: str | None = None

    def landmarks(self) -> np.ndarray:
        """The landmarks (478, 3) float32 in pixels; NaN but for those that crops need."""
        out = np.full((topology.POINTS, 3), np.nan, np.float32)
        for number, point in (self.points or {}).items():
            out[number, :2] = point
        return out


def crop_face(face: Face, size: int, crop: Crop = "eyes") -> Face:
    """Crops a face as methods crop it at inference.

    Args:
        face: the face; of its landmarks, only those that the crop needs must be known.
        size: side of the crop in pixels.
        crop: how.

    Returns:
        The crop (size, size, 3).
    """
    return face.recogniser_crop(size) if crop == "five points" else face.aligned(RECOGNISER, size)


def find_faces(
    folder: Path, rows: Sequence[Row], progress: Progress | None = None
) -> dict[str, FoundFace]:
    """Finds the face of every picture with :func:`palsynth.face.detect.read_face`, as methods do.

    What is known from a former call is read; what is new is added to ``.faces.jsonl``, unless the
    dataset cannot be written.

    Args:
        folder: the dataset.
        rows: its pictures.
        progress: called with the number of pictures that have been searched now and their total;
            not called if all are known.

    Returns:
        File name -> what was found in the picture.
    """
    known = _read(folder / FACES_FILE)
    found: dict[str, FoundFace] = {}
    checksums = {row.file_name: _checksum(folder / row.file_name) for row in rows}
    for name, checksum in checksums.items():
        if name in known and known[name].sha256 == checksum:
            found[name] = known[name]
    new = [name for name in checksums if name not in found]
    try:
        for done, name in enumerate(new, 1):
            found[name] = _find(folder / name, checksums[name])
            if progress is not None:
                progress(done, len(new))
    finally:  # a search that is interrupted goes on from here
        if new:
            _write(folder / FACES_FILE, {**known, **found})
    return found


def usable_faces(
    folder: Path, rows: Sequence[Row], known: Sequence[Row] = ()
) -> tuple[list[Row], dict[str, FoundFace]]:
    """Finds the faces of a dataset's pictures, and lists those that have none in a note.

    Args:
        folder: the dataset.
        rows: its pictures.
        known: those of them that need no search, because their landmarks are known.

    Returns:
        The pictures with a usable face, and what was found in those that were searched, by file
        name.

    Raises:
        InputError: no picture has a usable face.
    """
    given = {row.file_name for row in known}
    with late_progress_bar(f"faces of {folder.name}") as progress:
        found = find_faces(folder, [r for r in rows if r.file_name not in given], progress)
    faults = {name: face.fault for name, face in found.items() if face.fault}
    usable = [row for row in rows if row.file_name not in faults]
    if faults:
        what = f"{len(faults)} of {len(rows)} pictures have no usable face"
        if not usable:
            name, fault = next(iter(faults.items()))
            raise InputError(f"{folder}: {what}, such as {name}: {fault}")
        listed = "".join(f"\n  {name}: {fault}" for name, fault in faults.items())
        note(f"{folder}: {what} and are left out:{listed}")
    return usable, found


def _checksum(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def _find(path: Path, checksum: str) -> FoundFace:
    from palsynth.capture.at_rest import not_at_rest  # slow to import
    from palsynth.face.detect import detect_face, small_face

    size = None
    try:
        image = read_image(path)
        size = image.shape[1], image.shape[0]
        face = detect_face(image, str(path))
    except InputError as error:
        return FoundFace(checksum, size, fault=str(error).removeprefix(f"{path}: "))
    points = {n: (float(face.landmarks[n, 0]), float(face.landmarks[n, 1])) for n in _POINTS}
    return FoundFace(checksum, size, points, small=small_face(face), not_at_rest=not_at_rest(face))


def _read(path: Path) -> dict[str, FoundFace]:
    """File name -> what was found; lines that cannot be used are left out."""
    out: dict[str, FoundFace] = {}
    try:
        lines = path.read_text("utf-8").split("\n")
    except (OSError, UnicodeDecodeError):
        return {}
    for line in lines:
        try:
            data = json_row(line, path)
            if data.pop("format") == FORMAT and name_fault(name := data.pop("file_name")) is None:
                out[name] = _entry(data)
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
            continue
    return out


def _entry(data: dict[str, Any]) -> FoundFace:
    points = data["points"]
    if points is not None:
        points = {int(n): (float(x), float(y)) for n, (x, y) in points.items()}
        if set(points) != set(_POINTS):
            raise ValueError("other landmarks")
    size = None if data["size"] is None else (int(data["size"][0]), int(data["size"][1]))
    notes = (None if data[k] is None else str(data[k]) for k in ("fault", "small", "not_at_rest"))
    return FoundFace(str(data["sha256"]), size, points, *notes)


def _write(path: Path, found: Mapping[str, FoundFace]) -> None:
    try:
        with atomic_write(path) as temporary:
            temporary.touch(mode=0o600)  # patients' landmarks
            with temporary.open("w", encoding="utf-8") as file:
                for name in sorted(name for name in found if found[name].sha256):
                    line = {"format": FORMAT, "file_name": name, **asdict(found[name])}
                    file.write(json.dumps(line, ensure_ascii=False) + "\n")
    except (InputError, OSError):  # a dataset that others own: its faces are found again
        return


def describe_faces(found: Iterable[FoundFace]) -> list[str]:
    """Describes how the faces of a dataset lie in their pictures.

    Args:
        found: what was found in each picture.

    Returns:
        Lines of text: size of the pictures, distance of the outer eye corners, tilt; each median,
        smallest and largest. None without a face.
    """
    columns: dict[str, list[float]] = {
        "width, px": [],
        "height, px": [],
        "eye corners apart, px": [],
        "eye corners apart, % of the width": [],
        "tilt, degrees clockwise": [],
    }
    for face in found:
        if face.points is None or face.size is None:
            continue
        right, left = (np.array(face.points[n]) for n in topology.OUTER_CANTHUS.values())
        across = left - right
        apart = float(np.hypot(*across))
        tilt = float(np.degrees(np.arctan2(across[1], across[0])))
        values = (*face.size, apart, 100 * apart / face.size[0], tilt)
        for column, value in zip(columns.values(), values, strict=True):
            column.append(value)
    if not columns["width, px"]:
        return []
    width = max(map(len, columns))
    lines = [f"{'':{width}}  {'median':>8} {'least':>8} {'most':>8}"]
    for name, numbers in columns.items():
        three = (float(np.median(numbers)), min(numbers), max(numbers))
        lines.append(f"{name:{width}}  " + " ".join(f"{value:8.1f}" for value in three))
    return lines

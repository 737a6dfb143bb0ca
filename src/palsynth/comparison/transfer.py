"""Runs a method over a benchmark set: one image per pair."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from palsynth.clinical import Movement
from palsynth.data.manifest import FILE_NAME, Row, read_manifest
from palsynth.data.pairs import Pair
from palsynth.data.writer import DatasetWriter
from palsynth.errors import InputError
from palsynth.face.detect import detect_faces, read_face
from palsynth.face.face import Face
from palsynth.face.images import read_image
from palsynth.generation.provenance import method_record
from palsynth.generation.runner import Planned, write_planned
from palsynth.methods.base import Expression, ExpressionImage, Method, Request, TargetExpression
from palsynth.progress import Progress
from palsynth.subjects.description import describe_face

RECORD = "transfer.json"
"""The record of what a folder of transferred pictures holds."""

HOLDS = "pictures of another method, of other weights or settings, or of another set"


def transfer(
    method: Method,
    folder: Path,
    pairs: list[Pair],
    out: Path,
    *,
    made: bool = False,
    rest: bool = False,
    progress: Progress | None = None,
) -> list[Row]:
    """Makes ``out/<name>`` for every pair that has no image yet, and the manifest of ``out``.

    The face has the position and scale of the identity image. A method that takes images gets the
    expression image, any other the requested movement and palsy. The seed of a pair is its row
    number, so an image depends neither on other pairs nor on interruptions. The manifest's labels
    are the requested ones; an image gets the split of its two sources, test before validation
    before train.

    Args:
        method: the method to run.
        folder: folder of the benchmark set.
        pairs: the requests of the set.
        out: folder of the images.
        made: whether the expression images were made by a method and may show no face or several.
            Then the largest face is used, and without a face the identity stays at rest.
        rest: whether the method also gets an image of the expression's person at rest, except
            where the expression itself is rest.
        progress: called with the number of images that exist and their total.

    Returns:
        The rows of the manifest.

    Raises:
        InputError: ``out`` holds images of another method, weights or settings, or for other
            pairs; an image shows no face; a pair lacks what the method needs.
    """
    known: dict[str, Row] = {}
    if (folder / FILE_NAME).is_file():
        known = {row.file_name: row for row in read_manifest(folder)}
    requested = hashlib.sha256(repr(pairs).encode()).hexdigest()[:16]
    options = {"rest": True} if rest else {}
    plan = {**method_record(method), "pairs": requested, **options}
    writer = DatasetWriter(out, plan, RECORD, HOLDS)
    missing = [(seed, pair) for seed, pair in enumerate(pairs) if not writer.has(pair.name)]
    finished = len(pairs) - len(missing)

    def report(done: int, _: int) -> None:
        if progress is not None:
            progress(finished + done, len(pairs))

    planned = _planned(method, folder, missing, known, made, rest)
    write_planned(writer, planned, method, len(missing), report)
    return writer.finish([pair.name for pair in pairs])


def _planned(
    method: Method,
    folder: Path,
    pairs: list[tuple[int, Pair]],
    known: dict[str, Row],
    made: bool,
    rest: bool,
) -> Iterator[Planned]:
    """The images of pairs, each with its seed."""
    faces: dict[str, Face] = {}  # the last identity; consecutive pairs share one
    splits = {name: row.split for name, row in known.items()}
    for seed, pair in pairs:
        if pair.identity not in faces:
            faces = {pair.identity: read_face(folder / pair.identity)}
        face = faces[pair.identity]
        expression = _expression(method, folder, pair, face if made else None, rest)
        words = _description(face, known.get(pair.identity))
        yield Planned(
            pair.name,
            pair.subject,
            Request(face, expression, seed, framing=None, words=words),
            labels=pair.requested(),
            named={"identity": pair.identity, "expression": pair.expression},
            split=_split(splits, pair),
            attributes={"gender": pair.gender, "ethnicity": pair.ethnicity},
        )


def _split(splits: dict[str, str | None], pair: Pair) -> str | None:
    """The split of an image: never train if either source shows a test person."""
    found = {splits.get(pair.identity), splits.get(pair.expression)}
    return next((name for name in ("test", "validation", "train") if name in found), None)


def _description(face: Face, row: Row | None) -> str:
    """Describes the identity by its image and the manifest's gender and age."""
    attributes = {} if row is None or row.attributes is None else row.attributes
    age = attributes.get("age")
    years = float(age) if isinstance(age, int | float) else None
    return describe_face(face, str(attributes.get("gender") or ""), years)


def _at_rest(folder: Path, pair: Pair) -> Face:
    if not pair.expression_identity:
        raise InputError(
            f"{pair.name}: pairs.csv has no expression_identity, the expression's person at rest"
        )
    return read_face(folder / pair.expression_identity)


def _expression(
    method: Method, folder: Path, pair: Pair, fallback: Face | None, rest: bool
) -> Expression:
    """The requested expression; a ``fallback`` face replaces an image without a face."""
    if ExpressionImage in method.takes:
        if fallback is None:
            face = read_face(folder / pair.expression)
        else:
            found = detect_faces(read_image(folder / pair.expression))
            face = found[0] if found else fallback
        with_rest = rest and pair.movement != Movement.REST.value
        return ExpressionImage(face, _at_rest(folder, pair) if with_rest else None)
    movement, palsy = pair.requested()
    if palsy is None:
        raise InputError(
            f"{pair.name}: pairs.csv gives no palsy, and the method {method.name} takes no images"
        )
    return TargetExpression(movement, palsy)

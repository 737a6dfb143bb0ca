"""Runs a method over a benchmark set: one image per pair."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from palsynth.clinical import Movement
from palsynth.comparison.needs import check_needs
from palsynth.data.manifest import FILE_NAME, Row, read_manifest
from palsynth.data.pairs import Pair
from palsynth.data.writer import DatasetWriter
from palsynth.errors import InputError
from palsynth.face.detect import detect_faces, read_face
from palsynth.face.face import Face
from palsynth.face.images import read_image
from palsynth.generation.provenance import method_record
from palsynth.generation.runner import Planned, write_planned
from palsynth.locks import lock_folder
from palsynth.methods.base import Expression, ExpressionImage, Method, Request, TargetExpression
from palsynth.progress import Progress
from palsynth.records import files_sha256
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
    expressions: Path | None = None,
    rest: bool = False,
    progress: Progress | None = None,
) -> list[Row]:
    """Makes ``out/<name>`` for every pair that has no image yet, and the manifest of ``out``.

    The face has the position and scale of the identity image. A method that takes images gets the
    expression image, any other the requested movement and palsy, or where the palsy is unknown what
    is captured from the expression image. The seed of a pair is its row number, so an image depends
    neither on other pairs nor on interruptions. The manifest's labels are the requested ones, or
    where the palsy is unknown those that raters gave the expression image; an image gets the split
    of its two sources, test before validation before train.

    Args:
        method: the method to run.
        folder: folder of the benchmark set.
        pairs: the requests of the set.
        out: folder of the images.
        made: whether the expression images were made by a method and may show no face or several.
            Then the largest face is used, and without a face the identity stays at rest.
        expressions: folder of the expression images; default: that of the set.
        rest: whether the method also gets an image of the expression's person at rest, except
            where the expression itself is rest.
        progress: called with the number of images that exist and their total.

    Returns:
        The rows of the manifest.

    Raises:
        InputError: ``out`` holds images of another method, weights or settings, for other pairs or
            of other pictures, or a picture that was not made there; an image shows no face; a pair
            lacks what the method needs. Unless images have been made, ``out`` is then left as it
            was.
    """
    known: dict[str, Row] = {}
    if (folder / FILE_NAME).is_file():
        known = {row.file_name: row for row in read_manifest(folder)}
    inputs = _Inputs(folder, folder if expressions is None else expressions, made, rest)
    check_needs(folder, pairs, rest=rest, expressions=expressions)
    for pair in pairs:
        if not pair.name.lower().endswith(".png"):
            raise InputError(
                f"{folder}: pair {pair.name}: pictures are written as PNG; end its name in .png"
            )
    requested = hashlib.sha256(repr(pairs).encode()).hexdigest()[:16]
    shown = files_sha256(inputs.files(pairs))[:16]
    options = {"rest": True} if rest else {}
    plan = {**method_record(method), "pairs": requested, "pictures": shown, **options}
    with lock_folder(out):
        writer = DatasetWriter(out, plan, RECORD, HOLDS)
        missing = [(seed, pair) for seed, pair in enumerate(pairs) if not writer.has(pair.name)]
        finished = len(pairs) - len(missing)

        def report(done: int, _: int) -> None:
            if progress is not None:
                progress(finished + done, len(pairs))

        planned = _planned(method, inputs, missing, known)
        try:
            write_planned(writer, planned, method, len(missing), report)
        except InputError:
            writer.remove_if_empty()  # so that another method or set can be given
            raise
        return writer.finish([pair.name for pair in pairs])


@dataclass(frozen=True)
class _Inputs:
    """Where the images of pairs are, and what is done with them (see :func:`transfer`)."""

    folder: Path
    expressions: Path
    made: bool
    rest: bool

    def files(self, pairs: list[Pair]) -> dict[str, Path]:
        """The files that are read, by what they are and their names."""
        manifest = self.folder / FILE_NAME
        out = {FILE_NAME: manifest} if manifest.is_file() else {}
        for pair in pairs:
            out[f"identity {pair.identity}"] = self.folder / pair.identity
            out[f"expression {pair.expression}"] = self.expressions / pair.expression
            if self.rest:
                out[f"rest {pair.expression_identity}"] = self.folder / pair.expression_identity
        return out


def _planned(
    method: Method, inputs: _Inputs, pairs: list[tuple[int, Pair]], known: dict[str, Row]
) -> Iterator[Planned]:
    """The images of pairs, each with its seed."""
    faces: dict[str, Face] = {}  # the last identity; consecutive pairs share one
    splits = {name: row.split for name, row in known.items()}
    for seed, pair in pairs:
        if pair.identity not in faces:
            faces = {pair.identity: read_face(inputs.folder / pair.identity)}
        face = faces[pair.identity]
        expression = _expression(method, inputs, pair, face)
        words = _description(face, known.get(pair.identity))
        yield Planned(
            pair.name,
            pair.subject,
            Request(face, expression, seed, framing=None, words=words),
            labels=pair.requested(),
            rated=_rated(known.get(pair.expression)),
            named={"identity": pair.identity, "expression": pair.expression},
            split=_split(splits, pair),
            attributes={"gender": pair.gender, "ethnicity": pair.ethnicity},
        )


def _rated(row: Row | None) -> dict[str, Any]:
    """The raters' labels of an expression image."""
    names = ("side", "hb_grade", "yanagihara_item")
    return {} if row is None else {name: getattr(row, name) for name in names}


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


def _expression(method: Method, inputs: _Inputs, pair: Pair, identity: Face) -> Expression:
    """The requested expression; the identity replaces an image that was made without a face."""
    movement, palsy = pair.requested()
    if ExpressionImage not in method.takes and palsy is not None:
        return TargetExpression(movement, palsy)
    path = inputs.expressions / pair.expression
    if inputs.made:
        found = detect_faces(read_image(path))
        face = found[0] if found else identity
    else:
        face = read_face(path)
    if not inputs.rest or movement is Movement.REST:
        return ExpressionImage(face)
    return ExpressionImage(face, read_face(inputs.folder / pair.expression_identity))

"""A method run over a benchmark set: a picture for every pair."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from palsynth.clinical import YANAGIHARA, Movement, house_brackmann, item_score
from palsynth.data.manifest import FILE_NAME, Row, read_manifest, write_manifest
from palsynth.data.pairs import Pair
from palsynth.errors import InputError
from palsynth.face.detect import detect_faces, read_face
from palsynth.face.face import Face
from palsynth.face.images import read_image
from palsynth.files import atomic_write
from palsynth.methods.base import (
    Expression,
    ExpressionImage,
    Method,
    Request,
    TargetExpression,
    identified,
    provenance,
    write_made,
)
from palsynth.subjects.description import describe_face

CHUNK = 16
"""Requests that a method gets at once; no picture depends on it."""


def transfer(
    method: Method, folder: Path, pairs: list[Pair], out: Path, *, made: bool = False,
    rest: bool = False,
) -> Iterator[int]:  # fmt: skip
    """Makes ``out/<name>`` for every pair that has none yet, the face lying as in the identity
    image. A method that takes pictures gets the expression image, with ``rest`` that person at
    rest too, but for pictures at rest themselves; another what was asked.

    Yields the number of pictures there are, and leaves a manifest: a dataset whose labels are
    what was asked for, each picture in the split of its images, test before train. The seed of a
    pair is its row, so a picture depends neither on the others nor on an interruption. Expression
    images that a method ``made`` may show no face or several: then the largest counts, and
    without one the identity stays at rest. Raises InputError where ``out`` holds pictures of
    another method, of other weights or for other pairs.
    """
    _check_folder(method, pairs, out, rest)
    known: dict[str, Row] = {}
    if (folder / FILE_NAME).is_file():
        known = {row.file_name: row for row in read_manifest(folder)}
    todo = [(row, pair) for row, pair in enumerate(pairs) if not (out / pair.name).is_file()]
    yield len(pairs) - len(todo)
    faces: dict[str, Face] = {}  # every identity serves many pairs
    for begin in range(0, len(todo), CHUNK):
        part = todo[begin : begin + CHUNK]
        requests = []
        for row, pair in part:
            if pair.identity not in faces:
                faces = {pair.identity: read_face(folder / pair.identity)}
            face = faces[pair.identity]
            expression = _expression(method, folder, pair, face if made else None)
            if (
                rest
                and isinstance(expression, ExpressionImage)
                and pair.movement != Movement.REST.value
            ):
                expression = replace(expression, rest=_at_rest(folder, pair))
            words = _in_words(face, known.get(pair.identity))
            requests.append(Request(face, expression, seed=row, framing=None, words=words))
        for (row, pair), image in zip(part, method(requests), strict=True):
            record = _provenance(method, pair, row)
            write_made(out / pair.name, image, method, record)
        yield len(pairs) - len(todo) + begin + len(part)
    splits = {name: row.split for name, row in known.items()}
    write_manifest(
        out,
        [_row(method, pair, row, _split(splits, pair)) for row, pair in enumerate(pairs)],
    )


def _split(splits: dict[str, str | None], pair: Pair) -> str | None:
    """A picture made of a test person's must not be trained on, whichever of the two it is."""
    found = {splits.get(pair.identity), splits.get(pair.expression)}
    return next((name for name in ("test", "validation", "train") if name in found), None)


def _in_words(face: Face, row: Row | None) -> str:
    """Whom to draw, by the picture and what the set's manifest says of gender and age."""
    about = {} if row is None or row.attributes is None else row.attributes
    age = about.get("age")
    known = float(age) if isinstance(age, int | float) else None
    return describe_face(face, str(about.get("gender") or ""), known)


def _provenance(method: Method, pair: Pair, seed: int) -> dict[str, Any]:
    return provenance(method, seed, identity=pair.identity, expression=pair.expression)


def _row(method: Method, pair: Pair, seed: int, split: str | None) -> Row:
    """The manifest's row of a picture: labels are what was asked for."""
    movement, palsy = pair.requested()
    row = Row(pair.name, pair.subject, movement.value, split=split,
              provenance=_provenance(method, pair, seed) if method.synthetic else None,
              attributes={"gender": pair.gender, "ethnicity": pair.ethnicity})  # fmt: skip
    if palsy is None:
        return row
    weak = palsy.weak_side
    item = item_score(palsy, movement) if movement in YANAGIHARA else None
    return replace(row, side=weak.value if weak else None, palsy=palsy.to_dict(),
                   hb_grade=house_brackmann(palsy).value, yanagihara_item=item)  # fmt: skip


def _at_rest(folder: Path, pair: Pair) -> Face:
    if not pair.expression_identity:
        raise InputError(
            f"{pair.name}: the pair names no picture of the expression's person at rest"
        )
    return read_face(folder / pair.expression_identity)


def _check_folder(method: Method, pairs: list[Pair], out: Path, rest: bool) -> None:
    """Raises InputError where ``out`` holds pictures of another method, of other weights or for
    other pairs."""
    record = out / "transfer.json"
    if not record.exists() and (out / FILE_NAME).exists():
        raise InputError(f"{out}: holds a dataset already; give another folder")
    requested = hashlib.sha256(repr(pairs).encode()).hexdigest()[:16]
    known = {"rest": True} if rest else {}
    text = json.dumps({**identified(method), "pairs": requested, **known}, indent=1) + "\n"
    if record.exists() and record.read_text("utf-8") != text:
        raise InputError(
            f"{out}: holds pictures of another method, of other weights or settings, or of another "
            "set; give another folder"
        )
    out.mkdir(parents=True, exist_ok=True)
    with atomic_write(record) as temporary:
        temporary.write_text(text, "utf-8")


def _expression(method: Method, folder: Path, pair: Pair, instead: Face | None) -> Expression:
    """What a pair asks for; with a face ``instead`` a picture that cannot be used is no fault."""
    if method.takes_pictures:
        if instead is None:
            return ExpressionImage(read_face(folder / pair.expression))
        found = detect_faces(read_image(folder / pair.expression))
        return ExpressionImage(found[0] if found else instead)
    movement, palsy = pair.requested()
    if palsy is None:
        raise InputError(
            f"{pair.name}: the pair names no palsy, and the method {method.name} takes no pictures"
        )
    return TargetExpression(movement, palsy)

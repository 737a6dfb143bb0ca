"""Runs a method over a benchmark set: one image per pair."""

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
    method_record,
    provenance,
    write_generated,
)
from palsynth.subjects.description import describe_face

CHUNK = 16
"""Requests per call of the method; images do not depend on it."""


def transfer(
    method: Method,
    folder: Path,
    pairs: list[Pair],
    out: Path,
    *,
    made: bool = False,
    rest: bool = False,
) -> Iterator[int]:
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

    Yields:
        The number of images that exist.

    Raises:
        InputError: ``out`` holds images of another method, weights or settings, or for other
            pairs; an image shows no face; a pair lacks what the method needs.
    """
    _check_folder(method, pairs, out, rest)
    known: dict[str, Row] = {}
    if (folder / FILE_NAME).is_file():
        known = {row.file_name: row for row in read_manifest(folder)}
    todo = [(row, pair) for row, pair in enumerate(pairs) if not (out / pair.name).is_file()]
    yield len(pairs) - len(todo)
    faces: dict[str, Face] = {}  # the last identity; consecutive pairs share one
    for start in range(0, len(todo), CHUNK):
        part = todo[start : start + CHUNK]
        requests = []
        for row, pair in part:
            if pair.identity not in faces:
                faces = {pair.identity: read_face(folder / pair.identity)}
            face = faces[pair.identity]
            expression = _expression(method, folder, pair, face if made else None, rest)
            words = _description(face, known.get(pair.identity))
            requests.append(Request(face, expression, seed=row, framing=None, words=words))
        for (row, pair), image in zip(part, method(requests), strict=True):
            record = _provenance(method, pair, row)
            write_generated(out / pair.name, image, method, record)
        yield len(pairs) - len(todo) + start + len(part)
    splits = {name: row.split for name, row in known.items()}
    write_manifest(
        out,
        [_row(method, pair, row, _split(splits, pair)) for row, pair in enumerate(pairs)],
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


def _provenance(method: Method, pair: Pair, seed: int) -> dict[str, Any]:
    return provenance(method, seed, identity=pair.identity, expression=pair.expression)


def _row(method: Method, pair: Pair, seed: int, split: str | None) -> Row:
    """The manifest's row of an image; its labels are the requested movement and palsy."""
    movement, palsy = pair.requested()
    row = Row(
        pair.name,
        pair.subject,
        movement.value,
        split=split,
        provenance=_provenance(method, pair, seed) if method.synthetic else None,
        attributes={"gender": pair.gender, "ethnicity": pair.ethnicity},
    )
    if palsy is None:
        return row
    weak = palsy.weak_side
    item = item_score(palsy, movement) if movement in YANAGIHARA else None
    return replace(
        row,
        side=weak.value if weak else None,
        palsy=palsy.to_dict(),
        hb_grade=house_brackmann(palsy).value,
        yanagihara_item=item,
    )


def _at_rest(folder: Path, pair: Pair) -> Face:
    if not pair.expression_identity:
        raise InputError(
            f"{pair.name}: pairs.csv has no expression_identity, the expression's person at rest"
        )
    return read_face(folder / pair.expression_identity)


def _check_folder(method: Method, pairs: list[Pair], out: Path, rest: bool) -> None:
    """Records what ``out`` holds, or raises InputError where it holds something else."""
    record = out / "transfer.json"
    if not record.exists() and (out / FILE_NAME).exists():
        raise InputError(f"{out}: holds a dataset already; give another folder")
    requested = hashlib.sha256(repr(pairs).encode()).hexdigest()[:16]
    options = {"rest": True} if rest else {}
    text = json.dumps({**method_record(method), "pairs": requested, **options}, indent=1) + "\n"
    if record.exists() and record.read_text("utf-8") != text:
        raise InputError(
            f"{out}: holds pictures of another method, of other weights or settings, or of another "
            "set; give another folder"
        )
    out.mkdir(parents=True, exist_ok=True)
    with atomic_write(record) as temporary:
        temporary.write_text(text, "utf-8")


def _expression(
    method: Method, folder: Path, pair: Pair, fallback: Face | None, rest: bool
) -> Expression:
    """The requested expression; a ``fallback`` face replaces an image without a face."""
    if method.takes_pictures:
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

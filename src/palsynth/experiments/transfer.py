"""A method run over a benchmark set: a picture for every pair."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from palsynth.errors import InputError
from palsynth.experiments.benchmark_sets import Pair
from palsynth.face.detect import read_face
from palsynth.face.face import Face
from palsynth.face.images import write_png
from palsynth.files import written_whole
from palsynth.methods.base import Asked, Expression, Method, Picture, Request

CHUNK = 16
"""Requests that a method gets at once; no picture depends on it."""


def transfer(method: Method, folder: Path, pairs: list[Pair], out: Path) -> Iterator[int]:
    """Makes ``out/<name>`` for every pair that has none yet, the face lying as in the identity
    image. A method that takes pictures gets the expression image, another what was asked.

    Yields the number of pictures there are. The seed of a pair is its row, so a picture depends
    neither on the others nor on an interruption. Raises InputError where ``out`` holds pictures
    of another method or for other pairs.
    """
    _check_folder(method, pairs, out)
    _check_folder(method, pairs, out)
    todo = [(row, pair) for row, pair in enumerate(pairs) if not (out / pair.name).is_file()]
    yield len(pairs) - len(todo)
    faces: dict[str, Face] = {}  # every identity serves many pairs
    for begin in range(0, len(todo), CHUNK):
        part = todo[begin : begin + CHUNK]
        requests = []
        for row, pair in part:
            if pair.identity not in faces:
                faces = {pair.identity: read_face(folder / pair.identity)}
            expression = _expression(method, folder, pair)
            requests.append(Request(faces[pair.identity], expression, seed=row, framing=None))
        for (row, pair), image in zip(part, method(requests), strict=True):
            record = {"method": method.name, "seed": row, "identity": pair.identity,
                      "expression": pair.expression}  # fmt: skip
            text = {"palsynth:provenance": json.dumps(record, sort_keys=True)}
            write_png(out / pair.name, image, **text)
        yield len(pairs) - len(todo) + begin + len(part)


def _check_folder(method: Method, pairs: list[Pair], out: Path) -> None:
    """Raises InputError where ``out`` holds pictures of another method or for other pairs."""
    record = out / "transfer.json"
    asked = hashlib.sha256(repr(pairs).encode()).hexdigest()[:16]
    text = json.dumps({"method": method.name, "pairs": asked}, indent=1) + "\n"
    if record.exists() and record.read_text("utf-8") != text:
        raise InputError(
            f"{out}: holds pictures of another method or another set; give another folder"
        )
    out.mkdir(parents=True, exist_ok=True)
    with written_whole(record) as temporary:
        temporary.write_text(text, "utf-8")


def _expression(method: Method, folder: Path, pair: Pair) -> Expression:
    if method.takes_pictures:
        return Picture(read_face(folder / pair.expression))
    movement, palsy = pair.asked()
    if palsy is None:
        raise InputError(
            f"{pair.name}: the pair names no palsy, and the method {method.name} takes no pictures"
        )
    return Asked(movement, palsy)

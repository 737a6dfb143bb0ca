"""How a picture was made: one record for every picture, in the file and in the manifest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import TypeAdapter

import palsynth
from palsynth.face.label import RECORDED, DigitalSource, combined, recorded
from palsynth.methods.base import ExpressionImage, Method, Request, SaysSource, TargetExpression
from palsynth.subjects import Scene, Subject

_SCENES = TypeAdapter(Scene)


def method_record(method: Method) -> dict[str, Any]:
    """Identifies the method that made a picture.

    Args:
        method: any method.

    Returns:
        Its ``method`` name, its ``weights_sha256`` and, where it has some, its ``settings``.
    """
    settings = {"settings": method.settings} if method.settings else {}
    return {"method": method.name, "weights_sha256": method.weights_sha256, **settings}


def digital_source(method: Method, request: Request) -> DigitalSource | None:
    """How the picture of a request comes to be.

    Args:
        method: the method that makes it.
        request: what is requested of it.

    Returns:
        What the method says (:class:`palsynth.methods.base.SaysSource`), or that a trained model
        makes it; None of a copy.
    """
    if isinstance(method, SaysSource):
        source = method.digital_source
    elif method.synthetic:
        source = DigitalSource.TRAINED
    else:
        return None
    if source is DigitalSource.COMPOSITE and isinstance(request.identity, Subject):
        return DigitalSource.TRAINED  # there is no photo in it
    return source


def provenance(method: Method, request: Request, **named: Any) -> dict[str, Any]:
    """The record of a picture: who shows what, and how it was made.

    A photo is never named, unless the caller does.

    Args:
        method: the method that made the picture.
        request: what was requested of it, before any conversion.
        **named: names for what is recorded, such as the files of a set as ``identity`` and
            ``expression``; values must be JSON-serialisable.

    Returns:
        The method (see :func:`method_record`), the seed, the version of palsynth; the
        ``digital_source_type``, but of copies; the ``identity``
        ("photo", or "subject:SEED" with age, gender and ethnicity); the ``expression``: a movement
        with ``palsy``, ``intensity`` and ``wink``, or "picture" with ``rest`` (whether the same
        person at rest was given), or "coefficients"; and, where they are not the default,
        ``framing``, ``scene`` and ``words``.
    """
    source = digital_source(method, request)
    return {
        **method_record(method),
        **({} if source is None else {RECORDED: source.value}),
        "seed": request.seed,
        "version": palsynth.__version__,
        **_identity(request),
        **_expression(request),
        **_view(request),
        **named,
    }


def _identity(request: Request) -> dict[str, Any]:
    subject = request.identity
    if not isinstance(subject, Subject):
        return {"identity": "photo"}
    attributes = {"age": subject.age, "gender": subject.gender, "ethnicity": subject.ethnicity}
    return {"identity": f"subject:{subject.seed}", **attributes}


def _view(request: Request) -> dict[str, Any]:
    """What differs from a photo's own framing, a frontal scene and no words."""
    framing = {} if request.framing is None else {"framing": request.framing.name}
    changed = request.scene != Scene()
    scene = (
        {"scene": _SCENES.dump_python(request.scene, mode="json", exclude_none=True)}
        if changed
        else {}
    )
    words = {"words": request.words} if request.words else {}
    return {**framing, **scene, **words}


def _expression(request: Request) -> dict[str, Any]:
    expression = request.expression
    if isinstance(expression, ExpressionImage):
        return {"expression": "picture", "rest": expression.rest is not None}
    if not isinstance(expression, TargetExpression):
        return {"expression": "coefficients"}
    return {
        "expression": expression.movement.value,
        "palsy": expression.palsy.to_dict(),
        "intensity": expression.intensity,
        **({} if expression.wink is None else {"wink": expression.wink.value}),
    }


def merged(records: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The record of a picture that shows several others, such as a sheet.

    Args:
        records: those of the others, at least one.

    Returns:
        What all have in common, and the list of values of what differs; None where a record has no
        such value. How it came to be is one value: a composite where theirs differ.

    Example:
        >>> merged([{"seed": 0, "expression": "grin"}, {"seed": 0, "expression": "rest"}])
        {'seed': 0, 'expression': ['grin', 'rest']}
    """
    keys = dict.fromkeys(key for record in records for key in record)
    columns = {key: [record.get(key) for record in records] for key in keys}
    out = {
        key: values[0] if all(value == values[0] for value in values) else values
        for key, values in columns.items()
    }
    if (source := combined(recorded(record) for record in records)) is not None:
        out[RECORDED] = source.value
    return out

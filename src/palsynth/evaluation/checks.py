"""Checks of the arrays that metrics take, so that no figure is computed of what is no number.

Every metric calls them first. A message says which array is wrong, where, and how.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

import numpy as np

from palsynth.errors import InputError


class TooFewError(InputError):
    """There are too few samples for a figure: reports show a dash, and this message below."""


def at_least(what: str, count: int, least: int, why: str) -> None:
    """Checks the number of samples.

    Args:
        what: name of the array.
        count: how many there are.
        least: how many are needed.
        why: what they are and why so many, the end of the message.

    Raises:
        TooFewError: there are fewer.
    """
    if count < least:
        raise TooFewError(f"{what}: {count} {why}")


def finite(what: str, values: np.ndarray, *, missing: bool = False) -> None:
    """Checks that all values are numbers.

    Args:
        what: name of the array.
        values: (N, …) bool, integers or floats.
        missing: whether NaN is allowed, such as in the rows of pictures without a face.

    Raises:
        InputError: values are no numbers, infinite or NaN.
    """
    if values.dtype.kind not in "biuf":
        raise InputError(f"{what}: holds {values.dtype}, not numbers")
    rows = values.reshape(len(values), -1) if values.size else np.zeros((0, 1))
    wrong = (np.isinf(rows) if missing else ~np.isfinite(rows)).any(1)
    if wrong.any():
        first = int(wrong.argmax())
        kind = "infinite" if np.isinf(rows[first]).any() else "NaN"
        raise InputError(
            f"{what}: {kind} in row {first} (counted from 0; {int(wrong.sum())} of {len(rows)} "
            "rows are no numbers); leave it out or compute it again"
        )


def dimensions(what: str, values: np.ndarray, shape: tuple[int | None, ...]) -> None:
    """Checks the shape of an array.

    Args:
        what: name of the array.
        values: the array.
        shape: length of each axis; None for any.

    Raises:
        InputError: it has another shape.
    """
    fits = values.ndim == len(shape) and all(
        wanted in (None, found) for wanted, found in zip(shape, values.shape, strict=True)
    )
    if not fits:
        wanted = " x ".join("any" if side is None else str(side) for side in shape)
        raise InputError(f"{what}: is of shape {_shape(values)}, must be {wanted}")


def same_shape(first: str, a: np.ndarray, second: str, b: np.ndarray) -> None:
    """Checks that two arrays have one shape.

    Args:
        first: name of the first.
        a: the first array.
        second: name of the second.
        b: the second array.

    Raises:
        InputError: they differ in shape.
    """
    if a.shape != b.shape:
        raise InputError(f"{second}: is of shape {_shape(b)}, {first} of {_shape(a)}; give as many")


def same_length(first: str, a: Collection[object], second: str, b: Collection[object]) -> None:
    """Checks that two arrays have equally many rows.

    Args:
        first: name of the first.
        a: the first array.
        second: name of the second.
        b: the second array.

    Raises:
        InputError: they differ in length.
    """
    if len(a) != len(b):
        raise InputError(f"{second}: has {len(b)} rows, {first} {len(a)}; give as many")


def features(what: str, values: np.ndarray, width: int | None = None) -> None:
    """Checks features of pictures.

    Args:
        what: name of the array.
        values: (N, D); rows with NaN have no face.
        width: D of the features that they are compared with; None for any.

    Raises:
        InputError: they have another shape, or are infinite.
    """
    dimensions(what, values, (None, width))
    finite(what, values, missing=True)


def images(what: str, values: np.ndarray) -> None:
    """Checks a stack of pictures.

    Args:
        what: name of the array.
        values: (N, H, W, 3) uint8.

    Raises:
        InputError: they have another shape or another type, such as floats of 0 … 1.
    """
    dimensions(what, values, (None, None, None, 3))
    if values.dtype != np.uint8:
        raise InputError(f"{what}: holds {values.dtype}; pictures are uint8, 0 to 255")


def among(what: str, values: np.ndarray, possible: Sequence[int] | Sequence[str]) -> None:
    """Checks that all values are possible ones.

    Args:
        what: name of the array.
        values: (N,) values.
        possible: what they may be.

    Raises:
        InputError: a value is none of them.
    """
    wrong = ~np.isin(values, np.array(possible))
    if wrong.any():
        first = int(wrong.argmax())
        choices = ", ".join(map(str, possible))
        raise InputError(f"{what}: {values[first]} in row {first} is none of {choices}")


def within(what: str, value: float, low: float, high: float) -> None:
    """Checks the range of a number.

    Args:
        what: name of the number.
        value: the number.
        low: the least possible value.
        high: the largest possible value.

    Raises:
        InputError: it lies outside, or is NaN.
    """
    if not low <= value <= high or math.isinf(value):
        raise InputError(f"{what}: is {value}, must lie between {low:g} and {high:g}")


def _shape(values: np.ndarray) -> str:
    return " x ".join(map(str, values.shape)) or "one number"

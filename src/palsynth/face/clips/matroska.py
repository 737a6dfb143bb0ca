"""Matroska and WebM files: elements within elements (RFC 8794 and 9559), and their tags."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from palsynth.face.clips.clip_file import ClipFile, read_text

START = b"\x1a\x45\xdf\xa3"
"""How these files start."""

XMP = "XMP"
"""Name of the tag that holds the XMP packet; there is no standard one."""

SOURCE_TYPE = "DIGITAL_SOURCE_TYPE"
"""Name of the tag that holds the address of the NewsCode."""

COMMENT = "COMMENT"

MAX_ELEMENTS = 200_000
"""Most elements of one level that are read; a film of two hours has some thousand clusters."""

MAX_DEPTH = 8

_SEGMENT, _TRACK, _TAG, _SIMPLE_TAG = 0x18538067, 0xAE, 0x7373, 0x67C8
_WITHIN = {_SEGMENT, 0x1654AE6B, _TRACK, 0xE0, 0x55B0, 0x1254C367, _TAG}
"""Elements that are entered: the segment, tracks, their video and colours, tags."""

_TYPE, _CODEC, _TRANSFER, _NAME, _STRING = 0x83, 0x86, 0x55BA, 0x45A3, 0x4487
_VIDEO, _AUDIO = 1, 2


def inspect(file: BinaryIO, size: int) -> ClipFile:
    """Reads what a Matroska or WebM file says.

    Args:
        file: the file.
        size: its size, bytes.

    Returns:
        What it says, as far as it is not damaged.
    """
    found = ClipFile("Matroska")
    _enter(file, 0, size, found)
    return found


def _elements(file: BinaryIO, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Identifier of each element, and where its contents start and end, perhaps beyond ``end``.

    An element of unknown size, as programs write that record, reaches to the end.
    """
    for _ in range(MAX_ELEMENTS):
        if start >= end:
            return
        file.seek(start)
        head = file.read(12)
        name, used = _number(head, keep_marker=True)
        length, more = _number(head[used:], keep_marker=False)
        if not used or not more:
            return
        body = start + used + more
        unknown = length == (1 << 7 * more) - 1
        start = end if unknown else body + length
        yield name, body, start


def _number(data: bytes, *, keep_marker: bool) -> tuple[int, int]:
    """A number of variable length, and how many bytes it has; none if it is damaged."""
    if not data or not data[0]:
        return 0, 0
    length = 9 - data[0].bit_length()
    if len(data) < length:
        return 0, 0
    value = int.from_bytes(data[:length], "big")
    return value if keep_marker else value & ((1 << 7 * length) - 1), length


def _enter(file: BinaryIO, start: int, end: int, found: ClipFile, depth: int = 0) -> None:
    """Collects what elements say."""
    if depth > MAX_DEPTH:
        return
    kind, codec = 0, ""
    for name, first, last in _elements(file, start, end):
        if name == _SEGMENT:
            found.cut_short = last > end
        last = min(last, end)
        if name in _WITHIN:
            _enter(file, first, last, found, depth + 1)
        elif name == _TYPE:
            kind = int.from_bytes(read_text(file, first, last), "big")
        elif name == _CODEC:
            codec = _text(file, first, last)
        elif name == _TRANSFER:
            found.transfer = int.from_bytes(read_text(file, first, last), "big")
        elif name == _SIMPLE_TAG:
            _tag(file, first, last, found)
    found.audio = found.audio or kind == _AUDIO
    if kind == _VIDEO:
        found.video = (*found.video, codec)


def _tag(file: BinaryIO, start: int, end: int, found: ClipFile) -> None:
    texts = {n: _text(file, a, min(b, end)) for n, a, b in _elements(file, start, end)}
    name, value = texts.get(_NAME), texts.get(_STRING, "")
    if name == COMMENT and not found.comment:
        found.comment = value
    elif name == XMP:
        found.xmp = value.encode()
    elif name == SOURCE_TYPE and not found.xmp:
        found.xmp = f'DigitalSourceType="{value}"'.encode()  # as a packet would say it


def _text(file: BinaryIO, start: int, end: int) -> str:
    return read_text(file, start, end).decode("utf-8", "replace").rstrip("\0")

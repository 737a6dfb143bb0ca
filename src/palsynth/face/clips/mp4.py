"""MP4 and QuickTime files: boxes within boxes (ISO/IEC 14496-12), and the box that holds XMP."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO
from uuid import UUID

from palsynth.face.clips.clip_file import ClipFile, read_text

XMP = UUID("be7acfcb-97a9-42e8-9c71-999491e3afac").bytes
"""Type of the ``uuid`` box of XMP (XMP specification, part 3)."""

MAX_BOXES = 10_000
"""Most boxes of one level that are read: whole films have some hundred."""

_WITHIN = {b"trak", b"mdia", b"minf", b"stbl", b"udta", b"ilst", b"\xa9cmt"}
"""Boxes of the index that hold boxes alone."""

MAX_DEPTH = 12
"""Levels of boxes that are read; a comment lies on the fifth."""

_DATA_HANDLER = b"dhlr"
"""Handler by which QuickTime finds the data of a track; it says nothing of the medium."""

_FULL_BOX, _ENTRIES, _VISUAL_ENTRY = 4, 8, 78
"""Bytes of a box before the boxes that it holds: ``meta``, ``stsd`` and a codec."""


def xmp_box(packet: str) -> bytes:
    """The box that holds the XMP of a file; it may follow the last box.

    Args:
        packet: the XMP packet.

    Returns:
        The bytes of the box.
    """
    body = XMP + packet.encode()
    return struct.pack(">I4s", 8 + len(body), b"uuid") + body


def inspect(file: BinaryIO, size: int) -> ClipFile:
    """Reads what an MP4 or QuickTime file says.

    Args:
        file: the file.
        size: its size, bytes.

    Returns:
        What it says, as far as it is not damaged.
    """
    found = ClipFile("MP4", has_index=False)
    for kind, start, end in _boxes(file, 0, size):
        found.cut_short = found.cut_short or end > size
        if kind == b"moov":
            found.has_index = end <= size
            _index(file, start, min(end, size), found)
        elif kind == b"uuid" and read_text(file, start, start + 16) == XMP:
            found.xmp = read_text(file, start + 16, min(end, size))
    return found


def _boxes(file: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Kind of each box, and where its contents start and end, perhaps beyond ``end``."""
    for _ in range(MAX_BOXES):
        if start + 8 > end:
            return
        file.seek(start)
        head = file.read(16)
        if len(head) < 8:
            return
        length, kind = struct.unpack_from(">I4s", head)
        body = 8
        if length == 1 and len(head) == 16:
            length, body = struct.unpack_from(">Q", head, 8)[0], 16
        elif length == 0:  # up to the end of the file
            length = end - start
        if length < body:
            return
        yield kind, start + body, start + length
        start += length


def _index(
    file: BinaryIO, start: int, end: int, found: ClipFile, handler: bytes = b"", depth: int = 0
) -> None:
    """Collects what the boxes of the index say."""
    if depth > MAX_DEPTH:
        return
    for kind, first, last in _boxes(file, start, end):
        last = min(last, end)
        if kind == b"hdlr":
            if read_text(file, first + 4, first + 8) == _DATA_HANDLER:
                continue
            handler = read_text(file, first + 8, first + 12)
            found.audio = found.audio or handler == b"soun"
        elif kind in _WITHIN:
            _index(file, first, last, found, handler, depth + 1)
        elif kind == b"meta":
            _index(file, first + _FULL_BOX, last, found, handler, depth + 1)
        elif kind == b"stsd" and handler == b"vide":
            for name, at, stop in _boxes(file, first + _ENTRIES, last):
                found.video = (*found.video, name.decode("latin-1"))
                _light(file, at + _VISUAL_ENTRY, min(stop, last), found)
        elif kind == b"data" and not found.comment:
            found.comment = read_text(file, first + 8, last).decode("utf-8", "replace")


def _light(file: BinaryIO, start: int, end: int, found: ClipFile) -> None:
    """How light is coded, from the boxes that follow a codec."""
    for kind, first, last in _boxes(file, start, end):
        if kind == b"colr" and min(last, end) - first >= 10:
            body = read_text(file, first, first + 10)
            if body[:4] in (b"nclx", b"nclc"):
                found.transfer = int.from_bytes(body[6:8], "big")

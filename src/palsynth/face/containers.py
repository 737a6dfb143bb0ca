"""The parts that picture files consist of: PNG and WebP chunks, JPEG segments, TIFF tags."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator

from PIL import TiffImagePlugin

PNG = b"\x89PNG\r\n\x1a\n"
JPEG = b"\xff\xd8\xff"
TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
"""How a TIFF starts; with a plus, a BigTIFF."""

DAMAGED = (
    *(OSError, SyntaxError, ValueError, EOFError, OverflowError, RuntimeError),
    *(struct.error, KeyError, IndexError, TypeError),
)
"""What decoders raise for files that are damaged."""

_SOS, _EOI = 0xDA, 0xD9
_BARE = {0x01, *range(0xD0, 0xD8)}
"""JPEG markers without a length: TEM and the restarts."""


def png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The chunks of a PNG.

    Args:
        data: the file.

    Yields:
        Name and body of each chunk, up to ``IEND``.

    Raises:
        ValueError: the file ends before.
    """
    place = len(PNG)
    while True:
        if place + 12 > len(data):
            raise ValueError("ends too early")
        size, name = struct.unpack_from(">I4s", data, place)
        if place + 12 + size > len(data):
            raise ValueError("ends too early")
        yield name, data[place + 8 : place + 8 + size]
        if name == b"IEND":
            return
        place += 12 + size


def webp_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The chunks of a WebP.

    Args:
        data: the file.

    Yields:
        Name and body of each chunk, to the end that the header names.

    Raises:
        ValueError: the file ends before.
    """
    end = 8 + struct.unpack_from("<I", data, 4)[0]
    place = 12
    while place + 8 <= end:
        name, size = struct.unpack_from("<4sI", data, place)
        if place + 8 + size > len(data):
            raise ValueError("ends too early")
        yield name, data[place + 8 : place + 8 + size]
        place += 8 + size + size % 2


def jpeg_segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The segments of a JPEG's first picture; others and all that follows it are left out.

    Args:
        data: the file.

    Yields:
        Marker, and what comes before the next one: length and body, and after the start of a scan
        the coded pixels.

    Raises:
        ValueError: the file ends before the picture does, or is damaged.
    """
    place = 2
    while True:
        if place + 4 > len(data) and data[place : place + 2] != bytes([0xFF, _EOI]):
            raise ValueError("ends too early")
        if data[place] != 0xFF:
            raise ValueError(f"has no marker at byte {place}")
        marker = data[place + 1]
        if marker == 0xFF:  # a fill byte
            place += 1
            continue
        end = place + 2
        if marker == _EOI:
            yield marker, b""
            return
        if marker not in _BARE:
            size = int.from_bytes(data[end : end + 2], "big")
            if size < 2:
                raise ValueError(f"has no marker at byte {end}")
            end += size
        if marker == _SOS:
            end = _end_of_scan(data, end)
        yield marker, data[place + 2 : end]
        place = end


def _end_of_scan(data: bytes, place: int) -> int:
    """Where the marker that ends the coded pixels starts."""
    while (place := data.find(b"\xff", place)) >= 0 and place + 1 < len(data):
        if data[place + 1] not in (0x00, 0xFF, *_BARE):
            return place
        place += 1 if data[place + 1] == 0xFF else 2
    raise ValueError("ends too early")


def tiff_tags(data: bytes) -> TiffImagePlugin.ImageFileDirectory_v2:
    """The tags of a TIFF's first picture.

    Args:
        data: the file.

    Returns:
        Value by number.
    """
    file = io.BytesIO(data)
    head = file.read(16 if b"+" in data[2:4] else 8)
    tags = TiffImagePlugin.ImageFileDirectory_v2(head)
    file.seek(tags.next)
    tags.load(file)
    return tags

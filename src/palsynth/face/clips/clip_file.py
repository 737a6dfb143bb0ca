"""What a file of moving pictures says of itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

MAX_TEXT = 1 << 20
"""Largest text or packet that is read from a container, bytes."""


@dataclass
class ClipFile:
    """What the container of a clip says.

    Attributes:
        kind: "MP4" (and QuickTime), "Matroska" (and WebM), "AVI", "GIF", or "other" for further
            containers that are not looked into.
        video: the codecs of its video streams, by the container's codes: ``avc1``, ``V_VP9``.
        audio: whether it has an audio stream.
        transfer: how light is coded, by the numbers of ITU-T H.273; None where it is not said.
        cut_short: whether the file ends before its container does.
        has_index: False of an MP4 whose index (``moov``) is missing: it cannot be decoded.
        comment: its comment; palsynth writes its text there as JSON.
        xmp: its XMP packet; empty where there is none.
    """

    kind: str
    video: tuple[str, ...] = ()
    audio: bool = False
    transfer: int | None = None
    cut_short: bool = False
    has_index: bool = True
    comment: str = ""
    xmp: bytes = b""


def read_text(file: BinaryIO, start: int, end: int) -> bytes:
    """Reads a text or packet of a container.

    Args:
        file: the container.
        start: its first byte.
        end: the byte after its last one.

    Returns:
        Its bytes; none of one of more than 1 MB, or none where the file ends before.
    """
    if not 0 <= end - start <= MAX_TEXT:
        return b""
    file.seek(start)
    return file.read(end - start)

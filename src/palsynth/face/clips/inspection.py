"""Tells the container of a clip by how it starts, and reads what that says."""

from __future__ import annotations

import re
from pathlib import Path

from PIL import Image

from palsynth.errors import InputError
from palsynth.face.clips import matroska, mp4
from palsynth.face.clips.clip_file import ClipFile
from palsynth.face.containers import DAMAGED

HEAD = 1 << 16
"""Bytes at the start of a file in which its kind, and the streams of an AVI, are looked for."""

_PICTURES = {
    b"\x89PNG": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"BM": "BMP",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
}
_HEIF = (b"heic", b"heix", b"mif1", b"avif")
_SOUND = (b"ID3", b"fLaC", b"\xff\xfb", b"\xff\xf3")
_MP4 = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
_OTHERS = (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", b"\0\0\1\xba", b"\0\0\1\xb3", b"FLV\1", b"OggS")
"""How ASF (WMV), MPEG program and elementary streams, Flash and Ogg start."""

_AVI_STREAM = re.compile(rb"strh.{4}(vids|auds)(.{4})", re.DOTALL)
_GIF_XMP = b"\x21\xff\x0bXMP DataXMP"
_GIF_XMP_END = b"\x01\xff\xfe"

_STREAM = ((0, 188), (4, 192))
"""Place and distance of the first synchronisation bytes of MPEG transport streams (TS, M2TS)."""


def inspect_clip(path: Path) -> ClipFile:
    """Reads what the container of a clip says, without decoding a frame.

    Args:
        path: the file.

    Returns:
        What it says; as much as can be read where it is damaged.

    Raises:
        InputError: it cannot be read, or is no clip but, say, a picture or a list of other files.
    """
    if not path.exists():
        raise InputError(f"{path}: no such file")
    if not path.is_file():
        raise InputError(
            f"{path}: is a folder; give a video" if path.is_dir() else f"{path}: is not a file"
        )
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
            if (fault := _no_clip(head)) is not None:
                raise InputError(f"{path}: {fault}")
            size = path.stat().st_size
            if head[4:8] in _MP4:
                return mp4.inspect(file, size)
            if head[:4] == matroska.START:
                return matroska.inspect(file, size)
            if head[:4] == b"RIFF":
                return _avi(head, size)
            return _gif(path, head, size) if head[:4] == b"GIF8" else ClipFile("other")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None


def _no_clip(head: bytes) -> str | None:
    """Why a file is no clip, by how it starts; None if it may be one."""
    if not head:
        return "is empty; copy it again"
    picture = next((name for start, name in _PICTURES.items() if head.startswith(start)), None)
    if head[4:8] == b"ftyp" and head[8:12] in _HEIF:
        picture = "HEIC or AVIF"
    elif head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        picture = "WebP"
    if picture is not None:
        return f"is a picture ({picture}), not a video; give it where pictures are read"
    if head.startswith(_SOUND) or (head[:4] == b"RIFF" and head[8:12] == b"WAVE"):
        return "has sound but no video"
    known = head[4:8] in _MP4 or head[:4] in (b"GIF8", b"\x1a\x45\xdf\xa3")
    known = known or (head[:4] == b"RIFF" and head[8:12] == b"AVI ") or head.startswith(_OTHERS)
    if known or any(head[at : at + 1] == head[at + n : at + n + 1] == b"G" for at, n in _STREAM):
        return None
    return "cannot be read as a video; save it as MP4"


def _avi(head: bytes, size: int) -> ClipFile:
    streams = _AVI_STREAM.findall(head)
    video = tuple(
        code.decode("latin-1").strip("\0 ") or "raw" for kind, code in streams if kind == b"vids"
    )
    cut = 8 + int.from_bytes(head[4:8], "little") > size + 1
    return ClipFile("AVI", video, any(kind == b"auds" for kind, _ in streams), cut_short=cut)


def _gif(path: Path, head: bytes, size: int) -> ClipFile:
    found = ClipFile("GIF", ("GIF",))
    start = head.find(_GIF_XMP)
    if start >= 0:
        end = head.find(_GIF_XMP_END, start)
        found.xmp = head[start + len(_GIF_XMP) : end if end > 0 else len(head)]
    try:
        with Image.open(path) as picture:
            comment = picture.info.get("comment", b"")
    except (*DAMAGED, Image.DecompressionBombError):
        comment = b""
    found.comment = comment.decode("utf-8", "replace")
    with path.open("rb") as file:
        file.seek(max(0, size - 1))
        found.cut_short = file.read(1) != b";"
    return found

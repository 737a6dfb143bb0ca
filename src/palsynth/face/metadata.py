"""Copies pictures without what they say of the photographed: places, names, dates, devices.

Pixels are not encoded again: a copy holds the coded pixels of its source byte for byte, with what
is needed to read them right (size, colours, orientation). A synthetic picture keeps its label: that
of palsynth, and of any program the source type in its XMP, alone and written anew.
"""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from pathlib import Path

from PIL import ExifTags, Image, TiffImagePlugin

from palsynth.errors import InputError
from palsynth.face.containers import (
    DAMAGED,
    JPEG,
    PNG,
    TIFF,
    jpeg_segments,
    png_chunks,
    tiff_tags,
    webp_chunks,
)
from palsynth.face.decoding import says_adobe_rgb
from palsynth.face.images import read_image
from palsynth.face.label import KEYWORD, newscode, read_xmp, xmp_packet

_PNG_KEPT = {
    *(b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"bKGD", b"pHYs"),
    *(b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT", b"cICP", b"mDCV", b"cLLI"),
}
_PNG_TEXT = {b"tEXt", b"zTXt", b"iTXt"}
_LABELS = {b"Software", b"Description", b"palsynth:provenance"}
"""Keywords of the text that palsynth writes."""

_WEBP_KEPT = {b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"}
_WEBP_EXIF, _WEBP_XMP = 0x08, 0x04  # flags of VP8X

_JPEG_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_TIFF_XMP, _BYTE = 700, 1

_APP0, _APP2, _APP14, _APP15, _COMMENT = 0xE0, 0xE2, 0xEE, 0xEF, 0xFE

_TIFF_KEPT = {
    *(254, 256, 257, 258, 259, 262, 266, 274, 277, 278, 280, 281, 282, 283, 284, 292, 293, 296),
    *(301, 317, 318, 319, 320, 322, 323, 332, 338, 339, 340, 341, 347, 529, 530, 531, 532, 34675),
}
"""Tags of size, samples, compression, colour and orientation."""

_STRIPS, _TILES = (273, 279), (324, 325)  # tags of the places and sizes of the coded pixels
_LONG = 4
_COMPRESSION, _OLD_JPEG = 259, 6


def copy_picture(source: Path, target: Path, *, keep_metadata: bool = False) -> None:
    """Copies a picture that can be read, without its metadata.

    Args:
        source: the picture.
        target: the copy; its folder exists.
        keep_metadata: copy the file as it is.

    Raises:
        InputError: the source cannot be read, or its metadata cannot be told from its pixels.
    """
    read_image(source)
    data = source.read_bytes()
    try:
        target.write_bytes(data if keep_metadata else strip_metadata(data))
    except InputError as error:
        raise InputError(f"{source}: {error}") from None


def strip_metadata(data: bytes) -> bytes:
    """Removes the metadata of a picture: EXIF but for the orientation, IPTC, text, previews, and
    XMP but for the label of synthetic pictures (:func:`palsynth.face.label.newscode`).

    What follows the picture in its file, such as further pictures or a video, is removed too.

    Args:
        data: the file: JPEG, PNG, WebP, TIFF or BMP.

    Returns:
        The file without metadata; its pixels are the same.

    Raises:
        InputError: the file is damaged or in another format.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if data.startswith(JPEG):
                return _jpeg(data)
            if data.startswith(PNG):
                return _png(data)
            if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
                return _webp(data)
            if data[:4] in TIFF:
                return _tiff(data)
            if data[:2] == b"BM":
                return _bmp(data)
    except (*DAMAGED, Image.DecompressionBombError) as error:
        raise InputError(f"the picture is damaged ({error}); save it again") from None
    raise InputError("its metadata cannot be removed; save it as PNG, or give --keep-metadata")


def _needed_exif(data: bytes) -> bytes:
    """EXIF of what reading needs, and of palsynth's own label; empty where there is nothing."""
    with Image.open(io.BytesIO(data)) as picture:
        old, new = picture.getexif(), Image.Exif()
        adobe_rgb = says_adobe_rgb(picture)
    if old.get(ExifTags.Base.Orientation, 1) in range(2, 9):
        new[ExifTags.Base.Orientation] = old[ExifTags.Base.Orientation]
    if adobe_rgb:
        new.get_ifd(ExifTags.IFD.Exif)[ExifTags.IFD.Interop] = {1: "R03"}
    if old.get(ExifTags.Base.Software) == "palsynth":
        for tag in (ExifTags.Base.Software, ExifTags.Base.ImageDescription):
            if tag in old:
                new[tag] = old[tag]
    return new.tobytes() if len(new) or new.get_ifd(ExifTags.IFD.Exif) else b""


def _needed_xmp(xmp: object) -> bytes:
    """XMP of a synthetic picture's label alone; empty where there is none."""
    code = newscode(xmp)
    return b"" if code is None else xmp_packet(code).encode()


def _jpeg(data: bytes) -> bytes:
    exif, xmp = _needed_exif(data), _needed_xmp(read_xmp(data))
    first, rest = bytearray(), bytearray()
    for marker, body in jpeg_segments(data):
        if marker == _APP0 and body[2:7] == b"JFIF\0":  # without its preview
            body = b"\0\x10" + body[2:14] + b"\0\0"
            first += bytes([0xFF, marker]) + body
            continue
        is_profile = marker == _APP2 and body[2:14] == b"ICC_PROFILE\0"
        is_adobe = marker == _APP14 and body[2:7] == b"Adobe"
        if marker == _COMMENT or (_APP0 <= marker <= _APP15 and not (is_profile or is_adobe)):
            continue
        rest += bytes([0xFF, marker]) + body
    for body in (exif, _JPEG_XMP + xmp if xmp else b""):
        if body:
            first += b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body
    return bytes(b"\xff\xd8" + first + rest)


def _png(data: bytes) -> bytes:
    exif, xmp = _needed_exif(data), _needed_xmp(read_xmp(data))
    chunks = list(png_chunks(data))
    texts = {body.split(b"\0", 1)[0]: body for name, body in chunks if name in _PNG_TEXT}
    labelled = texts.get(b"Software") == b"Software\0palsynth"
    out = bytearray(PNG)
    for name, body in chunks:
        label = labelled and name in _PNG_TEXT and body.split(b"\0", 1)[0] in _LABELS
        if name in _PNG_KEPT or label:
            out += _png_chunk(name, body)
        if name == b"IHDR" and exif:
            out += _png_chunk(b"eXIf", exif.removeprefix(b"Exif\0\0"))
        if name == b"IHDR" and xmp:
            out += _png_chunk(b"iTXt", KEYWORD.encode() + bytes(5) + xmp)
    return bytes(out)


def _png_chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def _webp(data: bytes) -> bytes:
    exif, xmp = _needed_exif(data), _needed_xmp(read_xmp(data))
    out = bytearray(b"WEBP")
    kept = [(name, body) for name, body in webp_chunks(data) if name in _WEBP_KEPT]
    if exif and kept[0][0] == b"VP8X":
        kept.append((b"EXIF", exif.removeprefix(b"Exif\0\0")))
    if xmp:  # only a VP8X has any
        kept.append((b"XMP ", xmp))
    for name, body in kept:
        if name == b"VP8X":
            flags = body[0] & ~(_WEBP_EXIF | _WEBP_XMP)
            flags |= (_WEBP_EXIF if exif else 0) | (_WEBP_XMP if xmp else 0)
            body = bytes([flags]) + body[1:]
        out += name + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)
    return bytes(b"RIFF" + struct.pack("<I", len(out)) + out)


def _tiff(data: bytes) -> bytes:
    """The first picture of a TIFF, with the tags that reading needs."""
    old = tiff_tags(data)
    if old.get(_COMPRESSION) == _OLD_JPEG:
        raise ValueError("JPEG in a form of TIFF that is obsolete")
    head = b"II*\0" if data[:2] == b"II" else b"MM\0*"
    new = TiffImagePlugin.ImageFileDirectory_v2(head + bytes(4))
    for tag in _TIFF_KEPT & set(old):
        new.tagtype[tag] = old.tagtype[tag]
        new[tag] = old[tag]
    if xmp := _needed_xmp(old.get(_TIFF_XMP, b"")):
        new.tagtype[_TIFF_XMP] = _BYTE
        new[_TIFF_XMP] = xmp
    places, sizes = _TILES if _TILES[0] in old else _STRIPS
    pixels, starts = bytearray(), []
    for place, size in zip(old[places], old[sizes], strict=True):
        if place + size > len(data):
            raise ValueError("ends too early")
        starts.append(len(pixels))
        pixels += data[place : place + size] + bytes(size % 2)
    new.tagtype[places] = new.tagtype[sizes] = _LONG
    new[places], new[sizes] = tuple(starts), old[sizes]
    tags = new.tobytes(8)  # Pillow adds the place of the pixels to that of strips, not of tiles
    if places == _TILES[0]:
        new[places] = tuple(start + 8 + len(tags) for start in starts)
        tags = new.tobytes(8)
    order = "<" if head[:2] == b"II" else ">"
    return bytes(head + struct.pack(f"{order}I", 8) + tags + pixels)


def _bmp(data: bytes) -> bytes:
    """A BMP written anew: it is not compressed, and may hide anything between its parts."""
    file = io.BytesIO()
    with Image.open(io.BytesIO(data)) as picture:
        picture.save(file, "BMP")
    return file.getvalue()

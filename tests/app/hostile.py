"""Files that are sent to do harm, and names that they are sent under."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from palsynth.app.uploads import FILE_BYTES

SCRIPT = b"<script>alert(1)</script>"
KEPT = "kept"
"""In place of the line of a refusal: the picture is kept, as its pixels alone."""

NO_PICTURE = "is not a picture in JPEG, PNG, WebP, TIFF or BMP; save it as JPEG"


def picture(
    kind: str, mode: str = "RGB", size: tuple[int, int] = (64, 48), **options: object
) -> bytes:
    data = io.BytesIO()
    ramp = np.linspace(0, 255, size[0] * size[1]).reshape(size[1], size[0]).astype(np.uint8)
    Image.fromarray(ramp).convert(mode).save(data, kind, **options)
    return data.getvalue()


def packed(name: str, content: bytes, link: bool = False) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        entry = zipfile.ZipInfo(name)
        entry.external_attr = (0o120777 if link else 0o100644) << 16
        entry.compress_type = zipfile.ZIP_DEFLATED
        archive.writestr(entry, content)
    return data.getvalue()


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png_with(name: bytes, body: bytes) -> bytes:
    """A PNG with another chunk after its header."""
    whole = picture("PNG")
    return whole[:33] + chunk(name, body) + whole[33:]


def png_of(width: int, height: int) -> bytes:
    """A PNG of 1 bit a pixel, all of them there, packed a thousandfold."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    rows = zlib.compress(bytes(height * (1 + (width + 7) // 8)), 9)
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def bomb(zeros: int) -> bytes:
    return zlib.compress(bytes(zeros), 9)


def webp_of_frames(number: int) -> bytes:
    """An animation whose frames are all the same."""
    frame = picture("WEBP", size=(64, 48))[12:]
    place = bytes(6) + (63).to_bytes(3, "little") + (47).to_bytes(3, "little") + bytes(4)
    anmf = b"ANMF" + struct.pack("<I", len(place) + len(frame)) + place + frame
    head = b"\2\0\0\0" + (63).to_bytes(3, "little") + (47).to_bytes(3, "little")
    body = b"WEBPVP8X" + struct.pack("<I", 10) + head
    body += b"ANIM" + struct.pack("<I", 6) + bytes(6) + anmf * number
    return b"RIFF" + struct.pack("<I", len(body)) + body


def gif_of_frames(number: int) -> bytes:
    whole = picture("GIF", "P")
    head = 13 + 3 * 2 ** ((whole[10] & 7) + 1)  # with the palette
    return whole[:head] + whole[head:-1] * number + b";"


def turned(kind: int, number: int, value: bytes) -> bytes:
    """A JPEG whose EXIF says how it is turned by a value of any type."""
    entry = struct.pack("<HHHI4sI", 1, 0x0112, kind, number, value, 0)
    return picture("JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0" + entry)


def deep_tiff() -> bytes:
    data = io.BytesIO()
    Image.fromarray(np.linspace(0, 65535, 3072).reshape(48, 64).astype(np.uint16)).save(
        data, "TIFF"
    )
    return data.getvalue()


def endless_tiff() -> bytes:
    """A TIFF whose list of pages leads back to its first."""
    whole = bytearray(picture("TIFF"))
    first = struct.unpack_from("<I", whole, 4)[0]
    entries = struct.unpack_from("<H", whole, first)[0]
    struct.pack_into("<I", whole, first + 2 + 12 * entries, first)
    return bytes(whole)


def tiff_of(width: int, height: int) -> bytes:
    """A TIFF that says another size than it has."""
    whole = bytearray(picture("TIFF"))
    first = struct.unpack_from("<I", whole, 4)[0]
    for k in range(struct.unpack_from("<H", whole, first)[0]):
        place = first + 2 + 12 * k
        tag = struct.unpack_from("<H", whole, place)[0]
        if tag in (256, 257):
            struct.pack_into("<HHII", whole, place, tag, 4, 1, width if tag == 256 else height)
    return bytes(whole)


def said(key: str, value: str) -> PngInfo:
    info = PngInfo()
    info.add_text(key, value)
    return info


PICTURES: dict[str, tuple[Callable[[], bytes], str]] = {
    "zip bomb.zip": (lambda: packed("x", bytes(20_000_000)), NO_PICTURE),
    "zip bomb.png": (lambda: packed("x", bytes(20_000_000)), NO_PICTURE),
    "zip of zips.zip": (lambda: packed("a.zip", packed("b", bytes(9_999_999))), NO_PICTURE),
    "link in a zip.zip": (lambda: packed("a.png", b"/etc/passwd", link=True), NO_PICTURE),
    "path in a zip.zip": (lambda: packed("../../a.png", b"x"), NO_PICTURE),
    "script.svg": (lambda: b"<svg xmlns='http://www.w3.org/2000/svg'>" + SCRIPT, NO_PICTURE),
    "script svg.png": (lambda: b"<svg xmlns='http://www.w3.org/2000/svg'>" + SCRIPT, NO_PICTURE),
    "packed.svgz": (lambda: zlib.compress(b"<svg/>"), NO_PICTURE),
    "page.png": (lambda: b"<!doctype html>" + SCRIPT, NO_PICTURE),
    "page.html": (lambda: b"<!doctype html>" + SCRIPT, NO_PICTURE),
    "entities.svg": (
        lambda: b"<!DOCTYPE s [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><svg>&a;</svg>",
        NO_PICTURE,
    ),
    "pdf.jpg": (lambda: b"%PDF-1.7\n1 0 obj<</S/JavaScript>>", NO_PICTURE),
    "postscript.jpg": (lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9", NO_PICTURE),
    "text that leads away.jpg": (lambda: b"push graphic-context\nfill 'url(x)'", NO_PICTURE),
    "gif and script.gif": (lambda: b"GIF89a/*" + bytes(9) + b"*/=1;alert(1)", NO_PICTURE),
    "gif and script.png": (lambda: b"GIF89a/*" + bytes(9) + b"*/=1;alert(1)", NO_PICTURE),
    "ten thousand frames.gif": (lambda: gif_of_frames(10_000), NO_PICTURE),
    "ten thousand frames.webp": (lambda: webp_of_frames(10_000), KEPT),
    "ten thousand frames.png": (lambda: png_with(b"acTL", struct.pack(">II", 10_000, 0)), KEPT),
    "jpeg and zip.jpg": (lambda: picture("JPEG") + packed("x", SCRIPT), KEPT),
    "jpeg and page.jpg": (lambda: picture("JPEG", comment=SCRIPT) + SCRIPT, KEPT),
    "png and script.png": (lambda: picture("PNG") + SCRIPT * 9999, KEPT),
    "script in text.png": (lambda: picture("PNG", pnginfo=said("Title", SCRIPT.decode())), KEPT),
    "long text.png": (lambda: png_with(b"tEXt", b"Title\0" + SCRIPT * 90_000), KEPT),
    "bomb of text.png": (lambda: png_with(b"zTXt", b"a\0\0" + bomb(99_000_000)), "is damaged"),
    "bomb of colours.png": (lambda: png_with(b"iCCP", b"a\0\0" + bomb(99_000_000)), "is damaged"),
    "long profile.png": (lambda: png_with(b"iCCP", b"a\0\0" + zlib.compress(b"\7" * 9999)), KEPT),
    "long exif.png": (lambda: png_with(b"eXIf", b"MM\0*\xff\xff\xff\xff" + bytes(9999)), KEPT),
    "turned by 0.jpg": (lambda: turned(3, 1, b"\0\0\0\0"), KEPT),
    "turned by 65535.jpg": (lambda: turned(3, 1, b"\xff\xff\0\0"), KEPT),
    "turned by a word.jpg": (lambda: turned(2, 2, b"6\0\0\0"), KEPT),
    "turned many times.jpg": (lambda: turned(3, 2, b"\6\0\6\0"), KEPT),
    "one bit.png": (lambda: picture("PNG", "1"), KEPT),
    "cmyk.jpg": (lambda: picture("JPEG", "CMYK"), KEPT),
    "16 bits.tif": (deep_tiff, KEPT),
    "endless.tif": (endless_tiff, KEPT),
    "100 megapixels.png": (lambda: png_of(10_000, 10_000), "has more than 50 megapixels"),
    "900 megapixels.png": (lambda: png_of(30_000, 30_000), "has more than 50 megapixels"),
    "long and thin.png": (
        lambda: png_of(49_000_000, 1),
        "is too large; reduce it below 30000 px per side",
    ),
    "a line.png": (lambda: png_of(29_999, 32), KEPT),
    "a point.png": (lambda: png_of(1, 1), "is too small for a face"),
    "no width.png": (lambda: png_of(0, 9), NO_PICTURE),
    "absurd.tif": (lambda: tiff_of(2**31 - 1, 2**31 - 1), "has more than 50 megapixels"),
    "larger than it is.tif": (lambda: tiff_of(7000, 7000), "is damaged"),
    "absurd.bmp": (
        lambda: b"BM" + bytes(12) + struct.pack("<IiiHHI", 40, -9, -9, 1, 24, 3),
        "is damaged",
    ),
    "cut.jpg": (lambda: picture("JPEG", size=(640, 480))[:2000], "is damaged"),
    "cut.png": (lambda: picture("PNG")[:90], "is damaged"),
    "cut.webp": (lambda: picture("WEBP")[:60], "is damaged"),
    "wrong sum.png": (lambda: picture("PNG")[:29] + b"\0" + picture("PNG")[30:], NO_PICTURE),
    "nothing.jpg": (lambda: b"", NO_PICTURE),
    "one byte.jpg": (lambda: b"\xff", NO_PICTURE),
    "noise.png": (lambda: np.random.default_rng(0).bytes(99_999), NO_PICTURE),
    "33 megabytes.png": (lambda: picture("PNG") + bytes(FILE_BYTES), "has more than 32 MB"),
}
"""Name -> the file, and what is said of it."""

NAMES = (
    "",
    "../../x.png",
    "/etc/cron.d/x.png",
    "..\\..\\x.png",
    "C:\\Windows\\x.png",
    "\\\\server\\share\\x.png",
    "%2e%2e%2fx.png",
    "a\0b.png",
    "x" * 300 + ".png",
    "é" * 300 + ".png",
    "CON",
    "nul.png",
    "x.png:stream",
    "\u202egnp.exe",
    ".htaccess",
    "..",
    ".",
    "folder/",
    " ",
    "-rf.png",
    "~root.png",
    "$(touch x).png",
    "a\nb.png",
    "<img src=x onerror=alert(1)>.png",
    "x.refused.png",
)
"""Names of files that must lead nowhere."""


def with_box(data: bytes, name: bytes, offset: int, new: bytes) -> bytes:
    """An MP4 with other bytes at an offset from the name of its first such box."""
    place = data.index(name) + offset
    return data[:place] + new + data[place + len(new) :]


def hour_long(data: bytes) -> bytes:
    """An MP4 whose frames come every twenty minutes."""
    second = struct.unpack_from(">I", data, data.index(b"mdhd") + 16)[0]
    return with_box(data, b"stts", 16, struct.pack(">I", 1200 * second))


CLIPS: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "an hour.mp4": (hour_long, "lasts "),
    "an hour in its head.mp4": (lambda d: with_box(d, b"mvhd", 20, b"\x7f" * 4), KEPT),
    "shown huge.mp4": (lambda d: with_box(d, b"tkhd", 80, b"\xff\xff\0\0" * 2), KEPT),
    "coded huge.mp4": (lambda d: with_box(d, b"stsd", 44, b"\xff" * 4), KEPT),
    "endless times.mp4": (lambda d: with_box(d, b"stts", 8, b"\xff" * 4), "cannot be read as a"),
    "endless frames.mp4": (lambda d: with_box(d, b"stsz", 12, b"\xff" * 4), "cannot be read as a"),
    "long box.mp4": (lambda d: with_box(d, b"moov", -4, b"\xff" * 4), "was cut short"),
    "clip and script.mp4": (lambda d: d + SCRIPT * 9999, KEPT),
    "cut.webm": (lambda d: d[: len(d) // 3], "was cut short"),
    "broken.webm": (lambda d: d.replace(b"\xba\x81", b"\xba\x41"), "cannot be read as a video"),
    "nothing.mov": (lambda d: b"", "is empty"),
    "script.mov": (lambda d: SCRIPT, "cannot be read as a video"),
    "zip bomb.mp4": (lambda d: packed("x", bytes(9_999_999)), "cannot be read as a video"),
    "list.mp4": (
        lambda d: b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:1/x\n",
        "cannot be read as a video",
    ),
    "pictures.webm": (lambda d: picture("GIF", "P"), "is not a clip in MP4, MOV or WebM"),
}
"""Name -> what is done to a clip, and what is said of it."""

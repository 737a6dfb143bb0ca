"""Copies have the pixels of their sources and nothing of the photographed, whatever holds it."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import ExifTags, Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from palsynth.errors import InputError
from palsynth.face.images import read_image, write_jpeg, write_png
from palsynth.face.label import newscode, read_xmp
from palsynth.face.metadata import copy_picture, strip_metadata

SECRETS = (b"Jane Doe", b"SN-4711", b"1964:05:03", b"St Elsewhere", b"GPS-HERE")
"""What must not survive: a name, a serial number, a date, a place, and one in the GPS directory."""

RNG = np.random.default_rng(3)
IMAGE = np.asarray(
    Image.fromarray(RNG.integers(0, 255, (12, 9, 3), np.uint8)).resize(
        (72, 96), Image.Resampling.BICUBIC
    )
)
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
XMP = b"<x:xmpmeta><dc:creator>Jane Doe</dc:creator><exif:GPS>GPS-HERE</exif:GPS></x:xmpmeta>"


def _exif(orientation: int = 6) -> Image.Exif:
    exif = Image.Exif()
    base = ExifTags.Base
    exif[base.Orientation] = orientation
    exif[base.Artist], exif[base.ImageDescription] = "Jane Doe", "St Elsewhere"
    exif[base.DateTime], exif[base.Make] = "1964:05:03 10:00:00", "SN-4711"
    exif.get_ifd(ExifTags.IFD.Exif)[base.BodySerialNumber] = "SN-4711"
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSProcessingMethod] = b"GPS-HERE"
    return exif


def _saved(kind: str, image: np.ndarray = IMAGE, **options: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, kind, **options)
    return file.getvalue()


def _segment(marker: int, body: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def _jpeg(**options: Any) -> bytes:
    """A JPEG with a preview in JFIF and EXIF, XMP, IPTC, a comment, and a video after its end."""
    data = _saved("JPEG", exif=_exif(), icc_profile=PROFILE, comment="Jane Doe", **options)
    iptc = b"Photoshop 3.0\08BIM\4\4\0\0\0\0\0\x0d\x1c\2\x50\0\x08Jane Doe\0"
    more = _segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + XMP) + _segment(0xED, iptc)
    more += _segment(0xE0, b"JFXX\0\x10" + b"St Elsewhere") + _segment(0xEB, b"SN-4711")
    return data[:2] + b"\xff" + data[2:20] + more + data[20:] + b"\0\0ftypmp4 Jane Doe"


def _preview(data: bytes) -> bytes:
    """A JPEG whose JFIF segment holds a preview."""
    pixels = b"Jane Doe!"
    jfif = b"JFIF\0\1\1\0\0\1\0\1" + bytes([1, 3]) + pixels
    return data[:2] + _segment(0xE0, jfif) + data[20:]


def _png(**options: Any) -> bytes:
    text = PngInfo()
    text.add_text("Author", "Jane Doe")
    text.add_text("Description", "St Elsewhere")
    text.add_text("Comment", "1964:05:03", zip=True)
    text.add_itxt("XML:com.adobe.xmp", XMP.decode())
    data = _saved("PNG", exif=_exif(), icc_profile=PROFILE, pnginfo=text, dpi=(72, 72), **options)
    return data + b"Jane Doe"


def _webp(**options: Any) -> bytes:
    return _saved("WEBP", exif=_exif(), icc_profile=PROFILE, xmp=XMP, **options) + b"Jane Doe"


def _tiff(image: np.ndarray = IMAGE, **options: Any) -> bytes:
    """A TIFF with EXIF, XMP and names, whose second page is another picture."""
    file = io.BytesIO()
    texts = [(315, 2, 0, "Jane Doe", True), (306, 2, 0, "1964:05:03 10:00:00", True)]
    texts += [(700, 7, len(XMP), XMP, True), (274, 3, 1, 6, True), (271, 2, 0, "SN-4711", True)]
    with tifffile.TiffWriter(file, byteorder=options.pop("byteorder", "<")) as writer:
        for number in range(2):
            writer.write(
                image if number == 0 else 255 - image,
                photometric="rgb" if image.ndim == 3 else "minisblack",
                description="St Elsewhere",
                software="GPS-HERE",
                extratags=texts,
                metadata=None,
                **options,
            )
    return file.getvalue()


def _pillow_tiff(**options: Any) -> bytes:
    return _saved("TIFF", exif=_exif(), icc_profile=PROFILE, **options)


FILES: dict[str, Callable[[], bytes]] = {
    "jpeg": _jpeg,
    "progressive jpeg": lambda: _jpeg(progressive=True, quality=95),
    "jpeg with restarts": lambda: _jpeg(restart_marker_blocks=2),
    "jpeg with a preview": lambda: _preview(_saved("JPEG")),
    "grey jpeg": lambda: _saved("JPEG", IMAGE[..., 0].copy(), exif=_exif(3), comment="Jane Doe"),
    "ink jpeg": lambda: _ink_jpeg(),
    "png": _png,
    "png palette": lambda: _png_palette(),
    "animated png": lambda: _png(save_all=True, append_images=[Image.fromarray(255 - IMAGE)]),
    "lossy webp": _webp,
    "lossless webp": lambda: _webp(lossless=True),
    "tiff": _tiff,
    "big-endian tiff": lambda: _tiff(byteorder=">"),
    "tiff, 16 bits": lambda: _tiff(IMAGE * np.uint16(257)),
    "tiff, floats": lambda: _tiff((IMAGE / 255).astype(np.float32)),
    "tiff in tiles": lambda: _tiff(tile=(32, 32)),
    "tiff in strips": lambda: _tiff(rowsperstrip=7),
    "tiff in planes": lambda: _tiff_planes(),
    "tiff, lzw": lambda: _pillow_tiff(compression="tiff_lzw"),
    "tiff, jpeg": lambda: _pillow_tiff(compression="jpeg", quality=90),
    "tiff, deflate": lambda: _pillow_tiff(compression="tiff_adobe_deflate"),
    "bmp": lambda: _saved("BMP") + b"Jane Doe",
}


def _png_palette() -> bytes:
    file = io.BytesIO()
    Image.fromarray(IMAGE).quantize(64).save(file, "PNG", exif=_exif(), transparency=3)
    return file.getvalue()


def _ink_jpeg() -> bytes:
    file = io.BytesIO()
    Image.fromarray(IMAGE).convert("CMYK").save(file, "JPEG", exif=_exif(8))
    return file.getvalue()


def _tiff_planes() -> bytes:
    return _tiff(np.moveaxis(IMAGE, 2, 0).copy(), planarconfig="separate")


@pytest.mark.parametrize("name", FILES)
def test_the_pixels_stay_and_the_person_goes(name: str, tmp_path: Path) -> None:
    data = FILES[name]()
    source, copy = tmp_path / "source", tmp_path / "copy"
    source.write_bytes(data)
    copy_picture(source, copy)
    stripped = copy.read_bytes()
    assert np.array_equal(read_image(copy), read_image(source))
    for secret in SECRETS:
        assert secret not in stripped
    assert strip_metadata(stripped) == stripped
    try:
        picture = Image.open(copy)
    except OSError:
        assert name == "tiff, floats"
        return
    assert ("icc_profile" in picture.info) == ("icc_profile" in Image.open(source).info)
    known = {ExifTags.Base.Orientation} if picture.format != "TIFF" else set(picture.getexif())
    assert set(picture.getexif()) <= known
    assert not picture.getexif().get_ifd(ExifTags.IFD.GPSInfo)
    copy_picture(source, copy, keep_metadata=True)
    assert copy.read_bytes() == data


def test_the_test_files_hold_the_secrets() -> None:
    """Otherwise nothing would show that they are removed."""
    for name in ("jpeg", "png", "lossless webp", "tiff"):
        data = FILES[name]()
        assert sum(secret in data for secret in SECRETS) >= 4, name


def test_adobe_rgb_in_exif_stays(tmp_path: Path) -> None:
    exif = _exif(1)
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.IFD.Interop] = {1: "R03"}
    (tmp_path / "a.jpg").write_bytes(_saved("JPEG", exif=exif))
    copy_picture(tmp_path / "a.jpg", tmp_path / "b.jpg")
    found = read_image(tmp_path / "b.jpg")
    assert np.array_equal(found, read_image(tmp_path / "a.jpg"))
    plain = np.asarray(Image.open(tmp_path / "b.jpg"))
    assert np.abs(found.astype(int) - plain).max() > 10
    assert b"SN-4711" not in (tmp_path / "b.jpg").read_bytes()


def test_our_own_label_stays(tmp_path: Path) -> None:
    write_png(tmp_path / "a.png", IMAGE, **{"palsynth:provenance": "{}", "Author": "Jane Doe"})
    copy_picture(tmp_path / "a.png", tmp_path / "b.png")
    text = Image.open(tmp_path / "b.png").info
    assert text["Software"] == "palsynth"
    assert text["Description"].startswith("synthetic image")
    assert text["palsynth:provenance"] == "{}"
    assert "Author" not in text
    write_jpeg(tmp_path / "a.jpg", IMAGE)
    copy_picture(tmp_path / "a.jpg", tmp_path / "b.jpg")
    exif = Image.open(tmp_path / "b.jpg").getexif()
    assert exif[ExifTags.Base.Software] == "palsynth"
    assert exif[ExifTags.Base.ImageDescription].startswith("synthetic image")


def _labelled(code: str) -> dict[str, bytes]:
    """Files of every kind with XMP whose property is an element, among what must not survive."""
    value = f"http://cv.iptc.org/newscodes/digitalsourcetype/{code}"
    label = f"<Iptc4xmpExt:DigitalSourceType>{value}</Iptc4xmpExt:DigitalSourceType>"
    xmp = XMP.replace(b"</x:xmpmeta>", label.encode() + b"</x:xmpmeta>")
    text = PngInfo()
    text.add_itxt("XML:com.adobe.xmp", xmp.decode(), zip=True)
    tiff, extra = io.BytesIO(), [(700, 7, len(xmp), xmp, True)]
    tifffile.imwrite(tiff, IMAGE, photometric="rgb", extratags=extra, metadata=None)
    return {
        "jpeg": _saved("JPEG", xmp=xmp),
        "png": _saved("PNG", pnginfo=text),
        "webp": _saved("WEBP", xmp=xmp),
        "tiff": tiff.getvalue(),
    }


@pytest.mark.parametrize("kind", _labelled(""))
def test_the_label_of_a_synthetic_picture_stays_alone(kind: str, tmp_path: Path) -> None:
    for code in ("trainedAlgorithmicMedia", "compositeSynthetic"):
        data = _labelled(code)[kind]
        stripped = strip_metadata(data)
        assert newscode(read_xmp(stripped)) == code
        assert not any(secret in stripped for secret in SECRETS)
        assert strip_metadata(stripped) == stripped
        for name, content in (("a", data), ("b", stripped)):
            (tmp_path / name).write_bytes(content)
        assert np.array_equal(read_image(tmp_path / "a"), read_image(tmp_path / "b"))
    for code in ("digitalCapture", "JaneDoe"):  # a camera took it; no code of the vocabulary
        assert not read_xmp(strip_metadata(_labelled(code)[kind]))


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"Jane Doe", "is not a picture in a known format"),
        (_saved("GIF"), "its metadata cannot be removed; save it as PNG, or give --keep-metadata"),
        (_saved("PNG")[:-30], "the picture is damaged"),
        (_saved("JPEG")[:-500], "the picture is damaged"),
    ],
)
def test_what_cannot_be_copied_without_metadata(data: bytes, text: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(data)
    with pytest.raises(InputError, match=text) as error:
        copy_picture(tmp_path / "x", tmp_path / "y")
    assert str(error.value).startswith(f"{tmp_path / 'x'}: ")
    assert not (tmp_path / "y").exists()


def test_a_jpeg_that_ends_too_early() -> None:
    with pytest.raises(InputError, match=r"the picture is damaged \(ends too early\)"):
        strip_metadata(_saved("JPEG")[:-2])


def test_damaged_files_are_refused_in_one_line(tmp_path: Path) -> None:
    """500 files, cut short or with bytes changed, most of these in their heads."""
    rng = np.random.default_rng(8)
    sources = [make() for make in FILES.values()]
    said = []
    for number in range(500):
        data = bytearray(sources[number % len(sources)])
        if number % 4 == 0:
            del data[int(rng.integers(len(data))) :]
        for place in rng.integers(min(len(data), 400), size=number % 5 if len(data) else 0):
            data[place] = rng.integers(256)
        (tmp_path / "x").write_bytes(data)
        for work in (lambda: read_image(tmp_path / "x"), lambda d=bytes(data): strip_metadata(d)):
            try:
                work()
            except InputError as error:
                said.append(str(error))
    assert 100 < len(said) < 900
    assert not any("\n" in text for text in said)

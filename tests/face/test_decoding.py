"""Pictures of every depth and colour become 8-bit sRGB by the file's own word, or are refused."""

from __future__ import annotations

import importlib.util
import io
import struct
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image, features

from palsynth.errors import InputError
from palsynth.face.images import read_image


def _load() -> ModuleType:
    path = Path(__file__).parents[2] / "benchmarks" / "formats.py"
    spec = importlib.util.spec_from_file_location("formats", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["formats"] = module
    spec.loader.exec_module(module)
    return module


formats = _load()
GREY = np.tile(np.arange(0, 256, 4, np.uint8), (64, 1))
RGB = np.dstack([GREY, GREY.T, GREY[::-1, ::-1]])


def _read(tmp_path: Path, data: bytes, suffix: str = "tif") -> np.ndarray:
    path = tmp_path / f"x.{suffix}"
    path.write_bytes(data)
    return read_image(path)


def _grey(image: np.ndarray) -> np.ndarray:
    return np.repeat(image[..., None], 3, 2)


def _apart(found: np.ndarray, expected: np.ndarray) -> int:
    assert found.shape == expected.shape
    assert found.dtype == np.uint8
    return int(np.abs(found.astype(int) - expected).max())


@pytest.mark.parametrize("name", formats.ways())
def test_a_photo_saved_in_24_ways_is_read_the_same_or_refused(name: str, tmp_path: Path) -> None:
    way = formats.ways()[name]
    if name == "AVIF" and not features.check("avif"):
        pytest.skip("this Pillow has no AVIF")
    if way.refused:
        with pytest.raises(InputError, match=way.refused) as error:
            formats.difference(way, formats.photo(), tmp_path)
        assert str(error.value).startswith(f"{tmp_path / 'photo'}.{way.suffix}: ")
    else:
        assert formats.difference(way, formats.photo(), tmp_path) <= 3


def test_there_are_24_ways() -> None:
    assert len(formats.ways()) == 24


@pytest.mark.parametrize(
    ("samples", "options", "tolerance"),
    [
        (GREY * np.uint16(257), {}, 0),
        (GREY * np.uint32(16843009), {}, 0),
        (GREY.astype(np.int16) * 128, {}, 1),
        (GREY / 255, {}, 0),
        ((GREY / 255).astype(np.float32), {}, 0),
        (np.float32(1) - GREY / np.float32(255), {"photometric": "miniswhite"}, 0),
        (255 - GREY, {"photometric": "miniswhite"}, 0),
        (GREY.astype(np.uint16) * 4, {"extratags": [(281, 3, 1, 1023, True)]}, 1),
        (GREY.astype(np.float32), {"extratags": [(341, 11, 1, 255.0, True)]}, 0),
        (GREY * np.uint16(257), {"extratags": [(281, 3, 1, 64764, True)]}, 0),  # a statistic
        (GREY * np.uint16(257), {"bigtiff": True, "tile": (16, 16)}, 0),
    ],
)
def test_grey_tiffs(
    samples: np.ndarray, options: dict[str, Any], tolerance: int, tmp_path: Path
) -> None:
    assert _apart(_read(tmp_path, formats.tiff(samples, **options)), _grey(GREY)) <= tolerance


@pytest.mark.parametrize("bits", [10, 12, 14])
def test_packed_samples_have_the_range_of_their_bits(bits: int, tmp_path: Path) -> None:
    samples = np.rint(GREY * (((1 << bits) - 1) / 255))
    assert _apart(_read(tmp_path, formats.packed_tiff(samples, bits)), _grey(GREY)) <= 1


@pytest.mark.parametrize(
    ("samples", "options", "text"),
    [
        (GREY.astype(np.uint16), {}, "has samples up to 252 only, in a range of 0 … 65535"),
        (RGB.astype(np.uint16) * 16, {}, "up to 4032 only, in a range of 0 … 65535; if it has few"),
        (GREY.astype(np.uint32) * 257, {}, "fewer bits than its format"),
        ((GREY / 2550).astype(np.float32), {}, "in a range of 0 … 1"),
        (RGB.astype(np.float64), {}, "from 0 to 252, beyond the range 0 … 1"),
        (-(GREY / 255).astype(np.float32), {}, "beyond the range 0 … 1"),
        (np.where(GREY == 8, np.nan, GREY / 255), {}, "has samples that are not finite numbers"),
        ((GREY // 2).astype(np.int8), {}, "signed 8-bit samples"),
        (GREY.astype(np.int16) * 128 - 9000, {}, "from -9000 to"),
        ((GREY / 255).astype(np.float16), {}, "in a form that cannot be read"),
        (
            np.moveaxis(RGB, 2, 0) * np.uint16(257),
            {"photometric": "rgb", "planarconfig": "separate"},
            "16 bits in separate planes",
        ),
        (
            np.dstack([GREY, GREY]) * np.uint16(257),
            {"photometric": "minisblack", "extrasamples": [2], "planarconfig": "contig"},
            "2 samples of 16 bits",
        ),
    ],
)
def test_samples_of_an_unknown_range_are_refused(
    samples: np.ndarray, options: dict[str, Any], text: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=text) as error:
        _read(tmp_path, formats.tiff(samples, **options))
    assert str(error.value).startswith(f"{tmp_path / 'x.tif'}: ")


def test_planes_pages_and_inks(tmp_path: Path) -> None:
    planes = formats.tiff(np.moveaxis(RGB, 2, 0), photometric="rgb", planarconfig="separate")
    assert _apart(_read(tmp_path, planes), RGB) == 0
    pages = formats.tiff(np.stack([RGB, 255 - RGB]), photometric="rgb")
    assert _apart(_read(tmp_path, pages), RGB) == 0
    ink = np.dstack([255 - RGB, np.zeros_like(GREY)]) * np.uint16(257)
    data = formats.tiff(ink, photometric="separated", planarconfig="contig")
    assert _apart(_read(tmp_path, data), RGB) == 0
    lab = np.dstack([GREY, np.zeros_like(GREY), np.zeros_like(GREY)])
    found = _read(tmp_path, formats.tiff(lab, photometric="cielab", planarconfig="contig"))
    assert np.ptp(found.astype(int), axis=2).max() <= 2
    assert (np.diff(found[0, :, 0].astype(int)) >= 0).all()


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "RGBX"])
def test_modes_of_eight_bits(mode: str, tmp_path: Path) -> None:
    expected = _grey(np.where(GREY > 120, 255, 0).astype(np.uint8))
    kind = "TIFF" if mode == "RGBX" else "PNG"
    data = formats.pillow(Image.fromarray(expected).convert(mode), kind)
    assert _apart(_read(tmp_path, data, kind.lower()), expected) == 0


def test_sixteen_bits_of_png_with_transparency_and_a_rotation(tmp_path: Path) -> None:
    rgba = np.dstack([RGB, np.where(GREY > 100, 255, 0)]).astype(np.uint16) * 257
    ok = formats.cv2.imencode(".png", rgba[..., [2, 1, 0, 3]])[1].tobytes()
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    body = exif.tobytes().removeprefix(b"Exif\0\0")
    found = _read(tmp_path, formats.with_chunks(ok, (b"eXIf", body)), "png")
    expected = np.where(_grey(GREY) > 100, RGB, 255)
    assert _apart(found, np.rot90(expected, -1)) == 0


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_tiff_is_turned_upright_once(
    orientation: int, dtype: type[np.unsignedinteger[Any]], tmp_path: Path
) -> None:
    turn = {
        2: np.fliplr, 3: lambda a: np.rot90(a, 2), 4: np.flipud, 5: lambda a: a.swapaxes(0, 1),
        6: np.rot90, 7: lambda a: np.rot90(a, 2).swapaxes(0, 1), 8: lambda a: np.rot90(a, -1),
    }  # fmt: skip
    wide = RGB[:40]
    stored = np.ascontiguousarray(turn.get(orientation, np.array)(wide))
    deep = stored.astype(dtype) * dtype(np.iinfo(dtype).max // 255)
    data = formats.tiff(deep, extratags=[(274, 3, 1, orientation, True)])
    assert _apart(_read(tmp_path, data), wide) == 0


def _grey_profile(gamma: float) -> bytes:
    """A minimal ICC profile of grey with a gamma."""
    d50 = struct.pack(">3i", 63190, 65536, 54061)
    tags = {
        b"desc": b"desc" + bytes(4) + struct.pack(">I", 5) + b"grey\0" + bytes(79),
        b"wtpt": b"XYZ " + bytes(4) + d50,
        b"kTRC": b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256)) + bytes(2),
    }
    table, body = struct.pack(">I", len(tags)), b""
    for name, data in tags.items():
        table += struct.pack(">4sII", name, 132 + 12 * len(tags) + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    head = bytes(8) + struct.pack(">I", 0x02100000) + b"mntrGRAYXYZ " + bytes(12) + b"acsp"
    head = struct.pack(">I", 128 + len(table) + len(body)) + head[4:]
    return head.ljust(68, b"\0") + d50 + bytes(48) + table + body


def test_profiles_of_grey(tmp_path: Path) -> None:
    light = (GREY / 255) ** 1.8
    srgb = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    data = formats.pillow(Image.fromarray(GREY), "PNG", icc_profile=_grey_profile(1.8))
    assert _apart(_read(tmp_path, data, "png"), _grey(np.rint(255 * srgb))) <= 2
    data = formats.pillow(Image.fromarray(GREY), "PNG", icc_profile=formats.profile(formats.P3))
    assert _apart(_read(tmp_path, data, "png"), _grey(GREY)) <= 1


def test_a_profile_of_srgb_changes_nothing(tmp_path: Path) -> None:
    data = formats.pillow(Image.fromarray(RGB), "PNG", icc_profile=formats.profile())
    assert _apart(_read(tmp_path, data, "png"), RGB) == 0


@pytest.mark.parametrize(
    ("profile", "mode", "text"),
    [
        (b"nonsense", "RGB", "its colour profile is damaged (cannot open profile from string)"),
        (formats.profile()[:200], "RGB", "its colour profile is damaged"),
        (_grey_profile(1.0), "RGB", "its colour profile is for GRAY, and the picture is RGB"),
        (formats.profile(formats.P3), "CMYK", "its colour profile is for RGB, and the picture is "),
    ],
)
def test_a_profile_that_cannot_be_used_is_said_once(
    profile: bytes, mode: str, text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = formats.pillow(Image.fromarray(RGB).convert(mode), "TIFF", icc_profile=profile)
    for _ in range(2):
        assert _apart(_read(tmp_path, data), RGB) <= 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"note: {tmp_path / 'x.tif'}: {text}")
    assert line.endswith("; it is read as sRGB")


def test_a_sixteen_bit_picture_with_a_profile(tmp_path: Path) -> None:
    png = formats.in_profile(RGB // 2 + 64, formats.profile(formats.P3), "PNG")
    with Image.open(io.BytesIO(png)) as picture:
        stored, icc = np.asarray(picture), picture.info["icc_profile"]
    data = formats.tiff(stored * np.uint16(257), iccprofile=icc)
    assert _apart(_read(tmp_path, data), RGB // 2 + 64) <= 3


def test_colours_that_a_png_names_without_a_profile(tmp_path: Path) -> None:
    chroma = [0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06]
    chrm = struct.pack(">8I", *(round(v * 100_000) for v in chroma))
    inside = RGB // 2 + 64  # colours that both have
    stored = Image.open(
        io.BytesIO(formats.in_profile(inside, formats.profile(formats.P3), "PNG"))
    ).convert("RGB")
    png = formats.pillow(stored, "PNG", icc_profile=None)
    gama = struct.pack(">I", 45_455)
    data = formats.with_chunks(png, (b"gAMA", gama), (b"cHRM", chrm))
    assert _apart(_read(tmp_path, data, "png"), inside) <= 3
    data = formats.with_chunks(png, (b"gAMA", gama), (b"cHRM", chrm), (b"sRGB", b"\0"))
    assert _apart(_read(tmp_path, data, "png"), np.asarray(stored)) == 0  # sRGB has the last word
    for transfer in (16, 18):
        hdr = formats.with_chunks(png, (b"cICP", bytes([9, transfer, 0, 1])))
        with pytest.raises(InputError, match="without high dynamic range"):
            _read(tmp_path, hdr, "png")


def test_a_camera_that_says_adobe_rgb_in_exif_only(tmp_path: Path) -> None:
    inside = RGB // 2 + 64
    adobe = formats.profile(formats.ADOBE, 2.19921875)
    stored = Image.open(io.BytesIO(formats.in_profile(inside, adobe, "PNG"))).convert("RGB")
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.IFD.Interop] = {1: "R03"}
    data = formats.pillow(stored, "WEBP", lossless=True, exif=exif, icc_profile=None)
    assert _apart(_read(tmp_path, data, "webp"), inside) <= 3


@pytest.mark.parametrize(
    ("name", "body", "fault"),
    [
        (b"cHRM", bytes(32), "names colours that cannot be"),
        (b"cHRM", struct.pack(">8I", *[31270, 32900] * 4), "names colours that cannot be"),
        (b"gAMA", struct.pack(">I", 2**31 - 1), "names colours that cannot be"),
        (b"gAMA", struct.pack(">I", 1), "names colours that cannot be"),
        (b"cICP", bytes([1, 13, 0, 0]), "has samples of narrow range"),
    ],
)
def test_colours_that_cannot_be_are_refused(
    name: bytes, body: bytes, fault: str, tmp_path: Path
) -> None:
    data = formats.with_chunks(formats.pillow(Image.fromarray(RGB), "PNG"), (name, body))
    with pytest.raises(InputError, match=fault):
        _read(tmp_path, data, "png")


def test_a_transparent_grey_of_sixteen_bits_is_white(tmp_path: Path) -> None:
    file = io.BytesIO()
    values = np.arange(64, dtype=np.uint16)[None].repeat(64, 0) * 1000
    Image.fromarray(values).save(file, "PNG", transparency=40_000)
    found = _read(tmp_path, file.getvalue(), "png")
    assert found[0, 40].tolist() == [255] * 3
    assert _apart(found[:, :40], np.rint(values[:, :40, None] / 257).repeat(3, 2)) <= 1

"""The same photo saved in 24 ways: how far each is read from the photo, or why it is refused.

Depths, profiles, orientations and formats as phones, cameras, scanners and scientific programs
write them: ``python benchmarks/formats.py`` prints the table of docs/photos.md.
"""

from __future__ import annotations

import io
import struct
import tempfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import tifffile
from PIL import ExifTags, Image, ImageCms
from skimage.data import astronaut

from palsynth.errors import InputError
from palsynth.face.images import read_image

P3 = ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407))
ADOBE = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))
"""Red, green and blue in XYZ, adapted to D50."""


@dataclass(frozen=True)
class Way:
    """One way to save the photo.

    Attributes:
        suffix: that of the file.
        save: from the photo (H, W, 3), or its grey (H, W), to the file's bytes.
        grey: whether ``save`` takes the grey photo.
        refused: part of the message, where the file cannot be read right.
    """

    suffix: str
    save: Callable[[np.ndarray], bytes]
    grey: bool = False
    refused: str = ""


def photo() -> np.ndarray:
    """The photo (256, 256, 3) uint8 RGB."""
    return np.asarray(Image.fromarray(astronaut()).crop((96, 0, 352, 256)))


def grey(image: np.ndarray) -> np.ndarray:
    """The photo in grey (256, 256) uint8."""
    return np.asarray(Image.fromarray(image).convert("L"))


def profile(
    primaries: tuple[tuple[float, ...], ...] | None = None, gamma: float | None = None
) -> bytes:
    """An ICC profile: that of sRGB, with other primaries or a gamma in place of its curve."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    for k in range(struct.unpack_from(">I", data, 128)[0]):
        name, place, _ = struct.unpack_from(">4sII", data, 132 + 12 * k)
        if name in (b"rXYZ", b"gXYZ", b"bXYZ") and primaries is not None:
            xyz = primaries["rgb".index(chr(name[0]))]
            struct.pack_into(">3i", data, place + 8, *(round(v * 65536) for v in xyz))
        elif name in (b"rTRC", b"gTRC", b"bTRC") and gamma is not None:
            struct.pack_into(">4sIIH", data, place, b"curv", 0, 1, round(gamma * 256))
    return bytes(data)


def pillow(picture: Image.Image, kind: str, orientation: int = 1, **options: object) -> bytes:
    """The file that Pillow writes; the picture is stored as cameras do for an orientation."""
    undo = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90}
    if orientation != 1:
        exif = Image.Exif()
        exif[ExifTags.Base.Orientation] = orientation
        picture = picture.transpose(undo[orientation])
        options["exif"] = exif
    file = io.BytesIO()
    picture.save(file, kind, **options)  # type: ignore[arg-type]
    return file.getvalue()


def in_profile(image: np.ndarray, icc: bytes, kind: str, **options: object) -> bytes:
    """The photo in the colours of a profile, with the profile."""
    target = ImageCms.ImageCmsProfile(io.BytesIO(icc))
    srgb = ImageCms.createProfile("sRGB")
    moved = ImageCms.profileToProfile(Image.fromarray(image), srgb, target, renderingIntent=1)
    assert moved is not None
    return pillow(moved, kind, icc_profile=icc, **options)  # type: ignore[arg-type]


def png16(samples: np.ndarray, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG of 16 bits, with further chunks after its header."""
    if samples.ndim == 3:
        samples = samples[..., ::-1]
    data = cv2.imencode(".png", samples.astype(np.uint16))[1].tobytes()
    return with_chunks(data, *chunks)


def with_chunks(data: bytes, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG with further chunks after its header."""
    more = b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    )
    return data[:33] + more + data[33:]


def tiff(samples: np.ndarray, **options: object) -> bytes:
    """The file that tifffile writes."""
    file = io.BytesIO()
    colours = "rgb" if samples.ndim == 3 else "minisblack"
    tifffile.imwrite(file, samples, **{"photometric": colours, **options})  # type: ignore[arg-type]
    return file.getvalue()


def packed_tiff(samples: np.ndarray, bits: int) -> bytes:
    """A TIFF of grey samples of any number of bits, packed without gaps."""
    height, width = samples.shape
    ones = (samples[..., None].astype(np.uint32) >> np.arange(bits - 1, -1, -1)) & 1
    data = np.packbits(ones.reshape(height, -1).astype(np.uint8), axis=1).tobytes()
    tags = {256: width, 257: height, 258: bits, 259: 1, 262: 1, 273: 0, 277: 1, 278: height}
    tags |= {279: len(data)}
    tags[273] = 14 + 12 * len(tags)
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4) + data


def light(image: np.ndarray) -> np.ndarray:
    """Light of the samples of sRGB, 0 … 1."""
    unit = image / 255
    return np.where(unit <= 0.04045, unit / 12.92, ((unit + 0.055) / 1.055) ** 2.4)


def ways() -> dict[str, Way]:
    """The ways by what they are, for the table."""
    display_p3, adobe = profile(P3), profile(ADOBE, 2.19921875)
    icc_linear = b"linear\0\0" + zlib.compress(profile(gamma=1.0))
    max_sample = [(281, 3, 1, 4095, True)]
    picture = Image.fromarray
    best = {"quality": 98, "subsampling": 0}
    deep = np.uint16
    return {
        "JPEG": Way("jpg", lambda a: pillow(picture(a), "JPEG", **best)),
        "JPEG, progressive, turned (EXIF 6)": Way(
            "jpg", lambda a: pillow(picture(a), "JPEG", 6, progressive=True, **best)
        ),
        "JPEG, Display P3": Way("jpg", lambda a: in_profile(a, display_p3, "JPEG", **best)),
        "JPEG, CMYK": Way("jpg", lambda a: pillow(picture(a).convert("CMYK"), "JPEG", **best)),
        "PNG": Way("png", lambda a: pillow(picture(a), "PNG")),
        "PNG, transparent, turned (eXIf 3)": Way(
            "png", lambda a: pillow(picture(a).convert("RGBA"), "PNG", 3)
        ),
        "PNG, palette": Way("png", lambda a: pillow(picture(a).convert("P"), "PNG"), grey=True),
        "PNG, Adobe RGB": Way("png", lambda a: in_profile(a, adobe, "PNG")),
        "PNG, Display P3 by cICP": Way(
            "png",
            lambda a: with_chunks(
                pillow(Image.open(io.BytesIO(in_profile(a, display_p3, "PNG"))), "PNG",
                       icc_profile=None),
                (b"cICP", bytes([12, 13, 0, 1])),
            ),
        ),
        "PNG, 16 bits": Way("png", lambda a: png16(a * deep(257))),
        "PNG, 16 bits, linear (gAMA 1)": Way(
            "png",
            lambda a: png16(np.rint(light(a) * 65535), (b"gAMA", struct.pack(">I", 100_000))),
        ),
        "PNG, 16 bits, linear ICC profile": Way(
            "png",
            lambda a: png16(np.rint(light(a) * 65535), (b"iCCP", icc_linear)),
            refused="linear light",
        ),
        "WebP, turned (EXIF 6)": Way(
            "webp", lambda a: pillow(picture(a), "WEBP", 6, lossless=True)
        ),
        "AVIF": Way("avif", lambda a: pillow(picture(a), "AVIF", quality=95)),
        "BMP": Way("bmp", lambda a: pillow(picture(a), "BMP")),
        "HEIC": Way("heic", lambda a: b"\0\0\0\x18ftypheic" + bytes(1000), refused="HEIC"),
        "TIFF, 16 bits, big-endian": Way(
            "tif", lambda a: tiff(a * deep(257), byteorder=">")
        ),
        "TIFF, 16 bits, white is 0": Way(
            "tif", lambda a: tiff(65535 - a * deep(257), photometric="miniswhite"), grey=True
        ),
        "TIFF, 12 bits, packed": Way(
            "tif", lambda a: packed_tiff(np.rint(a * (4095 / 255)), 12), grey=True
        ),
        "TIFF, 12 bits in 16, MaxSampleValue": Way(
            "tif",
            lambda a: tiff(np.rint(a * (4095 / 255)).astype(deep), extratags=max_sample),
        ),
        "TIFF, 12 bits in 16": Way(
            "tif", lambda a: tiff(a * deep(16)), refused="fewer bits than its format"
        ),
        "TIFF, 32 bits, whole numbers": Way(
            "tif", lambda a: tiff(a * np.uint32(16_843_009)), grey=True
        ),
        "TIFF, floats 0 … 1": Way("tif", lambda a: tiff((a / 255).astype(np.float32))),
        "TIFF, floats 0 … 255": Way(
            "tif", lambda a: tiff(a.astype(np.float32)), refused="beyond the range 0 … 1"
        ),
    }  # fmt: skip


def difference(way: Way, image: np.ndarray, folder: Path) -> float:
    """Mean difference, grey levels, between the photo and what is read.

    Raises:
        InputError: the file is refused.
    """
    path = folder / f"photo.{way.suffix}"
    path.write_bytes(way.save(grey(image) if way.grey else image))
    truth = np.repeat(grey(image)[..., None], 3, 2) if way.grey else image
    found = read_image(path)
    if found.shape != truth.shape:
        raise ValueError(f"shape {found.shape}")
    return float(np.abs(found.astype(float) - truth).mean())


def main() -> None:
    """Prints the table."""
    print("| saved as | mean difference, grey levels, or why it is refused |\n|---|---|")
    image = photo()
    with tempfile.TemporaryDirectory() as folder:
        for name, way in ways().items():
            try:
                found = f"{difference(way, image, Path(folder)):.2f}"
            except InputError as error:
                found = "refused: " + str(error).split(": ", 1)[1]
            print(f"| {name} | {found} |", flush=True)


if __name__ == "__main__":
    main()

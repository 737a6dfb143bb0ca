"""Opens pictures of any bit depth and colour as 8 bits, by what the file says of its samples.

Pillow decodes what has 8 bits a sample; of deeper pictures it drops bits or refuses them, so
OpenCV decodes those. How large a sample may be is told by the file, never by the largest one.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from palsynth.errors import InputError
from palsynth.face.colour import (
    ADOBE_RGB,
    SRGB,
    Colours,
    by_curve,
    by_primaries,
    by_profile,
    coded_colours,
    encode,
    named_colours,
)
from palsynth.face.containers import PNG, TIFF, png_chunks, tiff_tags
from palsynth.notes import note

DARK = 0.25
"""Share of the range below which the largest sample of a deep picture says that the range is
another: 12 bits in 16, say. Read as they are, these would be black."""

MAX_BYTES = 1 << 30
"""Largest file that is read."""

OVER = 1.1
"""Factor by which floats may exceed their range, as those of a sharpened or enlarged picture do."""

_HEIC = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")


class Tag:
    """Numbers of TIFF tags."""

    WIDTH, HEIGHT, BITS, PHOTOMETRIC, SAMPLES, PLANAR = 256, 257, 258, 262, 277, 284
    MAX_SAMPLE, EXTRA_SAMPLES, SAMPLE_FORMAT, MAX_SAMPLE_ANY, PROFILE = 281, 338, 339, 341, 34675


UNSIGNED, SIGNED, FLOAT = 1, 2, 3  # SampleFormat
CONTIGUOUS = 1  # PlanarConfiguration
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, CMYK = 0, 1, 2, 5  # PhotometricInterpretation


class Opened:
    """A picture that is opened, and decoded as far as Pillow cannot do it.

    Attributes:
        size: width and height in pixels, as stored.
        picture: 8 bits a sample, not yet turned upright, in any of Pillow's modes; before
            :meth:`decode`, as Pillow opens it, and None where it cannot.
        colours: what the file says of its colours, where it has no ICC profile.
        deep: whether the file has more than 8 bits a sample.
    """

    def __init__(self, path: Path) -> None:
        """Opens a picture.

        Args:
            path: the file.

        Raises:
            InputError: it is HEIC, or too large for a photo.
            OSError: it cannot be read or is no picture that is known.
        """
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"has more than {MAX_BYTES >> 20} MB; no photo of a face needs them")
        self._data = path.read_bytes()
        self._tags = tiff_tags(self._data) if self._data[:4] in TIFF else None
        self.picture: Image.Image | None = None
        try:
            self.picture = Image.open(io.BytesIO(self._data))
            self.size = self.picture.size
        except UnidentifiedImageError:
            if self._data[4:8] == b"ftyp" and self._data[8:12] in _HEIC:
                raise InputError("is HEIC, which is not read; save it as JPEG") from None
            if self._tags is None or Tag.WIDTH not in self._tags:
                raise
            self.size = int(self._tags[Tag.WIDTH]), int(self._tags[Tag.HEIGHT])
            if self.size[0] * self.size[1] > 2 * (Image.MAX_IMAGE_PIXELS or 0):
                raise Image.DecompressionBombError from None  # as Pillow does
        self.colours = SRGB
        self.deep = self._bits() > 8

    def _bits(self) -> int:
        """Bits a sample, as stored."""
        if self._tags is not None:
            return max(_numbers(self._tags.get(Tag.BITS, 1)))
        if self._data[:8] == PNG:
            return self._data[24]
        assert self.picture is not None
        return 16 if self.picture.mode[0] == "I" else 32 if self.picture.mode == "F" else 8

    def decode(self) -> Image.Image:
        """Decodes the picture to 8 bits a sample, where Pillow does not do so.

        Returns:
            ``picture``, which may still be lazy: Pillow then decodes it when it is used.

        Raises:
            InputError: the range of the samples is not known, or OpenCV cannot decode them.
        """
        if self.picture is not None:
            self.picture.seek(0)
            if "icc_profile" not in self.picture.info:
                self.colours = _colours(self.picture, self._data)
        if self._tags is not None:
            self.picture = self._decode_tiff(self._tags)
        elif self.deep:
            picture = self.picture
            assert picture is not None
            picture.load()
            if picture.format == "PNG":
                values = _opencv(self._data)
            else:
                values = np.asarray(picture)
            top = 1.0 if picture.mode == "F" else 65535.0
            info, exif = picture.info, picture.getexif()
            if values.ndim == 2 and isinstance(clear := info.get("transparency"), int):
                opaque = np.where(values == clear, 0, values.dtype.type(top))
                values = np.stack([values] * 3 + [opaque], 2)  # as OpenCV does with colours
            self.picture = self._eight_bits(values, top, alpha=values.shape[2:] == (4,))
            self.picture.info = {k: v for k, v in info.items() if k != "transparency"}
            self.picture.info["exif"] = exif.tobytes()
        assert self.picture is not None
        return self.picture

    def _decode_tiff(self, tags: Any) -> Image.Image:
        kind = max(_numbers(tags.get(Tag.SAMPLE_FORMAT, UNSIGNED)))
        photometric = tags.get(Tag.PHOTOMETRIC, BLACK_IS_ZERO)
        if not self.deep and kind == SIGNED:
            raise InputError("has signed 8-bit samples, whose range is not known; save it as PNG")
        if self.picture is not None and (not self.deep or photometric == CMYK):
            return self.picture  # of 16 bits of ink, Pillow keeps the upper 8
        bits = self._bits()
        if photometric not in (WHITE_IS_ZERO, BLACK_IS_ZERO, RGB):
            raise InputError(f"has {bits} bits in colours other than RGB; save it as 8-bit PNG")
        samples = int(tags.get(Tag.SAMPLES, 1))
        if samples > 1 and tags.get(Tag.PLANAR, CONTIGUOUS) != CONTIGUOUS:
            raise InputError(f"has {bits} bits in separate planes; save it as 8-bit PNG")
        values = _opencv(self._data)
        if values.dtype == np.uint8 or values.ndim != (2 if samples == 1 else 3):
            raise InputError(f"has {samples} samples of {bits} bits; save it as 8-bit PNG")
        top = _top(tags, bits, kind, float(values.max()))
        if photometric == WHITE_IS_ZERO:
            values = top - values
        extra = _numbers(tags.get(Tag.EXTRA_SAMPLES, 0))[0]
        picture = self._eight_bits(values, top, alpha=extra in (1, 2), premultiplied=extra == 1)
        if Tag.PROFILE in tags:
            picture.info["icc_profile"] = tags[Tag.PROFILE]
        return picture

    def _eight_bits(
        self, values: np.ndarray, top: float, *, alpha: bool, premultiplied: bool = False
    ) -> Image.Image:
        """Deep samples as a picture of 8 bits, with the curve of sRGB."""
        colour = values[..., :3] if values.ndim == 3 else values
        check_range(colour, top)
        unit = np.clip(colour.astype(np.float32) / top, 0, 1)
        if alpha:
            share = np.clip(values[..., 3:].astype(np.float32) / top, 0, 1)
            if premultiplied:
                unit = np.clip(unit / np.maximum(share, 1e-6), 0, 1)
        if self.colours.gamma is not None:
            unit = encode(unit**self.colours.gamma)
            self.colours = Colours(self.colours.primaries)
        if alpha:
            unit = np.concatenate([unit, share], 2)
        return Image.fromarray(np.rint(255 * unit).astype(np.uint8))


def _numbers(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def _top(tags: Any, bits: int, kind: int, largest: float) -> float:
    """The value of white: by the file's tags, where they name a bit depth, or by its bits."""
    for tag in (Tag.MAX_SAMPLE_ANY, Tag.MAX_SAMPLE):
        declared = float(max(_numbers(tags.get(tag, 0))))
        if declared >= max(largest, 1) and np.log2(declared + 1).is_integer():
            return declared
    if kind == FLOAT:
        return 1.0
    if kind == SIGNED:
        return 2.0 ** (bits - 1) - 1
    if bits < 16:  # OpenCV puts 10, 12 and 14 bits in the upper ones of 16
        return float(((1 << bits) - 1) << (16 - bits))
    return 2.0**bits - 1


def check_range(values: np.ndarray, top: float) -> None:
    """Checks that the samples of a deep picture use the range that the file says they have.

    Args:
        values: the samples of colour.
        top: the value of white.

    Raises:
        InputError: some are not finite, negative or too large, or all are far below ``top``.
    """
    advice = "save it with the full range, or as 8-bit PNG"
    low, high = float(values.min()), float(values.max())
    if not np.isfinite([low, high]).all():
        raise InputError(f"has samples that are not finite numbers; {advice}")
    if low < (1 - OVER) * top or high > OVER * top:
        raise InputError(
            f"has samples from {low:g} to {high:g}, beyond the range 0 … {top:g} of its format; "
            + advice
        )
    if high < DARK * top:
        raise InputError(
            f"has samples up to {high:g} only, in a range of 0 … {top:g}; if it has fewer bits "
            f"than its format, {advice}"
        )


def _opencv(data: bytes) -> np.ndarray:
    """(H, W) or (H, W, 3 or 4) samples as stored, RGB(A); a TIFF upright."""
    before = cv2.utils.logging.setLogLevel(0)
    try:
        values = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        values = None
    finally:
        cv2.utils.logging.setLogLevel(before)
    if values is None:
        raise InputError("has more than 8 bits in a form that cannot be read; save it as 8-bit PNG")
    if values.ndim == 3 and values.shape[2] in (3, 4):
        values = values[..., [2, 1, 0, 3][: values.shape[2]]]
    return np.asarray(values)


def _colours(picture: Image.Image, data: bytes) -> Colours:
    """What a picture without an ICC profile says of its colours; sRGB where it says nothing."""
    if picture.format == "PNG":
        coded = next((body for name, body in png_chunks(data) if name == b"cICP"), None)
        if coded is not None:
            if coded[3] == 0:
                raise InputError("has samples of narrow range (cICP); save it with the full range")
            return coded_colours(coded[0], coded[1])
        if "srgb" in picture.info:
            return SRGB
        gamma = picture.info.get("gamma")
        curve = None if not gamma or abs(gamma - 1 / 2.2) < 0.005 else 1 / gamma
        return named_colours(picture.info.get("chromaticity", SRGB.primaries), curve)
    if picture.format == "AVIF" and (place := data.find(b"colrnclx", 0, 65536)) >= 0:
        code = [int.from_bytes(data[place + k : place + k + 2], "big") for k in (8, 10)]
        return coded_colours(*code)
    return ADOBE_RGB if says_adobe_rgb(picture) else SRGB


def says_adobe_rgb(picture: Image.Image) -> bool:
    """Whether the EXIF of a camera says that the colours are those of Adobe RGB.

    Args:
        picture: the picture, opened.

    Returns:
        True for the interoperability index R03 of the DCF option file.
    """
    exif = picture.getexif()
    if ExifTags.IFD.Interop not in exif.get_ifd(ExifTags.IFD.Exif):
        return False
    return exif.get_ifd(ExifTags.IFD.Interop).get(ExifTags.Interop.InteropIndex) == "R03"


def to_srgb(picture: Image.Image, colours: Colours, *, deep: bool, where: str) -> np.ndarray:
    """Converts a picture of 8 bits to sRGB; transparent parts become white.

    Args:
        picture: in any of Pillow's modes of 8 bits, with ``info``.
        colours: its colours, where it has no ICC profile.
        deep: whether it had more than 8 bits.
        where: its name, for the note on a profile that cannot be used.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        InputError: its colours cannot be converted.
    """
    profile = picture.info.get("icc_profile")
    alpha = None
    if picture.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in picture.info:
        alpha = picture.convert("RGBA").getchannel("A")
        grey = picture.mode in ("L", "LA", "La")
        picture = picture.convert("RGBA").convert("RGB")
        picture = picture.convert("L") if grey else picture
    elif picture.mode == "1":
        picture = picture.convert("L")
    elif picture.mode not in ("L", "RGB", "CMYK", "LAB"):
        picture = picture.convert("RGB")
    if profile:
        try:
            picture = by_profile(picture, profile, rounded=deep)
        except InputError:
            raise
        except ValueError as error:
            note(f"{where}: its colour profile {error}; it is read as sRGB")
    elif colours != SRGB:
        picture = by_primaries(by_curve(picture, colours.gamma).convert("RGB"), colours.primaries)
    picture = picture.convert("RGB")
    if alpha is not None:
        white = Image.new("RGB", picture.size, (255, 255, 255))
        picture = Image.composite(picture, white, alpha)
    return np.ascontiguousarray(picture)

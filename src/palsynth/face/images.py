"""Reading photos as upright 8-bit sRGB, and writing pictures to disk atomically."""

from __future__ import annotations

import io
import json
import math
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo

from palsynth.documents import parse_json
from palsynth.errors import InputError
from palsynth.face.clips import inspect_clip
from palsynth.face.containers import DAMAGED
from palsynth.face.decoding import Opened, to_srgb
from palsynth.face.label import KEYWORD, DigitalSource, label, recorded
from palsynth.files import atomic_write
from palsynth.folders import list_files
from palsynth.guards import guard

SYNTHETIC = "synthetic image made by palsynth; for research and teaching, not a medical device"

NOT_MADE = {
    "Description": "not generated: pictures that palsynth was given, copied, aligned or combined"
}
"""Text chunk of a picture that palsynth wrote but did not generate: a copy, an aligned photo, a
composite of photos. Until 0.2 it was "unchanged copy of a picture, written by palsynth for
comparison"; what palsynth wrote is recognised by ``Software`` alone."""

SHOWS_INPUT = {
    "Description": "shows pictures that palsynth was given; treat it as they are treated",
    **label(DigitalSource.COMPOSITE),
}
"""Text chunks of a picture that shows input pictures beside generated ones."""

MAX_SIDE = 30_000
"""Largest side, pixels. A larger one is a mistake or an attack, not a photo of a face."""

MAX_PIXELS = 50_000_000
"""Pixels from which a photo is read at half its size or less: no face needs more, and memory use
grows with the number of pixels."""

MIN_SIDE = 32
"""Smallest side, pixels. Below it a face cannot be distinguished from noise."""

JPEG_QUALITY = 90

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"})


def text_chunks(record: dict[str, Any] | None, *, made: bool = True) -> dict[str, str]:
    """The text that a picture's file carries.

    Args:
        record: how the picture was generated, JSON-serialisable; None if it was not generated.
        made: whether the record is written too; a copy has the label alone, if it has one.

    Returns:
        Text by keyword, for :func:`write_png` and :func:`write_jpeg`, with the label of the
        record's ``digital_source_type`` (:mod:`palsynth.face.label`).
    """
    if record is None:
        return NOT_MADE
    text = {"palsynth:provenance": json.dumps(record, sort_keys=True)} if made else NOT_MADE
    return {**text, **label(recorded(record))}


def read_image(path: Path) -> np.ndarray:
    """Reads a photo as (H, W, 3) uint8 sRGB, upright.

    EXIF rotation is applied; pictures of other depths and colours become 8-bit sRGB, by their ICC
    profile or what else the file says (:mod:`palsynth.face.decoding`); transparency becomes white;
    the first frame of an animation is used; a photo of more than ``MAX_PIXELS`` is reduced. Within
    a command the file is protected from being overwritten.

    Args:
        path: the photo, in any format that Pillow reads, or a TIFF that OpenCV reads.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        InputError: the file is not a usable photo; the message gives the reason in one line.
    """
    try:
        if not path.exists():
            raise InputError("no such file")
        if path.is_dir():
            raise InputError("is a folder; give a picture")
        if not path.is_file():
            raise InputError("is not a file")
        image = _read(path)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    except UnidentifiedImageError:
        raise InputError(f"{path}: {_not_a_picture(path)}") from None
    except Image.DecompressionBombError:
        raise InputError(
            f"{path}: the picture is too large; reduce it below 178 megapixels"
        ) from None
    except PermissionError:
        raise InputError(f"{path}: permission denied; check the permissions of the file") from None
    except DAMAGED as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"{path}: the picture is damaged ({reason}); save it again") from None
    if (current := guard()) is not None:
        current.protect(path)
    return image


def _not_a_picture(path: Path) -> str:
    """Why Pillow finds no picture in a file."""
    try:
        inspect_clip(path)
    except InputError:
        return "is not a picture in a known format; use PNG or JPEG"
    return "is a clip, not a picture; palsynth data import --frames peak imports pictures of clips"


def _read(path: Path) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        opened = Opened(path)
        _check_size(opened.size)
        picture = ImageOps.exif_transpose(_bounded(opened.decode()))
        return to_srgb(picture, opened.colours, deep=opened.deep, where=str(path))


def is_reduced(path: Path) -> bool:
    """Whether :func:`read_image` reduces a photo, as it has more than ``MAX_PIXELS``.

    Args:
        path: the photo.

    Returns:
        True if :func:`read_image` gives fewer pixels than the file holds.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        width, height = Opened(path).size
        return width * height > MAX_PIXELS


def _check_size(size: tuple[int, int]) -> None:
    pixels = f"{size[0]} x {size[1]} px"
    if max(size) > MAX_SIDE:
        raise InputError(f"{pixels} is too large; reduce it below {MAX_SIDE} px per side")
    if min(size) < MIN_SIDE:
        raise InputError(
            f"{pixels} is too small for a face; at least {MIN_SIDE} px per side are needed"
        )


def _bounded(picture: Image.Image) -> Image.Image:
    """The picture, reduced by an integer factor to at most MOST_PIXELS: each pixel is a mean."""
    width, height = picture.size
    factor = math.ceil(math.sqrt(width * height / MAX_PIXELS))
    if factor == 1:
        return picture
    picture.draft(None, (width // factor, height // factor))  # JPEG can be halved in decoding
    picture.load()  # rotates a TIFF upright, which has its final size only afterwards
    factor = math.ceil(math.sqrt(picture.size[0] * picture.size[1] / MAX_PIXELS))
    info = picture.info
    if picture.mode in ("1", "P", "PA"):  # palette indices cannot be averaged
        picture = picture.convert(
            "RGBA" if "transparency" in info or "A" in picture.mode else "RGB"
        )
    reduced = picture.reduce(factor)
    reduced.info = info
    return reduced


def write_png(path: Path, image: np.ndarray, **text: str) -> None:
    """Writes a picture as PNG, atomically.

    Text chunks label the file as synthetic and made by palsynth.

    Args:
        path: the file, whose name ends in ``.png``; its folder is created.
        image: (H, W, 3) uint8 RGB.
        text: further text chunks, or others in place of ``Software`` and ``Description``, such as
            those of :func:`text_chunks`.

    Raises:
        InputError: the file cannot be written or is not named ``.png``; within a command also
            where it is one that the command reads, or would replace a file that palsynth did not
            write without ``--force``.
    """
    if path.suffix.lower() != ".png":
        raise InputError(f"{path}: pictures are written as PNG; give a name that ends in .png")
    _check(path)
    info = _png_info({"Software": "palsynth", "Description": SYNTHETIC, **text})
    with atomic_write(path) as temporary:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            Image.fromarray(image).save(file, "PNG", pnginfo=info, compress_level=4)


def _png_info(text: dict[str, str]) -> PngInfo:
    info = PngInfo()
    for key, value in text.items():
        if key == KEYWORD:  # as the XMP specification says
            info.add_itxt(key, value)
        else:
            info.add_text(key, value)
    return info


def write_jpeg(path: Path, image: np.ndarray, **text: str) -> None:
    """Writes a picture as JPEG, atomically, for pages with many pictures.

    EXIF labels the file as synthetic and made by palsynth.

    Args:
        path: the file; its folder is created.
        image: (H, W, 3) uint8 RGB.
        text: further text, written as JSON in the comment, but for the label, which is XMP.

    Raises:
        InputError: as for :func:`write_png`, but for any name.
    """
    _check(path)
    exif = Image.Exif()
    exif[ExifTags.Base.Software], exif[ExifTags.Base.ImageDescription] = "palsynth", SYNTHETIC
    xmp = text.pop(KEYWORD, "")
    with atomic_write(path) as temporary:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            Image.fromarray(image).save(
                file,
                "JPEG",
                quality=JPEG_QUALITY,
                subsampling=0,
                exif=exif,
                xmp=xmp.encode(),
                comment=json.dumps(text, sort_keys=True),
            )


def _check(path: Path) -> None:
    """Raises InputError where a command must not replace the file at ``path``."""
    if (current := guard()) is not None:
        current.check(path)
        if not current.force:
            check_replaceable(path)


def check_replaceable(path: Path) -> None:
    """Checks that a path may be replaced by a new picture or clip.

    Args:
        path: the file to be written.

    Raises:
        InputError: a file exists that is no picture or clip written by palsynth.
    """
    if not path.is_file():
        return
    if _software(path) != "palsynth":
        raise InputError(
            f"{path}: is there already and was not written by palsynth; give another name, or "
            "--force"
        )


def _software(path: Path) -> object:
    """What wrote a picture or clip, as the file says; None where it says nothing."""
    try:
        comment = inspect_clip(path).comment
    except InputError:  # a picture, or none
        comment = ""
    try:
        if comment:
            return parse_json(comment, path).get("Software")
        with Image.open(path) as picture:
            return picture.info.get("Software") or picture.getexif().get(ExifTags.Base.Software)
    except (
        *(InputError, OSError, SyntaxError, ValueError, AttributeError),
        Image.DecompressionBombError,
    ):
        return None


def png_bytes(image: np.ndarray, **text: str) -> bytes:
    """Encodes a picture as PNG for a web page.

    Args:
        image: (H, W, 3) uint8 RGB.
        text: text chunks.

    Returns:
        The bytes of the PNG.
    """
    data = io.BytesIO()
    Image.fromarray(image).save(data, "PNG", pnginfo=_png_info(text), compress_level=4)
    return data.getvalue()


def list_images(folder: Path) -> list[Path]:
    """Lists the pictures in a folder and its subfolders, as :mod:`palsynth.folders` does.

    Args:
        folder: the folder.

    Returns:
        The files with one of :data:`SUFFIXES`, sorted; at least one.

    Raises:
        InputError: the folder does not exist or has no pictures.
    """
    found = list_files(folder, SUFFIXES)
    if not found:
        raise InputError(f"{folder}: no pictures in it ({', '.join(sorted(SUFFIXES))})")
    return found

"""Pictures in and out: any photo to upright 8-bit RGB, and back to disk whole or not at all."""

from __future__ import annotations

import io
import json
import math
import warnings
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo

from palsynth.errors import InputError
from palsynth.files import atomic_write, guard

SYNTHETIC = "synthetic image made by palsynth; for research and teaching, not a medical device"

NOT_MADE = {"Description": "unchanged copy of a picture, written by palsynth for comparison"}
"""Text chunk of a picture that palsynth has written but not made."""

SHOWS_INPUT = {
    "Description": "shows pictures that palsynth was given; treat it as they are treated"
}
"""Text chunk of a picture that shows the input beside what was made."""

LARGEST_SIDE = 30_000
"""Pixels. A larger side is a mistake or an attack, not a photo of a face."""

MOST_PIXELS = 50_000_000
"""A photo of more pixels is read at a half of its size or less: no face needs more, and what
follows takes memory by the pixel."""

SMALLEST_SIDE = 32
"""Pixels. Below this no face can be told from noise."""

JPEG_QUALITY = 90

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"})


def read_image(path: Path) -> np.ndarray:
    """Reads a photo as (H, W, 3) uint8 RGB, upright.

    EXIF rotation is applied; grey, palette, CMYK, 16-bit and transparent pictures are
    converted (transparency onto white); of an animation the first frame is taken; a photo of more
    than MOST_PIXELS is reduced. The command that reads it may not write over it.
    Raises InputError with one line for everything that is not a usable photo.
    """
    try:
        if not path.exists():
            raise InputError(f"{path}: no such file")
        if path.is_dir():
            raise InputError(f"{path}: is a folder; name a picture")
        if not path.is_file():
            raise InputError(f"{path}: is not a file")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path) as picture:
                _check_size(path, picture.size)
                picture.seek(0)
                image = _to_rgb(ImageOps.exif_transpose(_bounded(picture)))
        if (current := guard()) is not None:
            current.protect(path)
        return image
    except InputError:
        raise
    except UnidentifiedImageError:
        raise InputError(f"{path}: not a picture that can be read; use PNG or JPEG") from None
    except Image.DecompressionBombError:
        raise InputError(
            f"{path}: the picture is too large; reduce it below 178 megapixels"
        ) from None
    except PermissionError:
        raise InputError(f"{path}: may not be read; check its permissions") from None
    except (OSError, SyntaxError, ValueError, EOFError, NotImplementedError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"{path}: the picture is damaged ({reason}); save it anew") from None


def is_reduced(path: Path) -> bool:
    """Whether :func:`read_image` reads a photo smaller than it is."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(path) as picture:
            return picture.size[0] * picture.size[1] > MOST_PIXELS


def _check_size(path: Path, size: tuple[int, int]) -> None:
    pixels = f"{size[0]} x {size[1]} px"
    if max(size) > LARGEST_SIDE:
        raise InputError(f"{path}: {pixels} is too large; reduce it below {LARGEST_SIDE} px a side")
    if min(size) < SMALLEST_SIDE:
        raise InputError(
            f"{path}: {pixels} is too small for a face; at least {SMALLEST_SIDE} px a side"
        )


def _bounded(picture: Image.Image) -> Image.Image:
    """A picture of MOST_PIXELS at most, reduced by a whole number: each pixel is a mean."""
    width, height = picture.size
    by = math.ceil(math.sqrt(width * height / MOST_PIXELS))
    if by == 1:
        return picture
    picture.draft(None, (width // by, height // by))  # a JPEG decoder can halve on its way
    picture.load()  # a TIFF is turned upright here, and has its true size after that
    by = math.ceil(math.sqrt(picture.size[0] * picture.size[1] / MOST_PIXELS))
    info = picture.info
    if picture.mode in ("1", "P", "PA"):  # numbers of colours have no mean
        picture = picture.convert(
            "RGBA" if "transparency" in info or "A" in picture.mode else "RGB"
        )
    elif picture.mode.startswith("I;"):
        picture = picture.convert("I")
    reduced = picture.reduce(by)
    reduced.info = info
    return reduced


def _to_rgb(picture: Image.Image) -> np.ndarray:
    if picture.mode.startswith("I") or picture.mode == "F":  # 16 or 32 bits of grey
        values = np.asarray(picture, np.float64)
        top = 65535.0 if values.max() > 255 else 255.0
        grey = np.clip(values * 255 / top, 0, 255).astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=2)
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        layered = picture.convert("RGBA")
        white = Image.new("RGBA", layered.size, (255, 255, 255, 255))
        picture = Image.alpha_composite(white, layered)
    return np.ascontiguousarray(picture.convert("RGB"))


def write_png(path: Path, image: np.ndarray, **text: str) -> None:
    """Writes (H, W, 3) uint8 RGB as PNG, whole or not at all.

    The file says that it is synthetic; ``text`` adds further text chunks. Raises InputError
    where the place cannot be written or is not called ``.png``, and within a command where it
    would replace a picture that palsynth did not make.
    """
    if path.suffix.lower() != ".png":
        raise InputError(f"{path}: pictures are written as PNG; give a name that ends in .png")
    _check(path)
    info = PngInfo()
    for key, value in {"Software": "palsynth", "Description": SYNTHETIC, **text}.items():
        info.add_text(key, value)
    with atomic_write(path) as temporary:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            Image.fromarray(image).save(file, "PNG", pnginfo=info, compress_level=4)


def write_jpeg(path: Path, image: np.ndarray, **text: str) -> None:
    """Writes (H, W, 3) uint8 RGB as JPEG, for pages that hold many pictures; otherwise as
    :func:`write_png` does, with ``text`` as JSON in the comment."""
    _check(path)
    exif = Image.Exif()
    exif[ExifTags.Base.Software], exif[ExifTags.Base.ImageDescription] = "palsynth", SYNTHETIC
    with atomic_write(path) as temporary:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            Image.fromarray(image).save(
                file, "JPEG", quality=JPEG_QUALITY, subsampling=0, exif=exif,
                comment=json.dumps(text, sort_keys=True),
            )  # fmt: skip


def _check(path: Path) -> None:
    """Raises InputError where a command must not replace what lies at ``path``."""
    if (current := guard()) is not None:
        current.check(path)
        if not current.force:
            check_replaceable(path)


def check_replaceable(path: Path) -> None:
    """Raises InputError where a file lies at ``path`` that is no picture written by palsynth."""
    if not path.is_file():
        return
    try:
        with Image.open(path) as picture:
            known = picture.info.get("Software") or picture.getexif().get(ExifTags.Base.Software)
            ours = known == "palsynth"
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        ours = False
    if not ours:
        raise InputError(
            f"{path}: is there already and was not written by palsynth; give another name, or "
            "--force"
        )


def png_bytes(image: np.ndarray) -> bytes:
    """(H, W, 3) uint8 RGB as the bytes of a PNG, for a page; nothing says how it was made."""
    data = io.BytesIO()
    Image.fromarray(image).save(data, "PNG", compress_level=4)
    return data.getvalue()


def list_images(folder: Path) -> list[Path]:
    """All pictures below a folder, sorted. Raises InputError where there are none."""
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder")
    found = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
    if not found:
        raise InputError(f"{folder}: no pictures in it ({', '.join(sorted(SUFFIXES))})")
    return found

"""Takes uploads: pictures are decoded and written anew, so that nothing but their pixels is kept;
clips are kept as they are, if they can be read."""

from __future__ import annotations

import asyncio
import re
import warnings
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import Message, Receive

from palsynth.app import clips
from palsynth.app.sessions import Sessions
from palsynth.errors import InputError
from palsynth.face.containers import DAMAGED
from palsynth.face.images import SHOWS_INPUT, png_bytes, read_image

FILE_BYTES = 32 << 20
"""Largest picture."""

MAX_FILES = 24
"""Most pictures at a time: a patient has ten movements, and some are repeated."""

TOTAL_BYTES = 128 << 20
"""Most bytes at a time."""

MAX_PIXELS = 50_000_000
"""Most pixels of a picture."""

SIDE = 2048
"""Longer side, pixels, to which pictures are reduced: a face needs no more, and a page is slow with
more."""

SECONDS = 300.0
"""Time in which an upload must arrive."""

FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP")
"""What is decoded."""

REFUSED = ".refused.png"
"""How the name of a file ends that stands for one of several that was refused; it says why."""

_AT_ONCE = 2


class Uploads:
    """The address that a page sends its files to.

    Args:
        sessions: where they are kept.
    """

    def __init__(self, sessions: Sessions) -> None:
        self.sessions = sessions
        self._turn = asyncio.Semaphore(_AT_ONCE)  # decoding takes memory

    async def save(self, request: Request) -> Response:
        """Stores the pictures and clips of a form.

        Args:
            request: the request, with files as multipart form data.

        Returns:
            JSON with one path a file, or one line that says why nothing is kept. Of several files,
            one that cannot be used is kept as the reason (:data:`REFUSED`).
        """
        announced = request.headers.get("content-length", "")
        if announced.isdecimal() and int(announced) > TOTAL_BYTES:
            return _refusal(413, _too_large())
        counted = Request(request.scope, _counted(request.receive))
        try:
            async with asyncio.timeout(SECONDS):
                async with counted.form(max_files=MAX_FILES, max_fields=MAX_FILES) as form:
                    files = [f for _, f in form.multi_items() if isinstance(f, UploadFile)]
                    if not files:
                        return _refusal(400, "There is no file in what was sent.")
                    return JSONResponse(await self._stored(files))
        except TimeoutError:
            return _refusal(408, "The upload took too long. Please try again.")
        except _TooLarge:
            return _refusal(413, _too_large())
        except InputError as error:
            return _refusal(400, str(error))
        except ClientDisconnect:
            return Response(status_code=400)
        except Exception as error:
            if not (isinstance(error, MultiPartException) or hasattr(error, "status_code")):
                raise
            return _refusal(400, f"At most {MAX_FILES} pictures can be sent at a time.")

    async def _stored(self, files: list[UploadFile]) -> list[str]:
        paths = []
        for file in files:
            name = Path((file.filename or "").replace("\\", "/")).name[:100] or "the file"
            folder = self.sessions.upload_folder()
            ending = Path(name).suffix.lower()
            is_clip = ending in clips.ENDINGS
            target = folder / f"{safe_name(name)}{ending if is_clip else '.png'}"
            most, what = (clips.FILE_BYTES, "clip") if is_clip else (FILE_BYTES, "picture")
            try:
                if (file.size or 0) > most:
                    raise InputError(f"has more than {most >> 20} MB; send a smaller {what}")
                raw = target if is_clip else folder / "raw"
                async with self._turn:
                    await run_in_threadpool(raw.write_bytes, await file.read())
                    if is_clip:
                        await run_in_threadpool(_check_clip, raw)
                    else:
                        await run_in_threadpool(_write_pixels, raw, target)
            except InputError as error:
                if len(files) == 1:
                    raise InputError(f"{name}: {error}") from None
                target = target.with_name(target.stem + REFUSED)
                target.write_text(f"{name}: {error}", "utf-8")
            paths.append(str(target))
        return paths


def safe_name(name: str) -> str:
    """The name under which an upload is kept: one that says the movement, and leads nowhere.

    Args:
        name: the name of the file at the visitor's.

    Returns:
        Lower-case letters, digits and hyphens of its stem, 60 at most.

    Example:
        >>> safe_name("../Close_Eyes Lightly (2).JPG")
        'close-eyes-lightly-2'
    """
    stem = Path(name.replace("\\", "/")).stem.lower()
    return re.sub(r"[^a-z0-9]+", "-", stem).strip("-")[:60].strip("-") or "picture"


def read_upload(path: Path) -> np.ndarray:
    """Reads an uploaded file as a picture.

    Args:
        path: the file, of any content.

    Returns:
        (H, W, 3) uint8 RGB, upright, :data:`SIDE` pixels a side at most.

    Raises:
        InputError: it is no picture in one of :data:`FORMATS`, or has too many pixels; the message
            does not name the file.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path, formats=FORMATS) as picture:
                width, height = picture.size
    except UnidentifiedImageError:
        raise InputError(
            "is not a picture in JPEG, PNG, WebP, TIFF or BMP; save it as JPEG"
        ) from None
    except Image.DecompressionBombError:
        width = height = MAX_PIXELS
    except DAMAGED:
        raise InputError("is damaged; save it again") from None
    if width * height > MAX_PIXELS:
        most = MAX_PIXELS // 1_000_000
        raise InputError(f"has more than {most} megapixels; send a smaller picture")
    try:
        image = read_image(path)
    except InputError as error:
        raise InputError(str(error).removeprefix(f"{path}: ")) from None
    scale = SIDE / max(image.shape[:2])
    if scale >= 1:
        return image
    size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA))


def _write_pixels(raw: Path, target: Path) -> None:
    try:
        target.write_bytes(png_bytes(read_upload(raw), **SHOWS_INPUT))
    finally:
        raw.unlink(missing_ok=True)


def _check_clip(path: Path) -> None:
    try:
        clips.check_clip(path)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


class _TooLarge(Exception):
    """More has arrived than may be sent."""


def _counted(receive: Receive) -> Receive:
    """Receives a body until it is too large."""
    total = 0

    async def received() -> Message:
        nonlocal total
        message = await receive()
        total += len(message.get("body", b""))
        if total > TOTAL_BYTES:
            raise _TooLarge
        return message

    return received


def _too_large() -> str:
    return f"More than {TOTAL_BYTES >> 20} MB were sent; send fewer or smaller pictures."


def _refusal(status: int, text: str) -> Response:
    headers = {"Connection": "close"} if status in (408, 413) else None  # the rest is not read
    return PlainTextResponse(text, status, headers)

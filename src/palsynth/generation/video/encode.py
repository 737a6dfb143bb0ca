"""Encodes frames as VP9, AV1 or H.264 in WebM or MP4, by PyAV."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from palsynth.errors import InputError
from palsynth.face.clips import matroska, mp4
from palsynth.face.label import VOCABULARY, newscode
from palsynth.generation.video.formats import Codec, encoder_name, load_av

QUALITY: dict[str, dict[str, str]] = {
    "libvpx-vp9": {"crf": "24", "b": "0", "deadline": "good", "cpu-used": "4", "row-mt": "0"},
    "libsvtav1": {"crf": "20", "preset": "8", "svtav1-params": "lp=1"},
    "libx264": {"crf": "16", "preset": "medium", "x264-params": "mbtree=0"},
    "libopenh264": {"b": "8000000"},
}
"""Options of the encoders: faces at 512 px look as they did, at about 25 kB a second. One thread
each, since more may give other bytes; so may x264's macroblock tree, which reads memory that it did
not write: after clips in other formats, up to a quarter of the clips differed."""

BT709, LIMITED, FULL = 1, 1, 2
"""Numbers of ITU-T H.273 for the primaries, curve and matrix, and FFmpeg's for the ranges."""


def encode(
    path: Path,
    temporary: Path,
    frames: Iterable[np.ndarray],
    rate: Fraction,
    codec: Codec,
    tags: Mapping[str, str],
    packet: str,
) -> None:
    """Encodes frames into a file, with its label.

    Args:
        path: the clip, for error messages.
        temporary: the file to write to, which ends in ``.webm`` or ``.mp4``.
        frames: (H, W, 3) uint8 RGB each, all of one size.
        rate: frames a second.
        codec: how they are coded.
        tags: texts of the file, by their names in containers.
        packet: XMP of the file; empty where it has no label.

    Raises:
        InputError: PyAV is missing or its encoder refuses the frames.
    """
    av = load_av(path)
    name = encoder_name(av, codec, path)
    os.environ.setdefault("SVT_LOG", "1")  # its errors alone
    is_mp4 = temporary.suffix.lower() == ".mp4"
    options = {"fflags": "+bitexact", **({"movflags": "+faststart"} if is_mp4 else {})}
    try:
        with av.open(str(temporary), "w", options=options) as container:
            container.metadata.update(_tags(tags, packet, is_mp4))
            stream = None
            for number, frame in enumerate(frames):
                if stream is None:
                    stream = _stream(container, name, rate, frame)
                picture = _picture(av, frame)
                picture.pts, picture.time_base = number, 1 / rate
                container.mux(stream.encode(picture))
            assert stream is not None  # there is a frame
            container.mux(stream.encode())
    except av.error.FFmpegError as error:
        if error.errno is not None and isinstance(error, OSError) and error.filename:
            raise InputError(f"{path}: cannot be written ({error.strerror})") from None
        raise InputError(f"{path}: {codec} cannot encode it ({error}); choose another") from None
    if is_mp4 and packet:
        with temporary.open("ab") as file:
            file.write(mp4.xmp_box(packet))


def _tags(tags: Mapping[str, str], packet: str, is_mp4: bool) -> dict[str, str]:
    """Text of the container; an MP4 has a box for its XMP, Matroska tags for all."""
    if is_mp4 or not packet:
        return dict(tags)
    code = newscode(packet)
    return {**tags, matroska.XMP: packet, matroska.SOURCE_TYPE: f"{VOCABULARY}{code}"}


def _stream(container: Any, name: str, rate: Fraction, frame: np.ndarray) -> Any:
    """A stream of the frames' size, made even, that says its colours and has one thread."""
    stream = container.add_stream(name, rate=rate, options=QUALITY[name])
    height, width = frame.shape[:2]
    stream.width, stream.height = width + width % 2, height + height % 2
    stream.pix_fmt = "yuv420p"
    context = stream.codec_context
    context.time_base = 1 / rate
    context.thread_count = 1
    context.color_primaries = context.color_trc = context.colorspace = BT709
    context.color_range = LIMITED
    return stream


def _picture(av: Any, frame: np.ndarray) -> Any:
    """A frame as YUV with half the colours' resolution, of an even size."""
    height, width = frame.shape[:2]
    if height % 2 or width % 2:
        frame = np.pad(frame, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    how = av.video.reformatter.Interpolation
    picture = av.VideoFrame.from_ndarray(frame, format="rgb24").reformat(
        format="yuv420p",
        dst_colorspace=BT709,
        src_color_range=FULL,
        dst_color_range=LIMITED,
        interpolation=how.BICUBIC | how.ACCURATE_RND | how.BITEXACT,  # else it darkens
    )
    picture.colorspace, picture.color_range = BT709, LIMITED
    return picture

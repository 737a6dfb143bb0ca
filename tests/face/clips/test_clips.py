"""What containers of clips say, ours and those of other programs."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest

from palsynth.errors import InputError
from palsynth.face.clips import ClipFile, inspect_clip
from palsynth.face.clips.mp4 import xmp_box
from palsynth.face.images import text_chunks
from palsynth.face.label import VOCABULARY, DigitalSource, digital_source, xmp_packet
from palsynth.generation.video import write_clip
from tests.generation.video.moving import moving

TEXT = text_chunks({"seed": 7, "digital_source_type": "compositeWithTrainedAlgorithmicMedia"})


def element(name: str, body: bytes, *, known: bool = True) -> bytes:
    """An element of Matroska."""
    size = struct.pack(">Q", len(body) | 1 << 56) if known else b"\x01" + b"\xff" * 7
    return bytes.fromhex(name) + size + body


def tag(name: str, value: str) -> bytes:
    """A tag of Matroska."""
    return element("67C8", element("45A3", name.encode()) + element("4487", value.encode()))


@pytest.mark.parametrize("known", [True, False])
def test_a_matroska_of_another_program(known: bool, tmp_path: Path) -> None:
    path = tmp_path / "other.mkv"
    colours = element("E0", element("55B0", element("55BA", b"\x10")))
    video = element("AE", element("83", b"\x01") + element("86", b"V_TEST") + colours)
    audio = element("AE", element("83", b"\x02") + element("86", b"A_TEST"))
    address = f"{VOCABULARY}trainedAlgorithmicMedia"
    tags = element("7373", tag("TITLE", "x") + tag("DIGITAL_SOURCE_TYPE", address))
    body = element("1654AE6B", video + audio) + element("1254C367", tags)
    data = element("1A45DFA3", b"") + element("18538067", body, known=known)
    path.write_bytes(data)
    found = inspect_clip(path)
    assert (found.kind, found.video, found.audio) == ("Matroska", ("V_TEST",), True)
    assert (found.transfer, found.cut_short) == (16, False)
    assert digital_source(path) is DigitalSource.TRAINED
    path.write_bytes(data[:-3])
    assert inspect_clip(path).cut_short is known


def test_xmp_of_another_program_in_an_mp4(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    write_clip(path, moving(2), 25, text={})
    assert digital_source(path) is None
    with path.open("ab") as file:
        file.write(struct.pack(">I4sQ", 1, b"free", 16))  # of the long form
        file.write(xmp_box(xmp_packet("algorithmicMedia")))
    assert digital_source(path) is DigitalSource.ALGORITHMIC
    assert inspect_clip(path).video == ("vp09",)


def test_a_film_is_not_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    with path.open("wb") as file:
        file.write(struct.pack(">I4s4sI", 16, b"ftyp", b"isom", 0))
        file.write(struct.pack(">I4sQ", 1, b"mdat", 1 << 40))
        file.seek((1 << 40) - 16, os.SEEK_CUR)
        file.write(xmp_box(xmp_packet(DigitalSource.TRAINED)))
    assert path.stat().st_blocks * 512 < 1 << 20, "a hole in place of frames"
    assert digital_source(path) is DigitalSource.TRAINED


def test_boxes_within_boxes_end(tmp_path: Path) -> None:
    body = b""
    for _ in range(2000):
        body = struct.pack(">I4s", 8 + len(body), b"udta") + body
    path = tmp_path / "deep.mp4"
    path.write_bytes(struct.pack(">I4s", 8 + len(body), b"moov") + body)
    assert inspect_clip(path) == ClipFile("MP4")


def test_a_damaged_clip_has_no_label(tmp_path: Path) -> None:
    for name in ("clip.webm", "clip.mp4", "clip.gif"):
        path = tmp_path / name
        write_clip(path, moving(2), 25, text=TEXT)
        data = path.read_bytes()
        assert digital_source(path) is DigitalSource.COMPOSITE
        for length in (1, 5, 12, 60):
            path.write_bytes(data[:length])
            assert digital_source(path) is None
        rng = np.random.default_rng(0)
        for _ in range(60):
            changed = bytearray(data)
            for place in rng.integers(0, len(data), 20):
                changed[place] = rng.integers(256)
            path.write_bytes(changed)
            with contextlib.suppress(InputError):
                inspect_clip(path)


@pytest.mark.skipif(shutil.which("exiftool") is None, reason="exiftool is not installed")
@pytest.mark.parametrize("name", ["clip.webm", "clip.mp4", "clip.gif"])
def test_exiftool_reads_the_label(name: str, tmp_path: Path) -> None:
    write_clip(tmp_path / name, moving(2), 25, text=TEXT)
    words = ["exiftool", "-json", "-DigitalSourceType", "-Comment", "-Warning", "-Error"]
    (said,) = json.loads(subprocess.check_output([*words, str(tmp_path / name)]))
    assert said["DigitalSourceType"] == f"{VOCABULARY}compositeWithTrainedAlgorithmicMedia"
    assert json.loads(said["Comment"])["Software"] == "palsynth"
    assert not {"Warning", "Error"} & set(said)


def test_quicktime_names_the_handler_of_the_data_too(tmp_path: Path) -> None:
    def box(kind: bytes, *body: bytes) -> bytes:
        return struct.pack(">I4s", 8 + sum(map(len, body)), kind) + b"".join(body)

    def track(medium: bytes, codec: bytes) -> bytes:
        data = box(b"hdlr", bytes(4), b"dhlrurl ", bytes(12))
        entries = box(b"stbl", box(b"stsd", bytes(8), box(codec, bytes(78))))
        media = box(b"hdlr", bytes(4), b"mhlr" + medium, bytes(12))
        return box(b"trak", box(b"mdia", media, box(b"minf", data, entries)))

    path = tmp_path / "phone.mov"
    tracks = track(b"vide", b"hvc1") + track(b"soun", b"mp4a")
    path.write_bytes(box(b"ftyp", b"qt  ", bytes(4)) + box(b"moov", tracks))
    found = inspect_clip(path)
    assert found.video == ("hvc1",)
    assert found.audio

"""Clips are written whole or not at all, always with the same bytes, colours and labels."""

from __future__ import annotations

import json
import subprocess
import sys
import weakref
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from palsynth.data.clips import read_clip
from palsynth.errors import InputError
from palsynth.face.clips import inspect_clip
from palsynth.face.images import NOT_MADE, read_image, text_chunks
from palsynth.face.label import DigitalSource, digital_source
from palsynth.generation.video import formats, write_clip
from palsynth.generation.video.formats import clip_format, exact_rate
from palsynth.guards import guarded
from tests.generation.video.moving import BARS, moving, psnr

RECORD = {"method": "subjects", "seed": 7, "digital_source_type": "trainedAlgorithmicMedia"}
TEXT = text_chunks(RECORD)
FORMS = [
    ("clip.webm", None),
    ("clip.mp4", None),
    ("clip.webm", "av1"),
    ("clip.mp4", "av1"),
    ("clip.mp4", "h264"),
    ("clip.gif", None),
]
IDS = ["vp9-webm", "vp9-mp4", "av1-webm", "av1-mp4", "h264-mp4", "gif"]


def decoded(path: Path) -> tuple[list[float], list[np.ndarray]]:
    """Times and frames as FFmpeg decodes them, exactly."""
    how = av.video.reformatter.Interpolation
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
    exact = how.BICUBIC | how.ACCURATE_RND | how.FULL_CHR_H_INT
    return [float(f.time) for f in frames], [
        f.to_ndarray(format="rgb24", interpolation=exact) for f in frames
    ]


@pytest.mark.parametrize(("name", "codec"), FORMS, ids=IDS)
def test_what_is_written_is_read(
    name: str, codec: formats.Codec | None, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    frames = moving()
    path = tmp_path / "new" / name
    assert write_clip(path, iter(frames), 25, text=TEXT, codec=codec) == len(frames)
    assert capfd.readouterr().err == "", "encoders say nothing of their own"
    times, found = decoded(path)
    assert times == pytest.approx([k / 25 for k in range(len(frames))])
    for image, frame in zip(found, frames, strict=True):
        assert image.shape == frame.shape
        assert psnr(image, frame) > 30, "the edges of small bars lose colour, at half resolution"
    for bar, colour in enumerate(BARS):
        at = (2 * bar + 1) * 96 // (2 * len(BARS))
        assert found[0][4, at].tolist() == pytest.approx(colour, abs=4), "colours are not shifted"
    assert digital_source(path) is DigitalSource.TRAINED
    comment = json.loads(inspect_clip(path).comment)
    assert comment["Software"] == "palsynth"
    assert "synthetic" in comment["Description"]
    assert json.loads(comment["palsynth:provenance"]) == RECORD
    assert [p.name for p in path.parent.iterdir()] == [name], "no temporary file is left"


@pytest.mark.parametrize(("name", "codec"), FORMS, ids=IDS)
def test_the_same_frames_give_the_same_bytes(
    name: str, codec: formats.Codec | None, tmp_path: Path
) -> None:
    for folder in ("a", "b"):
        write_clip(tmp_path / folder / name, moving(), 30, text=TEXT, codec=codec)
    data = (tmp_path / "a" / name).read_bytes()
    assert data == (tmp_path / "b" / name).read_bytes()
    assert b"Lavf6" not in data, "no version of the muxer"


@pytest.mark.parametrize(("name", "codec"), FORMS, ids=IDS)
def test_odd_sizes(name: str, codec: formats.Codec | None, tmp_path: Path) -> None:
    frames = moving(3, 97, 65)
    write_clip(tmp_path / name, frames, 25, text=TEXT, codec=codec)
    _, found = decoded(tmp_path / name)
    even = 0 if name.endswith("gif") else 1
    assert found[0].shape == (65 + even, 97 + even, 3)
    assert psnr(found[1][:65, :97], frames[1]) > 28


@pytest.mark.parametrize(("name", "codec"), FORMS[:-1], ids=IDS[:-1])
def test_colours_are_said(name: str, codec: formats.Codec | None, tmp_path: Path) -> None:
    write_clip(tmp_path / name, moving(3), 25, text=TEXT, codec=codec)
    with av.open(str(tmp_path / name)) as container:
        frame = next(container.decode(video=0))
    assert frame.format.name == "yuv420p"
    said = (frame.colorspace, frame.color_primaries, frame.color_trc, frame.color_range)
    assert [int(value) for value in said] == [1, 1, 1, 1], "BT.709 of limited range"
    assert inspect_clip(tmp_path / name).transfer == 1


def test_times_of_a_rate_that_is_no_whole_number(tmp_path: Path) -> None:
    write_clip(tmp_path / "clip.mp4", moving(), 29.97, text=TEXT)
    with av.open(str(tmp_path / "clip.mp4")) as container:
        assert container.streams.video[0].average_rate == Fraction(2997, 100)
    write_clip(tmp_path / "clip.gif", moving(), 30, text=TEXT)
    times, _ = decoded(tmp_path / "clip.gif")
    assert times == pytest.approx([k / 30 for k in range(12)], abs=0.0051)


def test_a_gif_repeats_and_uses_the_colours_of_later_frames(tmp_path: Path) -> None:
    frames = [np.full((40, 60, 3), (200, 150, 120), np.uint8) for _ in range(4)]
    frames[2] = frames[2].copy()
    frames[2][:20] = (30, 90, 240)
    write_clip(tmp_path / "clip.gif", frames, 10, text=TEXT)
    with Image.open(tmp_path / "clip.gif") as picture:
        assert (picture.n_frames, picture.info["loop"], picture.info["duration"]) == (4, 0, 100)
        for number, frame in enumerate(frames):
            picture.seek(number)
            off = np.abs(np.asarray(picture.convert("RGB"), int) - frame)
            assert off.max() <= 3, number


def test_a_folder_of_frames(tmp_path: Path) -> None:
    frames = moving(3)
    assert write_clip(tmp_path / "frames", frames, 25, text=TEXT) == 3
    names = sorted(path.name for path in (tmp_path / "frames").iterdir())
    assert names == ["frame-00000.png", "frame-00001.png", "frame-00002.png"]
    path = tmp_path / "frames" / names[2]
    assert (read_image(path) == frames[2]).all()
    assert digital_source(path) is DigitalSource.TRAINED
    with pytest.raises(InputError, match="frames: is not empty; give a new folder"):
        write_clip(tmp_path / "frames", frames, 25, text=TEXT)


def test_copies_carry_no_label(tmp_path: Path) -> None:
    for name in ("clip.webm", "clip.mp4", "clip.gif"):
        write_clip(tmp_path / name, moving(2), 25, text=NOT_MADE)
        assert digital_source(tmp_path / name) is None
        assert inspect_clip(tmp_path / name).xmp == b""
        assert "not generated" in inspect_clip(tmp_path / name).comment


@pytest.mark.parametrize("name", ["clip.webm", "clip.gif", "frames"])
def test_frames_are_not_kept(name: str, tmp_path: Path) -> None:
    alive: list[weakref.ref[np.ndarray]] = []
    most = 0

    def frames() -> Iterator[np.ndarray]:
        nonlocal most
        for frame in moving(30):
            copy = frame.copy()
            alive.append(weakref.ref(copy))
            yield copy
            del copy
            most = max(most, sum(ref() is not None for ref in alive))

    write_clip(tmp_path / name, frames(), 25, text=TEXT)
    assert most <= 2


@pytest.mark.parametrize("name", ["clip.webm", "clip.mp4", "clip.gif", "frames"])
def test_what_fails_midway_leaves_what_was_there(name: str, tmp_path: Path) -> None:
    class Stop(Exception):
        """Ends a clip midway."""

    def frames() -> Iterator[np.ndarray]:
        yield from moving(5)
        raise Stop

    with pytest.raises(Stop):
        write_clip(tmp_path / name, frames(), 25, text=TEXT)
    assert list(tmp_path.iterdir()) == []
    if name != "frames":
        (tmp_path / name).write_bytes(b"before")
        with pytest.raises(Stop):
            write_clip(tmp_path / name, frames(), 25, text=TEXT)
        assert [p.name for p in tmp_path.iterdir()] == [name]
        assert (tmp_path / name).read_bytes() == b"before"


def test_only_own_clips_are_replaced_by_a_command(tmp_path: Path) -> None:
    for name in ("clip.webm", "clip.mp4", "clip.gif"):
        path = tmp_path / name
        path.write_bytes(b"a clip of somebody else")
        with (
            guarded(),
            pytest.raises(InputError, match="was not written by palsynth; give another"),
        ):
            write_clip(path, moving(2), 25, text=TEXT)
        assert path.read_bytes() == b"a clip of somebody else"
        with guarded(force=True):
            write_clip(path, moving(2), 25, text=TEXT)
        with guarded():
            write_clip(path, moving(3), 25, text=TEXT)
        with guarded() as guard:
            guard.protect(path)
            with pytest.raises(InputError, match="is read by this command"):
                write_clip(path, moving(2), 25, text=TEXT)


BAD = [
    ("clip.avi", {}, r"clip\.avi: clips are written as \.webm, \.mp4 or \.gif, or as a folder"),
    ("clip.webm", {"codec": "h264"}, r"clip\.webm: WebM takes no H\.264; name an \.mp4"),
    ("clip.gif", {"codec": "vp9"}, r"clip\.gif: vp9 is for \.webm and \.mp4; leave the codec out"),
    ("clip.gif", {"rate": 60}, r"60 frames a second: a GIF takes more than 0 and at most 50"),
    ("clip.webm", {"rate": 0}, r"0 frames a second: give more than 0 and at most 240"),
    ("clip.webm", {"rate": float("nan")}, r"nan frames a second: give more than 0"),
    ("clip.mp4", {"frames": []}, r"clip\.mp4: there is no frame to write"),
    ("clip.gif", {"frames": []}, r"clip\.gif: there is no frame to write"),
    ("frames", {"frames": []}, r"frames: there is no frame to write"),
    (
        "clip.webm",
        {"frames": [*moving(1), *moving(1, 32, 32)]},
        r"clip\.webm: frame 1 has 32 x 32 px, the first one 96 x 64; give frames of one size",
    ),
    (
        "clip.webm",
        {"frames": [np.zeros((2, 8200, 3), np.uint8)]},
        r"clip\.webm: frames of 8200 x 2 px are too large for a clip; give a size of at most 8192",
    ),
]


@pytest.mark.parametrize(("name", "changed", "line"), BAD)
def test_bad_input(name: str, changed: dict, line: str, tmp_path: Path) -> None:
    given = {"frames": moving(3), "rate": 25, "text": TEXT, **changed}
    with pytest.raises(InputError, match=line) as error:
        write_clip(tmp_path / name, **given)
    assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_without_pyav(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    line = r"clip\.webm: needs PyAV; install it with: pip install 'palsynth\[video\]'; \.gif and"
    with pytest.raises(InputError, match=line):
        write_clip(tmp_path / "clip.webm", moving(2), 25, text=TEXT)
    write_clip(tmp_path / "clip.gif", moving(2), 25, text=TEXT)
    write_clip(tmp_path / "frames", moving(2), 25, text=TEXT)
    assert len(list(read_clip(tmp_path / "clip.gif"))) == 2


def test_a_build_without_an_encoder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(formats._ENCODERS, "h264", ("libnone",))
    line = r"clip\.mp4: this build of PyAV has no encoder of h264 \(libnone\); choose another codec"
    with pytest.raises(InputError, match=line):
        clip_format(tmp_path / "clip.mp4", "h264")


def test_rates_are_exact() -> None:
    assert exact_rate(25, "webm") == 25
    assert exact_rate(30000 / 1001, "mp4") == Fraction(30000, 1001)


def test_nothing_imports_pyav_before_a_clip_is_written() -> None:
    code = (
        "import sys, palsynth.generation.video, palsynth.data.clips, palsynth.face.label\n"
        "sys.exit('av' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0

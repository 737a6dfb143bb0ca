"""Clips as phones, cameras and programs write them, and as they get damaged."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from PIL import Image

from palsynth.data import clips
from palsynth.data.clips import read_clip
from palsynth.errors import InputError
from palsynth.generation.video import write_clip
from tests.generation.video.moving import moving, psnr

FRAMES = moving(12)


def film(
    path: Path,
    frames: Iterable[np.ndarray] = FRAMES,
    *,
    codec: str = "libvpx-vp9",
    milliseconds: Iterable[int] | None = None,
    pix_fmt: str = "yuv420p",
    transfer: int = 1,
    turned: int = 0,
    aspect: Fraction | None = None,
    options: dict[str, str] | None = None,
) -> Path:
    """A clip as another program may write it."""
    with av.open(str(path), "w", options=options or {}) as container:
        stream: Any = container.add_stream(codec, rate=25, options={"crf": "10", "b": "0"})
        frames = list(frames)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = pix_fmt
        stream.codec_context.time_base = Fraction(1, 1000)
        primaries = 1 if transfer == 1 else 9
        stream.codec_context.color_primaries = stream.codec_context.colorspace = primaries
        stream.codec_context.color_trc = transfer
        stream.codec_context.thread_count = 1
        if aspect is not None:
            stream.codec_context.sample_aspect_ratio = aspect
        if turned:
            stream.set_display_rotation(turned)
        times = iter(milliseconds or range(0, 10**6, 40))
        for frame in frames:
            picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
            picture = picture.reformat(format=pix_fmt)
            picture.pts, picture.time_base = next(times), Fraction(1, 1000)
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    return path


def test_frames_come_with_their_own_times(tmp_path: Path) -> None:
    given = [0, 40, 80, 300, 340, 380, 1000, 1040, 1500, 1540, 2000, 2400]
    for name in ("phone.mp4", "screen.mkv", "browser.webm"):
        found = list(read_clip(film(tmp_path / name, milliseconds=given)))
        assert [time for time, _ in found] == pytest.approx([t / 1000 for t in given]), name
        for (_, image), frame in zip(found, FRAMES, strict=True):
            assert psnr(image, frame) > 27
    found = list(read_clip(film(tmp_path / "late.mp4", milliseconds=range(5000, 5480, 40))))
    assert [time for time, _ in found] == pytest.approx([k * 0.04 for k in range(12)])


def test_a_rate_is_kept_by_time(tmp_path: Path) -> None:
    even = film(tmp_path / "even.mp4", moving(25))
    assert [round(t, 2) for t, _ in read_clip(even, 8)] == [k * 0.12 for k in range(9)]
    given = [0, 10, 20, 500, 510, 1000, 1010, 1020, 1500, 2000, 2400, 2410]
    times = [t for t, _ in read_clip(film(tmp_path / "x.mp4", milliseconds=given), 2.5)]
    assert times == pytest.approx([0, 0.5, 1, 1.5, 2, 2.4], abs=0.02)


@pytest.mark.parametrize("turned", [90, 180, 270])
def test_clips_are_upright(turned: int, tmp_path: Path) -> None:
    upright = moving(3)
    stored = [np.rot90(frame, -turned // 90) for frame in upright]
    found = [image for _, image in read_clip(film(tmp_path / "a.mp4", stored, turned=turned))]
    assert found[1].shape == upright[1].shape
    assert psnr(found[1], upright[1]) > 27


def test_pixels_become_square(tmp_path: Path) -> None:
    path = film(tmp_path / "tape.mp4", moving(2), aspect=Fraction(4, 3))
    assert [image.shape for _, image in read_clip(path)] == [(64, 128, 3)] * 2


def test_large_frames_are_reduced(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", moving(2, 400, 200))
    assert [image.shape for _, image in read_clip(path, max_side=100)] == [(50, 100, 3)] * 2
    assert [image.shape for _, image in read_clip(path)] == [(200, 400, 3)] * 2


def test_ten_bits_without_hdr_are_read(tmp_path: Path) -> None:
    path = film(tmp_path / "ten.mp4", codec="libx265", pix_fmt="yuv420p10le")
    assert psnr(next(read_clip(path))[1], FRAMES[0]) > 27


def test_a_gif_is_read(tmp_path: Path) -> None:
    write_clip(tmp_path / "a.gif", FRAMES, 10, text={})
    found = list(read_clip(tmp_path / "a.gif"))
    assert [time for time, _ in found] == pytest.approx([k / 10 for k in range(12)])
    assert psnr(found[5][1], FRAMES[5]) > 35


@pytest.mark.parametrize("name", ["a.webm", "a.mp4", "a.avi"])
def test_what_was_not_cut_off_is_read(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, noise = tmp_path / name, np.random.default_rng(0)
    frames = [noise.integers(0, 255, (64, 96, 3), np.uint8) for _ in range(12)]
    if name == "a.avi":
        film(path, frames, codec="mjpeg", pix_fmt="yuvj420p")
    else:
        film(path, frames, options={"movflags": "+faststart"} if name == "a.mp4" else {})
    assert len(list(read_clip(path))) == 12
    assert capsys.readouterr().err == ""
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 6 // 10])
    found = list(read_clip(path))
    assert 4 <= len(found) <= 9
    err = capsys.readouterr().err
    assert f"{name}: was cut short; read up to {found[-1][0]:.2f} s. Copy it again" in err
    assert err.count("\n") == 1


def _png(path: Path) -> None:
    Image.fromarray(FRAMES[0]).save(path, "PNG")


def _sound(path: Path) -> None:
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("flac", rate=48_000)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 4096), np.int16), layout="mono")
        sound.rate = 48_000
        container.mux([*stream.encode(sound), *stream.encode()])


def _changed(before: bytes, after: bytes) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        path.write_bytes(film(path).read_bytes().replace(before, after))

    return make


def _text(text: bytes) -> Callable[[Path], None]:
    return lambda path: bytes(path.write_bytes(text))  # type: ignore[return-value]


def _no_frames(path: Path) -> None:
    data = film(path).read_bytes()
    path.write_bytes(data.replace(b"stts", b"free").replace(b"stsz", b"free"))


def _cut(path: Path) -> None:
    data = film(path).read_bytes()
    path.write_bytes(data[: data.index(b"moov")])


BAD: list[tuple[str, Callable[[Path], Any], str]] = [
    ("none.mp4", lambda path: None, "no such file"),
    ("folder.mp4", Path.mkdir, "is a folder; give a video"),
    ("empty.mp4", Path.touch, "is empty; copy it again"),
    ("letter.mp4", _text(b"no"), "cannot be read as a video; save it as MP4"),
    ("picture.mp4", _png, r"is a picture \(PNG\), not a video; give it where pictures are read"),
    ("list.mp4", _text(b"#EXTM3U\n#EXTINF:9,\na.mp4\n"), "cannot be read as a video; save it"),
    ("list.mkv", _text(b"ffconcat version 1.0\nfile a.mp4\n"), "cannot be read as a video; save"),
    ("phone.mov", _text(b"\0\0\0\x18ftypheic" + bytes(99)), r"is a picture \(HEIC or AVIF\)"),
    ("song.mp4", _text(b"ID3" + bytes(99)), "has sound but no video"),
    ("sound.mp4", _sound, "has sound but no video"),
    ("sound.mkv", _sound, "has sound but no video"),
    (
        "codec.mp4",
        _changed(b"vp09", b"zz99"),
        r".* its codec \(zz99\) cannot be decoded here; conver",
    ),
    (
        "codec.webm",
        _changed(b"V_VP9", b"V_ZZ9"),
        r".* its codec \(V_ZZ9\) cannot be decoded here; c",
    ),
    ("hollow.mp4", _no_frames, r"cannot be read as a video: it has no frame, or its codec"),
    ("cut.mp4", _cut, "was cut short, and its index at the end is missing; copy it again|no index"),
    ("hdr.mp4", lambda p: film(p, transfer=18), r"is HDR \(HLG\), whose colours are not read; re"),
    ("hdr.webm", lambda p: film(p, transfer=16), r"is HDR \(PQ\), whose colours are not read; rec"),
    ("tiny.webm", lambda p: film(p, moving(2, 16, 16)), "of 16 x 16 px are too small for a face"),
]


@pytest.mark.parametrize(("name", "make", "line"), BAD, ids=[row[0] for row in BAD])
def test_bad_input(
    name: str,
    make: Callable[[Path], Any],
    line: str,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    make(tmp_path / name)
    before = sorted(tmp_path.iterdir())
    capfd.readouterr()
    with pytest.raises(InputError, match=rf"{name}: (frames )?{line}") as error:
        list(read_clip(tmp_path / name))
    assert "\n" not in str(error.value)
    assert capfd.readouterr().err == "", "decoders say nothing of their own"
    assert sorted(tmp_path.iterdir()) == before


def test_frames_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = film(tmp_path / "a.mp4")
    monkeypatch.setattr(clips, "MAX_FRAMES", 10)
    with pytest.raises(InputError, match=r"a\.mp4: has more than 10 frames; cut it into parts"):
        list(read_clip(path))
    monkeypatch.setattr(clips, "MAX_PIXELS", 6000)
    with pytest.raises(InputError, match=r"a\.mp4: frames of 96 x 64 px are too large; reduce"):
        list(read_clip(path))


def test_a_codec_that_opencv_lacks_is_named(tmp_path: Path) -> None:
    write_clip(tmp_path / "a.mp4", FRAMES, 25, text={}, codec="av1")
    line = ""
    try:
        found = list(read_clip(tmp_path / "a.mp4"))
    except InputError as error:
        found, line = [], str(error)
    named = "its codec (AV1) cannot be decoded here; convert it: ffmpeg -i a.mp4" in line
    assert named or len(found) == 12, "some builds of OpenCV have it"


def test_names_are_no_patterns_or_addresses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a%03d.mp4", "concat:a.mp4"):
        if sys.platform == "win32" and ":" in name:
            continue
        film(tmp_path / "b.mp4").rename(name)
        assert len(list(read_clip(Path(name)))) == 12


def test_a_clip_leaves_nothing_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = film(tmp_path / "a.mp4")
    for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME"):
        (tmp_path / name).mkdir()
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.chdir(tmp_path / "HOME")
    assert len(list(read_clip(path))) == 12
    assert {p.name for p in tmp_path.rglob("*")} == {"a.mp4", "HOME", "TMPDIR", "XDG_CACHE_HOME"}


def test_opencv_says_its_errors_again_afterwards(tmp_path: Path) -> None:
    before = cv2.utils.logging.getLogLevel()
    list(read_clip(film(tmp_path / "a.mp4")))
    assert cv2.utils.logging.getLogLevel() == before

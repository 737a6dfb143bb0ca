"""Frames of a video in which a synthetic subject grins, blinks and whistles."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from palsynth.cli import main
from palsynth.clinical import Movement, Palsy
from palsynth.data.clips import read_clip
from palsynth.data.faces import usable_faces
from palsynth.data.importers import import_dataset
from palsynth.data.manifest import read_manifest
from palsynth.data.video_clips import at_even_times
from palsynth.data.videos import read_frames
from palsynth.errors import InputError
from palsynth.face.clips import inspect_clip
from palsynth.face.images import read_image
from palsynth.subjects import View, render, sample

FPS = 16
PEAKS = {1.5: Movement.GRIN, 4.5: Movement.WHISTLE}
"""Seconds at which a movement is strongest; it takes a second to come and to go."""

BLINK = 3.0
LENGTH = 6.0


def _strength(time: float) -> tuple[Movement, float]:
    if abs(time - BLINK) < 0.12:
        return Movement.CLOSE_EYES_LIGHTLY, 1.0
    peak = min(PEAKS, key=lambda peak: abs(time - peak))
    return PEAKS[peak], round(max(0.0, 1 - abs(time - peak)), 1)


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    images: dict[tuple[Movement, float], np.ndarray] = {}
    path = tmp_path_factory.mktemp("video") / "performed.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), FPS, (192, 192))
    for number in range(int(LENGTH * FPS)):
        key = _strength(number / FPS)
        if key not in images:
            images[key] = render(
                sample(970_600), key[0], Palsy.none(), intensity=key[1], view=View(192)
            ).image
        writer.write(cv2.cvtColor(images[key], cv2.COLOR_RGB2BGR))
    writer.release()
    return path


def test_peaks_are_those_of_the_movements_not_of_the_blink(video: Path) -> None:
    found = read_frames(video, "peak", None)
    assert list(found) == pytest.approx(list(PEAKS), abs=0.3)
    for image in found.values():
        assert image.shape == (192, 192, 3)
    rest = render(sample(970_600), view=View(192)).image
    colour = [image[:40].mean((0, 1)) - rest[:40].mean((0, 1)) for image in found.values()]
    assert np.abs(colour).max() < 6, "red is red"


def test_a_known_movement_has_one_peak(video: Path) -> None:
    (strongest,) = read_frames(video, "peak", "grin")
    assert min(abs(strongest - peak) for peak in PEAKS) < 0.3
    (calm,) = read_frames(video, "peak", "rest")
    assert _strength(calm)[1] < 0.3


def test_a_video_may_begin_in_a_movement(tmp_path: Path) -> None:
    path = tmp_path / "grins.mp4"
    images: dict[float, np.ndarray] = {}
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), FPS, (192, 192))
    for number in range(4 * FPS):
        amount = round(float(np.interp(number / FPS, [0, 0.8, 2, 3, 4], [1, 0, 0, 1, 0])), 1)
        if amount not in images:
            images[amount] = render(
                sample(970_600), Movement.GRIN, Palsy.none(), intensity=amount, view=View(192)
            ).image
        writer.write(cv2.cvtColor(images[amount], cv2.COLOR_RGB2BGR))
    writer.release()
    first, second = read_frames(path, "peak", None)
    assert first < 0.3
    assert abs(second - 3) < 0.3
    (calm,) = read_frames(path, "peak", "rest")
    assert 0.7 < calm < 2.1


def test_frames_at_times(video: Path) -> None:
    found = read_frames(video, (4.5, 0.0, 1.5), None)
    assert list(found) == [0.0, 1.5, 4.5]
    grin = render(sample(970_600), Movement.GRIN, Palsy.none(), view=View(192)).image
    assert np.abs(found[1.5].astype(int) - grin).mean() < 6
    assert (
        np.abs(found[0.0].astype(int) - grin).mean() > np.abs(found[1.5].astype(int) - grin).mean()
    )
    with pytest.raises(InputError, match=r"performed\.mp4: ends at 5\.94 s, before 7 s"):
        read_frames(video, (1.0, 7.0), None)


def test_what_is_no_video_or_shows_no_face(tmp_path: Path) -> None:
    (tmp_path / "broken.mp4").write_bytes(b"no")
    with pytest.raises(InputError, match=r"broken\.mp4: cannot be read as a video"):
        read_frames(tmp_path / "broken.mp4", "peak", None)
    path = tmp_path / "wall.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), FPS, (64, 64))
    for _ in range(4):
        writer.write(np.full((64, 64, 3), 99, np.uint8))
    writer.release()
    with pytest.raises(
        InputError, match=r"wall\.mp4: no frame shows a face to capture; the last: no"
    ):
        read_frames(path, "peak", None)


def test_frames_are_rows_with_their_video_as_source(video: Path, tmp_path: Path) -> None:
    folder = tmp_path / "MEEI" / "Flaccid" / "MildFlaccid" / "MildFlaccid2"
    folder.mkdir(parents=True)
    (folder / "MildFlaccid2.mp4").write_bytes(video.read_bytes())
    (folder / "broken.mov").write_bytes(b"no")
    with pytest.raises(
        InputError, match="a video; give --frames peak, clips or times in seconds, or"
    ):
        import_dataset("meei", tmp_path / "MEEI", tmp_path / "none")
    rows, unplaced = import_dataset("meei", tmp_path / "MEEI", tmp_path / "out", frames=(0, 1.5))
    name = "Flaccid/MildFlaccid/MildFlaccid2/MildFlaccid2.mp4"
    assert [row.file_name for row in rows] == [f"{name}-0000.000s.png", f"{name}-0001.500s.png"]
    assert {row.subject_id for row in rows} == {"meei-flaccid-mild-mildflaccid2"}
    assert {row.movement for row in rows} == {None}
    assert rows[1].attributes == {
        "category": "flaccid",
        "level": "Mild",
        "video": name,
        "seconds": 1.5,
    }
    assert [(i.path.name, i.rule.split(";")[0]) for i in unplaced] == [
        ("broken.mov", "cannot be read as a video")
    ]
    assert read_manifest(tmp_path / "out") == rows
    assert read_image(tmp_path / "out" / rows[1].file_name).shape == (192, 192, 3)


def test_the_command(video: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "src" / "p").mkdir(parents=True)
    (tmp_path / "src" / "p" / "grin.mp4").write_bytes(video.read_bytes())
    words = ["data", "import", "folder", str(tmp_path / "src")]
    main([*words, str(tmp_path / "peak"), "--frames", "peak"])
    (row,) = read_manifest(tmp_path / "peak")
    assert (row.subject_id, row.movement) == ("folder-p", "grin")
    main([*words, str(tmp_path / "times"), "--frames", "0", "1.5"])
    assert [r.attributes["seconds"] for r in read_manifest(tmp_path / "times")] == [0.0, 1.5]
    with pytest.raises(SystemExit) as end:
        main([*words, str(tmp_path / "bad"), "--frames", "-1"])
    assert end.value.code == 2
    assert "--frames -1: times must not be negative" in capsys.readouterr().err


def test_a_video_becomes_a_clip(
    video: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    av = pytest.importorskip("av", reason="PyAV is not installed")
    (tmp_path / "src" / "p").mkdir(parents=True)
    source = tmp_path / "src" / "p" / "grin.mov"
    with av.open(str(video)) as old, av.open(str(source), "w") as new:
        new.metadata["title"] = "Jane Doe"
        stream = new.add_stream("mpeg4", rate=FPS)
        stream.width, stream.height, stream.bit_rate = 192, 192, 2_000_000
        sound = new.add_stream("pcm_s16le", rate=8000, layout="mono")
        for frame in old.decode(video=0):
            frame.pict_type = 0
            new.mux(stream.encode(frame))
        new.mux(stream.encode())
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), "s16", "mono")
        silence.rate = 8000
        new.mux([*sound.encode(silence), *sound.encode()])
    assert inspect_clip(source).audio
    assert b"Jane Doe" in source.read_bytes()

    out = tmp_path / "out"
    main(["data", "import", "folder", str(tmp_path / "src"), str(out), "--frames", "clips"])
    assert "0 images and 1 clips of 1 subjects" in " ".join(capsys.readouterr().out.split())
    (row,) = read_manifest(out)
    assert (row.file_name, row.subject_id, row.movement) == ("p/grin.mov.mp4", "folder-p", "grin")
    assert min(abs(row.attributes["apex_time"] - peak) for peak in PEAKS) < 0.3
    assert _strength(row.attributes["rest_time"])[1] < 0.3

    clip = out / row.file_name
    assert not inspect_clip(clip).audio
    assert b"Jane Doe" not in clip.read_bytes()
    with av.open(str(clip)) as written:
        assert written.metadata["description"].startswith("not generated")
    before, after = dict(read_clip(source)), dict(read_clip(clip))
    assert list(after) == pytest.approx(list(before), abs=0.01)
    for old_frame, new_frame in zip(before.values(), after.values(), strict=True):
        assert np.abs(old_frame.astype(int) - new_frame).mean() < 4

    fault = "is a clip, not a picture; palsynth data import --frames peak imports pictures of clips"
    with pytest.raises(InputError, match=fault):
        read_image(clip)
    with pytest.raises(InputError, match=rf"such as p/grin\.mov\.mp4: {fault}"):
        usable_faces(out, [row])


def test_frames_of_a_clip_follow_evenly() -> None:
    images = [np.full((1, 1, 3), n, np.uint8) for n in range(4)]
    for times, shown in (
        ((0.0, 0.1, 0.2, 0.3), [0, 1, 2, 3]),
        ((0.0, 0.1, 0.4, 0.5), [0, 1, 1, 1, 2, 3]),
        ((0.0, 0.02, 0.1, 0.2), [1, 2, 3]),
    ):
        frames = at_even_times(zip(times, images, strict=True), 10.0)
        assert [int(image[0, 0, 0]) for image in frames] == shown


def test_clips_need_pyav(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(SystemExit) as end:
        main(["data", "import", "folder", str(tmp_path), str(tmp_path / "o"), "--frames", "clips"])
    assert end.value.code == 2
    assert "--frames clips needs PyAV; install it with: pip install" in capsys.readouterr().err

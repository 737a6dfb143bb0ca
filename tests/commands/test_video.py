"""``palsynth video``."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from palsynth.clinical import Grade, Movement, Palsy, Side
from palsynth.errors import InputError
from palsynth.face.clips import inspect_clip
from palsynth.face.framing import PORTRAIT
from palsynth.face.images import write_png
from palsynth.face.label import DigitalSource, digital_source
from palsynth.generation.video.formats import load_av
from palsynth.generation.video.frames import clip_requests, make_frames
from palsynth.generation.video.script import ClipSettings, write_script
from palsynth.generation.video.write import write_clip
from palsynth.methods.registry import get_method
from palsynth.simulator.motion import MotionSettings
from palsynth.subjects import View, render, sample
from tests.commands.test_cli import complaint, run

SHORT = ("--fps", "5", "--pause", "0.4", "--onset", "0.4", "--hold", "0.4", "--offset", "0.4")
PATIENT = 970_301


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a photo at rest, and a clip of a patient whose left side is weak."""
    folder = tmp_path_factory.mktemp("given")
    write_png(folder / "photo.png", render(sample(970_302), view=View(224, PORTRAIT)).image)
    motion = MotionSettings(start=0.7, onset=0.3, hold=0.4, offset=0.3, rest=0.4, blinks=0)
    settings = ClipSettings(192, 8.0, motion=motion)
    subject = sample(PATIENT)
    palsy = Palsy.peripheral(Side.LEFT, Grade.IV)
    (take,) = write_script(subject, [Movement.GRIN], palsy, settings)
    requests = clip_requests(subject, take.panels[-1].moments, settings)
    frames = list(make_frames(get_method("subjects"), requests))
    write_clip(folder / "patient.gif", frames, 8, text={})
    blank = [np.full((96, 96, 3), 120, np.uint8)] * 3
    write_clip(folder / "blank.gif", blank, 8, text={})
    two = [np.hstack([frame, frame]) for frame in frames[:3]]
    write_clip(folder / "two.gif", two, 8, text={})
    (folder / "theirs.gif").write_text("another program's file")
    return folder


@pytest.fixture
def workplace(given: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for path in given.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_photo_moves_in_words(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("video", "photo.png", "--movement", "grin", "--side", "left", "--grade", "IV")
    assert run(*words, *SHORT, "--size", "96", "--measure", "--out", "grin.gif") == 0
    assert "grin.gif: Grin, " in capsys.readouterr().out
    assert digital_source(Path("grin.gif")) is DigitalSource.COMPOSITE
    with Path("grin.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    asked, seen = (
        np.array([float(r[f"{k}.mouth.left_weaker"]) for r in rows])
        for k in ("requested", "measured")
    )
    apex = int(np.argmax(asked))
    assert seen[apex] > seen[0] + 1, "the left side is read back as the weak one"
    assert run(*words, *SHORT, "--size", "96", "--out", "grin.gif") == 0, "its own is replaced"


def test_a_patients_clip_on_somebody_else(
    workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("video", "--patient", "patient.gif", "--movement", "grin", "--as", "subject:970302")
    code = run(*words, "--size", "128", "--measure", "--out", "shown.gif")
    said = capsys.readouterr().out
    assert code == 0, said
    assert "privacy: the patient is recognised in 0 of " in said
    assert "expression: at the apex side and movement are the patient's" in said
    record = json.loads(json.loads(inspect_clip(Path("shown.gif")).comment)["palsynth:provenance"])
    assert (record["identity"], record["expression"]) == ("subject:970302", "picture")
    assert "patient.gif" not in json.dumps(record)
    with Path("shown.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for side in ("left", "right"):
        asked, seen = (
            [float(row[f"{k}.mouth.{side}"]) for row in rows] for k in ("requested", "measured")
        )
        assert np.corrcoef(asked, seen)[0, 1] > 0.95
    assert not list(workplace.glob("*unchecked*"))


def test_a_patient_on_themselves_is_recognised(
    workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("video", "--patient", "patient.gif", "--as", f"subject:{PATIENT}", "--size", "160")
    assert run(*words, "--out", "shown.gif") == 1
    said = capsys.readouterr().out
    assert "our recogniser matches the subject to the patient" in said
    assert "privacy: THE PATIENT IS RECOGNISED in " in said
    assert not Path("shown.gif").exists()
    assert [p.suffix for p in sorted(workplace.glob("shown-patient-recognised*"))] == [
        ".csv",
        ".gif",
    ]


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("--subject 7 --out a.avi", "clips are written as .webm, .mp4 or .gif"),
        ("--out a.gif", "give either a photo or --subject SEED; or --patient CLIP and --as"),
        ("photo.png --subject 7 --out a.gif", "give either a photo or --subject"),
        ("--subject 7 --out a.gif --fps 60", "a GIF takes more than 0 and at most 50"),
        ("--subject 7 --out a.gif --size 4000", "--size 4000: must lie between 64 and 1024"),
        ("--subject 7 --out a.gif --repeats 0", "motion: repeats 0: must lie between 1 and 100"),
        ("--subject 7 --out a.gif --intensity 3", "intensity 3: must lie between 0 and 1.2"),
        ("--subject 7 --out a.gif --rest photo.png", "--as and --rest go with --patient"),
        ("--subject 7 --out photo.png.gif --codec vp9", "is for .webm and .mp4"),
        ("--subject 7 --out a.gif --patient patient.gif", "by --as alone"),
        ("--subject 7 --out theirs.gif", "is there already and was not written by palsynth"),
        ("--patient patient.gif --as subject:7 --out patient.gif", "is read by this command"),
        ("--patient patient.gif --as subject:7 --out a.gif --grade V", "determines the palsy"),
        ("--patient patient.gif --as subject:7 --out a.gif --sheet", "determines what happens"),
        ("--patient blank.gif --as subject:7 --out a.gif", "no frame shows a face to capture"),
        ("--patient two.gif --as subject:7 --out a.gif", "unclear which is meant"),
        ("--patient photo.png --as subject:7 --out a.gif", "is a picture (PNG), not a video"),
        ("--patient none.mp4 --as subject:7 --out a.gif", "none.mp4: no such file"),
        ("--patient patient.gif --as nobody.jpg --out a.gif", "nobody.jpg: no such file"),
        (
            "--patient patient.gif --rest photo.png --as subject:7 --out a.gif",
            "photo.png: shows somebody else than patient.gif",
        ),
    ],
)
def test_bad_input_gets_one_line(
    words: str, text: str, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path.name: path.read_bytes() for path in workplace.iterdir()}
    said = complaint(capsys, "video", *words.split())
    assert text in said
    assert {p.name: p.read_bytes() for p in workplace.iterdir() if p.suffix != ".lock"} == before


def test_a_clip_cut_short_is_used_as_far_as_it_goes(
    workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        load_av(Path("a.webm"))
    except InputError:
        pytest.skip("PyAV is not installed")
    words = ("video", "--subject", str(PATIENT), *SHORT, "--size", "160", "--repeats", "3")
    assert run(*words, "--out", "whole.webm") == 0
    data = Path("whole.webm").read_bytes()
    Path("cut.webm").write_bytes(data[: len(data) * 2 // 3])
    capsys.readouterr()
    code = run("video", "--patient", "cut.webm", "--as", "subject:4", "--size", "96", "--out", "a")
    assert code in (0, 1)
    assert "was cut short; read up to " in capsys.readouterr().err
    assert len(list(workplace.glob("a*/frame-*.png"))) >= 5

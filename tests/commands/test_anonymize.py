"""``palsynth anonymize``: a patient's expression on another face, and the privacy check."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from palsynth.clinical import YANAGIHARA, Grade, Movement, Palsy, Side
from palsynth.face.framing import PORTRAIT
from palsynth.face.images import read_image, write_png
from palsynth.subjects import View, render, sample
from tests.commands.test_cli import complaint, run
from tests.methods.controlnet.conftest import base_folder  # noqa: F401

PATIENT, OTHER = 970_301, 970_302


@pytest.fixture
def given(base_folder: Path) -> list[str]:  # noqa: F811
    return ["--base", str(base_folder), "--controlnet", str(base_folder.parent / "controlnet")]


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    palsy = Palsy.peripheral(Side.LEFT, Grade.IV)
    for name, seed, movement, weak in (
        ("grin", PATIENT, Movement.GRIN, palsy),
        ("rest", PATIENT, Movement.REST, palsy),
        ("other", OTHER, Movement.REST, Palsy.none()),
    ):
        image = render(sample(seed), movement, weak, view=View(224, PORTRAIT)).image
        write_png(tmp_path / f"{name}.png", image)
    return tmp_path


def _record(path: Path) -> dict[str, object]:
    with Image.open(path) as image:
        assert "synthetic" in image.text["Description"]  # type: ignore[attr-defined]
        found: dict[str, object] = json.loads(image.text["palsynth:provenance"])  # type: ignore[attr-defined]
    return found


def test_a_description_is_enough_and_torch_is_not_imported(workplace: Path) -> None:
    words = ["anonymize", "grin.png", "--rest", "rest.png", "--movement", "grin"]
    words += ["--as", "man of about 30", "--out", "made.png"]
    code = (
        f"import sys; from palsynth.cli import main; main({words!r})\n"
        "print('torch' in sys.modules, 'diffusers' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    said = done.stdout.splitlines()
    assert said[0] == "made.png"
    assert said[1].startswith("subject: man of about 30 with ")
    assert "privacy: the patient is not recognised (dlib distance 0." in done.stdout
    assert "expression: side (the left weak) and movement are the patient's" in said
    assert said[-2].startswith("no recogniser can rule out that people recognise the patient")
    assert said[-1] == "False False"
    assert read_image(workplace / "made.png").shape == (512, 512, 3)
    record = _record(workplace / "made.png")
    assert (record["method"], record["seed"]) == ("captured", 0)
    assert (record["gender"], round(record["age"])) == ("man", 30)
    assert "grin.png" not in json.dumps(record)  # not the name of a patient's file


@pytest.mark.parametrize("identity", ["subject:970302", "other.png"])
def test_a_given_identity_shows_the_expression(
    identity: str, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("anonymize", "grin.png", "--as", identity, "--size", "160", "--out", "m.png") == 0
    said = capsys.readouterr().out
    assert ("the person of the photo" in said) == (identity == "other.png")
    assert read_image(workplace / "m.png").shape == (160, 160, 3)
    assert (
        run("anonymize", "grin.png", "--as", identity, "--size", "160", "--out", "again.png") == 0
    )
    assert np.array_equal(read_image(workplace / "m.png"), read_image(workplace / "again.png"))


def test_a_recognised_patient_gives_exit_code_1(
    workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["anonymize", "grin.png", "--as", f"subject:{PATIENT}", "--out", "m.png"]
    assert run(*words) == 1
    said = capsys.readouterr().out
    assert "THE PATIENT IS RECOGNISED (dlib distance 0." in said
    assert "gate: our own recogniser matches the subject to the patient" in said
    assert "try another --seed or subject" in said
    assert (workplace / "m-patient-recognised.png").is_file()
    assert not (workplace / "m.png").exists()


def test_a_folder_gives_all_pictures_and_the_sheet(
    workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = workplace / "patient"
    folder.mkdir()
    for name in ("grin.png", "rest.png"):
        (workplace / name).rename(folder / name)
    (folder / "notes.txt").write_text("x")
    words = ["anonymize", str(folder), "--as", "woman", "--seed", "4", "--size", "160"]
    assert run(*words, "--out", "out") == 0
    said = capsys.readouterr().out
    assert "left out: " in said
    assert sorted(p.name for p in Path("out").iterdir()) == ["grin.png", "rest.png", "sheet.png"]
    assert {_record(p)["identity"] for p in Path("out").iterdir()} == {
        _record(Path("out/sheet.png"))["identity"]
    }
    assert "missing: no such photo or folder" in complaint(
        capsys, "anonymize", "missing", "--as", "man", "--out", "o.png"
    )
    for more, fault in (
        (["--out", "out.png"], "--out out.png: a folder of pictures needs a folder"),
        (["--out", str(folder / "in")], "lies in the patient's folder; give another --out"),
        (["--out", "o", "--movement", "grin"], "--rest and --movement go with one photo"),
    ):
        assert fault in complaint(capsys, *words, *more)


@pytest.mark.parametrize(
    ("more", "name"),
    [
        ([], "controlnet-pf-captured"),
        (["--method", "controlnet-pf-codc"], "controlnet-pf-codc"),
        (["--method", "controlnet-pf", "--words", "man of about 50"], "controlnet-pf"),
    ],
)
def test_a_given_stable_diffusion_generates_the_picture(
    more: list[str],
    name: str,
    workplace: Path,
    given: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """An untrained one generates no face, which is reported."""
    words = ["--as", "other.png", "--size", "128", "--out", "m.png"]
    assert run("anonymize", "grin.png", *words, *given, *more) == 1
    assert "the picture shows no single face" in capsys.readouterr().out
    record = _record(workplace / "m-no-face.png")
    assert record["method"] == name
    assert record.get("words") == ("man of about 50" if "--words" in more else None)
    settings = record["settings"]
    assert isinstance(settings, dict)
    assert settings["tuned"] is None  # this ControlNet was trained on no patient
    assert settings["sampling"]["outside"] == "tuned"
    assert len(str(record["weights_sha256"])) == 64


def test_a_sheet_of_a_patient_uses_the_same_check(
    workplace: Path, given: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = workplace / "patient"
    for movement in YANAGIHARA:
        palsy = Palsy.peripheral(Side.RIGHT, Grade.V)
        image = render(sample(PATIENT), movement, palsy, view=View(128, PORTRAIT)).image
        write_png(folder / f"{movement.value}.png", image)
    words = ["sheet", "--subject", str(OTHER), "--patient", str(folder), "--size", "128"]
    ended = run(*words, "--out", "s.png")
    said = capsys.readouterr().out
    made = next(p for p in workplace.glob("s*.png"))
    assert ended == int(made.name != "s.png")
    assert "Patient and measured" in said
    assert "the patient is recognised in 0 of 10 pictures" in said
    assert _record(made)["method"] == "captured"
    assert run(*words, *given, "--method", "controlnet-zero-shot", "--out", "z.png") == 1
    assert (workplace / "z-no-face.png").is_file()
    for more, fault in (
        ([*given, "--method", "cfcpalsy"], "the method cfcpalsy has no --base"),
        ([*given, "--weights", "x"], "give one of the two"),
        (["--method", "noise"], "the method noise copies pictures"),
        (["--side", "left", "--grade", "V"], "--patient determines the palsy; leave out --side"),
        (["--out", f"{folder}/s.png"], "lies in the patient's folder; give another --out"),
    ):
        assert fault in complaint(capsys, *words, *more)
    assert "go with --patient" in complaint(capsys, "sheet", "--subject", "5", *given)


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (["--as", "purple elephant"], "description 'purple elephant': 'purple elephant' cannot"),
        (["--as", "missing.jpg"], "missing.jpg: no such file; give a description, subject:SEED"),
        (["--as", "subject:x"], "--as subject:x: the seed must be an integer of 0 or more"),
        (["--as", "subject:-1"], "--as subject:-1: the seed must be an integer of 0 or more"),
        (["--as", "7"], "--as 7: write subject:7 for a synthetic subject by its seed"),
        (["--as", "man", "--words", "man"], "--words goes with a ControlNet; describe the subject"),
        (["--as", "grin.png"], "grin.png: the mouth is open; give a photo at rest"),
        (["--as", "."], ".: is a folder; give a description, subject:SEED or a photo"),
        (
            ["--as", "man of 200"],
            "description 'man of 200': subjects can be rendered from 16 to 80",
        ),
        (["--as", " "], "--as: is empty; give a description, subject:SEED or a photo"),
        (["--as", "woman " * 60 + "x"], "'x' cannot be rendered"),
        (["--as", "man", "--seed", "-1"], "--seed -1: must not be negative"),
        (["--as", "man", "--size", "64"], "--size 64: must lie between 128 and 1024"),
        (["--as", "man", "--base", "x"], "--base needs --controlnet or --weights that fit it"),
        (["--as", "man", "--controlnet", "a", "--weights", "b"], "give one of the two"),
        (["--as", "man", "--tokenizer", "t"], "--tokenizer goes with a --base that is a single"),
        (["--as", "man", "--weights", "none"], "none: holds no such weights; give --weights"),
        (["--as", "man", "--method", "magic"], "no method 'magic'; choose one of "),
        (["--as", "man", "--method", "noise"], "the method noise copies pictures"),
        (["--as", "man", "--rest", "other.png"], "other.png: shows somebody else than grin.png"),
        (
            ["--as", "man", "--out", "folder"],
            "--out folder: one photo needs a picture, ending in .png",
        ),
    ],
)
def test_bad_requests(
    words: list[str], fault: str, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = [] if "--out" in words else ["--out", "o.png"]
    assert fault in complaint(capsys, "anonymize", "grin.png", *out, *words)
    assert sorted(p.name for p in workplace.iterdir()) == ["grin.png", "other.png", "rest.png"]

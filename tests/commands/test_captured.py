"""``synthesize``, ``grid`` and ``measure`` with captured expressions, with and without rest."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from palsynth.clinical import Grade, Movement, Palsy, Side
from palsynth.face.detect import detect_face
from palsynth.face.framing import PORTRAIT
from palsynth.face.images import read_image, write_png
from palsynth.subjects import HeadPose, Scene, View, render, sample
from tests.commands.test_cli import complaint, run


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    view = View(256, PORTRAIT)
    palsy = Palsy.peripheral(Side.LEFT, Grade.VI)
    for name, seed, movement, weak in (
        ("rest", 1_000_501, Movement.REST, Palsy.none()),
        ("grin", 1_000_501, Movement.GRIN, palsy),
        ("other", 1_000_502, Movement.REST, Palsy.none()),
        ("again", 1_000_501, Movement.REST, Palsy.none()),
    ):
        write_png(tmp_path / f"{name}.png", render(sample(seed), movement, weak, view=view).image)
    return tmp_path


def test_synthesize_captures_and_imports_no_torch(workplace: Path) -> None:
    words = "synthesize --identity other.png --expression grin.png --rest rest.png --out o.png"
    code = (
        f"import sys; from palsynth.cli import main; main({words.split()!r})\n"
        "print('torch' in sys.modules, 'diffusers' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["o.png", "False False"]
    made = detect_face(read_image(workplace / "o.png")).landmarks
    rest = detect_face(read_image(workplace / "other.png")).landmarks
    moved = (made - rest)[:, 1]
    assert moved[61] < moved[291] - 3  # the right corner goes up, the left stays
    record = json.loads(Image.open("o.png").text["palsynth:provenance"])  # type: ignore[attr-defined]
    assert (record["method"], record["expression"], record["rest"]) == ("captured", "picture", True)


def test_a_grid_takes_photos_among_its_expressions(workplace: Path) -> None:
    words = ("--identities", "7", "other.png", "--expressions", "grin.png", "rest")
    assert run("grid", *words, "--size", "96", "--out", "g.png") == 0
    record = json.loads(Image.open("g.png").text["palsynth:provenance"])  # type: ignore[attr-defined]
    assert record["method"] == "captured"
    assert record["identity"] == ["subject:7"] * 2 + ["photo"] * 2
    assert record["expression"] == ["picture", "rest"] * 2  # not the name of a patient's file


def test_measure_against_rest(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["measure", "grin.png", "--movement", "grin", "--json"]
    assert run(*words, "--rest", "rest.png") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["reading"]["weak_side"] == found["estimate"]["weak_side"] == "left"
    corner = found["sided"]["commissure height"]
    assert corner["moved_right"] < corner["moved_left"] - 2  # millimetres, downwards
    assert found["estimate"]["yanagihara_item"] == 0
    assert run("measure", "again.png", "--rest", "rest.png") == 0
    shown = capsys.readouterr().out
    assert "assuming an iris 11.77 mm wide" in shown
    assert "both sides look alike" in shown
    assert "excursion" not in shown
    assert run("measure", "grin.png") == 0
    assert "from a single picture: --rest improves the estimate" in " ".join(
        capsys.readouterr().out.split()
    )


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("measure grin.png --rest other.png", "other.png: shows somebody else than grin.png"),
        (
            "synthesize --identity other.png --expression grin.png --rest other.png --out o.png",
            "other.png: shows somebody else than grin.png",
        ),
        (
            "synthesize --identity other.png --movement grin --rest rest.png --out o.png",
            "--rest goes with --expression",
        ),
        ("measure grin.png --rest none.png", "none.png: no such file"),
        (
            "measure grin.png --rest grin.png",
            "grin.png: is given both as a photo to measure and as --rest",
        ),
        ("grid --identities 7 --expressions none.jpg --out o.png", "none.jpg: no such file"),
        ("sheet grin.png --out o.jpg", "o.jpg: pictures are written as PNG"),
        ("measure masked.png", "masked.png: the mouth is covered or cannot be seen"),
        ("measure grin.png --rest masked.png", "masked.png: the mouth is covered"),
        (
            "synthesize --identity other.png --expression masked.png --out o.png",
            "masked.png: the mouth is covered",
        ),
        ("grid --identities 7 --expressions masked.png --out o.png", "the mouth is covered"),
        (
            "synthesize --identity other.png --expression turned.png --out o.png",
            "turned.png: the face is turned by",
        ),
        ("measure grin.png --rest two.png", "two.png: 2 faces found; crop the photo to one"),
        ("synthesize --identity two.png --expression grin.png --out o.png", "2 faces found"),
        (
            "grid --identities other.png --expressions grin.png --method subjects --out o.png",
            "the identity must be a synthetic subject",
        ),
    ],
)
def test_bad_pictures_give_one_line(
    words: str, text: str, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    grin = read_image(workplace / "grin.png")
    write_png(workplace / "two.png", np.hstack([grin, grin]))
    masked = grin.copy()
    outline = detect_face(grin).landmarks[[234, 58, 172, 152, 397, 288, 454, 330, 197, 101], :2]
    cv2.fillPoly(masked, [outline.round().astype(np.int32)], (190, 205, 215))
    write_png(workplace / "masked.png", cv2.GaussianBlur(masked, (0, 0), 0.7))
    aside = View(256, PORTRAIT, Scene(HeadPose(45.0)))
    write_png(workplace / "turned.png", render(sample(7), view=aside).image)
    assert text in complaint(capsys, *words.split())
    assert not (workplace / "o.png").exists()

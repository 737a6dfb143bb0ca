"""Sides in the pictures that commands write, also of mirrored photos."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from palsynth.clinical import Grade, Movement, Palsy, Side
from palsynth.commands.condition import ConditionOptions, condition
from palsynth.face.detect import detect_face, read_face
from palsynth.face.face import Face
from palsynth.face.framing import PORTRAIT
from palsynth.face.images import read_image, write_png
from palsynth.face.measures import measure
from palsynth.methods.base import Request, TargetExpression
from palsynth.methods.controlnet import conditioning
from palsynth.methods.registry import get_method
from palsynth.subjects import View, render, sample
from tests.commands.test_cli import run

RED = (255, 0, 0)


@pytest.fixture
def marked(tmp_path: Path, neutral: np.ndarray) -> Path:
    """A photo with a red edge at its left, where the patient's right is."""
    image = neutral.copy()
    image[:, :12] = RED
    write_png(tmp_path / "marked.png", image)
    return tmp_path / "marked.png"


def _red(path: Path) -> tuple[bool, bool]:
    """Whether a picture is red at its left edge, and at its right one."""
    image = read_image(path).astype(int)
    edges = (image[20:-20, 2].mean(0), image[20:-20, -3].mean(0))
    return tuple(bool(e[0] > 200 and e[1] < 60) for e in edges)  # type: ignore[return-value]


def test_only_a_mirrored_photo_is_flipped(marked: Path, tmp_path: Path) -> None:
    words = ("simulate", marked, "--movement", "grin", "--out")
    assert run(*words, tmp_path / "a.png") == 0
    assert run(*words, tmp_path / "b.png", "--mirrored") == 0
    assert _red(tmp_path / "a.png") == (True, False)
    assert _red(tmp_path / "b.png") == (False, True)
    for name in ("a", "b"):  # in both, the patient's left is weak
        found = measure(detect_face(read_image(tmp_path / f"{name}.png")).landmarks)
        assert found.sided["commissure height"].asymmetry > 2


def test_the_mirrored_photo_of_a_sheet_is_flipped(marked: Path, tmp_path: Path) -> None:
    """At rest with grade I, the picture is the photo itself, aligned as a portrait."""
    straight = read_face(marked).aligned(PORTRAIT, 96).image
    turned = read_face(marked).mirrored().aligned(PORTRAIT, 96).image
    assert np.abs(straight.astype(int) - turned).mean() > 4
    words = ("sheet", marked, "--grade", "I", "--size", "96", "--out", tmp_path / "s.png")
    for more, expected in (((), straight), (("--mirrored",), turned)):
        assert run(*words, "--pictures", tmp_path / "p", *more) == 0
        made = read_image(tmp_path / "p" / "rest.png")
        assert np.abs(made.astype(int) - expected).mean() < 2


def test_a_grid_shows_the_requested_side(tmp_path: Path) -> None:
    words = ("--expressions", "grin:left:V", "grin:right:V", "rest", "--size", "128")
    assert run("grid", "--identities", 5, *words, "--out", tmp_path / "g.png") == 0
    image, subject = read_image(tmp_path / "g.png"), sample(5)
    targets = (
        TargetExpression(Movement.GRIN, Palsy.peripheral(Side.LEFT, Grade.V)),
        TargetExpression(Movement.GRIN, Palsy.peripheral(Side.RIGHT, Grade.V)),
        TargetExpression(Movement.REST, Palsy.none()),
    )
    for column, target in enumerate(targets):
        requested = Request(subject, target, 0, 128, PORTRAIT)
        tile = get_method("subjects")([requested])[0]
        x = 8 + 136 * column
        assert any(
            np.array_equal(image[y : y + 128, x : x + 128], tile)
            for y in range(len(image) - 128 + 1)
        ), column


@pytest.mark.parametrize("side", ["left", "right"])
def test_subjects_have_the_palsy_on_the_requested_side(side: str, tmp_path: Path) -> None:
    words = ("subjects", "sample", "--count", 1, "--seed", 5, "--movement", "grin", "--size", 128)
    assert run(*words, "--grade", "VI", "--side", side, "--out", tmp_path) == 0
    palsy = Palsy.peripheral(Side(side), Grade.VI)
    rendered = render(sample(5), Movement.GRIN, palsy, view=View(size=128)).image
    path = tmp_path / "person-0000005.png"
    assert np.array_equal(read_image(path), rendered)
    record = json.loads(Image.open(path).text["palsynth:provenance"])  # type: ignore[attr-defined]
    assert record["palsy"][side]["function"]["buccal"] == 0


@pytest.mark.parametrize(("side", "sign"), [("left", 1), ("right", -1)])
def test_synthesis_by_movement_weakens_the_requested_side(
    side: str, sign: int, photo: Path, tmp_path: Path
) -> None:
    words = ("synthesize", "--identity", photo, "--movement", "grin", "--side", side)
    out = tmp_path / "o.png"
    assert run(*words, "--grade", "VI", "--method", "simulator", "--out", out) == 0
    found = measure(read_face(out).landmarks).fractions().sided["commissure height"].asymmetry
    assert sign * found > 0.03
    record = json.loads(Image.open(out).text["palsynth:provenance"])  # type: ignore[attr-defined]
    assert record["expression"] == "grin"
    assert record["palsy"][side]["function"]["buccal"] == 0


def test_synthesize_numbers_pictures_by_seed(photo: Path, tmp_path: Path) -> None:
    words = ("synthesize", "--identity", photo, "--expression", photo, "--method", "noise")
    assert run(*words, "--count", 2, "--seed", 7, "--out", tmp_path / "o.png") == 0
    assert sorted(p.name for p in tmp_path.glob("o*")) == ["o-7.png", "o-8.png"]


def test_measure_prints_left_and_right(
    half_grin: np.ndarray, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_png(tmp_path / "grin.png", half_grin)
    assert run("measure", tmp_path / "grin.png", "--json") == 0
    record = json.loads(capsys.readouterr().out)
    found = measure(read_face(tmp_path / "grin.png").landmarks).sided
    for name, value in found.items():
        sides = record["sided"][name]
        assert sides["left"] == pytest.approx(value.left, abs=6e-4)
        assert sides["right"] == pytest.approx(value.right, abs=6e-4)
        assert sides["difference"] == pytest.approx(value.left - value.right, abs=6e-4)
    height = record["sided"]["commissure height"]
    assert height["left"] > height["right"] + 2, "the left corner hangs"
    assert height["asymmetry"] > height["difference"], (
        "the detector makes faces more symmetric than they are"
    )
    assert run("measure", tmp_path / "grin.png") == 0
    shown = capsys.readouterr().out
    line = next(x for x in shown.splitlines() if "commissure height" in x)
    cells = [c.strip() for c in line.split("│")[2:5]]
    expected = f"{height['left']:.2f} {height['right']:.2f} {height['difference']:+.2f}"
    assert cells == expected.split()
    lids = record["reading"]["eyes"]
    assert f"lids left {lids['left']:.0f} right {lids['right']:.0f} % shut" in " ".join(
        shown.split()
    )


def test_the_patients_features_are_moved_to_the_other_face(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first photo is the patient's; features are moved and scaled unless an option says not."""
    for name, seed in (("patient", 5), ("other", 6)):
        write_png(tmp_path / f"{name}.png", render(sample(seed), view=View(160)).image)
    calls: list[tuple[Face, Face, dict[str, object]]] = []
    real = conditioning.codc

    def codc(patient: Face, other: Face, **settings: object):  # type: ignore[no-untyped-def]
        calls.append((patient, other, settings))
        return real(patient, other, **settings)  # type: ignore[arg-type]

    monkeypatch.setattr(conditioning, "codc", codc)
    patient, other, out = (tmp_path / f"{n}.png" for n in ("patient", "other", "out"))
    condition(ConditionOptions(patient, other, out, size=128))
    condition(ConditionOptions(patient, other, out, None, 128, True, False, False))
    condition(ConditionOptions(patient, other, out, None, 128, False, True, True))
    for first, second, _ in calls:
        assert np.array_equal(first.landmarks, read_face(patient).landmarks)
        assert np.array_equal(second.landmarks, read_face(other).landmarks)
    assert [settings for _, _, settings in calls] == [
        {"contour": True, "organ_size": True, "nose": False, "size": 128},
        {"contour": False, "organ_size": True, "nose": False, "size": 128},
        {"contour": True, "organ_size": False, "nose": True, "size": 128},
    ]

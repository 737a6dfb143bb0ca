"""Options become movements, sides and grades."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from palsynth.capture.at_rest import mouth_is_open
from palsynth.clinical import Branch, Movement, Palsy, Side
from palsynth.commands.options import (
    PalsyOptions,
    named_folders,
    parse_expression,
    read_palsy,
)
from palsynth.errors import InputError
from palsynth.face.detect import detect_face
from palsynth.face.face import Face


def buccal(palsy: Palsy) -> tuple[float, float]:
    """How well the buccal branch works on the patient's left and right."""
    return palsy.left.function[Branch.BUCCAL], palsy.right.function[Branch.BUCCAL]


@pytest.mark.parametrize(
    ("text", "movement", "functions"),
    [
        ("grin", Movement.GRIN, (1.0, 1.0)),
        ("grin:left", Movement.GRIN, (0.12, 1.0)),
        ("grin:left:V", Movement.GRIN, (0.12, 1.0)),
        ("whistle:right:III", Movement.WHISTLE, (1.0, 0.55)),
        ("close-eyes-lightly:left:VI", Movement.CLOSE_EYES_LIGHTLY, (0.0, 1.0)),
        ("rest:right:I", Movement.REST, (1.0, 1.0)),
    ],
)
def test_parse_expression(text: str, movement: Movement, functions: tuple[float, float]) -> None:
    found, palsy = parse_expression(text)
    assert (found, buccal(palsy)) == (movement, functions)


@pytest.mark.parametrize(
    ("options", "functions", "title"),
    [
        (PalsyOptions(), (0.12, 1.0), "peripheral palsy of the patient's left, House-Brackmann V"),
        (
            PalsyOptions("right"),
            (1.0, 0.12),
            "peripheral palsy of the patient's right, House-Brackmann V",
        ),
        (
            PalsyOptions("left", "III"),
            (0.55, 1.0),
            "peripheral palsy of the patient's left, House-Brackmann III",
        ),
        (
            PalsyOptions("right", "IV", kind="central"),
            (1.0, 0.35),
            "central palsy of the patient's right, House-Brackmann IV",
        ),
        (
            PalsyOptions("right", "IV", kind="late"),
            (1.0, 0.35),
            "late palsy of the patient's right, House-Brackmann IV",
        ),
    ],
)
def test_palsy_options(options: PalsyOptions, functions: tuple[float, float], title: str) -> None:
    palsy = options.build()
    assert buccal(palsy) == functions
    assert options.title() == title
    side = palsy.of(Side(options.side))
    spared = options.kind == "central"
    assert (side.function[Branch.TEMPORAL] == 1.0) == spared, "a stroke spares the forehead"
    assert bool(side.synkinesis) == (options.kind == "late")


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_yanagihara_total_applies_to_the_given_side(side: str) -> None:
    options = PalsyOptions(side, yanagihara=12)  # type: ignore[arg-type]
    palsy = options.build()
    assert palsy.weak_side is Side(side)
    assert palsy.of(Side(side).other).function[Branch.BUCCAL] == 1.0
    assert options.title() == f"peripheral palsy of the patient's {side}, Yanagihara 12 of 40"


def test_a_palsy_file_does_not_swap_sides(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("right: {function: {buccal: 0.25}, tone: 0.5}")
    palsy = read_palsy(path)
    assert buccal(palsy) == (1.0, 0.25)
    assert (palsy.left.tone, palsy.right.tone) == (1.0, 0.5)
    assert PalsyOptions(palsy=path).title() == "palsy of mine.yaml"


def test_named_folders() -> None:
    assert named_folders(["a=x/y", "b=z=1"]) == {"a": Path("x/y"), "b": Path("z=1")}
    assert list(named_folders(["b=x", "a=y"])) == ["b", "a"]


def test_an_open_mouth_is_not_at_rest(face: Face, half_grin: np.ndarray) -> None:
    assert not mouth_is_open(face)
    assert mouth_is_open(detect_face(half_grin))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("../a=x", r"the name \.\./a is a path; give a name"),
        ("..=x", r"the name \.\. lies outside the folder"),
        ("a\\b=x", r"the name a.b has a backslash"),
        ("~=x", "the name ~ lies outside the folder"),
        ("A=x", "there is a method A already"),
    ],
)
def test_a_method_is_not_named_as_a_path(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        named_folders(["a=y", text])

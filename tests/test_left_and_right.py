"""Left and right, from the request to the printed result.

The convention: sides are the patient's, and in a picture that is not mirrored the patient's left
is on the right. Every step is tested against literal values of its own, so that two errors cannot
cancel each other. The subject's face is not symmetric.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from palsynth.capture import capture
from palsynth.capture.reading import read
from palsynth.cli import main
from palsynth.clinical import Branch, Grade, Movement, Palsy, Side
from palsynth.commands.options import PalsyOptions, parse_expression
from palsynth.data.augment import Augmentation
from palsynth.data.examples import Example, labels
from palsynth.data.half_smiles import half_smile, pair_up
from palsynth.data.manifest import Row, read_manifest
from palsynth.data.pairs import Pair
from palsynth.face.detect import detect_face
from palsynth.face.face import Face
from palsynth.face.images import read_image, write_png
from palsynth.face.measures import measure
from palsynth.face.scoring import estimate
from palsynth.face.topology import MULTIPIE_60
from palsynth.generation.gallery import Gallery, write_gallery
from palsynth.generation.plan import Expressions, Palsies
from palsynth.generation.planning import requested_palsy
from palsynth.generation.sheet import grid, sheet
from palsynth.methods import Request, get_method
from palsynth.methods.base import ExpressionImage, TargetExpression
from palsynth.simulator.drive import drive
from palsynth.simulator.photo import simulate
from palsynth.subjects import Subject, View, render, render_drive, sample
from tests.subject_sets import subjects_plan, write_subjects

RIGHT_CORNER, LEFT_CORNER = 61, 291
"""Landmarks of the patient's corners of the mouth."""

CORNER = {Side.LEFT: LEFT_CORNER, Side.RIGHT: RIGHT_CORNER}
SIDES = pytest.mark.parametrize("weak", [Side.LEFT, Side.RIGHT])


def lift(before: np.ndarray, after: np.ndarray, side: Side) -> float:
    """How far a corner of the mouth moves up, in pixels."""
    return float(before[CORNER[side], 1] - after[CORNER[side], 1])


@pytest.fixture(scope="module")
def grins(subject: Subject) -> dict[Side, Face]:
    """The subject's grin with a complete palsy of either side, as detected."""
    palsies = {side: Palsy.peripheral(side, Grade.VI) for side in Side}
    return {
        side: detect_face(render(subject, Movement.GRIN, palsy, view=View(256)).image)
        for side, palsy in palsies.items()
    }


def flat(changed: np.ndarray) -> tuple[float, float]:
    """The mean change in the left and the right half of a picture."""
    middle = changed.shape[1] // 2
    return float(changed[:, :middle].mean()), float(changed[:, middle:].mean())


def test_the_patients_left_is_on_the_right_of_a_picture(subject: Subject, face: Face) -> None:
    rendered = render(subject, view=View(256)).landmarks
    for points in (rendered, face.landmarks):
        assert points[LEFT_CORNER, 0] - points[RIGHT_CORNER, 0] > 20


def test_options_name_the_patients_side() -> None:
    assert PalsyOptions(side="left", grade="VI").build().left.function[Branch.BUCCAL] == 0
    assert PalsyOptions(side="right", grade="VI").build().right.function[Branch.BUCCAL] == 0
    assert PalsyOptions(side="left", yanagihara=12).build().weak_side is Side.LEFT
    movement, palsy = parse_expression("grin:right:VI")
    assert (movement, palsy.weak_side) == (Movement.GRIN, Side.RIGHT)
    assert palsy.right.function[Branch.BUCCAL] == 0
    assert palsy.left.function[Branch.BUCCAL] == 1


@SIDES
def test_the_weak_side_is_not_driven(weak: Side) -> None:
    driven = drive(Movement.GRIN, Palsy.peripheral(weak, Grade.VI))
    moved = {Side.LEFT: driven.left.smile, Side.RIGHT: driven.right.smile}
    assert moved[weak] == 0
    assert moved[weak.other] > 0.9


@SIDES
def test_the_other_corner_of_the_mouth_rises(weak: Side, subject: Subject, face: Face) -> None:
    palsy = Palsy.peripheral(weak, Grade.VI)
    rest = render(subject, view=View(256)).landmarks
    rendered = render(subject, Movement.GRIN, palsy, view=View(256)).landmarks
    driven = detect_face(render_drive(subject, drive(Movement.GRIN, palsy), View(256))[0]).landmarks
    moved = detect_face(simulate(face, Movement.GRIN, palsy).image).landmarks
    for before, after in ((rest, rendered), (rest, driven), (face.landmarks, moved)):
        assert lift(before, after, weak.other) > lift(before, after, weak) + 4


@SIDES
def test_the_half_of_the_picture_that_moves(weak: Side, face: Face) -> None:
    moved = simulate(face, Movement.GRIN, Palsy.peripheral(weak, Grade.IV)).image
    in_left_half, in_right_half = flat(np.abs(moved.astype(float) - face.image))
    # the patient's left is in the right half of the picture: if it is weak, that half moves less
    ratio = in_left_half / in_right_half
    assert ratio > 1.3 if weak is Side.LEFT else ratio < 1 / 1.3


@SIDES
def test_the_measures_and_the_estimate_name_the_weak_side(
    weak: Side, grins: dict[Side, Face]
) -> None:
    found = measure(grins[weak].landmarks).sided["commissure height"]
    lower = Side.LEFT if found.left > found.right else Side.RIGHT  # counted downwards
    assert lower is weak
    assert found.asymmetry == found.left - found.right
    assert estimate(measure(grins[weak].landmarks), Movement.GRIN).weak_side is weak


@SIDES
def test_a_capture_names_the_weak_side(weak: Side, grins: dict[Side, Face], face: Face) -> None:
    for rest in (None, face):
        assert read(capture(grins[weak], rest), Movement.GRIN).weak_side is weak
    captured = capture(grins[weak], face)
    strong = captured.right if weak is Side.LEFT else captured.left
    slack = captured.left if weak is Side.LEFT else captured.right
    assert strong.fields["smile"] > slack.fields["smile"] + 0.2


@SIDES
def test_mirroring_swaps_the_sides(weak: Side, grins: dict[Side, Face]) -> None:
    mirrored = grins[weak].mirrored()
    turned = "right" if weak is Side.LEFT else "left"
    guess = estimate(measure(mirrored.landmarks), Movement.GRIN).weak_side
    assert guess is not None
    assert guess.value == turned
    assert np.array_equal(mirrored.image, grins[weak].image[:, ::-1])


@SIDES
def test_a_patients_side_is_transferred_to_another_face(
    weak: Side, grins: dict[Side, Face], astronaut: Face
) -> None:
    request = Request(astronaut, ExpressionImage(grins[weak]), size=256)
    made = detect_face(get_method("captured")([request])[0])
    assert read(capture(made), Movement.GRIN).weak_side is weak


@SIDES
@pytest.mark.parametrize("method", ["simulator", "captured"])
def test_methods_weaken_the_requested_side(weak: Side, method: str, face: Face) -> None:
    requested = TargetExpression(Movement.GRIN, Palsy.peripheral(weak, Grade.VI))
    made = detect_face(get_method(method)([Request(face, requested, size=256)])[0])
    assert estimate(measure(made.landmarks), Movement.GRIN).weak_side is weak


@SIDES
def test_labels_of_examples_and_their_mirror(weak: Side, grins: dict[Side, Face]) -> None:
    known = labels(Movement.GRIN, Palsy.peripheral(weak, Grade.VI))
    example = Example(grins[weak].image, 0, points=grins[weak].landmarks[:, :2], **known)
    first, second = (0, 1) if weak is Side.LEFT else (1, 0)  # rows: the patient's left, right
    assert example.function[first].max() == 0
    assert example.function[second].min() == 1
    assert (example.tone[first], example.tone[second]) == (0, 1)
    mirror = Augmentation(0, 0, 0, 0, 0, 0, 0, 0, mirror=1)
    turned = mirror(example, np.random.default_rng(0))
    assert turned.function[second].max() == 0
    assert turned.tone[first] == 1
    drop = turned.points[LEFT_CORNER, 1] - turned.points[RIGHT_CORNER, 1]
    assert drop < 0 if weak is Side.LEFT else drop > 0


@SIDES
def test_a_half_smile_lacks_the_weak_half(weak: Side, subject: Subject) -> None:
    rest = detect_face(render(subject, view=View(256)).image)
    smile = detect_face(render(subject, Movement.GRIN, view=View(256)).image)
    pair = pair_up("a", rest, smile, 256)
    made = half_smile(pair, weak, 1.0).astype(float)
    in_left_half, in_right_half = flat(np.abs(made - pair.rest.image)[120:])
    ratio = in_left_half / in_right_half
    assert ratio > 2 if weak is Side.LEFT else ratio < 1 / 2


def test_a_planned_row_has_the_side_of_its_picture(tmp_path: Path) -> None:
    """Eight grins of four subjects, of one grade: with the seed, four of each side."""
    palsies = Palsies(healthy=0, grades=(Grade.V,), central=0)
    wanted = Expressions((Movement.GRIN,), palsies)
    plan = subjects_plan(4, 2, 3, size=256, framing="portrait", expressions=wanted)
    sides = []
    for row in write_subjects(tmp_path / "set", plan):
        assert row.palsy is not None
        weakest = min(("left", "right"), key=lambda s: sum(row.palsy[s]["function"].values()))
        assert row.side == weakest
        points = dict(zip(MULTIPIE_60, row.attributes["multipie60"], strict=True))
        left, right, eyes = points[54], points[48], (points[45], points[36])
        across = np.subtract(*eyes)  # from the patient's right eye to the left one
        down = np.array([-across[1], across[0]]) / np.square(across).sum()
        sign = 1 if row.side == "left" else -1  # left minus right, counted downwards
        exact = sign * float(down @ np.subtract(left, right))
        assert exact > 0.01
        image = read_image(tmp_path / "set" / row.file_name)
        found = measure(detect_face(image).landmarks).fractions().sided["commissure height"]
        assert sign * found.asymmetry > exact / 2
        sides.append(row.side)
    assert sorted(sides) == 4 * ["left"] + 4 * ["right"]


@SIDES
def test_a_row_of_a_transfer_has_the_requested_side(weak: Side) -> None:
    palsy = json.dumps(Palsy.peripheral(weak, Grade.VI).to_dict())
    pair = Pair(
        name="a.png",
        identity="i.png",
        expression="e.png",
        truth="",
        subject="s",
        movement="grin",
        palsy=palsy,
    )
    row = Row.for_request("a.png", pair.subject, *pair.requested())
    assert row.side == weak.value
    assert row.palsy is not None
    assert set(row.palsy[weak.value]["function"].values()) == {0.0}


@SIDES
def test_sheet_and_grid_name_the_side_that_they_show(
    weak: Side, face: Face, grins: dict[Side, Face], monkeypatch: pytest.MonkeyPatch
) -> None:
    palsy = Palsy.peripheral(weak, Grade.VI)
    made = sheet(face, palsy, get_method("simulator"), title="a", size=256)
    grin = next(row for row in made.rows if row.movement is Movement.GRIN)
    assert (grin.requested_side, grin.measured_side, grin.side_text) == (weak, weak, weak.value)
    assert grin.asymmetry is not None
    assert grin.asymmetry > 0 if weak is Side.LEFT else grin.asymmetry < 0  # the left looks weaker
    heads: list[str] = []
    monkeypatch.setattr(
        "palsynth.generation.sheet.captioned",
        lambda image, head, line, above=False: heads.append(head) or image,
    )
    grid([face], [TargetExpression(Movement.GRIN, palsy)], get_method("simulator"))
    assert heads == [f"Grin, {weak.value} VI"]


@SIDES
def test_commands_print_the_side_that_they_weaken(
    weak: Side, photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "grin.png"
    words = ["--movement", "grin", "--side", weak.value, "--grade", "VI", "--out", str(out)]
    main(["simulate", str(photo), *words])
    printed = capsys.readouterr().out
    assert (
        f"Grin, {weak.value} weak side; item score requested 0, measured 0 ({weak.value})"
        in printed
    )
    main(["measure", str(out), "--rest", str(photo), "--movement", "grin", "--json"])
    record = json.loads(capsys.readouterr().out)
    assert record["estimate"]["weak_side"] == weak.value
    assert record["reading"]["weak_side"] == weak.value
    height = record["sided"]["commissure height"]
    assert height["moved_" + weak.other.value] < height["moved_" + weak.value] - 2  # mm, downwards
    assert height["difference"] == pytest.approx(height["left"] - height["right"], abs=2e-3)


@SIDES
def test_a_mirrored_selfie_is_flipped(
    weak: Side, photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    selfie, out = tmp_path / "selfie.png", tmp_path / "out.png"
    write_png(selfie, np.ascontiguousarray(read_image(photo)[:, ::-1]))
    words = ["--movement", "grin", "--side", weak.value, "--grade", "VI", "--out", str(out)]
    main(["simulate", str(selfie), "--mirrored", *words])
    assert f"measured 0 ({weak.value})" in capsys.readouterr().out
    flipped, original = read_image(out).astype(float), read_image(photo).astype(float)
    assert np.abs(flipped - original).mean() < 0.5 * np.abs(flipped - original[:, ::-1]).mean()
    write_png(selfie, np.ascontiguousarray(read_image(out)[:, ::-1]))
    main(["measure", str(selfie), "--movement", "grin", "--mirrored", "--json"])
    assert json.loads(capsys.readouterr().out)["estimate"]["weak_side"] == weak.value


def test_an_export_has_the_sides_of_its_plan(tmp_path: Path) -> None:
    words = ["--subjects", "1", "--images-per-subject", "10", "--size", "64", "--seed", "3"]
    main(["subjects", "export", str(tmp_path / "set"), *words])
    rows = read_manifest(tmp_path / "set")
    plan = subjects_plan(1, 10, 3, size=64)
    palsies = [requested_palsy(plan.expressions.palsies, 3, k, 0) for k in range(10)]
    assert [row.palsy for row in rows] == [palsy.to_dict() for palsy in palsies]
    assert {row.side for row in rows} >= {"left", "right"}
    for row, planned in zip(rows, write_subjects(tmp_path / "other", plan), strict=True):
        assert (row.file_name, row.side) == (planned.file_name, planned.side)
        image = read_image(tmp_path / "set" / row.file_name)
        assert np.array_equal(image, read_image(tmp_path / "other" / row.file_name))


def test_the_page_of_a_gallery_names_the_weak_side(tmp_path: Path) -> None:
    subjects = (sample(5), sample(6))
    gallery = Gallery(subjects, (Grade.VI,), Side.RIGHT, 128)
    write_gallery(tmp_path, gallery, get_method("subjects"), lambda done, of: None)
    page = (tmp_path / "README.md").read_text("utf-8").splitlines()
    titles = [line.rpartition(", ")[2] for line in page if line.startswith("## ")]
    assert titles == ["right side weak", "left side weak"]
    for one, weak in zip(subjects, (Side.RIGHT, Side.LEFT), strict=True):
        rest, grin = (
            detect_face(read_image(tmp_path / f"person-{one.seed:07d}/VI-{name}.jpg")).landmarks
            for name in ("rest", "grin")
        )
        assert lift(rest, grin, weak.other) > lift(rest, grin, weak)

"""Edges of a patient's parts in a non-patient's face."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from palsynth.cli import main
from palsynth.clinical import YANAGIHARA, Grade, Movement, Palsy, Side
from palsynth.face.face import Face
from palsynth.face.framing import PORTRAIT
from palsynth.face.images import write_png
from palsynth.face.regions import region_polygon
from palsynth.methods.base import TargetExpression
from palsynth.methods.controlnet import conditioning
from palsynth.methods.controlnet.conditioning import (
    PARTS,
    Condition,
    _inner,
    codc,
    plain,
)
from palsynth.methods.resolve import subject_face
from palsynth.subjects import View, sample

VIEW = View(256, PORTRAIT)


def subject(seed: int, movement: Movement = Movement.REST, side: Side = Side.LEFT) -> Face:
    palsy = Palsy.none() if movement is Movement.REST else Palsy.peripheral(side, Grade.V)
    return subject_face(sample(seed), TargetExpression(movement, palsy), VIEW)


@pytest.fixture(scope="module")
def pair() -> tuple[Face, Face]:
    return subject(900, Movement.GRIN), subject(901)


@pytest.fixture(scope="module")
def made(pair: tuple[Face, Face]) -> Condition:
    return codc(*pair, size=256)


def test_outside_the_face_are_the_non_patients_edges(pair, made: Condition) -> None:
    theirs = pair[1].aligned(PORTRAIT, 256)
    inner = _inner(theirs)
    assert np.array_equal(made.edges[~inner], plain(pair[1], 256).edges[~inner])
    assert made.edges[inner].any()


def test_every_part_has_edges_inside_the_contour_and_nothing_lies_between(pair, made) -> None:
    theirs = pair[1].aligned(PORTRAIT, 256)
    inner = _inner(theirs)
    within = np.zeros_like(inner)
    for name, (left, top, right, bottom) in made.boxes.items():
        assert made.edges[top:bottom, left:right].any(), name
        within[top:bottom, left:right] = True
    assert not made.edges[inner & ~within].any(), "cheeks and chin are empty: no seams"


def test_ten_pairs_of_every_movement_lie_inside_the_contour() -> None:
    for k, movement in enumerate(YANAGIHARA):
        patient, other = subject(910 + k, movement, list(Side)[k % 2]), subject(930 + k)
        found = codc(patient, other, size=128)
        theirs = other.aligned(PORTRAIT, 128)
        mine = patient.aligned(PORTRAIT, 128)
        oval = region_polygon(theirs.landmarks, "face").astype(np.float32)
        for part in PARTS:
            middle = list(part.middle)
            here, there = (f.landmarks[middle, :2].mean(0) for f in (mine, theirs))
            points = mine.landmarks[list(part.points), :2]
            for x, y in there + found.scales[part.name] * (points - here):
                assert cv2.pointPolygonTest(oval, (float(x), float(y)), False) > 0
        assert found.edges.any()


def test_no_ruler_moves_with_the_palsy() -> None:
    """A grin or a whistle must not be taken for another size of the mouth."""
    rest, other = subject(905), subject(906)
    calm = codc(rest, other, size=256).scales
    for movement in (Movement.GRIN, Movement.WHISTLE, Movement.CLOSE_EYES_TIGHTLY):
        moved = codc(subject(905, movement), other, size=256).scales
        for name, scale in moved.items():
            assert scale == pytest.approx(calm[name], rel=0.06), (movement, name)


def test_switches(pair, monkeypatch: pytest.MonkeyPatch) -> None:
    own = codc(*pair, contour=False, organ_size=False, size=256)
    assert np.array_equal(own.edges, plain(pair[0], 256).edges)
    assert list(own.steps) == ["patient", "non-patient", "patient's edges", "condition"]
    no_size = codc(*pair, organ_size=False, size=256)
    assert set(no_size.scales.values()) == {1.0}
    other_nose = codc(*pair, nose=False, size=256)
    assert other_nose.scales["nose"] == 1.0  # it stays where it is
    left, top, right, bottom = other_nose.boxes["nose"]
    theirs = plain(pair[1], 256).edges
    kept = other_nose.edges[top:bottom, left:right] == theirs[top:bottom, left:right]
    taken = codc(*pair, size=256).edges[top:bottom, left:right] == theirs[top:bottom, left:right]
    assert kept.mean() > taken.mean()
    monkeypatch.setattr(conditioning, "PARTS", PARTS[:2])
    eyes = codc(*pair, size=256)
    for left, top, right, bottom in eyes.boxes.values():  # a nose at rest takes nothing of them
        window = slice(top, bottom), slice(left, right)
        assert np.array_equal(other_nose.edges[window], eyes.edges[window])
    monkeypatch.undo()
    nose_alone = codc(*pair, contour=False, organ_size=False, nose=False, size=256)
    assert not np.array_equal(nose_alone.edges, own.edges)
    no_contour = codc(*pair, contour=False, size=256)
    outside = ~_inner(pair[0].aligned(PORTRAIT, 256))
    assert np.array_equal(no_contour.edges[outside], own.edges[outside])
    assert not np.array_equal(no_contour.edges, own.edges)


def test_steps_are_visible(made: Condition) -> None:
    assert list(made.steps) == [
        "patient", "non-patient", "non-patient's edges", "non-patient's contour", "parts",
        "condition",
    ]  # fmt: skip
    assert {p.shape for p in made.pictures.values()} == {(256, 256, 3)}
    assert list(made.pictures) == list(made.steps)


def test_the_command(pair, tmp_path: Path, capsys) -> None:
    for name, face in zip("ab", pair, strict=True):
        write_png(tmp_path / f"{name}.png", face.image)
    words = ["condition", str(tmp_path / "a.png"), str(tmp_path / "b.png"), "--out",
             str(tmp_path / "c.png"), "--size", "128"]  # fmt: skip
    main([*words, "--show", str(tmp_path / "s.png")])
    assert "mouth x " in capsys.readouterr().out
    with Image.open(tmp_path / "c.png") as image:
        assert image.size == (128, 128)
        assert set(np.unique(np.asarray(image))) == {0, 255}
    with Image.open(tmp_path / "s.png") as image:
        assert image.width > 6 * 128
        assert image.height > 128  # captions
    main([words[0], words[1], "--out", str(tmp_path / "d.png")])
    assert "edges of the whole face" in capsys.readouterr().out
    for bad, text in (
        ([*words, "--size", "9"], "--size 9: must lie between 64 and 2048"),
        ([words[0], words[1], "--keep-sizes"], "need a non-patient's photo"),
    ):
        with pytest.raises(SystemExit):
            main(bad)
        assert text in capsys.readouterr().err

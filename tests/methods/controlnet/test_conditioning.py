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
    patient_edges,
)
from palsynth.methods.resolve import subject_face
from palsynth.subjects import View, sample

VIEW = View(256, PORTRAIT)


def face_of(seed: int, movement: Movement = Movement.REST, side: Side = Side.LEFT) -> Face:
    palsy = Palsy.none() if movement is Movement.REST else Palsy.peripheral(side, Grade.V)
    return subject_face(sample(seed), TargetExpression(movement, palsy), VIEW)


@pytest.fixture(scope="module")
def pair() -> tuple[Face, Face]:
    return face_of(900, Movement.GRIN), face_of(901)


@pytest.fixture(scope="module")
def condition(pair: tuple[Face, Face]) -> Condition:
    return codc(*pair, size=256)


def test_edges_around_the_face_are_the_non_patients(pair, condition: Condition) -> None:
    inner = _inner(pair[1].aligned(PORTRAIT, 256))
    assert np.array_equal(condition.edges[~inner], patient_edges(pair[1], 256).edges[~inner])
    assert condition.edges[inner].any()


def test_every_part_has_edges_and_the_face_between_them_has_none(pair, condition) -> None:
    inner = _inner(pair[1].aligned(PORTRAIT, 256))
    within = np.zeros_like(inner)
    for name, (left, top, right, bottom) in condition.boxes.items():
        assert condition.edges[top:bottom, left:right].any(), name
        within[top:bottom, left:right] = True
    assert not condition.edges[inner & ~within].any(), "cheeks and chin are empty: no seams"


def test_parts_of_ten_pairs_one_per_movement_lie_inside_the_contour() -> None:
    for k, movement in enumerate(YANAGIHARA):
        patient, other = face_of(910 + k, movement, list(Side)[k % 2]), face_of(930 + k)
        found = codc(patient, other, size=128)
        target = other.aligned(PORTRAIT, 128)
        source = patient.aligned(PORTRAIT, 128)
        oval = region_polygon(target.landmarks, "face").astype(np.float32)
        for part in PARTS:
            middle = list(part.middle)
            start, end = (f.landmarks[middle, :2].mean(0) for f in (source, target))
            points = source.landmarks[list(part.points), :2]
            for x, y in end + found.scales[part.name] * (points - start):
                assert cv2.pointPolygonTest(oval, (float(x), float(y)), False) > 0
        assert found.edges.any()


def test_no_ruler_moves_with_the_palsy() -> None:
    """A grin or a whistle must not count as another size of the mouth."""
    rest, other = face_of(905), face_of(906)
    at_rest = codc(rest, other, size=256).scales
    for movement in (Movement.GRIN, Movement.WHISTLE, Movement.CLOSE_EYES_TIGHTLY):
        moved = codc(face_of(905, movement), other, size=256).scales
        for name, scale in moved.items():
            assert scale == pytest.approx(at_rest[name], rel=0.06), (movement, name)


def test_switches(pair, monkeypatch: pytest.MonkeyPatch) -> None:
    own = codc(*pair, contour=False, organ_size=False, size=256)
    assert np.array_equal(own.edges, patient_edges(pair[0], 256).edges)
    assert list(own.steps) == ["patient", "non-patient", "patient's edges", "condition"]
    no_size = codc(*pair, organ_size=False, size=256)
    assert set(no_size.scales.values()) == {1.0}
    other_nose = codc(*pair, nose=False, size=256)
    assert other_nose.scales["nose"] == 1.0  # it is not moved
    left, top, right, bottom = other_nose.boxes["nose"]
    window = slice(top, bottom), slice(left, right)
    others = patient_edges(pair[1], 256).edges[window]
    with_own = other_nose.edges[window] == others
    with_patients = codc(*pair, size=256).edges[window] == others
    assert with_own.mean() > with_patients.mean()
    monkeypatch.setattr(conditioning, "PARTS", PARTS[:2])
    eyes = codc(*pair, size=256)
    for left, top, right, bottom in eyes.boxes.values():  # a nose at rest overwrites none of them
        window = slice(top, bottom), slice(left, right)
        assert np.array_equal(other_nose.edges[window], eyes.edges[window])
    monkeypatch.undo()
    nose_alone = codc(*pair, contour=False, organ_size=False, nose=False, size=256)
    assert not np.array_equal(nose_alone.edges, own.edges)
    no_contour = codc(*pair, contour=False, size=256)
    around = ~_inner(pair[0].aligned(PORTRAIT, 256))
    assert np.array_equal(no_contour.edges[around], own.edges[around])
    assert not np.array_equal(no_contour.edges, own.edges)


def test_steps_are_visible(condition: Condition) -> None:
    assert list(condition.steps) == [
        "patient",
        "non-patient",
        "non-patient's edges",
        "non-patient's contour",
        "parts",
        "condition",
    ]
    assert {p.shape for p in condition.pictures.values()} == {(256, 256, 3)}
    assert list(condition.pictures) == list(condition.steps)


def test_the_command(pair, tmp_path: Path, capsys) -> None:
    for name, face in zip("ab", pair, strict=True):
        write_png(tmp_path / f"{name}.png", face.image)
    photos, out = [str(tmp_path / "a.png"), str(tmp_path / "b.png")], str(tmp_path / "c.png")
    command = ["condition", *photos, "--out", out, "--size", "128"]
    main([*command, "--show", str(tmp_path / "s.png")])
    assert "mouth x " in capsys.readouterr().out
    with Image.open(tmp_path / "c.png") as image:
        assert image.size == (128, 128)
        assert set(np.unique(np.asarray(image))) == {0, 255}
    with Image.open(tmp_path / "s.png") as image:
        assert image.width > 6 * 128
        assert image.height > 128  # captions
    main([*command[:2], "--out", str(tmp_path / "d.png")])
    assert "edges of the whole face" in capsys.readouterr().out
    for bad, message in (
        ([*command, "--size", "9"], "--size 9: must lie between 64 and 2048"),
        ([*command[:2], "--keep-sizes"], "need a non-patient's photo"),
    ):
        with pytest.raises(SystemExit):
            main(bad)
        assert message in capsys.readouterr().err

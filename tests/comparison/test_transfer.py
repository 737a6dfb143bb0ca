"""The requests that a method gets, and the manifest of its images."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from palsynth.clinical import Grade, Movement, Palsy, Side
from palsynth.comparison.transfer import _split, transfer
from palsynth.data.manifest import Row, read_manifest, write_manifest
from palsynth.data.pairs import Pair
from palsynth.errors import InputError
from palsynth.face.detect import detect_face, read_face
from palsynth.face.face import Face
from palsynth.face.framing import PORTRAIT
from palsynth.face.images import read_image, write_png
from palsynth.methods.base import ExpressionImage, Request, TargetExpression
from palsynth.methods.registry import get_method
from palsynth.subjects import View, render, sample

LEFT_IV = Palsy.peripheral(Side.LEFT, Grade.IV)


class Recorder:
    """Returns grey images by the request's seed and records the requests."""

    name, synthetic, weights_sha256 = "recorder", True, None
    settings: dict[str, object] = {}  # noqa: RUF012

    def __init__(self, *takes: type) -> None:
        self.takes = frozenset(takes or {ExpressionImage})
        self.requested: list[Request] = []

    def __call__(self, requests: Sequence[Request]) -> list[np.ndarray]:
        self.requested += requests
        return [np.full((32, 32, 3), 10 + r.seed, np.uint8) for r in requests]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two subjects at rest, and one of them moving."""
    folder = tmp_path_factory.mktemp("transfer")
    view = View(160, PORTRAIT)
    for name, seed, movement, palsy in (
        ("identity", 970_401, Movement.REST, Palsy.none()),
        ("rest", 970_402, Movement.REST, Palsy.none()),
        ("grin", 970_402, Movement.GRIN, LEFT_IV),
    ):
        write_png(folder / f"{name}.png", render(sample(seed), movement, palsy, view=view).image)
    about = {"gender": "man", "age": 70}
    write_manifest(
        folder,
        [
            Row("identity.png", "w", split="train", attributes=about),
            Row("rest.png", "p", split="test"),
            Row("grin.png", "p", split="test"),
        ],
    )
    return folder


def _pair(name: str, movement: Movement = Movement.GRIN, palsy: Palsy | None = LEFT_IV) -> Pair:
    label = "" if palsy is None else json.dumps(palsy.to_dict())
    expression = "rest.png" if movement is Movement.REST else "grin.png"
    return Pair(
        name, "identity.png", expression, "", "w", movement.value, label, "rest.png", "man", "x"
    )


PAIRS = [_pair("0.png"), _pair("1.png", Movement.REST), _pair("2.png", palsy=None)]


def _same(face: Face | None, path: Path) -> bool:
    return face is not None and np.array_equal(face.landmarks, read_face(path).landmarks)


def test_requests_have_the_identity_and_the_expression_image(folder: Path, tmp_path: Path) -> None:
    method = Recorder()
    transfer(method, folder, PAIRS, tmp_path)
    assert [r.seed for r in method.requested] == [0, 1, 2]
    for request, shown in zip(method.requested, ("grin", "rest", "grin"), strict=True):
        assert isinstance(request.identity, Face)
        assert isinstance(request.expression, ExpressionImage)
        assert _same(request.identity, folder / "identity.png")
        assert _same(request.expression.face, folder / f"{shown}.png")
        assert request.expression.rest is None
        assert request.framing is None, "the face is aligned as in the identity image"
        assert request.words.startswith("man of about 70"), "as in the manifest"
    assert [read_image(tmp_path / f"{k}.png")[0, 0, 0] for k in range(3)] == [10, 11, 12]


def test_the_rest_image_is_the_expressions_own_and_left_out_at_rest(
    folder: Path, tmp_path: Path
) -> None:
    method = Recorder()
    transfer(method, folder, PAIRS, tmp_path, rest=True)
    rests = [
        r.expression.rest for r in method.requested if isinstance(r.expression, ExpressionImage)
    ]
    assert _same(rests[0], folder / "rest.png")
    assert rests[1] is None, "asymmetry at rest is the expression itself"
    assert _same(rests[2], folder / "rest.png")


def test_a_method_that_takes_no_images_gets_movement_and_palsy(
    folder: Path, tmp_path: Path
) -> None:
    method = Recorder(TargetExpression)
    transfer(method, folder, PAIRS[:2], tmp_path)
    assert [r.expression for r in method.requested] == [
        TargetExpression(Movement.GRIN, LEFT_IV),
        TargetExpression(Movement.REST, LEFT_IV),
    ]


def test_rows_have_the_requested_labels(folder: Path, tmp_path: Path) -> None:
    transfer(Recorder(), folder, PAIRS, tmp_path)
    rows = read_manifest(tmp_path)
    assert [r.file_name for r in rows] == ["0.png", "1.png", "2.png"]
    grin, rest, unknown = rows
    assert (grin.subject_id, grin.movement, grin.side) == ("w", "grin", "left")
    assert (grin.hb_grade, grin.yanagihara_item) == ("IV", 2)
    assert (rest.movement, rest.yanagihara_item) == ("rest", 4), "grade IV is symmetric at rest"
    assert grin.palsy == LEFT_IV.to_dict()
    assert (unknown.side, unknown.hb_grade, unknown.palsy) == (None, None, None)
    assert {r.split for r in rows} == {"test"}, "the expression is of a test person"
    assert grin.provenance is not None
    found = [grin.provenance[k] for k in ("method", "seed", "identity", "expression")]
    assert found == ["recorder", 0, "identity.png", "grin.png"]
    assert grin.attributes == {"gender": "man", "ethnicity": "x"}


def test_where_the_palsy_is_unknown_the_picture_and_its_labels_stand_for_it(
    folder: Path, tmp_path: Path
) -> None:
    """A method that takes words alone is given the picture, which the runner captures."""
    labels = {"side": "right", "hb_grade": "V", "yanagihara_item": 2}
    for name in ("identity", "rest", "grin"):
        write_png(tmp_path / "set" / f"{name}.png", read_image(folder / f"{name}.png"))
    rows = [Row("identity.png", "w"), Row("rest.png", "p"), Row("grin.png", "p", "grin", **labels)]
    write_manifest(tmp_path / "set", rows)
    simulator = get_method("simulator")
    transfer(simulator, tmp_path / "set", [_pair("0.png", palsy=None)], tmp_path / "words")
    transfer(get_method("captured"), tmp_path / "set", [PAIRS[2]], tmp_path / "captured")
    found, expected = (read_image(tmp_path / name) for name in ("words/0.png", "captured/2.png"))
    assert np.array_equal(found, expected)
    (row,) = read_manifest(tmp_path / "words")
    assert (row.side, row.hb_grade, row.yanagihara_item) == ("right", "V", 2)
    transfer(simulator, tmp_path / "set", [_pair("0.png")], tmp_path / "known")
    assert read_manifest(tmp_path / "known")[0].side == "left", "as requested"


def test_a_refused_transfer_leaves_nothing(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for lacking, text in (
        (replace(PAIRS[0], expression="gone.png"), "gone.png: no such file, but pairs.csv names"),
        (replace(PAIRS[0], expression_identity=""), "0.png: pairs.csv has no expression_identity"),
        (replace(PAIRS[0], identity="wall.png"), "wall.png: no face found"),
    ):
        write_png(folder / "wall.png", np.full((64, 64, 3), 99, np.uint8))
        with pytest.raises(InputError, match=text):
            transfer(Recorder(), folder, [lacking], out, rest=True)
        assert not out.exists()
    transfer(Recorder(), folder, PAIRS, out)
    before = sorted(out.iterdir())
    with pytest.raises(InputError, match="holds pictures of another method"):
        transfer(Recorder(), folder, PAIRS[:1], out)
    assert sorted(out.iterdir()) == before


@pytest.mark.parametrize(
    ("identity", "expression", "split"),
    [
        ("train", "train", "train"),
        ("train", "test", "test"),
        ("test", "train", "test"),
        ("train", "validation", "validation"),
        ("validation", "test", "test"),
        ("train", None, "train"),
        (None, None, None),
    ],
)
def test_an_image_of_a_test_person_is_never_in_the_train_split(
    identity: str | None, expression: str | None, split: str | None
) -> None:
    assert _split({"identity.png": identity, "grin.png": expression}, PAIRS[0]) == split


def test_pictures_of_a_set_that_changed_are_not_mixed(folder: Path, tmp_path: Path) -> None:
    for name in ("identity", "rest", "grin"):
        write_png(tmp_path / "set" / f"{name}.png", read_image(folder / f"{name}.png"))
    transfer(Recorder(), tmp_path / "set", PAIRS[:1], tmp_path / "out")
    write_png(tmp_path / "set" / "grin.png", read_image(folder / "rest.png"))
    with pytest.raises(InputError, match=r"or of another set: pictures is .*; give another folder"):
        transfer(Recorder(), tmp_path / "set", PAIRS[:1], tmp_path / "out")


@pytest.mark.parametrize("damage", ["deleted", "emptied", "cut", "of another pair", "of others"])
def test_a_picture_that_is_not_as_it_was_made(
    damage: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is made again, with a word, before and after the end; that of others is refused."""
    transfer(Recorder(), folder, PAIRS, tmp_path)
    path, whole = tmp_path / "0.png", (tmp_path / "0.png").read_bytes()
    if damage == "deleted":
        path.unlink()
    elif damage == "emptied":
        path.write_bytes(b"")
    elif damage == "cut":
        path.write_bytes(whole[:-100])
    elif damage == "of another pair":
        path.write_bytes((tmp_path / "1.png").read_bytes())
    else:
        Image.fromarray(read_image(folder / "grin.png")).save(path)
        with pytest.raises(InputError, match=r"0\.png: was not made here; move it away"):
            transfer(Recorder(), folder, PAIRS, tmp_path)
        return
    method = Recorder()
    transfer(method, folder, PAIRS, tmp_path)
    assert len(method.requested) == 1
    assert path.read_bytes() == whole
    said = "changed" if damage.startswith(("cut", "of")) else damage
    assert f"0.png: has been {said}; it is made again" in capsys.readouterr().err
    transfer(Recorder(), folder, PAIRS, tmp_path)
    assert capsys.readouterr().err == ""


def test_an_expression_made_by_a_method_may_show_no_face(folder: Path, tmp_path: Path) -> None:
    """Then the identity stays at rest."""
    grin = detect_face(read_image(folder / "grin.png"))
    write_png(tmp_path / "none.png", np.full((64, 64, 3), 99, np.uint8))
    write_png(tmp_path / "grin.png", read_image(folder / "grin.png"))
    pairs = [replace(PAIRS[0], expression="none.png"), replace(PAIRS[0], name="1.png")]
    method = Recorder()
    transfer(method, folder, pairs, tmp_path / "out", made=True, expressions=tmp_path)
    shown = [
        r.expression.face for r in method.requested if isinstance(r.expression, ExpressionImage)
    ]
    assert _same(shown[0], folder / "identity.png")
    assert np.array_equal(shown[1].landmarks, grin.landmarks)


def test_names_that_cannot_be_written_are_refused_before_the_work(
    folder: Path, tmp_path: Path
) -> None:
    pairs = [_pair("a.png"), _pair("b.txt")]
    with pytest.raises(InputError, match=r"pair b\.txt: pictures are written as PNG; end its"):
        transfer(get_method("copy-identity"), folder, pairs, tmp_path / "out")
    assert not (tmp_path / "out").exists()

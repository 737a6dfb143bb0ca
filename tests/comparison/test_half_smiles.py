"""Half-smiles composed of two photographs of a person, here rendered ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from palsynth.clinical import Movement, Palsy, Side
from palsynth.comparison.half_smiles import half_smiles
from palsynth.data.half_smiles import half_smile, pair_up
from palsynth.data.manifest import read_manifest
from palsynth.data.pairs import read_pairs
from palsynth.errors import InputError
from palsynth.face import topology
from palsynth.face.detect import detect_face, read_face
from palsynth.face.face import Face
from palsynth.face.images import read_image, write_png
from palsynth.face.measures import measure
from palsynth.subjects import View, render, sample
from tests.commands.test_cli import complaint, run


def _pictures(seed: int) -> tuple[np.ndarray, np.ndarray]:
    still = render(sample(seed), view=View(256)).image
    smile = render(sample(seed), Movement.GRIN, Palsy.none(), view=View(256)).image
    return still, smile


@pytest.fixture(scope="module")
def faces() -> tuple[Face, Face]:
    still, smile = _pictures(1_000_401)
    return detect_face(still), detect_face(smile)


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    for seed in (1_000_401, 1_000_402, 1_000_403):
        still, smile = _pictures(seed)
        write_png(tmp_path / "photos" / "neutral" / f"{seed}.png", still)
        write_png(tmp_path / "photos" / "smiling" / f"{seed}.png", smile)
    write_png(tmp_path / "photos" / "neutral" / "alone.png", still)
    write_png(tmp_path / "photos" / "neutral" / "grave.png", still)
    write_png(tmp_path / "photos" / "smiling" / "grave.png", still)
    (tmp_path / "photos" / "info.csv").write_text(
        "face_id,gender,ethnicity\n1000401,female,black\n", "utf-8"
    )
    return tmp_path / "photos"


@pytest.mark.parametrize("weak", list(Side))
def test_only_the_other_side_smiles(weak: Side, faces: tuple[Face, Face]) -> None:
    subject = pair_up("x", *faces, size=256)
    made = detect_face(half_smile(subject, weak, 1.0)).landmarks
    for side in Side:
        corner = topology.COMMISSURE[side.value]
        still, smile = (f.landmarks[corner, :2] for f in (subject.rest, subject.smile))
        expected = still if side is weak else smile
        assert np.linalg.norm(made[corner, :2] - expected) < 0.35 * np.linalg.norm(smile - still)


def test_a_share_of_zero_is_the_smile_and_all_pixels_are_from_photographs(
    faces: tuple[Face, Face],
) -> None:
    subject = pair_up("x", *faces, size=256)
    whole = half_smile(subject, Side.LEFT, 0.0)
    assert np.abs(whole.astype(int) - subject.smile.image).mean() < 2
    left, right = half_smile(subject, Side.LEFT, 1.0), half_smile(subject, Side.RIGHT, 1.0)
    assert np.abs(left.astype(int) - right).max() > 40
    edge = np.abs(left.astype(int) - subject.rest.image)[
        :, -20:
    ]  # beyond the face on the patient's left
    assert edge.mean() < 1


def test_two_sets_of_a_folder(photographs: Path, tmp_path: Path) -> None:
    out = tmp_path / "sets"
    assert run("benchmark", "half-smiles", "--photographs", photographs, "--out", out) == 0
    own, cross = (read_pairs(out / kind / "pairs.csv") for kind in ("self", "cross"))
    assert len(own) == 3 * 2 * 2
    assert len(cross) == 3 * 2 * 2 * 2  # two other people each
    for pair in own:
        assert pair.truth == pair.expression
        assert pair.identity == pair.expression_identity
        assert (out / "self" / pair.truth).is_file()
    for pair in cross:
        assert pair.truth == ""
        assert pair.subject not in pair.expression
        movement, palsy = pair.requested()
        assert movement is Movement.GRIN
        assert palsy is not None
        assert palsy.weak_side is Side("left" if "-left-" in pair.expression else "right")
    left_out = (out / "self" / "left-out.txt").read_text("utf-8").splitlines()
    assert sorted(line.split(":")[0].split("/")[-1] for line in left_out) == ["alone.png", "grave"]
    rows = {row.file_name: row for row in read_manifest(out / "self")}
    for name, side, works in (
        ("left-050", "left", 0.5),
        ("left-100", "left", 0.0),
        ("right-050", "right", 0.5),
        ("right-100", "right", 0.0),
    ):
        row = rows[f"half/1000401-{name}.png"]
        requested = next(p for p in own if p.expression == row.file_name).requested()[1]
        assert row.side == side
        assert row.palsy is not None
        assert requested == Palsy.from_dict(row.palsy)
        assert row.palsy[side]["function"]["buccal"] == works
        assert row.palsy["right" if side == "left" else "left"]["function"]["buccal"] == 1.0
        found = measure(read_face(out / "self" / row.file_name).landmarks)
        hangs = found.sided["commissure height"].asymmetry
        assert (hangs > 0) == (side == "left"), "the named side does not smile"
    row = rows["rest/1000402.png"]
    assert (row.movement, row.side, row.palsy) == ("rest", None, None)
    for pair in cross:
        name = pair.expression.split("/")[1].split("-")[0]
        assert pair.identity == f"rest/{pair.subject}.png"
        assert pair.expression_identity == f"rest/{name}.png"
    row = rows["half/1000401-left-100.png"]
    assert (row.subject_id, row.side, row.movement) == ("1000401", "left", "grin")
    assert row.attributes["gender"] == "female"
    again = read_image(out / "cross" / "half" / "1000401-left-100.png")
    assert np.array_equal(again, read_image(out / "self" / "half" / "1000401-left-100.png"))
    assert run("benchmark", "half-smiles", "--photographs", photographs, "--out", out) == 0
    with (photographs / "smiling" / "1000402.png").open("ab") as file:
        file.write(b"another photograph")
    with pytest.raises(InputError, match=r"holds an export with other settings: photographs is"):
        half_smiles(out, photographs)
    with pytest.raises(InputError, match="holds several sets; give one: cross, self"):
        read_pairs(out / "pairs.csv")


def test_folders_that_hold_no_pairs(
    tmp_path: Path, photographs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(InputError, match="needs the folders neutral and smiling"):
        half_smiles(tmp_path / "o", tmp_path)
    assert "needs --photographs" in complaint(capsys, "benchmark", "half-smiles", "--out", "x")
    for path in (photographs / "smiling").glob("100040[12].png"):
        path.unlink()
    with pytest.raises(InputError, match="fewer than two people smile on both sides; the first"):
        half_smiles(tmp_path / "o", photographs)
    with pytest.raises(InputError, match="lies in"):
        half_smiles(photographs / "sets", photographs)


def test_a_method_can_get_the_rest_image(photographs: Path, tmp_path: Path) -> None:
    out = tmp_path / "sets"
    assert run("benchmark", "half-smiles", "--photographs", photographs, "--out", out) == 0
    words = ["transfer", out / "cross", "--method", "captured", "--out"]
    assert run(*words, tmp_path / "one") == 0
    assert run(*words, tmp_path / "two", "--rest") == 0
    name = read_pairs(out / "cross" / "pairs.csv")[0].name
    one, two = (read_image(tmp_path / k / name) for k in ("one", "two"))
    assert not np.array_equal(one, two)
    assert run(*words, tmp_path / "one", "--rest") == 2  # holds images made without --rest

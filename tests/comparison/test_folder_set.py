"""A benchmark set of one's own dataset, and what runs on it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from palsynth.cli import main
from palsynth.clinical import Grade, Movement, Palsy, Side
from palsynth.comparison.folder_set import folder_set
from palsynth.data.manifest import Row, read_manifest, write_manifest
from palsynth.data.pairs import read_pairs
from palsynth.errors import InputError
from palsynth.face.detect import read_face
from palsynth.face.framing import ID_PHOTO, PORTRAIT, RECOGNISER
from palsynth.face.images import read_image, write_jpeg
from palsynth.subjects import View, render, sample

LEFT_V = Palsy.peripheral(Side.LEFT, Grade.V)
SPLITS = {"a": "train", "b": "train", "c": "train", "d": "test", "e": "test", "f": "validation"}
MOVEMENTS = (Movement.REST, Movement.GRIN, Movement.WHISTLE)


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six patients in three movements, photographs of several sizes, with the raters' labels."""
    folder = tmp_path_factory.mktemp("clinic") / "set"
    rows = []
    for k, (subject, split) in enumerate(SPLITS.items()):
        for j, movement in enumerate(MOVEMENTS):
            name = f"{subject}/{movement.value}.jpg"
            view = View(220 + 20 * j, ID_PHOTO)
            image = render(sample(970_500 + k), movement, LEFT_V, view=view).image
            write_jpeg(folder / name, image)
            about = {"gender": f"g{k}", "multipie60": [[0, 0]] * 60}
            rows.append(Row(name, subject, movement.value, "left", "V", 2, split=split))
            rows[-1] = replace(rows[-1], attributes=about if j == 0 else {})
    write_jpeg(folder / "a/wall.jpg", np.full((64, 64, 3), 99, np.uint8))
    rows.append(Row("a/wall.jpg", "a", "grin", split="train"))
    write_jpeg(folder / "a/odd.jpg", read_image(folder / "a/grin.jpg"))
    rows.append(Row("a/odd.jpg", "a", split="train"))
    write_manifest(folder, rows)
    return folder


@pytest.fixture(scope="module")
def made(clinic: Path) -> Path:
    main(["benchmark", "folder", str(clinic)])
    return clinic.with_name("set-benchmark")


def test_every_expression_is_shown_by_another_patient_of_its_split(
    clinic: Path, made: Path
) -> None:
    pairs = read_pairs(made / "pairs.csv")
    rows = {row.file_name: row for row in read_manifest(made)}
    assert len(pairs) == 10, "two movements of five patients"
    assert len({pair.expression for pair in pairs}) == 10
    for pair in pairs:
        identity, expression, rest = (
            rows[f] for f in (pair.identity, pair.expression, pair.expression_identity)
        )
        assert identity.movement == rest.movement == "rest"
        assert identity.subject_id == pair.subject != expression.subject_id == rest.subject_id
        assert identity.split == expression.split
        assert pair.movement == expression.movement != "rest"
        assert (pair.truth, pair.palsy, pair.gender) == ("", "", identity.attributes["gender"])
    of_a = [pair.subject for pair in pairs if pair.expression.startswith("a/")]
    assert set(of_a) == {"b", "c"}, "others take turns"
    assert {row.side for row in rows.values()} == {"left"}
    assert not any("multipie60" in row.attributes for row in rows.values())
    lines = (made / "left-out.txt").read_text().splitlines()
    assert lines[0] == "a/odd.jpg: its movement is not known"
    assert lines[1].startswith("a/wall.jpg: no face found")
    assert lines[2:] == ["split validation: has one subject only; a pair needs another"]


def test_progress_ends_at_its_total(clinic: Path, tmp_path: Path) -> None:
    """Also where faces are known already and pictures are left out."""
    (tmp_path / "set").mkdir()
    for row in (rows := [r for r in read_manifest(clinic) if r.subject_id in "ab"]):
        write_jpeg(tmp_path / "set" / row.file_name, read_image(clinic / row.file_name))
    write_manifest(tmp_path / "set", rows)
    seen: list[tuple[int, int]] = []
    for _ in range(2):
        seen.clear()
        folder_set(tmp_path / "out", tmp_path / "set", progress=lambda *counts: seen.append(counts))
        assert seen[-1][0] == seen[-1][1]
        assert [done for done, _ in seen] == list(range(1, len(seen) + 1))


def test_faces_are_cropped_as_asked(clinic: Path, made: Path, tmp_path: Path) -> None:
    face = read_face(clinic / "b/grin.jpg")
    assert np.array_equal(read_image(made / "b/grin.png"), face.aligned(RECOGNISER, 112).image)
    found = folder_set(tmp_path / "out", clinic, 96, PORTRAIT, ("test",))
    assert {pair.subject for pair in found.pairs} == {"d", "e"}
    face = read_face(clinic / "d/grin.jpg")
    shown = read_image(tmp_path / "out" / "d/grin.png")
    assert np.array_equal(shown, face.aligned(PORTRAIT, 96).image)
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "out").rglob("*.png")}
    folder_set(tmp_path / "out", clinic, 96, PORTRAIT, ("test",))
    assert {p: p.stat().st_mtime_ns for p in (tmp_path / "out").rglob("*.png")} == before
    with pytest.raises(InputError, match="size is 96, not 97"):
        folder_set(tmp_path / "out", clinic, 97, PORTRAIT, ("test",))


def test_pictures_of_one_name_stay_two(clinic: Path, tmp_path: Path) -> None:
    rows = [row for row in read_manifest(clinic) if row.split == "test"]
    source = tmp_path / "set"
    for row in rows:
        write_jpeg(source / row.file_name, read_image(clinic / row.file_name))
    write_jpeg(source / "d/grin.jpeg", read_image(clinic / "d/grin.jpg"))
    write_manifest(source, [*rows, replace(rows[0], file_name="d/grin.jpeg")])
    found = folder_set(tmp_path / "out", source)
    names = {pair.expression for pair in found.pairs}
    assert names >= {"d/grin.png", "d/grin.jpg.png"}
    assert len(found.pairs) == 5


@pytest.mark.parametrize(
    ("keep", "text"),
    [
        (lambda row: row.subject_id == "f", "has one subject only"),
        (lambda row: row.movement != "rest", "b: has no picture at rest"),
        (lambda row: row.movement == "rest", "no pair can be made; a split needs two subjects"),
        (lambda row: row.split == "none", "has no rows"),
    ],
)
def test_a_dataset_without_pairs_is_refused(clinic: Path, tmp_path: Path, keep, text: str) -> None:
    rows = [row for row in read_manifest(clinic) if row.subject_id != "a"]
    for row in rows:
        write_jpeg(tmp_path / "set" / row.file_name, read_image(clinic / row.file_name))
    write_manifest(tmp_path / "set", [row for row in rows if keep(row)])
    with pytest.raises(InputError, match=text):
        folder_set(tmp_path / "out", tmp_path / "set")
    assert not (tmp_path / "out").exists()


def test_other_bad_input(clinic: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words, text in (
        (["--size", "20"], "--size 20: must lie between 32 and 1024"),
        (["--out", str(clinic / "inside")], "inside: lies in"),
    ):
        with pytest.raises(SystemExit) as end:
            main(["benchmark", "folder", str(clinic), *words])
        assert end.value.code == 2
        assert text in capsys.readouterr().err


def test_all_commands_run_on_it(clinic: Path, made: Path, tmp_path: Path) -> None:
    """Transfer, aFID and evaluation of the set, and what the pictures are labelled with."""
    pictures, afid = tmp_path / "pictures", tmp_path / "afid"
    main(["transfer", str(made), "--method", "simulator", "--out", str(pictures)])
    rows = read_manifest(pictures)
    assert {row.split for row in rows} == {"train", "test"}
    assert {(row.side, row.hb_grade, row.yanagihara_item) for row in rows} == {("left", "V", 2)}
    main(["afid", str(made), "--method", "simulator", "--out", str(afid)])
    found = json.loads((afid / "afid.json").read_text())
    assert found["psnr back"] > 20, "the pictures of both directions lie alike"
    assert found["dlib distance of the first to B"] < 0.45
    words = ["evaluate", "--real", str(made), "--fake", str(pictures), "--out"]
    main([*words, str(tmp_path / "report")])
    text = (tmp_path / "report" / "report.md").read_text()
    assert "10 pairs of 5 people" in text
    assert "aFID, PSNR and SSIM on AFLFP and MEEI are not at hand" in text

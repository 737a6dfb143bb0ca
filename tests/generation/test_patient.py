"""Patients are read from one photo or a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from palsynth.clinical import YANAGIHARA, Grade, Movement, Palsy, Side
from palsynth.data.manifest import Row, write_manifest
from palsynth.errors import InputError
from palsynth.face.framing import PORTRAIT
from palsynth.face.images import write_png
from palsynth.generation.patient import read_folder, read_photo
from palsynth.subjects import View, render, sample


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("patient")
    palsy = Palsy.peripheral(Side.LEFT, Grade.V)
    for movement in (*YANAGIHARA, Movement.GRIN):
        number = "b" if (folder / f"{movement.value}-a.png").exists() else "a"
        image = render(sample(970_001), movement, palsy, view=View(160, PORTRAIT)).image
        write_png(folder / f"{movement.value}-{number}.png", image)
    (folder / "notes.txt").write_text("of 3 May")
    write_png(folder / "portrait.png", image)
    return folder


def test_a_folder_is_read_by_file_names_and_other_files_are_listed(folder: Path) -> None:
    found = read_folder(folder)
    in_order = list(dict.fromkeys(p.movement for p in found.pictures))
    assert in_order == list(YANAGIHARA)
    names = [p.name for p in found.pictures]
    assert names[0] == "rest"
    assert "close-eyes-tightly" in names
    assert names[names.index("grin") + 1] == "grin-2"
    assert len(names) == 11
    assert found.left_out == (
        f"{folder / 'notes.txt'}: not a picture",
        f"{folder / 'portrait.png'}: its name does not start with a movement",
    )
    rest, grin = found.pictures[0], found.pictures[names.index("grin")]
    assert found.rest is rest.face
    assert found.expression(grin).rest is rest.face
    assert found.expression(rest).rest is None  # a picture at rest has no reference


def test_movements_come_from_the_manifest(folder: Path, tmp_path: Path) -> None:
    rows = []
    for number, movement in enumerate(("rest", "grin", None)):
        source = folder / ("grin-a.png" if movement is None else f"{movement}-a.png")
        (tmp_path / f"{number}.png").write_bytes(source.read_bytes())
        rows.append(Row(f"{number}.png", "a", movement=movement))
    write_manifest(tmp_path, rows)
    found = read_folder(tmp_path)
    assert [p.name for p in found.pictures] == ["rest", "grin"]
    assert found.left_out == (f"{tmp_path / '2.png'}: the manifest names no movement",)
    write_manifest(tmp_path, [rows[0], Row("1.png", "b", movement="grin")])
    with pytest.raises(InputError, match="holds pictures of 2 subjects; give one patient's"):
        read_folder(tmp_path)


def test_bad_folders(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="none: no such folder; give one with a patient's"):
        read_folder(tmp_path / "none")
    with pytest.raises(InputError, match=r"has no picture of a movement; name files by movement"):
        read_folder(tmp_path)
    (tmp_path / "rest.png").write_bytes((folder / "rest-a.png").read_bytes())
    for name, source in (
        ("Wrinkle_Nose 1.png", "wrinkle-nose-a.png"),
        ("grinning.png", "rest-a.png"),
    ):
        (tmp_path / name).write_bytes((folder / source).read_bytes())
    found = read_folder(tmp_path)
    assert [p.name for p in found.pictures] == ["rest", "wrinkle-nose"]
    assert found.left_out == (
        f"{tmp_path / 'grinning.png'}: its name does not start with a movement",
    )
    view = View(160, PORTRAIT)
    write_png(tmp_path / "grin.png", render(sample(970_002), Movement.GRIN, view=view).image)
    with pytest.raises(InputError, match=r"grin\.png: shows somebody else than .*rest\.png"):
        read_folder(tmp_path)


def test_one_photo_with_its_rest(folder: Path) -> None:
    grin, rest = folder / "grin-a.png", folder / "rest-a.png"
    found = read_photo(grin, rest, Movement.GRIN)
    assert found.pictures[0].name == "grin"
    assert found.expression(found.pictures[0]).rest is found.rest
    assert read_photo(grin, None, None).pictures[0].name == "picture"
    assert read_photo(grin, None, None).rest is None
    assert read_photo(rest, None, Movement.REST).rest is not None

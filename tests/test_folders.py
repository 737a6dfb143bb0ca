"""The one lister of files, and the names that they are found and written under."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pytest

from palsynth.errors import InputError
from palsynth.folders import list_files, portable, stored_name, walk


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


def names(folder: Path, paths: list[Path]) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in paths]


def test_files_of_the_system_and_hidden_ones_are_left_out_and_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    touch(tmp_path, "a.png", "._a.png", ".DS_Store", "Thumbs.db", "desktop.ini", ".a.png.1.partial")
    touch(tmp_path, "__MACOSX/a.png", "@eaDir/a.png", ".ipynb_checkpoints/a.png", "b/c.png")
    assert names(tmp_path, list_files(tmp_path, {".png"})) == ["a.png", "b/c.png"]
    error = capsys.readouterr().err
    assert error.startswith(f"note: {tmp_path}: left out: 4 hidden or left by a system (._a.png, ")
    assert list_files(tmp_path, {".png"})
    assert capsys.readouterr().err == "", "it is said once"
    assert len(walk(tmp_path).left_out) == 8
    assert names(tmp_path, walk(tmp_path).files) == ["a.png", "b/c.png"]


def test_linked_folders_are_followed_once_and_circles_end(tmp_path: Path) -> None:
    elsewhere = touch(tmp_path / "elsewhere", "x.png")
    folder = touch(tmp_path / "set", "z/real.png")
    (folder / "a-link").symlink_to(folder / "z")
    (folder / "circle").symlink_to(folder)
    (folder / "up").symlink_to(tmp_path)
    (folder / "linked").symlink_to(elsewhere)
    (folder / "file.png").symlink_to(elsewhere / "x.png")
    (folder / "broken.png").symlink_to(folder / "nowhere.png")
    found = walk(folder)
    assert names(folder, found.files) == ["file.png", "linked/x.png", "z/real.png"]
    faulty = {skipped.path.name: skipped.rule for skipped in found.faulty}
    assert list(faulty) == ["a-link", "broken.png", "circle", "up"]
    assert faulty["broken.png"] == "is a link to nothing; link or copy the file"
    for name in ("a-link", "circle", "up"):
        assert faulty[name] == "leads to a folder that is listed already, or that holds this one"


def test_what_cannot_be_listed_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = touch(tmp_path / "set", "a.png")
    (folder / "b.png").symlink_to(folder / "nothing")
    os.mkfifo(folder / "pipe")
    (folder / os.fsdecode(b"M\xfcller")).mkdir()
    touch(folder, os.fsdecode(b"M\xfcller/1.png"))
    assert names(folder, list_files(folder)) == ["a.png"]
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith(f"note: {folder}/M\\xfcller/1.png: left out: its name is not UTF-8;")
    assert lines[1].startswith(f"note: {folder}/b.png: left out: is a link to nothing")
    assert lines[2] == f"note: {folder}/pipe: left out: is not a file"


def test_a_flat_listing_names_the_folders(tmp_path: Path) -> None:
    found = walk(touch(tmp_path, "a.png", "b/c.png"), recursive=False)
    assert names(tmp_path, found.files) == ["a.png"]
    (skipped,) = found.faulty
    assert (skipped.path.name, skipped.rule) == (
        "b",
        "is a folder, whose files are not read; move them up",
    )


def test_a_missing_folder_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        list_files(tmp_path / "none")


def test_the_order_does_not_depend_on_how_accents_are_composed(tmp_path: Path) -> None:
    for form, folder in (("NFC", tmp_path / "c"), ("NFD", tmp_path / "d")):
        touch(folder, *(unicodedata.normalize(form, name) for name in ("z.png", "é.png", "e.png")))
        found = [unicodedata.normalize("NFC", path.name) for path in list_files(folder)]
        assert found == ["e.png", "z.png", "é.png"]


@pytest.mark.parametrize(("here", "there"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_a_name_in_a_table_finds_the_file_in_either_form(
    tmp_path: Path, here: str, there: str
) -> None:
    stored = unicodedata.normalize(here, "Müller/é.png")
    touch(tmp_path, stored)
    assert stored_name(tmp_path, unicodedata.normalize(there, "Müller/é.png")) == stored
    assert stored_name(tmp_path, stored) == stored
    assert stored_name(tmp_path, "Möller/é.png") == "Möller/é.png", "there is none"
    assert stored_name(tmp_path, "ü\0/é.png") == "ü\0/é.png"


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("P1/a b[1].png", "P1/a b[1].png"),
        ("Müller/é.png", "Müller/é.png"),
        (unicodedata.normalize("NFD", "Müller/é.png"), "Müller/é.png"),
        (os.fsdecode(b"M\xfcller/1.png"), "M%FCller/1.png"),
        ("aux/con.tar.png", "%61ux/%63on.tar.png"),
        ("auxiliary/control.png", "auxiliary/control.png"),
        ("P1./a ", "P1%2E/a%20"),
        ("a:b?\n.png", "a%3Ab%3F%0A.png"),
        ("../a.png", "../a.png"),
    ],
)
def test_names_are_written_so_that_every_system_takes_them(name: str, written: str) -> None:
    assert portable(name) == written


def test_a_link_to_itself_is_named_and_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    (tmp_path / "l.png").symlink_to("m.png")
    (tmp_path / "m.png").symlink_to("l.png")
    found = walk(tmp_path)
    assert [path.name for path in found.files] == ["a.png"]
    assert [(s.path.name, s.rule[:20]) for s in found.faulty] == [
        ("l.png", "is a link to nothing"),
        ("m.png", "is a link to nothing"),
    ]


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "set.zip").touch()
    with pytest.raises(InputError, match=r"set\.zip: is a file; give a folder, and unpack"):
        walk(tmp_path / "set.zip")
    with pytest.raises(InputError, match=r"none: no such folder$"):
        walk(tmp_path / "none")

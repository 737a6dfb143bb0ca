"""Names that a file gives stay below their folder on every system, and none is another one."""

from __future__ import annotations

from pathlib import Path

import pytest

from palsynth.errors import InputError
from palsynth.paths import FileNames, name_fault, same_file, shown_name


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("a.png", None),
        ("P 1/rest-Zoë.png", None),
        ("./P1/a.png", None),
        (".../a", None),
        ("", "names no file"),
        (".", "names no file"),
        ("/", "names no file"),
        ("/etc/passwd", "lies outside"),
        ("//host/a.png", "lies outside"),
        ("../a.png", "lies outside"),
        ("a/../b.png", "lies outside"),
        ("a/..", "lies outside"),
        ("~/a.png", "lies outside"),
        ("~root/a.png", "lies outside"),
        ("C:/a.png", "lies outside"),
        ("c:a.png", "lies outside"),
        ("a.png/", "names a folder"),
        ("a/b/", "names a folder"),
        ("a\\b.png", "has a backslash"),
        ("..\\a.png", "has a backslash"),
        ("a\0.png", "has characters"),
        ("a\n.png", "has characters"),
        ("a\x7f.png", "has characters"),
        ("a\udcff.png", "has characters"),
        ("ä" * 128 + ".png", "more than 255 bytes"),
    ],
)
def test_what_a_name_may_look_like(name: str, fault: str | None) -> None:
    found = name_fault(name, "set")
    assert found is None if fault is None else found is not None and fault in found


def test_a_link_may_lead_elsewhere_in_its_folder_but_not_out_of_it(tmp_path: Path) -> None:
    inside, outside = tmp_path / "set" / "inside", tmp_path / "outside"
    for folder in (inside, outside):
        folder.mkdir(parents=True)
        (folder / "a.png").touch()
    links = {"in.png": inside / "a.png", "out.png": outside / "a.png", "far": outside}
    for name, target in links.items():
        (tmp_path / "set" / name).symlink_to(target)
    (tmp_path / "set" / "self").symlink_to(".")
    (tmp_path / "link").symlink_to(tmp_path / "set")
    for root in (tmp_path / "set", tmp_path / "link"):
        names = FileNames(root)
        assert names.join("in.png", "t") == root / "in.png"
        assert names.join("self/inside/a.png", "t") == root / "self/inside/a.png"
        assert names.fault("gone/a.png") is None
        for name in ("out.png", "far/a.png", "far/gone.png", "self/far/a.png"):
            with pytest.raises(InputError) as error:
                names.join(name, "table.csv:3")
            assert str(error.value).startswith(
                f"table.csv:3: {name} leads out of {root} through a link; copy the file"
            )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("P1/a.png", "P1/a.png"),
        ("P1/a.png", "./P1//a.png"),
        ("P1/a.png", "p1/A.png"),
        ("\u00e9.png", "e\u0301.png"),
        ("STRASSE.png", "straße.png"),
    ],
)
def test_names_of_one_file(one: str, other: str) -> None:
    names = FileNames(Path("set"))
    assert names.twin("b.png") is None
    assert names.twin(one) is None
    assert names.twin(other) == one
    assert ("is named twice" in same_file(other, one)) == (one == other)


def test_names_are_shown_on_one_line() -> None:
    assert shown_name("a b.png") == "a b.png"
    assert shown_name("a\nb\0") == r"'a\nb\x00'"
    assert shown_name("") == "''"
    assert len(shown_name("a" * 5000)) == 100

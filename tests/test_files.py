"""A command never overwrites its input, whatever path leads to it."""

from __future__ import annotations

import contextlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from palsynth.errors import InputError
from palsynth.face.images import (
    NOT_MADE,
    SHOWS_INPUT,
    check_replaceable,
    read_image,
    write_png,
)
from palsynth.files import atomic_write, forbid_inside, guard, guarded

GREY = np.full((40, 40, 3), 128, np.uint8)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A photo that palsynth did not write."""
    path = tmp_path / "photo.png"
    Image.fromarray(GREY).save(path)
    return path


def _hard_link(photo: Path) -> Path:
    other = photo.with_name("other.png")
    os.link(photo, other)
    return other


def _soft_link(photo: Path) -> Path:
    other = photo.with_name("other.png")
    other.symlink_to(photo)
    return other


def _detour(photo: Path) -> Path:
    (photo.parent / "sub").mkdir()
    return photo.parent / "sub" / ".." / photo.name


@pytest.mark.parametrize("name", [lambda p: p, _hard_link, _soft_link, _detour])
@pytest.mark.parametrize("force", [False, True])
def test_an_input_is_not_overwritten(photo: Path, name, force: bool) -> None:
    before, out = photo.read_bytes(), name(photo)
    with guarded(force):
        read_image(photo)
        with pytest.raises(InputError, match="is read by this command; give another name"):
            write_png(out, GREY)
        with pytest.raises(InputError, match="is read by this command"), atomic_write(out):
            raise AssertionError("the temporary file is not even created")
    assert photo.read_bytes() == before
    assert [p.name for p in photo.parent.iterdir() if "partial" in p.name] == []


def test_a_picture_of_other_origin_needs_force(photo: Path) -> None:
    before = photo.read_bytes()
    with guarded(), pytest.raises(InputError, match=r"was not written by palsynth; .*--force"):
        write_png(photo, GREY)
    assert photo.read_bytes() == before
    with guarded(force=True):
        write_png(photo, GREY)
    assert photo.read_bytes() != before
    with guarded():
        write_png(photo, GREY)  # now it is ours


def test_a_picture_that_palsynth_did_not_generate_is_ours_too(tmp_path: Path) -> None:
    """By whatever it says of itself: the text of a copy was another one up to 0.2."""
    former = {"Description": "unchanged copy of a picture, written by palsynth for comparison"}
    for number, text in enumerate((NOT_MADE, SHOWS_INPUT, former)):
        path = tmp_path / f"{number}.png"
        write_png(path, GREY, **text)
        with Image.open(path) as picture:
            assert picture.info["Description"] == text["Description"]
        with guarded():
            write_png(path, GREY)
    assert "synthetic" not in NOT_MADE["Description"]


@pytest.mark.parametrize("content", [b"", b"text", b"\x89PNG\r\n\x1a\nbroken"])
def test_a_file_that_is_not_a_picture_is_of_other_origin(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.png"
    check_replaceable(path)  # does not exist yet
    path.write_bytes(content)
    with pytest.raises(InputError, match="is there already"):
        check_replaceable(path)


def test_a_guard_ends_with_its_command(photo: Path) -> None:
    with guarded():
        read_image(photo)
    assert guard() is None
    write_png(photo, GREY)  # no guard applies to the Python API
    with guarded() as current:
        current.protect(photo.parent)  # a folder may be both input and output
        current.protect(photo.parent / "gone.png")
        assert current.read == set()


def test_a_failed_write_leaves_the_file_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    path.write_text("before")
    with contextlib.suppress(RuntimeError), atomic_write(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "before"
    with atomic_write(path) as temporary:
        temporary.write_text("after")
        assert path.read_text() == "before"
    assert path.read_text() == "after"
    assert [p.name for p in tmp_path.iterdir()] == ["file.txt"]


def test_several_may_write_the_same_file_at_once(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    with atomic_write(path) as one, atomic_write(path) as other:
        one.write_text("one")
        other.write_text("other")
        assert len(list(tmp_path.iterdir())) == 2
    assert path.read_text() == "one", "the last to end"

    def write(number: int) -> None:
        with atomic_write(path) as temporary:
            temporary.write_text(f"{number}" * 1000)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(10, 90)))
    assert path.read_text() in {f"{number}" * 1000 for number in range(10, 90)}
    assert [p.name for p in tmp_path.iterdir()] == ["file.txt"]


def test_a_report_may_not_lie_in_its_sets(tmp_path: Path) -> None:
    real, synthetic = tmp_path / "real", tmp_path / "synthetic"
    for folder in (real, synthetic, tmp_path / "real-report"):
        folder.mkdir()
    forbid_inside(tmp_path / "real-report", real, None, synthetic)
    forbid_inside(tmp_path, real, synthetic)
    for inside in (real, real / "report", synthetic / ".." / "real" / "x", synthetic / "y"):
        with pytest.raises(InputError, match="must not be handed on with a set"):
            forbid_inside(inside, real, None, synthetic)

"""A command never overwrites its input, whatever path leads to it."""

from __future__ import annotations

import contextlib
import os
import re
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
from palsynth.files import STALE, atomic_folder, atomic_write, remove_stale
from palsynth.guards import forbid_inside, guard, guarded

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


def filled(folder: Path, **texts: str) -> Path:
    folder.mkdir(parents=True)
    for name, text in texts.items():
        (folder / name).write_text(text)
    return folder


def test_a_folder_is_written_beside_and_takes_its_place(tmp_path: Path) -> None:
    path = filled(tmp_path / "there" / "out", weights="before", card="card")
    (filled(path / "sub", weights="before", card="of sub") / "link").symlink_to("card")
    card = path.joinpath("card").stat().st_ino
    with atomic_folder(path) as temporary:
        filled(temporary / "sub", weights="after")
        (temporary / "weights").write_text("after")
        assert (path / "weights").read_text() == "before"
    assert {str(p.relative_to(path)): p.read_text() for p in path.rglob("*") if p.is_file()} == {
        "weights": "after",
        "card": "card",
        "sub/weights": "after",
        "sub/card": "of sub",
        "sub/link": "of sub",
    }
    assert path.joinpath("card").stat().st_ino == card, "linked, not copied"
    assert path.joinpath("sub", "link").is_symlink()
    assert [p.name for p in path.parent.iterdir()] == ["out"]
    with atomic_folder(tmp_path / "new" / "out") as temporary:
        (temporary / "weights").write_text("new")
    assert (tmp_path / "new" / "out" / "weights").read_text() == "new"


def test_what_cannot_be_linked_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def link(source: str, target: str) -> None:
        raise OSError("not on this file system")

    monkeypatch.setattr(os, "link", link)
    path = filled(tmp_path / "out", card="card")
    with atomic_folder(path) as temporary:
        (temporary / "weights").write_text("after")
    assert (path / "card").read_text() == "card"


def test_a_link_to_a_folder_stays_one(tmp_path: Path) -> None:
    target = filled(tmp_path / "target", card="card")
    (tmp_path / "link").symlink_to(target)
    with atomic_folder(tmp_path / "link") as temporary:
        (temporary / "weights").write_text("after")
    assert (tmp_path / "link").is_symlink()
    assert sorted(p.name for p in target.iterdir()) == ["card", "weights"]


def test_a_failed_write_leaves_the_folder_unchanged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = filled(tmp_path / "out", weights="before")
    with contextlib.suppress(RuntimeError), atomic_folder(path) as temporary:
        (temporary / "weights").write_text("half")
        raise RuntimeError
    with pytest.raises(InputError, match=r"out: cannot be written \(No such file"):  # noqa: SIM117
        with atomic_folder(path) as temporary:
            (temporary / "missing" / "weights").write_text("half")
    replace = os.replace

    def fail(source: Path, target: Path) -> None:
        if source.name.startswith(".out.") and ".former." not in source.name:
            raise OSError(28, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(InputError, match="No space left"), atomic_folder(path) as temporary:
        (temporary / "weights").write_text("after")
    assert (path / "weights").read_text() == "before"
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_a_folder_that_cannot_be_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = filled(tmp_path / "out", weights="before")
    for place, complaint in (
        (path / "weights", "weights: is a file; give a folder"),
        (path / "weights" / "sub", "sub: cannot be written"),
    ):
        with pytest.raises(InputError, match=complaint), atomic_folder(place):
            raise AssertionError("not even begun")
    monkeypatch.chdir(path)
    for here in (Path(), tmp_path, Path("/")):
        with pytest.raises(InputError, match="is the current folder or"), atomic_folder(here):
            raise AssertionError("not even begun")
    with guarded() as current:
        current.protect(path / "weights")
        monkeypatch.chdir(tmp_path)
        with atomic_folder(path) as temporary:
            (temporary / "other").write_text("after")
        with (
            pytest.raises(InputError, match="weights: is read by this command"),
            atomic_folder(path) as temporary,
        ):
            (temporary / "weights").write_text("after")
    assert (path / "weights").read_text() == "before"
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_only_old_temporary_files_are_stale(tmp_path: Path) -> None:
    with atomic_write(tmp_path / "part-1.npy") as running:
        running.touch()
        others = [tmp_path / name for name in ("part-1.npy", ".x-1.npy.1.partial.npy", "partial")]
        stale = tmp_path / ".part-2.npy.abc.partial.npy"
        for path in (*others, stale):
            path.touch()
            os.utime(path, (0, running.stat().st_mtime - STALE - 1))
        remove_stale(tmp_path, "part-*.npy")
        assert running.exists(), "another process may be writing it"
        assert not stale.exists()
        assert all(path.exists() for path in others)


def test_a_report_may_not_lie_in_its_sets(tmp_path: Path) -> None:
    real, synthetic = tmp_path / "real", tmp_path / "synthetic"
    for folder in (real, synthetic, tmp_path / "real-report"):
        folder.mkdir()
    forbid_inside(tmp_path / "real-report", real, None, synthetic)
    forbid_inside(tmp_path, real, synthetic)
    for inside in (real, real / "report", synthetic / ".." / "real" / "x", synthetic / "y"):
        with pytest.raises(InputError, match="must not be handed on with a set"):
            forbid_inside(inside, real, None, synthetic)


@pytest.mark.parametrize("name", ["a" * 251 + ".png", "ü" * 125 + ".png", "b." + "c" * 253])
def test_names_as_long_as_systems_take_are_written(tmp_path: Path, name: str) -> None:
    for text in ("old", "new"):
        with atomic_write(tmp_path / name) as temporary:
            assert len(os.fsencode(temporary.name)) <= 255
            temporary.write_text(text)
        with atomic_folder(tmp_path / f"{name[:-1]}d") as folder:
            (folder / "file").write_text(text)
    assert (tmp_path / name).read_text() == "new"
    assert (tmp_path / f"{name[:-1]}d" / "file").read_text() == "new"
    assert len(list(tmp_path.iterdir())) == 2, "nothing is left behind"


def test_what_is_renamed_has_been_flushed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[tuple[str, str]] = []
    replace = os.replace

    def flush(opened: int) -> None:
        path = os.path.relpath(os.readlink(f"/proc/self/fd/{opened}"), tmp_path)
        events.append(("flushed", re.sub(r"\.[0-9a-f]{12}", "", path)))

    def renamed(source: Path, target: Path) -> None:
        events.append(("renamed", os.path.relpath(target, tmp_path)))
        replace(source, target)

    monkeypatch.setattr(os, "fsync", flush)
    monkeypatch.setattr(os, "replace", renamed)
    with atomic_write(tmp_path / "x.txt") as temporary:
        temporary.write_text("x")
    assert events == [("flushed", ".x.txt.partial.txt"), ("renamed", "x.txt"), ("flushed", ".")]
    events.clear()
    with atomic_folder(tmp_path / "out") as temporary:
        filled(temporary / "sub", weights="x")
    assert sorted(events[:3]) == [
        ("flushed", ".out.partial"),
        ("flushed", ".out.partial/sub"),
        ("flushed", ".out.partial/sub/weights"),
    ]
    assert events[3:] == [("renamed", "out"), ("flushed", ".")]


def test_several_may_write_the_same_folder_at_once(tmp_path: Path) -> None:
    path = tmp_path / "out"
    with atomic_folder(path) as one:
        (one / "one").write_text("one")
        with atomic_folder(path) as other:
            assert one.exists(), "not taken for what a kill left"
            (other / "other").write_text("other")
    assert sorted(p.name for p in path.iterdir()) == ["one", "other"]

    def write(number: int) -> None:
        with atomic_folder(path) as temporary:
            filled(temporary / f"{number}", a=f"{number}", b=f"{number}")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(24)))
    for folder in path.glob("[0-9]*"):
        assert sorted(p.name for p in folder.iterdir()) == ["a", "b"], "whole"
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_a_new_folder_must_still_be_empty_at_the_end(tmp_path: Path) -> None:
    path = filled(tmp_path / "out")
    with atomic_folder(path, new=True) as temporary:
        (temporary / "one").touch()
    assert [p.name for p in path.iterdir()] == ["one"]
    with pytest.raises(InputError, match="out: is not empty; give a new folder"):  # noqa: SIM117
        with atomic_folder(path, new=True) as temporary:
            (temporary / "two").touch()
    assert [p.name for p in path.iterdir()] == ["one"]
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_only_what_killed_writers_of_that_folder_left_is_removed(tmp_path: Path) -> None:
    number = "0123456789ab"
    names = [".out.partial", f".out.{number}.partial", f"..out.{number}.partial.{number}.partial"]
    others = [f".outer.{number}.partial", f".out.txt.{number}.partial", ".out.mine"]
    for name in (*names, *others):
        filled(tmp_path / name, weights="half")
    with atomic_folder(tmp_path / "out") as temporary:
        (temporary / "weights").write_text("whole")
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([*others, "out"])


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no pipes")
def test_a_pipe_is_not_replaced_by_a_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    with (
        pytest.raises(InputError, match=r"pipe\.png: is not a file; give another name"),
        atomic_write(tmp_path / "pipe.png") as temporary,
    ):
        temporary.touch()
    assert (tmp_path / "pipe.png").is_fifo()

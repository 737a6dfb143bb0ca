"""Every fault of a dataset is found, each once, and no other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from palsynth.clinical import Palsy
from palsynth.data.check import KINDS, check, notes
from palsynth.data.manifest import Row, read_manifest, write_manifest
from palsynth.errors import InputError
from palsynth.face.images import write_png


@pytest.fixture
def dataset(tmp_path: Path, neutral: np.ndarray, half_grin: np.ndarray) -> Path:
    rows = []
    for subject, image in (("a", neutral), ("b", half_grin)):
        name = f"{subject}/0.png"
        write_png(tmp_path / name, image)
        rows.append(Row(name, subject, "grin", "left", "V", 0, Palsy.none().to_dict(), "train"))
    write_manifest(tmp_path, rows)
    return tmp_path


def test_a_valid_dataset_has_no_faults(dataset: Path) -> None:
    seen: list[tuple[int, int]] = []
    assert check(dataset, progress=lambda done, of: seen.append((done, of))) == []
    assert seen == [(1, 2), (2, 2)]


def test_every_kind_of_fault_is_found(dataset: Path) -> None:
    """No fault hides another of its kind about the same file."""
    rows = read_manifest(dataset)
    same = (dataset / "a/0.png").read_bytes()
    (dataset / "a/1.png").write_bytes(same)
    (dataset / "a/2.png").write_bytes(same[:500])
    write_png(dataset / "a/3.png", np.full((64, 64, 3), 99, np.uint8))
    (dataset / "b/stray.png").write_bytes(same + b" ")
    rows += [
        Row("a/1.png", "a", split="test"),
        Row("a/2.png", "a", movement="juggle"),
        Row("a/3.png", "a", yanagihara_item=3),
        Row("a/3.png", "a", hb_grade="I", yanagihara_item=0),
        Row("b/0.png", "b", split="validation"),
        Row("gone.png", "c", palsy={"left": {"function": 7}}),
    ]
    write_manifest(dataset, rows)
    found = check(dataset)
    assert [(f.kind, f.about) for f in found] == [
        ("missing", "gone.png"),
        ("unlisted", "b/stray.png"),
        ("unreadable", "a/2.png"),
        ("duplicate", "a/1.png"),
        ("duplicate", "a/3.png"),
        ("duplicate", "a/3.png"),
        ("duplicate", "b/0.png"),
        ("duplicate", "b/0.png"),
        ("no face", "a/3.png"),
        ("no face", "a/3.png"),
        ("leak", "a"),
        ("leak", "b"),
        ("label", "a/2.png"),
        ("label", "a/3.png"),
        ("label", "a/3.png"),
        ("label", "gone.png"),
    ]
    assert list(dict.fromkeys(f.kind for f in found)) == list(KINDS)
    texts = [f.text for f in found]
    assert texts[0] == "is in the manifest but not on disk"
    assert texts[1] == "is on disk but not in the manifest"
    assert "damaged" in texts[2]
    assert texts[3] == "has the same bytes as a/0.png"
    assert set(texts[4:6]) == {"is in the manifest twice", "has the same bytes as a/3.png"}
    assert set(texts[6:8]) == {"is in the manifest twice", "has the same bytes as b/0.png"}
    assert {text.split(";")[0] for text in texts[8:10]} == {"no face found"}
    assert texts[10:12] == ["is in test and train", "is in train and validation"]
    assert texts[12].startswith("movement 'juggle' is not one of")
    assert texts[13:15] == [
        "yanagihara_item 3 is not 0, 2 or 4",
        "grade I (normal) cannot have item score 0",
    ]
    assert "it must lie between 0 and 1" in texts[15]
    without = check(dataset, faces=False)
    assert without == [f for f in found if f.kind != "no face"]


def test_two_faces_are_a_fault(dataset: Path, neutral: np.ndarray) -> None:
    write_png(dataset / "a/0.png", np.hstack([neutral, neutral[:, ::-1]]))
    (found,) = check(dataset)
    assert (found.kind, found.about) == ("no face", "a/0.png")
    assert found.text == "2 faces found; crop the photo to one of them"


def test_a_face_that_methods_refuse_is_a_fault(dataset: Path, neutral: np.ndarray) -> None:
    """Training leaves it out for the same reason."""
    small = cv2.resize(neutral, (48, 48), interpolation=cv2.INTER_AREA)
    write_png(dataset / "a/0.png", small)
    write_png(dataset / "b/0.png", np.ascontiguousarray(neutral[::-1]))
    found = {fault.about: fault.text for fault in check(dataset)}
    assert found["a/0.png"].startswith("the face is too small (15 px between the eye corners)")
    assert found["b/0.png"] == "the face is upside down; turn the photo by 180°"


def test_small_faces_and_smiles_at_rest_are_noted_and_no_fault(
    tmp_path: Path, neutral: np.ndarray, half_grin: np.ndarray
) -> None:
    small = cv2.resize(neutral, (64, 64), interpolation=cv2.INTER_AREA)
    pictures = {"a/rest.png": neutral, "a/small.png": small, "b/rest.png": half_grin}
    for name, image in pictures.items():
        write_png(tmp_path / name, image)
    rows = [
        Row("a/rest.png", "a", movement="rest", split="train"),
        Row("a/small.png", "a", movement="grin", split="train"),
        Row("b/rest.png", "b", movement="rest", split="test"),
    ]
    write_manifest(tmp_path, rows)
    assert check(tmp_path) == []
    small_note, rest_note = notes(tmp_path, rows)
    assert (small_note.kind, small_note.about) == ("small face", "a/small.png")
    assert "below 60 px measures and captured expressions are rough" in small_note.text
    assert (rest_note.kind, rest_note.about) == ("not at rest", "b/rest.png")
    assert rest_note.text == "the mouth is open"
    assert notes(tmp_path, rows) == [small_note, rest_note], "as they are kept"
    rows[2] = Row("b/rest.png", "b", movement="grin", split="test")
    assert notes(tmp_path, rows) == [small_note]


def test_names_that_are_one_file_elsewhere_are_a_fault(dataset: Path, neutral: np.ndarray) -> None:
    write_png(dataset / "A" / "0.png", neutral[:, ::-1].copy())
    rows = [*read_manifest(dataset), Row("A/0.png", "a", split="train")]
    write_manifest(dataset, rows)
    (fault,) = check(dataset, faces=False)
    assert (fault.kind, fault.about) == ("duplicate", "a/0.png")
    assert fault.text == "is A/0.png too on some systems"


@pytest.mark.parametrize("other", ["b ", "B", "mu\u0308ller"])
def test_a_subject_that_is_spelt_in_two_ways_is_in_one_split_only(
    dataset: Path, other: str
) -> None:
    rows = read_manifest(dataset)
    name = "m\u00fcller" if other.startswith("m") else "b"
    splits = iter(("train", "test", *["validation"] * len(rows)))
    subjects = iter((name, other, *[f"s{k}" for k in range(len(rows))]))
    write_manifest(
        dataset, [replace(r, subject_id=next(subjects), split=next(splits)) for r in rows]
    )
    (leak,) = [f for f in check(dataset, faces=False) if f.kind == "leak"]
    assert "is in test and train, spelt " in leak.text


def test_a_blank_subject_is_refused_with_the_columns_that_there_are(dataset: Path) -> None:
    (dataset / "metadata.jsonl").write_text('{"file_name": "a/0.png", "subject_id": " \\u00a0"}\n')
    with pytest.raises(
        InputError,
        match=r"jsonl:1: column subject_id is missing or blank; the columns are file_name, subject",
    ):
        check(dataset)

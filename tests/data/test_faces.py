"""Training sees a face as inference does, however it lies in the photograph."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from palsynth.data.faces import FACES_FILE, crop_face, describe_faces, find_faces
from palsynth.data.folder_pairs import FolderPairs
from palsynth.data.folder_source import CachedSource, FolderSource
from palsynth.data.manifest import Row, write_manifest
from palsynth.errors import InputError
from palsynth.face import detect
from palsynth.face.detect import read_face
from palsynth.face.framing import RECOGNISER
from palsynth.face.images import write_png


def _turned(image: np.ndarray, degrees: float) -> np.ndarray:
    side = image.shape[0]
    turn = cv2.getRotationMatrix2D((side / 2, side / 2), degrees, 1.0)
    return cv2.warpAffine(image, turn, (side, side), borderMode=cv2.BORDER_REPLICATE)


@pytest.fixture
def clinic(tmp_path: Path, neutral: np.ndarray, half_grin: np.ndarray) -> Path:
    """One patient padded and turned, one in 2:3 and small; a wall, in the name of the first."""
    pictures = {
        "a/padded.png": cv2.copyMakeBorder(neutral, 90, 200, 120, 60, cv2.BORDER_REPLICATE),
        "a/turned.png": _turned(half_grin, 17),
        "b/tall.png": cv2.copyMakeBorder(half_grin, 20, 108, 0, 0, cv2.BORDER_REPLICATE),
        "b/small.png": cv2.resize(neutral, (150, 150), interpolation=cv2.INTER_AREA),
        "a/wall.png": np.full((64, 64, 3), 99, np.uint8),
    }
    for name, image in pictures.items():
        write_png(tmp_path / name, image)
    write_manifest(tmp_path, [Row(name, name[0], split="train") for name in pictures])
    return tmp_path


def test_a_folders_examples_are_inferences_crops(clinic: Path) -> None:
    source = FolderSource(clinic)
    assert [row.file_name for row in source.rows] == [
        "a/padded.png",
        "a/turned.png",
        "b/small.png",
        "b/tall.png",
    ]
    for index, row in enumerate(source.rows):
        face = read_face(clinic / row.file_name)
        example = source.example(index)
        assert np.array_equal(example.image, face.aligned(RECOGNISER, 112).image), row.file_name
        assert np.isnan(example.points).all(), "found landmarks are no labels"
        five = replace(source, crop="five points", size=64).example(index)
        assert np.array_equal(five.image, face.recogniser_crop(64).image), row.file_name
    squashed = cv2.resize(read_face(clinic / "b/tall.png").image, (112, 112))
    assert not np.array_equal(source.example(3).image, squashed)


def test_pictures_without_a_face_are_listed(
    clinic: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for seed in range(2):
        FolderSource(clinic, seed=seed).prepare()
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2, "listed once"
    assert lines[0] == f"note: {clinic}: 1 of 5 pictures have no usable face and are left out:"
    assert lines[1].startswith("  a/wall.png: no face found; use a frontal photo")
    write_manifest(clinic, [Row("a/wall.png", "a", split="train")])
    with pytest.raises(InputError, match="1 of 1 pictures have no usable face, such as"):
        FolderSource(clinic).prepare()


def test_pairs_are_of_subjects_with_two_faces(clinic: Path) -> None:
    rows = [Row(f"a/{n}.png", "a", split="train") for n in ("padded", "wall")]
    others = [Row(f"b/{n}.png", "b", split="train") for n in ("small", "tall")]
    write_manifest(clinic, rows + others)
    pairs = FolderPairs(clinic, size=32)
    small, tall = (
        crop_face(read_face(clinic / f"b/{name}.png"), 32).image for name in ("small", "tall")
    )
    for n in range(4):
        pair = pairs[n]
        shown = [pair.identity, pair.target]
        assert any(
            all(map(np.array_equal, shown, two)) for two in ((small, tall), (tall, small))
        ), "subject a has one face only"
    write_manifest(clinic, rows)
    with pytest.raises(InputError, match="no subject has two images with a usable face"):
        FolderPairs(clinic).prepare()


def test_faces_are_found_once(clinic: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [Row(f"b/{n}.png", "b", split="train") for n in ("small", "tall")]
    first = find_faces(clinic, rows)
    assert len((clinic / FACES_FILE).read_text().splitlines()) == 2
    assert (clinic / FACES_FILE).stat().st_mode & 0o777 == 0o600, "landmarks are patients' data"
    shown: list[tuple[int, int]] = []
    searched: list[str] = []
    found = detect.detect_face

    def count(image: np.ndarray, where: str) -> object:
        searched.append(Path(where).name)
        return found(image, where)

    monkeypatch.setattr(detect, "detect_face", count)
    assert find_faces(clinic, rows, lambda *counts: shown.append(counts)) == first
    assert searched == shown == []
    (clinic / "b/tall.png").write_bytes((clinic / "a/turned.png").read_bytes())
    assert find_faces(clinic, rows)["b/tall.png"] != first["b/tall.png"]
    assert searched == ["tall.png"], "another picture under the same name"
    lines = (clinic / FACES_FILE).read_text().splitlines()
    other = {**json.loads(lines[0]), "format": "faces 0"}
    (clinic / FACES_FILE).write_text("\n".join([json.dumps(other), lines[1], "{"]))
    find_faces(clinic, rows)
    assert searched == ["tall.png", "small.png"], "a line of another format is not taken"


def test_a_dataset_that_cannot_be_written_is_read(
    clinic: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> None:
        raise InputError(f"{path}: cannot be written")

    monkeypatch.setattr("palsynth.data.faces.atomic_write", refuse)
    assert len(FolderSource(clinic).rows) == 4
    assert not (clinic / FACES_FILE).exists()


def test_cached_examples_of_uncropped_pictures_are_refused(clinic: Path, tmp_path: Path) -> None:
    """Up to 0.2 a folder's pictures were squashed to a square."""
    cached = CachedSource(FolderSource(clinic), tmp_path / "cache", 1)
    folder = tmp_path / "cache"
    folder.mkdir()
    source = f"FolderSource(folder={clinic!r}, splits=('train',), size=112, seed=0)"
    record = {**cached._holds(), "source": source}
    (folder / "source.json").write_text(json.dumps(record))
    assert cached.missing() == 1
    with pytest.raises(InputError, match="holds examples of another source"):
        cached.build()


def test_how_faces_lie(clinic: Path) -> None:
    rows = [Row("a/turned.png", "a"), Row("a/wall.png", "a")]
    lines = describe_faces(find_faces(clinic, rows).values())
    values = {line[:34].strip(): line.split()[-3:] for line in lines[1:]}
    assert lines[0].split() == ["median", "least", "most"]
    assert values["width, px"] == ["256.0"] * 3
    face = read_face(clinic / "a/turned.png")
    assert values["eye corners apart, px"][0] == f"{face.outer_eyes:.1f}"
    assert values["eye corners apart, % of the width"][0] == f"{face.outer_eyes / 2.56:.1f}"
    assert float(values["tilt, degrees clockwise"][0]) == pytest.approx(-17, abs=2)
    assert describe_faces(find_faces(clinic, rows[1:]).values()) == []

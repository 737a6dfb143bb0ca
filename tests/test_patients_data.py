"""No output tells the name of a patient's file or what its metadata said."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from palsynth.cli import main
from palsynth.data.pairs import Pair, write_pairs

NAME = "Mueller-Anna-1961"
SECRETS = (b"Mueller", b"1961", b"SECRET", b"Exif", b"GPS", b"patients-of-ward-7")


def write_photo(path: Path, image: np.ndarray) -> Path:
    """A JPEG with metadata of the patient, as cameras and clinics write it."""
    exif = Image.Exif()
    exif[0x010E], exif[0x013B] = "SECRET description", "SECRET artist"
    position = exif.get_ifd(0x8825)
    position[1], position[2] = "N", (51.0, 30.0, 1.0)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path, quality=97, exif=exif, comment=b"SECRET comment")
    return path


@pytest.fixture
def rest(tmp_path: Path, neutral: np.ndarray) -> Path:
    return write_photo(tmp_path / "patients-of-ward-7" / f"{NAME}_rest.jpg", neutral)


@pytest.fixture
def grin(tmp_path: Path, half_grin: np.ndarray) -> Path:
    return write_photo(tmp_path / "patients-of-ward-7" / f"{NAME}_grin.jpg", half_grin)


def run(*words: object) -> None:
    """Runs a command; anonymize ends with 1 where the patient is recognised."""
    with contextlib.suppress(SystemExit):
        main([str(word) for word in words])


def texts(path: Path) -> bytes:
    """A file, and what it holds compressed."""
    data = path.read_bytes()
    if path.suffix == ".png":
        with Image.open(path) as picture:
            picture.load()
            data += repr(picture.info).encode() + repr(dict(picture.getexif())).encode()
    return data


def test_the_photos_hold_the_secrets(rest: Path) -> None:
    assert [s for s in SECRETS if s in texts(rest)] == [b"SECRET", b"Exif"]


@pytest.mark.parametrize("command", ["anonymize", "folder", "synthesize", "simulate", "sheet"])
def test_no_output_names_the_photo_or_holds_its_metadata(
    tmp_path: Path, rest: Path, grin: Path, command: str
) -> None:
    out, folder = tmp_path / "out", grin.parent / NAME
    out.mkdir()
    folder.mkdir()
    shutil.copy(rest, folder / "rest.jpg")
    shutil.copy(grin, folder / "grin.jpg")
    words = {
        "anonymize": ["anonymize", grin, "--rest", rest, "--as", "subject:7", "--size", 128],
        "folder": ["anonymize", folder, "--as", "subject:7", "--size", 128],
        "synthesize": ["synthesize", "--identity", rest, "--expression", grin, "--size", 128],
        "simulate": ["simulate", rest, "--movement", "grin"],
        "sheet": ["sheet", rest, "--size", 128],
    }[command]
    run(*words, "--out", out / ("pictures" if command == "folder" else "made.png"))
    files = [path for path in out.rglob("*") if path.is_file()]
    assert files
    for path in files:
        assert [s for s in SECRETS if s in texts(path)] == [], path
        assert NAME not in path.name


def test_a_study_holds_no_metadata_and_no_path(
    tmp_path: Path, neutral: np.ndarray, half_grin: np.ndarray
) -> None:
    ward = tmp_path / "patients-of-ward-7"
    for name in ("a_rest.jpg", "a_grin.jpg", "b_rest.jpg"):
        write_photo(ward / name, half_grin if "grin" in name else neutral)
    for method in ("x", "y"):
        write_photo(ward / method / "made.jpg", half_grin)
    pair = Pair("made.jpg", "b_rest.jpg", "a_grin.jpg", "", "b", "grin", "", "a_rest.jpg")
    write_pairs(ward / "pairs.csv", [pair])
    study = tmp_path / "study.sqlite"
    methods = [f"{name}={ward / name}" for name in ("x", "y")]
    run("study", "new", *methods, "--set", ward, "--out", study, "--pairs", 1)
    assert [s for s in SECRETS if s in texts(study)] == []

"""Every page of docs/contributing, done as it says in a copy of the package."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

import palsynth
from palsynth.face.images import read_image
from palsynth.subjects import View, render, sample
from tests.docs.pages import ROOT, Block, blocks, commands, install_method

CONTRIBUTING = ROOT / "docs" / "contributing"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A folder with ``src/palsynth``: the package's own files, by links that may be replaced."""
    here = Path(palsynth.__file__).parent
    for path in here.rglob("*"):
        place = tmp_path / "src" / "palsynth" / path.relative_to(here)
        if path.is_dir():
            place.mkdir(parents=True, exist_ok=True)
        elif "__pycache__" not in path.parts:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(path)
    return tmp_path


def write(block: Block, root: Path) -> None:
    """Writes the file that a block is, or makes the change that it shows."""
    place = root / block.title
    if block.language != "diff":
        assert not place.exists(), f"{block}: {block.title} is there already"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(block.text, "utf-8")
        return
    lines = block.text.splitlines()
    before = "\n".join(line[1:] for line in lines if line[0] == " ")
    after = "\n".join(line[1:] for line in lines)
    text = place.read_text("utf-8")
    assert text.count(f"{before}\n") == 1, f"{block}: {block.title} has no such lines"
    place.unlink()
    place.write_text(text.replace(f"{before}\n", f"{after}\n"), "utf-8")


def run(words: list[str], folder: Path, *paths: Path) -> str:
    """Runs a command with some folders in front of Python's path; gives what it prints."""
    done = subprocess.run(
        [sys.executable, "-m", "palsynth.cli", *words],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, paths)), "COLUMNS": "200"},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_add_a_method(tmp_path: Path) -> None:
    """In a package of its own: what pip would write of its entry points is written here."""
    page = blocks(CONTRIBUTING / "method.md")
    install_method(page, tmp_path)
    (command,) = (words for block in page for words in commands(block))
    run([*command, "--pictures", "pictures"], tmp_path, tmp_path)
    rest = next(path for path in (tmp_path / "pictures").iterdir() if "rest" in path.name)
    plain = 255.0 - read_image(rest)
    shown = render(sample(7), view=View(128)).image
    assert plain.shape == shown.shape
    assert plain[32:96, 32:96].mean() == pytest.approx(shown[32:96, 32:96].mean(), abs=40)


def test_add_a_movement(package: Path, photo: Path) -> None:
    page = blocks(CONTRIBUTING / "movement.md")
    for block in page:
        if block.title:
            write(block, package)
    cv2.imwrite(str(package / "photo.jpg"), cv2.imread(str(photo)))
    (command,) = (words for block in page for words in commands(block))
    assert "Pout, left weak side" in run(command, package, package / "src")
    before, after = (read_image(package / name).astype(int) for name in ("photo.jpg", "pout.png"))
    assert np.abs(before - after).max() > 10


def test_add_a_metric(package: Path) -> None:
    for block in blocks(CONTRIBUTING / "metric.md"):
        write(block, package)
    script = (
        "import json, numpy as np\n"
        "from palsynth.scoring.panel import Panel\n"
        "from palsynth.scoring import panel as module\n"
        "from palsynth.evaluation.columns import BY_KEY\n"
        "print(BY_KEY['mae'].heading, module.mean_absolute_error(\n"
        "    np.zeros((1, 4, 4, 3), np.uint8), np.full((1, 4, 4, 3), 5, np.uint8))[0])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"PYTHONPATH": str(package / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "mean absolute error ↓ 5.0\n"


def test_add_an_importer(package: Path) -> None:
    page = blocks(CONTRIBUTING / "importer.md")
    for block in page:
        if block.title:
            write(block, package)
    photos = package / "photos"
    photos.mkdir()
    for subject in (7, 8):
        image = render(sample(subject), view=View(96)).image
        cv2.imwrite(str(photos / f"{subject}_grin.jpg"), image[..., ::-1])
    (photos / "notes.txt").write_text("none")
    imported, checked = (
        run(words, package, package / "src") for block in page for words in commands(block)
    )
    assert "SUBJECT_MOVEMENT.jpg" in imported
    assert (package / "named-set" / "metadata.jsonl").read_text("utf-8").count("grin") >= 2
    assert "named-set" in checked

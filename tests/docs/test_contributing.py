"""Every page of docs/contributing, done as it says in a copy of the package."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import cv2
import numpy as np
import pytest

import palsynth
from palsynth.data.pairs import Pair, write_pairs
from palsynth.face.images import read_image
from palsynth.subjects import View, render, sample
from tests.docs.pages import ROOT, Block, blocks, commands, install_method
from tests.scoring.fake_judges import write_flat

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


def run(words: list[str], folder: Path, *paths: Path, code: int = 0) -> str:
    """Runs a command with some folders in front of Python's path; gives what it prints."""
    done = subprocess.run(
        [sys.executable, "-m", "palsynth.cli", *words],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, paths)), "COLUMNS": "200"},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
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


def test_add_a_method_that_trains(tmp_path: Path) -> None:
    page = blocks(CONTRIBUTING / "gan.md")
    (tmp_path / "my_pix2pix").mkdir()
    install_method(page, tmp_path)
    train, show = (words for block in page for words in commands(block))
    run(train, tmp_path, tmp_path)
    steps = (tmp_path / "run" / "metrics.jsonl").read_text("utf-8")
    assert "discriminator_adversarial" in steps
    assert "generator_distance" in steps
    assert "trained" in run([*train, "--resume"], tmp_path, tmp_path)
    run(show, tmp_path, tmp_path)
    assert read_image(tmp_path / "sheet.png").shape[1] > 5 * 96


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
    """One file and one line: the report, its table, the documentation and the help have it."""
    page = blocks(CONTRIBUTING / "metric.md")
    for block in page:
        write(block, package)
    assert [block.language for block in page] == ["python", "diff"]
    assert sum(line.startswith("+") for line in page[1].text.splitlines()) == 1
    for folder, level in (
        ("set/identity", 0),
        ("set/expression", 0),
        ("set/truth", 100),
        ("own", 105),
    ):
        for k in range(2):
            write_flat(package / folder / f"{k}.png", level)
    pairs = [
        Pair(f"{k}.png", f"identity/{k}.png", f"expression/{k}.png", f"truth/{k}.png", f"s{k}",
             "grin", "") for k in range(2)
    ]  # fmt: skip
    write_pairs(package / "set" / "pairs.csv", pairs)
    command = ["evaluate", "--real", "set", "--fake", "own", "--out", "report"]
    run(command, package, package / "src")
    rows = json.loads((package / "report" / "report.json").read_text("utf-8"))["results"]
    found = {row["method"]: row["figures"]["mae"]["value"] for row in rows}
    assert found == {"truth": 0, "copy-identity": 100, "copy-expression": 100, "own": 5}
    assert "mean absolute error ↓" in (package / "report" / "report.md").read_text("utf-8")
    line = "mean absolute error ↓: mean difference from the truth, in grey levels"
    assert line in run(["evaluate", "--help"], package, package / "src")
    code = "from palsynth.evaluation.metrics import markdown_table; print(markdown_table())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": str(package / "src")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "| mean absolute error ↓ | mean difference from the truth" in done.stdout


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
    imports, checks = (words for block in page for words in commands(block))
    imported = run(imports, package, package / "src", code=2)  # the notes are not placed
    checked = run(checks, package, package / "src")
    assert "SUBJECT_MOVEMENT.jpg" in imported
    assert (package / "named-set" / "metadata.jsonl").read_text("utf-8").count("grin") >= 2
    assert "named-set" in checked


def test_add_a_page(package: Path) -> None:
    page = blocks(CONTRIBUTING / "page.md")
    for block in page:
        if block.title:
            write(block, package)
    (words,) = (words for block in page for words in commands(block))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    words[words.index("--port") + 1] = port
    server = subprocess.Popen(
        [sys.executable, "-m", "palsynth.cli", *words],
        env=os.environ | {"PYTHONPATH": str(package / "src")},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout is not None
        link = server.stdout.readline().strip()
        assert link == f"http://127.0.0.1:{port}/7"
        text = _read(link).decode()
        assert "<title>Subject 7</title>" in text
        assert "/7/grin.png" in text
        assert _read(f"{link}/grin.png").startswith(b"\x89PNG")
    finally:
        server.terminate()
        server.wait(timeout=20)


def _read(link: str) -> bytes:
    """What a server answers, once it is up."""
    for _ in range(200):
        try:
            with urllib.request.urlopen(link, timeout=30) as answer:
                return bytes(answer.read())
        except urllib.error.URLError:
            time.sleep(0.1)
    raise AssertionError(link)

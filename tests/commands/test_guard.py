"""No command overwrites its inputs, or other files without --force, or uses the network."""

from __future__ import annotations

import importlib
import re
from dataclasses import fields
from pathlib import Path
from typing import get_type_hints

import numpy as np
import pytest
from PIL import Image

from palsynth.cli import COMMANDS, OUTPUTS
from palsynth.methods.registry import get_method
from tests.commands.test_cli import complaint, run

WRITES = {
    "simulate": "simulate A --out OUT",
    "synthesize": "synthesize --identity A --expression B --method draft --out OUT",
    "synthesize, counted": "synthesize --identity A --movement grin --method simulator --count 2 "
    "--out OUT",
    "sheet": "sheet A --size 64 --out OUT",
    "grid": "grid --identities A B --expressions rest --size 64 --out OUT",
    "condition": "condition A B --size 64 --out OUT",
    "condition, shown": "condition A B --size 64 --out new.png --show OUT",
    "anonymize": "anonymize A --as B --out OUT",
    "data stats": "data stats set --out OUT",
    "fields fit": "fields fit scan.npz --out OUT",
    "calibrate": "calibrate --subjects 10 --per-subject 1 --out OUT",
    "subjects fit": "subjects fit london --out OUT",
    "capture fit": "capture fit london --out OUT",
    "smile fit": "smile fit london --out OUT",
    "subjects sample": "subjects sample --out . --count 1",
}
"""Commands that write a file of a given name; A and B are photos."""

ARRAYS = ("fields fit", "subjects fit", "capture fit", "smile fit")
"""Those of them that write no picture but arrays."""

ELSEWHERE = {
    "app": "commands/test_app.py",
    "video": "commands/test_video.py",
    "gallery": "commands/test_gallery.py",
    "measure": "commands/test_cli.py",
    "generate": "commands/test_generate.py",
    "subjects export": "commands/test_subjects.py",
    "data check": "commands/test_cli.py",
    "data import": "commands/test_cli.py",
    "evaluate": "scoring/test_evaluation.py",
    "evaluate compare": "scoring/test_evaluation.py",
    "benchmark": "comparison/test_benchmark_sets.py",
    "benchmark folder": "comparison/test_folder_set.py",
    "transfer": "comparison/test_afid.py",
    "afid": "comparison/test_afid.py",
    "table cfcpalsy": "comparison/test_tables.py",
    "table controlnet": "scoring/test_patients.py",
    "table timesteps": "scoring/test_patients.py",
    "table predecessors": "comparison/test_predecessors.py",
    "audit": "audit/test_audit.py",
    "utility": "utility/test_utility.py",
    "study new": "study/test_study.py",
    "study serve": "study/test_study.py",
    "study report": "study/test_study.py",
    "train": "commands/test_train.py",
    "release": "commands/test_train.py",
    "convert": "commands/test_cli.py",
    "doctor": "commands/test_cli.py",
}
"""Commands that write folders or no files -> the tests that run them, also without a network."""


@pytest.fixture
def workplace(tmp_path: Path, neutral: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("a.png", "b.png"):
        Image.fromarray(neutral).save(tmp_path / name)
    return tmp_path


def _words(text: str, out: str) -> list[str]:
    names = {"A": "a.png", "B": "b.png", "OUT": out}
    return [names.get(word, word) for word in text.split()]


@pytest.mark.parametrize("name", [n for n, text in WRITES.items() if " A" in text])
def test_no_command_overwrites_a_photo_that_it_reads(
    name: str, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photo = workplace / "a.png"
    before = photo.read_bytes()
    out = "a.png"
    if name == "synthesize, counted":  # a.png becomes a-0.png and a-1.png
        photo = photo.rename(workplace / "a-0.png")
    words = [photo.name if w == "a.png" else w for w in _words(WRITES[name], "\0")]
    words = [out if w == "\0" else w for w in words]
    assert "is read by this command; give another name" in complaint(capsys, *words, "--force")
    assert photo.read_bytes() == before
    made = {p.name for p in workplace.iterdir()} - {"a.png", "a-0.png", "b.png"}
    assert made <= {"new.png"}


@pytest.mark.parametrize("name", list(WRITES))
def test_no_command_replaces_a_file_of_other_origin(
    name: str, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    theirs = workplace / "theirs.png"
    if name in ARRAYS:
        theirs = workplace / "theirs.npz"
    if name == "calibrate":
        theirs = workplace / "theirs.json"
    if name == "synthesize, counted":
        theirs = workplace / "theirs-0.png"
    if name == "subjects sample":
        theirs = workplace / "person-0000000.png"
    theirs.write_text("another program's file")
    out = f"theirs{theirs.suffix}"
    error = complaint(capsys, *_words(WRITES[name], out))
    assert f"{theirs.name}: is there already and was not written by palsynth" in error
    assert theirs.read_text() == "another program's file"


def test_own_files_are_replaced_and_others_with_force(workplace: Path) -> None:
    assert run("simulate", "a.png", "--out", "o.png") == 0
    assert run("simulate", "a.png", "--out", "o.png", "--movement", "whistle") == 0
    Image.fromarray(np.zeros((40, 40, 3), np.uint8)).save("o.png")
    assert run("simulate", "a.png", "--out", "o.png") == 2
    assert run("simulate", "a.png", "--out", "o.png", "--force") == 0


def test_every_command_is_in_one_of_the_lists() -> None:
    written = {name.split(",")[0] for name in WRITES}
    assert written | set(ELSEWHERE) == set(COMMANDS)
    tests = Path(__file__).parents[1]
    for name, file in ELSEWHERE.items():
        pattern = "[\"']" + r'(",\s+"| )'.join(name.split()) + "[\"' ]"
        assert re.search(pattern, (tests / file).read_text("utf-8")), (name, file)


def test_commands_that_write_a_named_file_have_force() -> None:
    for name in {n.split(",")[0] for n in WRITES}:
        module = importlib.import_module(f"palsynth.commands.{COMMANDS[name][0]}")
        options = get_type_hints(getattr(module, name.replace(" ", "_")))["options"]
        names = {f.name for f in fields(options)}
        assert "force" in names, name
        assert names & set(OUTPUTS), name


def test_incomplete_weights_are_not_looked_up_on_a_hub(
    workplace: Path, capsys: pytest.CaptureFixture[str], no_network: list[str]
) -> None:
    get_method("cfcpalsy").save_pretrained(workplace / "weights")
    for file in (workplace / "weights" / "unet").iterdir():
        file.unlink()
    (workplace / "weights" / "unet").rmdir()
    words = ["--identity", "a.png", "--movement", "grin", "--method", "cfcpalsy", "--out", "o.png"]
    error = complaint(capsys, "synthesize", *words, "--weights", "weights")
    assert "unet: holds no weights (no config.json)" in error
    assert no_network == []


def test_commands_run_with_the_hub_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    assert run("measure", "none.jpg") == 2
    assert os.environ["HF_HUB_OFFLINE"] == "1"

"""``palsynth generate`` as a user runs it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml

from palsynth.data.manifest import read_manifest
from palsynth.face.detect import detect_faces
from palsynth.face.face import Face
from palsynth.generation.plan import Plan, load_plan
from tests.commands.test_cli import complaint, run

PLANS = sorted((Path(__file__).parents[2] / "plans").glob("*.yaml"))


def write(folder: Path, text: str) -> Path:
    path = folder / "plan.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.stem)
def test_plans_that_are_shown_can_be_read(path: Path) -> None:
    assert isinstance(load_plan(path), Plan)


def test_help_shows_the_plans(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("generate", "--help") == 0
    shown = capsys.readouterr().out
    assert len(PLANS) == 4
    assert all(path.name in shown for path in PLANS)


def test_every_field_of_a_plan_is_an_option(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = write(tmp_path, "images: 5")
    assert run("generate", plan, "--help") == 0
    shown = " ".join(capsys.readouterr().out.split())
    for option in ("--identities.subjects", "--gate.retries", "--camera.jpeg", "--engine"):
        assert option in shown
    assert "default: 5" in shown


def test_a_plan_is_carried_out_and_its_options_count(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Plans of earlier days said people for subjects."""
    plan, out = write(tmp_path, "{identities: {people: 1}, images: 9, size: 64}"), tmp_path / "set"
    assert run("generate", plan, "--out", out, "--images", 2, "--size", 96) == 0
    said = capsys.readouterr()
    assert f"{out}: 2 images of 1 identities" in said.out
    assert "'identities.people' is now 'identities.subjects'" in said.err
    assert len(read_manifest(out)) == 2
    assert run("generate", plan, "--out", out, "--images", 2, "--size", 96) == 0
    assert "2 images of 1 identities" in capsys.readouterr().out


def test_pictures_that_do_not_pass_are_said_and_are_no_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []

    def all_but_the_first(image: np.ndarray) -> list[Face]:
        seen.append(1)
        return detect_faces(image) if len(seen) == 1 else []

    monkeypatch.setattr("palsynth.generation.gate.detect_faces", all_but_the_first)
    plan, out = write(tmp_path, "{identities: {subjects: 1}, images: 3, size: 96}"), tmp_path / "a"
    assert run("generate", plan, "--out", out, "--gate.retries", 1) == 0
    said = capsys.readouterr().out
    assert f"{out}: 1 images of 1 identities" in said
    assert f"2 did not pass the gate: {out / 'left-out.jsonl'}" in said


def test_a_set_without_any_picture_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("palsynth.generation.gate.detect_faces", lambda _: [])
    plan, out = write(tmp_path, "{identities: {subjects: 1}, images: 2, size: 32}"), tmp_path / "a"
    assert run("generate", plan, "--out", out, "--gate.retries", 1) == 1
    said = capsys.readouterr()
    assert f"{out}: 0 images of 0 identities" in said.out
    assert "no picture passed the gate: subjects does not show" in said.err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "plan.yaml: is empty"),
        ("[1]", "not a plan; write fields such as images: 100"),
        ("images: many", "images: Input should be a valid integer"),
        ("images: 0", "images 0: must lie between 1 and 10,000,000"),
        ("images: .nan", ".nan is not a finite number"),
        ("pictures: 5", "pictures: no such field"),
        ("identities: {subjects: -1}", "subjects -1: must lie between"),
        ("identities: 5", "identities"),
        ("expressions: {movements: [frown]}", "expressions.movements"),
        ("expressions: {palsies: {grades: [VII]}}", "expressions.palsies.grades"),
        ("expressions: {palsies: {healthy: 2}}", "healthy 2: must lie between 0 and 1"),
        ("gate: {retries: 99}", "retries 99: must lie between 0 and 20"),
        ("camera: {jpeg: -1}", "jpeg -1: must lie between 0 and 1"),
        ("images: 1\nimages: 2", "images"),
        ("{images: 1, identities: {subjects: 1, people: 2}}", "people"),
        ("method: subjets", "no method 'subjets'; "),
        ("method: noise", "method: noise copies pictures; choose one that makes them"),
        ("{method: simulator, identities: {photographs: nowhere}}", "nowhere: no such folder"),
        ("{method: captured, expressions: {patients: nowhere}}", "nowhere"),
        ("{method: cfcpalsy, weights: nowhere}", "nowhere"),
        ("framing: wide", "framing 'wide': choose one of"),
    ],
)
def test_bad_plans_are_refused_in_one_line(
    text: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "set"
    assert said in complaint(capsys, "generate", write(tmp_path, text), "--out", out)
    assert not out.exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "name a plan first, as in palsynth generate plans/grader.yaml"),
        (["--out", "x"], "name a plan first"),
        (["nowhere.yaml", "--out", "x"], "nowhere.yaml"),
        (["PLAN"], "--out"),
        (["PLAN", "--out", "x", "--workers", "0"], "--workers 0: must lie between 1 and"),
        (["PLAN", "--out", "x", "--engine", "dask"], "--engine"),
        (["PLAN", "--out", "x", "--address", "auto"], "go with --engine ray"),
        (["PLAN", "--out", "x", "--gpus", "2"], "--gpus 2: must lie between 0 and 1"),
        (["PLAN", "--out", "x", "--image", "5"], "--image"),
    ],
)
def test_bad_options_are_refused_in_one_line(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = write(tmp_path, yaml.safe_dump({"images": 1}))
    given = [plan if word == "PLAN" else tmp_path / "x" if word == "x" else word for word in words]
    assert said in complaint(capsys, "generate", *given)
    assert not (tmp_path / "x").exists()

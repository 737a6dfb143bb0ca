from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from palsynth.cli import main
from palsynth.commands import train as command
from palsynth.records import flattened
from palsynth.training.kinds import KINDS
from palsynth.training.recipe_file import to_yaml

TINY = """
kind: landmarks
model: {widths: [4, 4, 4, 4], depths: [1, 1, 1, 1], narrow: 2, dim: 8}
data: {subjects: 2}
loop: {steps: 2, batch: 2, log_every: 1, device: cpu}
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.yaml"
    path.write_text(TINY)
    return path


def run(*words: object) -> int:
    try:
        main([str(word) for word in words])
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def test_train_and_release(
    recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    assert run("train", recipe, "--out", out, "--loop.steps", 3, "--loop.seed", 5) == 0
    assert "trained; the weights are in" in capsys.readouterr().out
    saved = (out / "recipe.yaml").read_text()
    assert "steps: 3" in saved
    assert "seed: 5" in saved
    rows = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [1, 2, 3]
    assert list((out / "tensorboard").iterdir()), "TensorBoard is installed here"
    assert run("release", out, "--out", tmp_path / "weights") == 0
    assert (tmp_path / "weights" / "config.json").exists()

    assert run("train", recipe, "--out", out, "--loop.seed", 5) == 2
    assert "holds a run; say --resume" in capsys.readouterr().err
    assert run("train", recipe, "--out", out, "--resume") == 2
    assert "was started with loop.seed 5, not 0" in capsys.readouterr().err
    assert run("train", recipe, "--out", out, "--resume", "--loop.seed", 5) == 2
    assert "is at step 3 already; give loop.steps 3 or more" in capsys.readouterr().err
    more = ("--resume", "--loop.seed", 5, "--loop.steps", 4)
    assert run("train", recipe, "--out", out, *more) == 0


def test_a_recipe_is_not_overwritten_by_its_run(
    recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = tmp_path / "mine" / "recipe.yaml"
    mine.parent.mkdir()
    mine.write_bytes(recipe.read_bytes())
    assert run("train", mine, "--out", mine.parent, "--loop.steps", 1) == 2
    error = capsys.readouterr().err.strip()
    assert error.endswith("recipe.yaml: the run would overwrite this recipe; give another --out")
    assert len(error.splitlines()) == 1
    assert mine.read_bytes() == recipe.read_bytes()
    assert [path.name for path in mine.parent.iterdir()] == ["recipe.yaml"]
    out = tmp_path / "run"
    assert run("train", mine, "--out", out, "--loop.steps", 1) == 0
    (out / "weights").rename(tmp_path / "weights")
    shutil.rmtree(out / "checkpoints")  # as if it had been killed before the first
    assert run("train", out / "recipe.yaml", "--out", out) == 0, "the file would not change"
    assert run("train", out / "recipe.yaml", "--out", out, "--loop.steps", 2) == 2
    assert "holds a run; say --resume" in capsys.readouterr().err
    assert run("train", out / "recipe.yaml", "--out", out, "--loop.steps", 2, "--resume") == 0


def test_a_dry_run_prints_the_cost_and_writes_no_file(
    recipe: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("train", recipe, "--dry-run") == 0
    text = capsys.readouterr().out
    for word in ("parameters", "FLOPs", "memory", "images/s", "time", "disk"):
        assert word in text
    assert sorted(p.name for p in tmp_path.iterdir()) == ["tiny.yaml"]


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        ([], "name a recipe first"),
        (["--resume"], "name a recipe first"),
        (["nowhere.yaml"], "nowhere.yaml: cannot be read (No such file or directory)"),
    ],
)
def test_bad_input(words: list[str], fault: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("train", *words) == 2
    err = capsys.readouterr().err
    assert fault in err
    assert "Traceback" not in err


def test_help_lists_the_kinds(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("train", "--help") == 0
    out = capsys.readouterr().out
    assert all(kind in out for kind in ("identity", "expression", "landmarks", "judge"))


def test_help_of_a_recipe_lists_its_fields(
    recipe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("train", recipe, "--help") == 0
    out = capsys.readouterr().out
    assert "--loop.learning-rate" in out
    assert "--data.augmentation.turn" in out


NEEDED = {
    "conditional-gan": "model: {condition: landmarks, generator: synthesis, levels: 6}",
    "diffusion": "model: {space: latents}",
    "face-swap": "data: {dataset: set, public: [ann]}",
    "cyclegan": "data: {dataset: set, public: [ann]}",
}
"""Kind -> what its recipe needs so that a dataset and an autoencoder can be given."""

NUMBERS = {"model.unet.head_channels": 8}
"""Fields that are None by default and numbers otherwise; all others are paths or words."""

OF_THE_COMMAND = {"--help", "--out", "--resume", "--no-resume", "--dry-run", "--no-dry-run"}


def option(field: str, value: Any) -> list[str]:
    """The words that give a field a value, such as ``--loop.steps 5``."""
    *groups, name = field.replace("_", "-").split(".")
    if isinstance(value, bool):
        return ["--" + ".".join([*groups, name if value else f"no-{name}"])]
    values = value if isinstance(value, list) else [value]
    return ["--" + ".".join([*groups, name]), *map(str, values)]


@pytest.mark.parametrize("kind", KINDS)
def test_every_option_in_the_help_of_a_kind_is_accepted(
    kind: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All at once, each with its default; then a value for those that are None by default."""
    monkeypatch.setenv("COLUMNS", "120")  # one column, in which no name is broken
    path = tmp_path / "recipe.yaml"
    path.write_text(f"kind: {kind}\n{NEEDED.get(kind, '')}")
    assert run("train", path, "--help") == 0
    text = capsys.readouterr().out
    assert "subcommands" not in text, "whose options need a word before them"
    listed = {
        name
        for line in re.findall(r"^[│ ] (?:-h, )?(--.*)$", text, re.MULTILINE)
        for name in re.findall(r"(?:^|, )(--[a-z][\w.-]*)", line)
    }
    _, recipe = command._parse(path, [])
    values = flattened(yaml.safe_load(to_yaml(recipe)))
    given = [option(field, value) for field, value in values.items()]
    negations = [option(field, not v) for field, v in values.items() if isinstance(v, bool)]
    assert listed - OF_THE_COMMAND == {words[0] for words in [*given, *negations]}
    assert command._parse(path, [word for words in given for word in words])[1] == recipe
    absent = [field for field, value in values.items() if value is None]
    chosen = {field: NUMBERS.get(field, "x") for field in absent}
    words = [word for field, value in chosen.items() for word in option(field, value)]
    changed = flattened(yaml.safe_load(to_yaml(command._parse(path, words)[1])))
    assert changed == {**values, **chosen}


def test_patients_are_given_as_options(tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text("kind: controlnet")
    words = ["--patients.dataset", "set", "--patients.subjects", "b", "a", "--patients.seed", "4"]
    patients = command._parse(path, words)[1].patients
    assert (patients.dataset, patients.subjects, patients.seed) == (Path("set"), ("b", "a"), 4)

"""The names of palsynth 0.1 still work and are refused beside their replacements."""

from __future__ import annotations

import functools
import importlib
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
import torch
import yaml
from safetensors.torch import save_file

from palsynth import renamed
from palsynth.cli import COMMANDS, main
from palsynth.encoders.identity import IRNetSettings
from palsynth.encoders.judge import JudgeNet
from palsynth.encoders.landmarks import LandmarksRecipe
from palsynth.encoders.reader import ReaderNet
from palsynth.encoders.shipped import CLASSES, load_ours
from palsynth.errors import InputError
from palsynth.generation.plan import Plan
from palsynth.methods.cfcpalsy.config import CFCPalsySettings
from palsynth.methods.cfcpalsy.io.files import load_model
from palsynth.methods.registry import METHODS, method_class
from palsynth.training import checkpoints
from palsynth.training.kinds import KINDS, load_recipe
from palsynth.training.recipe_file import from_dict, to_yaml
from palsynth.training.run_folder import check_folder

SRC = Path(renamed.__file__).parent

COMMAND_VALUES = {
    "sheet": {"--person": ["7"]},
    "gallery": {"--persons": ["7", "8"]},
    "calibrate": {"--people": ["5"], "--per-person": ["3"]},
}
"""Command -> old option -> values."""

FIELD_VALUES = {
    "people": "7",
    "first_person": "11",
    "keep_people": "5",
    "keep_photographs": "6",
    "drawing_workers": "3",
    "begin": "weights",
    "begin_with": "unet",
    "draws": "4",
    "edgeless": "0.2",
    "at_edges": "2.0",
    "wordless": "0.3",
    "most": "9.0",
    "loop.keep": "5",
    "keep": "cache",
    "identity": "weights",
    "autoencoder": "weights",
}
"""Old field -> value."""


@pytest.fixture(autouse=True)
def _new_process() -> Iterator[None]:
    """Every old name is noted once per process."""
    renamed.note.cache_clear()
    yield
    renamed.note.cache_clear()


def run(*words: object) -> int:
    try:
        main([str(word) for word in words])
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def notes(*pairs: tuple[str, str]) -> list[str]:
    return [f"palsynth: '{old}' is now '{new}'; the old name goes in 0.3" for old, new in pairs]


def default_values(kind: str) -> dict[str, Any]:
    """A valid recipe of a kind in plain values, with every field."""
    recipe = from_dict(_recipe_class(kind), {}, kind)
    values: dict[str, Any] = yaml.safe_load(to_yaml(recipe))
    if kind == "controlnet":  # control_dropout needs a base that is trained too
        values["model"]["strategy"]["trains"] = "both"
        values["model"]["sampling"]["outside"] = "tuned"
    return values


def renamed_fields(kind: str) -> dict[str, str]:
    """Old -> new path of the fields that a recipe has."""
    values = default_values(kind)
    names = renamed.field_names(_recipe_class(kind))
    return {old: new for old, new in names.items() if _has(values, new)}


def _recipe_class(kind: str) -> type:
    module, name = KINDS[kind].split(":")
    found: type = getattr(importlib.import_module(module), name)
    return found


def _holder(values: dict[str, Any], path: str) -> dict[str, Any]:
    for part in path.split(".")[:-1]:
        values = values.get(part) or {}
    return values


def _has(values: dict[str, Any], path: str) -> bool:
    return path.split(".")[-1] in _holder(values, path)


def with_old_names(values: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    old_values: dict[str, Any] = json.loads(json.dumps(values))
    for old, new in names.items():
        holder = _holder(old_values, new)
        holder[old.split(".")[-1]] = holder.pop(new.split(".")[-1])
    return old_values


def dataclasses_of(settings: Any) -> dict[str, Any]:
    """Name -> dataclass, of a settings dataclass and all that it holds."""
    found = {}
    if hasattr(settings, "__dataclass_fields__"):
        found[settings.__name__] = settings
        for hint in get_type_hints(settings).values():
            for kind in (hint, *get_args(hint)):
                found |= dataclasses_of(kind)
    return found


def test_every_entry_names_something_that_exists() -> None:
    assert set(renamed.COMMANDS.values()) <= {name.split()[0] for name in COMMANDS}
    assert set(renamed.OPTIONS) == set(COMMAND_VALUES)
    assert set(renamed.METHODS.values()) <= set(METHODS)
    assert set(renamed.NETWORKS.values()) <= {path.split(":")[1] for path in CLASSES.values()}
    found: dict[str, Any] = {}
    for kind in KINDS:
        found |= dataclasses_of(_recipe_class(kind))
    found |= dataclasses_of(Plan)
    assert set(renamed.FIELDS) <= set(found)
    for name, fields in renamed.FIELDS.items():
        known = set(found[name].__dataclass_fields__)
        assert known & set(fields.values()), name
        assert not known & set(fields), name


@pytest.mark.parametrize("rest", ["sample", "export", "fit", ""])
@pytest.mark.parametrize(("old", "new"), renamed.COMMANDS.items())
def test_an_old_command_runs_the_new_one(
    old: str, new: str, rest: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(new, *rest.split(), "--help") == 0
    expected = capsys.readouterr()
    assert expected.err == ""
    assert run(old, *rest.split(), "--help") == 0
    printed = capsys.readouterr()
    assert printed.out == expected.out
    assert printed.err.splitlines() == notes((old, new))


@pytest.fixture
def received(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The options that a command is called with, instead of running it."""
    options: list[Any] = []
    for name in COMMAND_VALUES:
        module = importlib.import_module(f"palsynth.commands.{COMMANDS[name][0]}")
        function = getattr(module, name)

        @functools.wraps(function)
        def record(given: Any) -> None:
            options.append(given)

        monkeypatch.setattr(module, name, record)
    return options


@pytest.mark.parametrize(
    ("command", "old", "new"),
    [(c, old, new) for c, options in renamed.OPTIONS.items() for old, new in options.items()],
)
def test_an_old_option_sets_the_new_one(
    command: str,
    old: str,
    new: str,
    received: list[Any],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    ending = {"sheet": ".png", "calibrate": ".json"}.get(command, "")
    words = [command, "--out", tmp_path / f"out{ending}"]
    values = COMMAND_VALUES[command][old]
    assert run(*words, new, *values) == 0
    assert capsys.readouterr().err == ""
    spellings = [old, old.replace("-", "_").replace("__", "--", 1)]
    for spelling in spellings:
        renamed.note.cache_clear()
        assert run(*words, spelling, *values) == 0
        assert capsys.readouterr().err.splitlines() == notes((spelling, new))
    renamed.note.cache_clear()
    assert run(*words, f"{old}={values[0]}", *values[1:]) == 0
    assert capsys.readouterr().err.splitlines() == notes((old, new))
    assert received == [received[0]] * (2 + len(spellings))

    received.clear()
    assert run(*words, old, *values, new, *values) == 2
    assert received == []
    assert capsys.readouterr().err == (
        f"palsynth: '{old}' is the old name of '{new}'; give one of them\n"
    )


def test_an_old_method_is_the_new_one(capsys: pytest.CaptureFixture[str]) -> None:
    for old, new in renamed.METHODS.items():
        expected = method_class(new)
        assert capsys.readouterr().err == ""
        assert method_class(old) is method_class(old) is expected
        assert capsys.readouterr().err.splitlines() == notes((old, new)), "once per process"


def test_an_old_identity_is_the_new_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert renamed.identity("subject:7") == "subject:7"
    assert renamed.identity("a woman of 40") == "a woman of 40"
    assert capsys.readouterr().err == ""
    assert renamed.identity("person:7") == "subject:7"
    expected = notes(("person:SEED", "subject:SEED"))
    assert capsys.readouterr().err.splitlines() == expected
    renamed.note.cache_clear()
    out = tmp_path / "out.png"
    (tmp_path / "none.png").write_text("no picture")
    assert run("anonymize", tmp_path / "none.png", "--as", "person:7", "--out", out) == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[:-1] == expected
    assert "none.png" in lines[-1], "the patient, not the identity, is at fault"


@pytest.mark.parametrize("kind", KINDS)
def test_a_recipe_with_old_fields_is_the_new_one(kind: str, tmp_path: Path) -> None:
    values, names = default_values(kind), renamed_fields(kind)
    assert "loop.keep" in names
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(values))
    lines: list[str] = []
    expected = load_recipe(path, lines.append)
    assert lines == []
    path.write_text(yaml.safe_dump(with_old_names(values, names)))
    assert load_recipe(path, lines.append) == expected
    (line,) = lines
    assert line.startswith(f"palsynth: {path}: '")
    assert line.endswith("'; old names go in 0.3")
    assert line.count(" is now ") == len(names)
    assert all(f"'{old}' is now '{new}'" in line for old, new in names.items())

    for old, new in names.items():
        both = json.loads(json.dumps(values))
        holder = _holder(both, new)
        holder[old.split(".")[-1]] = holder[new.split(".")[-1]]
        path.write_text(yaml.safe_dump(both))
        with pytest.raises(InputError) as error:
            load_recipe(path, lines.append)
        assert str(error.value) == (f"{path}: '{old}' is the old name of '{new}'; give one of them")
    assert len(lines) == 1


def test_a_rewritten_recipe_preserves_the_order_of_its_fields() -> None:
    data = {"kind": "reader", "keep": "cache", "loop": {"steps": 3, "keep": 5, "seed": 1}}
    fields, phrases = renamed.fields(_recipe_class("reader"), data, "here")
    assert list(fields) == ["kind", "cache_dir", "loop"]
    assert list(fields["loop"]) == ["steps", "max_checkpoints", "seed"]
    assert len(phrases) == 2
    assert "keep" in data
    assert "keep" in data["loop"], "the caller's values are unchanged"


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The recipes that ``palsynth train --dry-run`` would estimate."""
    recipes: list[Any] = []

    def record(recipe: Any) -> str:
        recipes.append(recipe)
        return ""

    monkeypatch.setattr("palsynth.training.forecast.forecast", record)
    return recipes


def _words(path: str, old: str) -> list[str]:
    value = FIELD_VALUES.get(old, FIELD_VALUES[old.split(".")[-1]])
    return ["--" + path.replace("_", "-"), value]


@pytest.mark.parametrize("kind", KINDS)
def test_old_options_of_train_set_the_new_fields(
    kind: str, trained: list[Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, names = tmp_path / "recipe.yaml", renamed_fields(kind)
    path.write_text(yaml.safe_dump(default_values(kind)))
    command = ["train", path, "--dry-run"]
    old_words = [word for old in names for word in _words(old, old)]
    new_words = [word for old, new in names.items() for word in _words(new, old)]
    assert run(*command, *new_words) == 0
    assert capsys.readouterr().err == ""
    assert run(*command, *old_words) == 0
    printed = capsys.readouterr().err.splitlines()
    assert printed == notes(*((_words(o, o)[0], _words(n, o)[0]) for o, n in names.items()))
    expected, recipe = trained
    assert recipe == expected
    values, default = yaml.safe_load(to_yaml(recipe)), default_values(kind)
    for new in names.values():
        last = new.split(".")[-1]
        assert _holder(values, new)[last] != _holder(default, new)[last], new

    for old, new in names.items():
        assert run(*command, *_words(old, old), *_words(new, old)) == 2
        assert capsys.readouterr().err == (
            f"palsynth: '{_words(old, old)[0]}' is the old name of '{_words(new, old)[0]}'; "
            "give one of them\n"
        )
    assert len(trained) == 2


OLD_STARTS = {
    "{controlnet: null, from_scratch: false}": "shipped",
    "{controlnet: runs/a, from_scratch: false}": Path("runs/a"),
    "{controlnet: null, from_scratch: true}": "scratch",
    "{anew: true}": "scratch",
    "{anew: false}": "shipped",
}
"""The model of a ControlNet's recipe of 0.1 or 0.2 -> where training starts now."""


@pytest.mark.parametrize("model", OLD_STARTS)
def test_an_old_start_of_a_controlnet_is_a_new_one(model: str, tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(f"{{kind: controlnet, model: {model}}}")
    lines: list[str] = []
    assert load_recipe(path, lines.append).init_from == OLD_STARTS[model]
    (line,) = lines
    for old in yaml.safe_load(model):
        assert f"'model.{old}' is now 'init_from'" in line


def test_a_run_of_0_2_may_be_resumed_with_the_new_names(tmp_path: Path) -> None:
    (tmp_path / "checkpoints" / "step-1").mkdir(parents=True)
    old = "{kind: controlnet, model: {controlnet: runs/a, from_scratch: false}}"
    (tmp_path / "recipe.yaml").write_text(old)
    assert checkpoints.steps(tmp_path) == [1]
    recipe = from_dict(_recipe_class("controlnet"), {"init_from": "runs/a"}, "new")
    check_folder(recipe, tmp_path, resume=True)
    with pytest.raises(InputError, match="was started with init_from runs/a, not shipped"):
        check_folder(replace(recipe, init_from="shipped"), tmp_path, resume=True)


def test_an_old_and_a_new_start_are_refused_together(tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    for words in (
        "init_from: a, model: {controlnet: b}",
        "init_from: a, model: {from_scratch: true}",
        "model: {controlnet: a, from_scratch: true}",
    ):
        path.write_text(f"{{kind: controlnet, {words}}}")
        with pytest.raises(InputError, match=r"is the old name of 'init_from'; give one of them"):
            load_recipe(path)


@pytest.mark.parametrize("kind", ["cfcpalsy", "expression"])
def test_null_is_the_default_start_as_0_2_wrote_it(kind: str, tmp_path: Path) -> None:
    path, name = tmp_path / "recipe.yaml", {"expression": "identity"}.get(kind, "init_from")
    path.write_text(f"{{kind: {kind}, {name}: null}}")
    assert load_recipe(path) == _recipe_class(kind)()


def test_null_patients_are_none_as_0_2_wrote_it(tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text("{kind: controlnet, patients: null}")
    assert load_recipe(path) == _recipe_class("controlnet")()


@pytest.mark.parametrize(
    ("words", "start", "new"),
    [
        (["--model.anew"], "scratch", "--init-from scratch"),
        (["--model.from-scratch"], "scratch", "--init-from scratch"),
        (["--model.no-from-scratch"], Path("runs/a"), "--init-from"),
        (["--model.controlnet", "runs/b"], Path("runs/b"), "--init-from"),
        (["--model.controlnet=runs/b"], Path("runs/b"), "--init-from"),
    ],
)
def test_an_old_option_sets_where_training_starts(
    words: list[str],
    start: object,
    new: str,
    trained: list[Any],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text("{kind: controlnet, init_from: runs/a}")
    assert run("train", path, "--dry-run", *words) == 0
    assert trained[0].init_from == start
    old = words[0].split("=")[0]
    assert capsys.readouterr().err.splitlines() == notes((old, new))
    assert run("train", path, "--dry-run", *words, "--init-from", "runs/c") == 2
    assert "give one of them" in capsys.readouterr().err


def test_old_fields_in_a_file_are_one_line_of_train(
    trained: list[Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text("{kind: identity, data: {people: 7}, loop: {keep: 3}}")
    assert run("train", path, "--dry-run") == 0
    assert (trained[0].data.subjects, trained[0].loop.max_checkpoints) == (7, 3)
    assert capsys.readouterr().err == (
        f"palsynth: {path}: 'data.people' is now 'data.subjects'; "
        "'loop.keep' is now 'loop.max_checkpoints'; old names go in 0.3\n"
    )
    path.write_text("{kind: identity, data: {people: 7, subjects: 7}}")
    assert run("train", path, "--dry-run") == 2
    assert capsys.readouterr().err == (
        f"palsynth: {path}: 'data.people' is the old name of 'data.subjects'; give one of them\n"
    )


def test_settings_of_saved_models_load_silently(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shipped = SRC / "methods" / "cfcpalsy" / "assets" / "default"
    for name in ("unet", "conditioner"):
        os.symlink(shipped / name, tmp_path / name)
    text = (shipped / "settings.yaml").read_text()
    assert "num_samples_averaged: 4" in text
    path = tmp_path / "settings.yaml"
    path.write_text(text.replace("num_samples_averaged", "draws"))
    settings = load_model(tmp_path).settings
    values = yaml.safe_load(text)
    assert values.pop("kind") == "cfcpalsy"
    assert settings == from_dict(CFCPalsySettings, values, "shipped")
    assert capsys.readouterr() == ("", "")
    path.write_text(text.replace("num_samples_averaged: 4", "num_samples_averaged: 4\n  draws: 4"))
    with pytest.raises(InputError, match=r"settings.yaml: 'diffusion.draws' is the old name of"):
        load_model(tmp_path)


def test_recipes_of_saved_weights_load_silently(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_folder, weights = tmp_path / "run", tmp_path / "run" / "weights"
    weights.mkdir(parents=True)
    old = "{kind: landmarks, data: {people: 7}, loop: {keep: 3}}"
    for folder in (run_folder, weights):
        (folder / "recipe.yaml").write_text(old)
    (run_folder / "metrics.jsonl").write_text("{}\n")
    save_file({"w": torch.zeros(1)}, weights / "model.safetensors")
    recipe = load_recipe(weights / "recipe.yaml")
    expected = {"data": {"subjects": 7}, "loop": {"max_checkpoints": 3}}
    assert recipe == from_dict(LandmarksRecipe, expected, "here")
    (run_folder / "checkpoints" / "step-1").mkdir(parents=True)
    check_folder(recipe, run_folder, resume=True)
    assert run("release", run_folder, "--out", tmp_path / "released") == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("old", renamed.NETWORKS)
def test_weights_of_an_old_network_class_load_silently(
    old: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    size = IRNetSettings((4, 4, 4, 4), (1, 1, 1, 1), 2, 8)
    networks = {
        "Judge": JudgeNet(size.widths, size.depths, size.narrow, size.dim),
        "Reader": ReaderNet(4, 8),
    }
    networks[old].save_pretrained(tmp_path)
    path = tmp_path / "config.json"
    config = json.loads(path.read_text())
    assert config["_class_name"] == renamed.NETWORKS[old]
    path.write_text(json.dumps({**config, "_class_name": old}))
    capsys.readouterr()
    loaded = load_ours(old.lower(), tmp_path)
    assert type(loaded) is type(networks[old])
    assert capsys.readouterr() == ("", "")

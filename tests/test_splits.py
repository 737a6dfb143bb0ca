"""No person of a validation or test split and no evaluation subject is trained on.

The pictures of held-out people are missing on disk, so a training source that opened one would
fail. Every kind of recipe is tested; a new kind has to be added here.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from palsynth.appearance.photographs import neutral_photographs
from palsynth.cli import main
from palsynth.clinical import Grade, Movement, Palsy, Side
from palsynth.commands.fitting import _photographed
from palsynth.comparison.benchmark_sets import london_smile
from palsynth.data.examples import Source
from palsynth.data.groups import GroupsSource
from palsynth.data.half_smiles import read_smilers
from palsynth.data.manifest import Row, read_manifest, write_manifest
from palsynth.data.synthetic_source import PhotographsSource
from palsynth.errors import InputError
from palsynth.face.detect import detect_face
from palsynth.face.images import read_image, write_jpeg, write_png
from palsynth.face.photographs import read_subjects
from palsynth.scoring import calibration
from palsynth.subjects import EVALUATION_SEEDS, View, render, sample
from palsynth.training.kinds import KINDS, load_recipe

TRAINED = {"ann": 0, "ben": 1}
HELD_OUT = {"cleo": "validation", "dan": "test", "eve": "test"}

DATASET_RECIPES: dict[str, Callable[[Path], dict[str, Any]]] = {
    "expression": lambda folder: {"data": {"subjects": 0, "dataset": str(folder)}},
    "identity": lambda folder: {"data": {"subjects": 0, "dataset": str(folder)}},
    "judge": lambda folder: {"data": {"subjects": 0, "dataset": str(folder)}},
    "landmarks": lambda folder: {"data": {"subjects": 0, "dataset": str(folder)}},
    "reader": lambda folder: {"data": {"subjects": 0, "dataset": str(folder)}},
    "grader": lambda folder: {"data": {"folders": [str(folder)]}},
    "cfcpalsy": lambda folder: {"data": {"dataset": str(folder)}},
    "diffusion": lambda folder: {
        "model": {"condition_dropout": 1.0},
        "data": {"dataset": str(folder)},
    },
    "conditional-gan": lambda folder: {
        "model": {"condition": "landmarks", "generator": "synthesis", "levels": 6},
        "data": {"dataset": str(folder)},
    },
    "face-swap": lambda folder: {"data": {"dataset": str(folder), "public": ["ann"]}},
    "cyclegan": lambda folder: {"data": {"dataset": str(folder), "public": ["ann"]}},
    "face-restoration": lambda folder: {"data": {"dataset": str(folder)}},
    "controlnet": lambda folder: {"patients": {"dataset": str(folder), "patients": 2}},
}
"""Kinds that take a dataset folder."""

SUBJECT_RECIPES = {
    "expression": "data",
    "identity": "data",
    "judge": "data",
    "landmarks": "data",
    "reader": "data",
    "cfcpalsy": "data",
    "diffusion": "data",
    "conditional-gan": "data",
    "face-restoration": "data",
    "autoencoder": "data",
    "text-to-image": "data",
    "controlnet": "healthy",
}
"""Kinds that use synthetic subjects -> the field with their seeds."""


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two people to train on, and three whose pictures are listed but missing."""
    folder = tmp_path_factory.mktemp("clinic")
    rows = []
    for name in (*TRAINED, *HELD_OUT):
        split = HELD_OUT.get(name, "train")
        for number, movement in enumerate((Movement.REST, Movement.GRIN, Movement.WHISTLE)):
            file = f"{name}-{number}.png"
            row = Row(file, name, movement.value, yanagihara_item=4, hb_grade="II", split=split)
            rows.append(row)
            if name in TRAINED:
                palsy = Palsy.peripheral(Side.LEFT, Grade.II)
                image = render(sample(TRAINED[name]), movement, palsy, view=View(112)).image
                write_png(folder / file, image)
    for number in range(5):  # more pictures of a test person than of any other
        rows.append(Row(f"eve-more-{number}.png", "eve", "grin", split="test"))
    write_manifest(folder, rows)
    return folder


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like the London Set, with photographs of the train people only."""
    folder = tmp_path_factory.mktemp("photographs")
    for name, seed in TRAINED.items():
        for kind, movement in (("neutral", Movement.REST), ("smiling", Movement.GRIN)):
            (folder / kind).mkdir(exist_ok=True)
            image = render(sample(seed), movement, view=View(256)).image
            write_jpeg(folder / kind / f"{name}.jpg", image)
    with (folder / "split.csv").open("w", newline="") as file:
        rows = [(name, "train") for name in TRAINED] + list(HELD_OUT.items())
        csv.writer(file).writerows([("face_id", "split"), *rows])
    with (folder / "info.csv").open("w", newline="") as file:
        heads = ("face_id", "gender", "ethnicity", "age")
        about = [(name, "female", "white", "30") for name in (*TRAINED, *HELD_OUT)]
        csv.writer(file).writerows([heads, *about])
    return folder


def recipe_of(kind: str, fields: dict[str, Any], tmp_path: Path) -> Any:
    path = tmp_path / f"{kind}.yaml"
    path.write_text(yaml.safe_dump({"kind": kind, **fields}))
    return load_recipe(path)


def walk(source: Source, count: int) -> None:
    for number in range(count):
        _ = source[number]


def test_every_kind_of_recipe_is_tested() -> None:
    assert set(DATASET_RECIPES) | set(SUBJECT_RECIPES) == set(KINDS)


@pytest.mark.parametrize("kind", sorted(DATASET_RECIPES))
def test_a_dataset_gives_its_train_people_alone(kind: str, dataset: Path, tmp_path: Path) -> None:
    recipe = recipe_of(kind, DATASET_RECIPES[kind](dataset), tmp_path)
    source = recipe.source(build_cache=False)
    assert source.num_subjects in (2, None)
    walk(source, 18)  # three rounds of the six pictures


def test_held_out_patients_are_not_used_for_fine_tuning(dataset: Path, tmp_path: Path) -> None:
    fields = {"patients": {"dataset": str(dataset), "patients": 2}}
    source = recipe_of("controlnet", fields, tmp_path).source()
    assert source.subjects_used() == ("ann", "ben")
    named = {"patients": {"dataset": str(dataset), "patients": 1, "subjects": ["dan"]}}
    with pytest.raises(InputError, match="subject dan is of split test"):
        _ = recipe_of("controlnet", named, tmp_path).source().rows
    three = {"patients": {"dataset": str(dataset), "patients": 3}}
    with pytest.raises(InputError, match="holds 2 subjects to train on, not 3"):
        _ = recipe_of("controlnet", three, tmp_path).source().rows


@pytest.mark.parametrize("kind", ["expression", "landmarks", "cfcpalsy"])
def test_photographs_give_their_train_people_alone(
    kind: str, photographs: Path, tmp_path: Path
) -> None:
    data: dict[str, Any] = {"photographs": str(photographs)}
    data |= {"mixed": 0.5, "smiling": 0.5} if kind == "cfcpalsy" else {"photographs_share": 0.9}
    walk(recipe_of(kind, {"data": data}, tmp_path).source(build_cache=False), 2)
    assert PhotographsSource(photographs).names == ("ann", "ben")


def test_fits_read_train_people_alone(photographs: Path) -> None:
    assert [s.name for s in read_subjects(photographs, "train")] == ["ann", "ben"]
    found = neutral_photographs(photographs, lambda image: detect_face(image).landmarks)
    assert len(found) == 2
    assert len(_photographed(photographs)) == 2  # of the calibration


def test_fits_report_counts_and_not_missing_people(
    photographs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in ("smile fit", "capture fit"):
        with pytest.raises(SystemExit):
            main([*command.split(), str(photographs), "--out", str(tmp_path / "fit.npz")])
        error = capsys.readouterr().err
        assert "needed" in error
        assert not any(name in error for name in HELD_OUT)


@pytest.mark.parametrize("kind", sorted(SUBJECT_RECIPES))
def test_subjects_of_validation_and_evaluation_are_refused(kind: str, tmp_path: Path) -> None:
    section = SUBJECT_RECIPES[kind]
    needs = {"autoencoder": "somewhere"} if kind == "text-to-image" else {}
    recipe_of(kind, needs | {section: {"first_subject": 989_990, "subjects": 10}}, tmp_path)
    for first in (989_991, 1_000_000):
        fields = needs | {section: {"first_subject": first, "subjects": 10}}
        with pytest.raises(InputError, match=r"990,000.* are for validation and evaluation"):
            recipe_of(kind, fields, tmp_path)


def test_sources_of_subjects_end_where_evaluation_starts(tmp_path: Path) -> None:
    assert EVALUATION_SEEDS == 1_000_000
    with pytest.raises(InputError, match="are for evaluation"):
        GroupsSource(999_990, 11)
    with pytest.raises(SystemExit) as end:
        main(["subjects", "export", str(tmp_path / "set"), "--seed", "100", "--subjects", "1"])
    assert end.value.code == 2
    assert not (tmp_path / "set").exists()


@pytest.mark.parametrize("path", sorted(Path("recipes").glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_recipes_do_not_train_on_evaluation_subjects(path: Path) -> None:
    recipe = load_recipe(Path(__file__).parents[1] / path)
    data = getattr(recipe, "data", None) or recipe.healthy
    if getattr(data, "subjects", 0):
        assert 0 <= data.first_subject <= data.first_subject + data.subjects <= 990_000


def test_the_calibration_has_its_own_subjects(monkeypatch: pytest.MonkeyPatch) -> None:
    used: set[int] = set()

    def record(movement: Movement, seeds: range, *rest: object) -> list[Any]:
        used.update(seeds)
        raise StopIteration if movement is Movement.DEPRESS_LIP else ValueError

    monkeypatch.setattr(calibration, "render_samples", record)
    with pytest.raises(ValueError):
        calibration.calibrate(300, 4)
    assert min(used) == 700_000
    assert max(used) < 990_000


def test_sets_for_evaluation_show_held_out_people(photographs: Path, tmp_path: Path) -> None:
    folder = tmp_path / "photographs"
    for kind in ("neutral", "smiling"):
        (folder / kind).mkdir(parents=True)
        for name, seed in (("dan", 3), ("eve", 4)):  # now the train people are missing
            movement = Movement.REST if kind == "neutral" else Movement.GRIN
            image = render(sample(seed), movement, view=View(256)).image
            write_jpeg(folder / kind / f"{name}.jpg", image)
    for file in ("split.csv", "info.csv"):
        (folder / file).write_text((photographs / file).read_text())
    london_smile(tmp_path / "set", folder, size=64)
    rows = read_manifest(tmp_path / "set")
    assert {row.subject_id for row in rows} == {"dan", "eve"}
    assert {row.split for row in rows} == {"test"}
    shown = read_image(tmp_path / "set" / rows[0].file_name)
    assert shown.shape == (64, 64, 3)


def test_half_smilers_retain_their_split(photographs: Path) -> None:
    found = {name: smiler for name, smiler in read_smilers(photographs, 64)}
    assert set(found) == {"ann", "ben"}
    assert all(not isinstance(s, str) and s.split == "train" for s in found.values())
    assert np.isfinite(found["ann"].rest.landmarks).all()  # type: ignore[union-attr]

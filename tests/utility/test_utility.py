"""Utility on tiny sets, through the command line, and its figures against known ones."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from palsynth.cli import main
from palsynth.data.manifest import read_manifest, write_manifest
from palsynth.encoders.grader import GraderData, GraderRecipe, GraderSettings
from palsynth.errors import InputError
from palsynth.training import checkpoints
from palsynth.training.kinds import load_recipe
from palsynth.training.recipe import LoopSettings
from palsynth.training.recipe_file import save
from palsynth.utility.figures import difference, figures
from palsynth.utility.graded import Graded
from palsynth.utility.protocol import check_sets, train_graders
from tests.killing import killed_after
from tests.subject_sets import subjects_plan, write_subjects

SCRATCH = GraderSettings(features="scratch")

RNG = np.random.default_rng(0)


def graded(share: float, seed: int = 0) -> Graded:
    """A grader that knows a share of the answers and guesses the rest, of 30 subjects."""
    rng = np.random.default_rng(seed)
    truth = np.random.default_rng(7)
    items, grades = truth.integers(0, 3, 300), truth.integers(0, 6, 300)

    def found(true: np.ndarray, classes: int) -> np.ndarray:
        return np.where(rng.random(300) < share, true, rng.integers(0, classes, 300))

    subjects = np.array([str(k // 10) for k in range(300)])
    sides = truth.integers(0, 3, 300)
    found_sides = 1 + found(np.maximum(sides - 1, 0), 2)
    known = found(items, 3), grades, found(grades, 6), subjects
    return Graded(items, *known, sides, found_sides, np.zeros(300))


def test_figures_of_a_known_grader() -> None:
    perfect = figures([graded(1.0)])
    assert perfect["item kappa ↑"].value == 1
    assert perfect["grade within one, % ↑"].value == 100
    guessing = figures([graded(0.0, s) for s in range(3)])
    assert guessing["item kappa ↑"].low < 0 < guessing["item kappa ↑"].high
    half = figures([graded(0.5, s) for s in range(3)])
    assert half["item kappa ↑"].value == pytest.approx(0.5, abs=0.1)
    assert half["item right, % ↑"].value == pytest.approx(50 + 50 / 3, abs=5)


def test_unknown_labels_do_not_count() -> None:
    one = graded(1.0)
    one.items[::2] = -1
    assert figures([one])["item kappa ↑"].count == 150
    one.grades[:] = -1
    assert "grade kappa ↑" not in figures([one])
    assert figures([one])["side accuracy, % ↑"].count == (one.sides > 0).sum()
    one.found_sides[:] = -1
    assert "side accuracy, % ↑" not in figures([one]), "a grader of 0.1 predicts no side"


def test_only_a_real_difference_is_significant() -> None:
    better, worse = ([graded(s, k) for k in range(2)] for s in (0.9, 0.4))
    assert difference(better, worse).low > 0
    same = difference([graded(0.5, 1)], [graded(0.5, 2)])
    assert same.low < 0 < same.high


def test_the_figures_by_hand() -> None:
    """One of four items is wrong, by one step; two grades are, by one step and by two."""
    one = Graded(
        np.array([0, 1, 2, 2]),
        np.array([0, 1, 2, 1]),
        np.array([0, 1, 4, 5]),
        np.array([0, 1, 3, 3]),
        np.array(["a", "b", "c", "d"]),
        np.array([0, 1, 2, 2]),
        np.array([1, 1, 1, 2]),
        np.zeros(4),
    )
    found = {name: figure.value for name, figure in figures([one]).items()}
    assert found["item right, % ↑"] == 75
    assert found["grade within one, % ↑"] == 75
    assert found["side accuracy, % ↑"] == pytest.approx(200 / 3), "of three with a weak side"
    # by chance, items 0, 1, 2 are true 1, 1, 2 times and found 1, 2, 1 times
    assert found["item kappa ↑"] == pytest.approx(1 - 1 / ((2 + 4 + 1 + 1 + 8 + 4) / 4))


def test_a_kappa_of_equal_labels_is_undefined() -> None:
    """A grader that always gives the one grade of the test set is right and knows nothing."""
    one = graded(1.0)
    one.items[:] = one.found_items[:] = 2
    one.grades[:] = 3
    found = figures([one])
    assert np.isnan(found["item kappa ↑"].value)
    assert np.isnan(found["grade kappa ↑"].value)
    assert found["item right, % ↑"].value == 100
    assert np.isnan(difference([one], [one]).value)
    one.items[:10] = 0  # the first subject
    interval = figures([one])["item kappa ↑"]
    assert interval.value == pytest.approx(0)
    assert interval.low == interval.high == 0, "resamples without that subject do not count"


def test_the_report_says_that_a_kappa_is_undefined(
    sets: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    test = tmp_path / "test"
    shutil.copytree(sets / "real", test)
    rows = [r for r in read_manifest(test) if r.hb_grade is not None]
    same = [replace(r, subject_id=f"t {r.subject_id}", hb_grade="V", split="test") for r in rows]
    write_manifest(test, same)
    recipe = GraderRecipe()
    loop = {"steps": 1, "batch": 4, "log_every": 1, "checkpoint_every": 1, "precision": "no"}
    recipe = GraderRecipe(model=SCRATCH, loop=type(recipe.loop)(**loop))
    save(recipe, tmp_path / "recipe.yaml")
    words = ["--real", sets / "real", "--synthetic", sets / "synthetic", "--test", test]
    words += ["--out", tmp_path / "out", "--recipe", tmp_path / "recipe.yaml", "--seeds", "1"]
    main(["utility", *map(str, words)])
    text = (tmp_path / "out" / "utility.md").read_text()
    assert "| **real** |" in text
    assert "| undefined |" in text
    assert "nan" not in text
    assert "The grade kappa is undefined: all grades of the test set are the same." in text
    assert "item kappa is undefined" not in text
    assert (
        json.loads((tmp_path / "out" / "utility.json").read_text())["figures"]["real"][
            "grade kappa ↑"
        ]["value"]
        is None
    )


def test_a_difference_is_of_the_first_less_the_second() -> None:
    better, worse = ([graded(s, k) for k in range(2)] for s in (0.9, 0.4))
    kappa = [figures(g)["item kappa ↑"].value for g in (better, worse)]
    assert difference(better, worse).value == pytest.approx(kappa[0] - kappa[1])
    assert difference(worse, better).value == pytest.approx(kappa[1] - kappa[0])


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("utility")
    write_subjects(folder / "real", subjects_plan(14, 4, 51))
    write_subjects(folder / "synthetic", subjects_plan(8, 4, 52))
    return folder


def test_the_command(sets: Path, tmp_path: Path, capsys) -> None:
    recipe = GraderRecipe()
    loop = {"steps": 3, "batch": 4, "log_every": 1, "checkpoint_every": 3, "precision": "no"}
    recipe = GraderRecipe(data=GraderData(views=1), loop=type(recipe.loop)(**loop))
    save(recipe, tmp_path / "recipe.yaml")
    words = [
        "utility",
        "--real",
        str(sets / "real"),
        "--synthetic",
        str(sets / "synthetic"),
        "--out",
        str(tmp_path / "out"),
        "--recipe",
        str(tmp_path / "recipe.yaml"),
        "--seeds",
        "2",
    ]
    main(words)
    data = json.loads((tmp_path / "out" / "utility.json").read_text())
    assert list(data["figures"]) == ["real", "synthetic", "real + synthetic"]
    assert set(data["item_kappa_less_real"]) == {"synthetic", "real + synthetic"}
    # both graders of a row are tested on the real set's test images
    tested = [row for row in read_manifest(sets / "real") if row.split == "test"]
    trained = [row for row in read_manifest(sets / "real") if row.split == "train"]
    assert 0 < len(tested) != len(trained)
    weak = [row for row in tested if row.side is not None]
    for row in data["figures"].values():
        assert row.pop("side accuracy, % ↑")["count"] == 2 * len(weak)
        assert {figure["count"] for figure in row.values()} == {2 * len(tested)}
    assert data["counts"]["real"].startswith(f"{len(trained)} images of ")
    assert data["counts"]["test"].startswith(f"{len(tested)} images of ")
    kappa = {row: found["item kappa ↑"]["value"] for row, found in data["figures"].items()}
    assert {row: gap["value"] for row, gap in data["item_kappa_less_real"].items()} == {
        row: pytest.approx(kappa[row] - kappa["real"]) for row in ("synthetic", "real + synthetic")
    }
    for name, folders in (
        ("real-0", ["real"]),
        ("synthetic-1", ["synthetic"]),
        ("real-and-synthetic-0", ["real", "synthetic"]),
    ):
        used = load_recipe(tmp_path / "out" / name / "recipe.yaml")
        assert [folder.name for folder in used.data.folders] == folders
        assert used.data.seed == used.loop.seed == int(name[-1])
        assert used.data.cache_dir == tmp_path / "out" / "features"
    text = (tmp_path / "out" / "utility.md").read_text()
    assert "12 examples seen, mean of 2" in text
    checkpoint = tmp_path / "out" / "real-and-synthetic-1" / "checkpoints" / "step-3"
    before = checkpoint.stat().st_mtime_ns
    capsys.readouterr()
    main(words)
    assert checkpoint.stat().st_mtime_ns == before, "finished graders are not trained again"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_killed_comparison_ends_with_the_same_graders(sets: Path, tmp_path: Path) -> None:
    """SIGKILL while the second of three graders trains."""
    loop = LoopSettings(steps=4, batch=2, log_every=1, checkpoint_every=2, device="cpu")

    def compare(out: Path) -> dict[str, bytes]:
        recipe = GraderRecipe(model=SCRATCH, loop=loop)
        train_graders(recipe, sets / "real", sets / "synthetic", 1, out, str)
        names = ("recipe.yaml", "metrics.jsonl", "state.json", "*.safetensors")
        paths = [path for name in names for path in out.rglob(name)]
        here = str(out).encode()  # a recipe names the folder of its cache
        return {
            str(path.relative_to(out)): path.read_bytes().replace(here, b"OUT") for path in paths
        }

    whole, killed = tmp_path / "whole", tmp_path / "killed"
    expected = compare(whole)
    assert len([name for name in expected if "/weights/" in name]) == 6
    second = killed / "synthetic-0"
    first = second / "checkpoints" / "step-2"
    assert killed_after(first, second, lambda: compare(killed))
    assert (killed / "real-0" / "weights").is_dir()
    assert checkpoints.steps(second) == [2], "after a checkpoint"
    assert compare(killed) == expected


def test_graders_of_other_data_are_not_mixed(sets: Path, tmp_path: Path) -> None:
    real, synthetic, out = sets / "real", sets / "synthetic", tmp_path / "out"
    check_sets(real, synthetic, real, out)
    check_sets(real, synthetic, real, out)
    other = tmp_path / "other"
    shutil.copytree(synthetic, other)
    manifest = other / "metadata.jsonl"
    manifest.write_text(manifest.read_text().replace("person-", "subject-"))
    with pytest.raises(InputError, match=r"graders trained on other data: synthetic is .*; give"):
        check_sets(real, other, real, out)
    before = json.loads((out / "sets.json").read_text())
    before.pop("pictures")  # 0.2 trained on whole pictures
    (out / "sets.json").write_text(json.dumps(before))
    with pytest.raises(InputError, match="graders trained on other data: pictures is missing, not"):
        check_sets(real, synthetic, real, out)
    (out / "sets.json").write_text('{"real"')
    with pytest.raises(InputError, match=r"sets\.json: the record is damaged"):
        check_sets(real, synthetic, real, out)
    (out / "sets.json").unlink()
    (out / "real-and-synthetic-0").mkdir()
    (out / "real-and-synthetic-0" / "recipe.yaml").touch()
    with pytest.raises(InputError, match=r"real-and-synthetic-0/recipe\.yaml is there, but no"):
        check_sets(real, synthetic, real, out)


def test_bad_input(sets: Path, tmp_path: Path, capsys) -> None:
    for words, text in (
        (["--seeds", "0"], "--seeds 0: must be at least 1"),
        (["--recipe", "recipes/judge.yaml"], "is no recipe of a grader"),
        (["--test", str(tmp_path / "none")], "names splits"),
        (["--synthetic", str(sets / "real")], "is the real set"),
        (["--out", str(sets / "real" / "out")], "must not be handed on with a set"),
    ):
        with pytest.raises(SystemExit) as end:
            main(
                [
                    "utility",
                    "--real",
                    str(sets / "real"),
                    "--synthetic",
                    str(sets / "synthetic"),
                    "--out",
                    str(tmp_path / "o"),
                    *words,
                ]
            )
        assert end.value.code == 2
        assert text in capsys.readouterr().err

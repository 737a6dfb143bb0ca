"""Images evaluated against their patients, and the tables of the ControlNet paper."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from palsynth.cli import main
from palsynth.comparison import benchmark_sets
from palsynth.comparison import controlnet_strategies as controlnet_rows
from palsynth.comparison.benchmark_sets import vp_patients
from palsynth.comparison.controlnet_strategies import (
    CAPTURED,
    RANGES,
    STRATEGIES,
    Tuning,
    methods_of,
)
from palsynth.data.pairs import read_pairs
from palsynth.errors import InputError
from palsynth.evaluation.report import read_report
from palsynth.face.images import read_image, write_png
from palsynth.methods.controlnet.config import ControlNetSettings, Sampling
from palsynth.methods.controlnet.data.patients import PatientsSettings
from palsynth.methods.controlnet.pipeline import ControlNetPalsyPipeline
from palsynth.methods.controlnet.recipe import ControlNetRecipe
from palsynth.methods.controlnet.strategies import Strategy
from palsynth.scoring.features import FeatureCache
from palsynth.scoring.panel import Weights
from palsynth.scoring.patients import PatientPanel, tuned_and_others
from palsynth.training import loop
from palsynth.training.kinds import load_recipe
from palsynth.training.recipe import LoopSettings
from palsynth.training.recipe_file import save
from tests.methods.controlnet.conftest import base_folder  # noqa: F401


@pytest.fixture(scope="module")
def vp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One patient with 20 images, two with ten each."""
    folder = tmp_path_factory.mktemp("set") / "vp-patients"
    with pytest.MonkeyPatch.context() as patch:
        for name, count in (("PATIENTS", 1), ("IMAGES", 2), ("FURTHER", 2)):
            patch.setattr(benchmark_sets, name, count)
        vp_patients(folder)
    return folder


def test_figures_of_copies(vp: Path, tmp_path: Path) -> None:
    """A copy of the patient is recognised and has no landmark error, one of the non-patient not."""
    pairs = read_pairs(vp / "pairs.csv")
    with FeatureCache(tmp_path / "f.sqlite") as cache:
        panel = PatientPanel(vp, pairs, Weights(), cache)
        patient = panel.judge("patient", panel.files("expression"))
        other = panel.judge("other", panel.files("identity"))
    value = {k: (patient.figures[k].value, other.figures[k].value) for k in patient.figures}
    assert value["patient_landmarks"][0] == 0
    assert value["patient_landmarks"][1] > 4
    assert value["patient_cosine"][0] == pytest.approx(1)
    assert value["patient_cosine"][1] < 0.6
    assert value["patient_perceptual"][0] == pytest.approx(0, abs=1e-6)
    assert value["patient_perceptual"][1] > 0.01
    assert value["recognised"][0] > 90
    assert value["recognised"][1] < 50  # the threshold of three patients is coarse
    assert other.figures["recognised"].high > 3  # the bound of 30 images is no lower
    groups = tuned_and_others(patient, {pairs[0].subject})
    assert [g.method for g in groups] == ["patient: 1 tuned on", "patient: 2 others"]
    assert groups[1].figures["recognised"].count == 20


def test_the_perceptual_distance_ignores_the_position_of_the_face(vp: Path, tmp_path: Path) -> None:
    pairs = read_pairs(vp / "pairs.csv")[:2] + read_pairs(vp / "pairs.csv")[-2:]
    with FeatureCache(tmp_path / "f.sqlite") as cache:
        panel = PatientPanel(vp, pairs, Weights(), cache)
        shifted = []
        for number, file in enumerate(panel.files("expression")):
            image = read_image(file)
            moved = np.roll(image, (7, -6), (0, 1))
            write_png(tmp_path / f"{number}.png", moved)
            shifted.append(tmp_path / f"{number}.png")
        judged = panel.judge("shifted", shifted)
        other = panel.judge("other", panel.files("identity"))
    apart = judged.figures["patient_perceptual"].value
    assert apart < 0.25 * other.figures["patient_perceptual"].value


def test_recognition_needs_two_patients_and_their_rest(vp: Path, tmp_path: Path) -> None:
    pairs = read_pairs(vp / "pairs.csv")
    alone = [pair for pair in pairs if pair.subject == pairs[0].subject]
    with FeatureCache(tmp_path / "f.sqlite") as cache:
        with pytest.raises(InputError, match="has only one patient"):
            PatientPanel(vp, alone, Weights(), cache)
        with pytest.raises(InputError, match="names no expression_identity"):
            PatientPanel(vp, [replace(pairs[0], expression_identity="")], Weights(), cache)


def test_strategies_of_the_papers_rows() -> None:
    assert {
        "layer-freezing": Strategy("inner"),
        "layer-freezing-controlnet": Strategy("inner-controlnet"),
        "lora": Strategy("lora"),
        "conventional": Strategy("controlnet", 0, 1000),
        "pf": Strategy("controlnet", 500, 701),
    } == STRATEGIES
    assert {
        "t000-199": Strategy("controlnet", 0, 200),
        "t800-999": Strategy("controlnet", 800, 1000),
        "t000-999": Strategy("controlnet", 0, 1000),
        "t500-700": Strategy("controlnet", 500, 701),
    } == RANGES
    assert CAPTURED == ("captured", "pf-captured")


def test_each_row_uses_its_own_method_and_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A base that was tuned too acts at all timesteps, whatever the recipe sets."""
    monkeypatch.setattr(Tuning, "weights", lambda self, name, strategy: self.runs / name)
    monkeypatch.setattr(
        ControlNetPalsyPipeline,
        "from_pretrained",
        lambda weights, sampling: SimpleNamespace(
            label=f"{weights.name} {sampling.outside}", patients=3
        ),
    )
    monkeypatch.setattr(
        ControlNetPalsyPipeline,
        "untuned",
        lambda model, controlnet: SimpleNamespace(label="untuned", patients=None),
    )
    model = ControlNetSettings(sampling=Sampling("ddim", 1, 1.0, outside="none"))
    tuning = Tuning(ControlNetRecipe(model=model), tmp_path)
    rows = [
        (name, method.name, getattr(getattr(method, "pipeline", None), "label", None))
        for name, method in methods_of(tuning, STRATEGIES)
    ]
    assert rows == [
        ("simulator", "simulator", None),
        ("captured", "captured", None),
        ("zero-shot", "controlnet-zero-shot", "untuned"),
        ("layer-freezing", "controlnet-pf", "layer-freezing tuned"),
        ("layer-freezing-controlnet", "controlnet-pf", "layer-freezing-controlnet none"),
        ("lora", "controlnet-pf", "lora none"),
        ("conventional", "controlnet-pf", "conventional none"),
        ("pf", "controlnet-pf", "pf none"),
        ("pf-codc", "controlnet-pf-codc", "pf none"),
        ("pf-eyes-mouth", "controlnet-pf-eyes-mouth", "pf none"),
        ("pf-captured", "controlnet-pf-captured", "pf none"),
    ]
    ranges = [(name, method.name) for name, method in methods_of(tuning, RANGES)]
    assert ranges == [
        ("simulator", "simulator"),
        *((name, "controlnet-pf") for name in RANGES),
    ]
    recipe = tuning.recipe_of(STRATEGIES["pf"])
    assert recipe.model.strategy == Strategy("controlnet", 500, 701)


@pytest.fixture
def recipe(base_folder: Path, vp: Path, tmp_path: Path) -> Path:  # noqa: F811
    made = ControlNetRecipe(
        init_from=base_folder.parent / "controlnet",
        model=ControlNetSettings(
            str(base_folder),
            sampling=Sampling("ddim", 1, 1.0),
        ),
        patients=PatientsSettings(vp, patients=1),
        loop=LoopSettings(steps=1, batch=1, device="cpu"),
    )
    save(made, tmp_path / "recipe.yaml")
    return tmp_path / "recipe.yaml"


def test_the_table_tunes_samples_and_evaluates_every_row(
    recipe: Path, vp: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["table", "controlnet", str(recipe), "--data", str(vp), "--out", str(tmp_path / "t")]
    main(words)
    report = read_report(tmp_path / "t" / "report.json")
    assert [r.method for r in report.results] == [
        "copy-identity",
        "copy-expression",
        "simulator",
        "captured",
        "zero-shot",
        "layer-freezing",
        "layer-freezing-controlnet",
        "lora",
        "conventional",
        "pf",
        "pf-codc",
        "pf-eyes-mouth",
        "pf-captured",
    ]
    for row in report.results:
        assert {"patient_landmarks", "patient_cosine", "recognised", "ser_fiq"} <= set(row.figures)
    assert {g.method for g in report.groups} >= {"pf-codc: 1 tuned on", "pf-codc: 2 others"}
    page = (tmp_path / "t" / "report.html").read_text("utf-8")
    assert "Published, on other data" in page
    first = read_pairs(vp / "pairs.csv")[0].subject
    assert f"ten movements of {first} (tuned on): the patient as given, then every" in page
    records = {
        row: json.loads((tmp_path / "t" / row / "transfer.json").read_text())
        for row in (r.method for r in report.results if not r.reference)
    }
    assert {row: found["method"] for row, found in records.items()} == {
        "simulator": "simulator",
        "captured": "captured",
        "zero-shot": "controlnet-zero-shot",
        "layer-freezing": "controlnet-pf",
        "layer-freezing-controlnet": "controlnet-pf",
        "lora": "controlnet-pf",
        "conventional": "controlnet-pf",
        "pf": "controlnet-pf",
        "pf-codc": "controlnet-pf-codc",
        "pf-eyes-mouth": "controlnet-pf-eyes-mouth",
        "pf-captured": "controlnet-pf-captured",
    }
    assert {row for row, found in records.items() if found.get("rest")} == {
        "captured",
        "pf-captured",
    }
    tuned = {row: f.get("settings", {}).get("tuned") for row, f in records.items()}
    assert [row for row, found in tuned.items() if found is None] == [
        "simulator",
        "captured",
        "zero-shot",
    ]
    ranges = {row: (f["first"], f["last"]) for row, f in tuned.items() if f is not None}
    assert {row for row, found in ranges.items() if found == (500, 701)} == {
        "pf",
        "pf-codc",
        "pf-eyes-mouth",
        "pf-captured",
    }
    assert ranges["conventional"] == (0, 1000)
    runs = sorted(p.name for p in (tmp_path / "t" / "runs").iterdir())
    assert runs == ["conventional", "layer-freezing", "layer-freezing-controlnet", "lora", "pf"]
    made = (tmp_path / "t" / "runs" / "pf" / "weights" / "recipe.yaml").stat().st_mtime_ns
    main(words)
    again = (tmp_path / "t" / "runs" / "pf" / "weights" / "recipe.yaml").stat().st_mtime_ns
    assert again == made
    capsys.readouterr()


@pytest.mark.parametrize(
    ("name", "strategy", "outside"),
    [("t000-199", RANGES["t000-199"], "none"), ("inner", STRATEGIES["layer-freezing"], "tuned")],
)
def test_another_sampling_reuses_the_weights(
    name: str, strategy: Strategy, outside: str, recipe: Path, vp: Path, tmp_path: Path
) -> None:
    """A base that was tuned too acts at all timesteps, whatever the recipe sets for others."""
    tuning = Tuning(load_recipe(recipe), tmp_path / "runs")
    weights = tuning.weights(name, strategy)
    assert weights is not None
    model = replace(tuning.recipe.model, sampling=Sampling("ddim", 2, 1.0, outside="none"))
    other = Tuning(replace(tuning.recipe, model=model), tmp_path / "runs")
    assert other.weights(name, strategy) == weights
    method = dict(methods_of(other, {name: strategy}))[name]
    assert method.settings["sampling"]["steps"] == 2
    assert method.settings["sampling"]["outside"] == outside
    longer = replace(tuning.recipe, loop=replace(tuning.recipe.loop, steps=2))
    with pytest.raises(InputError, match="was tuned for 1 steps, not 2"):
        Tuning(longer, tmp_path / "runs").weights(name, strategy)


def test_the_ranges_of_timesteps_are_compared(recipe: Path, vp: Path, tmp_path: Path) -> None:
    main(["table", "timesteps", str(recipe), "--data", str(vp), "--out", str(tmp_path / "t")])
    rows = [r.method for r in read_report(tmp_path / "t" / "report.json").results]
    assert rows[-4:] == ["t000-199", "t800-999", "t000-999", "t500-700"]
    text = (tmp_path / "t" / "runs" / "t800-999" / "recipe.yaml").read_text("utf-8")
    assert "first: 800" in text
    assert "last: 1000" in text


def test_an_interrupted_table_names_the_missing_rows(
    recipe: Path,
    vp: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The evaluated set, not the recipe, determines the patients to tune on."""
    words = ["table", "timesteps", str(recipe), "--data", str(vp), "--out", str(tmp_path / "t")]
    recipe.write_text(recipe.read_text().replace(str(vp), "nowhere"))
    requested = []

    def train(of: ControlNetRecipe, run: Path, resume: bool) -> bool:
        requested.append(of.patients.dataset)
        return False if len(requested) > 1 else loop.train(of, run, resume=resume)

    monkeypatch.setattr(controlnet_rows, "train", train)
    with pytest.raises(SystemExit) as end:
        main(words)
    assert end.value.code == 130
    assert requested == [vp, vp]
    message = "interrupted: t800-999, t000-999, t500-700 lacking; start the same command again"
    assert message in capsys.readouterr().out
    rows = [r.method for r in read_report(tmp_path / "t" / "report.json").results]
    assert rows[-1] == "t000-199"


def test_a_recipe_without_patients_is_refused(
    vp: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save(ControlNetRecipe(), tmp_path / "r.yaml")
    with pytest.raises(SystemExit):
        main(
            [
                "table",
                "controlnet",
                str(tmp_path / "r.yaml"),
                "--data",
                str(vp),
                "--out",
                str(tmp_path / "t"),
            ]
        )
    assert "needs kind controlnet and patients" in capsys.readouterr().err

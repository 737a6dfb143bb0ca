"""Folders of weights: what is written, and what 0.1 and 0.2 wrote."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from diffusers.models.controlnets.controlnet import ControlNetModel

from palsynth.errors import InputError
from palsynth.face.face import Face
from palsynth.methods import ExpressionImage, Request, get_method
from palsynth.methods.controlnet.config import (
    ControlNetSettings,
    HealthySettings,
    InferenceSettings,
    PatientsSettings,
    Sampling,
)
from palsynth.methods.controlnet.io.files import read_settings, save_weights
from palsynth.methods.controlnet.io.layout import ASSETS, save_base
from palsynth.methods.controlnet.method import Partial
from palsynth.methods.controlnet.networks.base import Base
from palsynth.methods.controlnet.pipeline import ControlNetPalsyPipeline
from palsynth.methods.controlnet.recipe import ControlNetRecipe
from palsynth.methods.controlnet.strategies import Strategy
from palsynth.subjects import sample
from palsynth.training.loop import train
from palsynth.training.recipe import LoopSettings
from palsynth.training.release import release
from palsynth.training.saved import SETTINGS

PF = Strategy(first=500, last=701)


@pytest.mark.parametrize("outside", ["tuned", "pretrained", "none"])
@pytest.mark.parametrize("patients", [None, PatientsSettings(Path("set"), 2)])
def test_a_saved_method_is_the_same_method(
    base: Base,
    controlnet: ControlNetModel,
    face: Face,
    outside: str,
    patients: PatientsSettings | None,
    tmp_path: Path,
) -> None:
    sampling = Sampling("ddim", 3, 1.5, 0.8, outside)  # type: ignore[arg-type]
    pretrained = ControlNetModel.from_config(controlnet.config) if outside == "pretrained" else None
    method = Partial(ControlNetPalsyPipeline(base, controlnet, sampling, PF, pretrained, patients))
    method.save_pretrained(tmp_path / "a")
    again = get_method("controlnet-pf", tmp_path / "a")
    again.save_pretrained(tmp_path / "b")
    assert (tmp_path / "a" / SETTINGS).read_text() == (tmp_path / "b" / SETTINGS).read_text()
    assert again.weights_sha256 == method.weights_sha256
    assert again.settings == method.settings
    requests = [Request(sample(4), ExpressionImage(face), 5, size=32)]
    assert np.array_equal(again(requests)[0], method(requests)[0])


def test_a_training_and_its_release_write_the_settings(base_folder: Path, tmp_path: Path) -> None:
    recipe = ControlNetRecipe(
        init_from=base_folder.parent / "controlnet",
        model=ControlNetSettings(str(base_folder), strategy=PF, sampling=Sampling("ddim", 1, 1.0)),
        healthy=HealthySettings(4, cache_dir=tmp_path / "cache", render_workers=1),
        loop=LoopSettings(steps=1, batch=1, device="cpu"),
    )
    assert train(recipe, tmp_path / "run")
    release(tmp_path / "run", tmp_path / "released")
    for folder in (tmp_path / "run" / "weights", tmp_path / "released"):
        (folder / "recipe.yaml").unlink()  # inference does not need it
        expected = InferenceSettings(recipe.init_from, recipe.model, None)
        assert read_settings(folder) == expected
        pipeline = ControlNetPalsyPipeline.from_pretrained(folder)
        assert (pipeline.strategy, pipeline.sampling) == (PF, recipe.model.sampling)


OF_0_2 = """kind: controlnet
model:
  base: {base}
  tokenizer: null
  controlnet: {controlnet}
  {from_scratch}: false
  strategy: {{trains: controlnet, first: 500, last: 701}}
  sampling: {{sampler: ddim, steps: 2, guidance: 1.0, outside: {outside}}}
patients: {{dataset: a-set, patients: 3}}
healthy: {{subjects: 6000}}
control_dropout: 0.0
loop: {{steps: 900, batch: 4}}
"""
"""The recipe that a training or ``save_pretrained`` of 0.2 wrote into a folder of weights."""


@pytest.mark.parametrize("from_scratch", ["from_scratch", "anew"])
def test_weights_that_0_2_trained_load(
    base_folder: Path, from_scratch: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Those of 0.1 differ in one name of a field."""
    controlnet = base_folder.parent / "controlnet"
    os.symlink(controlnet, tmp_path / "controlnet")
    (tmp_path / "recipe.yaml").write_text(
        OF_0_2.format(
            base=base_folder,
            controlnet=controlnet,
            from_scratch=from_scratch,
            outside="pretrained",
        )
    )
    pipeline = ControlNetPalsyPipeline.from_pretrained(tmp_path)
    assert pipeline.pretrained is not None, "found by the path in the recipe"
    assert pipeline.strategy == PF
    assert pipeline.sampling == Sampling("ddim", 2, 1.0, outside="pretrained")
    assert pipeline.patients == PatientsSettings(Path("a-set"), 3)
    assert capsys.readouterr().err == "", "the user typed no old name"
    with pytest.raises(InputError, match="was tuned on patients"):
        ControlNetPalsyPipeline.untuned(ControlNetSettings(str(base_folder)), tmp_path)


def test_a_pipeline_that_0_2_saved_loads_wherever_it_lies(
    base: Base, controlnet: ControlNetModel, tmp_path: Path
) -> None:
    save_base(base, tmp_path / "base")
    for name in ("controlnet", "pretrained"):
        controlnet.save_pretrained(tmp_path / name)
    (tmp_path / "recipe.yaml").write_text(
        OF_0_2.format(
            base="base", controlnet="pretrained", from_scratch="from_scratch", outside="pretrained"
        )
    )
    loaded = ControlNetPalsyPipeline.from_pretrained(tmp_path)
    assert loaded.pretrained is not None
    assert loaded.sampling.outside == "pretrained"


@pytest.mark.parametrize("name", ["pf", "small"])
def test_shipped_settings_are_those_of_the_shipped_recipe(name: str, tmp_path: Path) -> None:
    os.symlink(ASSETS / name / "recipe.yaml", tmp_path / "recipe.yaml")
    assert read_settings(tmp_path) == read_settings(ASSETS / name)


def test_a_recipe_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text("kind: cfcpalsy\n")
    with pytest.raises(InputError, match="is no recipe of kind controlnet; give the weights of a"):
        read_settings(tmp_path)


def test_weights_of_another_method_are_refused(controlnet: ControlNetModel, tmp_path: Path) -> None:
    save_weights(tmp_path, controlnet, replace(InferenceSettings(), init_from="scratch"))
    with pytest.raises(InputError, match="holds weights of kind controlnet, not cfcpalsy"):
        get_method("cfcpalsy", tmp_path)

"""The small Stable Diffusion that ships: small enough, complete, and fit for its purpose."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from palsynth.clinical import Grade, Movement, Palsy, Side
from palsynth.face.detect import detect_face
from palsynth.face.measures import measure
from palsynth.face.scoring import asymmetry
from palsynth.methods.base import ExpressionImage, Request
from palsynth.methods.controlnet.config import Sampling
from palsynth.methods.controlnet.io.layout import ASSETS
from palsynth.methods.controlnet.pipeline import ControlNetPalsyPipeline, sample_from_prompts
from palsynth.methods.controlnet.prompts import prompt
from palsynth.methods.registry import get_method
from palsynth.subjects import View, render, sample
from palsynth.training.kinds import load_recipe


def test_the_folders_are_complete_small_and_name_no_path_of_a_machine() -> None:
    assert sum(p.stat().st_size for p in ASSETS.rglob("*.safetensors")) < 60e6
    for part in ("small", "pf"):
        for name in ("README.md", "metrics.json", "recipe.yaml", "settings.yaml"):
            assert (ASSETS / part / name).is_file(), f"{part}/{name}"
    texts = [p.read_text("utf-8") for p in ASSETS.rglob("*") if p.suffix in (".yaml", ".json")]
    assert not any("/work" in text or "/home" in text or "/root" in text for text in texts)
    recipe = load_recipe(ASSETS / "pf" / "recipe.yaml")
    ours = load_recipe(Path(__file__).parents[3] / "recipes" / "controlnet-small-pf.yaml")
    assert recipe.model == ours.model


@pytest.mark.parametrize("name", ["controlnet-pf-codc", "controlnet-pf-eyes-mouth"])
@pytest.mark.parametrize("side", list(Side))
def test_a_patients_grin_appears_on_its_side_of_another_face(side: Side, name: str) -> None:
    """Neither subject was used in training."""
    palsy = Palsy.peripheral(side, Grade.V)
    patient = detect_face(render(sample(1_000_501), Movement.GRIN, palsy, view=View(256)).image)
    other = detect_face(render(sample(1_000_500), view=View(256)).image)
    method = get_method(name)
    result = detect_face(method([Request(other, ExpressionImage(patient), 5, framing=None)])[0])
    weak_left = asymmetry(measure(result.landmarks), Movement.GRIN) > 0
    assert weak_left == (side is Side.LEFT)


def test_the_base_follows_its_prompt() -> None:
    base = ControlNetPalsyPipeline.untuned().base
    prompts = [prompt(f"woman of about 30 with {tone} skin") for tone in ("light", "dark")]
    light, dark = sample_from_prompts(base, prompts, (3, 3), Sampling(steps=10, guidance=2.0))
    middle = (slice(48, 96), slice(40, 88))
    assert np.mean(light[middle]) > np.mean(dark[middle]) + 20

"""The published training at its size, with random weights in place of the published encoders."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from palsynth.data.pair_settings import PairsSettings
from palsynth.encoders.published.ir import AdaFaceIR
from palsynth.encoders.published.mobilefacenet import MobileFaceNet
from palsynth.methods.cfcpalsy.config import CFCPalsySettings, EncoderSettings
from palsynth.methods.cfcpalsy.networks.conditioner import Conditioner
from palsynth.methods.cfcpalsy.networks.model import build_unet
from palsynth.methods.cfcpalsy.recipe import CFCPalsyRecipe
from palsynth.training.kinds import load_recipe
from palsynth.training.loop import train
from tests.methods.cfcpalsy.conftest import clinical_set

RECIPES = Path(__file__).parents[3] / "recipes"

PARAMETERS = {
    "unet": 93_563_910,
    "identity_net": 43_585_600,
    "expression_net": 2 * 43_585_600,
    "landmark_net": 1_007_248,
    "fusion": 2_363_904 + 525_312,
    "expression_tokens": 98,
}
"""Parameters of the published checkpoint by part; the U-Net's are those that its paper counts."""


def parameters(modules: Mapping[str, nn.Module]) -> dict[str, int]:
    return {name: sum(p.numel() for p in modules[name].parameters()) for name in PARAMETERS}


def test_every_part_has_the_published_number_of_parameters() -> None:
    with torch.device("meta"):
        unet, conditioner = build_unet(CFCPalsySettings()), Conditioner(encoders="published")
    assert parameters({"unet": unet, **dict(conditioner.named_children())}) == PARAMETERS


def digests(run: Path) -> dict[str, str]:
    """SHA-256 of the run's newest checkpoint and weights, which are too large to hold in memory."""
    out = {}
    for path in (*run.glob("checkpoints/step-2/*"), *run.glob("weights/**/*.safetensors")):
        with path.open("rb") as file:
            out[str(path.relative_to(run))] = hashlib.file_digest(file, "sha256").hexdigest()
    return out


@pytest.mark.slow
def test_a_step_with_all_five_networks_resumes_bit_for_bit(tmp_path: Path) -> None:
    """The U-Net, AdaFace thrice, of which two are one network, the affect network and
    MobileFaceNet: needs 8 GB of memory and as much room in the temporary folder."""
    torch.manual_seed(1)
    files = {name: tmp_path / f"{name}.pth" for name in ("identity", "expression", "landmarks")}
    for name, path in files.items():
        network = MobileFaceNet() if name == "landmarks" else AdaFaceIR()
        torch.save(network.state_dict(), path)
    published: CFCPalsyRecipe = load_recipe(RECIPES / "cfcpalsy-paper-meei.yaml")
    recipe = replace(
        published,
        encoders=EncoderSettings(**files),
        data=PairsSettings(dataset=clinical_set(tmp_path / "set"), fixed_identity=True),
        loop=replace(
            published.loop, steps=2, batch=2, precision="no", workers=0, max_checkpoints=1
        ),
    )
    objective = recipe.objective()
    model = objective.model
    assert (
        parameters({"unet": model.unet, **dict(model.conditioner.named_children())}) == PARAMETERS
    )
    del objective, model
    whole, halves = tmp_path / "whole", tmp_path / "halves"
    assert train(recipe, whole)
    expected = digests(whole)
    assert len(expected) == 3 + 1 + 2, "model, averages, optimiser, state; U-Net and conditioner"
    train(replace(recipe, loop=replace(recipe.loop, steps=1)), halves)
    (halves / "weights").rename(tmp_path / "first")
    assert train(recipe, halves, resume=True)
    assert digests(halves) == expected

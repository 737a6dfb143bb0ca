"""Encoders that start from trained ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from palsynth.encoders.expression import ExpressionRecipe
from palsynth.encoders.grader import Grader, GraderRecipe, GraderSettings
from palsynth.encoders.identity import IdentityRecipe
from palsynth.encoders.irnet import IRNet
from palsynth.encoders.judge import JudgeNet, JudgeRecipe
from palsynth.encoders.landmarks import LandmarkNet, LandmarksRecipe
from palsynth.encoders.reader import ReaderNet, ReaderRecipe
from palsynth.encoders.reading import MOVEMENTS_NOW
from palsynth.encoders.shipped import load_ours
from palsynth.errors import InputError

SIZES = ((4, 4, 4, 4), (1, 1, 1, 1), 4, 8, 0.0)

RECIPES: dict[str, tuple[Any, str, Any]] = {
    "identity": (IdentityRecipe(), "encoder", lambda: IRNet(*SIZES)),
    "judge": (JudgeRecipe(), "judge", lambda: JudgeNet(*SIZES, MOVEMENTS_NOW)),
    "landmarks": (LandmarksRecipe(), "net", lambda: LandmarkNet(*SIZES)),
    "grader": (
        GraderRecipe(model=GraderSettings(features="scratch")),
        "grader",
        lambda: Grader(*SIZES, MOVEMENTS_NOW, predict_side=True),
    ),
}
"""Kind -> default recipe, the network in its objective, and a tiny one."""


def tiny(kind: str) -> Any:
    recipe, _, network = RECIPES[kind]
    widths, depths, narrow, dim, dropout = SIZES
    sizes = {"widths": widths, "depths": depths, "narrow": narrow, "dim": dim, "dropout": dropout}
    return replace(recipe, model=replace(recipe.model, **sizes)), network()


@pytest.mark.parametrize("kind", RECIPES)
def test_a_recipe_starts_from_trained_weights(kind: str, tmp_path: Path) -> None:
    recipe, trained = tiny(kind)
    trained.save_pretrained(tmp_path)
    objective = replace(recipe, init_from=tmp_path).objective()
    found = getattr(objective, RECIPES[kind][1]).state_dict()
    assert all(torch.equal(found[name], value) for name, value in trained.state_dict().items())
    assert all(p.requires_grad for p in getattr(objective, RECIPES[kind][1]).parameters())
    with pytest.raises(InputError, match=r"has widths .4, 4, 4, 4., the recipe .* give weights"):
        replace(RECIPES[kind][0], init_from=tmp_path).objective()


def test_the_shipped_encoders_are_a_start_too() -> None:
    found = IdentityRecipe(init_from="shipped").objective().encoder
    shipped = load_ours("identity").state_dict()
    assert all(torch.equal(tensor, shipped[name]) for name, tensor in found.state_dict().items())


def test_a_reader_keeps_the_components_that_it_was_trained_with(tmp_path: Path) -> None:
    trained = ReaderNet(5, 8, 0.0, MOVEMENTS_NOW)
    torch.nn.init.normal_(trained.basis)
    trained.save_pretrained(tmp_path)
    recipe = ReaderRecipe(init_from=tmp_path)
    recipe = replace(recipe, model=replace(recipe.model, components=5, hidden=8, dropout=0.0))
    assert torch.equal(recipe.objective().reader.basis, trained.basis)


def test_an_expression_encoder_starts_from_an_identity_encoder() -> None:
    objective = ExpressionRecipe().objective()
    face, identity = objective.face.state_dict(), objective.identity.state_dict()
    assert all(torch.equal(face[name], identity[name]) for name in face)
    with pytest.raises(InputError, match="kind expression starts from trained weights"):
        ExpressionRecipe(init_from="scratch")


def test_no_grader_ships() -> None:
    with pytest.raises(InputError, match="no grader ships; give the folder of a trained one"):
        GraderRecipe(init_from="shipped").objective()

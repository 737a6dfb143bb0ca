"""The model that ships: small enough, complete, and fit for its purpose."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from palsynth.clinical import Grade, Movement, Palsy, Side
from palsynth.encoders.base import as_images
from palsynth.encoders.published.dlib import SAME_PERSON, DlibRecogniser
from palsynth.face.detect import detect_face
from palsynth.face.face import Face
from palsynth.face.framing import RECOGNISER
from palsynth.face.measures import measure
from palsynth.face.scoring import asymmetry
from palsynth.methods.base import ExpressionImage, Request, TargetExpression
from palsynth.methods.cfcpalsy.io.files import DEFAULT
from palsynth.methods.registry import get_method
from palsynth.subjects import View, render, sample
from palsynth.training.kinds import load_recipe


def test_the_folder_is_complete_small_and_has_no_local_paths() -> None:
    weights = sum(p.stat().st_size for p in DEFAULT.rglob("*.safetensors"))
    assert weights < 60e6
    for name in ("README.md", "metrics.json", "recipe.yaml", "settings.yaml"):
        assert (DEFAULT / name).is_file(), name
    texts = [p.read_text("utf-8") for p in DEFAULT.rglob("*") if p.suffix in (".yaml", ".json")]
    assert not any("/work" in text or "/home" in text or "/root" in text for text in texts)
    recipe = load_recipe(DEFAULT / "recipe.yaml")
    ours = load_recipe(Path(__file__).parents[3] / "recipes" / "cfcpalsy-default.yaml")
    assert recipe.model == ours.model


@pytest.mark.parametrize("side", list(Side))
def test_another_persons_grin_is_transferred_to_the_right_side(side: Side) -> None:
    """Unseen subjects; the model is conditioned on the image alone."""
    view = View(112, RECOGNISER)
    identity = detect_face(render(sample(1_000_400), view=view).image)
    palsy = Palsy.peripheral(side, Grade.V)
    expression = detect_face(render(sample(1_000_401), Movement.GRIN, palsy, view=view).image)
    method = get_method("cfcpalsy")
    made = detect_face(method([Request(identity, ExpressionImage(expression), 5, framing=None)])[0])
    shown = asymmetry(measure(made.landmarks), Movement.GRIN)
    before = asymmetry(measure(identity.landmarks), Movement.GRIN)
    weak_left = shown - before > 0
    assert weak_left == (side is Side.LEFT)


def test_the_identity_is_preserved(astronaut: Face) -> None:
    """A real photo and a requested movement."""
    requested = TargetExpression(Movement.GRIN, Palsy.peripheral(Side.RIGHT, Grade.IV))
    made = get_method("cfcpalsy")([Request(astronaut, requested, 1, framing=None)])[0]
    recogniser = DlibRecogniser()
    crops = [recogniser.crop(f).image for f in (astronaut, detect_face(made))]
    a, b = recogniser(as_images(torch.from_numpy(np.stack(crops)))).vector.numpy()
    assert np.linalg.norm(a - b) < SAME_PERSON

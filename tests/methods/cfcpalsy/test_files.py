"""Folders of weights: what is written, and what 0.1 and 0.2 wrote."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from palsynth.errors import InputError
from palsynth.face.face import Face
from palsynth.methods import ExpressionImage, Request, get_method
from palsynth.methods.cfcpalsy.config import CFCPalsySettings
from palsynth.methods.cfcpalsy.io.files import DEFAULT, KIND, load_model, save_model
from palsynth.methods.cfcpalsy.method import CFCPalsyMethod
from palsynth.methods.cfcpalsy.pipeline import CFCPalsyPipeline
from palsynth.training.saved import SETTINGS, load_settings
from tests.methods.cfcpalsy.conftest import build, default, small


@pytest.mark.parametrize("settings", [default(), small({"drop": 0.5}, {"guidance": 2.0})])
def test_a_saved_method_is_the_same_method(
    settings: CFCPalsySettings, face: Face, tmp_path: Path
) -> None:
    model = build(settings).requires_grad_(False).eval()
    method = CFCPalsyMethod(CFCPalsyPipeline(model))
    method.save_pretrained(tmp_path)
    again = get_method("cfcpalsy", tmp_path)
    assert again.weights_sha256 == method.weights_sha256
    assert again.settings == method.settings
    requests = [Request(face, ExpressionImage(face), 5, framing=None)]
    assert np.array_equal(again(requests)[0], method(requests)[0])
    assert load_settings(CFCPalsySettings, KIND, tmp_path) == settings


def test_a_model_of_0_2_loads(tmp_path: Path) -> None:
    """Its settings name no kind of weights."""
    save_model(build(default()), tmp_path)
    path = tmp_path / SETTINGS
    kind, _, rest = path.read_text().partition("\n")
    assert kind == "kind: cfcpalsy"
    path.write_text(rest)
    assert load_model(tmp_path).settings == default()


def test_the_shipped_model_is_the_default(tmp_path: Path) -> None:
    for part in (SETTINGS, "unet", "conditioner"):
        os.symlink(DEFAULT / part, tmp_path / part)
    assert get_method("cfcpalsy").weights_sha256 == get_method("cfcpalsy", tmp_path).weights_sha256


def test_a_network_of_another_class_is_refused(tmp_path: Path) -> None:
    save_model(build(small()), tmp_path)
    path = tmp_path / "unet" / "config.json"
    path.write_text(path.read_text().replace("CFCPalsyUNet", "Conditioner"))
    with pytest.raises(InputError, match="unet: holds Conditioner, not CFCPalsyUNet; give a"):
        load_model(tmp_path)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "is empty"),
        ("[]", "holds a list, not settings"),
        ('{"a": 1, "a": 2}', "the key 'a' stands twice"),
        ('{"a": NaN}', "NaN is not a finite number"),
        ('{"a": ' * 3000, "nested deeper than"),
        ('{"size": "x", "base": [], "multipliers": 3}', "describes no CFCPalsyUNet ("),
    ],
)
def test_a_configuration_that_cannot_be_trusted_is_refused(
    tmp_path: Path, text: str, fault: str
) -> None:
    save_model(build(small()), tmp_path)
    (tmp_path / "unet" / "config.json").write_text(text)
    with pytest.raises(InputError) as error:
        load_model(tmp_path)
    assert f"{tmp_path}/unet/config.json" in str(error.value)
    assert fault in str(error.value)
    assert str(error.value).endswith("; get the weights again")

"""Folders of weights."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from palsynth.errors import InputError
from palsynth.methods import get_method
from palsynth.methods.controlnet.io.layout import BASE_FOLDER, SMALL
from palsynth.methods.diffusion.config import DiffusionModelSettings
from palsynth.methods.diffusion.io.files import load_model, method_of, save_model
from tests.methods.diffusion.conftest import MODELS, build


def test_a_model_survives_a_round_trip_to_disk(
    settings: DiffusionModelSettings, tmp_path: Path
) -> None:
    model = build(settings)
    save_model(model, tmp_path / "a")
    again = load_model(tmp_path / "a")
    assert again.settings == settings
    for (name, a), (_, b) in zip(
        again.state_dict().items(), model.state_dict().items(), strict=True
    ):
        assert a.equal(b), name
    assert not any(p.requires_grad for p in again.parameters())
    written = [p.relative_to(tmp_path / "a") for p in (tmp_path / "a").rglob("*") if p.is_file()]
    assert sorted(map(str, written)) == [
        "settings.yaml",
        "unet/config.json",
        "unet/diffusion_pytorch_model.safetensors",
    ], "the autoencoder is not stored again"


def test_an_autoencoder_elsewhere_is_found(tmp_path: Path) -> None:
    vae = tmp_path / "vae"
    shutil.copytree(SMALL / BASE_FOLDER / "vae", vae)
    model = build(replace(MODELS["latent-diffusion"], autoencoder=vae))
    save_model(model, tmp_path / "model")
    assert load_model(tmp_path / "model").settings.autoencoder == vae
    shutil.rmtree(vae)
    with pytest.raises(InputError, match=f"^{vae}: holds no AutoencoderKL"):
        load_model(tmp_path / "model")


def _edit(folder: Path, **fields: object) -> None:
    path = folder / "settings.yaml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **fields}))


@pytest.mark.parametrize(
    ("damage", "text"),
    [
        (lambda f: (f / "settings.yaml").unlink(), "holds no diffusion weights"),
        (lambda f: _edit(f, kind="cfcpalsy"), "holds weights of kind cfcpalsy, not diffusion"),
        (lambda f: _edit(f, magic=1), "magic: no such field"),
        (lambda f: _edit(f, movements=["grin"]), "num_class_embeds 31, its settings.yaml 4"),
        (lambda f: _edit(f, size=32), "has sample_size 16, its settings.yaml 32"),
        (lambda f: shutil.rmtree(f / "unet"), "unet: holds no UNet2DModel"),
        (
            lambda f: (f / "unet/diffusion_pytorch_model.safetensors").write_bytes(b"x" * 99),
            "damaged or no UNet2DModel",
        ),
    ],
)
def test_damaged_folders_are_named(
    damage: Callable[[Path], None], text: str, tmp_path: Path
) -> None:
    folder = tmp_path / "model"
    save_model(build(MODELS["ddpm"]), folder)
    damage(folder)
    with pytest.raises(InputError) as error:
        load_model(folder)
    assert str(error.value).startswith(str(folder))
    assert text in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", MODELS)
def test_weights_that_do_not_ship_are_named(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert method_of(MODELS[name]) == name
    monkeypatch.setattr("palsynth.methods.shipped.METHODS", tmp_path)
    with pytest.raises(InputError, match=f"^method {name}: no weights ship; train recipes/{name}-"):
        get_method(name)
    save_model(build(MODELS[name]), tmp_path / "diffusion" / "assets" / name)
    assert get_method(name).name == name


@pytest.mark.parametrize(
    ("name", "other", "text"),
    [
        ("ddpm", "ddpm-unconditional", "holds a model of pixels without conditions"),
        ("ddpm-unconditional", "ddpm", "holds a model of pixels with conditions"),
        ("ddpm", "latent-diffusion", "holds a model of latents with conditions"),
        ("latent-diffusion", "ddpm", "holds a model of pixels with conditions"),
    ],
)
def test_weights_of_another_method_are_refused(
    name: str, other: str, text: str, tmp_path: Path
) -> None:
    save_model(build(MODELS[other]), tmp_path)
    with pytest.raises(InputError, match=f"^{tmp_path}: {text}, which the method {name} is not"):
        get_method(name, tmp_path)


def test_latent_diffusion_may_have_no_conditions(tmp_path: Path) -> None:
    save_model(build(replace(MODELS["latent-diffusion"], condition_dropout=1.0)), tmp_path)
    assert get_method("latent-diffusion", tmp_path).name == "latent-diffusion"

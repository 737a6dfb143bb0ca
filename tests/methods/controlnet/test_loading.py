"""Bases and ControlNets from disk: what fits is loaded whole, each fault is one line."""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path

import pytest
import torch
from diffusers.models.controlnets.controlnet import ControlNetModel
from safetensors.torch import load_file, save_file

from palsynth.errors import InputError
from palsynth.methods.controlnet.io import loading
from palsynth.methods.controlnet.io.components import read_tokenizer
from palsynth.methods.controlnet.io.layout import save_base
from palsynth.methods.controlnet.io.loading import read_base, read_controlnet
from palsynth.methods.controlnet.networks.base import Base
from palsynth.methods.controlnet.small.networks import SmallUNetSettings


@pytest.fixture
def copy(base_folder: Path, tmp_path: Path) -> Path:
    """A copy of the base and its ControlNet, to be damaged."""
    shutil.copytree(base_folder.parent, tmp_path / "models")
    return tmp_path / "models" / "base"


def edit(path: Path, **values: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **values}), "utf-8")


def test_a_saved_base_is_loaded_tensor_for_tensor(base_folder: Path, base: Base) -> None:
    loaded = read_base(base_folder)
    assert (loaded.factor, loaded.size) == (2, 32)
    for name in ("vae", "text_encoder", "unet"):
        expected, found = getattr(base, name).state_dict(), getattr(loaded, name).state_dict()
        assert expected.keys() == found.keys()
        assert all(torch.equal(expected[key], found[key]) for key in expected), name
    assert torch.equal(loaded.words(["a man"]), base.words(["a man"]))
    controlnet = read_controlnet(str(base_folder.parent / "controlnet"), loaded)
    assert isinstance(controlnet, ControlNetModel)


def test_half_precision_files_under_their_published_names_are_loaded(copy: Path) -> None:
    for folder, stem in (("unet", "diffusion_pytorch_model"), ("text_encoder", "model")):
        path = copy / folder / f"{stem}.safetensors"
        halves = {name: t.half() for name, t in load_file(path).items()}
        save_file(halves, path.with_name(f"{stem}.fp16.safetensors"), {"format": "pt"})
        path.unlink()
    assert read_base(copy).unet.dtype == torch.float32


def test_a_text_encoder_with_older_tensor_names_is_loaded(copy: Path, base: Base) -> None:
    """As Stable Diffusion 1.5 was published."""
    path = copy / "text_encoder" / "model.safetensors"
    older = {f"text_model.{name}": t for name, t in load_file(path).items()}
    save_file(older, path, {"format": "pt"})
    assert torch.equal(read_base(copy).words(["a man"]), base.words(["a man"]))


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("StableDiffusionXLPipeline", "is Stable Diffusion XL"),
        ("FluxPipeline", "is a FluxPipeline"),
    ],
)
def test_another_kind_of_base_is_named(copy: Path, kind: str, message: str) -> None:
    edit(copy / "model_index.json", _class_name=kind)
    with pytest.raises(InputError, match=f"{message}; this method needs Stable Diffusion 1.x"):
        read_base(copy)


def test_stable_diffusion_2_is_named(base: Base, tmp_path: Path) -> None:
    base.unet = SmallUNetSettings(channels=(16, 32), text=1024).unet(16, 4)
    save_base(base, tmp_path / "sd2")
    with pytest.raises(InputError, match="is Stable Diffusion 2; this method needs"):
        read_base(tmp_path / "sd2")


def test_a_base_that_predicts_velocity_is_refused(copy: Path) -> None:
    edit(copy / "scheduler" / "scheduler_config.json", prediction_type="v_prediction")
    with pytest.raises(InputError, match="predicts v_prediction; this method needs a base that"):
        read_base(copy)


def test_a_truncated_file_is_named(copy: Path) -> None:
    path = copy / "unet" / "diffusion_pytorch_model.safetensors"
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(InputError, match=r"unet: damaged or no UNet2DConditionModel") as caught:
        read_base(copy)
    assert "\n" not in str(caught.value)


def test_a_missing_and_a_foreign_tensor_are_named(copy: Path) -> None:
    path = copy / "vae" / "diffusion_pytorch_model.safetensors"
    tensors = load_file(path)
    removed = tensors.pop("decoder.conv_in.weight")
    save_file(tensors, path, {"format": "pt"})
    with pytest.raises(InputError, match=r"key decoder.conv_in.weight of AutoencoderKL is missing"):
        read_base(copy)
    save_file(
        {**tensors, "decoder.conv_in.weight": removed, "odd": removed.clone()},
        path,
        {"format": "pt"},
    )
    with pytest.raises(InputError, match="key odd does not belong to AutoencoderKL"):
        read_base(copy)


def test_a_folder_with_pickles_alone_is_refused(copy: Path) -> None:
    (copy / "unet" / "diffusion_pytorch_model.safetensors").rename(
        copy / "unet" / "diffusion_pytorch_model.bin"
    )
    with pytest.raises(InputError, match="holds no safetensors file of UNet2DConditionModel"):
        read_base(copy)


def test_a_pickle_with_code_in_it_is_not_run(tmp_path: Path, copy: Path) -> None:
    class Code:
        def __reduce__(self) -> tuple:
            return (Path(tmp_path / "ran").touch, ())

    path = tmp_path / "v1-5.ckpt"
    path.write_bytes(pickle.dumps({"state_dict": Code()}))
    with pytest.raises(InputError, match=r"v1-5\.ckpt: ") as caught:
        read_base(path, copy / "tokenizer")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "ran").exists()


def test_a_single_file_needs_a_tokenizer(tmp_path: Path) -> None:
    path = tmp_path / "v1-5.safetensors"
    save_file({"x": torch.zeros(1)}, path)
    with pytest.raises(InputError, match="a single file holds no tokenizer; give --tokenizer"):
        read_base(path)
    with pytest.raises(InputError, match="no such folder; give a tokenizer's"):
        read_base(path, tmp_path / "none")
    with pytest.raises(InputError, match="holds no tokenizer"):
        read_tokenizer(tmp_path)


def test_missing_models_are_not_downloaded(base: Base) -> None:
    with pytest.raises(InputError, match="someone/something: is no folder here, and no model of"):
        read_base("someone/something")
    with pytest.raises(InputError, match="no such folder or file"):
        read_controlnet("none/of/these", base)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("control_v11f1p_sd15_depth", "depth"),
        ("control_v11p_sd15_normalbae", "normalbae"),
        ("control_v11e_sd15_ip2p", "ip2p"),
        ("sd-controlnet-seg", "seg"),
    ],
)
def test_a_controlnet_for_another_condition_is_named(
    copy: Path, base: Base, name: str, kind: str
) -> None:
    folder = copy.parent / name
    (copy.parent / "controlnet").rename(folder)
    with pytest.raises(InputError, match=f"is a ControlNet for {kind}; this method needs Canny"):
        read_controlnet(str(folder), base)


def test_the_name_of_a_hub_model_counts_and_not_its_download_folder(
    copy: Path, base: Base, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "_local", lambda where: copy.parent / "controlnet")
    assert isinstance(read_controlnet("someone/sd-controlnet-canny", base), ControlNetModel)
    with pytest.raises(InputError, match="is a ControlNet for depth"):
        read_controlnet("someone/sd-controlnet-depth", base)


def test_a_controlnet_is_refused_without_the_base_that_was_tuned_with_it(
    copy: Path, base: Base, tmp_path: Path
) -> None:
    (tmp_path / "tuned" / "base").mkdir(parents=True)
    (copy.parent / "controlnet").rename(tmp_path / "tuned" / "controlnet")
    with pytest.raises(InputError, match="holds a base that was trained with it; give it as --w"):
        read_controlnet(str(tmp_path / "tuned"), base)


@pytest.mark.parametrize("name", ["finished", "versatile-segments", "sd-canny-depth"])
def test_only_whole_words_of_the_folders_own_name_count(copy: Path, base: Base, name: str) -> None:
    folder = copy.parent / "published-depth" / name
    folder.parent.mkdir()
    (copy.parent / "controlnet").rename(folder)
    assert isinstance(read_controlnet(str(folder), base), ControlNetModel)


def test_a_controlnet_of_another_size_is_named(base_folder: Path, tmp_path: Path) -> None:
    base = read_base(base_folder)
    other = SmallUNetSettings(channels=(16, 32), text=48).unet(16, 4)
    ControlNetModel.from_unet(other).save_pretrained(tmp_path / "canny")
    message = "its ControlNetModel has cross_attention_dim 48, the base 16; give weights"
    with pytest.raises(InputError, match=message):
        read_controlnet(str(tmp_path / "canny"), base)


@pytest.mark.parametrize("part", ["unet", "vae", "text_encoder"])
def test_an_index_names_weights_in_its_own_folder(copy: Path, part: str) -> None:
    stem = "model" if part == "text_encoder" else "diffusion_pytorch_model"
    index = copy / part / f"{stem}.safetensors.index.json"
    for text, message in (
        (json.dumps({"weight_map": {"a": f"../{part}/x.safetensors"}}), "lies outside the folder"),
        (json.dumps({"weight_map": {"a": "/x.safetensors"}}), "/x.safetensors lies outside"),
        (json.dumps({"weight_map": ["a"]}), "damaged; download it again"),
        ("{", "damaged; download it again"),
    ):
        index.write_text(text)
        with pytest.raises(InputError) as error:
            read_base(copy)
        assert str(error.value).startswith(f"{index}: ")
        assert message in str(error.value)

"""Weights that are not numbers are neither written nor used."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from palsynth.encoders import shipped
from palsynth.encoders.landmarks import LandmarksRecipe
from palsynth.encoders.load import expression_head
from palsynth.encoders.published.files import load_exactly
from palsynth.errors import InputError
from palsynth.methods.cfcpalsy.io import files as cfcpalsy
from palsynth.methods.controlnet.io.layout import SMALL
from palsynth.methods.controlnet.pipeline import ControlNetPalsyPipeline
from palsynth.training import checkpoints
from palsynth.training.finite import check_finite, check_saved, first_not_finite
from palsynth.training.loop import _Run, train
from palsynth.training.recipe_file import from_dict

NAN, INFINITE = float("nan"), float("inf")


def spoil(path: Path, value: float = NAN) -> str:
    """Puts one value that is not finite into a file of weights; returns the tensor's name."""
    tensors = load_file(path)
    name = max(tensors, key=lambda name: tensors[name].numel())
    tensors[name].view(-1)[-1] = value
    save_file(tensors, path, metadata={"format": "pt"})
    return name


@pytest.mark.parametrize("value", [NAN, INFINITE, -INFINITE])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_the_first_tensor_that_is_not_finite_is_named(value: float, dtype: torch.dtype) -> None:
    tensors = {"count": torch.tensor(3), "none": torch.zeros(0), "a": torch.ones(3, dtype=dtype)}
    assert first_not_finite(tensors) is None
    check_finite(tensors, "here")
    tensors |= {"b": torch.tensor([[1.0, value]], dtype=dtype), "c": torch.tensor(value)}
    assert first_not_finite(tensors) == "b"
    with pytest.raises(InputError, match="here: tensor b has values that are not finite"):
        check_finite(tensors, "here")
    assert first_not_finite({"large": torch.full((9,), 3e38)}) is None


def test_eight_bits_are_checked_too() -> None:
    assert first_not_finite({"a": torch.tensor([NAN]).to(torch.float8_e4m3fn)}) == "a"


def test_no_folder_with_such_weights_is_used(tmp_path: Path) -> None:
    for name in ("identity", "judge"):
        folder = shutil.copytree(shipped.ASSETS / name, tmp_path / name)
        tensor = spoil(next(folder.glob("*.safetensors")))
        with pytest.raises(InputError, match=f"{name}: tensor {tensor} has values that are not"):
            shipped.load_ours(name, folder)
    folder = shutil.copytree(cfcpalsy.DEFAULT, tmp_path / "cfcpalsy")
    tensor = spoil(folder / "unet" / cfcpalsy.WEIGHTS, INFINITE)
    with pytest.raises(InputError, match=rf"unet/.*safetensors: tensor {tensor} has values"):
        cfcpalsy.load_model(folder)
    with pytest.raises(InputError, match=rf"weights/unet/.*: tensor {tensor} has values"):
        check_saved(folder, "weights")
    weights = {"weight": torch.full((2, 2), NAN), "bias": torch.zeros(2)}
    with pytest.raises(InputError, match=r"f: tensor weight has values that are not finite"):
        load_exactly(torch.nn.Linear(2, 2), weights, Path("f"))


@pytest.mark.parametrize("part", ["unet", "vae", "text_encoder"])
def test_no_base_with_such_weights_is_used(tmp_path: Path, part: str) -> None:
    base = shutil.copytree(SMALL / "base", tmp_path / "base")
    tensor = spoil(next((base / part).glob("*.safetensors")))
    with pytest.raises(InputError, match=f"{part}: tensor .*{tensor} has values"):
        ControlNetPalsyPipeline.from_pretrained(None, str(base))


def test_a_head_with_such_weights_is_not_used(tmp_path: Path) -> None:
    folder = shutil.copytree(shipped.ASSETS / "expression", tmp_path / "expression")
    spoil(folder / "head.safetensors")
    with pytest.raises(InputError, match=r"head.safetensors: tensor .* has values"):
        expression_head(folder)


def test_a_model_with_such_weights_is_not_saved(tmp_path: Path) -> None:
    model = cfcpalsy.load_model()
    next(model.unet.parameters()).view(-1)[0] = NAN
    with pytest.raises(InputError, match=r"out/unet/.*: tensor .* has values"):
        cfcpalsy.save_model(model, tmp_path / "out")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("where", ["weights", "averaged weights", "optimiser's state"])
def test_a_run_that_diverges_keeps_its_last_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """In its last step, too, whose loss and gradient were still finite."""
    model = {"widths": [4] * 4, "depths": [1] * 4, "narrow": 2, "dim": 8}
    loop = {"steps": 2, "batch": 2, "checkpoint_every": 1, "device": "cpu", "validate_every": 2}
    data = {"model": model, "data": {"subjects": 3}, "loop": loop}
    recipe = from_dict(LandmarksRecipe, data, "tiny")
    done = _Run._step

    def spoiling(self: _Run, step: int, batches: Any) -> list[str]:
        names = done(self, step, batches)
        tensors = {
            "weights": self.state,
            "averaged weights": self.ema.averaged,
            "optimiser's state": checkpoints.optimizer_tensors(self.optimizers[""]),
        }[where]
        if step == bad:
            with torch.no_grad():
                next(t for t in tensors.values() if t.numel() > 1).view(-1)[0] = NAN
        return names

    monkeypatch.setattr(_Run, "_step", spoiling)
    for bad, kept in ((2, "the checkpoint of step 1 remains"), (1, "no checkpoint is kept")):
        run = tmp_path / f"run-{bad}"
        fault = rf"run-{bad}: the {where} \(.*\) are no longer finite at step {bad}; {kept}; train"
        with pytest.raises(InputError, match=fault):
            train(recipe, run)
        assert checkpoints.steps(run) == list(range(1, bad))
        assert not (run / "weights").exists()
        assert not (run / "samples").exists()

"""What a killed writer of models leaves: folders that are replaced as a whole, and single files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from palsynth.commands.convert import ConvertOptions, convert
from palsynth.commands.fitting import SmileFitOptions, smile_fit
from palsynth.commands.subjects import FitOptions, subjects_fit
from palsynth.commands.train import ReleaseOptions
from palsynth.commands.train import release as release_command
from palsynth.data.importers import import_dataset
from palsynth.encoders.export import export_onnx
from palsynth.encoders.identity import IdentityRecipe, IRNetSettings
from palsynth.encoders.irnet import IRNet
from palsynth.encoders.landmarks import LandmarksRecipe
from palsynth.face.images import write_png
from palsynth.files import atomic_write
from palsynth.methods import get_method
from palsynth.training import recipe_file
from palsynth.training.loop import _Run
from palsynth.training.release import release
from tests.killing import replaces_as_a_whole, resumes
from tests.methods.cfcpalsy.conftest import build, default, saved
from tests.methods.test_contract import controlnet_folder

__all__ = ["controlnet_folder", "saved"]

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

ARRAYS = {"mean": np.arange(3.0), "effort": np.array(1.0)}
CARD = {"README.md": b"card"}
FORMER = {**CARD, "config.json": b"{}", "model.safetensors": b"former"}


@contextmanager
def patched(**values: Any) -> Iterator[None]:
    """Replaces members of palsynth, named with ``__`` for dots."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in values.items():
            patch.setattr(f"palsynth.{name.replace('__', '.')}", value)
        yield


def a_run(folder: Path, recipe: Any) -> Path:
    """A finished run, if it is not there already."""
    if not folder.exists():
        (folder / "weights").mkdir(parents=True)
        save_file({"w": torch.arange(3.0)}, folder / "weights" / "model.safetensors")
        (folder / "weights" / "config.json").write_text('{"dim": 4}')
        recipe_file.save(recipe, folder / "weights" / "recipe.yaml")
        (folder / "metrics.jsonl").write_text('{"step": 1}\n')
    return folder


def a_release(folder: Path) -> None:
    release(a_run(folder.parent.parent / "run", LandmarksRecipe()), folder)


def write_name(network: Any, path: Path) -> None:
    with atomic_write(path) as temporary:
        temporary.write_text("the network of these weights")


def a_release_with_onnx(folder: Path) -> None:
    run = a_run(folder.parent.parent / "run", IdentityRecipe())
    with patched(
        encoders__export__export_onnx=write_name, encoders__shipped__load_ours=lambda *_: None
    ):
        release_command(ReleaseOptions(run, folder))


def the_weights_of_a_run(folder: Path) -> None:
    def export(folder: Path) -> None:
        save_file({"w": torch.arange(3.0)}, folder / "model.safetensors")
        (folder / "config.json").write_text("{}\n")

    run = SimpleNamespace(
        main=True,
        run=folder.parent,
        recipe=LandmarksRecipe(),
        ema=SimpleNamespace(in_place=nullcontext),
        objective=SimpleNamespace(export=export),
    )
    _Run._export(cast(Any, run))


def an_import(folder: Path) -> None:
    if folder.exists():  # an import never adds to a folder; a kill at its end leaves it whole
        return
    clinic = folder.parent.parent / "clinic"
    for name in ("1/a.png", "2/b.png"):
        (clinic / name).parent.mkdir(parents=True, exist_ok=True)
        write_png(clinic / name, np.full((40, 40, 3), 128, np.uint8))
    import_dataset("aflfp", clinic, folder)


@pytest.mark.parametrize(
    ("write", "before"),
    [
        (a_release, {}),
        (a_release, FORMER),
        (a_release_with_onnx, {**FORMER, "recogniser.onnx": b"the network of others"}),
        (the_weights_of_a_run, {}),
        (the_weights_of_a_run, FORMER),
        (an_import, {}),
    ],
)
def test_a_folder_is_replaced_as_a_whole(
    write: Callable[[Path], None], before: dict[str, bytes], tmp_path: Path
) -> None:
    replaces_as_a_whole(write, tmp_path / "all" / "weights", before)


@pytest.mark.parametrize("name", ["cfcpalsy", "controlnet-pf"])
def test_a_method_is_saved_as_a_whole(
    name: str, tmp_path: Path, saved: Path, controlnet_folder: Path
) -> None:
    method = get_method(name, saved if name == "cfcpalsy" else controlnet_folder)
    replaces_as_a_whole(method.save_pretrained, tmp_path / "all" / "weights", CARD)


def test_a_converted_model_is_written_as_a_whole(tmp_path: Path) -> None:
    model = build(default())

    def write(folder: Path) -> None:
        with patched(methods__cfcpalsy__io__convert__convert=lambda _: model):
            convert(ConvertOptions(Path("published.ckpt"), folder))

    replaces_as_a_whole(write, tmp_path / "all" / "weights", CARD)


def an_appearance_model(folder: Path) -> None:
    with patched(
        appearance__photographs__neutral_photographs=lambda *_: [],
        appearance__fit__fit=lambda *_: ARRAYS,
    ):
        subjects_fit(FitOptions(folder, folder / "model.npz"))


def a_smile_model(folder: Path) -> None:
    subject, pair = SimpleNamespace(path=lambda _: None), SimpleNamespace(opening=1.0)
    with patched(
        face__photographs__read_subjects=lambda *_: [subject] * 10,
        face__detect__read_face=lambda _: None,
        capture__smiles__smiling_pair=lambda *_: pair,
        capture__smiles__fit_smile=lambda _: ARRAYS,
    ):
        smile_fit(SmileFitOptions(folder, folder / "smile.npz"))


@lru_cache
def a_recogniser() -> IRNet:
    torch.manual_seed(0)
    return IRNetSettings(widths=(8, 8, 8, 8), depths=(1, 1, 1, 1), narrow=2, dim=8).build().eval()


def an_onnx_file(folder: Path) -> None:
    export_onnx(a_recogniser(), folder / "new" / "recogniser.onnx")


@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
@pytest.mark.parametrize(
    "write", [an_appearance_model, a_smile_model, an_onnx_file], ids=lambda write: write.__name__
)
def test_a_killed_writer_ends_with_the_same_bytes(
    write: Callable[[Path], None], tmp_path: Path
) -> None:
    resumes(write, tmp_path / "out")

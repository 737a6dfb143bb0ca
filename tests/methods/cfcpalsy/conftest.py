"""A CFCPalsy model so small that it trains in a test, with the encoders that ship."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image

from palsynth.clinical import Movement
from palsynth.data.examples import stack
from palsynth.data.groups import GroupsSource
from palsynth.data.manifest import Row, write_manifest
from palsynth.data.training_pairs import make_pair
from palsynth.encoders.base import as_images
from palsynth.methods.cfcpalsy.config import (
    CFCPalsySettings,
    ConditionSettings,
    DiffusionSettings,
    UNetSettings,
)
from palsynth.methods.cfcpalsy.io.files import save_model
from palsynth.methods.cfcpalsy.networks.model import (
    CFCPalsyModel,
    ImageBatch,
    build_conditioner,
    build_unet,
)
from palsynth.subjects import View, render, sample

SIZE = 56

ALPHAS = torch.cumprod(1 - torch.linspace(1e-4, 0.02, 1000), 0)
"""Cumulative product of 1 - beta at each timestep; beta is linear from 1e-4 to 0.02."""


def small(condition: dict | None = None, diffusion: dict | None = None) -> CFCPalsySettings:
    """Settings of a tiny model of the published design, with some fields changed."""
    return CFCPalsySettings(
        UNetSettings(SIZE, 32, (1, 2), attention=(1,), head_channels=32, predicted=3, unshuffle=2),
        ConditionSettings(**{"dim": 64, **(condition or {})}),
        DiffusionSettings(**{"steps": 3, **(diffusion or {})}),
    )


def default() -> CFCPalsySettings:
    """Settings of a tiny model with all extensions of the default recipe."""
    return small(
        {"images": ("identity", "expression", "draft"), "identity_trainable": False},
        {
            "prediction": "v_prediction",
            "residual": "draft",
            "cycle": 0.0,
            "identity_weight": 0.0,
            "landmark_weight": 0.0,
            "sampler": "dpm++",
        },
    )


def build(settings: CFCPalsySettings, noise: float = 0.05) -> CFCPalsyModel:
    """A model whose last layers are not zero."""
    torch.manual_seed(0)
    unet = build_unet(settings)
    model = CFCPalsyModel(settings, unet, build_conditioner(settings, unet))
    with torch.no_grad():
        for name, parameter in unet.named_parameters():
            if "last" in name or "proj" in name:
                parameter.normal_(0, noise)
    return model


def clinical_set(folder: Path) -> Path:
    """A dataset of two subjects in two pictures each."""
    folder.mkdir()
    shown = [
        Row(f"{seed}-{movement}.png", str(seed), movement, split="train")
        for seed in (31, 32)
        for movement in ("rest", "grin")
    ]
    for row in shown:
        picture = render(sample(int(row.subject_id)), Movement(row.movement), view=View(192)).image
        Image.fromarray(picture).save(folder / row.file_name)
    write_manifest(folder, shown)
    return folder


def rows(batch: dict[str, torch.Tensor], which: slice) -> dict[str, torch.Tensor]:
    """Some pairs of a batch."""
    return {name: tensor[which] for name, tensor in batch.items()}


def images_of(batch: dict[str, torch.Tensor], which: slice = slice(None)) -> ImageBatch:
    """The images of a batch that a model takes as input."""
    return ImageBatch({n: as_images(batch[n][which]) for n in ("identity", "expression", "draft")})


@pytest.fixture(scope="session")
def batch() -> dict[str, torch.Tensor]:
    """Six pairs of a group, batched as by the training loop."""
    group = GroupsSource(600, 20, size=112, seed=5)[0]
    pairs = [
        make_pair(group, member, script, (member + 1) % 4, SIZE)
        for member in range(2)
        for script in range(3)
    ]
    return {name: torch.from_numpy(array) for name, array in stack(pairs).items()}


@pytest.fixture(scope="session")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of a tiny default model."""
    folder = tmp_path_factory.mktemp("model")
    save_model(build(default()), folder)
    return folder

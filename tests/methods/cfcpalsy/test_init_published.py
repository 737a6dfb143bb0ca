"""Training goes on from a conversion as from any weights: no field is set by hand, and the encoders
that came with it are those of its losses too. The U-Net is tiny, the encoders are as published."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from palsynth.encoders.published.ir import AdaFaceIR
from palsynth.errors import InputError
from palsynth.methods.cfcpalsy.io.files import load_model, save_model
from palsynth.methods.cfcpalsy.networks.conditioner import Conditioner
from palsynth.methods.cfcpalsy.networks.model import CFCPalsyModel, build_unet
from palsynth.methods.cfcpalsy.objective import CFCPalsyObjective
from palsynth.methods.cfcpalsy.recipe import CFCPalsyRecipe
from palsynth.training.recipe_file import from_dict
from palsynth.training.saved import SETTINGS
from tests.methods.cfcpalsy.conftest import rows, small
from tests.methods.cfcpalsy.published import UNET, checkpoint


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as ``palsynth convert`` writes it, but for the size of the U-Net."""
    torch.manual_seed(0)
    settings = small({"transposed": False})
    unet = build_unet(settings)
    for name, parameter in unet.named_parameters():
        if "last" in name or "proj" in name:  # else zero, and nothing else would get a gradient
            torch.nn.init.normal_(parameter, 0, 0.05)
    conditioner = Conditioner(
        unet.token_channels,
        unet.time_channels,
        dim=64,
        encoders="published",
        transposed=False,
        identity_block=21,
        landmark_signed=True,
    )
    folder = tmp_path_factory.mktemp("converted") / "weights"
    save_model(CFCPalsyModel(settings, unet, conditioner), folder)
    return folder


@pytest.fixture(scope="module")
def objective(converted: Path) -> CFCPalsyObjective:
    recipe = CFCPalsyRecipe(model=small(), init_from=converted)
    assert recipe.model.condition.transposed, "the recipe's own default"
    return recipe.objective()


def test_a_saved_conversion_keeps_what_the_published_network_does(converted: Path) -> None:
    conditioner = load_model(converted).conditioner
    assert conditioner.identity_net.map_block == 21
    assert conditioner.landmark_net.pixels.mean == 0.5
    assert "transposed: false" in (converted / SETTINGS).read_text()


def test_training_goes_on_with_the_weights_own_encoders(
    objective: CFCPalsyObjective, converted: Path, batch: dict[str, Tensor], tmp_path: Path
) -> None:
    conditioner = objective.model.conditioner
    assert isinstance(conditioner.identity_net, AdaFaceIR)
    assert conditioner.identity_net.map_block == 21
    assert conditioner.landmark_net.pixels.mean == 0.5
    assert objective.model.settings.condition.transposed is False
    pretrained = load_model(converted).state_dict()
    assert all(torch.equal(t, pretrained[n]) for n, t in objective.model.state_dict().items())
    objective.train()
    losses = objective(rows(batch, slice(2)), torch.Generator().manual_seed(0))
    losses.total.backward()
    assert conditioner.identity_net.input_layer[0].weight.grad.abs().max() > 0
    assert {"identity", "landmarks", "second_noise"} <= set(losses.parts)
    objective.export(tmp_path / "weights")
    assert "transposed: false" in (tmp_path / "weights" / SETTINGS).read_text()


def test_its_losses_use_the_published_networks(objective: CFCPalsyObjective) -> None:
    conditioner = objective.model.conditioner
    assert objective.recogniser is conditioner.expression_net.identity
    assert objective.points is conditioner.landmark_net
    assert not any(p.requires_grad for p in objective.recogniser.parameters())
    objective.train()
    assert not objective.recogniser.training


def test_a_published_unet_is_a_start(tmp_path: Path) -> None:
    """By ``--init-from FILE --init-modules unet``; without the latter, what is missing is said."""
    tensors = checkpoint(lambda key, shape: torch.tensor(0.25).expand(shape))
    tensors = {key: tensor for key, tensor in tensors.items() if key.startswith(UNET)}
    path = tmp_path / "dcface.ckpt"
    torch.save({"state_dict": tensors}, path)
    recipe = from_dict(CFCPalsyRecipe, {"init_from": str(path), "init_modules": "unet"}, "recipe")
    model = recipe.objective().model
    assert all((p == 0.25).all() and p.requires_grad for p in model.unet.parameters())
    with pytest.raises(InputError) as error:
        replace(recipe, init_modules="all").objective()
    assert str(error.value) == (
        f"{path}: holds no conditioner; set init_modules to what it holds (unet)"
    )
    with pytest.raises(InputError, match="its CFCPalsyUNet has size 112, the recipe 56"):
        replace(recipe, model=small()).objective()

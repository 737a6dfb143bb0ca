"""Encoders of a new model: ours, or published ones by path, for conditioning and losses alike."""

from __future__ import annotations

import json
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from palsynth.data.folder_pairs import FolderPairs
from palsynth.data.pair_settings import PairsSettings
from palsynth.encoders.irnet import IRNet
from palsynth.encoders.landmarks import LandmarkNet
from palsynth.encoders.shipped import ASSETS
from palsynth.errors import InputError
from palsynth.methods.cfcpalsy.config import CFCPalsySettings, ConditionSettings, EncoderSettings
from palsynth.methods.cfcpalsy.networks.encoders import has_published_encoders
from palsynth.methods.cfcpalsy.objective import CFCPalsyObjective
from palsynth.methods.cfcpalsy.recipe import CFCPalsyRecipe
from palsynth.training.recipe import LoopSettings
from tests.methods.cfcpalsy.conftest import build, clinical_set, rows, small

KEYS = json.loads((Path(__file__).parents[2] / "encoders" / "published-keys.json").read_text())


def constant(group: str, value: float) -> dict[str, Tensor]:
    """The tensors of a published file, all of one value, so that they take no room."""
    return {
        name: torch.tensor(0) if not shape else torch.tensor(value).expand(shape)
        for name, shape in KEYS[group].items()
    }


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> EncoderSettings:
    """Files in the published formats."""
    folder = tmp_path_factory.mktemp("published")
    adaface = {f"model.{name}": tensor for name, tensor in constant("ir50", 0.25).items()}
    torch.save({"state_dict": adaface}, folder / "adaface_ir50.ckpt")
    torch.save(constant("ir50", 0.5), folder / "affect.pth")
    torch.save(constant("mobilefacenet", 0.75), folder / "mobilefacenet.pth")
    return EncoderSettings(*(folder / name for name in sorted(p.name for p in folder.iterdir())))


def values(network: nn.Module | None) -> set[float]:
    """The values of a network's parameters."""
    assert network is not None
    return {
        float(value) for p in network.parameters() for value in (p.detach().min(), p.detach().max())
    }


def recipe(encoders: EncoderSettings, **changes: Any) -> CFCPalsyRecipe:
    return CFCPalsyRecipe(
        model=replace(small(), condition=ConditionSettings()), encoders=encoders, **changes
    )


def test_published_encoders_reach_the_conditioning_and_the_losses(
    published: EncoderSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    objective = recipe(published).objective()
    conditioner = objective.model.conditioner
    assert values(conditioner.identity_net) == {0.25}
    assert values(conditioner.expression_net.identity) == {0.25}
    assert values(conditioner.expression_net.face) == {0.5}
    assert values(conditioner.landmark_net) == {0.75}
    assert objective.recogniser is conditioner.expression_net.identity
    assert objective.points is conditioner.landmark_net
    assert all(p.requires_grad for p in conditioner.identity_net.parameters())
    frozen = (conditioner.expression_net, conditioner.landmark_net)
    assert not any(p.requires_grad for network in frozen for p in network.parameters())
    assert capsys.readouterr().err == ""


def test_without_files_ours_are_taken_with_a_word(capsys: pytest.CaptureFixture[str]) -> None:
    objective = recipe(EncoderSettings()).objective()
    note = capsys.readouterr().err
    assert note.startswith("note: conditioning and losses use palsynth's own encoders; ")
    assert note.count("\n") == 1
    conditioner = objective.model.conditioner
    assert isinstance(conditioner.identity_net, IRNet)
    assert objective.recogniser is conditioner.expression_net.identity
    assert objective.points is conditioner.landmark_net


def test_a_landmark_loss_without_landmark_feature_has_a_network_too(
    published: EncoderSettings,
) -> None:
    model = build(small({"landmarks": False}))
    assert isinstance(CFCPalsyObjective(model).points, LandmarkNet)
    assert values(CFCPalsyObjective(model, published.landmarks).points) == {0.75}


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        (
            ("identity",),
            "^expression and landmarks: missing; published encoders and ours take diff",
        ),
        (("identity", "landmarks"), "^expression: missing; .* so give all three, or none"),
    ],
)
def test_some_published_encoders_are_refused(given: tuple[str, ...], fault: str) -> None:
    with pytest.raises(InputError, match=fault):
        EncoderSettings(**dict.fromkeys(given, Path("x")))


def test_wrong_files_are_named_before_anything_takes_long(
    published: EncoderSettings, tmp_path: Path
) -> None:
    clinical = PairsSettings(dataset=tmp_path)
    missing = replace(published, expression=tmp_path / "no.pth")
    with pytest.raises(InputError, match=r"no.pth: no such file; give the weights of encoders.exp"):
        recipe(missing, data=clinical).source()
    with pytest.raises(InputError, match=r"another crop of the face .*; give data.dataset"):
        recipe(published).source()
    with pytest.raises(InputError, match=r"the weights of init_from have their own"):
        recipe(published, init_from=tmp_path)
    assert recipe(published, init_from=tmp_path, init_modules="unet").encoders == published


def test_training_pictures_are_cropped_as_the_encoders_expect(
    published: EncoderSettings, tmp_path: Path
) -> None:
    data = PairsSettings(dataset=clinical_set(tmp_path / "set"))
    for encoders, crop in ((published, "five points"), (EncoderSettings(), "eyes")):
        source = recipe(encoders, data=data).source(build_cache=False)
        assert isinstance(source, FolderPairs)
        assert source.crop == crop


def test_files_of_other_networks_are_refused(published: EncoderSettings) -> None:
    ours = replace(published, identity=ASSETS / "identity", expression=ASSETS / "expression")
    with pytest.raises(InputError, match="holds IRNet; give AdaFace's IR-50"):
        recipe(ours).objective()
    with pytest.raises(InputError, match="holds LandmarkNet; give MobileFaceNet"):
        recipe(replace(published, landmarks=ASSETS / "landmarks")).objective()
    with pytest.raises(InputError, match="neither AdaFace's nor ArcFace's IR network"):
        recipe(replace(published, expression=published.landmarks)).objective()


def test_weights_say_whether_their_encoders_are_published(saved: Path, tmp_path: Path) -> None:
    """Without loading them: the crop of the training images follows from it."""
    assert not has_published_encoders(saved)
    assert not has_published_encoders(tmp_path)
    (tmp_path / "conditioner").mkdir()
    config = tmp_path / "conditioner" / "config.json"
    config.write_text('{"encoders": "published"}')
    assert has_published_encoders(tmp_path)
    with pytest.raises(InputError, match=r"another crop of the face"):
        CFCPalsyRecipe(init_from=tmp_path).source(build_cache=False)
    config.write_text("{")
    assert not has_published_encoders(tmp_path)


def test_the_identity_network_is_in_training_mode_where_the_recipe_says_so(
    batch: dict[str, Tensor],
) -> None:
    """Its statistics move, as in the published code; those of frozen networks never do."""
    for moves in (False, True):
        objective = CFCPalsyObjective(build(small({"identity_train_mode": moves}))).train()
        conditioner = objective.model.conditioner
        assert conditioner.identity_net.training == moves
        assert not conditioner.expression_net.training
        before = {n: b.clone() for n, b in conditioner.named_buffers()}
        objective(rows(batch, slice(2)), torch.Generator().manual_seed(2))
        moved = {n.split(".")[0] for n, b in conditioner.named_buffers() if not b.equal(before[n])}
        assert moved == ({"identity_net"} if moves else set())
        assert not objective.eval().model.conditioner.identity_net.training


def test_training_mode_needs_a_training_network_and_two_images() -> None:
    with pytest.raises(
        InputError, match="identity_train_mode: the identity network does not train"
    ):
        ConditionSettings(identity_trainable=False, identity_train_mode=True)
    settings = CFCPalsySettings(condition=ConditionSettings(identity_train_mode=True))
    with pytest.raises(InputError, match="norms need a batch of at least 2 images"):
        CFCPalsyRecipe(model=settings, loop=LoopSettings(batch=1))


def test_the_published_encoders_have_their_sizes() -> None:
    """43.6 million parameters of an IR-50, 1.0 million of MobileFaceNet."""
    statistics = ("running_mean", "running_var", "num_batches_tracked")
    for group, expected in (("ir50", 43_585_600), ("mobilefacenet", 1_007_248)):
        shapes = {n: s for n, s in KEYS[group].items() if not n.endswith(statistics)}
        assert sum(map(prod, shapes.values())) == expected

"""What generator and discriminator minimise in their turns."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import softplus

from palsynth.encoders.base import as_images
from palsynth.methods.gans.config.conditional import ConditionalLosses
from palsynth.methods.gans.networks.conditional import build_generator
from palsynth.methods.gans.objective import conditional as module
from palsynth.methods.gans.objective.conditional import ConditionalObjective
from palsynth.training.randomness import make_generator
from palsynth.training.recipe import LoopSettings
from palsynth.training.step import make_optimizers, training_step
from tests.methods.gans.paired import LOSSES, TINY, pairs

RNG = torch.Generator()


def objective(name: str, losses: ConditionalLosses = LOSSES) -> ConditionalObjective:
    torch.manual_seed(0)
    model = replace(TINY[name], dropout=0.0)
    return ConditionalObjective(build_generator(model), model, losses)


def images() -> tuple[Tensor, Tensor, Tensor]:
    return tuple(2 * as_images(pairs()[n]) - 1 for n in module.IMAGES)  # type: ignore[return-value]


@pytest.mark.parametrize("name", TINY)
def test_the_losses_are_those_of_pix2pix(name: str) -> None:
    tested = objective(name, replace(LOSSES, distance_weight=7.0))
    identity, expression, target = images()
    condition = tested.conditioner(identity, expression)
    made, drawn = tested.generator(identity, condition)

    def judged(image: Tensor) -> Tensor:
        layers: Tensor = tested.discriminator.layers(torch.cat([image, identity, condition], 1))
        return layers

    losses = tested(pairs(), RNG, "discriminator")
    expected = (softplus(-judged(target)).mean() + softplus(judged(made)).mean()) / 2
    assert losses.total.item() == pytest.approx(expected.item(), rel=1e-5)
    losses = tested(pairs(), RNG, "generator")
    distance = ((made - target).abs().mean() + (drawn - target).abs().mean()) / 2
    adversarial = softplus(-judged(made)).mean()
    assert losses.parts["distance"].item() == pytest.approx(distance.item(), rel=1e-5)
    assert losses.total.item() == pytest.approx((adversarial + 7 * distance).item(), rel=1e-5)


def test_pixels_count_by_how_much_the_expression_changes_them() -> None:
    tested = objective("pix2pix", replace(LOSSES, change_weight=4.0))
    identity, _, target = images()
    made = tested.generator(identity, tested.conditioner(*images()[:2])).image
    weight = 1 + 4 * (target - identity).abs().mean(1) / 2
    assert weight.max() > 1.2
    expected = (weight[:, None] * (made - target).abs()).mean()
    distance = tested(pairs(), RNG, "generator").parts["distance"]
    assert distance.item() == pytest.approx(expected.item(), rel=1e-5)


def test_true_images_with_the_condition_of_others_are_fakes_as_in_mc_gan() -> None:
    """Both kinds of fakes count one half of what the true ones count (Park's code)."""
    losses = replace(LOSSES, mismatched=True, adversarial="least-squares")
    tested = objective("mc-gan", losses)
    identity, expression, target = images()
    condition = tested.conditioner(identity, expression)
    others = condition[[2, 0, 1]]
    assert not torch.equal(others, condition)
    real = tested.discriminator(target, identity, condition)
    wrong = tested.discriminator(target, identity, others)
    fake = tested.discriminator(tested.generator(identity, condition).image, identity, condition)
    expected = (real - 1).square().mean() + (wrong.square().mean() + fake.square().mean()) / 2
    total = tested(pairs(), RNG, "discriminator").total
    assert total.item() == pytest.approx(expected.item() / 2, rel=1e-5)


@pytest.mark.parametrize("name", TINY)
def test_each_turn_has_gradients_for_its_own_parameters(name: str) -> None:
    tested = objective(name)
    groups = tested.parameter_groups()
    assert list(groups) == ["discriminator", "generator"]
    trained = {id(p) for p in tested.parameters() if p.requires_grad}
    assert {id(p) for group in groups.values() for p in group} == trained
    tested(pairs(), RNG, "discriminator").total.backward()
    assert all(p.grad is not None for p in groups["discriminator"])
    assert all(p.grad is None for p in groups["generator"])
    tested.zero_grad(set_to_none=True)
    tested(pairs(), RNG, "generator").total.backward()
    assert all(p.grad is not None for p in groups["generator"])
    assert all(p.grad is None for p in tested.conditioner.parameters())


def test_the_landmark_network_is_neither_trained_nor_saved() -> None:
    tested = objective("mc-gan").train()
    assert tested.conditioner.landmarks is not None
    assert not tested.conditioner.landmarks.training
    assert not any(name.startswith("conditioner") for name in tested.trained_state())


@pytest.mark.parametrize("name", TINY)
def test_a_single_pair_is_learnt(name: str) -> None:
    tested = objective(name).train()
    loop = LoopSettings(steps=40, batch=2, learning_rate=2e-3, weight_decay=0, beta1=0.5)
    optimizers = make_optimizers(tested, loop)
    batch = {
        field: tensor[:1].repeat(2, *[1] * (tensor.ndim - 1)) for field, tensor in pairs().items()
    }
    found = []
    for step in range(loop.steps):
        (losses,) = training_step(
            tested,
            optimizers,
            [batch],
            lambda micro, step=step: make_generator(0, step, 0, micro, torch.device("cpu")),  # type: ignore[misc]
            loop,
        )
        found.append(losses.parts["generator_distance"].item())
    assert found[-1] < 0.5 * found[0]
    identity, expression, target = images()
    copied = (identity[:1] - target[:1]).abs().mean()
    made = tested.generator(identity[:1], tested.conditioner(identity, expression)[:1]).image
    assert (made - target[:1]).abs().mean() < 4 * copied


def test_validation_has_the_psnr_and_shows_whether_the_expression_is_ignored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "validation_pairs", lambda size: pairs())
    tested = objective("pix2pix").eval()
    with torch.no_grad():
        found = tested.validate()
    identity, expression, target = images()
    errors = ((identity - target) / 2).square().mean((1, 2, 3))
    psnr = (-10 * errors.log10()).mean()
    assert found["validation/psnr_identity"] == pytest.approx(psnr.item(), rel=1e-4)
    made = tested.generator(identity, expression).image
    apart = [
        np.mean([(x[a] - x[b]).norm().item() for a, b in ((0, 1), (0, 2), (1, 2))])
        for x in (made.detach(), target)
    ]
    assert found["validation/spread"] == pytest.approx(apart[0] / apart[1], rel=1e-4)


@pytest.mark.parametrize(("name", "columns"), [("pix2pix", 4), ("mc-gan", 5)])
def test_the_picture_has_rows_of_all_images(
    name: str, columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    six = {field: tensor.repeat(2, *[1] * (tensor.ndim - 1)) for field, tensor in pairs().items()}
    monkeypatch.setattr(module, "validation_pairs", lambda size: six)
    tested = objective(name).eval()
    size = tested.model.size
    with torch.no_grad():
        tested.validate()
    picture = tested.picture()
    assert picture is not None
    assert (picture.shape, picture.dtype) == ((3 * size, 2 * columns * size, 3), np.uint8)
    assert np.array_equal(picture[:size, :size], pairs()["identity"][0].numpy())
    assert np.array_equal(picture[:size, -size:], pairs()["target"][0].numpy())

"""The generators of the conditional GANs, and their conditions."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from palsynth.encoders.base import as_images
from palsynth.encoders.load import landmark_encoder
from palsynth.methods.gans.config.conditional import ConditionalSettings
from palsynth.methods.gans.landmark_image import PARTS, draw, normalise_shape
from palsynth.methods.gans.networks.condition import Conditioner, channels_of
from palsynth.methods.gans.networks.conditional import build_generator
from palsynth.methods.gans.networks.generator import UNetGenerator
from palsynth.methods.gans.networks.synthesis import SynthesisBlock, SynthesisGenerator
from palsynth.training.kinds import load_recipe
from tests.methods.gans.paired import SIZE, TINY, pairs

RECIPES = Path(__file__).parents[3] / "recipes"


def inputs(channels: int, size: int = SIZE, n: int = 2) -> tuple[Tensor, Tensor]:
    rng = torch.Generator().manual_seed(0)
    return tuple(2 * torch.rand(n, c, size, size, generator=rng) - 1 for c in (3, channels))  # type: ignore[return-value]


@pytest.mark.parametrize("name", TINY)
def test_an_image_has_the_shape_and_the_range_of_the_identity(name: str) -> None:
    generator = build_generator(TINY[name]).eval()
    made = generator(*inputs(channels_of(TINY[name].condition)))
    assert made.image.shape == made.drawn.shape == (2, 3, SIZE, SIZE)
    assert made.image.abs().max() <= 1


@pytest.mark.parametrize("name", TINY)
def test_an_image_depends_on_both_inputs_and_not_on_its_batch(name: str) -> None:
    torch.manual_seed(0)
    generator = build_generator(TINY[name]).eval()
    identity, condition = inputs(channels_of(TINY[name].condition))
    made = generator(identity, condition).image
    assert torch.allclose(generator(identity[1:], condition[1:]).image, made[1:], atol=1e-5)
    assert not torch.allclose(generator(identity.flip(0), condition).image, made, atol=1e-3)
    assert not torch.allclose(generator(identity, condition.flip(0)).image, made, atol=1e-4)


def test_the_unet_drops_in_training_only() -> None:
    generator = UNetGenerator(3, 8, 3, dropout=0.5)
    x = inputs(3)
    assert not torch.equal(generator(*x).image, generator(*x).image)
    generator.eval()
    assert torch.equal(generator(*x).image, generator(*x).image)
    image, drawn = generator(*x)
    assert image is drawn, "no mask blends it"


def test_a_skip_connection_passes_every_level() -> None:
    """Without the innermost level, the image still depends on the identity image."""
    generator = UNetGenerator(3, 8, 3, dropout=0.0).eval()
    for parameter in generator.up[0].parameters():
        parameter.data.zero_()
    identity, condition = inputs(3)
    assert not torch.allclose(
        generator(identity, condition).image, generator(identity.flip(0), condition).image
    )


def test_a_synthesis_block_lets_in_what_its_gate_admits() -> None:
    block = SynthesisBlock(4)
    last = block.layers[-1]
    assert isinstance(last, nn.InstanceNorm2d)
    foreground, base = torch.randn(2, 4, 8, 8), torch.randn(2, 4, 8, 8)
    with torch.no_grad():
        last.weight.zero_()
        last.bias.copy_(torch.tensor([1.0, 2.0, 3.0, 4.0, 50.0, 0.0, -50.0, 0.0]))
        out = block(foreground, base)
    gate = torch.tensor([1.0, 0.5, 0.0, 0.5])[:, None, None]
    features = torch.tensor([1.0, 2.0, 3.0, 4.0])[:, None, None]
    assert torch.allclose(out, features + gate * base, atol=1e-5)


@pytest.mark.parametrize(("bias", "share"), [(50.0, 1.0), (-50.0, 0.0), (0.0, 0.5)])
def test_a_mask_blends_what_is_drawn_with_the_identity_image(bias: float, share: float) -> None:
    generator = SynthesisGenerator(3, 8, 3).eval()
    generator.mask.weight.data.zero_()
    generator.mask.bias.data.fill_(bias)
    identity, condition = inputs(3)
    image, drawn = generator(identity, condition)
    assert torch.allclose(image, share * drawn + (1 - share) * identity, atol=1e-6)


def test_the_condition_is_the_expression_image_or_its_landmarks_drawn() -> None:
    identity, expression = (2 * as_images(pairs()[n]) - 1 for n in ("identity", "expression"))
    assert torch.equal(Conditioner("image")(identity, expression), expression)
    net = landmark_encoder()
    points, onto = (net((x + 1) / 2).points.detach() for x in (expression, identity))
    expected = {"landmarks": points, "normalised-landmarks": normalise_shape(points, onto)}
    for condition, p in expected.items():
        made = Conditioner(condition)(identity, expression)  # type: ignore[arg-type]
        assert made.shape == (3, len(PARTS), SIZE, SIZE)
        assert torch.equal(made, 2 * draw(p, SIZE) - 1)


def test_landmarks_are_computed_in_single_precision() -> None:
    identity, expression = (2 * as_images(pairs()[n]) - 1 for n in ("identity", "expression"))
    conditioner = Conditioner("normalised-landmarks")
    with torch.autocast("cpu", torch.bfloat16):
        half = conditioner(identity, expression)
    assert torch.equal(half, conditioner(identity, expression))


@pytest.mark.parametrize("name", TINY)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_gradients_are_finite_in_half_precision(name: str, dtype: torch.dtype) -> None:
    generator = build_generator(TINY[name])
    identity, condition = inputs(channels_of(TINY[name].condition))
    identity[0] = condition[0] = -1.0  # flat images have no variance
    with torch.autocast("cpu", dtype, enabled=dtype == torch.bfloat16):
        made = generator(identity, condition)
        (made.image.float().mean() + made.drawn.float().square().mean()).backward()
    for parameter in generator.parameters():
        assert parameter.grad is not None
        assert parameter.grad.isfinite().all()


@pytest.mark.parametrize("name", TINY)
def test_what_ships_is_small_and_what_is_published_is_large(name: str) -> None:
    def count(recipe: str) -> int:
        model: ConditionalSettings = load_recipe(RECIPES / f"{recipe}.yaml").model
        with torch.device("meta"):
            return sum(p.numel() for p in build_generator(model).parameters())

    assert count(f"{name}-small") <= 4_000_000
    assert count(f"{name}-paper") > 35_000_000

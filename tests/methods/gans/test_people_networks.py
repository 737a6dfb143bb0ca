"""Networks of the methods that know certain people."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from torch import nn

from palsynth.errors import InputError
from palsynth.methods.gans.config.people import DiscriminatorSettings, SwapNetworkSettings
from palsynth.methods.gans.config.restoration import RestorationSettings
from palsynth.methods.gans.networks.restoration import FaceRestoration
from palsynth.methods.gans.networks.swap import FaceSwap
from palsynth.training.kinds import load_recipe

RECIPES = Path(__file__).parents[3] / "recipes"


def build(s: SwapNetworkSettings, people: int = 3) -> FaceSwap:
    torch.manual_seed(0)
    return FaceSwap(people, **asdict(s)).eval()


def parameters(*networks: nn.Module) -> int:
    return sum(p.numel() for network in networks for p in network.parameters())


@pytest.mark.parametrize("skips", [0, 1, 2])
@pytest.mark.parametrize("bottleneck", [0, 5])
def test_images_keep_their_shape(skips: int, bottleneck: int) -> None:
    network = build(SwapNetworkSettings(32, (4, 6, 8), skips, 1, bottleneck))
    images = torch.rand(2, 3, 32, 32) * 2 - 1
    maps = network.encoder(images)
    assert [tuple(x.shape[1:]) for x in maps] == [(4, 16, 16), (6, 8, 8), (8, 4, 4)]
    out = network(images)
    assert out.shape == images.shape
    assert out.abs().max() <= 1


def test_each_image_is_decoded_by_the_decoder_of_its_person() -> None:
    network = build(SwapNetworkSettings(16, (4, 8), 1, 0, 6))
    images, person = torch.rand(5, 3, 16, 16), torch.tensor([2, 0, 2, 1, 0])
    with torch.no_grad():
        made = network(images, person)
        for k in range(5):
            alone = network.decoders[int(person[k])](network.encoder(images[k : k + 1]))[0]
            assert torch.allclose(made[k], alone, atol=1e-5)
        assert torch.allclose(network(images), network(images, 0 * person), atol=1e-5)


def test_the_bottleneck_lets_few_numbers_through() -> None:
    encoder = build(SwapNetworkSettings(32, (4, 8), 0, 0, 3)).encoder
    images = torch.rand(20, 3, 32, 32)
    with torch.no_grad():
        flatten, squeeze, enlarge, *_ = encoder.inner[0]
        before = enlarge(squeeze(flatten(encoder.levels[1](encoder.levels[0](images)))))
    assert before.shape == (20, 8 * 8 * 8)
    assert torch.linalg.matrix_rank(before - before.mean(0), rtol=1e-3) == 3


def test_levels_that_are_not_connected_have_no_influence() -> None:
    network = build(SwapNetworkSettings(32, (4, 6, 8), 1, 0, 5))
    with torch.no_grad():
        maps = network.encoder(torch.rand(1, 3, 32, 32))
        person = torch.zeros(1, dtype=torch.long)
        made = network.decode(maps, person)
        for level, changes in ((0, False), (1, True), (2, True)):
            others = [torch.randn_like(x) if k == level else x for k, x in enumerate(maps)]
            assert torch.equal(network.decode(others, person), made) != changes


def test_a_new_restoration_network_changes_nothing() -> None:
    network = FaceRestoration((4, 8, 8), 1).eval()
    images = torch.rand(2, 3, 32, 32) * 2 - 1
    assert torch.equal(network(images), images)
    nn.init.constant_(network.last.bias, 0.5)  # type: ignore[arg-type]
    assert torch.allclose(network(images), (images + 0.5).clamp(-1, 1))


def test_what_ships_has_at_most_four_million_parameters() -> None:
    swap, cycle = (
        load_recipe(RECIPES / f"{name}-small.yaml").network for name in ("face-swap", "cyclegan")
    )
    restoration: RestorationSettings = load_recipe(RECIPES / "face-restoration-small.yaml").network
    network = FaceRestoration(restoration.widths, restoration.blocks)
    assert parameters(build(swap, 8), network) < 4_000_000
    assert parameters(build(cycle, 1), network) < 4_000_000


@pytest.mark.parametrize("name", ["face-swap", "cyclegan"])
def test_the_published_networks_fit_together(name: str) -> None:
    settings = load_recipe(RECIPES / f"{name}-paper.yaml").network
    with torch.device("meta"):  # shapes only
        network = FaceSwap(1, **asdict(settings))
        image = torch.zeros(2, 3, 128, 128)
        maps = network.encoder(image)
        assert network.decoders[0](maps).shape == image.shape
    assert [x.shape[-1] for x in maps] == [64, 32, 16, 8]
    assert settings.skips == 3


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"widths": (8,)}, "widths: two integers or more, all at least 1"),
        ({"size": 40}, "size 40: must be a multiple of 16, and larger, for 4 widths"),
        ({"skips": 4}, "skips 4: must lie in 0 … 3"),
        ({"blocks": -1}, "blocks -1: must not be negative"),
        ({"bottleneck": -1}, "bottleneck -1: must not be negative"),
    ],
)
def test_impossible_networks_are_refused_in_a_line(fields: dict, error: str) -> None:
    with pytest.raises(InputError, match=f"^{error}$"):
        SwapNetworkSettings(**fields)


def test_impossible_discriminators_and_restorations_are_refused() -> None:
    with pytest.raises(InputError, match=r"^rate 0 of a discriminator: must be above 0$"):
        DiscriminatorSettings(rate=0)
    with pytest.raises(InputError, match=r"^width and levels of a discriminator: must be"):
        DiscriminatorSettings(levels=0)
    with pytest.raises(InputError, match=r"^size 60: must be a multiple of 8, and larger$"):
        RestorationSettings(size=60)
    with pytest.raises(InputError, match=r"^blocks -1: must not be negative$"):
        RestorationSettings(blocks=-1)

"""Inception and LPIPS from files in the published formats, with random values."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest
import torch
from torch.nn import functional

from palsynth.encoders.published.inception import FidInception, fid_inception
from palsynth.encoders.published.lpips import CHANNELS, Lpips
from palsynth.errors import InputError

IMAGES = torch.rand(3, 3, 72, 72, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def inception_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("inception") / "pt_inception-2015-12-05-6726825d.pth"
    torch.save(FidInception().state_dict(), path)
    return path


def test_inception_is_the_published_network() -> None:
    """The size of torchvision's network without its auxiliary classifier, 1008 classes."""
    state = FidInception().state_dict()
    numbers = sum(t.numel() for n, t in state.items() if "running" not in n and "num_" not in n)
    assert numbers == 21_785_568 + 2048 * 1008 + 1008
    shapes = {
        "Conv2d_1a_3x3.conv.weight": (32, 3, 3, 3),
        "Mixed_5b.branch5x5_2.conv.weight": (64, 48, 5, 5),
        "Mixed_6a.branch3x3dbl_3.conv.weight": (96, 96, 3, 3),
        "Mixed_6c.branch7x7dbl_4.conv.weight": (160, 160, 7, 1),
        "Mixed_7a.branch7x7x3_3.conv.weight": (192, 192, 7, 1),
        "Mixed_7c.branch3x3dbl_3a.conv.weight": (384, 384, 1, 3),
        "fc.weight": (1008, 2048),
    }
    assert {name: tuple(state[name].shape) for name in shapes} == shapes


def test_inception_loads_runs_and_ignores_the_batch(inception_file: Path) -> None:
    network = fid_inception(inception_file)
    features = network(IMAGES)
    assert features.shape == (3, 2048)
    alone = torch.cat([network(image[None]) for image in IMAGES])
    assert torch.allclose(features, alone, atol=1e-5)
    assert torch.equal(features, network(IMAGES))


class Reached(Exception):
    """Ends a forward pass after the first layer."""


def first_input(network: FidInception, images: torch.Tensor) -> torch.Tensor:
    def stop(_: object, given: tuple[torch.Tensor]) -> None:
        raise Reached(given[0])

    hook = network.Conv2d_1a_3x3.register_forward_pre_hook(stop)
    with pytest.raises(Reached) as reached:
        network(images)
    hook.remove()
    return reached.value.args[0]


def test_inception_receives_rgb_from_minus_one_to_one_at_299_px() -> None:
    """Halved without antialiasing: each column is the mean of two columns, without the next."""
    network = FidInception().eval()
    images = torch.zeros(1, 3, 598, 598)
    images[0, 0], images[0, 1, :, 4] = 0.75, 1.0
    seen = first_input(network, images)
    assert seen.shape == (1, 3, 299, 299)
    assert seen[0, 0].unique().tolist() == [0.5]
    assert seen[0, 1, 7, :5].tolist() == [-1, -1, 0, -1, -1]
    assert seen[0, 2].unique().tolist() == [-1]


def test_pools_of_inception_are_those_of_the_graph() -> None:
    """Averages do not count their padding, and the last block takes the maximum."""
    network = FidInception().eval()
    assert network.Conv2d_1a_3x3.bn.eps == 0.001
    generator = torch.Generator().manual_seed(2)
    for name, wide, maximum in (
        ("Mixed_5b", 192, False),
        ("Mixed_6e", 768, False),
        ("Mixed_7b", 1280, False),
        ("Mixed_7c", 2048, True),
    ):
        block, seen = getattr(network, name), []
        block.branch_pool.register_forward_pre_hook(
            lambda _, given, seen=seen: seen.append(given[0])
        )
        x = torch.rand(1, wide, 3, 3, generator=generator)
        block(x)
        corner = x[0, :, :2, :2].flatten(1)
        expected = corner.amax(1) if maximum else corner.mean(1)
        assert torch.allclose(seen[0][0, :, 0, 0], expected, atol=1e-6)


def test_another_network_is_named(tmp_path: Path, inception_file: Path) -> None:
    tensors = torch.load(inception_file, weights_only=True)
    del tensors["Mixed_7c.branch_pool.conv.weight"]
    torch.save(tensors, tmp_path / "bad.pth")
    with pytest.raises(InputError, match=r"key Mixed_7c.branch_pool.conv.weight of FidInception"):
        fid_inception(tmp_path / "bad.pth")


@pytest.fixture(scope="module")
def alexnet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """torchvision's file: convolutions, and a classifier that LPIPS does not need."""
    rng = torch.Generator().manual_seed(1)
    tensors, before = {"classifier.6.bias": torch.zeros(1000)}, 3
    for number, wide, size in zip((0, 3, 6, 8, 10), CHANNELS, (11, 5, 3, 3, 3), strict=True):
        scale = (before * size * size) ** -0.5
        weight = torch.randn(wide, before, size, size, generator=rng) * scale
        tensors[f"features.{number}.weight"] = weight
        tensors[f"features.{number}.bias"] = torch.randn(wide, generator=rng) * 0.1
        before = wide
    path = tmp_path_factory.mktemp("alexnet") / "alexnet-owt-7be5be79.pth"
    torch.save(tensors, path)
    return path


def by_hand(alexnet: Path, heads: dict[str, torch.Tensor], a: torch.Tensor, b: torch.Tensor):  # type: ignore[no-untyped-def]
    """LPIPS written out, straight from the paper's equation 1 and the files' values."""
    w = torch.load(alexnet, weights_only=True)
    shift = torch.tensor([-0.030, -0.088, -0.188])[:, None, None]
    scale = torch.tensor([0.458, 0.448, 0.450])[:, None, None]

    def taps(images: torch.Tensor) -> list[torch.Tensor]:
        x = ((images * 2 - 1) - shift) / scale
        out = []
        for number, stride, padding, pool in (
            (0, 4, 2, False),
            (3, 1, 2, True),
            (6, 1, 1, True),
            (8, 1, 1, False),
            (10, 1, 1, False),
        ):
            x = functional.max_pool2d(x, 3, 2) if pool else x
            weight, bias = w[f"features.{number}.weight"], w[f"features.{number}.bias"]
            x = functional.conv2d(x, weight, bias, stride, padding).relu()
            out.append(x / (x.norm(dim=1, keepdim=True) + 1e-10))
        return out

    return sum(
        ((x - y).square() * heads[f"lin{k}.model.1.weight"]).sum(1).mean((1, 2))
        for k, (x, y) in enumerate(zip(taps(a), taps(b), strict=True))
    )


def test_lpips_agrees_with_its_definition(alexnet: Path) -> None:
    path = str(files("torchmetrics") / "functional/image/lpips_models/alex.pth")
    heads = torch.load(path, map_location="cpu", weights_only=True)
    metric = Lpips(alexnet)
    other = IMAGES.flip(0)
    found = metric(IMAGES, other)
    assert torch.allclose(found, by_hand(alexnet, heads, IMAGES, other), rtol=1e-4)
    assert torch.equal(metric(IMAGES, IMAGES), torch.zeros(3))
    alone = torch.cat([metric(IMAGES[k : k + 1], other[k : k + 1]) for k in range(3)])
    assert torch.allclose(found, alone, rtol=1e-4)
    assert torch.equal(found, metric(IMAGES, other))


def test_lpips_heads_from_a_file(alexnet: Path, tmp_path: Path) -> None:
    heads = {f"lin{k}.model.1.weight": torch.ones(1, w, 1, 1) for k, w in enumerate(CHANNELS)}
    torch.save(heads, tmp_path / "alex.pth")
    found = Lpips(alexnet, tmp_path / "alex.pth")(IMAGES, IMAGES.flip(0))
    assert torch.allclose(found, by_hand(alexnet, heads, IMAGES, IMAGES.flip(0)), rtol=1e-4)


def test_a_trunk_without_a_layer_is_named(alexnet: Path, tmp_path: Path) -> None:
    tensors = torch.load(alexnet, weights_only=True)
    del tensors["features.3.bias"]
    torch.save(tensors, tmp_path / "bad.pth")
    with pytest.raises(InputError, match=r"key features.3.bias of AlexNetTrunk is missing"):
        Lpips(tmp_path / "bad.pth")

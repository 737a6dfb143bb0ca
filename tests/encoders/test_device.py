"""Networks compute where the default device is, all of them and nothing else."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import palsynth
from palsynth.encoders import features
from palsynth.encoders.device import (
    BATCH,
    TOLERANCE,
    Extractor,
    default_device,
    full_precision,
)
from palsynth.encoders.features import extract_features
from palsynth.encoders.grader import Grader
from palsynth.encoders.load import expression_encoder, identity_encoder, judge, landmark_encoder
from palsynth.encoders.published.dlib import DlibRecogniser
from palsynth.encoders.published.inception import FidInception
from palsynth.encoders.published.ir import AdaFaceIR, ArcFaceIR
from palsynth.encoders.published.lpips import AlexNetTrunk, Lpips
from palsynth.encoders.published.mobilefacenet import MobileFaceNet
from palsynth.encoders.shipped import load_ours
from palsynth.methods import networks
from palsynth.subjects import EVALUATION_SEEDS, View, render, sample
from tests.encoders.other_device import META, use_meta


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    seeds = range(EVALUATION_SEEDS, EVALUATION_SEEDS + 4)
    return np.stack([render(sample(seed), view=View(112)).image for seed in seeds])


class Mean(nn.Module):
    """The mean of each channel, from weights; remembers how it was used."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(3))
        self.moves, self.batches = 0, []

    def to(self, *args, **kwargs):  # type: ignore[no-untyped-def]
        self.moves += 1
        return super().to(*args, **kwargs)

    def forward(self, images: Tensor) -> Tensor:
        assert images.device == self.weight.device
        assert not torch.is_grad_enabled()
        self.batches.append(len(images))
        return images.mean((2, 3)) * self.weight


def test_batches_are_bounded_and_keep_their_order() -> None:
    pictures = np.arange(150, dtype=np.uint8)[:, None, None, None] * np.ones((1, 4, 4, 3), np.uint8)
    network = Mean()
    extract = Extractor(network, network)
    found = [extract(pictures), extract(pictures)][1]
    assert found[:, 0] == pytest.approx(np.arange(150) / 255)
    assert found.dtype == np.float32
    assert isinstance(found, np.ndarray)
    assert network.batches == [BATCH, BATCH, 150 - 2 * BATCH] * 2
    assert network.moves == 1, "weights are moved once, not for every batch"
    pairs = Extractor(network, lambda a, b: network(a) - network(b))
    assert pairs(pictures, pictures[::-1].copy())[:, 1] == pytest.approx(
        (2.0 * np.arange(150) - 149) / 255
    )


def test_weights_and_images_are_on_the_default_device(monkeypatch: pytest.MonkeyPatch) -> None:
    brought_back = use_meta(monkeypatch)
    network = Mean()
    extract = Extractor(network, network)
    assert (extract.device, network.weight.device) == (META, META)
    assert extract(np.zeros((70, 4, 4, 3), np.uint8)).shape == (70, 3)
    assert brought_back == [(64, 3), (6, 3)]


def test_what_is_left_on_the_cpu_is_noticed_on_another_device(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    use_meta(monkeypatch)
    forgotten = torch.ones(3)
    network = Mean()
    with pytest.raises(RuntimeError, match="device"):
        Extractor(network, lambda x: network(x) * forgotten)(np.zeros((1, 4, 4, 3), np.uint8))
    with pytest.raises(TypeError, match="meta"):
        torch.zeros(3, device=META).numpy()


def test_an_encoder_of_another_library_computes_on_the_cpu(
    monkeypatch: pytest.MonkeyPatch, images: np.ndarray
) -> None:
    use_meta(monkeypatch)
    network = DlibRecogniser()
    extract = Extractor(network)
    assert extract.device.type == "cpu"
    crops = np.zeros((1, 192, 192, 3), np.uint8)
    crops[0, 40:152, 40:152] = images[0]
    assert extract(crops)[0] == pytest.approx(network.describe(crops[0]), abs=1e-6)


def _lpips(tmp_path: Path) -> Lpips:
    torch.save(AlexNetTrunk().state_dict(), tmp_path / "alexnet.pth")
    return Lpips(tmp_path / "alexnet.pth")


def _grader(images: Tensor) -> Tensor:
    grader = Grader((4, 4, 4, 4)).eval().to(images.device)
    found = grader(images, torch.zeros(len(images), dtype=torch.long))
    return torch.cat([found.item, found.grade], 1)


def _reader(images: Tensor) -> Tensor:
    reader = load_ours("reader").to(images.device)
    vectors, points = images.new_zeros(len(images), 512), images.new_zeros(len(images), 478, 2)
    return reader(vectors, points).weakness


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "identity": identity_encoder,
    "expression": expression_encoder,
    "landmarks": landmark_encoder,
    "judge": judge,
    "AdaFace": lambda: AdaFaceIR().eval(),
    "ArcFace": lambda: ArcFaceIR().eval(),
    "MobileFaceNet": lambda: MobileFaceNet().eval(),
    "Inception": lambda: FidInception().eval(),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_follows_its_weights(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    use_meta(monkeypatch)
    network = NETWORKS[name]()

    def forward(images: Tensor) -> Tensor:
        found = network(images)
        parts = [found] if isinstance(found, Tensor) else list(found)
        assert {part.device for part in parts} == {META}
        return parts[0]

    assert len(Extractor(network, forward)(np.zeros((2, 112, 112, 3), np.uint8))) == 2


@pytest.mark.parametrize("forward", [_grader, _reader])
def test_a_grader_and_the_reader_follow_their_weights(forward: Callable[[Tensor], Tensor]) -> None:
    assert forward(torch.zeros(2, 3, 112, 112, device=META)).device == META


def test_lpips_follows_its_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    brought_back = use_meta(monkeypatch)
    network = _lpips(tmp_path)
    pictures = np.zeros((2, 72, 72, 3), np.uint8)
    assert Extractor(network, network)(pictures, pictures).shape == (2,)
    assert brought_back == [(2,)]


def test_the_readers_features_are_computed_there_too(
    monkeypatch: pytest.MonkeyPatch, images: np.ndarray
) -> None:
    features.expression_extractor.cache_clear()
    brought_back = use_meta(monkeypatch)
    try:
        found = extract_features(list(images), [None] * len(images))
    finally:
        features.expression_extractor.cache_clear()
    assert brought_back == [(4, 512)]
    assert found["points"].any(axis=(1, 2)).all()


def test_float32_is_not_rounded_and_the_settings_return() -> None:
    def settings() -> tuple[bool, bool, str]:
        cudnn = torch.backends.cudnn
        return cudnn.allow_tf32, cudnn.deterministic, torch.get_float32_matmul_precision()

    seen = []
    network = Mean()
    before = settings()
    torch.set_float32_matmul_precision("high")
    try:

        def forward(images: Tensor) -> Tensor:
            seen.append(settings())
            return network(images)

        Extractor(network, forward)(np.zeros((1, 4, 4, 3), np.uint8))
        with pytest.raises(ZeroDivisionError), full_precision():
            raise ZeroDivisionError
        assert settings() == (*before[:2], "high")
    finally:
        torch.set_float32_matmul_precision(before[2])
    assert seen == [(False, True, "highest")]
    assert torch.backends.cudnn.enabled


@pytest.mark.parametrize("name", ["identity", "expression", "judge"])
def test_features_are_exact_to_a_fraction_of_the_tolerance(name: str, images: np.ndarray) -> None:
    """Another device sums in another order; double precision bounds what that can change."""

    def forward(network: nn.Module) -> Callable[[Tensor], Tensor]:
        trunk = network.trunk if name == "judge" else network
        number = next(network.parameters()).dtype
        return lambda pictures: trunk(pictures.to(number)).vector

    network = NETWORKS[name]()
    double = copy.deepcopy(network).double()
    single, exact = (Extractor(n, forward(n))(images) for n in (network, double))
    assert _apart(single, exact) < TOLERANCE / 5


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("name", ["identity", "expression"])
def test_a_gpu_and_the_cpu_agree(
    name: str, images: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = Extractor(NETWORKS[name]())
    assert there.device.type == "cuda"
    monkeypatch.setattr("palsynth.encoders.device.default_device", lambda: torch.device("cpu"))
    assert _apart(there(images), Extractor(NETWORKS[name]())(images)) < TOLERANCE


def _apart(a: np.ndarray, b: np.ndarray) -> float:
    lengths = np.linalg.norm(b.astype(np.float64), axis=1)
    return float((np.linalg.norm(a.astype(np.float64) - b, axis=1) / lengths).max())


def test_one_place_decides_the_device() -> None:
    assert networks.default_device is default_device


@pytest.mark.parametrize("room", ["encoders", "scoring"])
def test_no_tensor_becomes_an_array_where_it_is(room: str) -> None:
    """``.numpy()`` fails on a GPU's tensor: it stands behind ``.cpu()`` everywhere."""
    for path in (Path(palsynth.__file__).parent / room).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(".numpy"):
                assert ast.unparse(node.func).endswith(".cpu().numpy"), f"{path}:{node.lineno}"

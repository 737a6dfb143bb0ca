"""Files in the published formats, with random values: valid ones run, bad ones are explained."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from onnx import TensorProto, helper, save
from safetensors.torch import save_file
from torch import Tensor

from palsynth.encoders.irnet import Block
from palsynth.encoders.load import expression_encoder, identity_encoder, landmark_encoder
from palsynth.encoders.published.files import load_exactly, read_tensors, take
from palsynth.encoders.published.ir import (
    DEPTHS,
    AdaFaceIR,
    ArcFaceIR,
    _AdaFaceBlock,
    _ArcFaceBlock,
)
from palsynth.encoders.published.mobilefacenet import MobileFaceNet
from palsynth.encoders.published.onnx import OnnxRecogniser
from palsynth.errors import InputError
from palsynth.face.face import Face

KEYS = json.loads((Path(__file__).parent / "published-keys.json").read_text())
"""Key names and shapes of published files, without their values."""


def random_values(group: str, prefix: str = "") -> dict[str, Tensor]:
    rng = torch.Generator().manual_seed(0)
    out = {}
    for name, shape in KEYS[group].items():
        if name.endswith("num_batches_tracked"):
            value = torch.tensor(0)
        elif name.endswith("running_var"):
            value = torch.ones(shape)
        else:
            value = torch.randn(shape, generator=rng) * 0.03
        out[prefix + name] = value
    return out


@pytest.fixture(scope="module")
def adaface(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As AdaFace publishes it: a training checkpoint, with the head of the training."""
    path = tmp_path_factory.mktemp("adaface") / "adaface_ir50.ckpt"
    tensors = random_values("ir50", "model.") | {"head.kernel": torch.zeros(512, 10)}
    torch.save({"state_dict": tensors, "hyper_parameters": {"lr": 0.1}}, path)
    return path


@pytest.fixture
def images() -> Tensor:
    return torch.rand(2, 3, 112, 112, generator=torch.Generator().manual_seed(1))


def test_adaface_loads_and_runs(adaface: Path, images: Tensor) -> None:
    encoder = identity_encoder(adaface)
    assert isinstance(encoder, AdaFaceIR)
    assert not any(p.requires_grad for p in encoder.parameters())
    features = encoder(images)
    assert features.vector.shape == (2, 512)
    assert features.map.shape == (2, 512, 7, 7)
    weight = torch.load(adaface, weights_only=True)["state_dict"]["model.input_layer.0.weight"]
    assert torch.equal(encoder.input_layer[0].weight, weight)


def test_adaface_receives_bgr_from_minus_one_to_one(adaface: Path) -> None:
    seen = identity_encoder(adaface).pixels(torch.tensor([1.0, 0.5, 0.0]).view(1, 3, 1, 1))
    assert seen.shape == (1, 3, 112, 112)
    assert seen[0, :, 0, 0].tolist() == [-1.0, 0.0, 1.0]


@pytest.mark.parametrize("depth", [50, 101])
def test_arcface_loads_by_its_depth(tmp_path: Path, depth: int) -> None:
    """The keys match InsightFace's files and determine the depth, whatever the values."""
    expected = ArcFaceIR(DEPTHS[depth]).state_dict()
    if depth == 50:
        assert {n: list(t.shape) for n, t in expected.items()} == KEYS["arcface-r50"]
    torch.save(expected, tmp_path / "backbone.pth")
    encoder = identity_encoder(tmp_path / "backbone.pth")
    assert isinstance(encoder, ArcFaceIR)
    assert len(encoder.layer3) == DEPTHS[depth][2]
    assert encoder(torch.rand(1, 3, 112, 112)).vector.shape == (1, 512)
    seen = encoder.pixels(torch.tensor([1.0, 0.5, 0.0]).view(1, 3, 1, 1))
    assert seen[0, :, 0, 0].tolist() == [1.0, 0.0, -1.0], "RGB"


def test_adaface_101_is_identified_by_its_keys(tmp_path: Path) -> None:
    torch.save(AdaFaceIR(DEPTHS[101]).state_dict(), tmp_path / "ir101.pth")
    assert len(identity_encoder(tmp_path / "ir101.pth").body) == sum(DEPTHS[101])


def test_a_cfcpalsy_checkpoint_holds_all_three(tmp_path: Path, images: Tensor) -> None:
    tensors = random_values("ir50", "recognition_model.backbone.")
    tensors |= {n: t * 0.9 for n, t in random_values("ir50", "face_model.backbone.").items()}
    tensors |= random_values("mobilefacenet", "landmark_detector.")
    path = tmp_path / "cfcpalsy.ckpt"
    torch.save({"state_dict": tensors, "hyper_parameters": {}}, path)
    expression = expression_encoder(path)
    first = "input_layer.0.weight"
    given = random_values("ir50")[first]
    assert torch.equal(expression.identity.state_dict()[first], given)
    assert torch.equal(expression.face.state_dict()[first], given * 0.9)
    difference = expression.face(images).vector - expression.identity(images).vector
    assert torch.equal(expression(images).vector, difference)
    assert difference.abs().max() > 0
    landmarks = landmark_encoder(path)(images)
    assert landmarks.points.shape == (2, 68, 2)
    assert landmarks.map.shape == (2, 512, 7, 7)


def test_a_difference_needs_two_networks_of_one_kind(adaface: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds one network only; the expression is a difference"):
        expression_encoder(adaface)
    torch.save(ArcFaceIR(DEPTHS[50]).state_dict(), tmp_path / "arcface.pth")
    with pytest.raises(InputError, match=r"is AdaFaceIR, .*arcface.pth is ArcFaceIR; the express"):
        expression_encoder(adaface, tmp_path / "arcface.pth")


def test_mobilefacenet_from_its_own_file(tmp_path: Path) -> None:
    path = tmp_path / "mobilefacenet_model_best.pth.tar"
    torch.save({"state_dict": random_values("mobilefacenet"), "epoch": 3}, path)
    net = landmark_encoder(path)
    assert net.pixels(torch.full((1, 3, 112, 112), 0.25)).unique().tolist() == [0.25]
    (tmp_path / "copy.safetensors").unlink(missing_ok=True)
    save_file(random_values("mobilefacenet"), tmp_path / "copy.safetensors")
    same = landmark_encoder(tmp_path / "copy.safetensors")
    picture = torch.rand(1, 3, 112, 112)
    assert torch.equal(net(picture).points, same(picture).points)


@pytest.mark.parametrize("block", [_AdaFaceBlock, _ArcFaceBlock, Block])
def test_blocks_add_a_residual_to_the_input(block: Any) -> None:
    """If the last norm outputs zeros, the input remains, or every second pixel of it."""
    x = torch.rand(1, 3, 6, 6)
    for stride in (1, 2):
        made = block(3, 3, stride).eval()
        last = [m for m in made.modules() if isinstance(m, torch.nn.BatchNorm2d)][-1]
        if block is _ArcFaceBlock:
            last = made.bn3
            made.downsample = torch.nn.MaxPool2d(1, stride)  # its own is a convolution
        torch.nn.init.zeros_(last.weight)
        assert torch.equal(made(x), x[..., ::stride, ::stride])


def test_stages_of_mobilefacenet_add_and_its_reductions_do_not() -> None:
    net = MobileFaceNet().eval()
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.zeros_(module.weight)
    x = torch.rand(1, 64, 6, 6)
    assert torch.equal(net.conv_3(x), x)
    assert not net.conv_23(x).any()


def test_published_networks_use_the_five_point_crop(face: Face) -> None:
    """The mouth affects this crop, unlike ours."""
    moved = face.landmarks.copy()
    moved[[61, 291], 1] += 30
    pulled = Face(face.image, moved)
    for kind in (AdaFaceIR, ArcFaceIR, MobileFaceNet, OnnxRecogniser):
        crop, other = (kind.crop(None, f) for f in (face, pulled))  # type: ignore[arg-type]
        assert np.array_equal(crop.image, face.recogniser_crop(112).image), kind
        assert not np.allclose(crop.to_source, other.to_source)


def test_published_networks_may_be_used_as_in_cfcpalsys_code(images: Tensor) -> None:
    """The map after an earlier block, and landmarks from -1 … 1: vectors stay the same."""
    torch.manual_seed(0)
    last, earlier = (AdaFaceIR((1, 1, 1, 2), (4, 4, 4, 8), block).eval() for block in (None, 3))
    earlier.load_state_dict(last.state_dict())
    assert torch.equal(last(images).vector, earlier(images).vector)
    assert torch.equal(last(images).map, last.body(last.input_layer(last.pixels(images))))
    assert torch.equal(last.body[4](earlier(images).map), last(images).map)
    assert torch.equal(MobileFaceNet(signed=True).pixels(images), (images - 0.5) / 0.5)
    assert torch.equal(MobileFaceNet().pixels(images), images)


def test_points_of_mobilefacenet_are_x_then_y() -> None:
    net = MobileFaceNet().eval()
    with torch.no_grad():
        net.output_layer.linear.weight.zero_()
        net.output_layer.bn.bias.copy_(torch.arange(136.0))
        points = net(torch.zeros(1, 3, 112, 112)).points
    assert points[0, 0].tolist() == [0, 1]
    assert points[0, 67].tolist() == [134, 135]


def damaged(tmp_path: Path, **changes: Any) -> Path:
    tensors = random_values("mobilefacenet")
    tensors.update({n: t for n, t in changes.items() if t is not None})
    for name in [n for n, t in changes.items() if t is None]:
        del tensors[name]
    path = tmp_path / "bad.pth"
    torch.save(tensors, path)
    return path


def test_a_renamed_key_is_named(tmp_path: Path) -> None:
    path = damaged(tmp_path, **{"conv1.conv.weight": None, "konv1.conv.weight": torch.zeros(1)})
    with pytest.raises(InputError) as error:
        landmark_encoder(path)
    assert str(error.value) == (
        f"{path}: key conv1.conv.weight of MobileFaceNet is missing; "
        "it has konv1.conv.weight instead"
    )


def test_an_extra_key_and_a_wrong_shape_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"key zzz does not belong to MobileFaceNet"):
        landmark_encoder(damaged(tmp_path, zzz=torch.zeros(1)))
    short = {"output_layer.linear.weight": torch.zeros(10, 512)}
    with pytest.raises(InputError, match=r"output_layer.linear.weight is \(10, 512\), Mobile"):
        landmark_encoder(damaged(tmp_path, **short))


def test_counters_may_be_missing(tmp_path: Path) -> None:
    """Old files lack them; everything else is loaded, and the output is the same."""
    counters = [n for n in KEYS["mobilefacenet"] if n.endswith("num_batches_tracked")]
    assert len(counters) > 40
    found = landmark_encoder(damaged(tmp_path, **dict.fromkeys(counters)))
    state, given = found.state_dict(), random_values("mobilefacenet")
    assert all(torch.equal(state[name], given[name]) for name in given)
    picture = torch.rand(1, 3, 112, 112)
    whole = landmark_encoder(damaged(tmp_path))
    assert torch.equal(found(picture).points, whole(picture).points)
    norm = dict.fromkeys(["conv1.bn.running_mean"])
    with pytest.raises(
        InputError, match=r"key conv1\.bn\.running_mean of MobileFaceNet is missing"
    ):
        landmark_encoder(damaged(tmp_path, **norm))


@pytest.mark.parametrize("name", ["cut.ckpt", "cut.safetensors", "cut.pth"])
def test_a_truncated_file_is_named(tmp_path: Path, name: str) -> None:
    whole, path = tmp_path / ("whole" + Path(name).suffix), tmp_path / name
    tensors = {"conv1.weight": torch.rand(64, 64)}
    save_file(tensors, whole) if name.endswith("tensors") else torch.save(tensors, whole)
    path.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with pytest.raises(InputError, match=r"damaged or not a weight file; download it again"):
        identity_encoder(path)


@pytest.mark.parametrize(
    "content", [b"<html>not found</html>", b"\x80\x02h\x05.", b"\x80\x02.", b"", b"\0" * 90]
)
def test_files_that_are_not_weights_are_not_called_unsafe(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(content)
    with pytest.raises(InputError, match="damaged or not a weight file; download it again"):
        identity_encoder(path)


def test_other_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file; give the path"):
        identity_encoder(tmp_path / "nowhere.ckpt")
    torch.save([1, 2], tmp_path / "list.pth")
    with pytest.raises(InputError, match="holds no named tensors; give a state dict"):
        identity_encoder(tmp_path / "list.pth")
    torch.save({"stem.weight": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(InputError, match=r"neither AdaFace's nor ArcFace's .* begins with stem"):
        identity_encoder(tmp_path / "other.pth")
    with pytest.raises(InputError, match=r"holds no weights \(no config.json\)"):
        identity_encoder(tmp_path)


def test_prefixes_are_taken_in_order() -> None:
    tensors = {"model.a": torch.zeros(1), "id.a": torch.ones(1)}
    assert take(tensors, ("id.", "model."))["a"] == 1
    assert take(tensors, ("other.",)) is tensors


def test_loading_is_exact(tmp_path: Path) -> None:
    model = torch.nn.Linear(2, 2)
    save_file({"weight": torch.ones(2, 2), "bias": torch.zeros(2)}, tmp_path / "a.safetensors")
    load_exactly(model, read_tensors(tmp_path / "a.safetensors"), tmp_path)
    assert model.weight.sum() == 4


def write_onnx(path: Path, batch: str | int = "N", size: int = 112) -> None:
    """A recogniser whose vector is the mean of each input channel."""
    entry = helper.make_tensor_value_info("input", TensorProto.FLOAT, [batch, 3, size, size])
    out = helper.make_tensor_value_info("output", TensorProto.FLOAT, [batch, 3])
    nodes = [
        helper.make_node("GlobalAveragePool", ["input"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["output"]),
    ]
    graph = helper.make_graph(nodes, "recogniser", [entry], [out])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    save(model, str(path))


@pytest.mark.parametrize("batch", ["N", 1])
def test_onnx_runs(tmp_path: Path, images: Tensor, batch: str | int) -> None:
    write_onnx(tmp_path / "w600k.onnx", batch)
    features = identity_encoder(tmp_path / "w600k.onnx")(images)
    expected = (images.mean((2, 3)) - 0.5) / 0.5
    np.testing.assert_allclose(features.vector, expected, atol=1e-5)
    assert features.map.shape == (2, 0, 7, 7)


def test_bad_onnx_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.onnx").write_bytes(b"not a model")
    with pytest.raises(InputError, match=r"bad.onnx: damaged or not an ONNX model"):
        identity_encoder(tmp_path / "bad.onnx")
    write_onnx(tmp_path / "small.onnx", size=64)
    with pytest.raises(InputError, match=r"small.onnx: takes \['N', 3, 64, 64\], a recogniser"):
        identity_encoder(tmp_path / "small.onnx")

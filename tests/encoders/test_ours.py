"""Our networks and objectives, with tiny networks on rendered examples."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from palsynth.data.examples import stack
from palsynth.data.synthetic_source import SyntheticSource
from palsynth.encoders.base import Pixels, as_images, upright_crop
from palsynth.encoders.expression import ExpressionEncoder, ExpressionObjective
from palsynth.encoders.identity import IdentityObjective
from palsynth.encoders.irnet import IRNet
from palsynth.encoders.judge import JudgeNet, JudgeObjective
from palsynth.encoders.landmarks import LandmarkNet, LandmarksObjective
from palsynth.encoders.shipped import load_ours
from palsynth.encoders.validation import PEOPLE, validation_batch
from palsynth.errors import InputError
from palsynth.face.face import Face

SMALL = ((4, 4, 6, 8), (1, 1, 1, 1), 2, 16, 0.4)
RNG = torch.Generator()


def batch(size: int = 6) -> dict[str, torch.Tensor]:
    source = SyntheticSource(count=3, size=112, seed=5)
    return {n: torch.from_numpy(a) for n, a in stack([source[k] for k in range(size)]).items()}


@pytest.fixture(scope="module")
def rendered() -> dict[str, torch.Tensor]:
    return batch()


@pytest.mark.parametrize("size", [64, 112, 200])
def test_network_shapes(size: int) -> None:
    net = IRNet(*SMALL).eval()
    features = net(torch.rand(2, 3, size, size))
    assert features.vector.shape == (2, 16)
    assert features.map.shape == (2, 8, 7, 7)


def test_dropout_is_just_before_the_last_layer() -> None:
    """Training mode changes the vector but not the map, which SER-FIQ relies on."""
    torch.manual_seed(0)
    net = IRNet(*SMALL).eval()
    dropout = next(m for m in net.head if isinstance(m, torch.nn.Dropout))
    images = torch.rand(1, 3, 112, 112)
    dropout.train()
    one, other = net(images), net(images)
    assert torch.equal(one.map, other.map)
    assert not torch.equal(one.vector, other.vector)


def test_weights_read_back_in_half_precision(tmp_path: Path) -> None:
    net = IRNet(*SMALL).eval()
    net.to(torch.float16).save_pretrained(tmp_path)
    again = load_ours("identity", tmp_path)
    assert next(again.parameters()).dtype == torch.float32
    assert torch.equal(again.stem[0].weight, net.stem[0].weight.float())
    assert not again.training


def test_damaged_weights_are_named(tmp_path: Path) -> None:
    IRNet(*SMALL).save_pretrained(tmp_path)
    (tmp_path / "diffusion_pytorch_model.safetensors").write_bytes(b"half")
    with pytest.raises(InputError, match="cannot be loaded as IRNet"):
        load_ours("identity", tmp_path)
    IRNet(*SMALL).save_pretrained(tmp_path)
    with pytest.raises(InputError, match=r"holds IRNet, not LandmarkNet; give a folder of"):
        load_ours("landmarks", tmp_path)


def test_bytes_become_images() -> None:
    rows = torch.arange(2 * 3 * 3, dtype=torch.uint8).view(1, 2, 3, 3)
    assert as_images(rows)[0, 2, 1].tolist() == pytest.approx([11 / 255, 14 / 255, 17 / 255])
    pixels = torch.tensor([[[[255, 0, 51]]]], dtype=torch.uint8)
    assert as_images(pixels).flatten().tolist() == pytest.approx([1.0, 0.0, 0.2])
    assert Pixels(bgr=True)(as_images(pixels))[0, 0, 5, 5] == pytest.approx(-0.6)


def test_our_networks_receive_rgb_from_minus_one_to_one() -> None:
    for net in (IRNet(*SMALL), JudgeNet(*SMALL).trunk, LandmarkNet(*SMALL).trunk):
        seen = []
        net.stem.register_forward_pre_hook(lambda _, given, seen=seen: seen.append(given[0]))
        net.eval()(torch.tensor([1.0, 0.5, 0.0]).view(1, 3, 1, 1).expand(1, 3, 112, 112))
        assert seen[0][0, :, 60, 60].tolist() == [1.0, 0.0, -1.0]


def test_bytes_and_single_images_are_refused() -> None:
    for wrong in (torch.zeros(1, 3, 112, 112, dtype=torch.uint8), torch.zeros(3, 112, 112)):
        with pytest.raises(ValueError, match=r"give floats in 0 … 1, \(N, 3, H, W\)"):
            IRNet(*SMALL)(wrong)


def test_crops_ignore_the_mouth(face: Face) -> None:
    """A palsied mouth must not shift the crop, as it would shift a five-point crop."""
    moved = face.landmarks.copy()
    moved[[61, 291], 1] += 30
    one = upright_crop(face).to_source
    assert np.allclose(one, upright_crop(Face(face.image, moved)).to_source)
    right, left = upright_crop(face).landmarks[[33, 263], :2]
    assert right == pytest.approx([55.5 - 24.64, 0.461 * 112 - 0.5], abs=1e-3)
    assert left == pytest.approx([55.5 + 24.64, 0.461 * 112 - 0.5], abs=1e-3)


def test_the_margin_raises_the_loss(rendered: dict[str, torch.Tensor]) -> None:
    torch.manual_seed(0)
    net = IRNet(*SMALL).eval()
    plain, hard = (IdentityObjective(net, 3, 16.0, m).eval() for m in (0.0, 0.5))
    hard.load_state_dict(plain.state_dict())
    easy = plain(rendered, RNG)
    assert hard(rendered, RNG).total > easy.total
    cosines = torch.nn.functional.normalize(net(as_images(rendered["image"])).vector)
    cosines = cosines @ torch.nn.functional.normalize(plain.centres).T
    expected = torch.nn.functional.cross_entropy(16.0 * cosines, rendered["subject"])
    assert easy.total.item() == pytest.approx(expected.item(), rel=1e-4)


def test_e_face_starts_as_e_id_and_only_it_trains(rendered: dict[str, torch.Tensor]) -> None:
    torch.manual_seed(0)
    identity = IRNet(*SMALL).eval()
    face = IRNet(*SMALL).eval()
    face.load_state_dict(identity.state_dict())
    assert ExpressionEncoder(face, identity)(as_images(rendered["image"])).vector.abs().max() == 0
    objective = ExpressionObjective(face, identity, invariance=1.0).train()
    losses = objective(rendered, RNG)
    losses.total.backward()
    assert set(losses.parts) == {"movement", "side", "state", "weakness", "unexplained"}
    assert not any(n.startswith("identity") for n in objective.trained_state())
    assert face.stem[0].weight.grad is not None
    assert identity.stem[0].weight.grad is None


def test_judge_and_landmarks_learn_a_batch(rendered: dict[str, torch.Tensor]) -> None:
    torch.manual_seed(0)
    for objective in (
        JudgeObjective(JudgeNet(*SMALL)),
        LandmarksObjective(LandmarkNet(*SMALL[:-1], 0.0)),
    ):
        optimizer = torch.optim.AdamW(objective.parameters(), 3e-3)
        losses = []
        for _ in range(25):
            loss = objective.train()(rendered, RNG).total
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        assert losses[-1] < 0.85 * losses[0]


def test_untrained_landmarks_are_the_mean_face(rendered: dict[str, torch.Tensor]) -> None:
    net = LandmarkNet(*SMALL).eval()
    points = net(as_images(rendered["image"])).points * 112 - 0.5
    distance = (points - rendered["points"]).square().sum(-1).sqrt().mean()
    assert distance < 6  # pixels
    left, right = points[0, 263], points[0, 33]
    assert (left[0] - right[0]).item() == pytest.approx(0.44 * 112, abs=4)


def test_unknown_points_do_not_count(rendered: dict[str, torch.Tensor]) -> None:
    objective = LandmarksObjective(LandmarkNet(*SMALL)).eval()
    some = {**rendered, "points": rendered["points"].clone()}
    some["points"][:, 468:] = torch.nan
    assert torch.isfinite(objective(some, RNG).total)
    none = {**rendered, "points": torch.full_like(rendered["points"], torch.nan)}
    assert objective(none, RNG).total == 0


def test_validation_people_are_neither_trained_on_nor_evaluated_on() -> None:
    batch = validation_batch()
    assert sorted(batch["subject"][:PEOPLE].tolist()) == list(range(PEOPLE))
    with torch.no_grad():
        identity = IRNet(*SMALL).eval()
        figures = {
            **IdentityObjective(identity, 3, 16.0, 0.3).eval().validate(),
            **ExpressionObjective(identity, IRNet(*SMALL).eval(), 1.0).eval().validate(),
            **JudgeObjective(JudgeNet(*SMALL)).eval().validate(),
            **LandmarksObjective(LandmarkNet(*SMALL)).eval().validate(),
        }
        picture = LandmarksObjective(LandmarkNet(*SMALL)).eval().picture()
    assert figures.keys() == {
        f"validation/{n}" for n in ("top1", "movement", "side", "weakness", "distance")
    }
    assert 0 < figures["validation/distance"] < 0.2
    assert picture.shape == (896, 896, 3)

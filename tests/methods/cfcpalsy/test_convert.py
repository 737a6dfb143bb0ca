"""The published checkpoint: a file with its keys and shapes and random values, against a direct
reimplementation of what it computes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from palsynth.errors import InputError
from palsynth.methods.cfcpalsy.io.convert import convert
from palsynth.methods.cfcpalsy.networks.model import CFCPalsyModel

KEYS = json.loads((Path(__file__).parent / "published-keys.json").read_text())
ENCODERS = json.loads((Path(__file__).parents[2] / "encoders" / "published-keys.json").read_text())


def checkpoint() -> dict[str, Tensor]:
    """Random values under the published names, with plausible values for norms and variances."""
    torch.manual_seed(0)
    shapes = {k: s for part in KEYS.values() for k, s in part.items()}
    for prefix in ("label_mapping", "face_model", "id_model", "recognition_model"):
        shapes |= {f"{prefix}.backbone.{k}": s for k, s in ENCODERS["ir50"].items()}
    shapes |= {f"landmark_detector.{k}": s for k, s in ENCODERS["mobilefacenet"].items()}
    out = {}
    for key, shape in shapes.items():
        fan = max(1, int(torch.tensor(shape[1:]).prod())) if len(shape) > 1 else 1
        value = torch.randn(shape) / fan**0.5
        if key.endswith("num_batches_tracked"):
            value = torch.tensor(0)
        elif key.endswith("running_var") or (len(shape) == 1 and key.endswith("weight")):
            value = 1 + 0.1 * torch.rand(shape)
        out[key] = value
    return out


@pytest.fixture(scope="module")
def published() -> dict[str, Tensor]:
    return checkpoint()


@pytest.fixture(scope="module")
def model(published: dict[str, Tensor], tmp_path_factory: pytest.TempPathFactory) -> CFCPalsyModel:
    path = tmp_path_factory.mktemp("published") / "last.ckpt"
    torch.save({"state_dict": published, "hyper_parameters": {"lr": 1e-4}}, path)
    return convert(path)


class Reference:
    """ADM's forward pass on the published tensors, one method per kind of block."""

    def __init__(self, tensors: dict[str, Tensor]) -> None:
        self.t = {k.removeprefix("model."): v for k, v in tensors.items()}

    def linear(self, name: str, x: Tensor) -> Tensor:
        return x @ self.t[f"{name}.weight"].T + self.t[f"{name}.bias"]

    def conv(self, name: str, x: Tensor) -> Tensor:
        weight = self.t[f"{name}.weight"]
        return functional.conv2d(x, weight, self.t[f"{name}.bias"], padding=weight.shape[-1] // 2)

    def norm(self, name: str, x: Tensor) -> Tensor:
        return functional.group_norm(x, 32, self.t[f"{name}.weight"], self.t[f"{name}.bias"], 1e-5)

    def res(self, name: str, x: Tensor, emb: Tensor, change: str = "") -> Tensor:
        h = functional.silu(self.norm(f"{name}.in_layers.0", x))
        if change == "down":
            h, x = (functional.avg_pool2d(v, 2) for v in (h, x))
        elif change == "up":
            h, x = (functional.interpolate(v, scale_factor=2.0, mode="nearest") for v in (h, x))
        h = self.conv(f"{name}.in_layers.2", h)
        conditioning = self.linear(f"{name}.emb_layers.1", functional.silu(emb))[..., None, None]
        scale, shift = conditioning.chunk(2, 1)
        h = self.norm(f"{name}.out_layers.0", h) * (1 + scale) + shift
        h = self.conv(f"{name}.out_layers.3", functional.silu(h))
        if f"{name}.skip_connection.weight" in self.t:
            x = self.conv(f"{name}.skip_connection", x)
        return x + h

    def attend(self, name: str, x: Tensor, tokens: Tensor) -> Tensor:
        """8 heads of 64; the tokens' channels are each head's keys, then its values."""
        n, channels, height, width = x.shape
        flat = self.norm(f"{name}.norm", x).flatten(2)
        qkv = torch.einsum("oi,nip->nop", self.t[f"{name}.qkv.weight"][..., 0], flat)
        qkv = qkv + self.t[f"{name}.qkv.bias"][:, None]
        heads = []
        for h in range(8):
            q, k, v = (qkv[:, 192 * h + 64 * p : 192 * h + 64 * p + 64] for p in range(3))
            conditioning = tokens[..., 128 * h : 128 * h + 128].transpose(1, 2)
            k, v = torch.cat([conditioning[:, :64], k], 2), torch.cat([conditioning[:, 64:], v], 2)
            weights = torch.softmax(torch.einsum("ncq,nck->nqk", q, k) / 8, -1)
            heads.append(torch.einsum("nqk,nck->ncq", weights, v))
        last = self.t[f"{name}.proj_out.weight"][..., 0]
        out = torch.einsum("oi,nip->nop", last, torch.cat(heads, 1))
        out = out + self.t[f"{name}.proj_out.bias"][:, None]
        return x + out.view(n, channels, height, width)

    def __call__(self, x: Tensor, t: Tensor, tokens: Tensor, vector: Tensor) -> Tensor:
        half = torch.exp(-torch.log(torch.tensor(10000.0)) * torch.arange(64) / 64)
        angles = t[:, None] * half
        emb = self.linear("time_embed.0", torch.cat([angles.cos(), angles.sin()], 1))
        emb = self.linear("time_embed.2", functional.silu(emb)) + vector
        h = self.conv("input_blocks.0.0", x)
        skips = [h]
        for k in range(1, 12):
            name = f"input_blocks.{k}"
            # even blocks halve the map, but for the last one, which stays at 7
            change = "down" if k % 2 == 0 and k < 10 else ""
            h = self.res(f"{name}.0", h, emb, change)
            if f"{name}.1.qkv.weight" in self.t:
                h = self.attend(f"{name}.1", h, tokens)
            skips.append(h)
        h = self.res("middle_block.0", h, emb)
        h = self.attend("middle_block.1", h, tokens)
        h = self.res("middle_block.2", h, emb)
        for k in range(12):
            name = f"output_blocks.{k}"
            h = self.res(f"{name}.0", torch.cat([h, skips.pop()], 1), emb)
            part = 1
            if f"{name}.1.qkv.weight" in self.t:
                h, part = self.attend(f"{name}.1", h, tokens), 2
            if f"{name}.{part}.in_layers.0.weight" in self.t:
                h = self.res(f"{name}.{part}", h, emb, "up" if k > 1 else "")
        return self.conv("out.2", functional.silu(self.norm("out.0", h)))


@torch.no_grad()
def test_the_unet_computes_what_the_published_one_does(model, published) -> None:
    torch.manual_seed(1)
    x, tokens, vector = torch.randn(2, 3, 112, 112), torch.randn(2, 147, 1024), torch.randn(2, 512)
    t = torch.tensor([3, 870])
    found, expected = model.unet(x, t, tokens, vector), Reference(published)(x, t, tokens, vector)
    assert found.shape == (2, 6, 112, 112)
    assert (found - expected).abs().max() < 2e-4 * expected.abs().max()


@torch.no_grad()
def test_the_conditioning_is_the_published_one(model, published) -> None:
    """Step by step: tokens, raw queries, the last adapter."""
    torch.manual_seed(2)
    identity_image, expression_image = torch.rand(2, 3, 112, 112), torch.rand(2, 3, 112, 112)
    c, p = model.conditioner, published
    features = c.identity_net(identity_image)
    position = p["label_mapping.pos_emb.0"]
    identity = features.map.flatten(2).transpose(1, 2) + position[:49]
    vector = (features.vector + position[49]) * p["label_mapping.scaler.0"]
    e_face, e_id = c.expression_net.face, c.expression_net.identity
    difference = e_face(expression_image).vector - e_id(expression_image).vector
    adapter = p["emotion_adapter.weight"][:, 0, 0], p["emotion_adapter.bias"]
    expression = difference[:, None] * adapter[0][:, None] + adapter[1][:, None]
    # as published: reshaped without a transposition
    landmarks = c.landmark_net(expression_image).map.reshape(2, 49, 512)

    def attend(name: str, queries: Tensor, feature: Tensor) -> Tensor:
        at = f"condition_adapter.{name}"
        kv = feature @ p[f"{at}.kv.weight"].T + p[f"{at}.kv.bias"]
        heads = []
        for h in range(4):
            q, k, v = (x[..., 128 * h : 128 * h + 128] for x in (queries, *kv.split(512, -1)))
            heads.append(torch.softmax(q @ k.transpose(1, 2) / 128**0.5, -1) @ v)
        return torch.cat(heads, -1) @ p[f"{at}.proj.weight"].T + p[f"{at}.proj.bias"]

    fused = torch.cat(
        [
            attend("att_id", landmarks, identity),
            attend("att_em", identity, expression),
            attend("att_lm", expression, landmarks),
        ],
        1,
    )
    last = p["cross_attn_adapter.weight"][..., 0]
    tokens = fused @ last.T + p["cross_attn_adapter.bias"]
    conditioning = c(identity_image, expression_image)
    assert (conditioning.tokens - tokens).abs().max() < 1e-3 * tokens.abs().max()
    assert torch.allclose(conditioning.vector, vector, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("removed", "text"),
    [
        ("model.", "is no CFCPalsy checkpoint"),
        ("label_mapping.pos_emb.0", "of the conditioner is missing"),
        ("model.middle_block.1.qkv.bias", "middle.0.attention.qkv.bias"),
        ("face_model.backbone.input_layer.0.weight", "expression_net.face.input_layer.0.weight"),
    ],
)
def test_what_is_missing_is_named(published, removed: str, text: str, tmp_path: Path) -> None:
    remaining = {k: v for k, v in published.items() if not k.startswith(removed)}
    torch.save({"state_dict": remaining}, tmp_path / "x.ckpt")
    with pytest.raises(InputError, match=text):
        convert(tmp_path / "x.ckpt")


def test_an_unknown_key_is_named(published, tmp_path: Path) -> None:
    torch.save(
        {"state_dict": {**published, "model.sorcery.weight": torch.zeros(1)}}, tmp_path / "x.ckpt"
    )
    with pytest.raises(InputError, match=r"model\.sorcery\.weight has no place in the U-Net"):
        convert(tmp_path / "x.ckpt")

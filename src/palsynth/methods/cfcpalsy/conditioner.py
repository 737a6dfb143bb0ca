"""What the U-Net is told: identity, expression and landmarks, read by networks and fused."""

from __future__ import annotations

from typing import NamedTuple

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn

from palsynth.encoders.expression import ExpressionEncoder
from palsynth.encoders.irnet import IRNet
from palsynth.encoders.landmarks import LandmarkNet
from palsynth.encoders.load import expression_encoder, landmark_encoder
from palsynth.encoders.published.ir import DEPTHS, AdaFaceIR
from palsynth.encoders.published.mobilefacenet import MobileFaceNet
from palsynth.encoders.shipped import load_ours
from palsynth.face.face import Face
from palsynth.face.framing import RECOGNISER
from palsynth.methods.cfcpalsy.fusion import TOKENS, CrossFusion

VECTOR = 512
"""Length of every recogniser's vector."""


class Conditioning(NamedTuple):
    """``tokens`` (N, T, out) for the attention, ``vector`` (N, time) for the time embedding."""

    tokens: Tensor
    vector: Tensor


class IdentityEncoding(NamedTuple):
    """``tokens`` (N, 49, dim) of an identity image, ``vector`` (N, time)."""

    tokens: Tensor
    vector: Tensor


class Conditioner(ModelMixin, ConfigMixin):  # type: ignore[misc]
    """Identity image and expression image to :class:`Conditioning`.

    ``encoders`` says whose networks read: ``palsynth`` (ours) or ``published`` (AdaFace IR-50
    and MobileFaceNet, as the paper has them). The identity network may train; the expression
    (E_Face - E_ID) and landmark networks are frozen. ``transposed`` makes a landmark token a
    place of the map; the published code reshapes instead, which mixes channels and places.
    """

    @register_to_config
    def __init__(
        self,
        out: int = 1024,
        time_channels: int = 512,
        dim: int = 512,
        heads: int = 4,
        encoders: str = "palsynth",
        landmarks: bool = True,
        cross: bool = True,
        transposed: bool = True,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        ours = encoders == "palsynth"
        self.identity_net = IRNet() if ours else AdaFaceIR(DEPTHS[50])
        self.expression_net = ExpressionEncoder(
            *(IRNet() if ours else AdaFaceIR(DEPTHS[50]) for _ in range(2))
        )
        self.landmark_net = (LandmarkNet() if ours else MobileFaceNet()) if landmarks else None
        self.identity_tokens = _fitted(192 if ours else 512, dim)
        self.landmark_tokens = _fitted(128 if ours else 512, dim) if landmarks else None
        self.expression_tokens = nn.Conv1d(1, TOKENS, 1)
        self.expression_fitted = _fitted(VECTOR, dim)
        self.position = nn.Parameter(torch.zeros(TOKENS, dim))
        self.vector_position = nn.Parameter(torch.zeros(VECTOR))
        self.scale = nn.Parameter(torch.tensor([0.001]))
        self.to_time = _fitted(VECTOR, time_channels)
        self.fusion = CrossFusion(dim, out, heads, landmarks=landmarks, cross=cross)
        self.transposed = transposed
        self.absent = nn.Parameter(torch.zeros(1, self.fusion.tokens, out))
        for frozen in (self.expression_net, self.landmark_net):
            if frozen is not None:
                frozen.requires_grad_(False).eval()

    @classmethod
    def with_our_encoders(cls, **settings: object) -> Conditioner:
        """A conditioner whose networks start as the encoders that ship."""
        model = cls(encoders="palsynth", **settings)
        model.identity_net.load_state_dict(load_ours("identity").state_dict())
        model.expression_net.load_state_dict(expression_encoder().state_dict())
        if model.landmark_net is not None:
            model.landmark_net.load_state_dict(landmark_encoder().state_dict())
        return model

    def train(self, mode: bool = True) -> Conditioner:
        """Training mode; frozen networks and the identity network's statistics stay as they are."""
        super().train(mode)
        for network in (self.identity_net, self.expression_net, self.landmark_net):
            if network is not None:
                network.eval()
        return self

    def forward(self, identity: Tensor, expression: Tensor) -> Conditioning:
        """Images (N, 3, H, W), RGB in 0 … 1, cut as :meth:`crop` does."""
        return self.fuse(self.encode_identity(identity), expression)

    def encode_identity(self, identity: Tensor) -> IdentityEncoding:
        """What is told of identity images (N, 3, H, W)."""
        identity_code = self.identity_net(identity)
        places = self.identity_tokens(identity_code.map.flatten(2).transpose(1, 2)) + self.position
        return IdentityEncoding(
            places, self.scale * self.to_time(identity_code.vector + self.vector_position)
        )

    def fuse(self, identity_code: IdentityEncoding, expression: Tensor) -> Conditioning:
        """What is told of identities together with expression images (N, 3, H, W)."""
        spoken = self.expression_net(expression).vector
        said = self.expression_tokens(self.expression_fitted(spoken)[:, None])
        if self.landmark_net is None:
            shape = torch.zeros_like(identity_code.tokens)
        else:
            found = self.landmark_net(expression).map
            shape = found.flatten(2).transpose(1, 2) if self.transposed else found.flatten(1).view(
                len(found), TOKENS, -1
            )  # fmt: skip
            assert self.landmark_tokens is not None
            shape = self.landmark_tokens(shape)
        return Conditioning(self.fusion(identity_code.tokens, said, shape), identity_code.vector)

    def crop(self, face: Face, size: int) -> Face:
        """A face cut out as the networks were trained on it, (size, size): by the eye corners,
        which no palsy moves, or for published networks by ArcFace's five points."""
        if isinstance(self.identity_net, AdaFaceIR):
            return face.recogniser_crop(size)
        return face.aligned(RECOGNISER, size)

    def drop_conditions(self, conditioning: Conditioning, dropped: Tensor) -> Conditioning:
        """The same without conditions where ``dropped`` (N,) bool: for guidance."""
        tokens = torch.where(
            dropped[:, None, None], self.absent.to(conditioning.tokens.dtype), conditioning.tokens
        )
        return Conditioning(tokens, conditioning.vector * ~dropped[:, None])

    def unconditional(self, count: int) -> Conditioning:
        """What is told of so many images without conditions."""
        vector = self.absent.new_zeros(count, self.config["time_channels"])
        return Conditioning(self.absent.expand(count, -1, -1), vector)


def _fitted(inner: int, outer: int) -> nn.Module:
    """A linear layer where widths differ: the paper's are equal and need none."""
    return nn.Identity() if inner == outer else nn.Linear(inner, outer)

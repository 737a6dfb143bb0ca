"""The conditioning of the U-Net: identity, expression and landmark features, encoded and fused."""

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
from palsynth.errors import InputError
from palsynth.face.face import Face
from palsynth.face.framing import RECOGNISER
from palsynth.methods.cfcpalsy.networks.fusion import TOKENS, CrossFusion

VECTOR = 512
"""Length of the feature vector of every recogniser."""

ENCODER_FIELDS = ("encoders", "transposed", "identity_block", "landmark_signed")
"""Fields of a conditioner's configuration that say what its encoders are and how they are used.
Trained weights have their own, whatever is written in a recipe that goes on training them."""


class Conditioning(NamedTuple):
    """The paper's condition c(X_ID, X_0).

    Attributes:
        tokens: (N, T, out) fused tokens: keys and values for the attention of the U-Net. T is 147
            with landmarks, 98 without.
        vector: (N, time_channels) identity vector, and the expression's where the conditioner has
            one, to be summed with the time embedding.
    """

    tokens: Tensor
    vector: Tensor


class IdentityEncoding(NamedTuple):
    """The identity feature, before fusion.

    Attributes:
        tokens: (N, 49, dim) tokens of the identity map, with positional embedding.
        vector: (N, time_channels) scaled identity vector.
    """

    tokens: Tensor
    vector: Tensor


class Conditioner(ModelMixin, ConfigMixin):  # type: ignore[misc]
    """Encodes an identity image X_ID and an expression image X_0 as :class:`Conditioning`.

    The three feature extractors of the paper (Figure 2a): a trainable identity network on X_ID,
    the frozen difference E_Face(X_0) - E_ID(X_0), and a frozen landmark network E_LM on X_0. Their
    features are fused by :class:`CrossFusion` (Figure 2b).

    Args:
        out: channels of the fused tokens; half are keys, half values. The paper's 1024.
        time_channels: channels of the time embedding.
        dim: channels of the tokens before fusion.
        heads: attention heads of the fusion.
        encoders: ``palsynth`` (the encoders that ship) or ``published`` (AdaFace IR-50 and
            MobileFaceNet, as in the paper).
        landmarks: whether there is a landmark feature; False is the ablation CFCPalsy 1.
        cross: whether features attend to one another; False is the ablation CFCPalsy 3.
        transposed: whether each landmark token is one position of the landmark map. The published
            code reshapes the map without transposing it, which mixes channels and positions.
        identity_block: residual block of a published identity network, counted from 0, whose
            output is the identity map; default: the last. The published code takes 21 of 0 … 23.
        landmark_signed: whether a published landmark network is given -1 … 1, as in the published
            code, instead of 0 … 1.
        expression_vector: whether the expression feature is summed with the time embedding too.

    Raises:
        InputError: our encoders are given settings of published ones.
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
        identity_block: int | None = None,
        landmark_signed: bool = False,
        expression_vector: bool = False,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        ours = encoders == "palsynth"
        if ours and (identity_block is not None or landmark_signed):
            raise InputError(
                "identity_block and landmark_signed: only published encoders have them; leave them "
                "out, or set encoders published"
            )
        self.identity_net = IRNet() if ours else AdaFaceIR(DEPTHS[50], map_block=identity_block)
        self.expression_net = ExpressionEncoder(
            *(IRNet() if ours else AdaFaceIR(DEPTHS[50]) for _ in range(2))
        )
        self.landmark_net = (
            (LandmarkNet() if ours else MobileFaceNet(landmark_signed)) if landmarks else None
        )
        self.identity_tokens = _projection(192 if ours else 512, dim)
        self.landmark_tokens = _projection(128 if ours else 512, dim) if landmarks else None
        self.expression_tokens = nn.Conv1d(1, TOKENS, 1)
        self.expression_fitted = _projection(VECTOR, dim)
        self.position = nn.Parameter(torch.zeros(TOKENS, dim))
        self.vector_position = nn.Parameter(torch.zeros(VECTOR))
        self.scale = nn.Parameter(torch.tensor([0.001]))
        self.to_time = _projection(VECTOR, time_channels)
        self.expression_to_time = (
            nn.Sequential(nn.LayerNorm(VECTOR), nn.Linear(VECTOR, time_channels))
            if expression_vector
            else None
        )
        self.fusion = CrossFusion(dim, out, heads, landmarks=landmarks, cross=cross)
        self.transposed = transposed
        # the null token; "absent" is its name in every state dict
        self.absent = nn.Parameter(torch.zeros(1, self.fusion.tokens, out))
        for frozen in (self.expression_net, self.landmark_net):
            if frozen is not None:
                frozen.requires_grad_(False).eval()

    @property
    def null_token(self) -> nn.Parameter:
        """The learned tokens (1, T, out) of an unconditional input, for classifier-free guidance.

        The parameter is called ``absent`` in state dicts, whose names are part of the file format.
        """
        return self.absent

    @classmethod
    def with_our_encoders(cls, **settings: object) -> Conditioner:
        """A conditioner whose networks are initialised from the encoders that ship.

        Args:
            **settings: arguments of the class, other than ``encoders``.

        Returns:
            The conditioner; its projections and its fusion are newly initialised.
        """
        model = cls(encoders="palsynth", **settings)
        model.identity_net.load_state_dict(load_ours("identity").state_dict())
        model.expression_net.load_state_dict(expression_encoder().state_dict())
        if model.landmark_net is not None:
            model.landmark_net.load_state_dict(landmark_encoder().state_dict())
        return model

    def train(self, mode: bool = True) -> Conditioner:
        """Sets training mode; the three encoders stay in evaluation mode, also the identity
        network, whose normalisation statistics must not change while it trains."""
        super().train(mode)
        for network in (self.identity_net, self.expression_net, self.landmark_net):
            if network is not None:
                network.eval()
        return self

    def forward(self, identity: Tensor, expression: Tensor) -> Conditioning:
        """Encodes identity and expression images, cropped as by :meth:`crop`.

        Args:
            identity: X_ID, (N, 3, H, W), RGB in 0 … 1.
            expression: X_0, (N, 3, H, W), RGB in 0 … 1.

        Returns:
            The conditioning of N images.
        """
        return self.fuse(self.encode_identity(identity), expression)

    def encode_identity(self, identity: Tensor) -> IdentityEncoding:
        """Encodes identity images: the part of the conditioning that both passes of the cycle use.

        Args:
            identity: X_ID, (N, 3, H, W), RGB in 0 … 1, cropped as by :meth:`crop`.

        Returns:
            The identity feature.
        """
        features = self.identity_net(identity)
        tokens = self.identity_tokens(features.map.flatten(2).transpose(1, 2)) + self.position
        vector = self.scale * self.to_time(features.vector + self.vector_position)
        return IdentityEncoding(tokens, vector)

    def fuse(self, identity_code: IdentityEncoding, expression: Tensor) -> Conditioning:
        """Fuses encoded identities with expression images.

        Args:
            identity_code: what :meth:`encode_identity` returns for N identity images.
            expression: X_0, (N, 3, H, W), RGB in 0 … 1, cropped as by :meth:`crop`.

        Returns:
            The conditioning of N images.
        """
        # E_Face(X_0) - E_ID(X_0): the difference removes the identity and leaves the expression
        difference = self.expression_net(expression).vector
        expression_tokens = self.expression_tokens(self.expression_fitted(difference)[:, None])
        if self.landmark_net is None:
            landmark_tokens = torch.zeros_like(identity_code.tokens)
        else:
            assert self.landmark_tokens is not None
            landmark_tokens = self.landmark_tokens(self._landmark_map(expression))
        tokens = self.fusion(identity_code.tokens, expression_tokens, landmark_tokens)
        vector = identity_code.vector
        if self.expression_to_time is not None:
            vector = vector + self.expression_to_time(difference)
        return Conditioning(tokens, vector)

    def _landmark_map(self, expression: Tensor) -> Tensor:
        """The landmark map (N, C, 7, 7) as tokens (N, 49, C)."""
        assert self.landmark_net is not None
        features = self.landmark_net(expression).map
        if self.transposed:
            return features.flatten(2).transpose(1, 2)
        return features.flatten(1).view(len(features), TOKENS, -1)

    def crop(self, face: Face, size: int) -> Face:
        """Crops a face as the encoders were trained on it.

        Args:
            face: the face.
            size: side of the crop in pixels.

        Returns:
            The crop (size, size): aligned by the outer eye corners, which no palsy moves, or for
            the published encoders by ArcFace's five points.
        """
        if isinstance(self.identity_net, AdaFaceIR):
            return face.recogniser_crop(size)
        return face.aligned(RECOGNISER, size)

    def drop_conditions(self, conditioning: Conditioning, dropped: Tensor) -> Conditioning:
        """Replaces some images' conditioning by the unconditional one, for classifier-free guidance
        (Ho & Salimans 2022, algorithm 1).

        Args:
            conditioning: the conditioning of N images.
            dropped: (N,) bool, True where the conditioning is replaced.

        Returns:
            Conditioning of the same shapes, with the null token and a zero vector where dropped.
        """
        null_token = self.null_token.to(conditioning.tokens.dtype)
        tokens = torch.where(dropped[:, None, None], null_token, conditioning.tokens)
        return Conditioning(tokens, conditioning.vector * ~dropped[:, None])

    def unconditional(self, count: int) -> Conditioning:
        """The unconditional conditioning: null tokens and a zero vector.

        Args:
            count: number N of images.

        Returns:
            The conditioning of N images.
        """
        vector = self.null_token.new_zeros(count, self.config["time_channels"])
        return Conditioning(self.null_token.expand(count, -1, -1), vector)


def _projection(inner: int, outer: int) -> nn.Module:
    """A linear layer where widths differ; the paper's widths are equal and need none."""
    return nn.Identity() if inner == outer else nn.Linear(inner, outer)

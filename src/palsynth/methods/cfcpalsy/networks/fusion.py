"""Cross-fusion: identity, expression and landmark features attend to one another (Figure 2b)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

TOKENS = 49
"""Tokens per feature: the positions of a 7 x 7 map."""


class Attended(nn.Module):
    """Cross-attention without a query projection: the queries are another feature as it is.

    Args:
        dim: channels of both features.
        heads: attention heads.
    """

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.kv = nn.Linear(dim, 2 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, queries: Tensor, feature: Tensor) -> Tensor:
        """Attends to one feature with another.

        Args:
            queries: Q, (N, T, dim), the feature that attends.
            feature: (N, T, dim), the feature attended to, which is projected to K and V.

        Returns:
            softmax(Q Kᵀ / √d) V per head of d channels, then a projection: (N, T, dim).
        """
        keys, values = self.kv(feature).chunk(2, dim=-1)
        q, k, v = (self._split(x) for x in (queries.to(keys.dtype), keys, values))
        attended = functional.scaled_dot_product_attention(q, k, v)
        return self.proj(attended.transpose(1, 2).flatten(2))

    def _split(self, tokens: Tensor) -> Tensor:
        """(N, T, dim) to (N, heads, T, dim / heads)."""
        return tokens.view(*tokens.shape[:2], self.heads, -1).transpose(1, 2)


class CrossFusion(nn.Module):
    """Fuses three features into the tokens that every attention block of the U-Net appends.

    Each feature gives K and V to one attention whose Q is another: identity attended by landmarks,
    expression by identity, landmarks by expression. The results are concatenated and projected
    (arXiv 2409.07271, cross feature fusion, Figure 2b).

    Args:
        dim: channels of each feature.
        out: channels of the fused tokens, which are keys and values at once: 2 * 512 in the paper.
        heads: attention heads.
        landmarks: False is the ablation CFCPalsy 1: identity and expression attend to each other.
        cross: False is the ablation CFCPalsy 3: the features are concatenated without attention.
    """

    def __init__(
        self,
        dim: int = 512,
        out: int = 1024,
        heads: int = 4,
        *,
        landmarks: bool = True,
        cross: bool = True,
    ) -> None:
        super().__init__()
        self.landmarks, self.cross = landmarks, cross
        if cross:
            self.identity = Attended(dim, heads)
            self.expression = Attended(dim, heads)
            if landmarks:
                self.shape = Attended(dim, heads)
        self.out = nn.Linear(dim, out)  # a 1 x 1 convolution over the tokens

    @property
    def tokens(self) -> int:
        """Number of fused tokens."""
        return (3 if self.landmarks else 2) * TOKENS

    def forward(self, identity: Tensor, expression: Tensor, landmarks: Tensor) -> Tensor:
        """Fuses the features of N images.

        Args:
            identity: (N, 49, dim) identity tokens.
            expression: (N, 49, dim) expression tokens.
            landmarks: (N, 49, dim) landmark tokens; ignored in a fusion without landmarks.

        Returns:
            Fused tokens, (N, 147, out), or (N, 98, out) without landmarks.
        """
        if not self.cross:
            parts = [identity, expression, landmarks][: 3 if self.landmarks else 2]
        elif self.landmarks:
            parts = [
                self.identity(landmarks, identity),
                self.expression(identity, expression),
                self.shape(expression, landmarks),
            ]
        else:
            parts = [self.identity(expression, identity), self.expression(identity, expression)]
        return self.out(torch.cat(parts, 1))

"""Cross-fusion: identity, expression and landmarks ask one another before the U-Net sees them."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

TOKENS = 49
"""Tokens a feature: the places of a 7 x 7 map."""


class Attended(nn.Module):
    """Attention whose queries are another feature as it is, without a projection of their own."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.kv = nn.Linear(dim, 2 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, queries: Tensor, feature: Tensor) -> Tensor:
        """``queries`` (N, T, dim) and ``feature`` (N, T, dim), which gives keys and values, to
        (N, T, dim)."""
        keys, values = self.kv(feature).chunk(2, dim=-1)
        requested, keys, values = (self._split(x) for x in (queries.to(keys.dtype), keys, values))
        found = functional.scaled_dot_product_attention(requested, keys, values)
        return self.proj(found.transpose(1, 2).flatten(2))

    def _split(self, tokens: Tensor) -> Tensor:
        return tokens.view(*tokens.shape[:2], self.heads, -1).transpose(1, 2)


class CrossFusion(nn.Module):
    """Three features to the tokens that every attention of the U-Net appends (the paper's
    section on cross-fusion; methods' ablations 1 and 3).

    ``out`` channels are keys and values at once, 2 * 512 in the paper. Without ``landmarks``
    (CFCPalsy 1) identity and expression ask each other; without ``cross`` (CFCPalsy 3) the
    features are put side by side as they are.
    """

    def __init__(
        self, dim: int = 512, out: int = 1024, heads: int = 4, *, landmarks: bool = True,
        cross: bool = True,
    ) -> None:  # fmt: skip
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
        """How many tokens come out."""
        return (3 if self.landmarks else 2) * TOKENS

    def forward(self, identity: Tensor, expression: Tensor, landmarks: Tensor) -> Tensor:
        """Features (N, 49, dim) each, to tokens (N, 147, out); (N, 98, out) without landmarks."""
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

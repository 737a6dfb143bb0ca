"""The U-Net of CFCPalsy (Figure 2c): ADM's (Dhariwal & Nichol 2021), with the fused tokens as
further keys and values of its attention."""

from __future__ import annotations

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.embeddings import TimestepEmbedding, Timesteps
from diffusers.models.modeling_utils import ModelMixin
from diffusers.models.resnet import ResnetBlock2D
from torch import Tensor, nn
from torch.nn import functional

from palsynth.errors import InputError

GROUPS, EPS = 32, 1e-5


class TokenAttention(nn.Module):
    """Self-attention over the positions of a feature map, with tokens as further keys and values.

    The tokens are not projected: their channels are, head by head, keys and then values.

    Args:
        channels: channels of the map.
        head_channels: channels per head.
    """

    def __init__(self, channels: int, head_channels: int) -> None:
        super().__init__()
        self.heads = channels // head_channels
        self.norm = nn.GroupNorm(GROUPS, channels, EPS)
        self.qkv = nn.Linear(channels, 3 * channels)
        self.proj = nn.Linear(channels, channels)
        nn.init.zeros_(self.proj.weight)
        nn.init.zeros_(self.proj.bias)

    def forward(self, x: Tensor, tokens: Tensor) -> Tensor:
        """Adds the attention's output to a map.

        Args:
            x: feature map (N, C, H, W).
            tokens: (N, T, 2 C).

        Returns:
            (N, C, H, W).
        """
        flat = self.norm(x).flatten(2).transpose(1, 2)
        # head by head: queries, keys, values (ADM's order)
        qkv = self._split(self.qkv(flat), 3)
        token_kv = self._split(tokens.to(qkv.dtype), 2)
        keys, values = (torch.cat([token_kv[k], qkv[1 + k]], 2) for k in (0, 1))
        attended = functional.scaled_dot_product_attention(qkv[0], keys, values)
        out = self.proj(attended.transpose(1, 2).flatten(2))
        return x + out.transpose(1, 2).reshape(x.shape)

    def _split(self, tokens: Tensor, parts: int) -> Tensor:
        """(N, T, heads * parts * D), head by head, to (parts, N, heads, T, D)."""
        return tokens.view(*tokens.shape[:2], self.heads, parts, -1).permute(3, 0, 2, 1, 4)


class _Block(nn.Module):
    """A residual block and, at some levels, attention."""

    def __init__(
        self, inner: int, outer: int, time: int, heads: int, attention: bool, dropout: float
    ) -> None:
        super().__init__()
        self.resnet = _resnet(inner, outer, time, dropout)
        self.attention = TokenAttention(outer, heads) if attention else None

    def forward(self, x: Tensor, time: Tensor, tokens: Tensor) -> Tensor:
        x = self.resnet(x, time)
        return x if self.attention is None else self.attention(x, tokens)


def _resnet(
    inner: int, outer: int, time: int, dropout: float, *, up: bool = False, down: bool = False
) -> ResnetBlock2D:
    return ResnetBlock2D(
        in_channels=inner,
        out_channels=outer,
        temb_channels=time,
        groups=GROUPS,
        eps=EPS,
        dropout=dropout,
        time_embedding_norm="scale_shift",
        up=up,
        down=down,
    )


class CFCPalsyUNet(ModelMixin, ConfigMixin):  # type: ignore[misc]
    """Predicts the noise (or velocity) of noisy images, conditioned on fused tokens.

    The defaults are the paper's: 112 px, 93.6 M parameters, noise and variance predicted. Each
    level halves the map until its side is odd (the paper's fifth stays at 7).

    Args:
        size: side of the images in pixels.
        base: channels at the first level.
        multipliers: channels of each level, as multiples of ``base``.
        blocks: residual blocks per level on the way down; there is one more on the way up.
        attention: levels with attention, counted from 0. They must all be as wide as the innermost
            level, since the tokens have twice that many channels.
        head_channels: channels per attention head.
        predicted: output channels: 3, or 6 with a variance.
        unshuffle: factor by which pixel unshuffling reduces the sides (Shi et al. 2016): pixel
            diffusion at a fraction of the cost.
        conditions: number of condition images that are concatenated to the noisy image.
        dropout: dropout in the residual blocks.

    Raises:
        InputError: the sizes do not fit together.
    """

    @register_to_config
    def __init__(
        self,
        size: int = 112,
        base: int = 128,
        multipliers: tuple[int, ...] = (1, 1, 2, 2, 4, 4),
        blocks: int = 1,
        attention: tuple[int, ...] = (4,),
        head_channels: int = 64,
        predicted: int = 6,
        unshuffle: int = 1,
        conditions: int = 0,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        widths = [base * m for m in multipliers]
        _check_sizes(size, unshuffle, widths, attention, head_channels)
        self.unshuffle = unshuffle
        self.time_channels = time = 4 * base
        self.token_channels = 2 * widths[-1]
        self.timesteps = Timesteps(base, flip_sin_to_cos=True, downscale_freq_shift=0)
        self.time = TimestepEmbedding(base, time)
        in_channels = 3 * (1 + conditions) * unshuffle**2
        self.stem = nn.Conv2d(in_channels, base, 3, padding=1)
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        skips, width, side, halved = [base], base, size // unshuffle, []
        for level, outer in enumerate(widths):
            for _ in range(blocks):
                attends = level in attention
                self.down.append(_Block(width, outer, time, head_channels, attends, dropout))
                width = outer
                skips.append(width)
            if level + 1 < len(widths):
                halved.append(side % 2 == 0)
                side = side // 2 if halved[-1] else side
                self.down.append(_resnet(width, width, time, dropout, down=halved[-1]))
                skips.append(width)
        self.middle = nn.ModuleList(
            [
                _Block(width, width, time, head_channels, True, dropout),
                _resnet(width, width, time, dropout),
            ]
        )
        for level, outer in reversed(list(enumerate(widths))):
            for _ in range(blocks + 1):
                attends = level in attention
                inner = width + skips.pop()
                self.up.append(_Block(inner, outer, time, head_channels, attends, dropout))
                width = outer
            if level:
                self.up.append(_resnet(width, width, time, dropout, up=halved.pop()))
        self.head = nn.Sequential(nn.GroupNorm(GROUPS, width, EPS), nn.SiLU())
        self.last = nn.Conv2d(width, predicted * unshuffle**2, 3, padding=1)
        for parameter in self.last.parameters():
            nn.init.zeros_(parameter)

    def forward(
        self,
        sample: Tensor,
        timestep: Tensor,
        tokens: Tensor,
        vector: Tensor,
        conditions: Tensor | None = None,
    ) -> Tensor:
        """Predicts noise (or velocity) and, with six output channels, the variance.

        Args:
            sample: noisy images X_t, (N, 3, H, W).
            timestep: (N,), 0 … 999.
            tokens: fused tokens (N, T, 2 C), with C the channels of the innermost level.
            vector: vector of the conditioning (N, time_channels), summed with the time embedding.
            conditions: condition images (N, 3 * conditions, H, W), in -1 … 1.

        Returns:
            The prediction, (N, predicted, H, W).
        """
        time = self.time(self.timesteps(timestep).to(vector.dtype)) + vector
        x = sample if conditions is None else torch.cat([sample, conditions], 1)
        unshuffle = self.unshuffle
        x = self.stem(functional.pixel_unshuffle(x, unshuffle))
        x = x.contiguous(memory_format=torch.channels_last)
        skips = [x]
        for part in self.down:
            x = part(x, time, tokens) if isinstance(part, _Block) else part(x, time)
            skips.append(x)
        block, plain = self.middle
        x = plain(block(x, time, tokens), time)
        for part in self.up:
            if isinstance(part, _Block):
                x = part(torch.cat([x, skips.pop()], 1), time, tokens)
            else:
                x = part(x, time)
        return functional.pixel_shuffle(self.last(self.head(x)), unshuffle)


def _check_sizes(
    size: int,
    unshuffle: int,
    widths: list[int],
    attention: tuple[int, ...],
    head_channels: int,
) -> None:
    if size % unshuffle:
        raise InputError(f"size {size} cannot be unshuffled by {unshuffle}")
    attending = {widths[level] for level in attention if level < len(widths)} | {widths[-1]}
    if len(attending) > 1:
        raise InputError(
            f"attention at widths {sorted(attending)}: the tokens are keys and values of one "
            "width; choose levels as wide as the innermost"
        )
    if widths[-1] % head_channels:
        raise InputError(f"{widths[-1]} channels cannot be split into heads of {head_channels}")

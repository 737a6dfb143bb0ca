"""Settings of the face restoration network."""

from __future__ import annotations

from dataclasses import dataclass

from palsynth.errors import InputError
from palsynth.limits import check_side
from palsynth.methods.gans.degradation import BLOCK
from palsynth.settings import Settings


@dataclass(frozen=True)
class RestorationSettings(Settings):
    """Size of the network."""

    size: int = 64
    """Side of the images in pixels."""
    widths: tuple[int, ...] = (24, 48, 96, 128)
    """Channels at full size and at each level, which halves the sides."""
    blocks: int = 2
    """Residual blocks behind the last level."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_side(self.size)
        if len(self.widths) < 2 or min(self.widths) < 1:
            raise InputError("widths: two integers or more, all at least 1")
        multiple = max(BLOCK, 2 ** (len(self.widths) - 1))
        if self.size <= multiple or self.size % multiple:
            raise InputError(f"size {self.size}: must be a multiple of {multiple}, and larger")
        if self.blocks < 0:
            raise InputError(f"blocks {self.blocks}: must not be negative")


@dataclass(frozen=True)
class RestorationModelSettings(Settings):
    """What inference needs to know about trained weights."""

    size: int = 64
    """Side of the images in pixels."""

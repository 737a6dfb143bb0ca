"""Settings of a plain diffusion model.

Defaults are those of DDPM (Ho et al. 2020, appendix B), with conditions, and for images of 112 px,
whose side cannot be halved a fifth time: the last of the published six levels is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from palsynth.clinical import YANAGIHARA, Movement
from palsynth.errors import InputError
from palsynth.limits import check_side
from palsynth.methods.diffusion_process import STEPS, Prediction, Sampler, check_steps
from palsynth.settings import Settings

GROUPS = 4
"""Channels per group of the norms, at least: the first level has a multiple of it."""

MOST_GROUPS = 32
"""Groups of the norms, at most (Wu & He 2018); a first level with more channels has a multiple."""


@dataclass(frozen=True)
class DiffusionUNetSettings(Settings):
    """The U-Net (diffusers' UNet2DModel)."""

    base: int = 128
    """Channels at the first level, a multiple of 4; above 128, of 32."""
    multipliers: tuple[int, ...] = (1, 1, 2, 2, 4)
    """Channels of each level, as multiples of base."""
    blocks: int = 2
    """Residual blocks per level on the way down; there is one more on the way up."""
    attention: tuple[int, ...] = (3,)
    """Levels with attention, counted from 0; there is always attention in the middle."""
    head_channels: int | None = None
    """Channels per attention head; None is one head."""
    unshuffle: int = 1
    """Extension: factor by which pixel unshuffling reduces the sides."""
    dropout: float = 0.0
    """Dropout in the residual blocks."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("base", "blocks", "unshuffle"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} {getattr(self, name)}: must be at least 1")
        if not self.multipliers or min(self.multipliers) < 1:
            raise InputError("multipliers: give at least one, each at least 1")
        if self.base % GROUPS:
            raise InputError(f"base {self.base}: must be a multiple of {GROUPS}")
        most = GROUPS * MOST_GROUPS
        if self.base > most and self.base % MOST_GROUPS:
            raise InputError(f"base {self.base}: above {most}, must be a multiple of {MOST_GROUPS}")
        levels = len(self.multipliers)
        if not all(0 <= level < levels for level in self.attention):
            raise InputError(f"attention {self.attention}: levels are 0 … {levels - 1}")
        if not 0 <= self.dropout < 1:
            raise InputError(f"dropout {self.dropout:g}: must lie in 0 … 1, 1 excluded")
        heads = self.head_channels
        attending = {self.base * self.multipliers[level] for level in (*self.attention, -1)}
        if heads is not None and (heads < 1 or any(width % heads for width in attending)):
            raise InputError(
                f"head_channels {heads}: must divide the channels of every level with attention "
                f"({', '.join(map(str, sorted(attending)))})"
            )

    def check_side(self, side: int) -> None:
        """Checks that the levels fit what is diffused.

        Args:
            side: side of the images, or of their latents.

        Raises:
            InputError: it cannot be halved often enough.
        """
        factor = self.unshuffle * 2 ** (len(self.multipliers) - 1)
        if side % factor:
            raise InputError(
                f"side {side} of what is diffused: must be a multiple of {factor} for "
                f"{len(self.multipliers)} levels and unshuffle {self.unshuffle}"
            )


@dataclass(frozen=True)
class DiffusionSampling(Settings):
    """How images are sampled."""

    sampler: Sampler = "ddpm"
    """Sampler: ddpm, ddim (deterministic) or dpm++ for DPM-Solver++."""
    steps: int = STEPS
    """Sampling steps."""
    guidance: float = 1.0
    """Scale of classifier-free guidance (Ho & Salimans 2022): 1 is none, above 1 follows the
    condition more closely."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_steps(self.sampler, self.steps)
        if self.guidance < 1:
            raise InputError(f"guidance {self.guidance:g}: must be at least 1")


@dataclass(frozen=True)
class DiffusionModelSettings(Settings):
    """A whole model."""

    space: Literal["pixels", "latents"] = "pixels"
    """What is diffused: pixels (DDPM), or the latents of an autoencoder (latent diffusion)."""
    size: int = 112
    """Side of the images in pixels."""
    autoencoder: Path | None = None
    """Folder of the autoencoder of latents (AutoencoderKL). Default: the one that ships."""
    condition_dropout: float = 0.1
    """Share of examples whose condition is dropped, for classifier-free guidance; 1 makes a model
    without conditions."""
    movements: tuple[str, ...] = tuple(movement.value for movement in YANAGIHARA)
    """Movements that the model knows. A picture of another one is trained on without condition."""
    prediction: Prediction = "epsilon"
    """What the U-Net predicts: the noise, the velocity or, as sample, the image or latents."""
    unet: DiffusionUNetSettings = DiffusionUNetSettings()
    sampling: DiffusionSampling = DiffusionSampling()

    def __post_init__(self) -> None:
        super().__post_init__()
        check_side(self.size)
        if self.size < 1:
            raise InputError(f"size {self.size}: must be at least 1")
        if not 0 <= self.condition_dropout <= 1:
            raise InputError(f"condition_dropout {self.condition_dropout:g}: must lie in 0 … 1")
        if self.sampling.guidance > 1 and not 0 < self.condition_dropout < 1:
            raise InputError(
                f"guidance {self.sampling.guidance:g}: needs conditions of which some are dropped "
                "in training; set condition_dropout between 0 and 1, or guidance 1"
            )
        unknown = sorted(set(self.movements) - {movement.value for movement in Movement})
        if unknown:
            raise InputError(f"movements: no '{unknown[0]}'; choose of {', '.join(Movement)}")
        if not self.movements or len(set(self.movements)) < len(self.movements):
            raise InputError("movements: give at least one, and none twice")
        if self.space == "pixels":
            self.unet.check_side(self.size)
            if self.autoencoder is not None:
                raise InputError("autoencoder: a model of pixels has none; set space latents")
        elif self.unet.unshuffle != 1:
            raise InputError("unshuffle: latents are small already; leave it out")

    @property
    def conditioned(self) -> bool:
        """Whether the model has conditions."""
        return self.condition_dropout < 1

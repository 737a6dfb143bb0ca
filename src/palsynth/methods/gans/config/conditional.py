"""Settings of the conditional GANs: pix2pix, and MC-GAN with and without normalised face shape.

Defaults are pix2pix as published (Isola et al. 2017).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from palsynth.errors import InputError
from palsynth.limits import check_side
from palsynth.methods.gans.config.adversarial import AdversarialLoss
from palsynth.settings import Settings

Condition = Literal["image", "landmarks", "normalised-landmarks"]
"""What a generator is given of the expression: the image, or landmarks that are drawn as lines, as
they are or in the proportions of the identity's face."""

GeneratorKind = Literal["unet", "synthesis"]


@dataclass(frozen=True)
class ConditionalSettings(Settings):
    """A generator and its condition: all that inference needs to know."""

    condition: Condition = "image"
    """What it is given of the expression: the image, its landmarks, or its landmarks in the
    proportions of the identity's face."""
    generator: GeneratorKind = "unet"
    """A U-Net of both images, as in pix2pix, or synthesis blocks between an encoder of each, as in
    MC-GAN."""
    size: int = 256
    """Side of the images in pixels."""
    width: int = 64
    """Channels of the outermost level; each further level has twice as many, at most 8 times."""
    levels: int = 8
    """Number of levels, each of which halves the sides."""
    dropout: float = 0.5
    """Dropout in the three innermost levels of the U-Net on the way up, during training only."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_side(self.size)
        for name in ("width", "levels"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} {getattr(self, name)}: must be at least 1")
        if self.size < 2 or self.levels > 10 or self.size % 2**self.levels:
            raise InputError(
                f"size {self.size}: cannot be halved {self.levels} times; give a multiple of "
                "2 ** levels, or fewer levels"
            )
        if self.generator == "unet" and self.levels < 2:
            raise InputError(f"levels {self.levels}: a U-Net needs at least 2")
        if self.generator == "synthesis" and self.size == 2**self.levels:
            raise InputError(
                f"levels {self.levels}: leave a single pixel of {self.size}, which has no norm; "
                "give fewer levels"
            )
        if not 0 <= self.dropout < 1:
            raise InputError(f"dropout {self.dropout:g}: must lie in 0 … 1, 1 excluded")


@dataclass(frozen=True)
class ConditionalLosses(Settings):
    """What generator and discriminator minimise."""

    adversarial: AdversarialLoss = "logistic"
    """The adversarial loss: that of pix2pix, or that of MC-GAN's published code."""
    distance_weight: float = 100.0
    """Weight of the distance L1 to the true image."""
    change_weight: float = 0.0
    """Further weight of pixels in that distance, times how far the true image is from the identity
    image there, in 0 … 1: an expression changes few pixels, and where all count alike, a short
    training copies the identity image. 0 is as published."""
    mismatched: bool = False
    """Whether true images with the condition of another one are fakes too, as in MC-GAN."""
    discriminator_rate: float = 1.0
    """Learning rate of the discriminator as a share of the generator's. The papers halve its loss
    to slow it down, which Adam undoes."""
    width: int = 64
    """Channels of the discriminator's first level."""
    levels: int = 3
    """Levels of the discriminator; with 3, it judges patches 70 pixels wide."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("distance_weight", "change_weight"):
            if getattr(self, name) < 0:
                raise InputError(f"{name} {getattr(self, name):g}: must not be negative")
        if not 0 < self.discriminator_rate <= 1:
            raise InputError(
                f"discriminator_rate {self.discriminator_rate:g}: must lie in 0 … 1, 0 excluded"
            )
        for name in ("width", "levels"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} {getattr(self, name)}: must be at least 1")

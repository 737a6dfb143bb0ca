"""What decides a CFCPalsy model: every step beyond the paper, and every ablation, is a field here.

Defaults are the paper's (arXiv 2409.07271 and its training script).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from palsynth.errors import InputError
from palsynth.methods.cfcpalsy.diffusion import Prediction, Sampler
from palsynth.settings import Settings

ImageInput = Literal["identity", "expression", "draft"]


@dataclass(frozen=True)
class UNetSettings(Settings):
    """The U-Net (see :class:`CFCPalsyUNet`)."""

    size: int = 112
    base: int = 128
    multipliers: tuple[int, ...] = (1, 1, 2, 2, 4, 4)
    blocks: int = 1
    attention: tuple[int, ...] = (4,)
    head_channels: int = 64
    predicted: Literal[3, 6] = 6
    """6 has room for the variance that the published network predicts and nobody trains."""
    unshuffle: int = 1
    """Beyond the paper: pixels a side folded into channels."""
    dropout: float = 0.0


@dataclass(frozen=True)
class ConditionSettings(Settings):
    """What the U-Net is told (see :class:`Conditioner`)."""

    dim: int = 512
    heads: int = 4
    landmarks: bool = True
    """False is CFCPalsy 1."""
    cross: bool = True
    """False is CFCPalsy 3."""
    fusion_trainable: bool = True
    """False repeats a fault of the published code: its adapters and fusion never train."""
    identity_trainable: bool = True
    transposed: bool = True
    """A landmark token is a place of the map; the published code mixes channels and places."""
    images: tuple[ImageInput, ...] = ()
    """Beyond the paper: images that the U-Net sees as further channels."""
    drop: float = 0.0
    """Beyond the paper: share of examples without conditions, for guidance; 1 reads no condition
    at all, for a U-Net that others begin with."""

    def __post_init__(self) -> None:
        if not 0 <= self.drop <= 1:
            raise InputError(f"drop {self.drop:g}: must lie in 0 … 1")


@dataclass(frozen=True)
class DiffusionSettings(Settings):
    """The objective, and how images are drawn afterwards."""

    prediction: Prediction = "epsilon"
    residual: Literal["none", "identity", "draft"] = "none"
    """Beyond the paper: what is drawn is the difference to that image."""
    residual_scale: float = 2.0
    """The difference is made this much larger, so that its size is nearer to the noise's."""
    cycle: float = 0.3
    """Weight sigma of the second pass; 0 is CFCPalsy 2."""
    identity_weight: float = 0.05
    landmark_weight: float = 1.0
    sampler: Sampler = "ddim"
    steps: int = 50
    eta: float = 1.0
    """Noise that ddim adds at each step."""
    num_samples_averaged: int = 1
    """Beyond the paper: an image is the mean of so many, which differ where the model is not
    sure. Where the difference to a draft is drawn, the draft keeps the mean sharp."""
    guidance: float = 1.0
    """Above 1 leans towards the conditions; needs a model trained with ``drop``."""

    def __post_init__(self) -> None:
        for name in ("cycle", "identity_weight", "landmark_weight", "eta"):
            if getattr(self, name) < 0:
                raise InputError(f"{name} {getattr(self, name):g}: must not be negative")
        if self.num_samples_averaged < 1:
            raise InputError(
                f"num_samples_averaged {self.num_samples_averaged}: must be at least 1"
            )
        if self.residual_scale <= 0 or self.guidance < 1:
            raise InputError("residual_scale must be above 0, guidance at least 1")


@dataclass(frozen=True)
class CFCPalsySettings(Settings):
    """A whole model."""

    unet: UNetSettings = UNetSettings()
    condition: ConditionSettings = ConditionSettings()
    diffusion: DiffusionSettings = DiffusionSettings()

    def __post_init__(self) -> None:
        if self.diffusion.residual != "none" and self.unet.predicted != 3:
            raise InputError("a residual model predicts 3 channels; set unet.predicted 3")
        if self.condition.drop == 1 and (self.diffusion.cycle or self.condition.images):
            raise InputError("a model without conditions (drop 1) has no cycle and sees no images")
        if self.diffusion.guidance > 1 and not 0 < self.condition.drop < 1:
            raise InputError("guidance needs a model trained with condition.drop above 0")

    @property
    def uses_draft(self) -> bool:
        """Whether the simulator's draft must be given."""
        return "draft" in self.condition.images or self.diffusion.residual == "draft"

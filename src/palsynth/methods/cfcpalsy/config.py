"""Settings of a CFCPalsy model and of its training pairs: every extension of the paper, and every
ablation, is a field here.

Defaults are the paper's (arXiv 2409.07271 and its training script).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

from palsynth.errors import InputError
from palsynth.limits import check_side
from palsynth.methods.diffusion_process import Prediction, Sampler, check_steps
from palsynth.settings import Settings

ImageInput = Literal["identity", "expression", "draft"]


@dataclass(frozen=True)
class UNetSettings(Settings):
    """The U-Net (CFCPalsyUNet)."""

    size: int = 112
    """Side of the images in pixels."""
    base: int = 128
    """Channels at the first level."""
    multipliers: tuple[int, ...] = (1, 1, 2, 2, 4, 4)
    """Channels of each level, as multiples of base."""
    blocks: int = 1
    """Residual blocks per level on the way down; there is one more on the way up."""
    attention: tuple[int, ...] = (4,)
    """Levels with attention, counted from 0."""
    head_channels: int = 64
    """Channels per attention head."""
    predicted: Literal[3, 6] = 6
    """Output channels; 6 includes the variance, which the published code never trains."""
    unshuffle: int = 1
    """Extension: factor by which pixel unshuffling reduces the sides."""
    dropout: float = 0.0
    """Dropout in the residual blocks."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_side(self.size)


@dataclass(frozen=True)
class ConditionSettings(Settings):
    """The conditioning of the U-Net (Conditioner)."""

    dim: int = 512
    """Channels of the tokens before fusion."""
    heads: int = 4
    """Attention heads of the fusion."""
    landmarks: bool = True
    """Whether there is a landmark feature; False is the ablation CFCPalsy 1."""
    cross: bool = True
    """Whether features attend to one another; False is the ablation CFCPalsy 3."""
    fusion_trainable: bool = True
    """False reproduces a fault of the published code: its adapters and fusion never train."""
    identity_trainable: bool = True
    """Whether the identity network trains."""
    identity_train_mode: bool = False
    """Whether the identity network is in training mode while it trains, as in the published code:
    the statistics of its norms move, and its dropout acts."""
    transposed: bool = True
    """Whether each landmark token is one position of the landmark map; the published code mixes
    channels and positions."""
    expression_vector: bool = False
    """Extension: whether the expression feature is summed with the time embedding, as the identity
    feature is, and so scales and shifts every residual block."""
    images: tuple[ImageInput, ...] = ()
    """Extension: images that the U-Net takes as further input channels."""
    drop: float = 0.0
    """Extension: share of examples whose conditions are dropped, for classifier-free guidance; 1
    trains without any condition, a U-Net to initialise others from."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.drop <= 1:
            raise InputError(f"drop {self.drop:g}: must lie in 0 … 1")
        if self.identity_train_mode and not self.identity_trainable:
            raise InputError(
                "identity_train_mode: the identity network does not train; leave it out"
            )


@dataclass(frozen=True)
class EncoderSettings(Settings):
    """Published encoders, for the conditioning and the losses of a new model. All or none: they are
    trained on another crop of the face than ours."""

    identity: Path | None = None
    """AdaFace IR-50: the identity network at the start, E_ID, and the recogniser of the identity
    loss. Default: ours."""
    expression: Path | None = None
    """The IR-50 that was tuned to expressions, E_Face. Default: ours."""
    landmarks: Path | None = None
    """MobileFaceNet, of the landmark feature and the landmark loss. Default: ours."""

    def __post_init__(self) -> None:
        super().__post_init__()
        missing = [field.name for field in fields(self) if getattr(self, field.name) is None]
        if 0 < len(missing) < len(fields(self)):
            raise InputError(
                f"{' and '.join(missing)}: missing; published encoders and ours take different "
                "crops of the face, so give all three, or none"
            )

    @property
    def given(self) -> bool:
        """Whether there are published encoders."""
        return self.identity is not None

    def check_files(self) -> None:
        """Checks that the files exist, before anything that takes long.

        Raises:
            InputError: there is no such file.
        """
        for field in fields(self):
            path = getattr(self, field.name)
            if path is not None and not path.is_file():
                raise InputError(f"{path}: no such file; give the weights of encoders.{field.name}")


@dataclass(frozen=True)
class DiffusionSettings(Settings):
    """The objective, and how images are sampled."""

    prediction: Prediction = "epsilon"
    """What the U-Net predicts: the noise, the velocity or the image itself."""
    residual: Literal["none", "identity", "draft"] = "none"
    """Extension: the image whose difference to the target is diffused, in place of the target."""
    residual_scale: float = 2.0
    """Factor on that difference, to bring its magnitude nearer to the noise's."""
    change_weight: float = 0.0
    """Extension: further weight of pixels in the loss of the prediction, times how far the target
    is from the identity image there, in 0 … 1."""
    timestep_power: float = 1.0
    """Extension: exponent p of the timesteps of training, 1000 u^p with u uniform in 0 … 1. Below
    1, noisy images come more often, of which the conditions alone say how the face moves."""
    cycle: float = 0.3
    """Weight sigma of the second pass; 0 is the ablation CFCPalsy 2."""
    identity_weight: float = 0.05
    """Weight lambda_id of the identity loss."""
    landmark_weight: float = 1.0
    """Weight lambda_lm of the landmark loss."""
    sampler: Sampler = "ddim"
    """The sampler."""
    steps: int = 50
    """Sampling steps."""
    eta: float = 1.0
    """Noise that ddim adds at each step: 0 is deterministic, 1 as much as ddpm."""
    num_samples_averaged: int = 1
    """Extension: number of samples whose mean is the image; they differ where the model is
    uncertain. With residual draft, the draft keeps the mean sharp."""
    guidance: float = 1.0
    """Scale of classifier-free guidance; above 1 needs a model trained with drop."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("change_weight", "cycle", "identity_weight", "landmark_weight", "eta"):
            if getattr(self, name) < 0:
                raise InputError(f"{name} {getattr(self, name):g}: must not be negative")
        if self.num_samples_averaged < 1:
            raise InputError(
                f"num_samples_averaged {self.num_samples_averaged}: must be at least 1"
            )
        check_steps(self.sampler, self.steps)
        if self.timestep_power <= 0:
            raise InputError(f"timestep_power {self.timestep_power:g}: must be above 0")
        if self.residual_scale <= 0 or self.guidance < 1:
            raise InputError("residual_scale must be above 0, guidance at least 1")


@dataclass(frozen=True)
class CFCPalsySettings(Settings):
    """A whole model."""

    unet: UNetSettings = UNetSettings()
    condition: ConditionSettings = ConditionSettings()
    diffusion: DiffusionSettings = DiffusionSettings()

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.diffusion.residual != "none" and self.unet.predicted != 3:
            raise InputError("a residual model predicts 3 channels; set unet.predicted 3")
        if self.condition.drop == 1 and (self.diffusion.cycle or self.condition.images):
            raise InputError(
                "a model without conditions (drop 1) can have neither a cycle nor condition images"
            )
        if self.diffusion.guidance > 1 and not 0 < self.condition.drop < 1:
            raise InputError("guidance needs a model trained with condition.drop above 0")

    @property
    def uses_draft(self) -> bool:
        """Whether the model needs the simulator's draft."""
        return "draft" in self.condition.images or self.diffusion.residual == "draft"

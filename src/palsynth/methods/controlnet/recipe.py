"""The recipe of a ControlNet: what base, what pictures, which strategy, the loop."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from diffusers.models.controlnets.controlnet import ControlNetModel

from palsynth.data.examples import Source
from palsynth.errors import InputError
from palsynth.methods.controlnet.data.examples import in_batch
from palsynth.methods.controlnet.data.healthy import HELD, HealthySettings, held_out
from palsynth.methods.controlnet.data.patients import PatientsSettings
from palsynth.methods.controlnet.io.loading import read_base, read_controlnet
from palsynth.methods.controlnet.objective import ControlNetObjective
from palsynth.methods.controlnet.pipeline import Sampling
from palsynth.methods.controlnet.strategies import Strategy
from palsynth.methods.controlnet.weighting import Weighting
from palsynth.settings import Settings
from palsynth.training.objective import Objective
from palsynth.training.recipe import LoopSettings


@dataclass(frozen=True)
class ControlNetSettings(Settings):
    """What a ControlNet works with, and how pictures are drawn afterwards."""

    base: str | None = None
    """A Stable Diffusion: folder, downloaded hub name or single file; None is the small one that
    ships."""
    tokenizer: Path | None = None
    """Folder of the tokenizer, where the base is a single file."""
    controlnet: str | None = None
    """The Canny ControlNet to begin with; None is the one that ships."""
    from_scratch: bool = False
    """Begin with a copy of the base's way down instead (Zhang et al. 2023)."""
    strategy: Strategy = field(default_factory=Strategy)
    sampling: Sampling = field(default_factory=Sampling)

    def __post_init__(self) -> None:
        if self.from_scratch and (
            self.sampling.outside == "pretrained" or self.strategy.trains.startswith("inner")
        ):
            raise InputError(
                "from_scratch begins without a ControlNet: nothing was pretrained to act outside, and its "
                "frozen outer layers would stay at zero"
            )
        if self.strategy.tunes_base and self.sampling.outside != "tuned":
            raise InputError(
                "layers of the base are tuned too and act at all timesteps: outside must be 'tuned'"
            )
        if self.from_scratch and (self.controlnet is not None or self.strategy.trains == "lora"):
            raise InputError(
                "from_scratch begins without a ControlNet; leave out controlnet and lora"
            )


@dataclass(frozen=True)
class ControlNetRecipe(Settings):
    """Tunes a Canny ControlNet on patients, or trains one on healthy people."""

    kind: Literal["controlnet"] = "controlnet"
    model: ControlNetSettings = field(default_factory=ControlNetSettings)
    patients: PatientsSettings | None = None
    """Whom it is tuned on; without them healthy people are drawn."""
    healthy: HealthySettings = field(default_factory=HealthySettings)
    weighting: Weighting = field(default_factory=Weighting)
    """What timesteps count; one that begins from scratch may count them as text-to-image does."""
    control_dropout: float = 0.0
    """Share of examples whose edges are left out: where the base is trained too, so that it goes on
    learning to draw from words alone."""
    edge_loss_weight: float = 1.0
    """How often errors on an edge count: above 1, what the edges say is learnt sooner."""
    gradient_checkpointing: bool = False
    """Computes the way forward twice, to hold less of it in memory."""
    loop: LoopSettings = field(default_factory=lambda: LoopSettings(batch=4, learning_rate=1e-5))

    def __post_init__(self) -> None:
        if not 0 <= self.control_dropout < 1:
            raise InputError(
                f"control_dropout {self.control_dropout:g}: must lie in 0 … 1, 1 excluded"
            )
        if self.control_dropout and not self.model.strategy.tunes_base:
            raise InputError(
                "control_dropout: nothing learns from examples without edges but a base that "
                "trains too (trains: both or inner); leave it out"
            )
        if self.edge_loss_weight <= 0:
            raise InputError(f"edge_loss_weight {self.edge_loss_weight:g}: must be above 0")

    def source(self, build_cache: bool = True) -> Source:
        """What it trains on."""
        size = read_base(self.model.base, self.model.tokenizer).size
        if self.patients is not None:
            return self.patients.build(size)
        return self.healthy.build(size, build_cache)

    def objective(self) -> Objective:
        """What trains."""
        m = self.model
        base = read_base(m.base, m.tokenizer)
        if m.from_scratch:
            controlnet = ControlNetModel.from_unet(
                base.unet, conditioning_channels=3,
                **{"conditioning_embedding_out_channels": _embedding(base.factor)},
            )  # fmt: skip
        else:
            controlnet = read_controlnet(m.controlnet, base)
        others = self.patients.build(base.size).held(HELD) if self.patients is not None else []
        held = in_batch(others) if others else held_out(base.size)
        if self.gradient_checkpointing:
            controlnet.enable_gradient_checkpointing()
            base.unet.enable_gradient_checkpointing()
        return ControlNetObjective(
            base, controlnet, m.strategy, m.sampling, held, self.weighting, self.control_dropout,
            self.edge_loss_weight,
        )  # fmt: skip


def _embedding(factor: int) -> tuple[int, ...]:
    """Channels of the layers that take edges to the size of latents: one halving a level."""
    channels = (16, 32, 96, 256, 512)
    return channels[: factor.bit_length()]

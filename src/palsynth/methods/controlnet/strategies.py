"""What trains and at which timesteps: the paper's strategies and its baselines as one dataclass."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Literal

import torch
from diffusers.models.controlnets.controlnet import ControlNetModel
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from peft import LoraConfig
from torch import Tensor

from palsynth.errors import InputError
from palsynth.settings import Settings
from palsynth.training.objective import TIMESTEPS

Trains = Literal["controlnet", "inner", "inner-controlnet", "lora", "both"]


@dataclass(frozen=True)
class Strategy(Settings):
    """Conventional fine-tuning where nothing is said: the whole ControlNet, at all timesteps.

    Partial fine-tuning (Tajima, Seo & Chen 2026) is ``first`` 500 and ``last`` 701.
    """

    trains: Trains = "controlnet"
    """inner is the paper's layer freezing: the innermost blocks and cross-attention of the
    ControlNet and, as it has no way up, those of the base U-Net; inner-controlnet leaves the base
    alone; lora trains low-rank additions to the ControlNet's attention; both trains the base U-Net
    with it, as our small one was."""
    first: int = 0
    """First timestep that is trained, 0 … 999."""
    last: int = TIMESTEPS
    """The timestep after the last."""
    rank: int = 16
    """Of lora."""
    targets: tuple[str, ...] = ("to_q", "to_k", "to_v", "to_out.0")
    """Layers that lora adds to. The paper does not say which it took."""

    def __post_init__(self) -> None:
        if not 0 <= self.first < self.last <= TIMESTEPS:
            raise InputError(
                f"timesteps {self.first} to {self.last}: must lie in 0 … {TIMESTEPS}, the first "
                "below the last (which is not trained itself)"
            )
        if self.rank < 1:
            raise InputError(f"rank {self.rank}: must be at least 1")

    @property
    def tunes_base(self) -> bool:
        """Whether layers of the base train too, which then act at all timesteps."""
        return self.trains in ("inner", "both")

    def timesteps(self, count: int, rng: torch.Generator) -> Tensor:
        """Timesteps (count,) of a batch."""
        return torch.randint(self.first, self.last, (count,), generator=rng, device=rng.device)

    def set_trainable(self, controlnet: ControlNetModel, unet: UNet2DConditionModel) -> None:
        """Sets which tensors have a gradient; lora is added to the ControlNet."""
        unet.requires_grad_(self.trains == "both")
        controlnet.requires_grad_(self.trains in ("controlnet", "both"))
        if self.trains == "lora":
            self._add_lora(controlnet)
        elif self.trains.startswith("inner"):
            inner = (f"down_blocks.{len(controlnet.down_blocks) - 1}.", "mid_block.")
            _free(controlnet, inner)
            if self.trains == "inner":
                _free(unet, ("up_blocks.0.",))

    def _add_lora(self, controlnet: ControlNetModel) -> None:
        config = LoraConfig(
            r=self.rank, lora_alpha=self.rank, target_modules=list(self.targets),
            init_lora_weights="gaussian",
        )  # fmt: skip
        try:
            controlnet.add_adapter(config)
        except ValueError as error:
            raise InputError(f"targets {', '.join(self.targets)}: {error}") from None


def _free(network: torch.nn.Module, blocks: tuple[str, ...]) -> None:
    """Some blocks and all cross-attention."""
    for name, tensor in network.named_parameters():
        if name.startswith(blocks) or ".attn2." in name:
            tensor.requires_grad_(True)


def merged(controlnet: ControlNetModel) -> ControlNetModel:
    """A ControlNet with its low-rank additions added in, a plain one; itself where it has none."""
    if not getattr(controlnet, "peft_config", None):
        return controlnet
    out = ControlNetModel.from_config(controlnet.config)
    whole = copy.deepcopy(controlnet)  # adding and taking away again would change what is frozen
    whole.fuse_lora()
    out.load_state_dict({
        name.replace(".base_layer.", "."): tensor
        for name, tensor in whole.state_dict().items()
        if ".lora_" not in name
    })  # fmt: skip
    return out.to(controlnet.device).requires_grad_(False).eval()

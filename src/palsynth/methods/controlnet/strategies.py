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
    """A fine-tuning strategy; default: conventional, the whole ControlNet at all timesteps.

    Partial fine-tuning (Tajima, Seo & Chen 2026, section III.B: 500 ≤ t ≤ 700) is first 500
    and last 701. Layer freezing and LoRA are baselines of their section IV.B.
    """

    trains: Trains = "controlnet"
    """controlnet: all of it; inner: the paper's layer freezing, which trains the innermost blocks
    and the cross-attention of the ControlNet and, as a ControlNet has no decoder, those of the
    base U-Net; inner-controlnet: the same without the base; lora: low-rank adapters on the
    ControlNet's attention; both: ControlNet and base U-Net, as for our small one."""
    first: int = 0
    """First timestep that is trained, 0 … 999."""
    last: int = TIMESTEPS
    """End of the trained timesteps, itself excluded."""
    rank: int = 16
    """Rank of lora."""
    targets: tuple[str, ...] = ("to_q", "to_k", "to_v", "to_out.0")
    """Layers that lora adapts. The paper does not say which layers it adapted."""

    def __post_init__(self) -> None:
        super().__post_init__()
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
        """Samples the timesteps of a batch, uniformly from the trained range.

        Args:
            count: number of images N.
            rng: random numbers; its device is that of the result.

        Returns:
            (N,) int64 timesteps, ``first`` … ``last`` - 1.
        """
        return torch.randint(self.first, self.last, (count,), generator=rng, device=rng.device)

    def set_trainable(self, controlnet: ControlNetModel, unet: UNet2DConditionModel) -> None:
        """Sets which tensors have a gradient, in place; lora adds its adapters.

        Args:
            controlnet: the ControlNet to train.
            unet: the base's U-Net.

        Raises:
            InputError: the ControlNet has no layers named ``targets`` for lora to adapt.
        """
        unet.requires_grad_(self.trains == "both")
        controlnet.requires_grad_(self.trains in ("controlnet", "both"))
        if self.trains == "lora":
            self._add_lora(controlnet)
        elif self.trains.startswith("inner"):
            inner = (f"down_blocks.{len(controlnet.down_blocks) - 1}.", "mid_block.")
            _unfreeze(controlnet, inner)
            if self.trains == "inner":
                _unfreeze(unet, ("up_blocks.0.",))

    def _add_lora(self, controlnet: ControlNetModel) -> None:
        config = LoraConfig(
            r=self.rank,
            lora_alpha=self.rank,
            target_modules=list(self.targets),
            init_lora_weights="gaussian",
        )
        try:
            controlnet.add_adapter(config)
        except ValueError as error:
            raise InputError(f"targets {', '.join(self.targets)}: {error}") from None


def _unfreeze(network: torch.nn.Module, blocks: tuple[str, ...]) -> None:
    """Makes the blocks and all cross-attention trainable."""
    for name, parameter in network.named_parameters():
        if name.startswith(blocks) or ".attn2." in name:
            parameter.requires_grad_(True)


def merge_lora(controlnet: ControlNetModel) -> ControlNetModel:
    """Merges the LoRA adapters of a ControlNet into its weights.

    Args:
        controlnet: any ControlNet; stays as it is.

    Returns:
        A ControlNet without adapters, frozen and in evaluation mode; ``controlnet`` itself if it
        has none.
    """
    if not getattr(controlnet, "peft_config", None):
        return controlnet
    out = ControlNetModel.from_config(controlnet.config)
    fused = copy.deepcopy(controlnet)  # fusing and unfusing in place would alter the frozen weights
    fused.fuse_lora()
    state = {
        name.replace(".base_layer.", "."): tensor
        for name, tensor in fused.state_dict().items()
        if ".lora_" not in name
    }
    out.load_state_dict(state)
    return out.to(controlnet.device).requires_grad_(False).eval()

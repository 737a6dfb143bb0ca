"""A ControlNet that acts at some timesteps only."""

from __future__ import annotations

from typing import Any, Literal

from diffusers.models.controlnets.controlnet import ControlNetModel
from torch import Tensor

Outside = Literal["tuned", "pretrained", "none"]


class GatedControlNet(ControlNetModel):
    """``tuned`` at timesteps ``first`` … ``last`` (excluded), ``pretrained`` at all others;
    without one nothing acts there.

    The timestep itself decides: diffusers' control_guidance_start and _end count steps of the
    sampler, of which a range of timesteps has more or fewer in each sampler.
    """

    def __init__(
        self, tuned: ControlNetModel, pretrained: ControlNetModel | None, first: int, last: int
    ) -> None:
        super(ControlNetModel, self).__init__()  # no layers of its own
        self.register_to_config(**tuned.config)
        self.tuned, self.pretrained = tuned, pretrained
        self.first, self.last = first, last

    def forward(self, sample: Tensor, timestep: Tensor | float, *args: Any, **more: Any) -> Any:
        """As ControlNetModel's."""
        if self.first <= int(timestep) < self.last:
            return self.tuned(sample, timestep, *args, **more)
        if self.pretrained is not None:
            return self.pretrained(sample, timestep, *args, **more)
        return self.tuned(sample, timestep, *args, **{**more, "conditioning_scale": 0.0})

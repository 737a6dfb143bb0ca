"""A ControlNet that acts at some timesteps only."""

from __future__ import annotations

from typing import Any

from diffusers.models.controlnets.controlnet import ControlNetModel
from torch import Tensor


class GatedControlNet(ControlNetModel):
    """``tuned`` at timesteps ``first`` … ``last`` (excluded), ``pretrained`` at all others; if that
    is None, no ControlNet acts there.

    Partial fine-tuning (Tajima, Seo & Chen 2026, section III.B) trains a range of timesteps; the
    paper does not say which ControlNet acts at the others. The gate reads the timestep itself:
    diffusers' ``control_guidance_start`` and ``control_guidance_end`` are fractions of the
    sampling steps, and the same range of timesteps is a different share of the steps in each
    sampler.
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

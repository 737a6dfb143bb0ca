"""Edges and words in, pictures out: diffusers' pipeline for ControlNets, batch-independent."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from diffusers.models.controlnets.controlnet import ControlNetModel
from diffusers.pipelines.controlnet.pipeline_controlnet import StableDiffusionControlNetPipeline
from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import StableDiffusionPipeline
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from diffusers.schedulers.scheduling_dpmsolver_multistep import DPMSolverMultistepScheduler
from torch import nn

from palsynth.encoders.base import as_images
from palsynth.errors import InputError
from palsynth.methods.controlnet.base import Base
from palsynth.methods.controlnet.data.patients import PatientsSettings
from palsynth.methods.controlnet.gate import GatedControlNet, Outside
from palsynth.methods.controlnet.strategies import Strategy
from palsynth.settings import Settings
from palsynth.training.objective import TIMESTEPS


@dataclass(frozen=True)
class Sampling(Settings):
    """How pictures are drawn."""

    sampler: Literal["ddim", "dpm++"] = "dpm++"
    steps: int = 20
    guidance: float = 7.5
    """Above 1 leans towards the words."""
    scale: float = 1.0
    """How strongly the edges act."""
    outside: Outside = "tuned"
    """Which ControlNet acts at timesteps that partial fine-tuning did not train: the tuned one,
    the one it began with, or none. The paper does not say."""

    def __post_init__(self) -> None:
        if not 1 <= self.steps < TIMESTEPS:  # samplers add an offset or an end to as many
            raise InputError(f"{self.steps} steps: must lie between 1 and {TIMESTEPS - 1}")
        if self.guidance < 1 or self.scale < 0:
            raise InputError("guidance must be at least 1 and scale not negative")


class ControlNetPalsyPipeline:
    """Draws faces with given edges.

    ``strategy`` is that of the fine-tuning, whose range of timesteps is the tuned ControlNet's;
    ``pretrained`` acts outside of it where ``sampling`` wants that. ``patients`` are those it was
    tuned on, None where it has seen none.
    """

    def __init__(
        self, base: Base, controlnet: ControlNetModel, sampling: Sampling | None = None,
        strategy: Strategy | None = None, pretrained: ControlNetModel | None = None,
        patients: PatientsSettings | None = None,
    ) -> None:  # fmt: skip
        self.base, self.controlnet, self.patients = base, controlnet, patients
        self.sampling, self.strategy = sampling or Sampling(), strategy or Strategy()
        self.pretrained = pretrained
        if self.sampling.outside == "pretrained" and pretrained is None:
            raise InputError("outside 'pretrained' needs the ControlNet that tuning began with")

    def __call__(
        self, edges: Sequence[np.ndarray], prompts: Sequence[str], seeds: Sequence[int]
    ) -> list[np.ndarray]:
        """Pictures (S, S, 3) uint8 RGB for edges (S, S) uint8, whole prompts and seeds.

        The same edges, prompt and seed give the same picture in any batch. What the base's safety
        checker holds back is black, and said so.
        """
        s = self.sampling
        self.base.check_words(prompts)
        pipeline = StableDiffusionControlNetPipeline(
            **_components(self.base, s), controlnet=self._acting()
        )
        pipeline.set_progress_bar_config(disable=True)
        shown = as_images(torch.from_numpy(np.stack(edges)[..., None])).expand(-1, 3, -1, -1)
        made = pipeline(
            list(prompts), image=shown, num_inference_steps=s.steps, guidance_scale=s.guidance,
            controlnet_conditioning_scale=s.scale, generator=_generators(seeds), output_type="np",
        )  # fmt: skip
        return _pictures(made, seeds)

    def to(self, device: torch.device) -> ControlNetPalsyPipeline:
        """The same, its networks moved; chance stays on the CPU, so the pictures stay alike."""
        self.base.to(device)
        networks: list[nn.Module | None] = [self.controlnet, self.pretrained]
        for network in networks:
            if network is not None:
                network.to(device)
        return self

    def _acting(self) -> ControlNetModel:
        """The ControlNet, gated where something else acts outside the trained timesteps."""
        first, last = self.strategy.first, self.strategy.last
        if self.sampling.outside == "tuned" or (first, last) == (0, TIMESTEPS):
            return self.controlnet
        other = self.pretrained if self.sampling.outside == "pretrained" else None
        return GatedControlNet(self.controlnet, other, first, last)


def sample_from_prompts(
    base: Base, prompts: Sequence[str], seeds: Sequence[int], sampling: Sampling | None = None
) -> list[np.ndarray]:
    """Pictures (S, S, 3) uint8 RGB of the base alone."""
    s = sampling or Sampling()
    base.check_words(prompts)
    pipeline = StableDiffusionPipeline(**_components(base, s))
    pipeline.set_progress_bar_config(disable=True)
    made = pipeline(
        list(prompts), num_inference_steps=s.steps, guidance_scale=s.guidance,
        generator=_generators(seeds), output_type="np",
    )  # fmt: skip
    return _pictures(made, seeds)


def _components(base: Base, sampling: Sampling) -> dict[str, Any]:
    config: Any = base.scheduler.config
    scheduler: Any
    if sampling.sampler == "ddim":
        scheduler = DDIMScheduler.from_config(
            config, set_alpha_to_one=False, clip_sample=False, timestep_spacing="leading"
        )
    else:
        scheduler = DPMSolverMultistepScheduler.from_config(
            config, algorithm_type="dpmsolver++", timestep_spacing="linspace"
        )
    return {
        "vae": base.vae, "text_encoder": base.text_encoder, "tokenizer": base.tokenizer,
        "unet": base.unet, "scheduler": scheduler, "safety_checker": base.checker,
        "feature_extractor": base.extractor, "requires_safety_checker": base.checker is not None,
    }  # fmt: skip


def _generators(seeds: Sequence[int]) -> list[torch.Generator]:
    """One a picture, on the CPU, so that neither batch nor device decides."""
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def _pictures(made: Any, seeds: Sequence[int]) -> list[np.ndarray]:
    for seed, held_back in zip(seeds, made.nsfw_content_detected or (), strict=False):
        if held_back:
            print(f"a picture of seed {seed} was held back by the safety checker and is black; "
                  "try another seed", file=sys.stderr)  # fmt: skip
    return [(image * 255).round().clip(0, 255).astype(np.uint8) for image in made.images]

"""Edges and prompts in, images out: diffusers' ControlNet pipeline, independent of the batch."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers.models.controlnets.controlnet import ControlNetModel
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from diffusers.schedulers.scheduling_dpmsolver_multistep import DPMSolverMultistepScheduler
from torch import nn

from palsynth.encoders.base import as_images
from palsynth.errors import InputError
from palsynth.methods.controlnet.config import (
    ControlNetSettings,
    InferenceSettings,
    PatientsSettings,
    Sampling,
)
from palsynth.methods.controlnet.io.files import check_untuned, load_weights, save_weights
from palsynth.methods.controlnet.io.layout import SMALL
from palsynth.methods.controlnet.io.loading import read_base, read_controlnet
from palsynth.methods.controlnet.networks.base import Base
from palsynth.methods.controlnet.networks.gate import GatedControlNet
from palsynth.methods.controlnet.strategies import Strategy
from palsynth.methods.networks import default_device
from palsynth.training.objective import TIMESTEPS


class ControlNetPalsyPipeline:
    """Generates faces with given edges.

    Args:
        base: the Stable Diffusion.
        controlnet: the ControlNet, fine-tuned or not.
        sampling: how images are sampled; default: ``Sampling()``.
        strategy: the strategy that ``controlnet`` was fine-tuned with, whose range of timesteps
            is that of the tuned ControlNet; default: all timesteps.
        pretrained: the ControlNet that tuning started from, which acts at the other timesteps if
            ``sampling.outside`` is "pretrained".
        patients: the patients that ``controlnet`` was tuned on; None if it was tuned on none.

    Raises:
        InputError: ``sampling.outside`` is "pretrained" and there is no such ControlNet.
    """

    def __init__(
        self,
        base: Base,
        controlnet: ControlNetModel,
        sampling: Sampling | None = None,
        strategy: Strategy | None = None,
        pretrained: ControlNetModel | None = None,
        patients: PatientsSettings | None = None,
    ) -> None:
        self.base, self.controlnet, self.patients = base, controlnet, patients
        self.sampling, self.strategy = sampling or Sampling(), strategy or Strategy()
        self.pretrained = pretrained
        if self.sampling.outside == "pretrained" and pretrained is None:
            raise InputError("outside 'pretrained' needs the ControlNet that tuning started from")

    @classmethod
    def from_pretrained(
        cls,
        path: Path | None = None,
        base: str | None = None,
        tokenizer: Path | None = None,
        sampling: Sampling | None = None,
    ) -> ControlNetPalsyPipeline:
        """Loads trained weights, on the default device.

        Args:
            path: the weights of a training; default: the partially fine-tuned ones that ship.
            base: the Stable Diffusion, in place of the one that the weights' settings name.
            tokenizer: folder of its tokenizer, if ``base`` is a single file.
            sampling: in place of the settings'.

        Returns:
            The pipeline, with the strategy and the patients of its training.

        Raises:
            InputError: the folder holds no trained ControlNet, lacks the base that was tuned with
                it, or has one while ``base`` is given too.
        """
        weights = load_weights(path, base, tokenizer, sampling)
        model = weights.settings.model
        pipeline = cls(
            weights.base,
            weights.controlnet,
            model.sampling,
            model.strategy,
            weights.pretrained,
            weights.settings.patients,
        )
        return pipeline.to(default_device())

    @classmethod
    def untuned(
        cls, model: ControlNetSettings | None = None, controlnet: Path | None = None
    ) -> ControlNetPalsyPipeline:
        """Loads a base and a ControlNet that was not tuned on patients, on the default device.

        Args:
            model: which base, and how to sample; default: those that ship, which sample as in
                their training.
            controlnet: folder, hub name or single file of the ControlNet; default: the one that
                ships.

        Returns:
            The pipeline.

        Raises:
            InputError: the ControlNet was tuned on patients, or cannot be loaded.
        """
        if model is None:
            return cls.from_pretrained(SMALL)
        check_untuned(controlnet or SMALL)
        base = read_base(model.base, model.tokenizer)
        everywhere = replace(model.sampling, outside="tuned")
        return cls(base, read_controlnet(controlnet, base), everywhere).to(default_device())

    def save_pretrained(self, path: Path) -> None:
        """Writes the pipeline with its whole base, for :meth:`from_pretrained` to load."""
        model = ControlNetSettings(strategy=self.strategy, sampling=self.sampling)
        settings = InferenceSettings(model=model, patients=self.patients)
        save_weights(path, self.controlnet, settings, self.base, self.pretrained)

    def __call__(
        self, edges: Sequence[np.ndarray], prompts: Sequence[str], seeds: Sequence[int]
    ) -> list[np.ndarray]:
        """Generates one image per edge map, prompt and seed, the same in any batch.

        An image that the base's safety checker blocks is black, and a line on standard error says
        so.

        Args:
            edges: N edge maps (S, S) uint8, 0 or 255.
            prompts: N whole prompts.
            seeds: N seeds.

        Returns:
            N images (S, S, 3) uint8 RGB.

        Raises:
            InputError: a prompt has more tokens than the text encoder reads.
        """
        # imported here, once the verbosity is set: its import warns that torchvision is missing
        from diffusers.pipelines.controlnet.pipeline_controlnet import (
            StableDiffusionControlNetPipeline,
        )

        s = self.sampling
        self.base.check_prompts(prompts)
        pipeline = StableDiffusionControlNetPipeline(
            **_components(self.base, s), controlnet=self._gated()
        )
        pipeline.set_progress_bar_config(disable=True)
        control = as_images(torch.from_numpy(np.stack(edges)[..., None])).expand(-1, 3, -1, -1)
        output = pipeline(
            list(prompts),
            image=control,
            num_inference_steps=s.steps,
            guidance_scale=s.guidance,
            controlnet_conditioning_scale=s.scale,
            generator=_generators(seeds),
            output_type="np",
        )
        return _images(output, seeds)

    def to(self, device: torch.device) -> ControlNetPalsyPipeline:
        """Moves the networks, in place; random numbers stay on the CPU, so images stay alike.

        Args:
            device: where they go.

        Returns:
            The same pipeline.
        """
        self.base.to(device)
        networks: list[nn.Module | None] = [self.controlnet, self.pretrained]
        for network in networks:
            if network is not None:
                network.to(device)
        return self

    def _gated(self) -> ControlNetModel:
        """The ControlNet, gated if another or none acts outside the trained timesteps."""
        first, last = self.strategy.first, self.strategy.last
        if self.sampling.outside == "tuned" or (first, last) == (0, TIMESTEPS):
            return self.controlnet
        pretrained = self.pretrained if self.sampling.outside == "pretrained" else None
        return GatedControlNet(self.controlnet, pretrained, first, last)


def sample_from_prompts(
    base: Base, prompts: Sequence[str], seeds: Sequence[int], sampling: Sampling | None = None
) -> list[np.ndarray]:
    """Generates images with the base alone, from prompts without edges.

    Args:
        base: the Stable Diffusion.
        prompts: N whole prompts.
        seeds: N seeds.
        sampling: how images are sampled; default: ``Sampling()``.

    Returns:
        N images (S, S, 3) uint8 RGB.

    Raises:
        InputError: a prompt has more tokens than the text encoder reads.
    """
    from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import (
        StableDiffusionPipeline,
    )

    s = sampling or Sampling()
    base.check_prompts(prompts)
    pipeline = StableDiffusionPipeline(**_components(base, s))
    pipeline.set_progress_bar_config(disable=True)
    output = pipeline(
        list(prompts),
        num_inference_steps=s.steps,
        guidance_scale=s.guidance,
        generator=_generators(seeds),
        output_type="np",
    )
    return _images(output, seeds)


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
        "vae": base.vae,
        "text_encoder": base.text_encoder,
        "tokenizer": base.tokenizer,
        "unet": base.unet,
        "scheduler": scheduler,
        "safety_checker": base.checker,
        "feature_extractor": base.extractor,
        "requires_safety_checker": base.checker is not None,
    }


def _generators(seeds: Sequence[int]) -> list[torch.Generator]:
    """One per image, on the CPU, so that an image depends on neither batch nor device."""
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def _images(output: Any, seeds: Sequence[int]) -> list[np.ndarray]:
    for seed, blocked in zip(seeds, output.nsfw_content_detected or (), strict=False):
        if blocked:
            print(
                f"the safety checker blocked the image of seed {seed}, which is black; try another "
                "seed",
                file=sys.stderr,
            )
    return [(image * 255).round().clip(0, 255).astype(np.uint8) for image in output.images]

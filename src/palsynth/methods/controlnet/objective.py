"""Noise prediction in latents: trains our small ControlNet with its base, and every fine-tuning."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from diffusers.models.controlnets.controlnet import ControlNetModel
from torch import Tensor
from torch.nn.functional import max_pool2d

from palsynth.encoders.base import as_images
from palsynth.methods.controlnet.config import InferenceSettings
from palsynth.methods.controlnet.data.examples import shorten_captions
from palsynth.methods.controlnet.data.latents import LatentCache
from palsynth.methods.controlnet.io.files import save_weights
from palsynth.methods.controlnet.networks.base import Base
from palsynth.methods.controlnet.pipeline import ControlNetPalsyPipeline
from palsynth.methods.controlnet.prompts import SENTENCES
from palsynth.methods.controlnet.strategies import merge_lora
from palsynth.methods.controlnet.weighting import Weighting
from palsynth.training.objective import TIMESTEPS, Losses, Objective

THIRDS = ((0, 333), (333, 667), (667, TIMESTEPS))
"""Ranges of timesteps that validation reports separately, whatever range is trained."""

SHOWN = 6
"""Rows of a sample picture."""


class ControlNetObjective(Objective):
    """Noise prediction with edges as the condition: ‖ε - ε_θ(z_t, t, c_t, c_f)‖² (equation 5 of
    Tajima, Seo & Chen 2026), at timesteps of the strategy's range.

    Beyond the paper, for training from scratch: weights by timestep and on edges, and examples
    without edges.

    Args:
        base: the Stable Diffusion; frozen unless the strategy trains layers of it.
        controlnet: the ControlNet to train.
        settings: the settings to save with the weights: what trains, at which timesteps, and how
            the sample pictures are made.
        held: a held-out batch, for validation and sample pictures.
        weighting: loss weights by timestep; default: all alike.
        control_dropout: share of examples without edges, 0 … 1.
        edge_loss_weight: loss weight of latents on an edge, above 0; that of all others is 1.
    """

    frozen: ClassVar[tuple[str, ...]] = ("vae", "text_encoder")

    def __init__(
        self,
        base: Base,
        controlnet: ControlNetModel,
        settings: InferenceSettings,
        held: dict[str, Tensor],
        weighting: Weighting | None = None,
        control_dropout: float = 0.0,
        edge_loss_weight: float = 1.0,
    ) -> None:
        super().__init__()
        self.vae = base.vae.requires_grad_(False)
        self.text_encoder = base.text_encoder.requires_grad_(False)
        self.unet, self.controlnet = base.unet, controlnet
        self.strategy, self.sampling = settings.model.strategy, settings.model.sampling
        self.strategy.set_trainable(controlnet, base.unet)
        self.base, self.held = base, held
        self.settings = settings
        self.control_dropout, self.edge_loss_weight = control_dropout, edge_loss_weight
        self.weights = (weighting or Weighting()).weights(base.scheduler.alphas_cumprod)
        self.latents = LatentCache(base.vae)
        self._embeddings: dict[int, Tensor] = {}

    def forward(self, batch: dict[str, Tensor], rng: torch.Generator) -> Losses:
        """Losses of a batch of ``image``, ``edges``, ``sentence`` and ``number``."""
        t = self.strategy.timesteps(len(batch["image"]), rng)
        numbers = batch["number"].tolist()
        latents = self.latents.sample(as_images(batch["image"]), numbers, rng)
        captions = shorten_captions(batch["sentence"], rng)
        conditioned = torch.rand(len(t), generator=rng, device=rng.device) >= self.control_dropout
        errors = self._squared_errors(latents, batch["edges"], captions, t, rng, conditioned)
        weights = 1 + (self.edge_loss_weight - 1) * on_edges(batch["edges"], self.base.factor)
        weighted = (weights * errors).mean((1, 2)) / weights.mean((1, 2))
        weighted = weighted * self.weights.to(errors.device)[t]
        plain = errors.mean((1, 2))
        return Losses(weighted.mean(), {"noise": plain.mean()}, t, plain)

    def _squared_errors(
        self,
        latents: Tensor,
        edges: Tensor,
        captions: list[int],
        t: Tensor,
        rng: torch.Generator,
        conditioned: Tensor | None = None,
    ) -> Tensor:
        """The squared error (N, h, w) of the noise predicted at timesteps (N,).

        ``conditioned`` (N,) bool says for which latents the ControlNet acts; default: all.
        """
        noise = torch.randn(latents.shape, generator=rng, device=latents.device)
        # z_t = sqrt(alpha-bar) z_0 + sqrt(1 - alpha-bar) noise: the paper's equation 1, on latents
        noisy = self.base.scheduler.add_noise(latents, noise, t)  # type: ignore[arg-type]
        embeddings = torch.cat([self._embedded(n) for n in captions])
        control = as_images(edges[..., None]).expand(-1, 3, -1, -1)
        down, middle = self.controlnet(noisy, t, embeddings, control, return_dict=False)
        if conditioned is not None:
            mask = conditioned[:, None, None, None].to(middle)
            down, middle = [mask * residual for residual in down], mask * middle
        predicted = self.unet(
            noisy,
            t,
            embeddings,
            down_block_additional_residuals=down,
            mid_block_additional_residual=middle,
        ).sample
        return (predicted.float() - noise).square().mean(1)

    @torch.no_grad()
    def _embedded(self, sentence: int) -> Tensor:
        """A caption's embedding (1, L, D), cached: the text encoder does not train."""
        if sentence not in self._embeddings:
            device = self.text_encoder.device
            with torch.autocast(device.type, enabled=False):
                self._embeddings[sentence] = self.base.words([SENTENCES[sentence]])
        return self._embeddings[sentence]

    def validate(self) -> dict[str, float]:
        """The error on the held-out images, for each third of all timesteps."""
        device = self.unet.device
        batch = {name: tensor.to(device) for name, tensor in self.held.items()}
        rng = torch.Generator(device).manual_seed(0)
        keys = [-1 - n for n in batch["number"].tolist()]  # not those of training images
        latents = self.latents.sample(as_images(batch["image"]), keys, rng)
        out = {}
        for first, last in THIRDS:
            t = torch.linspace(first, last - 1, len(latents), device=device).long()
            name = f"validation/t{first:03d}-{last - 1:03d}"
            errors = self._squared_errors(
                latents, batch["edges"], batch["sentence"].tolist(), t, rng
            )
            out[name] = float(errors.mean())
        return out

    def picture(self) -> np.ndarray | None:
        """One row per held-out image: the image, its edges, and what is generated from them."""
        shown = {name: tensor[:SHOWN] for name, tensor in self.held.items()}
        sampling = replace(self.sampling, outside="tuned")
        unchecked = replace(self.base, checker=None, extractor=None)
        pipeline = ControlNetPalsyPipeline(unchecked, merge_lora(self.controlnet), sampling)
        edges = list(shown["edges"].cpu().numpy())
        captions = [SENTENCES[n] for n in shown["sentence"].tolist()]
        samples = pipeline(edges, captions, range(len(edges)))
        rows = [
            np.hstack([image, np.repeat(e[..., None], 3, 2), generated])
            for image, e, generated in zip(
                shown["image"].cpu().numpy(), edges, samples, strict=True
            )
        ]
        return np.vstack(rows)

    def export(self, folder: Path) -> None:
        """The ControlNet with its settings, and the base if layers of it trained."""
        tuned = any(p.requires_grad for p in self.unet.parameters())
        controlnet = merge_lora(self.controlnet)
        save_weights(folder, controlnet, self.settings, self.base if tuned else None)


def on_edges(edges: Tensor, factor: int) -> Tensor:
    """Marks the latents whose pixels include one of an edge.

    Args:
        edges: (N, S, S) uint8, 0 off an edge.
        factor: pixels per latent along a side.

    Returns:
        (N, S / factor, S / factor) float32, 1 on an edge and 0 elsewhere.

    Example:
        >>> on_edges(torch.eye(4)[None], 2)
        tensor([[[1., 0.],
                 [0., 1.]]])
    """
    return (max_pool2d(edges[:, None].float(), factor)[:, 0] > 0).float()

"""Noise predicted in latents: what trains our base, its ControlNet, and every fine-tuning."""

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
from palsynth.methods.controlnet.base import BESIDE, Base, save_base
from palsynth.methods.controlnet.data.examples import shorten_captions
from palsynth.methods.controlnet.data.latents import LatentCache
from palsynth.methods.controlnet.pipeline import ControlNetPalsyPipeline, Sampling
from palsynth.methods.controlnet.prompts import SENTENCES
from palsynth.methods.controlnet.strategies import Strategy, merged
from palsynth.methods.controlnet.weighting import Weighting
from palsynth.training.objective import TIMESTEPS, Losses, Objective

THIRDS = ((0, 333), (333, 667), (667, TIMESTEPS))
"""Timesteps that validation tells apart, whatever range was trained."""

SHOWN = 6
"""Pictures in a sample."""


class ControlNetObjective(Objective):
    """|noise - predicted|² at timesteps of the strategy's range (the paper's equation 5)."""

    frozen: ClassVar[tuple[str, ...]] = ("vae", "text_encoder")

    def __init__(
        self, base: Base, controlnet: ControlNetModel, strategy: Strategy, sampling: Sampling,
        held: dict[str, Tensor], weighting: Weighting | None = None, control_dropout: float = 0.0,
        edge_loss_weight: float = 1.0,
    ) -> None:  # fmt: skip
        """``held`` is a batch that nothing trains on, for figures and pictures; a share
        ``control_dropout`` of the examples goes without edges, and errors on an edge count
        ``edge_loss_weight`` times."""
        super().__init__()
        self.vae = base.vae.requires_grad_(False)
        self.text_encoder = base.text_encoder.requires_grad_(False)
        self.unet, self.controlnet = base.unet, controlnet
        strategy.set_trainable(controlnet, base.unet)
        self.base, self.held = base, held
        self.strategy, self.sampling = strategy, sampling
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
        acts = torch.rand(len(t), generator=rng, device=rng.device) >= self.control_dropout
        off = self._off(latents, batch["edges"], captions, t, rng, acts)
        counts = 1 + (self.edge_loss_weight - 1) * on_edges(batch["edges"], self.base.factor)
        counted = (counts * off).mean((1, 2)) / counts.mean((1, 2))
        counted = counted * self.weights.to(off.device)[t]
        plain = off.mean((1, 2))
        return Losses(counted.mean(), {"noise": plain.mean()}, t, plain)

    def _off(
        self, latents: Tensor, edges: Tensor, captions: list[int], t: Tensor, rng: torch.Generator,
        acts: Tensor | None = None,
    ) -> Tensor:  # fmt: skip
        """The error (N, h, w) of the noise predicted at timesteps (N,); ``acts`` (N,) is where the
        ControlNet does, everywhere if None."""
        noise = torch.randn(latents.shape, generator=rng, device=latents.device)
        noisy = self.base.scheduler.add_noise(latents, noise, t)  # type: ignore[arg-type]
        words = torch.cat([self._words(n) for n in captions])
        shown = as_images(edges[..., None]).expand(-1, 3, -1, -1)
        down, middle = self.controlnet(noisy, t, words, shown, return_dict=False)
        if acts is not None:
            share = acts[:, None, None, None].to(middle)
            down, middle = [share * layer for layer in down], share * middle
        predicted = self.unet(
            noisy, t, words, down_block_additional_residuals=down,
            mid_block_additional_residual=middle,
        ).sample  # fmt: skip
        return (predicted.float() - noise).square().mean(1)

    @torch.no_grad()
    def _words(self, sentence: int) -> Tensor:
        """A sentence's (1, L, D), read once: the text encoder does not train."""
        if sentence not in self._embeddings:
            device = self.text_encoder.device
            with torch.autocast(device.type, enabled=False):
                self._embeddings[sentence] = self.base.words([SENTENCES[sentence]])
        return self._embeddings[sentence]

    def validate(self) -> dict[str, float]:
        """The error on pictures that nothing trained on, for each third of all timesteps."""
        device = self.unet.device
        batch = {name: tensor.to(device) for name, tensor in self.held.items()}
        rng = torch.Generator(device).manual_seed(0)
        alone = [-1 - n for n in batch["number"].tolist()]  # not numbers of training pictures
        latents = self.latents.sample(as_images(batch["image"]), alone, rng)
        out = {}
        for first, last in THIRDS:
            t = torch.linspace(first, last - 1, len(latents), device=device).long()
            name = f"validation/t{first:03d}-{last - 1:03d}"
            off = self._off(latents, batch["edges"], batch["sentence"].tolist(), t, rng)
            out[name] = float(off.mean())
        return out

    def picture(self) -> np.ndarray | None:
        """Rows of the picture whose edges are told, the edges, and what is drawn of them."""
        shown = {name: tensor[:SHOWN] for name, tensor in self.held.items()}
        plain = replace(self.sampling, outside="tuned")
        unchecked = replace(self.base, checker=None, extractor=None)
        pipeline = ControlNetPalsyPipeline(unchecked, merged(self.controlnet), plain)
        edges = list(shown["edges"].cpu().numpy())
        captions = [SENTENCES[n] for n in shown["sentence"].tolist()]
        made = pipeline(edges, captions, range(len(edges)))
        rows = [
            np.hstack([image, np.repeat(e[..., None], 3, 2), m])
            for image, e, m in zip(shown["image"].cpu().numpy(), edges, made, strict=True)
        ]
        return np.vstack(rows)

    def export(self, folder: Path) -> None:
        """The ControlNet in ``controlnet/``, and the base beside it where that trained too."""
        merged(self.controlnet).save_pretrained(folder / "controlnet")
        if any(p.requires_grad for p in self.unet.parameters()):
            save_base(self.base, folder / BESIDE)


def on_edges(edges: Tensor, factor: int) -> Tensor:
    """1 for latents (N, h, w) among whose pixels is one of an edge (N, S, S), 0 for others."""
    return (max_pool2d(edges[:, None].float(), factor)[:, 0] > 0).float()

"""The objective of plain diffusion models: ‖ε - ε_θ(X_t, t, y)‖², the simple loss of DDPM (Ho et
al. 2020, equation 14), on pixels or on latents (Rombach et al. 2022, equation 2)."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from palsynth.clinical import Movement
from palsynth.data.examples import SIDES
from palsynth.data.pair_settings import validation_pairs
from palsynth.encoders.base import as_images
from palsynth.methods.controlnet.data.latents import LatentCache
from palsynth.methods.diffusion.io.files import save_model
from palsynth.methods.diffusion.labels import Condition, weak_side
from palsynth.methods.diffusion.networks.model import DiffusionModel
from palsynth.methods.diffusion_process import STEPS, per_image, q_sample, target
from palsynth.training.objective import Losses, Objective

SHOWN = (
    Movement.WRINKLE_FOREHEAD,
    Movement.CLOSE_EYES_TIGHTLY,
    Movement.GRIN,
    Movement.DEPRESS_LIP,
)
"""Movements in a sample picture, one per row, without a weak side, weak left and weak right."""

MAX_WEIGHT = 5.0
"""Largest weight of the error of a predicted image, as that of Min-SNR-γ (Hang et al. 2023)."""


class DiffusionObjective(Objective):
    """The squared error of the prediction, at a random timestep per image.

    Errors of the noise and of the velocity count alike at all timesteps; those of a predicted image
    as the errors of the velocity that it implies, 1 / (1 - ᾱ_t), up to :data:`MAX_WEIGHT`.

    A share of the examples has the null label, for classifier-free guidance (Ho & Salimans 2022).

    Args:
        model: the model to train.
    """

    frozen: ClassVar[tuple[str, ...]] = ("autoencoder",)

    def __init__(self, model: DiffusionModel) -> None:
        super().__init__()
        self.model, self.autoencoder = model, model.autoencoder
        self.weights = torch.ones(STEPS)
        if model.settings.prediction == "sample":
            self.weights = (1 / (1 - model.noise.alphas_cumprod)).clamp(max=MAX_WEIGHT)
        self.latents = None if self.autoencoder is None else LatentCache(self.autoencoder)

    def forward(self, batch: dict[str, Tensor], rng: torch.Generator) -> Losses:
        """Losses of a batch of ``image``, ``label`` and ``number``."""
        x0 = self._diffused(as_images(batch["image"]), batch["number"].tolist(), rng)
        count, device = len(x0), x0.device
        t = torch.randint(STEPS, (count,), generator=rng, device=device)
        noise = torch.randn(x0.shape, generator=rng, device=device)
        dropped = torch.rand(count, generator=rng, device=device)
        unconditional = dropped < self.model.settings.condition_dropout
        labels = batch["label"].masked_fill(unconditional, self.model.labels.null)
        errors = self._squared_errors(x0, labels, t, noise)
        weighted = errors * self.weights.to(device)[t]
        return Losses(weighted.mean(), {"error": errors.mean()}, t, errors)

    def _diffused(self, images: Tensor, numbers: list[int], rng: torch.Generator) -> Tensor:
        """X_0: images (N, 3, S, S) in -1 … 1, or their latents."""
        if self.latents is None:
            return 2 * images - 1
        return self.latents.sample(images, numbers, rng)

    def _squared_errors(self, x0: Tensor, labels: Tensor, t: Tensor, noise: Tensor) -> Tensor:
        """Mean squared errors (N,) of the prediction at timesteps (N,)."""
        scheduler = self.model.noise
        predicted = self.model.predict(q_sample(scheduler, x0, noise, t), t, labels)
        return per_image((predicted.float() - target(scheduler, x0, noise, t)).square())

    def validate(self) -> dict[str, float]:
        """The error on pictures of unseen subjects, over all timesteps, with the conditions and, of
        a model that has them, without. The noise is the same at every validation."""
        batch = validation_pairs(self.model.settings.size)
        device = self.model.unet.device
        images = as_images(batch["target"]).to(device)
        rng = torch.Generator(device).manual_seed(0)
        # numbers that no training picture has
        x0 = self._diffused(images, [-1 - n for n in range(len(images))], rng)
        t = torch.linspace(0, STEPS - 1, len(x0), device=device).long()
        noise = torch.randn(x0.shape, generator=rng, device=device)
        labels = [
            self.model.labels.of_example(int(movement), weak_side(function, tone))
            for movement, function, tone in zip(
                *(batch[name].numpy() for name in ("movement", "function", "tone")), strict=True
            )
        ]
        null = torch.full((len(x0),), self.model.labels.null, device=device)
        of = {"validation/loss": torch.tensor(labels, device=device)}
        if 0 < self.model.settings.condition_dropout < 1:
            of["validation/loss_unconditional"] = null
        return {name: float(self._squared_errors(x0, y, t, noise).mean()) for name, y in of.items()}

    def picture(self) -> np.ndarray | None:
        """A row of samples per movement of :data:`SHOWN`, all of one seed: no weak side, the left,
        the right. Those of a model without conditions differ by their seeds only."""
        labels = self.model.labels
        if self.model.settings.conditioned:
            known = [m for m in SHOWN if m.value in labels.movements]
            rows = [[Condition(m, side) for side in SIDES] for m in known]
            numbers = [labels.encode(row) for row in rows]
            seeds = [k for k in range(len(rows)) for _ in SIDES]
        else:
            numbers = [[labels.null] * len(SIDES)] * len(SHOWN)
            seeds = list(range(len(SHOWN) * len(SIDES)))
        samples = self.model.sample(torch.tensor(numbers).flatten(), seeds)
        images = (samples * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()
        columns = images.reshape(len(numbers), len(SIDES), *images.shape[1:])
        return np.vstack([np.hstack(list(row)) for row in columns])

    def export(self, folder: Path) -> None:
        """Writes the model, for :func:`palsynth.methods.diffusion.io.files.load_model` to load."""
        save_model(self.model, folder)

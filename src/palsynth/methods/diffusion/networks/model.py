"""A plain diffusion model: U-Net, noise schedule and, of latents, the autoencoder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d import UNet2DModel
from torch import Tensor, nn
from torch.nn import functional

from palsynth.errors import InputError
from palsynth.methods.diffusion.config import DiffusionModelSettings, DiffusionSampling
from palsynth.methods.diffusion.labels import ConditionLabels
from palsynth.methods.diffusion_process import sampling_scheduler, training_scheduler


@dataclass(frozen=True)
class DiffusedShape:
    """Channels and side of what is diffused."""

    channels: int
    side: int


def diffused_shape(
    settings: DiffusionModelSettings, autoencoder: AutoencoderKL | None
) -> DiffusedShape:
    """What a model diffuses: images, or latents of an autoencoder.

    Args:
        settings: settings of the model.
        autoencoder: that of a model of latents.

    Returns:
        Its channels and its side.

    Raises:
        InputError: the autoencoder cannot halve the images as often as it has levels.
    """
    if autoencoder is None:
        return DiffusedShape(3, settings.size)
    factor = 2 ** (len(autoencoder.config["block_out_channels"]) - 1)
    if settings.size % factor:
        raise InputError(f"size {settings.size}: must be a multiple of {factor}, as the latents'")
    return DiffusedShape(int(autoencoder.config["latent_channels"]), settings.size // factor)


class DiffusionModel(nn.Module):
    """A whole model, for training and for sampling.

    Args:
        settings: settings of the model.
        unet: its U-Net, see :func:`palsynth.methods.diffusion.networks.unet.build_unet`.
        autoencoder: that of a model of latents, frozen.
    """

    def __init__(
        self,
        settings: DiffusionModelSettings,
        unet: UNet2DModel,
        autoencoder: AutoencoderKL | None = None,
    ) -> None:
        super().__init__()
        self.settings, self.unet, self.autoencoder = settings, unet, autoencoder
        self.shape = diffused_shape(settings, autoencoder)
        self.labels = ConditionLabels(settings.movements)
        pixels = settings.space == "pixels"
        self.noise = training_scheduler(
            settings.prediction, clip=pixels, schedule="linear" if pixels else "scaled_linear"
        )

    def predict(self, noisy: Tensor, t: Tensor, labels: Tensor) -> Tensor:
        """The network's prediction, ε_θ(X_t, t, y) or the velocity.

        Args:
            noisy: X_t, (N, C, H, W).
            t: timesteps (N,), 0 … 999.
            labels: class labels y (N,); a model without conditions does not use them.

        Returns:
            The prediction, (N, C, H, W).
        """
        factor = self.settings.unet.unshuffle
        classes = labels if self.settings.conditioned else None
        predicted = self.unet(functional.pixel_unshuffle(noisy, factor), t, classes).sample
        return functional.pixel_shuffle(predicted, factor)

    def decode(self, diffused: Tensor) -> Tensor:
        """Converts what is diffused to images.

        Args:
            diffused: X_0, (N, C, H, W).

        Returns:
            Images (N, 3, S, S), RGB in 0 … 1.
        """
        if self.autoencoder is not None:
            latents = diffused / self.autoencoder.config["scaling_factor"]
            diffused = self.autoencoder.decode(latents).sample
        return (diffused / 2 + 0.5).clamp(0, 1)

    @torch.no_grad()
    def sample(
        self, labels: Tensor, seeds: Sequence[int], sampling: DiffusionSampling | None = None
    ) -> Tensor:
        """Samples one image per label; the same seed and label give the same image in any batch.

        Args:
            labels: N class labels; a model without conditions does not use them.
            seeds: N seeds, one per image.
            sampling: replaces the model's sampler, steps and guidance; default: the model's own.

        Returns:
            Images (N, 3, S, S), RGB in 0 … 1.

        Raises:
            InputError: guidance above 1 for a model that was trained without condition_dropout.
        """
        s = sampling or self.settings.sampling
        if s.guidance > 1 and not 0 < self.settings.condition_dropout < 1:
            raise InputError("this model was trained without condition_dropout; guidance must be 1")
        # one generator per image, on the CPU, so that an image depends on neither batch nor device
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        shape, device = (self.shape.channels, self.shape.side, self.shape.side), self.unet.device
        noisy = torch.stack([torch.randn(shape, generator=g) for g in generators]).to(device)
        labels = labels.to(device)
        unconditional = torch.full_like(labels, self.labels.null)
        scheduler = sampling_scheduler(self.noise, s.sampler, s.steps)
        step_options = {"generator": generators} if s.sampler == "ddpm" else {}
        for step in scheduler.timesteps:
            t = step.expand(len(seeds)).to(device)
            scaled = scheduler.scale_model_input(noisy, step)
            predicted = self.predict(scaled, t, labels).float()
            if s.guidance > 1:
                # classifier-free guidance (Ho & Salimans 2022, equation 6; guidance = 1 + w)
                baseline = self.predict(scaled, t, unconditional).float()
                predicted = baseline + s.guidance * (predicted - baseline)
            noisy = scheduler.step(predicted, step, noisy, **step_options).prev_sample
        return self.decode(noisy)

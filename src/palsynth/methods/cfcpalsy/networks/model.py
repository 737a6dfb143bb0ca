"""A CFCPalsy model: conditioner, U-Net and noise schedule, and how images are sampled from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from palsynth.errors import InputError
from palsynth.methods.cfcpalsy.config import CFCPalsySettings, DiffusionSettings
from palsynth.methods.cfcpalsy.networks.conditioner import (
    Conditioner,
    Conditioning,
    IdentityEncoding,
)
from palsynth.methods.cfcpalsy.networks.unet import CFCPalsyUNet
from palsynth.methods.diffusion_process import (
    predict_x0,
    sampling_scheduler,
    training_scheduler,
)

Preview = Callable[[int, int, Tensor], None]
"""Called at each sampling step with the number of the step from 1, the number of all steps, and x̂0
as images (N, 3, S, S) in 0 … 1."""


class ImageBatch(dict[str, Tensor]):
    """Images (N, 3, S, S), RGB in 0 … 1, by name: identity, expression, draft."""


def build_unet(settings: CFCPalsySettings) -> CFCPalsyUNet:
    """Builds the U-Net of a model.

    Args:
        settings: settings of the model.

    Returns:
        The U-Net, newly initialised.
    """
    u = settings.unet
    return CFCPalsyUNet(
        u.size,
        u.base,
        u.multipliers,
        u.blocks,
        u.attention,
        u.head_channels,
        u.predicted,
        u.unshuffle,
        len(settings.condition.images),
        u.dropout,
    )


def build_conditioner(settings: CFCPalsySettings, unet: CFCPalsyUNet) -> Conditioner:
    """Builds the conditioner of a model.

    Args:
        settings: settings of the model.
        unet: the model's U-Net, to whose widths the conditioner is built.

    Returns:
        The conditioner, its encoders initialised from those that ship.
    """
    c = settings.condition
    return Conditioner.with_our_encoders(
        out=unet.token_channels,
        time_channels=unet.time_channels,
        dim=c.dim,
        heads=c.heads,
        landmarks=c.landmarks,
        cross=c.cross,
        transposed=c.transposed,
        expression_vector=c.expression_vector,
    )


def build_networks(settings: CFCPalsySettings) -> dict[str, nn.Module]:
    """Builds the networks of a model.

    Args:
        settings: settings of the model.

    Returns:
        ``unet`` and ``conditioner``, see :func:`build_unet` and :func:`build_conditioner`.
    """
    unet = build_unet(settings)
    return {"unet": unet, "conditioner": build_conditioner(settings, unet)}


class CFCPalsyModel(nn.Module):
    """A whole model, for training and for sampling.

    Args:
        settings: settings of the model; how landmark tokens are arranged is the conditioner's.
        unet: its U-Net, see :func:`build_unet`.
        conditioner: its conditioner, see :func:`build_conditioner`.
    """

    def __init__(
        self, settings: CFCPalsySettings, unet: CFCPalsyUNet, conditioner: Conditioner
    ) -> None:
        super().__init__()
        condition = replace(settings.condition, transposed=conditioner.transposed)
        self.settings = replace(settings, condition=condition)
        self.unet, self.conditioner = unet, conditioner
        d = settings.diffusion
        self.noise = training_scheduler(d.prediction, clip=d.residual == "none")

    def encode_conditions(
        self, images: ImageBatch, identity_code: IdentityEncoding | None = None
    ) -> Conditioning:
        """Encodes the identity images X_ID and the expression images X_0 as c(X_ID, X_0).

        Args:
            images: ``identity`` and ``expression`` of N requests.
            identity_code: the encoded identity images, if they have been encoded before.

        Returns:
            The conditioning of N images; the unconditional one for a model without conditions.
        """
        if self.settings.condition.drop == 1:
            return self.conditioner.unconditional(len(images["identity"]))
        identity_code = identity_code or self.conditioner.encode_identity(images["identity"])
        return self.conditioner.fuse(identity_code, images["expression"])

    def predict(
        self, noisy: Tensor, t: Tensor, conditioning: Conditioning, images: ImageBatch
    ) -> Tensor:
        """The network's prediction, such as ε_θ(X_t, t, c(X_ID, X_0)).

        Args:
            noisy: X_t, (N, 3, S, S).
            t: timesteps (N,), 0 … 999.
            conditioning: the conditioning of N images.
            images: those that ``settings.condition.images`` names as further input channels.

        Returns:
            The prediction, (N, 3, S, S), without the channels of the variance.
        """
        names = self.settings.condition.images
        conditions = torch.cat([2 * images[n] - 1 for n in names], 1) if names else None
        return self.unet(noisy, t, conditioning.tokens, conditioning.vector, conditions)[:, :3]

    def to_diffused(self, target: Tensor, images: ImageBatch) -> Tensor:
        """Converts target images to what is diffused: images in -1 … 1, or scaled residuals.

        Args:
            target: (N, 3, S, S), RGB in 0 … 1.
            images: the image that ``settings.diffusion.residual`` names, if it names one.

        Returns:
            X_0 of the diffusion, (N, 3, S, S).
        """
        d = self.settings.diffusion
        if d.residual == "none":
            return 2 * target - 1
        return (target - images[d.residual]) * 2 * d.residual_scale

    def from_diffused(self, hidden: Tensor, images: ImageBatch) -> Tensor:
        """Converts what is diffused to images: the inverse of :meth:`hidden`.

        Args:
            hidden: X_0 of the diffusion, (N, 3, S, S).
            images: the image that ``settings.diffusion.residual`` names, if it names one.

        Returns:
            Images (N, 3, S, S) whose range is 0 … 1; they are not clipped to it.
        """
        d = self.settings.diffusion
        if d.residual == "none":
            return (hidden + 1) / 2
        return images[d.residual] + hidden / (2 * d.residual_scale)

    @torch.no_grad()
    def sample(
        self,
        images: ImageBatch,
        seeds: Sequence[int],
        diffusion: DiffusionSettings | None = None,
        preview: Preview | None = None,
    ) -> Tensor:
        """Samples one image per request; the same seed and images give the same image in any batch.

        Args:
            images: ``identity``, ``expression`` and, where the model uses it, ``draft`` of N
                requests.
            seeds: N seeds, one per image.
            diffusion: replaces the model's sampler, steps, eta, num_samples_averaged and guidance;
                default: the model's own settings.
            preview: called at each step.

        Returns:
            Images (N, 3, S, S), RGB in 0 … 1.

        Raises:
            InputError: guidance above 1 for a model that was trained without ``condition.drop``.
        """
        d = diffusion or self.settings.diffusion
        if d.guidance > 1 and not self.settings.condition.drop:
            raise InputError("this model was trained without condition.drop; guidance must be 1")
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        conditioning = self.encode_conditions(images)
        samples = [
            self._sample_once(images, conditioning, generators, d, k, preview)
            for k in range(d.num_samples_averaged)
        ]
        return self.from_diffused(torch.stack(samples).mean(0), images).clamp(0, 1)

    def _sample_once(
        self,
        images: ImageBatch,
        conditioning: Conditioning,
        generators: Sequence[torch.Generator],
        d: DiffusionSettings,
        completed: int,
        preview: Preview | None,
    ) -> Tensor:
        """Runs all steps of the sampler; ``completed`` counts the samples before this one."""
        scheduler = sampling_scheduler(self.noise, d.sampler, d.steps)
        step_options = {"generator": generators} if d.sampler != "dpm++" else {}
        if d.sampler == "ddim":
            step_options["eta"] = d.eta  # type: ignore[assignment]
        all_images = torch.ones(
            len(generators), dtype=torch.bool, device=conditioning.vector.device
        )
        unconditional = self.conditioner.drop_conditions(conditioning, all_images)
        noisy = self._initial_noise(generators)
        for number, step in enumerate(scheduler.timesteps, 1):
            t = step.expand(len(generators)).to(noisy.device)
            scaled = scheduler.scale_model_input(noisy, step)
            predicted = self.predict(scaled, t, conditioning, images).float()
            if d.guidance > 1:
                # classifier-free guidance (Ho & Salimans 2022, equation 6; guidance = 1 + w)
                baseline = self.predict(scaled, t, unconditional, images).float()
                predicted = baseline + d.guidance * (predicted - baseline)
            if preview is not None:
                x0 = predict_x0(self.noise, noisy, predicted, t)
                done, total = completed * d.steps + number, d.num_samples_averaged * d.steps
                preview(done, total, self.from_diffused(x0, images).clamp(0, 1))
            noisy = scheduler.step(predicted, step, noisy, **step_options).prev_sample
        return noisy

    def _initial_noise(self, generators: Sequence[torch.Generator]) -> Tensor:
        """X_T from one generator per image, on the CPU, so that it is the same on every device."""
        size = self.settings.unet.size
        noise = torch.stack([torch.randn(3, size, size, generator=g) for g in generators])
        return noise.to(next(self.unet.parameters()).device)

"""A CFCPalsy model: conditioner, U-Net and noise together, and how it draws images."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from palsynth.errors import InputError
from palsynth.methods.cfcpalsy.conditioner import Conditioner, Conditioning, IdentityEncoding
from palsynth.methods.cfcpalsy.diffusion import (
    predict_x0,
    sampling_scheduler,
    training_scheduler,
)
from palsynth.methods.cfcpalsy.settings import CFCPalsySettings, DiffusionSettings
from palsynth.methods.cfcpalsy.unet import CFCPalsyUNet

Preview = Callable[[int, int, Tensor], None]
"""Called at each step with its number, of how many, and x̂0 as images (N, 3, S, S) in 0 … 1."""


class ImageBatch(dict[str, Tensor]):
    """Images (N, 3, S, S), RGB in 0 … 1, by name: identity, expression, draft."""


def unet_of(settings: CFCPalsySettings) -> CFCPalsyUNet:
    """The U-Net of a model, newly initialised."""
    u = settings.unet
    return CFCPalsyUNet(
        u.size, u.base, u.multipliers, u.blocks, u.attention, u.head_channels, u.predicted,
        u.unshuffle, len(settings.condition.images), u.dropout,
    )  # fmt: skip


def conditioner_of(settings: CFCPalsySettings, unet: CFCPalsyUNet) -> Conditioner:
    """The conditioner of a model, its networks those that ship."""
    c = settings.condition
    return Conditioner.with_our_encoders(
        out=unet.token_channels, time_channels=unet.time_channels, dim=c.dim, heads=c.heads,
        landmarks=c.landmarks, cross=c.cross, transposed=c.transposed,
    )  # fmt: skip


class CFCPalsyModel(nn.Module):
    """What training and drawing share."""

    def __init__(
        self, settings: CFCPalsySettings, unet: CFCPalsyUNet, conditioner: Conditioner
    ) -> None:
        super().__init__()
        self.settings, self.unet, self.conditioner = settings, unet, conditioner
        d = settings.diffusion
        self.noise = training_scheduler(d.prediction, clip=d.residual == "none")

    def encode_conditions(
        self, images: ImageBatch, identity_code: IdentityEncoding | None = None
    ) -> Conditioning:
        """Tokens and vector of identity and expression images; ``identity_code`` is what the identity
        images say, where they were read before."""
        if self.settings.condition.drop == 1:
            return self.conditioner.unconditional(len(images["identity"]))
        identity_code = identity_code or self.conditioner.encode_identity(images["identity"])
        return self.conditioner.fuse(identity_code, images["expression"])

    def predict(
        self, noisy: Tensor, t: Tensor, conditioning: Conditioning, images: ImageBatch
    ) -> Tensor:
        """The prediction (N, 3, S, S) for noisy images at timesteps (N,)."""
        names = self.settings.condition.images
        seen = torch.cat([2 * images[n] - 1 for n in names], 1) if names else None
        return self.unet(noisy, t, conditioning.tokens, conditioning.vector, seen)[:, :3]

    def hidden(self, target: Tensor, images: ImageBatch) -> Tensor:
        """Images (N, 3, S, S) in 0 … 1 as what is diffused: in -1 … 1, or a difference."""
        d = self.settings.diffusion
        if d.residual == "none":
            return 2 * target - 1
        return (target - images[d.residual]) * 2 * d.residual_scale

    def visible(self, hidden: Tensor, images: ImageBatch) -> Tensor:
        """The reverse of :meth:`hidden`, not clipped."""
        d = self.settings.diffusion
        if d.residual == "none":
            return (hidden + 1) / 2
        return images[d.residual] + hidden / (2 * d.residual_scale)

    @torch.no_grad()
    def sample(
        self, images: ImageBatch, seeds: Sequence[int], diffusion: DiffusionSettings | None = None,
        preview: Preview | None = None,
    ) -> Tensor:  # fmt: skip
        """Images (N, 3, S, S) in 0 … 1, one a seed. The same seed and images give the same image
        in any batch. ``diffusion`` replaces sampler, steps, eta, draws and guidance."""
        d = diffusion or self.settings.diffusion
        if d.guidance > 1 and not self.settings.condition.drop:
            raise InputError("this model was trained without condition.drop; guidance must be 1")
        chance = [torch.Generator().manual_seed(seed) for seed in seeds]
        conditioning = self.encode_conditions(images)
        drawn = [
            self._once(images, conditioning, chance, d, k, preview)
            for k in range(d.num_samples_averaged)
        ]
        return self.visible(torch.stack(drawn).mean(0), images).clamp(0, 1)

    def _once(
        self, images: ImageBatch, conditioning: Conditioning, chance: Sequence[torch.Generator], d: DiffusionSettings,
        before: int, preview: Preview | None,
    ) -> Tensor:  # fmt: skip
        """One draw of what is diffused, all steps of the sampler, with so many draws before it."""
        scheduler = sampling_scheduler(self.noise, d.sampler, d.steps)
        more = {"generator": chance} if d.sampler != "dpm++" else {}
        if d.sampler == "ddim":
            more["eta"] = d.eta  # type: ignore[assignment]
        everything = torch.ones(len(chance), dtype=torch.bool, device=conditioning.vector.device)
        unconditional = self.conditioner.drop_conditions(conditioning, everything)
        noisy = self._noise(chance)
        for number, step in enumerate(scheduler.timesteps, 1):
            t = step.expand(len(chance)).to(noisy.device)
            scaled = scheduler.scale_model_input(noisy, step)
            predicted = self.predict(scaled, t, conditioning, images).float()
            if d.guidance > 1:
                away = self.predict(scaled, t, unconditional, images).float()
                predicted = away + d.guidance * (predicted - away)
            if preview is not None:
                seen = self.visible(predict_x0(self.noise, noisy, predicted, t), images).clamp(0, 1)
                preview(before * d.steps + number, d.num_samples_averaged * d.steps, seen)
            noisy = scheduler.step(predicted, step, noisy, **more).prev_sample
        return noisy

    def _noise(self, chance: Sequence[torch.Generator]) -> Tensor:
        """What drawing begins with, from a generator an image, on the CPU: no device decides."""
        size = self.settings.unet.size
        noise = torch.stack([torch.randn(3, size, size, generator=g) for g in chance])
        return noise.to(next(self.unet.parameters()).device)

"""A CFCPalsy model: conditioner, U-Net and noise together, and how it draws images."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from palsynth.errors import InputError
from palsynth.methods.cfcpalsy.conditioner import Conditioner, Identity, Told
from palsynth.methods.cfcpalsy.diffusion import (
    clean,
    sampling_scheduler,
    training_scheduler,
)
from palsynth.methods.cfcpalsy.settings import DiffusionSettings, ModelSettings
from palsynth.methods.cfcpalsy.unet import CFCPalsyUNet

Preview = Callable[[int, int, Tensor], None]
"""Called at each step with its number, of how many, and x̂0 as images (N, 3, S, S) in 0 … 1."""


class Shown(dict[str, Tensor]):
    """Images (N, 3, S, S), RGB in 0 … 1, by name: identity, expression, draft."""


def unet_of(settings: ModelSettings) -> CFCPalsyUNet:
    """The U-Net of a model, newly initialised."""
    u = settings.unet
    return CFCPalsyUNet(
        u.size, u.base, u.multipliers, u.blocks, u.attention, u.head_channels, u.predicted,
        u.unshuffle, len(settings.condition.images), u.dropout,
    )  # fmt: skip


def conditioner_of(settings: ModelSettings, unet: CFCPalsyUNet) -> Conditioner:
    """The conditioner of a model, its networks those that ship."""
    c = settings.condition
    return Conditioner.with_our_encoders(
        out=unet.token_channels, time_channels=unet.time_channels, dim=c.dim, heads=c.heads,
        landmarks=c.landmarks, cross=c.cross, transposed=c.transposed,
    )  # fmt: skip


class CFCPalsyModel(nn.Module):
    """What training and drawing share."""

    def __init__(
        self, settings: ModelSettings, unet: CFCPalsyUNet, conditioner: Conditioner
    ) -> None:
        super().__init__()
        self.settings, self.unet, self.conditioner = settings, unet, conditioner
        d = settings.diffusion
        self.noise = training_scheduler(d.prediction, clip=d.residual == "none")

    def tell(self, shown: Shown, who: Identity | None = None) -> Told:
        """Tokens and vector of identity and expression images; ``who`` is what the identity
        images say, where they were read before."""
        if self.settings.condition.drop == 1:
            return self.conditioner.blank(len(shown["identity"]))
        who = who or self.conditioner.identify(shown["identity"])
        return self.conditioner.fused(who, shown["expression"])

    def predict(self, noisy: Tensor, t: Tensor, told: Told, shown: Shown) -> Tensor:
        """The prediction (N, 3, S, S) for noisy images at timesteps (N,)."""
        names = self.settings.condition.images
        seen = torch.cat([2 * shown[n] - 1 for n in names], 1) if names else None
        return self.unet(noisy, t, told.tokens, told.vector, seen)[:, :3]

    def hidden(self, target: Tensor, shown: Shown) -> Tensor:
        """Images (N, 3, S, S) in 0 … 1 as what is diffused: in -1 … 1, or a difference."""
        d = self.settings.diffusion
        if d.residual == "none":
            return 2 * target - 1
        return (target - shown[d.residual]) * 2 * d.residual_scale

    def visible(self, hidden: Tensor, shown: Shown) -> Tensor:
        """The reverse of :meth:`hidden`, not clipped."""
        d = self.settings.diffusion
        if d.residual == "none":
            return (hidden + 1) / 2
        return shown[d.residual] + hidden / (2 * d.residual_scale)

    @torch.no_grad()
    def draw(
        self, shown: Shown, seeds: Sequence[int], diffusion: DiffusionSettings | None = None,
        preview: Preview | None = None,
    ) -> Tensor:  # fmt: skip
        """Images (N, 3, S, S) in 0 … 1, one a seed. The same seed and images give the same image
        in any batch. ``diffusion`` replaces sampler, steps, eta, draws and guidance."""
        d = diffusion or self.settings.diffusion
        if d.guidance > 1 and not self.settings.condition.drop:
            raise InputError("this model was trained without condition.drop; guidance must be 1")
        chance = [torch.Generator().manual_seed(seed) for seed in seeds]
        told = self.tell(shown)
        drawn = [self._once(shown, told, chance, d, k, preview) for k in range(d.draws)]
        return self.visible(torch.stack(drawn).mean(0), shown).clamp(0, 1)

    def _once(
        self, shown: Shown, told: Told, chance: Sequence[torch.Generator], d: DiffusionSettings,
        before: int, preview: Preview | None,
    ) -> Tensor:  # fmt: skip
        """One draw of what is diffused, all steps of the sampler, with so many draws before it."""
        scheduler = sampling_scheduler(self.noise, d.sampler, d.steps)
        more = {"generator": chance} if d.sampler != "dpm++" else {}
        if d.sampler == "ddim":
            more["eta"] = d.eta  # type: ignore[assignment]
        everything = torch.ones(len(chance), dtype=torch.bool, device=told.vector.device)
        blank = self.conditioner.nothing(told, everything)
        noisy = self._noise(chance)
        for number, step in enumerate(scheduler.timesteps, 1):
            t = step.expand(len(chance)).to(noisy.device)
            scaled = scheduler.scale_model_input(noisy, step)
            predicted = self.predict(scaled, t, told, shown).float()
            if d.guidance > 1:
                away = self.predict(scaled, t, blank, shown).float()
                predicted = away + d.guidance * (predicted - away)
            if preview is not None:
                seen = self.visible(clean(self.noise, noisy, predicted, t), shown).clamp(0, 1)
                preview(before * d.steps + number, d.draws * d.steps, seen)
            noisy = scheduler.step(predicted, step, noisy, **more).prev_sample
        return noisy

    def _noise(self, chance: Sequence[torch.Generator]) -> Tensor:
        """What drawing begins with, from a generator an image, on the CPU: no device decides."""
        size = self.settings.unet.size
        noise = torch.stack([torch.randn(3, size, size, generator=g) for g in chance])
        return noise.to(next(self.unet.parameters()).device)

"""How much the error of a timestep counts, where a network learns from nothing."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from palsynth.errors import InputError
from palsynth.settings import Settings


@dataclass(frozen=True)
class Weighting(Settings):
    """Weights of the error of the predicted noise; with the defaults all timesteps count alike, as
    published fine-tunings have it.

    Errors count as the velocity's would (Salimans & Ho 2022), 1 / alpha-bar, up to ``max_weight``: from
    nearly nothing but noise, a small error is a large one in the picture. And they count by
    min(SNR, gamma) / SNR (Hang et al. 2023): the last trace of noise says little about faces.
    """

    snr_gamma: float = 0.0
    """Largest signal-to-noise ratio that counts in full; 0 counts all in full."""
    max_weight: float = 1.0
    """Most that an error counts for being made in much noise."""

    def __post_init__(self) -> None:
        if self.snr_gamma < 0:
            raise InputError(f"snr_gamma {self.snr_gamma:g}: must not be negative")
        if self.max_weight < 1:
            raise InputError(f"max_weight {self.max_weight:g}: must be at least 1")

    def weights(self, alphas_cumprod: Tensor) -> Tensor:
        """A weight a timestep (T,), of alpha-bar (T,)."""
        found = (1 / alphas_cumprod).clamp(max=self.max_weight)
        if self.snr_gamma:
            noise_to_signal = (1 - alphas_cumprod) / alphas_cumprod
            found = found * (noise_to_signal * self.snr_gamma).clamp(max=1)
        return found


FROM_SCRATCH = Weighting(snr_gamma=5.0, max_weight=20.0)
"""For networks that begin at random weights or at zero."""

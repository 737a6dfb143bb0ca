"""Loss weights by timestep, for networks trained from scratch."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from palsynth.errors import InputError
from palsynth.settings import Settings


@dataclass(frozen=True)
class Weighting(Settings):
    """Weights of the error of the predicted noise; the defaults weight all timesteps alike, as
    published fine-tunings do.

    Errors are weighted as errors of the velocity (Salimans & Ho 2022), by 1 / alpha-bar up to
    max_weight: at high noise a small error of the noise is a large one in the image. They are
    also weighted by min(SNR, gamma) / SNR (Hang et al. 2023), as the lowest noise levels teach
    little about faces.
    """

    snr_gamma: float = 0.0
    """Signal-to-noise ratio above which the weight falls (Min-SNR gamma); 0 turns this off."""
    max_weight: float = 1.0
    """Upper limit of the weight at high noise; 1 turns it off."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.snr_gamma < 0:
            raise InputError(f"snr_gamma {self.snr_gamma:g}: must not be negative")
        if self.max_weight < 1:
            raise InputError(f"max_weight {self.max_weight:g}: must be at least 1")

    def weights(self, alphas_cumprod: Tensor) -> Tensor:
        """The weight of each timestep.

        Args:
            alphas_cumprod: (T,) alpha-bar of the noise schedule, 0 … 1.

        Returns:
            (T,) weights, above 0.
        """
        weights = (1 / alphas_cumprod).clamp(max=self.max_weight)
        if self.snr_gamma:
            noise_to_signal = (1 - alphas_cumprod) / alphas_cumprod
            weights = weights * (noise_to_signal * self.snr_gamma).clamp(max=1)
        return weights


FROM_SCRATCH = Weighting(snr_gamma=5.0, max_weight=20.0)
"""For networks initialised at random or at zero."""

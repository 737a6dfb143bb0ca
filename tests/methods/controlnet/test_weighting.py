"""Loss weights by timestep."""

from __future__ import annotations

import pytest
import torch

from palsynth.errors import InputError
from palsynth.methods.controlnet.networks.base import Base
from palsynth.methods.controlnet.weighting import FROM_SCRATCH, Weighting


def test_low_noise_has_a_small_weight_and_high_noise_a_large_one(base: Base) -> None:
    alpha = base.scheduler.alphas_cumprod
    weights = FROM_SCRATCH.weights(alpha)
    snr = alpha / (1 - alpha)
    high_noise = alpha < 0.05
    assert torch.allclose(weights[high_noise], torch.tensor(20.0))
    velocity = ~high_noise & (snr <= 5)
    assert torch.allclose(weights[velocity], 1 / alpha[velocity])
    assert torch.allclose((weights * snr * alpha)[snr > 5], torch.tensor(5.0))
    assert (Weighting().weights(alpha) == 1).all()


@pytest.mark.parametrize("wrong", [{"snr_gamma": -1}, {"max_weight": 0.5}])
def test_invalid_weightings_are_refused(wrong: dict[str, float]) -> None:
    ((name, value),) = wrong.items()
    with pytest.raises(InputError, match=f"{name} {value:g}: must"):
        Weighting(**wrong)

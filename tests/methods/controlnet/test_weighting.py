"""How much the error of a timestep counts."""

from __future__ import annotations

import pytest
import torch

from palsynth.errors import InputError
from palsynth.methods.controlnet.base import Base
from palsynth.methods.controlnet.weighting import FROM_SCRATCH, Weighting


def test_a_last_trace_of_noise_counts_little_and_much_noise_much(base: Base) -> None:
    alpha = base.scheduler.alphas_cumprod
    weights = FROM_SCRATCH.weights(alpha)
    snr = alpha / (1 - alpha)
    much = alpha < 0.05
    assert torch.allclose(weights[much], torch.tensor(20.0))
    velocity = ~much & (snr <= 5)
    assert torch.allclose(weights[velocity], 1 / alpha[velocity])
    assert torch.allclose((weights * snr * alpha)[snr > 5], torch.tensor(5.0))
    assert (Weighting().weights(alpha) == 1).all()


@pytest.mark.parametrize("wrong", [{"snr_gamma": -1}, {"max_weight": 0.5}])
def test_weights_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    ((name, value),) = wrong.items()
    with pytest.raises(InputError, match=f"{name} {value:g}: must"):
        Weighting(**wrong)

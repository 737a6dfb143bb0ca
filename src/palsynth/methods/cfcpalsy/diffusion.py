"""The arithmetic of diffusion, as diffusers' schedulers have it, and what the model predicts."""

from __future__ import annotations

from typing import Any, Literal

import torch
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
from diffusers.schedulers.scheduling_dpmsolver_multistep import DPMSolverMultistepScheduler
from torch import Tensor

from palsynth.errors import InputError

STEPS = 1000

Prediction = Literal["epsilon", "v_prediction"]
Sampler = Literal["ddpm", "ddim", "dpm++"]


def training_scheduler(prediction: Prediction, clip: bool) -> DDPMScheduler:
    """The noise of the paper: 1000 steps, linear beta from 1e-4 to 0.02."""
    return DDPMScheduler(STEPS, 1e-4, 0.02, "linear", prediction_type=prediction, clip_sample=clip)


def sampling_scheduler(training: DDPMScheduler, sampler: Sampler, steps: int) -> Any:
    """A diffusers scheduler for ``steps`` steps of a sampler, with the training's noise.

    Raises InputError for a number of steps that the sampler cannot take.
    """
    if not 1 <= steps <= STEPS:
        raise InputError(f"{steps} sampling steps: must lie between 1 and {STEPS}")
    config: Any = training.config
    if sampler == "ddpm":
        made: Any = DDPMScheduler.from_config(config)
    elif sampler == "ddim":
        made = DDIMScheduler.from_config(config, set_alpha_to_one=True)
    else:
        made = DPMSolverMultistepScheduler.from_config(
            config, algorithm_type="dpmsolver++", solver_order=2, timestep_spacing="trailing",
            lower_order_final=True,
        )  # fmt: skip
    made.set_timesteps(steps)
    return made


def predict_x0(scheduler: DDPMScheduler, noisy: Tensor, predicted: Tensor, t: Tensor) -> Tensor:
    """x̂0 of noisy images (N, 3, H, W) at timesteps (N,), as the prediction means it, clipped to
    -1 … 1 where the scheduler clips."""
    alpha = scheduler.alphas_cumprod.to(noisy.device)[t][:, None, None, None]
    config: Any = scheduler.config
    if config.prediction_type == "epsilon":
        found = (noisy - (1 - alpha).sqrt() * predicted) / alpha.sqrt()
    else:
        found = alpha.sqrt() * noisy - (1 - alpha).sqrt() * predicted
    return found.clamp(-1, 1) if config.clip_sample else found


def target(scheduler: DDPMScheduler, images: Tensor, noise: Tensor, t: Tensor) -> Tensor:
    """What the model is to predict, (N, 3, H, W)."""
    config: Any = scheduler.config
    if config.prediction_type == "epsilon":
        return noise
    found: Tensor = scheduler.get_velocity(images, noise, t)  # type: ignore[arg-type]
    return found


def q_sample(scheduler: DDPMScheduler, images: Tensor, noise: Tensor, t: Tensor) -> Tensor:
    """Images with noise of their timesteps."""
    found: Tensor = scheduler.add_noise(images, noise, t)  # type: ignore[arg-type]
    return found


def per_image(values: Tensor) -> Tensor:
    """Means over all axes but the first, (N,)."""
    return torch.flatten(values, 1).mean(1)

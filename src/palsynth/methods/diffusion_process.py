"""The diffusion process, on diffusers' schedulers, and what a network predicts of it.

Symbols are those of DDPM (Ho et al. 2020), as in the paper of CFCPalsy (arXiv 2409.07271): X_0 is
an image or its latents, X_t the same with the noise of timestep t, ε the noise, ᾱ_t the cumulative
product of 1 - β.
"""

from __future__ import annotations

from typing import Any, Literal

import torch
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
from diffusers.schedulers.scheduling_dpmsolver_multistep import DPMSolverMultistepScheduler
from torch import Tensor

from palsynth.errors import InputError

Prediction = Literal["epsilon", "v_prediction", "sample"]
"""What a network predicts: the noise ε, the velocity v or, as diffusers call it, the sample X_0."""
Sampler = Literal["ddpm", "ddim", "dpm++"]
Schedule = Literal["linear", "scaled_linear"]

STEPS = 1000

BETAS: dict[Schedule, tuple[float, float]] = {
    "linear": (1e-4, 0.02),
    "scaled_linear": (0.00085, 0.012),
}
"""First and last β: linear in t for pixels (Ho et al. 2020, section 4), √β linear in t for latents
(Rombach et al. 2022, and Stable Diffusion)."""


def training_scheduler(
    prediction: Prediction, clip: bool, schedule: Schedule = "linear"
) -> DDPMScheduler:
    """The noise schedule of training, of 1000 steps.

    Args:
        prediction: what the network predicts.
        clip: whether x̂0 is clipped to -1 … 1.
        schedule: how β rises, see :data:`BETAS`.

    Returns:
        The scheduler.
    """
    return DDPMScheduler(
        STEPS, *BETAS[schedule], schedule, prediction_type=prediction, clip_sample=clip
    )


def check_steps(sampler: Sampler, steps: int) -> None:
    """Checks that a sampler can take a number of steps.

    ddpm's and ddim's timesteps are multiples of 1000 // steps. They must not leave out the noisiest
    tenth, nor be the one without noise.

    Args:
        sampler: the sampler.
        steps: number of sampling steps.

    Raises:
        InputError: the number is not in 1 … 1000, or the sampler cannot take as many.
    """
    if not 1 <= steps <= STEPS:
        raise InputError(f"{steps} sampling steps: must lie between 1 and {STEPS}")
    if sampler != "dpm++" and (steps == 1 or steps * (STEPS // steps) < 0.9 * STEPS):
        raise InputError(
            f"{steps} sampling steps of {sampler}: would not begin with the noisiest timesteps; "
            f"give a divisor of {STEPS} such as 50, or the sampler dpm++"
        )


def sampling_scheduler(training: DDPMScheduler, sampler: Sampler, steps: int) -> Any:
    """A scheduler for sampling with the noise schedule of training.

    Args:
        training: the scheduler of training.
        sampler: ``ddpm``, ``ddim`` or ``dpm++`` (DPM-Solver++ of second order).
        steps: number of sampling steps, see :func:`check_steps`.

    Returns:
        A diffusers scheduler whose timesteps are set.

    Raises:
        InputError: the sampler cannot take as many steps.
    """
    check_steps(sampler, steps)
    config: Any = training.config
    if sampler == "ddpm":
        scheduler: Any = DDPMScheduler.from_config(config)
    elif sampler == "ddim":
        scheduler = DDIMScheduler.from_config(config, set_alpha_to_one=True)
    else:
        scheduler = DPMSolverMultistepScheduler.from_config(
            config,
            algorithm_type="dpmsolver++",
            solver_order=2,
            timestep_spacing="trailing",
            lower_order_final=True,
        )
    scheduler.set_timesteps(steps)
    return scheduler


def predict_x0(scheduler: DDPMScheduler, noisy: Tensor, predicted: Tensor, t: Tensor) -> Tensor:
    """The image x̂0 that a prediction implies.

    For noise x̂0 = (X_t - √(1-ᾱ_t) ε_θ) / √ᾱ_t (Ho et al. 2020, equation 15); for velocity
    x̂0 = √ᾱ_t X_t - √(1-ᾱ_t) v_θ (Salimans & Ho 2022); a predicted image is x̂0 itself.

    Args:
        scheduler: the scheduler of training; its config has the kind of prediction.
        noisy: X_t, (N, C, H, W).
        predicted: the network's prediction, (N, C, H, W).
        t: timesteps (N,), 0 … 999.

    Returns:
        x̂0, (N, C, H, W), clipped to -1 … 1 if the scheduler clips.
    """
    alpha = scheduler.alphas_cumprod.to(noisy.device)[t][:, None, None, None]
    config: Any = scheduler.config
    if config.prediction_type == "epsilon":
        x0 = (noisy - (1 - alpha).sqrt() * predicted) / alpha.sqrt()
    elif config.prediction_type == "sample":
        x0 = predicted
    else:
        x0 = alpha.sqrt() * noisy - (1 - alpha).sqrt() * predicted
    return x0.clamp(-1, 1) if config.clip_sample else x0


def target(scheduler: DDPMScheduler, images: Tensor, noise: Tensor, t: Tensor) -> Tensor:
    """The regression target of the network: ε, v = √ᾱ_t ε - √(1-ᾱ_t) X_0, or X_0.

    Args:
        scheduler: the scheduler of training; its config has the kind of prediction.
        images: X_0, (N, C, H, W).
        noise: ε, (N, C, H, W).
        t: timesteps (N,), 0 … 999.

    Returns:
        The target, (N, C, H, W).
    """
    config: Any = scheduler.config
    if config.prediction_type == "epsilon":
        return noise
    if config.prediction_type == "sample":
        return images
    velocity: Tensor = scheduler.get_velocity(images, noise, t)  # type: ignore[arg-type]
    return velocity


def q_sample(scheduler: DDPMScheduler, images: Tensor, noise: Tensor, t: Tensor) -> Tensor:
    """Noisy images: X_t = √ᾱ_t X_0 + √(1-ᾱ_t) ε (Ho et al. 2020, equation 4).

    Args:
        scheduler: the scheduler of training.
        images: X_0, (N, C, H, W).
        noise: ε, (N, C, H, W).
        t: timesteps (N,), 0 … 999.

    Returns:
        X_t, (N, C, H, W).
    """
    noisy: Tensor = scheduler.add_noise(images, noise, t)  # type: ignore[arg-type]
    return noisy


def per_image(values: Tensor) -> Tensor:
    """Means over all axes but the first.

    Args:
        values: (N, ...).

    Returns:
        (N,).

    Example:
        >>> per_image(torch.tensor([[1.0, 3.0], [5.0, 7.0]]))
        tensor([2., 6.])
    """
    return torch.flatten(values, 1).mean(1)

"""One training step: every optimiser of an objective in turn, on the same batches."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Sequence

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from palsynth.training.objective import Losses, Objective
from palsynth.training.recipe import LoopSettings

HALF = {"bf16": torch.bfloat16, "fp16": torch.float16}
"""Precision of a recipe -> the half precision that it computes in."""

MakeRng = Callable[[int], torch.Generator]
"""Micro-step, 0 … (optimisers x micro-steps - 1) -> its generator."""


def make_optimizers(objective: Objective, loop: LoopSettings) -> dict[str, torch.optim.Optimizer]:
    """An AdamW for each group of parameters that the objective names.

    Args:
        objective: the objective.
        loop: learning rate, weight decay and beta1.

    Returns:
        Name -> optimiser, in the order in which they step.
    """
    return {
        name: torch.optim.AdamW(
            parameters,
            loop.learning_rate,
            betas=(loop.beta1, 0.999),
            weight_decay=loop.weight_decay,
        )
        for name, parameters in objective.parameter_groups().items()
    }


def make_scaler(loop: LoopSettings, device: torch.device) -> torch.amp.GradScaler | None:
    """What scales the loss of a training in fp16, whose small gradients would else be zero.

    Args:
        loop: the precision.
        device: device of the training.

    Returns:
        The scaler; None for other precisions, which need none.
    """
    return torch.amp.GradScaler(device.type) if loop.precision == "fp16" else None


def training_step(
    model: nn.Module,
    optimizers: dict[str, torch.optim.Optimizer],
    batches: Sequence[dict[str, Tensor]],
    make_rng: MakeRng,
    loop: LoopSettings,
    check: Callable[[list[float]], None] | None = None,
    accelerator: Accelerator | None = None,
    scaler: torch.amp.GradScaler | None = None,
) -> list[Losses]:
    """Lets every optimiser take one step.

    While one optimiser's turn lasts, the parameters of the others have no gradient. A scaled
    gradient that is not finite is skipped, and the scale falls; only below 1 is it checked.

    Args:
        model: the objective, or what ``accelerator`` made of it.
        optimizers: as :func:`make_optimizers` returns them; their learning rates are set.
        batches: the micro-batches of the step, on the model's device.
        make_rng: gives the generator of each micro-step.
        loop: precision and clipping.
        check: is given the norm of a gradient before the step, and raises if it is not finite.
        accelerator: of a run of several processes or in half precision; default: none.
        scaler: as :func:`make_scaler` returns it; default: the loss is not scaled.

    Returns:
        The losses of each micro-step, those of several optimisers joined: their parts are called
        ``name_part``, and ``name_loss`` is the total of one.
    """
    device = next(model.parameters()).device
    turns = {name: _parameters(optimizer) for name, optimizer in optimizers.items()}
    found: dict[str, list[Losses]] = {}
    for index, (name, optimizer) in enumerate(optimizers.items()):
        for other, parameters in turns.items():
            for parameter in parameters:
                parameter.requires_grad_(other == name)
        found[name] = []
        for k, batch in enumerate(batches):
            rng = make_rng(index * len(batches) + k)
            context = contextlib.nullcontext()
            if accelerator is not None and k < len(batches) - 1:
                context = accelerator.no_sync(model)
            with context:
                half = HALF.get(loop.precision)
                with torch.autocast(device.type, half, enabled=half is not None):
                    losses = model(batch, rng, name) if name else model(batch, rng)
                scaled = losses.total / len(batches)
                if scaler is not None:
                    scaled = scaler.scale(scaled)
                scaled.backward() if accelerator is None else accelerator.backward(scaled)
            found[name].append(losses)
        if scaler is not None:
            scaler.unscale_(optimizer)
        clip = nn.utils.clip_grad_norm_ if accelerator is None else accelerator.clip_grad_norm_
        norm = clip(turns[name], loop.clip or math.inf)
        if check is not None and norm is not None and (scaler is None or scaler.get_scale() < 1):
            check([float(norm)])
        optimizer.step() if scaler is None else scaler.step(optimizer)
        optimizer.zero_grad(set_to_none=True)
    if scaler is not None:
        scaler.update()
    for parameters in turns.values():
        for parameter in parameters:
            parameter.requires_grad_(True)
    return [
        _joined(dict(zip(found, micro, strict=True))) for micro in zip(*found.values(), strict=True)
    ]


def _parameters(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


def _joined(losses: dict[str, Losses]) -> Losses:
    """The losses of all optimisers in one micro-step; those of a single one as they are."""
    if len(losses) == 1:
        return next(iter(losses.values()))
    parts = {f"{name}_{part}": v for name, each in losses.items() for part, v in each.parts.items()}
    parts |= {f"{name}_loss": each.total for name, each in losses.items()}
    first = next(iter(losses.values()))
    total = torch.stack([each.total.detach() for each in losses.values()]).sum()
    return Losses(total, parts, first.timesteps, first.per_image)

"""Where networks lie in a folder of weights, and those that ship."""

from __future__ import annotations

from pathlib import Path

from palsynth.methods.controlnet.networks.base import Base

ASSETS = Path(__file__).parents[1] / "assets"
SMALL = ASSETS / "small"
"""Our small Stable Diffusion with its ControlNet, as exported by training."""

BASE_FOLDER = "base"
"""Subfolder of a ControlNet's weights with the base that was trained with it."""


def save_base(base: Base, folder: Path) -> None:
    """Saves a base in the layout that StableDiffusionPipeline reads.

    Args:
        base: the components.
        folder: where they are written; made if missing.
    """
    # imported here, once the verbosity is set: its import warns that torchvision is missing
    from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import (
        StableDiffusionPipeline,
    )

    StableDiffusionPipeline(
        vae=base.vae,
        text_encoder=base.text_encoder,
        tokenizer=base.tokenizer,
        unet=base.unet,
        scheduler=base.scheduler,  # type: ignore[arg-type]
        safety_checker=base.checker,
        feature_extractor=base.extractor,
        requires_safety_checker=base.checker is not None,
    ).save_pretrained(folder, safe_serialization=True)

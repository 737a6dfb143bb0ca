"""A plain diffusion model on disk: a folder with settings.yaml and unet/, safetensors only.

The autoencoder of a model of latents is not stored with it: it is the one that ships, or lies where
the settings say.
"""

from __future__ import annotations

from pathlib import Path

from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d import UNet2DModel

from palsynth.methods.controlnet.io.components import read_network
from palsynth.methods.controlnet.io.loading import read_autoencoder
from palsynth.methods.diffusion.config import DiffusionModelSettings
from palsynth.methods.diffusion.networks.model import DiffusionModel, diffused_shape
from palsynth.methods.diffusion.networks.unet import build_unet
from palsynth.training.init import check_fits
from palsynth.training.saved import load_settings, save_networks

FAMILY = "diffusion"
"""Name of the package, in which the weights that ship lie."""

KIND = "diffusion"
"""Kind of the recipe and of the weights."""


def method_of(settings: DiffusionModelSettings) -> str:
    """The method that a model is for.

    Args:
        settings: settings of the model: what it diffuses, and whether it has conditions.

    Returns:
        Name of the method.
    """
    if settings.space == "latents":
        return "latent-diffusion"
    return "ddpm" if settings.conditioned else "ddpm-unconditional"


def autoencoder_of(settings: DiffusionModelSettings) -> AutoencoderKL | None:
    """Loads the autoencoder of a model of latents.

    Args:
        settings: settings of the model.

    Returns:
        The autoencoder, frozen; None for a model of pixels.

    Raises:
        InputError: it cannot be read.
    """
    return None if settings.space == "pixels" else read_autoencoder(settings.autoencoder)


def build_model(settings: DiffusionModelSettings) -> DiffusionModel:
    """Builds a model around its autoencoder, if it has one.

    Args:
        settings: settings of the model.

    Returns:
        The model, its U-Net newly initialised.

    Raises:
        InputError: the sizes do not fit together, or the autoencoder cannot be read.
    """
    autoencoder = autoencoder_of(settings)
    shape = diffused_shape(settings, autoencoder)
    return DiffusionModel(settings, build_unet(settings, shape.channels, shape.side), autoencoder)


def save_model(model: DiffusionModel, folder: Path) -> None:
    """Writes a model.

    Args:
        model: the model.
        folder: folder to write to; created if missing.

    Raises:
        InputError: the folder cannot be written, or a tensor is not finite.
    """
    save_networks({"unet": model.unet}, model.settings, KIND, folder)


def load_model(folder: Path) -> DiffusionModel:
    """Loads a model.

    Args:
        folder: folder that :func:`save_model` wrote.

    Returns:
        The model, frozen, in evaluation mode and single precision, on the CPU.

    Raises:
        InputError: the folder does not exist, holds no model, or holds a damaged one.
    """
    settings = load_settings(DiffusionModelSettings, KIND, folder)
    unet: UNet2DModel = read_network(UNet2DModel, folder / "unet")
    expected = build_model(settings)
    check_fits(unet, expected.unet.config, folder, "its settings.yaml")
    model = DiffusionModel(settings, unet, expected.autoencoder)
    return model.requires_grad_(False).eval()

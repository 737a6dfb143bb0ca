"""Models of certain people on disk, with the restoration network that follows them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from diffusers.models.modeling_utils import ModelMixin

from palsynth.errors import InputError
from palsynth.methods.gans.config.people import PeopleModelSettings, RestorationFrom
from palsynth.methods.gans.config.restoration import RestorationModelSettings
from palsynth.methods.gans.io.files import FAMILY, load_networks
from palsynth.methods.gans.networks.restoration import FaceRestoration
from palsynth.methods.gans.networks.swap import FaceSwap
from palsynth.methods.shipped import shipped
from palsynth.training.init import check_fits
from palsynth.training.saved import load_settings, save_networks

RESTORATION = "face-restoration"
"""Kind of the recipe of the restoration network."""


@dataclass(frozen=True)
class PeopleModel:
    """What turns a face into one of certain people.

    Attributes:
        network: the encoder and the people's decoders.
        restoration: restores its images; None leaves them as they are.
        settings: what inference needs to know about them.
    """

    network: FaceSwap
    restoration: FaceRestoration | None
    settings: PeopleModelSettings


def save_model(model: PeopleModel, kind: str, folder: Path) -> None:
    """Writes a model.

    Args:
        model: the model.
        kind: kind of the recipe that trains it.
        folder: folder to write to; created if missing.

    Raises:
        InputError: the folder cannot be written, or a tensor is not finite.
    """
    networks: dict[str, ModelMixin] = {"generator": model.network}
    if model.restoration is not None:
        networks["restoration"] = model.restoration
    save_networks(networks, model.settings, kind, folder)


def load_model(kind: str, folder: Path | None = None) -> PeopleModel:
    """Loads what :func:`save_model` wrote.

    Args:
        kind: kind of the recipe that trained it.
        folder: the folder; default: the model that ships.

    Returns:
        The model, frozen, in evaluation mode and single precision, on the CPU.

    Raises:
        InputError: the folder does not exist, holds weights of another kind, or damaged ones.
    """
    folder = shipped(FAMILY, kind) if folder is None else folder
    settings = load_settings(PeopleModelSettings, kind, folder)
    classes: dict[str, type[ModelMixin]] = {"generator": FaceSwap}
    if settings.restoration:
        classes["restoration"] = FaceRestoration
    networks, _ = load_networks(classes, PeopleModelSettings, kind, folder)
    shape = {"size": settings.size, "people": len(settings.people)}
    check_fits(networks["generator"], shape, folder, "its settings.yaml")
    return PeopleModel(networks["generator"], networks.get("restoration"), settings)


def save_restoration(network: FaceRestoration, size: int, folder: Path) -> None:
    """Writes a restoration network.

    Args:
        network: the network.
        size: side of the images that it was trained on, pixels.
        folder: folder to write to; created if missing.

    Raises:
        InputError: the folder cannot be written, or a tensor is not finite.
    """
    save_networks({"restoration": network}, RestorationModelSettings(size), RESTORATION, folder)


def load_restoration(folder: Path | None = None) -> tuple[FaceRestoration, int]:
    """Loads a restoration network.

    Args:
        folder: what :func:`save_restoration` wrote; default: the one that ships.

    Returns:
        The network, frozen, and the side of the images that it was trained on.

    Raises:
        InputError: the folder does not exist, holds weights of another kind, or damaged ones.
    """
    folder = shipped(FAMILY, RESTORATION) if folder is None else folder
    networks, settings = load_networks(
        {"restoration": FaceRestoration}, RestorationModelSettings, RESTORATION, folder
    )
    network: FaceRestoration = networks["restoration"]
    return network, settings.size


def restoration_for(size: int, source: RestorationFrom) -> FaceRestoration | None:
    """The restoration network that a recipe names.

    Args:
        size: side of the generator's images, pixels.
        source: ``none``, ``shipped``, or a folder.

    Returns:
        The network, frozen; None without one.

    Raises:
        InputError: it cannot be loaded, or was trained on images of another size.
    """
    if source == "none":
        return None
    network, trained = load_restoration(None if source == "shipped" else Path(source))
    if trained != size:
        raise InputError(
            f"restoration {source}: was trained on images of {trained} px, not {size}; train one "
            "of that size, or give none"
        )
    return network

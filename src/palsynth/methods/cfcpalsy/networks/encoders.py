"""The networks of a new model: their encoders are ours, or published ones by path."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import nn

from palsynth.documents import read_json
from palsynth.encoders.load import expression_encoder, landmark_encoder
from palsynth.encoders.published.files import load_exactly
from palsynth.encoders.published.ir import AdaFaceIR
from palsynth.encoders.published.mobilefacenet import MobileFaceNet
from palsynth.errors import InputError
from palsynth.methods.cfcpalsy.config import CFCPalsySettings, EncoderSettings
from palsynth.methods.cfcpalsy.networks.conditioner import Conditioner
from palsynth.methods.cfcpalsy.networks.model import build_networks, build_unet

PUBLISHED: dict[str, Any] = {
    "encoders": "published",
    "identity_block": 21,
    "landmark_signed": True,
}
"""Fields of a conditioner that takes published encoders as the published code does."""


def build_networks_with(
    settings: CFCPalsySettings, encoders: EncoderSettings
) -> dict[str, nn.Module]:
    """Builds the networks of a model, with published encoders where they are given.

    Args:
        settings: settings of the model.
        encoders: the files of the published encoders; without them, ours are taken.

    Returns:
        ``unet`` and ``conditioner``, newly initialised but for the encoders.

    Raises:
        InputError: a file cannot be loaded, or holds another network.
    """
    if not encoders.given:
        return build_networks(settings)
    unet, c = build_unet(settings), settings.condition
    conditioner = Conditioner(
        out=unet.token_channels,
        time_channels=unet.time_channels,
        dim=c.dim,
        heads=c.heads,
        landmarks=c.landmarks,
        cross=c.cross,
        transposed=c.transposed,
        expression_vector=c.expression_vector,
        **PUBLISHED,
    )
    _load_encoders(conditioner, encoders)
    return {"unet": unet, "conditioner": conditioner}


def has_published_encoders(weights: Path) -> bool:
    """Checks whether trained weights have published encoders, without loading them.

    Args:
        weights: their folder, or a published checkpoint, which has.

    Returns:
        Whether they have; False where nothing can be read.
    """
    if weights.is_file():
        return True
    try:
        config = read_json(weights / "conditioner" / "config.json")
    except InputError:
        return False
    return isinstance(config, dict) and config.get("encoders") == "published"


def _load_encoders(conditioner: Conditioner, encoders: EncoderSettings) -> None:
    """Loads the published encoders into a conditioner that is built for them."""
    assert encoders.identity is not None
    assert encoders.landmarks is not None
    expression = expression_encoder(encoders.expression, encoders.identity)
    if not isinstance(expression.identity, AdaFaceIR):
        found = type(expression.identity).__name__
        raise InputError(f"{encoders.identity}: holds {found}; give AdaFace's IR-50")
    recogniser = expression.identity.state_dict()
    load_exactly(conditioner.identity_net, recogniser, encoders.identity)
    load_exactly(conditioner.expression_net, expression.state_dict(), encoders.identity)
    if conditioner.landmark_net is not None:
        landmarks = landmark_encoder(encoders.landmarks)
        if not isinstance(landmarks, MobileFaceNet):
            raise InputError(
                f"{encoders.landmarks}: holds {type(landmarks).__name__}; give MobileFaceNet"
            )
        load_exactly(conditioner.landmark_net, landmarks.state_dict(), encoders.landmarks)

"""What the recipes of models of certain people share."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from palsynth.encoders.base import as_images
from palsynth.encoders.shipped import load_ours
from palsynth.methods.gans.people.albums import Album, first_pictures

PICTURES = 4
"""Pictures by which the recogniser describes a person."""


@torch.no_grad()
def describe(album: Album) -> Tensor:
    """Describes people by our recogniser, to find who looks like somebody else.

    Args:
        album: their pictures.

    Returns:
        (P, 512) unit vectors, each the direction of the mean of some pictures' vectors.
    """
    recogniser = load_ours("identity")
    means = []
    for pictures in first_pictures(album, PICTURES):
        images = as_images(torch.from_numpy(np.stack(pictures)))
        means.append(functional.normalize(recogniser(images).vector).mean(0))
    return functional.normalize(torch.stack(means))

"""The landmark encoder: all 478 points of a face, differentiably, and a feature map."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple

import cv2
import numpy as np
import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn

from palsynth.appearance.model import appearance_model
from palsynth.data.examples import Source
from palsynth.encoders.base import SIZE, as_images, upright_crop
from palsynth.encoders.identity import IRNetSettings
from palsynth.encoders.irnet import IRNet
from palsynth.encoders.shipped import load_ours
from palsynth.encoders.sources import FacesSettings
from palsynth.encoders.validation import on
from palsynth.face import topology
from palsynth.face.face import Face
from palsynth.face.framing import RECOGNISER
from palsynth.face.regions import REGIONS
from palsynth.training.init import InitSettings, init_network
from palsynth.training.objective import Losses, Objective
from palsynth.training.recipe import LoopSettings

_EXPRESSIVE = np.unique(
    [
        *(point for region in REGIONS if region != "face" for point in REGIONS[region]),
        *topology.mouth_polygon(),
        *topology.IRIS["left"],
        *topology.IRIS["right"],
    ]
)
"""Points of lids, irises, brows, nose and lips, which show the expression; weighted threefold."""


class Landmarks(NamedTuple):
    """Landmarks of N images."""

    points: Tensor
    """(N, P, 2) x and y as fractions of the image's side, in 0 … 1 within the image."""
    map: Tensor
    """(N, C, 7, 7) the last feature map."""


class LandmarkNet(ModelMixin, ConfigMixin):  # type: ignore[misc]
    """Predicts 478 points as offsets from the mean face.

    Args:
        widths: see :class:`IRNet`.
        depths: see :class:`IRNet`.
        narrow: see :class:`IRNet`.
        dim: see :class:`IRNet`.
        dropout: see :class:`IRNet`.
    """

    @register_to_config
    def __init__(
        self,
        widths: tuple[int, ...] = (16, 32, 64, 128),
        depths: tuple[int, ...] = (1, 2, 2, 1),
        narrow: int = 16,
        dim: int = 256,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.trunk = IRNet(widths, depths, narrow, dim, dropout)
        self.to_points = nn.Linear(dim, topology.POINTS * 2)
        with torch.no_grad():
            self.to_points.weight.mul_(0.05)
            self.to_points.bias.copy_(_mean_face().flatten())

    def forward(self, images: Tensor) -> Landmarks:
        """Images (N, 3, H, W), RGB in 0 … 1, to points and maps."""
        features = self.trunk(images)
        points = self.to_points(features.vector).float()
        return Landmarks(points.view(-1, topology.POINTS, 2), features.map)

    def crop(self, face: Face) -> Face:
        """The face aligned as in training."""
        return upright_crop(face)


def _mean_face() -> Tensor:
    """Points of the mean face in a recogniser crop (478, 2), as fractions of its side."""
    model = appearance_model()
    points = model.landmarks(np.zeros(model.code_length, np.float32))[:, :2]
    points = points - points[list(topology.OUTER_CANTHUS.values())].mean(0)
    pixels = points * RECOGNISER.scale(SIZE) + RECOGNISER.origin(SIZE)
    return torch.from_numpy((pixels + 0.5) / SIZE).float()


@dataclass(frozen=True)
class LandmarksRecipe(InitSettings):
    """Trains the landmark encoder."""

    kind: Literal["landmarks"] = "landmarks"
    """The kind of recipe."""
    model: IRNetSettings = field(
        default_factory=lambda: IRNetSettings((16, 32, 64, 128), (1, 2, 2, 1), 16, 256, 0.0)
    )
    data: FacesSettings = field(default_factory=FacesSettings)
    loop: LoopSettings = field(default_factory=LoopSettings)

    def source(self, build_cache: bool = True) -> Source:
        """The training examples."""
        return self.data.build(build_cache)

    def objective(self) -> Objective:
        """The objective."""
        m = self.model
        build = partial(LandmarkNet, m.widths, m.depths, m.narrow, m.dim, m.dropout)
        return LandmarksObjective(init_network(self, build, partial(load_ours, "landmarks")))


class LandmarksObjective(Objective):
    """Mean distance of the known points, relative to the outer-eye distance of the framing.

    Args:
        net: the network.
    """

    def __init__(self, net: LandmarkNet) -> None:
        super().__init__()
        self.net = net
        weight = torch.ones(topology.POINTS)
        weight[torch.from_numpy(_EXPRESSIVE)] = 3.0
        self.register_buffer("weight", weight, persistent=False)
        self.weight: Tensor

    def forward(self, batch: dict[str, Tensor], rng: torch.Generator) -> Losses:
        """Losses of a batch with ``image`` and ``points``."""
        predictions = self.net(as_images(batch["image"])).points
        targets = (batch["points"].float() + 0.5) / batch["image"].shape[1]
        known = ~targets.isnan().any(-1)
        squared = (predictions - targets.nan_to_num()).square().sum(-1)
        distance = (squared + 1e-8).sqrt() / RECOGNISER.outer_eyes
        weight = self.weight * known
        loss = (distance * weight).sum() / weight.sum().clamp(min=1)
        return Losses(loss, {"distance": (distance * known).sum() / known.sum().clamp(min=1)})

    def validate(self) -> dict[str, float]:
        """Mean distance on pictures of unseen synthetic subjects."""
        batch = on(self.weight.device)
        return {"validation/distance": self(batch, torch.Generator()).parts["distance"].item()}

    def picture(self) -> np.ndarray:
        """Sixteen pictures of unseen synthetic subjects with the predicted points."""
        images = on(self.weight.device)["image"][:16]
        points = self.net(as_images(images)).points.cpu().numpy() * SIZE * 2 - 0.5
        tiles = []
        for image, predicted in zip(images.cpu().numpy(), points, strict=True):
            tile = cv2.resize(image, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
            for x, y in predicted[_EXPRESSIVE]:
                cv2.circle(tile, (round(x), round(y)), 1, (80, 255, 80), -1)
            tiles.append(tile)
        return np.vstack([np.hstack(tiles[k : k + 4]) for k in range(0, 16, 4)])

    def export(self, folder: Path) -> None:
        """Writes the network."""
        self.net.save_pretrained(folder)

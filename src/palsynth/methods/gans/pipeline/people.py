"""From faces to images of the people that a model knows."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from palsynth.encoders.base import as_images, upright_crop
from palsynth.encoders.shipped import load_ours
from palsynth.face.face import Face
from palsynth.face.framing import RECOGNISER
from palsynth.methods.base import ExpressionImage
from palsynth.methods.compositing import paste
from palsynth.methods.gans.io.people import PeopleModel, load_model, save_model
from palsynth.methods.networks import default_device


class PeoplePipeline:
    """A model with the choice of the person and cropping before it, and compositing after it.

    Args:
        model: the model, its networks on the device that they are to run on.
        kind: kind of the recipe that trains such a model.
    """

    def __init__(self, model: PeopleModel, kind: str) -> None:
        self.model, self.kind = model, kind

    @classmethod
    def from_pretrained(cls, kind: str, path: Path | None = None) -> PeoplePipeline:
        """Loads the folder of a model; default: the model that ships."""
        model = load_model(kind, path)
        for network in (model.network, model.restoration):
            if network is not None:
                network.to(default_device())  # type: ignore[arg-type]
        return cls(model, kind)

    def save_pretrained(self, path: Path) -> None:
        """Writes the model, for :meth:`from_pretrained` to load."""
        save_model(self.model, self.kind, path)

    @cached_property
    def _recogniser(self) -> nn.Module:
        recogniser: nn.Module = load_ours("identity")
        return recogniser.to(self.model.network.device)

    @torch.no_grad()
    def similarities(self, identities: Sequence[Face]) -> np.ndarray:
        """How much faces look like the people that the model knows.

        Args:
            identities: N faces.

        Returns:
            (N, P) cosines of our recogniser's vectors.
        """
        crops = [upright_crop(face).image for face in identities]
        vectors = functional.normalize(self._recogniser(self._images(crops)).vector)
        cosines: np.ndarray = (vectors @ self.model.network.vectors.T).cpu().numpy()
        return cosines

    @torch.no_grad()
    def __call__(
        self, identities: Sequence[Face], expressions: Sequence[ExpressionImage]
    ) -> list[np.ndarray]:
        """Shows, in place of each identity, whom of its people the model finds most like it.

        Args:
            identities: N faces at rest.
            expressions: N expression images.

        Returns:
            N images (H, W, 3) uint8 RGB, with the size and the framing of the identities' images.
        """
        person = torch.from_numpy(self.similarities(identities).argmax(1))
        size = self.model.settings.size
        crops = [picture.face.aligned(RECOGNISER, size).image for picture in expressions]
        images = 2 * self._images(crops) - 1
        made = self.model.network(images, person.to(images.device))
        if self.model.restoration is not None:
            made = self.model.restoration(made)
        samples = ((made.cpu() + 1) * 127.5).permute(0, 2, 3, 1).numpy()
        return [
            paste(face.image, sample, face.aligned(RECOGNISER, size).onto(face))
            for face, sample in zip(identities, samples, strict=True)
        ]

    def _images(self, crops: Sequence[np.ndarray]) -> Tensor:
        """Crops (S, S, 3) uint8 as images (N, 3, S, S), 0 … 1, on the model's device."""
        return as_images(torch.from_numpy(np.stack(crops))).to(self.model.network.device)

"""From faces to images: crops go into a conditional GAN, and its image goes back into the photo."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from palsynth.encoders.base import as_images
from palsynth.face.face import Face
from palsynth.face.framing import RECOGNISER
from palsynth.methods.compositing import paste
from palsynth.methods.gans.config.conditional import ConditionalSettings
from palsynth.methods.gans.io.conditional import load_generator, save_generator
from palsynth.methods.gans.networks.condition import Conditioner
from palsynth.methods.gans.networks.conditional import Generator
from palsynth.methods.networks import default_device


class ConditionalPipeline:
    """A generator with cropping before it and compositing after it.

    Args:
        generator: the generator, on the device that it is to run on.
        settings: settings of the model.
    """

    def __init__(self, generator: Generator, settings: ConditionalSettings) -> None:
        self.generator, self.settings = generator.eval(), settings
        self.conditioner = Conditioner(settings.condition).to(generator.device)

    @classmethod
    def from_pretrained(cls, path: Path) -> ConditionalPipeline:
        """Loads the weights of a training."""
        generator, settings = load_generator(path)
        generator.to(default_device())  # type: ignore[arg-type]
        return cls(generator, settings)

    def save_pretrained(self, path: Path) -> None:
        """Writes the weights, for :meth:`from_pretrained` to load."""
        save_generator(self.generator, self.settings, path)

    @torch.no_grad()
    def __call__(self, identities: Sequence[Face], expressions: Sequence[Face]) -> list[np.ndarray]:
        """Transfers expressions to identities. There is no randomness in it.

        Args:
            identities: N faces at rest.
            expressions: N faces with the expressions.

        Returns:
            N images (H, W, 3) uint8 RGB, with the size and the framing of the identities' images.
        """
        size = self.settings.size
        crops = [face.aligned(RECOGNISER, size) for face in identities]
        identity = self._input(crops)
        expression = self._input([face.aligned(RECOGNISER, size) for face in expressions])
        made = self.generator(identity, self.conditioner(identity, expression)).image
        pixels = (127.5 * (made.float() + 1)).permute(0, 2, 3, 1).cpu().numpy()
        return [
            paste(face.image, image, crop.onto(face))
            for face, image, crop in zip(identities, pixels, crops, strict=True)
        ]

    def _input(self, crops: Sequence[Face]) -> Tensor:
        images = as_images(torch.from_numpy(np.stack([crop.image for crop in crops])))
        return 2 * images.to(self.generator.device) - 1

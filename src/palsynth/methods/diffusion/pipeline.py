"""From conditions to images: a sample replaces the face in the identity's picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from palsynth.face.face import Face
from palsynth.face.framing import RECOGNISER
from palsynth.methods.compositing import paste
from palsynth.methods.diffusion.config import DiffusionSampling
from palsynth.methods.diffusion.io.files import load_model, save_model
from palsynth.methods.diffusion.labels import Condition
from palsynth.methods.diffusion.networks.model import DiffusionModel
from palsynth.methods.networks import default_device


class DiffusionPalsyPipeline:
    """A model with compositing after it.

    Args:
        model: the model, on the device that it is to run on.
    """

    def __init__(self, model: DiffusionModel) -> None:
        self.model = model

    @classmethod
    def from_pretrained(cls, path: Path) -> DiffusionPalsyPipeline:
        """Loads a model's folder."""
        return cls(load_model(path).to(default_device()))

    def save_pretrained(self, path: Path) -> None:
        """Writes the model, for :meth:`from_pretrained` to load."""
        save_model(self.model, path)

    def __call__(
        self,
        identities: Sequence[Face],
        conditions: Sequence[Condition | None],
        seeds: Sequence[int],
        sampling: DiffusionSampling | None = None,
    ) -> list[np.ndarray]:
        """Generates faces and puts each in place of an identity's; the seeds decide all randomness,
        in any batch.

        The model is not conditioned on the identity: of its picture, only what is around the face
        stays.

        Args:
            identities: N faces.
            conditions: the movement and weak side that each face is to show; None for a face
                without a condition.
            seeds: N seeds.
            sampling: replaces the model's sampler, steps and guidance.

        Returns:
            N images (H, W, 3) uint8 RGB, with the size and the framing of the identities' images.

        Raises:
            InputError: the model does not know a movement.
        """
        labels = self.model.labels
        numbers = [labels.null if c is None else labels.encode([c])[0] for c in conditions]
        samples = self.model.sample(torch.tensor(numbers), seeds, sampling).cpu()
        crops = (samples * 255).permute(0, 2, 3, 1).numpy()
        size = self.model.settings.size
        return [
            paste(face.image, crop, face.aligned(RECOGNISER, size).onto(face))
            for face, crop in zip(identities, crops, strict=True)
        ]

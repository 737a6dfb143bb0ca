"""From faces to images: crops go into the model, and what it changes goes back into the photo."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from palsynth.encoders.base import as_images
from palsynth.face.face import Face
from palsynth.methods.base import ExpressionImage, TargetExpression
from palsynth.methods.captured import draft
from palsynth.methods.cfcpalsy.config import DiffusionSettings
from palsynth.methods.cfcpalsy.io.files import load_model, save_model
from palsynth.methods.cfcpalsy.networks.model import CFCPalsyModel, ImageBatch, Preview
from palsynth.methods.compositing import add_change, paste, soft_face_mask
from palsynth.methods.networks import default_device
from palsynth.simulator.drive import Drive


class CFCPalsyPipeline:
    """A model with cropping before it and compositing after it.

    Args:
        model: the model, on the device that it is to run on.
    """

    def __init__(self, model: CFCPalsyModel) -> None:
        self.model = model

    @classmethod
    def from_pretrained(cls, path: Path | None = None) -> CFCPalsyPipeline:
        """Loads a model's folder; default: the model that ships."""
        return cls(load_model(path).to(default_device()))

    def save_pretrained(self, path: Path) -> None:
        """Writes the model, for :meth:`from_pretrained` to load."""
        save_model(self.model, path)

    def __call__(
        self,
        identities: Sequence[Face],
        expressions: Sequence[ExpressionImage],
        seeds: Sequence[int],
        requested: Sequence[TargetExpression | Drive | None] | None = None,
        diffusion: DiffusionSettings | None = None,
        preview: Preview | None = None,
    ) -> list[np.ndarray]:
        """Transfers expressions to identities; the seeds decide all randomness, in any batch.

        Args:
            identities: N faces at rest.
            expressions: N expression images.
            seeds: N seeds.
            requested: the movement and palsy, or coefficients, that each expression image shows,
                where they are known. If the model uses a draft, the simulator makes it from these;
                where they are None, from the expression as captured from the image, against the
                same person at rest if that is given.
            diffusion: replaces the model's sampler, steps, eta, num_samples_averaged and guidance.
            preview: called at each sampling step.

        Returns:
            N images (H, W, 3) uint8 RGB, with the size and the framing of the identities' images.
        """
        size = self.model.settings.unet.size
        crop = self.model.conditioner.crop
        crops = [crop(face, size) for face in identities]
        inputs = {
            "identity": [c.image for c in crops],
            "expression": [crop(picture.face, size).image for picture in expressions],
        }
        drafts: list[np.ndarray] | None = None
        if self.model.settings.uses_draft:
            drafts = _make_drafts(identities, expressions, requested)
            inputs["draft"] = [
                crop(Face(image, face.landmarks), size).image
                for image, face in zip(drafts, identities, strict=True)
            ]
        samples = self._sample(inputs, seeds, diffusion, preview)
        images = []
        for k, face in enumerate(identities):
            to_image = crops[k].onto(face)
            if drafts is None:
                images.append(paste(face.image, samples[k], to_image))
            else:
                change = (samples[k] - inputs["draft"][k]) * soft_face_mask(crops[k])[..., None]
                images.append(add_change(drafts[k], change, to_image))
        return images

    def _sample(
        self,
        inputs: dict[str, list[np.ndarray]],
        seeds: Sequence[int],
        diffusion: DiffusionSettings | None,
        preview: Preview | None,
    ) -> np.ndarray:
        """Samples (N, S, S, 3) float32 RGB in 0 … 255 from crops (S, S, 3) uint8 RGB by name."""
        device = next(self.model.parameters()).device
        batch = ImageBatch(
            {
                name: as_images(torch.from_numpy(np.stack(images))).to(device)
                for name, images in inputs.items()
            }
        )
        samples = self.model.sample(batch, seeds, diffusion, preview).cpu()
        return (samples * 255).permute(0, 2, 3, 1).numpy()


def _make_drafts(
    identities: Sequence[Face],
    expressions: Sequence[ExpressionImage],
    requested: Sequence[TargetExpression | Drive | None] | None,
) -> list[np.ndarray]:
    """The simulator's drafts, from what is requested where it is known, else from the images."""
    targets = requested or [None] * len(expressions)
    return [
        draft(face, target or picture)
        for face, picture, target in zip(identities, expressions, targets, strict=True)
    ]

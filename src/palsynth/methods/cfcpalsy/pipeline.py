"""From faces to pictures: crops go into the model, and what it changes goes back into the photo."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch

from palsynth.encoders.base import as_images
from palsynth.face.face import Face
from palsynth.face.regions import region_mask
from palsynth.methods.base import ExpressionImage, TargetExpression
from palsynth.methods.captured import draft
from palsynth.methods.cfcpalsy.files import load_model, save_model
from palsynth.methods.cfcpalsy.model import CFCPalsyModel, ImageBatch, Preview
from palsynth.methods.cfcpalsy.settings import DiffusionSettings
from palsynth.methods.networks import default_device

DEFAULT = Path(__file__).parent / "assets" / "default"

RIM = 0.08
"""Share of a crop's side over which it fades into the photo around it."""

SOFT = 0.05
"""How softly a change of the draft ends at the face's contour, of the outer-eye distance."""


class CFCPalsyPipeline:
    """A model with everything around it. Seeds decide all chance, whatever the batch."""

    def __init__(self, model: CFCPalsyModel) -> None:
        self.model = model

    @classmethod
    def from_pretrained(cls, path: Path | None = None) -> CFCPalsyPipeline:
        """The model of a folder; what ships where nothing is said."""
        return cls(load_model(path or DEFAULT).to(default_device()))

    def save_pretrained(self, path: Path) -> None:
        """Writes what :meth:`from_pretrained` reads."""
        save_model(self.model, path)

    def __call__(
        self, identities: Sequence[Face], expressions: Sequence[ExpressionImage], seeds: Sequence[int],
        requested: Sequence[TargetExpression | None] | None = None, diffusion: DiffusionSettings | None = None,
        preview: Preview | None = None,
    ) -> list[np.ndarray]:  # fmt: skip
        """Pictures (H, W, 3) uint8 RGB as large as the identities' and lying as they do.

        ``requested`` says in words what an expression image shows, where that is known; else it is
        captured, against the same person's rest where the picture has it, if the model wants a
        draft. ``diffusion`` replaces sampler, steps and guidance.
        """
        size = self.model.settings.unet.size
        crop = self.model.conditioner.crop
        cut = [crop(face, size) for face in identities]
        shown = [crop(picture.face, size).image for picture in expressions]
        drafts: list[np.ndarray | None] = [None] * len(cut)
        images = {"identity": [c.image for c in cut], "expression": shown}
        if self.model.settings.uses_draft:
            words = requested or [None] * len(expressions)
            drafts = [
                draft(face, said or picture)
                for face, picture, said in zip(identities, expressions, words, strict=True)
            ]
            images["draft"] = [
                crop(Face(made, face.landmarks), size).image
                for made, face in zip(drafts, identities, strict=True)
                if made is not None
            ]
        device = next(self.model.parameters()).device
        batch = ImageBatch({
            name: as_images(torch.from_numpy(np.stack(i))).to(device) for name, i in images.items()
        })  # fmt: skip
        made = self.model.sample(batch, seeds, diffusion, preview).cpu()
        crops = (made * 255).permute(0, 2, 3, 1).numpy()
        out = []
        for k, face in enumerate(identities):
            if drafts[k] is None:
                out.append(_pasted(face.image, crops[k], cut[k].onto(face)))
            else:
                change = (crops[k] - images["draft"][k]) * _within(cut[k])[..., None]
                out.append(_changed(drafts[k], change, cut[k].onto(face)))  # type: ignore[arg-type]
        return out


def _within(crop: Face) -> np.ndarray:
    """(S, S) float32: 1 in the face, 0 outside it, where no expression changes anything."""
    inside = region_mask(crop.landmarks, "face", crop.image.shape).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(inside, (0, 0), SOFT * crop.outer_eyes))


def _changed(picture: np.ndarray, change: np.ndarray, to_picture: np.ndarray) -> np.ndarray:
    """A picture with the change of a crop (S, S, 3) added where the crop lies in it: a larger
    picture keeps its own sharpness, and only what changes is as coarse as the crop."""
    faded = change * _fade(change.shape[0])[..., None]
    laid = _laid(faded, to_picture, picture.shape)
    return (picture + laid).round().clip(0, 255).astype(np.uint8)


def _pasted(picture: np.ndarray, crop: np.ndarray, to_picture: np.ndarray) -> np.ndarray:
    """A picture with a crop (S, S, 3) laid over it, faded at the crop's rim."""
    alpha = _laid(_fade(crop.shape[0]), to_picture, picture.shape)[..., None].clip(0, 1)
    border = cv2.BORDER_REPLICATE
    laid = _laid(crop.astype(np.float32), to_picture, picture.shape, border)
    return (picture * (1 - alpha) + laid * alpha).round().clip(0, 255).astype(np.uint8)


def _laid(
    crop: np.ndarray, to_picture: np.ndarray, shape: tuple[int, ...],
    border: int = cv2.BORDER_CONSTANT,
) -> np.ndarray:  # fmt: skip
    return cv2.warpAffine(
        crop.astype(np.float32),
        to_picture,
        (shape[1], shape[0]),
        flags=cv2.INTER_CUBIC,
        borderMode=border,
    )


def _fade(size: int) -> np.ndarray:
    """(S, S) float32: 1 inside, 0 at the rim."""
    rim = RIM * size
    edge = np.minimum(np.arange(size) + 0.5, size - np.arange(size) - 0.5) / rim
    line = edge.clip(0, 1).astype(np.float32)
    return np.minimum(line[:, None], line[None])

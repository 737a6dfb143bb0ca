"""What the face restoration network minimises."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from palsynth.data.pair_settings import validation_pairs
from palsynth.methods.gans.degradation import degrade
from palsynth.methods.gans.io.people import save_restoration
from palsynth.methods.gans.networks.restoration import FaceRestoration
from palsynth.methods.gans.objective.validation import in_rows, psnr, to_range
from palsynth.training.objective import Losses, Objective


class RestorationObjective(Objective):
    """The distance of restored faces to what they were before they were degraded, in pixels and in
    their differences to neighbours, which keep edges sharp.

    Args:
        network: the network to train.
        size: side of the images, pixels.
        edge_loss_weight: weight of the differences.
    """

    def __init__(self, network: FaceRestoration, size: int, edge_loss_weight: float) -> None:
        super().__init__()
        self.network, self.size, self.edge_loss_weight = network, size, edge_loss_weight

    def forward(self, batch: dict[str, Tensor], rng: torch.Generator) -> Losses:
        """Losses of a batch with ``target``, faces."""
        images = to_range(batch["target"])
        errors = self.network(degrade(images, rng)).float() - images
        across, down = (errors.diff(dim=axis).abs().mean() for axis in (3, 2))
        parts = {"pixels": errors.abs().mean(), "edges": across + down}
        return Losses(parts["pixels"] + self.edge_loss_weight * parts["edges"], parts)

    def _degraded(self) -> tuple[Tensor, Tensor]:
        """Faces of unseen subjects, and what is left of them, the same at each validation."""
        images = to_range(validation_pairs(self.size)["target"])
        return images, degrade(images, torch.Generator().manual_seed(0))

    def validate(self) -> dict[str, float]:
        """PSNR of the degraded faces of unseen subjects, and of the restored ones."""
        images, degraded = self._degraded()
        restored = self.network(degraded.to(self.network.device)).cpu()
        self._restored = restored
        return {
            "validation/psnr_degraded": psnr(degraded, images),
            "validation/psnr_made": psnr(restored, images),
        }

    def picture(self) -> np.ndarray | None:
        """Rows of degraded, restored and true faces, of the last validation."""
        images, degraded = self._degraded()
        return in_rows(degraded, self._restored, images)

    def export(self, folder: Path) -> None:
        """Writes the network."""
        save_restoration(self.network, self.size, folder)

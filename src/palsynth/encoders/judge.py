"""The judge: predicts movement, side and weakness from a picture, for evaluation only.

It shares no weights and no training subjects with the models that it judges.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor

from palsynth.data.examples import Source
from palsynth.encoders.base import as_images, upright_crop
from palsynth.encoders.identity import IRNetSettings
from palsynth.encoders.irnet import IRNet
from palsynth.encoders.reading import (
    MOVEMENTS_NOW,
    MOVEMENTS_OF_0_1,
    PalsyPrediction,
    ReadingHead,
    palsy_losses,
    palsy_metrics,
    truth,
)
from palsynth.encoders.shipped import load_ours
from palsynth.encoders.sources import FacesSettings
from palsynth.encoders.validation import on
from palsynth.face.face import Face
from palsynth.training.init import InitSettings, init_network
from palsynth.training.objective import Losses, Objective
from palsynth.training.recipe import LoopSettings


class JudgeNet(ModelMixin, ConfigMixin):  # type: ignore[misc]
    """Images to a :class:`PalsyPrediction`.

    Args:
        widths: see :class:`IRNet`.
        depths: see :class:`IRNet`.
        narrow: see :class:`IRNet`.
        dim: see :class:`IRNet`.
        dropout: see :class:`IRNet`.
        movements: names of the movements that the network is trained on, in class order.
    """

    @register_to_config
    def __init__(
        self,
        widths: tuple[int, ...] = (16, 32, 64, 128),
        depths: tuple[int, ...] = (1, 2, 2, 1),
        narrow: int = 16,
        dim: int = 256,
        dropout: float = 0.2,
        movements: tuple[str, ...] = MOVEMENTS_OF_0_1,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.trunk = IRNet(widths, depths, narrow, dim, dropout)
        self.head = ReadingHead(dim, movements)

    def forward(self, images: Tensor) -> PalsyPrediction:
        """Images (N, 3, H, W), RGB in 0 … 1, to predictions."""
        return self.head(self.trunk(images).vector)

    def crop(self, face: Face) -> Face:
        """The face aligned as in training."""
        return upright_crop(face)


@dataclass(frozen=True)
class JudgeRecipe(InitSettings):
    """Trains the judge."""

    kind: Literal["judge"] = "judge"
    """The kind of recipe."""
    model: IRNetSettings = field(
        default_factory=lambda: IRNetSettings((16, 32, 64, 128), (1, 2, 2, 1), 16, 256, 0.2)
    )
    data: FacesSettings = field(default_factory=FacesSettings)
    loop: LoopSettings = field(default_factory=LoopSettings)

    def source(self, build_cache: bool = True) -> Source:
        """The training examples."""
        return self.data.build(build_cache)

    def objective(self) -> Objective:
        """The objective."""
        m = self.model
        build = partial(JudgeNet, m.widths, m.depths, m.narrow, m.dim, m.dropout, MOVEMENTS_NOW)
        return JudgeObjective(init_network(self, build, partial(load_ours, "judge")))


class JudgeObjective(Objective):
    """Cross-entropies of movement and side, squared errors of state and weakness.

    Args:
        judge: the network.
    """

    def __init__(self, judge: JudgeNet) -> None:
        super().__init__()
        self.judge = judge

    def forward(self, batch: dict[str, Tensor], rng: torch.Generator) -> Losses:
        """Losses of a batch with ``image``, ``movement``, ``function`` and ``tone``."""
        parts = palsy_losses(self.judge(as_images(batch["image"])), truth(batch))
        total = parts["movement"] + parts["side"] + 5 * (parts["state"] + parts["weakness"])
        return Losses(total, parts)

    def validate(self) -> dict[str, float]:
        """Accuracy of the judge on pictures of unseen synthetic subjects."""
        batch = on(next(self.judge.parameters()).device)
        return palsy_metrics(self.judge(as_images(batch["image"])), truth(batch))

    def export(self, folder: Path) -> None:
        """Writes the judge."""
        self.judge.save_pretrained(folder)

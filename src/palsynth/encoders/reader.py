"""The reader: what a picture shows, from E_Face - E_ID and the detected landmarks together.

A linear head on E_Face - E_ID misreads one movement in seven. Landmarks know where a mouth's
corner stands, the feature knows a closed eye from a shadow: together they misread far fewer.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn

from palsynth.data.examples import Source
from palsynth.encoders.features import DIM, CachedFeatures, features_of
from palsynth.encoders.reading import (
    MOVEMENTS_NOW,
    MOVEMENTS_OF_0_1,
    PalsyPrediction,
    ReadingHead,
    reading_figures,
    reading_losses,
    truth,
)
from palsynth.encoders.sources import FacesSettings
from palsynth.encoders.validation import validation_batch
from palsynth.errors import InputError
from palsynth.face import topology
from palsynth.settings import Settings
from palsynth.training.objective import Losses, Objective
from palsynth.training.recipe import LoopSettings

BASIS_FROM = 3000
"""Examples from which the components of landmarks are taken."""


class ReaderNet(ModelMixin, ConfigMixin):  # type: ignore[misc]
    """A small network on the feature and on ``components`` principal components of landmarks."""

    @register_to_config
    def __init__(
        self,
        components: int = 100,
        hidden: int = 512,
        dropout: float = 0.4,
        movements: tuple[str, ...] = MOVEMENTS_OF_0_1,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        flat = 2 * topology.POINTS
        self.register_buffer("middle", torch.zeros(flat))
        self.register_buffer("basis", torch.zeros(flat, components))
        self.register_buffer("mean", torch.zeros(DIM + components))
        self.register_buffer("deviation", torch.ones(DIM + components))
        self.body = nn.Sequential(
            nn.Dropout(dropout / 2), nn.Linear(DIM + components, hidden), nn.GELU(),
            nn.Dropout(dropout),
        )  # fmt: skip
        self.head = ReadingHead(hidden, movements)

    @torch.no_grad()
    def fit_basis(self, vectors: Tensor, points: Tensor) -> None:
        """Takes the landmarks' principal components, and the scale of all that it is told."""
        flat = points.flatten(1)
        self.middle.copy_(flat.mean(0))
        _, _, axes = torch.linalg.svd(flat - self.middle, full_matrices=False)
        self.basis.copy_(axes[: self.basis.shape[1]].T)
        features = torch.cat([vectors, (flat - self.middle) @ self.basis], 1)
        self.mean.copy_(features.mean(0))
        self.deviation.copy_(features.std(0) + 1e-6)

    def forward(self, vectors: Tensor, points: Tensor) -> PalsyPrediction:
        """Features (N, 512) and upright landmarks (N, 478, 2) to what the picture shows."""
        features = torch.cat([vectors, (points.flatten(1) - self.middle) @ self.basis], 1)
        return self.head(self.body((features - self.mean) / self.deviation))


class ReaderObjective(Objective):
    """As the judge's: cross-entropies of movement and side, squared errors of the rest."""

    def __init__(self, reader: ReaderNet) -> None:
        super().__init__()
        self.reader = reader

    def forward(self, batch: dict[str, Tensor], rng: torch.Generator) -> Losses:
        """Losses of a batch of ``vector``, ``points``, ``movement``, ``function``, ``tone``."""
        parts = reading_losses(self.reader(batch["vector"], batch["points"]), truth(batch))
        total = parts["movement"] + parts["side"] + 5 * (parts["state"] + parts["weakness"])
        return Losses(total, parts)

    def validate(self) -> dict[str, float]:
        """What is read from pictures of unseen people."""
        features, true = _validation()
        device = self.reader.mean.device
        reading = self.reader(features["vector"].to(device), features["points"].to(device))
        return reading_figures(reading, truth({n: t.to(device) for n, t in true.items()}))

    def export(self, folder: Path) -> None:
        """The reader."""
        self.reader.save_pretrained(folder)


@lru_cache(maxsize=1)
def _validation() -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    batch = validation_batch()
    features = features_of(list(batch["image"].numpy()), list(batch["points"].numpy()))
    names = ("vector", "points")
    return {name: torch.from_numpy(np.array(features[name])) for name in names}, batch


@dataclass(frozen=True)
class ReaderSettings(Settings):
    """The reader's size."""

    components: int = 100
    """Principal components of landmarks that it is told."""
    hidden: int = 512
    dropout: float = 0.4

    def __post_init__(self) -> None:
        if self.hidden < 1 or not 1 <= self.components <= 2 * topology.POINTS:
            raise InputError(
                f"hidden must be at least 1, components 1 to {2 * topology.POINTS}, two a landmark"
            )
        if not 0 <= self.dropout < 1:
            raise InputError(f"dropout {self.dropout:g}: must lie in 0 … 1, 1 excluded")


@dataclass(frozen=True)
class ReaderRecipe(Settings):
    """Trains the reader on features that are drawn once."""

    kind: Literal["reader"] = "reader"
    model: ReaderSettings = field(default_factory=ReaderSettings)
    data: FacesSettings = field(default_factory=FacesSettings)
    examples: int = 20_000
    """How many examples features are drawn of."""
    cache_dir: Path = Path("runs/cache-features")
    """Folder where they are kept."""
    loop: LoopSettings = field(default_factory=LoopSettings)

    def __post_init__(self) -> None:
        if self.examples < self.model.components:
            raise InputError(
                f"examples {self.examples}: {self.model.components} components need as many"
            )

    def source(self, build_cache: bool = True) -> Source:
        """What it trains on."""
        faces = self.data.build(build_cache)
        cached = CachedFeatures(
            faces, self.cache_dir, self.examples, self.data.seed, uncached=not build_cache
        )
        if build_cache:
            from palsynth.progress import progress_bar

            with progress_bar("drawing features") as progress:
                cached.build(self.data.render_workers, progress)
        return cached

    def objective(self) -> Objective:
        """What trains."""
        m = self.model
        reader = ReaderNet(m.components, m.hidden, m.dropout, MOVEMENTS_NOW)
        source = self.source()
        rows = [source[n].arrays() for n in range(min(BASIS_FROM, self.examples))]
        vectors, points = (
            torch.from_numpy(np.stack([row[name] for row in rows])) for name in ("vector", "points")
        )
        reader.fit_basis(vectors, points)
        return ReaderObjective(reader)

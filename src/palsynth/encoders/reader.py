"""The reader: predicts movement, side and weakness from E_Face - E_ID and detected landmarks.

A linear head on E_Face - E_ID misclassifies one movement in seven. Landmarks locate the corners
of the mouth, the feature distinguishes a closed eye from a shadow: together they misclassify far
fewer.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn

from palsynth.data.examples import Source
from palsynth.encoders.features import DIM, CachedFeatures, extract_features
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
from palsynth.encoders.validation import validation_batch
from palsynth.errors import InputError
from palsynth.face import topology
from palsynth.progress import progress_bar
from palsynth.settings import Settings
from palsynth.training.init import InitSettings, init_network
from palsynth.training.objective import Losses, Objective
from palsynth.training.recipe import LoopSettings

BASIS_FROM = 3000
"""Number of examples from which the principal components of landmarks are computed."""


class ReaderNet(ModelMixin, ConfigMixin):  # type: ignore[misc]
    """A small network on the expression feature and principal components of the landmarks.

    Args:
        components: number of principal components.
        hidden: units of the hidden layer.
        dropout: before the head; half of it at the input.
        movements: names of the movements that the network is trained on, in class order.
    """

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
            nn.Dropout(dropout / 2),
            nn.Linear(DIM + components, hidden),
            nn.GELU(),
            nn.Dropout(dropout),
        )
        self.head = ReadingHead(hidden, movements)

    @torch.no_grad()
    def fit_basis(self, vectors: Tensor, points: Tensor) -> None:
        """Computes the principal components of the landmarks and the normalisation of all inputs.

        Args:
            vectors: (N, 512) expression features.
            points: (N, 478, 2) upright landmarks.
        """
        flat = points.flatten(1)
        self.middle.copy_(flat.mean(0))
        _, _, axes = torch.linalg.svd(flat - self.middle, full_matrices=False)
        self.basis.copy_(axes[: self.basis.shape[1]].T)
        features = torch.cat([vectors, (flat - self.middle) @ self.basis], 1)
        self.mean.copy_(features.mean(0))
        self.deviation.copy_(features.std(0) + 1e-6)

    def forward(self, vectors: Tensor, points: Tensor) -> PalsyPrediction:
        """Features (N, 512) and upright landmarks (N, 478, 2) to predictions."""
        return self.head(self.body(self.inputs(vectors, points)))

    def inputs(self, vectors: Tensor, points: Tensor) -> Tensor:
        """Computes what the first layer gets.

        Args:
            vectors: (N, 512) expression features.
            points: (N, 478, 2) upright landmarks.

        Returns:
            (N, 512 + components), each feature with mean 0 and deviation 1 over the examples of
            :meth:`fit_basis`.
        """
        features = torch.cat([vectors, (points.flatten(1) - self.middle) @ self.basis], 1)
        return (features - self.mean) / self.deviation


class ReaderObjective(Objective):
    """Cross-entropies of movement and side, squared errors of the rest, as for the judge.

    Args:
        reader: the network.
    """

    def __init__(self, reader: ReaderNet) -> None:
        super().__init__()
        self.reader = reader

    def forward(self, batch: dict[str, Tensor], rng: torch.Generator) -> Losses:
        """Losses of a batch with ``vector``, ``points``, ``movement``, ``function``, ``tone``."""
        parts = palsy_losses(self.reader(batch["vector"], batch["points"]), truth(batch))
        total = parts["movement"] + parts["side"] + 5 * (parts["state"] + parts["weakness"])
        return Losses(total, parts)

    def validate(self) -> dict[str, float]:
        """Accuracy on pictures of unseen synthetic subjects."""
        features, batch = _validation()
        device = self.reader.mean.device
        predictions = self.reader(features["vector"].to(device), features["points"].to(device))
        return palsy_metrics(predictions, truth({n: t.to(device) for n, t in batch.items()}))

    def export(self, folder: Path) -> None:
        """Writes the reader."""
        self.reader.save_pretrained(folder)


@lru_cache(maxsize=1)
def _validation() -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    batch = validation_batch()
    images, points = (list(batch[name].cpu().numpy()) for name in ("image", "points"))
    features = extract_features(images, points)
    names = ("vector", "points")
    return {name: torch.from_numpy(np.array(features[name])) for name in names}, batch


@dataclass(frozen=True)
class ReaderSettings(Settings):
    """Size of the network (ReaderNet)."""

    components: int = 100
    """Principal components of the landmarks."""
    hidden: int = 512
    """Units of the hidden layer."""
    dropout: float = 0.4
    """Dropout before the head; half of it at the input."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.hidden < 1 or not 1 <= self.components <= 2 * topology.POINTS:
            raise InputError(
                f"hidden must be at least 1, components 1 to {2 * topology.POINTS}, two a landmark"
            )
        if not 0 <= self.dropout < 1:
            raise InputError(f"dropout {self.dropout:g}: must lie in 0 … 1, 1 excluded")


@dataclass(frozen=True)
class ReaderRecipe(InitSettings):
    """Trains the reader on features that are extracted once and cached."""

    kind: Literal["reader"] = "reader"
    """The kind of recipe."""
    model: ReaderSettings = field(default_factory=ReaderSettings)
    data: FacesSettings = field(default_factory=FacesSettings)
    examples: int = 20_000
    """Number of examples whose features are extracted."""
    cache_dir: Path | None = None
    """Folder where the features are cached, those of patients in a dataset too; default: none, each
    is extracted when it is first used."""
    loop: LoopSettings = field(default_factory=LoopSettings)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.examples < self.model.components:
            raise InputError(
                f"examples {self.examples}: {self.model.components} components need as many"
            )

    def source(self, build_cache: bool = True) -> Source:
        """The training examples."""
        faces = self.data.build(build_cache)
        build_cache = build_cache and self.cache_dir is not None
        folder = self.cache_dir or Path()
        cached = CachedFeatures(
            faces, folder, self.examples, self.data.seed, uncached=not build_cache
        )
        if build_cache:
            with progress_bar("extracting features") as progress:
                cached.build(self.data.render_workers, progress)
        return cached

    def objective(self) -> Objective:
        """The objective; from scratch, principal components are those of the first examples."""
        m = self.model
        build = partial(ReaderNet, m.components, m.hidden, m.dropout, MOVEMENTS_NOW)
        reader = init_network(self, build, partial(load_ours, "reader"))
        if self.init_from != "scratch":
            return ReaderObjective(reader)
        source = self.source()
        rows = [source[n].arrays() for n in range(min(BASIS_FROM, self.examples))]
        vectors, points = (
            torch.from_numpy(np.stack([row[name] for row in rows])) for name in ("vector", "points")
        )
        reader.fit_basis(vectors, points)
        return ReaderObjective(reader)

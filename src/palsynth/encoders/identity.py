"""Training of the recogniser: subjects as classes, separated by an angular margin."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from palsynth.data.examples import Source
from palsynth.encoders.base import as_images
from palsynth.encoders.irnet import IRNet
from palsynth.encoders.shipped import load_ours
from palsynth.encoders.sources import FacesSettings
from palsynth.encoders.validation import PEOPLE, on
from palsynth.errors import InputError
from palsynth.settings import Settings
from palsynth.training.init import InitSettings, init_network
from palsynth.training.objective import Losses, Objective
from palsynth.training.recipe import LoopSettings


@dataclass(frozen=True)
class IRNetSettings(Settings):
    """Size of the network (IRNet)."""

    widths: tuple[int, ...] = (24, 48, 96, 192)
    """Channels of the four stages."""
    depths: tuple[int, ...] = (1, 2, 4, 2)
    """Residual blocks of the four stages."""
    narrow: int = 32
    """Channels of the 7 x 7 map before the linear layer."""
    dim: int = 512
    """Dimension of the feature vector."""
    dropout: float = 0.4
    """Dropout before the linear layer."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.widths) != 4 or len(self.depths) != 4 or min(*self.widths, *self.depths) < 1:
            raise InputError("widths and depths: four integers each, all at least 1")
        if self.narrow < 1 or self.dim < 1 or not 0 <= self.dropout < 1:
            raise InputError("narrow and dim must be at least 1, dropout in 0 … 1, 1 excluded")

    def build(self) -> IRNet:
        """The network, freshly initialised."""
        return IRNet(self.widths, self.depths, self.narrow, self.dim, self.dropout)


@dataclass(frozen=True)
class IdentityRecipe(InitSettings):
    """Trains an identity encoder."""

    kind: Literal["identity"] = "identity"
    """The kind of recipe."""
    model: IRNetSettings = field(default_factory=IRNetSettings)
    scale: float = 32.0
    """Scale of the cosines before the softmax."""
    margin: float = 0.3
    """Margin in radians by which the angle to the correct subject is widened."""
    data: FacesSettings = field(default_factory=FacesSettings)
    loop: LoopSettings = field(default_factory=LoopSettings)

    def source(self, build_cache: bool = True) -> Source:
        """The training examples."""
        return self.data.build(build_cache)

    def objective(self) -> Objective:
        """The objective; its class centres are new."""
        num_subjects = self.data.num_subjects()
        encoder = init_network(self, self.model.build, partial(load_ours, "identity"))
        return IdentityObjective(encoder, num_subjects, self.scale, self.margin)


class IdentityObjective(Objective):
    """ArcFace (Deng et al. 2019, eq. 3): cross-entropy over scale * cos(angle + margin).

    Args:
        encoder: the recogniser.
        num_subjects: number of classes.
        scale: factor of the cosines before the softmax.
        margin: angular margin in radians.
    """

    def __init__(self, encoder: IRNet, num_subjects: int, scale: float, margin: float) -> None:
        super().__init__()
        self.encoder = encoder
        self.centres = nn.Parameter(torch.randn(num_subjects, encoder.features) * 0.01)
        self.scale, self.margin = scale, margin

    def forward(self, batch: dict[str, Tensor], rng: torch.Generator) -> Losses:
        """Losses of a batch with ``image`` and ``subject``."""
        vectors = self.encoder(as_images(batch["image"])).vector
        with torch.autocast(vectors.device.type, enabled=False):
            cosines = functional.linear(
                functional.normalize(vectors.float()), functional.normalize(self.centres.float())
            ).clamp(-1 + 1e-6, 1 - 1e-6)
            subject = batch["subject"]
            target = cosines.gather(1, subject[:, None])
            with_margin = torch.cos(torch.acos(target) + self.margin)
            # beyond pi - margin the cosine would rise again; a linear penalty keeps it falling
            penalised = target - self.margin * torch.sin(torch.tensor(self.margin))
            in_range = target > -torch.cos(torch.tensor(self.margin))
            with_margin = torch.where(in_range, with_margin, penalised)
            logits = self.scale * cosines.scatter(1, subject[:, None], with_margin)
            loss = functional.cross_entropy(logits, subject)
        accuracy = (cosines.argmax(1) == subject).float().mean()
        return Losses(loss, {"accuracy": accuracy, "cosine": target.mean()})

    def validate(self) -> dict[str, float]:
        """Top-1 accuracy of 96 pictures of 32 unseen subjects against one picture of each."""
        batch = on(self.centres.device)
        vectors = functional.normalize(self.encoder(as_images(batch["image"])).vector)
        nearest = (vectors[PEOPLE:] @ vectors[:PEOPLE].T).argmax(1)
        correct = batch["subject"][:PEOPLE][nearest] == batch["subject"][PEOPLE:]
        return {"validation/top1": correct.float().mean().item()}

    def export(self, folder: Path) -> None:
        """Writes the encoder alone; the class centres are not needed after training."""
        self.encoder.save_pretrained(folder)

"""What a conditional GAN on pairs minimises.

The discriminator D sees an image with what it was generated from, the identity image x and the
condition c. With the true image y and the generated one G(x, c), the generator minimises

    L_adversarial(D(G(x, c), x, c)) + λ ‖y - G(x, c)‖₁

(Isola et al. 2017, equations 1 to 4). With mismatched pairs, (y, x, c') with the condition c' of
another example is a fake as well, with the same weight as the generated ones (Park et al. 2018;
Reed et al. 2016). Where a mask blends, the distance is the mean of those before and after it:
else the mask closes before the generator has learnt to draw, and the identity image is copied.

With a ``change_weight`` w, each pixel of the distance counts 1 + w |y - x| / 2 times, |y - x| / 2
being the mean over the channels of how far the true image is from the identity image, in 0 … 1.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from palsynth.data.groups import SCRIPTS
from palsynth.data.pair_settings import validation_pairs
from palsynth.methods.gans.config.conditional import ConditionalLosses, ConditionalSettings
from palsynth.methods.gans.io.conditional import save_generator
from palsynth.methods.gans.networks.condition import Conditioner, channels_of
from palsynth.methods.gans.networks.conditional import Generator
from palsynth.methods.gans.networks.discriminator import PatchDiscriminator
from palsynth.methods.gans.objective.adversarial import discriminator_loss, generator_loss
from palsynth.methods.gans.objective.validation import in_rows, psnr, spread, to_range
from palsynth.training.objective import Losses, Objective

IMAGES = ("identity", "expression", "target")


class ConditionalObjective(Objective):
    """Trains a generator and the discriminator that it is to deceive.

    Args:
        generator: the generator.
        model: its settings.
        losses: settings of the losses and of the discriminator.
    """

    frozen: ClassVar[tuple[str, ...]] = ("conditioner",)

    def __init__(
        self, generator: Generator, model: ConditionalSettings, losses: ConditionalLosses
    ) -> None:
        super().__init__()
        self.model, self.losses = model, losses
        self.generator = generator
        self.discriminator = PatchDiscriminator(
            3 + 3 + channels_of(model.condition), losses.width, losses.levels
        )
        self.conditioner = Conditioner(model.condition)
        self.rates = {"discriminator": losses.discriminator_rate}

    def parameter_groups(self) -> dict[str, list[nn.Parameter]]:
        """The discriminator's turn, then the generator's."""
        return {
            "discriminator": list(self.discriminator.parameters()),
            "generator": list(self.generator.parameters()),
        }

    def forward(  # type: ignore[override]
        self, batch: dict[str, Tensor], rng: torch.Generator, turn: str
    ) -> Losses:
        """What the optimiser minimises whose turn it is, of ``identity``, ``expression`` and
        ``target`` images."""
        identity, expression, target = (to_range(batch[name]) for name in IMAGES)
        condition = self.conditioner(identity, expression)
        if turn == "discriminator":
            return self._discriminator_losses(identity, condition, target)
        return self._generator_losses(identity, condition, target)

    def _discriminator_losses(self, identity: Tensor, condition: Tensor, target: Tensor) -> Losses:
        with torch.no_grad():
            made = self.generator(identity, condition).image.float()
        real = self.discriminator(target, identity, condition).float()
        fake = self.discriminator(made, identity, condition).float()
        if self.losses.mismatched:
            wrong = self.discriminator(target, identity, condition.roll(1, 0)).float()
            fake = torch.cat([fake, wrong])
        loss = discriminator_loss(real, fake, self.losses.adversarial)
        return Losses(loss, {"adversarial": loss})

    def _generator_losses(self, identity: Tensor, condition: Tensor, target: Tensor) -> Losses:
        made, drawn = (images.float() for images in self.generator(identity, condition))
        judged = self.discriminator(made, identity, condition).float()
        adversarial = generator_loss(judged, self.losses.adversarial)
        weight = 1 + self.losses.change_weight * _difference(target, identity) / 2
        errors = (_difference(made, target) + _difference(drawn, target)) / 2
        distance = (weight * errors).mean()
        parts = {"adversarial": adversarial, "distance": distance}
        return Losses(adversarial + self.losses.distance_weight * distance, parts)

    def validate(self) -> dict[str, float]:
        """PSNR against the true images of unseen subjects, in dB, of generated images and of the
        identity images; and how far the generated images of one identity lie apart, as a share of
        the true ones' distances: near 0, the generator ignores the expression."""
        batch = validation_pairs(self.model.size)
        device = next(self.generator.parameters()).device
        identity, expression, target = (to_range(batch[name]).to(device) for name in IMAGES)
        condition = self.conditioner(identity, expression)
        made = self.generator(identity, condition).image.float()
        self._validated = made, condition
        person = torch.arange(len(made), device=device) // SCRIPTS  # who follow one another
        return {
            "validation/psnr_made": psnr(made, target),
            "validation/psnr_identity": psnr(identity, target),
            "validation/spread": spread(made, target, person),
        }

    def picture(self) -> np.ndarray | None:
        """Rows of identity, expression, condition, generated image and target, of the last
        validation."""
        batch, (made, condition) = validation_pairs(self.model.size), self._validated
        columns = [batch["identity"], batch["expression"]]
        if self.model.condition != "image":
            columns.append(condition.amax(1, keepdim=True).expand(-1, 3, -1, -1))
        return in_rows(*columns, made, batch["target"])

    def export(self, folder: Path) -> None:
        """Writes the generator with its settings."""
        save_generator(self.generator, self.model, folder)


def _difference(images: Tensor, others: Tensor) -> Tensor:
    """The absolute difference of images (N, 3, S, S), (N, S, S): the mean over their channels."""
    return (images - others).abs().mean(1)

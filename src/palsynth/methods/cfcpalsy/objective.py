"""The cycle objective: noise predicted, and x̂0 read again as if it were the expression image."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from palsynth.encoders.base import as_images
from palsynth.encoders.load import identity_encoder, landmark_encoder
from palsynth.methods.cfcpalsy.diffusion import STEPS, added, clean, per_image, target
from palsynth.methods.cfcpalsy.model import CFCPalsyModel, Shown
from palsynth.methods.cfcpalsy.validation import validation_batch
from palsynth.training.objective import Losses, Objective

LANDMARK_FACTOR = 10.0
"""Of the squared landmark error (methods' L_lm)."""

IMAGES = ("identity", "expression", "target", "draft")


class CFCPalsyObjective(Objective):
    """L(theta) + sigma L(theta'), each a noise loss with identity and landmark losses on x̂0.

    In the second pass x̂0 takes the expression image's place: conditions are read from it, and
    the same noise and timestep are added to it. Gradients flow through it.
    """

    frozen: ClassVar[tuple[str, ...]] = ("recogniser", "points")

    def __init__(self, model: CFCPalsyModel) -> None:
        super().__init__()
        self.model = model
        c = model.settings.condition
        conditioner = model.conditioner
        if not c.identity_trainable:
            conditioner.identity_net.requires_grad_(False)
        if not c.fusion_trainable:  # the published code trains U-Net and identity network only
            for part in (conditioner.fusion, conditioner.expression_tokens,
                         conditioner.landmark_tokens):  # fmt: skip
                if part is not None:
                    part.requires_grad_(False)
        if not c.drop:
            conditioner.absent.requires_grad_(False)
        d = model.settings.diffusion
        self.recogniser = identity_encoder() if d.identity_weight else None
        self.points = landmark_encoder() if d.landmark_weight else None

    def forward(self, batch: dict[str, Tensor], rng: torch.Generator) -> Losses:
        """Losses of a batch with ``identity``, ``expression``, ``target`` and ``draft`` images."""
        images = {name: as_images(batch[name]) for name in IMAGES}
        true = images.pop("target")
        shown = Shown(images)
        count, device, d = len(true), true.device, self.model.settings.diffusion
        t = torch.randint(STEPS, (count,), generator=rng, device=device)
        hidden = self.model.hidden(true, shown)
        noise = torch.randn(hidden.shape, generator=rng, device=device)
        dropped = (
            torch.rand(count, generator=rng, device=device) < self.model.settings.condition.drop
        )
        first, made = self._pass(hidden, true, shown, noise, t, dropped)
        total, parts = first["loss"], dict(first)
        if d.cycle:
            again = Shown({**shown, "expression": made.clamp(0, 1)})
            second, _ = self._pass(self.model.hidden(made, shown), true, again, noise, t, dropped)
            total = total + d.cycle * second["loss"]
            parts |= {f"second_{name}": value for name, value in second.items()}
        scalars = {name: value.mean() for name, value in parts.items() if name != "loss"}
        return Losses(total.mean(), scalars, t, first["noise"])

    def _pass(
        self, hidden: Tensor, true: Tensor, shown: Shown, noise: Tensor, t: Tensor, dropped: Tensor
    ) -> tuple[dict[str, Tensor], Tensor]:
        """One pass: losses (N,) by name, and x̂0 as images."""
        model, d = self.model, self.model.settings.diffusion
        noisy = added(model.noise, hidden, noise, t)
        told = model.tell(shown)
        if model.settings.condition.drop:
            told = model.conditioner.nothing(told, dropped)
        predicted = model.predict(noisy, t, told, shown).float()
        off = per_image((predicted - target(model.noise, hidden, noise, t)).square())
        made = model.visible(clean(model.noise, noisy, predicted, t), shown)
        losses = {"noise": off, "loss": off}
        if self.recogniser is not None:
            losses["identity"] = self._identity(made, true, shown["identity"], t)
            losses["loss"] = losses["loss"] + d.identity_weight * losses["identity"]
        if self.points is not None:
            losses["landmarks"] = self._landmarks(made, true)
            losses["loss"] = losses["loss"] + d.landmark_weight * losses["landmarks"]
        return losses, made

    def _identity(self, made: Tensor, true: Tensor, identity: Tensor, t: Tensor) -> Tensor:
        """One minus the cosine to the target and to the identity image, mixed: the later of the
        two counts as t grows."""
        assert self.recogniser is not None
        own = self.recogniser(made).vector
        with torch.no_grad():
            others = [self.recogniser(x).vector for x in (true, identity)]
        near, far = (1 - functional.cosine_similarity(own, x) for x in others)
        share = t / STEPS
        return (1 - share) * near + share * far

    def _landmarks(self, made: Tensor, true: Tensor) -> Tensor:
        assert self.points is not None
        with torch.no_grad():
            wanted = self.points(true).points
        return LANDMARK_FACTOR * per_image((self.points(made).points - wanted).square())

    def validate(self) -> dict[str, float]:
        """How near drawn images of unseen people come to the true answers, and how near the
        identity image and the draft are, in dB over all pixels."""
        batch = validation_batch(self.model.settings.unet.size)
        device = next(self.model.unet.parameters()).device
        images = {name: as_images(batch[name]).to(device) for name in IMAGES}
        true = images.pop("target")
        made = self.model.draw(Shown(images), range(len(true)))
        self._drawn = made
        named = {"made": made, "identity": images["identity"], "draft": images["draft"]}
        return {
            f"validation/psnr_{name}": float(
                (-10 * torch.log10(per_image((x - true).square()).clamp(min=1e-9))).mean()
            )
            for name, x in named.items()
        }

    def picture(self) -> np.ndarray | None:
        """Rows of identity, expression, draft, made, truth."""
        batch = validation_batch(self.model.settings.unet.size)
        made = (self._drawn * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()
        columns = [batch[n].numpy() for n in ("identity", "expression", "draft")]
        columns += [made, batch["target"].numpy()]
        rows = [np.hstack([c[k] for c in columns]) for k in range(len(made))]
        half = len(rows) // 2
        return np.hstack([np.vstack(rows[:half]), np.vstack(rows[half : 2 * half])])

    def export(self, folder: Path) -> None:
        """The model as :func:`palsynth.methods.cfcpalsy.files.load_model` reads it."""
        from palsynth.methods.cfcpalsy.files import save_model

        save_model(self.model, folder)

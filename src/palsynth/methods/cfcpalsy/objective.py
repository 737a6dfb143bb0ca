"""The cycle objective: noise predicted, and x̂0 read again as if it were the expression image."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from palsynth.encoders.base import as_images
from palsynth.encoders.load import identity_encoder, landmark_encoder
from palsynth.methods.cfcpalsy.conditioner import IdentityEncoding
from palsynth.methods.cfcpalsy.diffusion import STEPS, per_image, predict_x0, q_sample, target
from palsynth.methods.cfcpalsy.model import CFCPalsyModel, ImageBatch
from palsynth.methods.cfcpalsy.validation import validation_batch
from palsynth.training.objective import Losses, Objective

LANDMARK_FACTOR = 10.0
"""Of the squared landmark error (methods' L_lm)."""

IMAGES = ("identity", "expression", "target", "draft")


class _Wanted(NamedTuple):
    """What both passes are held against: the recogniser's vectors (N, D) of target and identity
    image, and the target's landmarks; None where nothing asks for them."""

    target: Tensor | None
    identity: Tensor | None
    points: Tensor | None


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
        if c.drop == 1:
            conditioner.requires_grad_(False)
        conditioner.absent.requires_grad_(c.drop > 0)
        d = model.settings.diffusion
        self.recogniser = identity_encoder() if d.identity_weight else None
        self.points = landmark_encoder() if d.landmark_weight else None

    def forward(self, batch: dict[str, Tensor], rng: torch.Generator) -> Losses:
        """Losses of a batch with ``identity``, ``expression``, ``target`` and ``draft`` images."""
        images = {name: as_images(batch[name]) for name in IMAGES}
        true = images.pop("target")
        images = ImageBatch(images)
        count, device, d = len(true), true.device, self.model.settings.diffusion
        t = torch.randint(STEPS, (count,), generator=rng, device=device)
        hidden = self.model.hidden(true, images)
        noise = torch.randn(hidden.shape, generator=rng, device=device)
        dropped = (
            torch.rand(count, generator=rng, device=device) < self.model.settings.condition.drop
        )
        alone = self.model.settings.condition.drop == 1
        identity_code = (
            None if alone else self.model.conditioner.encode_identity(images["identity"])
        )
        wanted = self._wanted(true, images["identity"])
        first, made = self._pass(hidden, images, identity_code, wanted, noise, t, dropped)
        total, parts = first["loss"], dict(first)
        if d.cycle:
            again = ImageBatch({**images, "expression": made.clamp(0, 1)})
            hidden = self.model.hidden(made, images)
            second, _ = self._pass(hidden, again, identity_code, wanted, noise, t, dropped)
            total = total + d.cycle * second["loss"]
            parts |= {f"second_{name}": value for name, value in second.items()}
        scalars = {name: value.mean() for name, value in parts.items() if name != "loss"}
        return Losses(total.mean(), scalars, t, first["noise"])

    def _pass(
        self, hidden: Tensor, images: ImageBatch, identity_code: IdentityEncoding | None, wanted: _Wanted, noise: Tensor,
        t: Tensor, dropped: Tensor,
    ) -> tuple[dict[str, Tensor], Tensor]:  # fmt: skip
        """One pass: losses (N,) by name, and x̂0 as images."""
        model, d = self.model, self.model.settings.diffusion
        noisy = q_sample(model.noise, hidden, noise, t)
        conditioning = model.encode_conditions(images, identity_code)
        if 0 < model.settings.condition.drop < 1:
            conditioning = model.conditioner.drop_conditions(conditioning, dropped)
        predicted = model.predict(noisy, t, conditioning, images).float()
        off = per_image((predicted - target(model.noise, hidden, noise, t)).square())
        made = model.visible(predict_x0(model.noise, noisy, predicted, t), images)
        losses = {"noise": off, "loss": off}
        if self.recogniser is not None:
            losses["identity"] = self._identity(made, wanted, t)
            losses["loss"] = losses["loss"] + d.identity_weight * losses["identity"]
        if self.points is not None:
            off = per_image((self.points(made).points - wanted.points).square())
            losses["landmarks"] = LANDMARK_FACTOR * off
            losses["loss"] = losses["loss"] + d.landmark_weight * losses["landmarks"]
        return losses, made

    @torch.no_grad()
    def _wanted(self, true: Tensor, identity: Tensor) -> _Wanted:
        seen, points = self.recogniser, self.points
        return _Wanted(
            None if seen is None else seen(true).vector,
            None if seen is None else seen(identity).vector,
            None if points is None else points(true).points,
        )

    def _identity(self, made: Tensor, wanted: _Wanted, t: Tensor) -> Tensor:
        """One minus the cosine to the target and to the identity image, mixed: the later of the
        two counts as t grows."""
        assert self.recogniser is not None
        assert wanted.target is not None
        assert wanted.identity is not None
        own = self.recogniser(made).vector
        near, far = (
            1 - functional.cosine_similarity(own, x) for x in (wanted.target, wanted.identity)
        )
        share = t / STEPS
        return (1 - share) * near + share * far

    def validate(self) -> dict[str, float]:
        """How near drawn images of unseen people come to the true answers, and how near the
        identity image and the draft are, in dB over all pixels."""
        batch = validation_batch(self.model.settings.unet.size)
        device = next(self.model.unet.parameters()).device
        images = {name: as_images(batch[name]).to(device) for name in IMAGES}
        true = images.pop("target")
        made = self.model.sample(ImageBatch(images), range(len(true)))
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

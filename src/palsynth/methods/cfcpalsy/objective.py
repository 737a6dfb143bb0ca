"""The cycle objective of CFCPalsy (arXiv 2409.07271, cycle training, Figure 3).

First pass, with the conditions c(X_ID, X_0) of identity and expression image:

    L(θ) = ‖ε - ε_θ(X_t, t, c(X_ID, X_0))‖² + λ_id L_id + λ_lm L_lm,

where L_id and L_lm are computed on the predicted image x̂0. In the second pass x̂0 takes the place
of X_0: conditions are encoded from it, and the same noise ε and timestep t are applied to it. Its
loss L(θ') is the same sum. The total is L(θ) + σ L(θ'); gradients flow through x̂0. σ, λ_id and λ_lm
are ``cycle``, ``identity_weight`` and ``landmark_weight`` of the settings.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, NamedTuple, Self

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from palsynth.data.pair_settings import validation_pairs
from palsynth.encoders.base import as_images
from palsynth.encoders.load import landmark_encoder
from palsynth.methods.cfcpalsy.io.files import save_model
from palsynth.methods.cfcpalsy.networks.conditioner import IdentityEncoding
from palsynth.methods.cfcpalsy.networks.model import CFCPalsyModel, ImageBatch
from palsynth.methods.diffusion_process import (
    STEPS,
    per_image,
    predict_x0,
    q_sample,
    target,
)
from palsynth.training.objective import Losses, Objective

LANDMARK_FACTOR = 10.0
"""Factor of the squared landmark error in L_lm."""

IMAGES = ("identity", "expression", "target", "draft")


class _References(NamedTuple):
    """What x̂0 is compared with in both passes: the recogniser's vectors (N, D) of the target and of
    the identity image, and the target's landmarks, None where no loss needs them; and how much each
    pixel counts in the loss of the prediction, (N, 1, S, S)."""

    target: Tensor | None
    identity: Tensor | None
    points: Tensor | None
    weight: Tensor


class _Corruption(NamedTuple):
    """What both passes share: noise ε (N, 3, S, S), timesteps (N,), and which images lose their
    conditions, (N,) bool."""

    noise: Tensor
    t: Tensor
    dropped: Tensor


class CFCPalsyObjective(Objective):
    """The total L(θ) + σ L(θ') of the module's formulas.

    L_id and L_lm are computed with the model's own E_ID and landmark network.

    Args:
        model: the model to train; its settings decide which parts of it train.
        landmarks: file of the landmark network, for the loss of a model without landmark feature;
            default: ours.
    """

    frozen: ClassVar[tuple[str, ...]] = ("recogniser", "points")

    def __init__(self, model: CFCPalsyModel, landmarks: Path | None = None) -> None:
        super().__init__()
        self.model = model
        self._freeze_parts()
        d, conditioner = model.settings.diffusion, model.conditioner
        self.recogniser = conditioner.expression_net.identity if d.identity_weight else None
        self.points = None
        if d.landmark_weight:
            self.points = conditioner.landmark_net or landmark_encoder(landmarks)

    def _freeze_parts(self) -> None:
        """Freezes what the settings do not train."""
        c, conditioner = self.model.settings.condition, self.model.conditioner
        if not c.identity_trainable:
            conditioner.identity_net.requires_grad_(False)
        if not c.fusion_trainable:  # the published code trains U-Net and identity network only
            for part in (
                conditioner.fusion,
                conditioner.expression_tokens,
                conditioner.landmark_tokens,
            ):
                if part is not None:
                    part.requires_grad_(False)
        if c.drop == 1:
            conditioner.requires_grad_(False)
        conditioner.null_token.requires_grad_(c.drop > 0)

    def train(self, mode: bool = True) -> Self:
        """Sets training mode for all modules except the frozen ones.

        Args:
            mode: True for training, False for evaluation.

        Returns:
            The objective.
        """
        super().train(mode)
        if self.model.settings.condition.identity_train_mode:
            self.model.conditioner.identity_net.train(mode)
        return self

    def forward(self, batch: dict[str, Tensor], rng: torch.Generator) -> Losses:
        """Losses of a batch with ``identity``, ``expression``, ``target`` and ``draft`` images."""
        images = {name: as_images(batch[name]) for name in IMAGES}
        true = images.pop("target")
        images = ImageBatch(images)
        d, drop = self.model.settings.diffusion, self.model.settings.condition.drop
        hidden = self.model.to_diffused(true, images)
        corruption = _sample_corruption(hidden, drop, d.timestep_power, rng)
        conditioner = self.model.conditioner
        identity_code = None if drop == 1 else conditioner.encode_identity(images["identity"])
        references = self._references(true, images["identity"])
        first, x0 = self._pass(hidden, images, identity_code, references, corruption)
        total, parts = first["loss"], dict(first)
        if d.cycle:
            second_images = ImageBatch({**images, "expression": x0.clamp(0, 1)})
            hidden = self.model.to_diffused(x0, images)
            second, _ = self._pass(hidden, second_images, identity_code, references, corruption)
            total = total + d.cycle * second["loss"]
            parts |= {f"second_{name}": value for name, value in second.items()}
        scalars = {name: value.mean() for name, value in parts.items() if name != "loss"}
        return Losses(total.mean(), scalars, corruption.t, first["noise"])

    def _pass(
        self,
        hidden: Tensor,
        images: ImageBatch,
        identity_code: IdentityEncoding | None,
        references: _References,
        corruption: _Corruption,
    ) -> tuple[dict[str, Tensor], Tensor]:
        """One pass, L(θ) or L(θ'): losses (N,) by name, and x̂0 as images (N, 3, S, S)."""
        model, d, t = self.model, self.model.settings.diffusion, corruption.t
        noisy = q_sample(model.noise, hidden, corruption.noise, t)
        conditioning = model.encode_conditions(images, identity_code)
        if 0 < model.settings.condition.drop < 1:
            conditioning = model.conditioner.drop_conditions(conditioning, corruption.dropped)
        predicted = model.predict(noisy, t, conditioning, images).float()
        wanted = target(model.noise, hidden, corruption.noise, t)
        noise_loss = per_image(references.weight * (predicted - wanted).square())
        x0 = model.from_diffused(predict_x0(model.noise, noisy, predicted, t), images)
        losses = {"noise": noise_loss, "loss": noise_loss}
        if self.recogniser is not None:
            losses["identity"] = self._identity_loss(x0, references, t)
            losses["loss"] = losses["loss"] + d.identity_weight * losses["identity"]
        if self.points is not None:
            squared_error = (self.points(x0).points - references.points).square()
            losses["landmarks"] = LANDMARK_FACTOR * per_image(squared_error)
            losses["loss"] = losses["loss"] + d.landmark_weight * losses["landmarks"]
        return losses, x0

    @torch.no_grad()
    def _references(self, true: Tensor, identity: Tensor) -> _References:
        recogniser, points = self.recogniser, self.points
        change = (true - identity).abs().mean(1, keepdim=True)
        return _References(
            None if recogniser is None else recogniser(true).vector,
            None if recogniser is None else recogniser(identity).vector,
            None if points is None else points(true).points,
            1 + self.model.settings.diffusion.change_weight * change,
        )

    def _identity_loss(self, x0: Tensor, references: _References, t: Tensor) -> Tensor:
        """L_id: one minus the cosine to the target and to the identity image, interpolated linearly
        in t; the weight of the identity image is t / 1000."""
        assert self.recogniser is not None
        assert references.target is not None
        assert references.identity is not None
        features = self.recogniser(x0).vector
        to_target, to_identity = (
            1 - functional.cosine_similarity(features, reference)
            for reference in (references.target, references.identity)
        )
        share = t / STEPS
        return (1 - share) * to_target + share * to_identity

    def validate(self) -> dict[str, float]:
        """PSNR against the true answers of unseen subjects, in dB over all pixels, of samples and,
        for comparison, of the identity image and of the draft. All pairs are cropped by the eyes,
        those of published encoders too."""
        batch = validation_pairs(self.model.settings.unet.size)
        device = next(self.model.unet.parameters()).device
        images = {name: as_images(batch[name]).to(device) for name in IMAGES}
        true = images.pop("target")
        samples = self.model.sample(ImageBatch(images), range(len(true)))
        self._validation_samples = samples
        compared = {"made": samples, "identity": images["identity"], "draft": images["draft"]}
        return {
            f"validation/psnr_{name}": float(
                (-10 * torch.log10(per_image((x - true).square()).clamp(min=1e-9))).mean()
            )
            for name, x in compared.items()
        }

    def picture(self) -> np.ndarray | None:
        """Rows of identity, expression, draft, sample, target, of the last validation."""
        batch = validation_pairs(self.model.settings.unet.size)
        samples = (self._validation_samples * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()
        columns = [batch[n].numpy() for n in ("identity", "expression", "draft")]
        columns += [samples, batch["target"].numpy()]
        rows = [np.hstack([c[k] for c in columns]) for k in range(len(samples))]
        half = len(rows) // 2
        return np.hstack([np.vstack(rows[:half]), np.vstack(rows[half : 2 * half])])

    def export(self, folder: Path) -> None:
        """Writes the model, for :func:`palsynth.methods.cfcpalsy.io.files.load_model` to load."""
        save_model(self.model, folder)


def _sample_corruption(
    hidden: Tensor, drop: float, power: float, rng: torch.Generator
) -> _Corruption:
    """The order of the three samples is part of a training's reproducibility."""
    count, device = len(hidden), hidden.device
    t = torch.randint(STEPS, (count,), generator=rng, device=device)
    if power != 1:
        uniform = (t + torch.rand(count, generator=rng, device=device)) / STEPS
        t = (STEPS * uniform**power).long().clamp(max=STEPS - 1)
    noise = torch.randn(hidden.shape, generator=rng, device=device)
    dropped = torch.rand(count, generator=rng, device=device) < drop
    return _Corruption(noise, t, dropped)

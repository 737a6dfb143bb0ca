"""What the face-swap autoencoder minimises (Faceswap 2017; Tajima et al. 2023)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss

from palsynth.methods.gans.config.adversarial import AdversarialLoss
from palsynth.methods.gans.config.people import PeopleModelSettings
from palsynth.methods.gans.io.people import PeopleModel, save_model
from palsynth.methods.gans.networks.discriminator import PatchDiscriminator
from palsynth.methods.gans.networks.restoration import FaceRestoration
from palsynth.methods.gans.networks.swap import FaceSwap, SwapDecoder
from palsynth.methods.gans.objective.adversarial import (
    discriminator_loss,
    generator_loss,
)
from palsynth.methods.gans.objective.people import validate_swaps, validation_swaps
from palsynth.methods.gans.objective.validation import in_rows, to_range
from palsynth.methods.gans.tint import random_tint
from palsynth.methods.gans.warping import random_warp
from palsynth.training.objective import Losses, Objective

KIND = "face-swap"


class FaceSwapObjective(Objective):
    """Everybody is reconstructed from a warped picture, by the decoder of the person; all patients
    share one more decoder, which is not exported: it could show them.

    Args:
        network: the encoder and the public people's decoders.
        patients: the decoder of the patients.
        discriminator: judges images beside the warped ones that they were made from.
        names: the public people's names.
        seeds: their seeds; None where they are no synthetic subjects, which leaves no truth to
            validate with.
        distance_weight: weight of the L1 distance to the picture.
        warp: standard deviation of the warp, as a share of the image's side.
        tint: standard deviation of the tint, see :func:`~palsynth.methods.gans.tint.random_tint`.
        adversarial: the adversarial loss.
        restoration: exported with the network.
        discriminator_rate: the discriminator's learning rate, as a share of the loop's.
    """

    frozen = ("restoration",)

    def __init__(
        self,
        network: FaceSwap,
        patients: SwapDecoder,
        discriminator: PatchDiscriminator,
        names: tuple[str, ...],
        seeds: tuple[int, ...] | None,
        distance_weight: float = 100.0,
        warp: float = 0.03,
        tint: float = 0.3,
        adversarial: AdversarialLoss = "logistic",
        restoration: FaceRestoration | None = None,
        discriminator_rate: float = 1.0,
    ) -> None:
        super().__init__()
        self.network, self.patients, self.discriminator = network, patients, discriminator
        self.restoration = restoration
        self.rates = {"discriminator": discriminator_rate}
        self.names, self.seeds = names, seeds
        self.distance_weight, self.adversarial = distance_weight, adversarial
        self.warp, self.tint = warp, tint

    def parameter_groups(self) -> dict[str, list[nn.Parameter]]:
        """The discriminator's turn, then that of encoder and decoders."""
        generator = [*self.network.parameters(), *self.patients.parameters()]
        return {"discriminator": list(self.discriminator.parameters()), "generator": generator}

    def reconstruct(self, images: Tensor, person: Tensor) -> Tensor:
        """Reconstructs images by the decoders of their people.

        Args:
            images: (N, 3, S, S), -1 … 1.
            person: (N,) int64: a public person's number, or the number of public people for a
                patient.

        Returns:
            (N, 3, S, S), -1 … 1.
        """
        maps = self.network.encoder(images)
        is_patient = person == len(self.network.decoders)
        out = torch.empty_like(images)
        for rows, decode in (
            (is_patient, lambda maps, _: self.patients(maps)),
            (~is_patient, self.network.decode),
        ):
            if rows.any():
                out[rows] = decode([x[rows] for x in maps], person[rows]).to(out.dtype)
        return out

    def forward(  # type: ignore[override]
        self, batch: dict[str, Tensor], rng: torch.Generator, turn: str
    ) -> Losses:
        """Losses of a batch with ``image`` and ``person``."""
        images = to_range(batch["image"])
        warped = random_tint(random_warp(images, self.warp, rng), self.tint, rng)
        if turn == "discriminator":
            with torch.no_grad():
                made = self.reconstruct(warped, batch["person"])
            real = self.discriminator(images, warped).float()
            fake = self.discriminator(made, warped).float()
            loss = discriminator_loss(real, fake, self.adversarial)
            return Losses(loss, {"adversarial": loss})
        made = self.reconstruct(warped, batch["person"])
        fake = self.discriminator(made, warped).float()
        parts = {
            "adversarial": generator_loss(fake, self.adversarial),
            "distance": l1_loss(made, images),
        }
        return Losses(parts["adversarial"] + self.distance_weight * parts["distance"], parts)

    def validate(self) -> dict[str, float]:
        """PSNR and spread of public people with the expressions of unseen patients."""
        if self.seeds is None:
            return {}
        batch = validation_swaps(self.seeds, self.network.config["size"])
        device = self.network.device
        expression = to_range(batch["expression"]).to(device)
        made = self.network(expression, batch["person"].to(device))
        self._made = made
        return validate_swaps(made, batch)

    def picture(self) -> np.ndarray | None:
        """Rows of expression, image, truth, of the last validation."""
        if self.seeds is None:
            return None
        batch = validation_swaps(self.seeds, self.network.config["size"])
        return in_rows(batch["expression"], self._made, batch["target"])

    def export(self, folder: Path) -> None:
        """Writes encoder and decoders of the public people, as the method loads them."""
        size, restored = int(self.network.config["size"]), self.restoration is not None
        settings = PeopleModelSettings(size, self.names, restored)
        save_model(PeopleModel(self.network, self.restoration, settings), KIND, folder)

"""What CycleGAN minimises (Zhu et al. 2017), between patients and one public person."""

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
from palsynth.methods.gans.networks.swap import FaceSwap
from palsynth.methods.gans.objective.adversarial import (
    ImagePool,
    discriminator_loss,
    generator_loss,
)
from palsynth.methods.gans.objective.people import validate_swaps, validation_swaps
from palsynth.methods.gans.objective.validation import in_rows, to_range
from palsynth.training.objective import Losses, Objective

KIND = "cyclegan"


class CycleObjective(Objective):
    """Patients become the public person and back, and the person a patient and back.

    Args:
        to_person: the generator G, from patients to the public person; it is exported.
        to_patient: the generator F, from the public person to patients.
        person_discriminator: judges images of the public person.
        patient_discriminator: judges images of patients.
        name: the public person's name.
        seed: the person's seed; None where it is no synthetic subject, which leaves no truth to
            validate with.
        cycle_weight: weight λ of the cycle loss.
        identity_weight: weight of the identity loss, relative to ``cycle_weight``.
        pool: number of generated images that each discriminator looks back at.
        adversarial: the adversarial loss.
        restoration: exported with the generator.
        discriminator_rate: the discriminators' learning rate, as a share of the loop's.
    """

    frozen = ("restoration",)

    def __init__(
        self,
        to_person: FaceSwap,
        to_patient: FaceSwap,
        person_discriminator: PatchDiscriminator,
        patient_discriminator: PatchDiscriminator,
        name: str,
        seed: int | None,
        cycle_weight: float = 10.0,
        identity_weight: float = 0.5,
        pool: int = 50,
        adversarial: AdversarialLoss = "least-squares",
        restoration: FaceRestoration | None = None,
        discriminator_rate: float = 1.0,
    ) -> None:
        super().__init__()
        self.to_person, self.to_patient = to_person, to_patient
        self.person_discriminator = person_discriminator
        self.patient_discriminator = patient_discriminator
        self.restoration = restoration
        self.rates = {"discriminator": discriminator_rate}
        size = int(to_person.config["size"])
        self.people_pool = ImagePool(pool, (3, size, size))
        self.patients_pool = ImagePool(pool, (3, size, size))
        self.name, self.seed, self.adversarial = name, seed, adversarial
        self.cycle_weight, self.identity_weight = cycle_weight, identity_weight

    def parameter_groups(self) -> dict[str, list[nn.Parameter]]:
        """The discriminators' turn, then the generators'."""
        judges = (self.person_discriminator, self.patient_discriminator)
        generators = (self.to_person, self.to_patient)
        return {
            "discriminator": [p for network in judges for p in network.parameters()],
            "generator": [p for network in generators for p in network.parameters()],
        }

    def forward(  # type: ignore[override]
        self, batch: dict[str, Tensor], rng: torch.Generator, turn: str
    ) -> Losses:
        """Losses of a batch with the unpaired images ``patient`` and ``person``."""
        patient, person = to_range(batch["patient"]), to_range(batch["person"])
        if turn == "discriminator":
            return self._judge(patient, person, rng)
        return self._generate(patient, person)

    def _judge(self, patient: Tensor, person: Tensor, rng: torch.Generator) -> Losses:
        with torch.no_grad():
            made_person = self.to_person(patient).float()
            made_patient = self.to_patient(person).float()
        parts = {}
        for name, judge, real, made, pool in (
            ("person", self.person_discriminator, person, made_person, self.people_pool),
            ("patient", self.patient_discriminator, patient, made_patient, self.patients_pool),
        ):
            fake = judge(pool.query(made, rng)).float()
            parts[name] = discriminator_loss(judge(real).float(), fake, self.adversarial)
        return Losses(parts["person"] + parts["patient"], parts)

    def _generate(self, patient: Tensor, person: Tensor) -> Losses:
        made_person, made_patient = self.to_person(patient), self.to_patient(person)
        parts = {
            "person": generator_loss(
                self.person_discriminator(made_person).float(), self.adversarial
            ),
            "patient": generator_loss(
                self.patient_discriminator(made_patient).float(), self.adversarial
            ),
            "cycle": l1_loss(self.to_patient(made_person).float(), patient)
            + l1_loss(self.to_person(made_patient).float(), person),
        }
        total = parts["person"] + parts["patient"] + self.cycle_weight * parts["cycle"]
        if self.identity_weight:
            parts["identity"] = l1_loss(self.to_person(person).float(), person) + l1_loss(
                self.to_patient(patient).float(), patient
            )
            total = total + self.cycle_weight * self.identity_weight * parts["identity"]
        return Losses(total, parts)

    def validate(self) -> dict[str, float]:
        """PSNR and spread of the public person with the expressions of unseen patients."""
        if self.seed is None:
            return {}
        batch = validation_swaps((self.seed,), self.to_person.config["size"])
        made = self.to_person(to_range(batch["expression"]).to(self.to_person.device))
        back = self.to_patient(made)
        self._made = made, back
        return validate_swaps(made, batch)

    def picture(self) -> np.ndarray | None:
        """Rows of expression, image, the way back, truth, of the last validation."""
        if self.seed is None:
            return None
        batch = validation_swaps((self.seed,), self.to_person.config["size"])
        return in_rows(batch["expression"], *self._made, batch["target"])

    def export(self, folder: Path) -> None:
        """Writes the generator of the public person, as the method loads it."""
        size, restored = int(self.to_person.config["size"]), self.restoration is not None
        settings = PeopleModelSettings(size, (self.name,), restored)
        save_model(PeopleModel(self.to_person, self.restoration, settings), KIND, folder)

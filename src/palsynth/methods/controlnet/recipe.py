"""The recipe of a ControlNet: base, training data, strategy and training loop."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from diffusers.models.controlnets.controlnet import ControlNetModel

from palsynth.data.examples import RowExamples, Source
from palsynth.data.faces import usable_faces
from palsynth.data.manifest import read_manifest
from palsynth.errors import InputError
from palsynth.methods.controlnet.config import (
    ControlNetSettings,
    HealthySettings,
    InferenceSettings,
    PatientsSettings,
)
from palsynth.methods.controlnet.data.examples import collate
from palsynth.methods.controlnet.data.healthy import HELD, healthy_source, held_out
from palsynth.methods.controlnet.data.patients import Portraits, patients_source
from palsynth.methods.controlnet.io.loading import read_base, read_controlnet
from palsynth.methods.controlnet.networks.base import Base
from palsynth.methods.controlnet.objective import ControlNetObjective
from palsynth.methods.controlnet.weighting import Weighting
from palsynth.training.init import InitFrom, InitSettings, init_path
from palsynth.training.objective import Objective
from palsynth.training.recipe import LoopSettings


@dataclass(frozen=True)
class ControlNetRecipe(InitSettings):
    """Fine-tunes a Canny ControlNet on patients, or trains one on healthy synthetic subjects."""

    kind: Literal["controlnet"] = "controlnet"
    """The kind of recipe."""
    init_from: InitFrom = "shipped"
    """The Canny ControlNet that training starts from: shipped, scratch for a copy of the base's
    encoder (Zhang et al. 2023), or a folder, the name of a downloaded hub model or a file."""
    model: ControlNetSettings = field(default_factory=ControlNetSettings)
    patients: PatientsSettings = field(default_factory=PatientsSettings)
    """Patients to fine-tune on. Without their dataset: train on healthy synthetic subjects."""
    healthy: HealthySettings = field(default_factory=HealthySettings)
    weighting: Weighting = field(default_factory=Weighting)
    """Loss weights by timestep; a ControlNet from scratch may use those of text-to-image."""
    control_dropout: float = 0.0
    """Share of examples without edges, for strategies that also train the base: it goes on
    learning to generate from the prompt alone."""
    edge_loss_weight: float = 1.0
    """Loss weight of latents on an edge: above 1, the ControlNet learns to follow edges sooner."""
    gradient_checkpointing: bool = False
    """Recompute activations in the backward pass, to use less memory."""
    loop: LoopSettings = field(default_factory=lambda: LoopSettings(batch=4, learning_rate=1e-5))

    def __post_init__(self) -> None:
        super().__post_init__()
        strategy, sampling = self.model.strategy, self.model.sampling
        if self.init_from == "scratch" and strategy.trains not in ("controlnet", "both"):
            raise InputError(
                f"init_from scratch: {strategy.trains} trains parts of a pretrained ControlNet, "
                "and the rest of a new one would stay at zero; give one, or shipped"
            )
        if self.init_from == "scratch" and sampling.outside == "pretrained":
            raise InputError(
                "init_from scratch: no pretrained ControlNet can act at other timesteps; set "
                "outside to tuned or none"
            )
        if not 0 <= self.control_dropout < 1:
            raise InputError(
                f"control_dropout {self.control_dropout:g}: must lie in 0 … 1, 1 excluded"
            )
        if self.control_dropout and not self.model.strategy.tunes_base:
            raise InputError(
                "control_dropout: only a base that trains too (trains: both or inner) learns from "
                "examples without edges; leave it out"
            )
        if self.edge_loss_weight <= 0:
            raise InputError(f"edge_loss_weight {self.edge_loss_weight:g}: must be above 0")

    def source(self, build_cache: bool = True) -> Source:
        """The training examples: images of patients, or of healthy synthetic subjects."""
        size = read_base(self.model.base, self.model.tokenizer).size
        if self.patients.dataset is not None:
            patients = patients_source(self.patients, size)
            patients.prepare()
            return patients
        return healthy_source(self.healthy, size, build_cache)

    def examples_of(
        self, folder: Path, splits: tuple[str | None, ...], trained: bool
    ) -> RowExamples:
        """The portraits of a dataset's pictures, for an audit.

        Args:
            folder: the dataset.
            splits: splits to use; None stands for rows without a split.
            trained: whether only those of the patients that are tuned on.

        Returns:
            The examples.

        Raises:
            InputError: the model was trained on no dataset.
        """
        if self.patients.dataset is None:
            raise InputError(
                "patients.dataset: the model was trained on synthetic subjects, not on patients; "
                "leave out --run"
            )
        size = read_base(self.model.base, self.model.tokenizer).size
        if trained:
            return patients_source(replace(self.patients, dataset=folder), size).portraits()
        rows = [row for row in read_manifest(folder) if row.split in splits]
        return Portraits(folder, size, *usable_faces(folder, rows))

    def objective(self) -> Objective:
        """The objective, with base and ControlNet as they are before training."""
        base = read_base(self.model.base, self.model.tokenizer)
        controlnet = self._controlnet(base)
        patients, examples = None, []
        if self.patients.dataset is not None:
            patients = self.patients
            examples = patients_source(patients, base.size).held(HELD)
        if self.gradient_checkpointing:
            controlnet.enable_gradient_checkpointing()
            base.unet.enable_gradient_checkpointing()
        return ControlNetObjective(
            base,
            controlnet,
            InferenceSettings(self.init_from, self.model, patients),
            collate(examples) if examples else held_out(base.size),
            self.weighting,
            self.control_dropout,
            self.edge_loss_weight,
        )

    def _controlnet(self, base: Base) -> ControlNetModel:
        """The ControlNet that training starts from."""
        if self.init_from != "scratch":
            return read_controlnet(init_path(self.init_from), base)
        channels = {"conditioning_embedding_out_channels": _embedding_channels(base.factor)}
        return ControlNetModel.from_unet(base.unet, conditioning_channels=3, **channels)


def _embedding_channels(factor: int) -> tuple[int, ...]:
    """Channels of the layers that bring the edges to the size of the latents: one halving per
    level."""
    channels = (16, 32, 96, 256, 512)
    return channels[: factor.bit_length()]

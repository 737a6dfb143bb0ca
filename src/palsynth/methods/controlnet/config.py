"""Settings of the ControlNet methods: base, ControlNet, strategy, sampling and training data.

Inference reads some of them from a saved ``settings.yaml``, so nothing here imports what training
needs: :mod:`.data` builds its sources from these settings.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from palsynth.errors import InputError
from palsynth.methods.controlnet.strategies import Strategy
from palsynth.settings import Settings
from palsynth.subjects import VALIDATION_SEEDS
from palsynth.training.init import InitFrom
from palsynth.training.objective import TIMESTEPS

Outside = Literal["tuned", "pretrained", "none"]


@dataclass(frozen=True)
class Sampling(Settings):
    """How images are sampled."""

    sampler: Literal["ddim", "dpm++"] = "dpm++"
    """Sampler: ddim, or dpm++ for DPM-Solver++."""
    steps: int = 20
    """Sampling steps."""
    guidance: float = 7.5
    """Scale of classifier-free guidance: above 1 follows the prompt more closely."""
    scale: float = 1.0
    """Conditioning scale of the ControlNet: how strongly the edges act."""
    outside: Outside = "tuned"
    """Which ControlNet acts at timesteps that partial fine-tuning did not train: the tuned one,
    the pretrained one that tuning started from, or none. The paper leaves this open."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= self.steps < TIMESTEPS:  # samplers append one timestep or shift all by one
            raise InputError(f"{self.steps} steps: must lie between 1 and {TIMESTEPS - 1}")
        if self.guidance < 1 or self.scale < 0:
            raise InputError("guidance must be at least 1 and scale not negative")


@dataclass(frozen=True)
class ControlNetSettings(Settings):
    """The base of a ControlNet, how the ControlNet is trained and how images are sampled."""

    base: str | None = None
    """Stable Diffusion 1.x: folder, name of a downloaded hub model, or single file. Default: the
    small one that ships."""
    tokenizer: Path | None = None
    """Folder of the tokenizer, if the base is a single file."""
    strategy: Strategy = field(default_factory=Strategy)
    sampling: Sampling = field(default_factory=Sampling)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.strategy.tunes_base and self.sampling.outside != "tuned":
            raise InputError(
                "layers of the base are tuned too and act at all timesteps: outside must be 'tuned'"
            )


@dataclass(frozen=True)
class PatientsSettings(Settings):
    """The patients that a ControlNet is fine-tuned on."""

    dataset: Path | None = None
    """Dataset folder with a manifest. Default: none, and there are no patients."""
    patients: int = 3
    """Number of patients: those with the largest number of images."""
    subjects: tuple[str, ...] = ()
    """The patients by subject_id, in place of their number."""
    seed: int = 0
    """Seed of the order of their images."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.patients < 1:
            raise InputError(f"patients {self.patients}: must be at least 1")
        if self.dataset is None and (self.patients, self.subjects, self.seed) != (3, (), 0):
            raise InputError("patients of no dataset; give its folder as dataset")


@dataclass(frozen=True)
class InferenceSettings(Settings):
    """What inference needs to know of trained weights: these fields of their recipe."""

    init_from: InitFrom = "shipped"
    """The ControlNet that training started from, for sampling with outside: pretrained."""
    model: ControlNetSettings = field(default_factory=ControlNetSettings)
    patients: PatientsSettings | None = None
    """The patients that the ControlNet was tuned on, if it was."""


@dataclass(frozen=True)
class HealthySettings(Settings):
    """Healthy synthetic subjects, one image each."""

    subjects: int = 6000
    """Number of subjects."""
    first_subject: int = 500_000
    """Seed of the first subject."""
    cache_dir: Path = Path("runs/cache-healthy")
    """Folder in which their images are cached."""
    render_workers: int = 2
    """Processes that render them."""
    seed: int = 0
    """Seed of their expressions and of their order."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.subjects < 1 or self.render_workers < 1:
            raise InputError("subjects and render_workers must be at least 1")
        if self.first_subject + self.subjects > VALIDATION_SEEDS:
            raise InputError(
                f"first_subject {self.first_subject} with subjects {self.subjects}: seeds from "
                f"{VALIDATION_SEEDS:,} on are for validation and evaluation"
            )

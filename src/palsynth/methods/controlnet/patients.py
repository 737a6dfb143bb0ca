"""Whom a ControlNet is tuned on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from palsynth.errors import InputError
from palsynth.methods.controlnet.pictures import PatientsSource
from palsynth.settings import Settings


@dataclass(frozen=True)
class PatientsSettings(Settings):
    """The patients whom a ControlNet is tuned on."""

    dataset: Path
    """A dataset folder with a manifest."""
    patients: int = 3
    """How many: those with the most pictures."""
    subjects: tuple[str, ...] = ()
    """Or who, by subject_id."""
    seed: int = 0

    def __post_init__(self) -> None:
        if self.patients < 1:
            raise InputError(f"patients {self.patients}: must be at least 1")

    def build(self, size: int) -> PatientsSource:
        """The source of their pictures."""
        return PatientsSource(self.dataset, size, self.patients, self.subjects, self.seed)

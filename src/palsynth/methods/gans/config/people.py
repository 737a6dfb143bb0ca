"""Settings of the methods that know certain people only: whom they know, and their networks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from palsynth.errors import InputError
from palsynth.limits import check_side
from palsynth.settings import Settings
from palsynth.subjects import VALIDATION_SEEDS

RestorationFrom = Literal["shipped", "none"] | Path
"""The face restoration network that follows: the one that ships, none, or that of a folder."""


@dataclass(frozen=True)
class PeopleSettings(Settings):
    """The people that a model knows: public people, each by name, and patients, all together."""

    dataset: Path | None = None
    """Dataset folder with pictures of both, of its train split; default: none, synthetic subjects
    are rendered."""
    public: tuple[str, ...] = ()
    """The public people of the dataset, each a subject_id; its other subjects are patients."""
    people: int = 8
    """Number of public people, where there is no dataset: the first seeds after those of the
    patients that balance gender and skin tone."""
    patients: int = 200
    """Number of patients, where there is no dataset."""
    first_subject: int = 300_000
    """Seed of the first patient."""
    pictures_of_person: int = 60
    """Pictures of each public person."""
    pictures_of_patient: int = 3
    """Pictures of each patient."""
    healthy_people: float = 1.0
    """Share of the public people's pictures without a palsy; all, as published, so that they are
    to show palsies that they never had."""
    healthy_patients: float = 0.1
    """Share of the patients' pictures without a palsy."""
    mirror: float = 0.5
    """Share of examples that are mirrored."""
    cache_dir: Path = Path("runs/cache-people")
    """Folder of the cached pictures."""
    render_workers: int = 2
    """Processes that render the pictures."""
    seed: int = 0
    """Seed of the pictures, of their order and of the mirroring."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.dataset is None) != (not self.public):
            raise InputError("dataset and public: give both, or neither")
        for name in (
            *("people", "patients", "pictures_of_person", "pictures_of_patient"),
            "render_workers",
        ):
            if getattr(self, name) < 1:
                raise InputError(f"{name} {getattr(self, name)}: must be at least 1")
        for name in ("first_subject", "seed"):
            if getattr(self, name) < 0:
                raise InputError(f"{name} {getattr(self, name)}: must not be negative")
        for name in ("healthy_people", "healthy_patients", "mirror"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"{name} {getattr(self, name):g}: must lie in 0 … 1")
        if self.first_subject + self.patients > VALIDATION_SEEDS:
            raise InputError(
                f"first_subject {self.first_subject} with patients {self.patients}: "
                f"seeds from {VALIDATION_SEEDS:,} on are for validation and evaluation"
            )


@dataclass(frozen=True)
class SwapNetworkSettings(Settings):
    """Size of an encoder and of its decoders."""

    size: int = 64
    """Side of the images in pixels."""
    widths: tuple[int, ...] = (32, 64, 96, 192)
    """Channels of the levels; each halves the sides."""
    skips: int = 0
    """Innermost levels that are connected to the decoder, besides the last; more keep more detail
    of the input, of its identity too."""
    blocks: int = 0
    """Residual blocks behind the last level."""
    bottleneck: int = 128
    """Numbers that the last level's map is squeezed into by a dense layer; 0: it is not."""
    norm_ends: bool = False
    """Whether the encoder's first and last level have norms too, as all levels of CycleGAN; skin
    tone then hardly gets through."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_side(self.size)
        levels = len(self.widths)
        if levels < 2 or min(self.widths) < 1:
            raise InputError("widths: two integers or more, all at least 1")
        if self.size < 2 ** (levels + 1) or self.size % 2**levels:
            raise InputError(
                f"size {self.size}: must be a multiple of {2**levels}, and larger, for "
                f"{levels} widths"
            )
        if not 0 <= self.skips < levels:
            raise InputError(f"skips {self.skips}: must lie in 0 … {levels - 1}")
        for name in ("blocks", "bottleneck"):
            if getattr(self, name) < 0:
                raise InputError(f"{name} {getattr(self, name)}: must not be negative")


@dataclass(frozen=True)
class DiscriminatorSettings(Settings):
    """Size of a discriminator."""

    width: int = 64
    """Channels of its first level."""
    levels: int = 3
    """Its levels; with three, as published, a patch is 70 pixels wide."""
    rate: float = 1.0
    """Its learning rate, as a share of the loop's."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.width < 1 or self.levels < 1:
            raise InputError("width and levels of a discriminator: must be at least 1")
        if self.rate <= 0:
            raise InputError(f"rate {self.rate:g} of a discriminator: must be above 0")


@dataclass(frozen=True)
class PeopleModelSettings(Settings):
    """What inference needs to know about trained weights."""

    size: int = 64
    """Side of the images in pixels."""
    people: tuple[str, ...] = ()
    """Names of the people that the model can show, in the order of their decoders."""
    restoration: bool = False
    """Whether a face restoration network follows."""

"""The plan of a data set: whose faces, which expressions, which method, how many, how checked.

Every field has a default, so that a plan says only what its study needs. A plan determines every
byte of the set that is made of it.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from palsynth.clinical import YANAGIHARA, Grade, Movement, Side
from palsynth.documents import read_yaml
from palsynth.errors import InputError
from palsynth.face.framing import FRAMINGS
from palsynth.generation.camera import CameraSettings
from palsynth.generation.variety import Variety
from palsynth.settings import Settings
from palsynth.simulator.motion import MotionSettings
from palsynth.subjects import EVALUATION_SEEDS
from palsynth.training.recipe_file import from_dict

MAX_SUBJECTS = 10_000
"""Subjects of one seed: the next seed's begin there."""

MAX_IMAGES = 10_000_000

IMAGES = 1000
"""Pictures of a plan that does not say how many, and whose expressions are requested."""


@dataclass(frozen=True)
class Identities(Settings):
    """Whose faces are shown: synthetic subjects, unless pictures of people are given."""

    subjects: int = 100
    """Number of synthetic subjects, 1 to 10,000."""
    seed: int = 0
    """Their seeds are seed x 10,000 + 0, 1, 2 …; those of 100 and more are for evaluation."""
    gender: Literal["woman", "man"] | None = None
    """Gender of all subjects; default: sampled."""
    ethnicity: Literal["white", "black", "west_asian", "east_asian"] | None = None
    """Ethnicity of all subjects; default: sampled."""
    ages: tuple[float, ...] = ()
    """Youngest and oldest age in years, between 16 and 80; default: sampled."""
    photographs: Path | None = None
    """Folder of photos at rest, one person each, or PERSON/rest.jpg; instead of subjects."""
    dataset: Path | None = None
    """Data set with a manifest, whose people at rest are shown; instead of subjects."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= self.subjects <= MAX_SUBJECTS:
            raise InputError(f"subjects {self.subjects}: must lie between 1 and {MAX_SUBJECTS:,}")
        if self.seed < 0:
            raise InputError(f"seed {self.seed}: must be an integer of 0 or more")
        if self.photographs is not None and self.dataset is not None:
            raise InputError("photographs and dataset: give one of the two")
        if self.ages and not (len(self.ages) == 2 and 16 <= self.ages[0] <= self.ages[1] <= 80):
            raise InputError(
                f"ages {list(self.ages)}: give two, which must rise and lie between 16 and 80"
            )

    @property
    def synthetic(self) -> bool:
        """Whether the identities are synthetic subjects."""
        return self.photographs is None and self.dataset is None

    def subject_seeds(self) -> range:
        """The seeds of the synthetic subjects."""
        first = self.seed * MAX_SUBJECTS
        return range(first, first + self.subjects)


@dataclass(frozen=True)
class Palsies(Settings):
    """The palsies of a set.

    ``balanced`` shows every side with every grade equally often; ``random`` samples each palsy by
    itself. The shares of central, late and uneven palsies are of those with a palsy; what remains
    is peripheral and acute.
    """

    mix: Literal["balanced", "random"] = "balanced"
    """How sides and grades are chosen."""
    per: Literal["picture", "identity"] = "picture"
    """Whether every picture has a palsy of its own, or every identity one for all of its pictures,
    as patients have; sides and grades are then balanced over identities."""
    healthy: float = 0.15
    """Share of pictures, or of identities, without a palsy, 0 to 1."""
    sides: tuple[Side, ...] = (Side.LEFT, Side.RIGHT)
    """The patient's weak sides."""
    grades: tuple[Grade, ...] = (Grade.II, Grade.III, Grade.IV, Grade.V, Grade.VI)
    """House-Brackmann grades. Name one several times to show it more often, as a clinic may."""
    central: float = 0.1
    """Share of central palsies, which spare the forehead and the closure of the eye."""
    late: float = 0.15
    """Share of late palsies, with synkinesis."""
    uneven: float = 0.0
    """Share of palsies whose branches differ from their grade, each by 0.15 on average."""

    def __post_init__(self) -> None:
        super().__post_init__()
        shares = {"healthy": self.healthy, "central": self.central}
        shares |= {"late": self.late, "uneven": self.uneven}
        for name, share in shares.items():
            if not 0 <= share <= 1:
                raise InputError(f"{name} {share:g}: must lie between 0 and 1")
        if self.central + self.late > 1:
            raise InputError("central and late: their shares must not exceed 1 together")
        if not self.sides or not self.grades:
            raise InputError("sides and grades: name at least one of each")
        if Grade.I in self.grades:
            raise InputError("grades: I is healthy; set the share of healthy pictures instead")


@dataclass(frozen=True)
class Expressions(Settings):
    """Which expressions are shown: requested ones, unless a data set of patients is given."""

    movements: tuple[Movement, ...] = YANAGIHARA
    """The movements, each equally often."""
    palsies: Palsies = field(default_factory=Palsies)
    """The palsies with which they are performed."""
    patients: Path | None = None
    """Data set whose pictures' expressions are shown on the identities instead; every patient is
    shown by one identity of the same split."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.movements:
            raise InputError("movements: name at least one")
        if len(set(self.movements)) < len(self.movements):
            raise InputError("movements: name each once")


@dataclass(frozen=True)
class Clips(Settings):
    """Clips in place of pictures: each movement is performed from rest to rest."""

    fps: float | None = None
    """Frames a second, 1 to 120; default: pictures are made, not clips."""
    seconds: float | None = None
    """Duration of each clip, 0.1 to 60; default: until the movement is over."""
    keyframes: int = 8
    """Of a network, every n-th frame and the apex are made by it, and the simulator moves those
    between; 1 makes every frame by the network."""
    motion: MotionSettings = field(default_factory=MotionSettings)
    """How the movement is performed over time."""

    def __post_init__(self) -> None:
        super().__post_init__()
        given = self.seconds is not None or self.keyframes != 8 or self.motion != MotionSettings()
        if self.fps is None and given:
            raise InputError("clips: give fps too, such as 25; without it pictures are made")
        limits = {"fps": (1, 120), "seconds": (0.1, 60), "keyframes": (1, 1000)}
        for name, (least, most) in limits.items():
            value = getattr(self, name)
            if value is not None and not least <= value <= most:
                raise InputError(f"clips: {name} {value:g}: must lie between {least:g} and {most}")

    @property
    def wanted(self) -> bool:
        """Whether clips are made."""
        return self.fps is not None


@dataclass(frozen=True)
class GateSettings(Settings):
    """The quality gate: a picture with a fault is made again with another seed."""

    face: bool = True
    """There must be exactly one face."""
    side: bool = True
    """The side that looks weaker must not be the other one than requested."""
    movement: bool = True
    """The movement must be visible as far as the palsy lets it be."""
    identity: bool = True
    """The face must not be matched to another identity, nor, made from a patient's picture, to the
    patient."""
    retries: int = 3
    """How often a picture is made again before it is left out, 0 to 20."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.retries <= 20:
            raise InputError(f"retries {self.retries}: must lie between 0 and 20")


@dataclass(frozen=True)
class Plan(Settings):
    """A data set to be made."""

    method: str = "subjects"
    """The method that makes the pictures."""
    weights: Path | None = None
    """Folder of the method's weights; default: those that ship."""
    identities: Identities = field(default_factory=Identities)
    """Whose faces are shown."""
    expressions: Expressions = field(default_factory=Expressions)
    """Which expressions they show."""
    variety: Variety = field(default_factory=Variety)
    """How far pictures differ beyond what is requested of them."""
    camera: CameraSettings = field(default_factory=CameraSettings)
    """How pictures are taken."""
    clips: Clips = field(default_factory=Clips)
    """Clips in place of pictures."""
    gate: GateSettings = field(default_factory=GateSettings)
    """What a picture must pass to be in the set."""
    images: int | None = None
    """Number of pictures, 1 to 10,000,000; default: 1000, or one of each picture of the patients.
    Patients take turns, and of more pictures than they have some are shown again."""
    size: int = 112
    """Width and height of a picture in pixels, 32 to 1024."""
    framing: str = "recogniser"
    """Crop of the face: recogniser (tight), portrait or id-photo (wide)."""
    seed: int = 0
    """Decides all that is random, 0 or more."""
    format: Literal["imagefolder", "webdataset"] = "imagefolder"
    """Folders of PNG files with metadata.jsonl, or tar shards."""
    shard: int = 1000
    """Pictures in a shard of a webdataset."""
    evaluation: bool = False
    """Allow subjects that are reserved for evaluation (identities.seed of 100 or more)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        limits = {"images": (1, MAX_IMAGES), "size": (32, 1024), "shard": (1, 100_000)}
        for name, (least, most) in limits.items():
            value = getattr(self, name)
            if value is not None and not least <= value <= most:
                raise InputError(f"{name} {value}: must lie between {least} and {most:,}")
        if self.seed < 0:
            raise InputError(f"seed {self.seed}: must be an integer of 0 or more")
        if self.framing not in FRAMINGS:
            raise InputError(f"framing '{self.framing}': choose one of {', '.join(FRAMINGS)}")
        last = self.identities.subject_seeds()[-1] if self.identities.synthetic else 0
        if last >= EVALUATION_SEEDS and not self.evaluation:
            raise InputError(
                f"identities.seed {self.identities.seed}: subjects from seed {EVALUATION_SEEDS:,} "
                "on are for evaluation; choose one below 100, or set evaluation: true"
            )
        if not self.identities.synthetic and self.method == "subjects":
            raise InputError(
                "method: subjects moves synthetic subjects only; choose simulator or another"
            )
        if self.clips.wanted and self.expressions.patients is not None:
            raise InputError(
                "clips: pictures of patients do not move; leave out clips or expressions.patients"
            )

    def num_images(self, available: int = IMAGES) -> int:
        """How many pictures are made.

        Args:
            available: how many where the plan does not say.

        Returns:
            The number.
        """
        return available if self.images is None else self.images


def load_plan(path: Path) -> Plan:
    """Reads a plan from a YAML file.

    Args:
        path: the file.

    Returns:
        The plan.

    Raises:
        InputError: names the file, the field and the fault.
    """
    data = read_yaml(path)
    if not isinstance(data, dict):
        raise InputError(f"{path}: not a plan; write fields such as images: 100")
    return from_dict(Plan, data, str(path), lambda line: print(line, file=sys.stderr))

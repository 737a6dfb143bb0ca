"""``palsynth subjects sample | export | fit``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from palsynth.clinical import Movement
from palsynth.commands.options import ArraysFile, Force, MovementName, PalsyOptions
from palsynth.documents import read_json
from palsynth.errors import InputError

if TYPE_CHECKING:
    from palsynth.generation.plan import Plan
    from palsynth.subjects import Subject

MAX_SKIPPED = 300
"""Seeds that are skipped in a row before the search for a skin tone is given up."""


@dataclass(frozen=True)
class SampleOptions:
    """Render synthetic subjects, one PNG each."""

    out: Path
    """Output folder of the pictures."""
    count: int = 8
    """Number of subjects, at least 1."""
    seed: int = 0
    """Seed of the first subject; the following seeds give the next ones."""
    size: int = 256
    """Width and height of a picture in pixels, 32 to 1024."""
    age: float | None = None
    """Age in years, 16 to 80, extrapolated beyond 40; default: sampled."""
    gender: Literal["woman", "man"] | None = None
    """Gender; default: sampled."""
    ethnicity: Literal["white", "black", "west_asian", "east_asian"] | None = None
    """Ethnicity, in the categories that the photographed people reported; default: sampled."""
    monk: int | None = None
    """Skin tone on the Monk scale, 5 to 8; seeds of other tones are skipped; default: any."""
    movement: MovementName = Movement.REST
    """The movement, of a healthy face unless --grade, --yanagihara or --palsy is given (without
    them the defaults of --side, --grade and --kind below do not apply)."""
    palsy_options: Annotated[PalsyOptions, tyro.conf.arg(name="")] = field(
        default_factory=PalsyOptions
    )
    force: Force = False


@dataclass(frozen=True)
class ExportOptions:
    """Make a data set of synthetic subjects, as generate does. Run the command again to resume."""

    folder: tyro.conf.Positional[Path]
    """Output folder of the data set."""
    subjects: int = 200
    """Number of subjects, 1 to 10,000."""
    images_per_subject: int = 40
    """Images per subject, at least 1; those that do not pass the gate are left out."""
    size: int = 112
    """Width and height of an image in pixels, 32 to 1024."""
    seed: int = 0
    """Random seed of the data set, 0 or more; subjects have the seeds seed x 10,000 + 0, 1, 2 …"""
    framing: Literal["recogniser", "id-photo"] = "recogniser"
    """Crop of the face: tight, as face recognisers expect it, or wide, as in an ID photo."""
    healthy: float = 0.15
    """Share of images without a palsy, 0 to 1; the palsy of every other image is sampled."""
    workers: int = 1
    """Number of processes; the output does not depend on it."""
    evaluation: bool = False
    """Allow subjects that are reserved for evaluation (--seed of 100 or more)."""

    def build(self) -> Plan:
        """The plan of the data set.

        Raises:
            InputError: an option is out of range, or subjects are reserved for evaluation.
        """
        from palsynth.generation.plan import Expressions, Identities, Palsies, Plan
        from palsynth.subjects import EVALUATION_SEEDS

        if self.images_per_subject < 1:
            raise InputError(f"--images-per-subject {self.images_per_subject}: must be at least 1")
        identities = Identities(self.subjects, self.seed)
        if identities.subject_seeds()[-1] >= EVALUATION_SEEDS and not self.evaluation:
            raise InputError(
                f"--seed {self.seed}: subjects from seed {EVALUATION_SEEDS:,} on are for "
                "evaluation; choose a seed below 100 or give --evaluation"
            )
        return Plan(
            identities=identities,
            expressions=Expressions(palsies=Palsies(mix="random", healthy=self.healthy)),
            images=self.subjects * self.images_per_subject,
            size=self.size,
            framing=self.framing,
            seed=self.seed,
            evaluation=self.evaluation,
        )


@dataclass(frozen=True)
class FitOptions:
    """Fit the appearance model to photographs of consenting people."""

    photographs: tyro.conf.Positional[Path]
    """London-set folder with neutral/, info.csv and split.csv; only its train split is used."""
    out: ArraysFile
    """Output file of the model (.npz)."""
    components: int = 40
    """Number of appearance components, 1 to 40: more would memorise people."""
    force: Force = False


def subjects_sample(options: SampleOptions) -> None:
    """Render synthetic subjects, one PNG each."""
    from palsynth.clinical import Palsy
    from palsynth.face.face import Face
    from palsynth.generation.runner import generate
    from palsynth.methods.base import Request, TargetExpression
    from palsynth.methods.subjects import SubjectsMethod

    if options.count < 1:
        raise InputError(f"--count {options.count}: must be at least 1")
    given = options.palsy_options
    if given != PalsyOptions() and not (given.grade or given.yanagihara is not None or given.palsy):
        raise InputError("no severity: give --grade, --yanagihara or --palsy")
    requested = given.grade or given.yanagihara is not None or given.palsy
    palsy = given.build() if requested else Palsy.none()
    target = TargetExpression(options.movement, palsy)
    subjects = _sampled(options)
    requests = (Request(subject, target, subject.seed, options.size) for subject in subjects)
    for picture in generate(SubjectsMethod(), requests, batch=1):
        subject = picture.request.identity
        assert not isinstance(subject, Face)
        path = options.out / f"{subject.name}.png"
        picture.write(path)
        note = ", extrapolated beyond the photographed ages" if subject.extrapolated else ""
        print(
            f"{path}: {subject.gender}, about {subject.age:.0f}, "
            f"{subject.ethnicity.replace('_', ' ')}, skin tone "
            f"{subject.monk} of 10 (Monk){note}"
        )


def _sampled(options: SampleOptions) -> Iterator[Subject]:
    """The requested number of subjects of the requested attributes, in the order of seeds."""
    from palsynth.subjects import sample
    from palsynth.subjects.monk import SEEN

    if options.monk is not None and not SEEN[0] <= options.monk <= SEEN[1]:
        raise InputError(f"--monk {options.monk}: must lie between {SEEN[0]} and {SEEN[1]}")
    found, skipped = 0, 0
    for seed in count(options.seed):
        try:
            subject = sample(
                seed, age=options.age, gender=options.gender, ethnicity=options.ethnicity
            )
        except ValueError as error:
            raise InputError(str(error)) from None
        if options.monk in (None, subject.monk):
            found, skipped = found + 1, 0
            yield subject
        skipped += 1
        if found == options.count:
            return
        if skipped > MAX_SKIPPED:
            raise InputError(
                f"--monk {options.monk}: none of {MAX_SKIPPED} subjects has this tone; "
                "leave out --age, --gender or --ethnicity"
            )


def subjects_export(options: ExportOptions) -> None:
    """Make a data set of synthetic subjects, as generate does. Run the command again to resume."""
    from palsynth.commands.generate import check_workers, make
    from palsynth.generation.engines import processes

    check_workers(options.workers)
    plan = options.build()
    _refuse_former(options.folder)
    make(options.folder, plan, processes(options.workers))


def _refuse_former(folder: Path) -> None:
    """Raises InputError for an export of an earlier version, which no plan made."""
    record = folder / "plan.json"
    former = read_json(record, "give another folder") if record.is_file() else None
    if isinstance(former, dict) and "plan" not in former and "healthy" in former:
        raise InputError(
            f"{folder}: holds an export of an earlier version, which cannot be continued; give "
            "another folder"
        )


def subjects_fit(options: FitOptions) -> None:
    """Fit the appearance model to photographs of consenting people."""
    from palsynth.appearance.fit import MAX_COMPONENTS, fit
    from palsynth.appearance.model import save_model
    from palsynth.appearance.photographs import neutral_photographs
    from palsynth.face.detect import detect_face

    if not 1 <= options.components <= MAX_COMPONENTS:
        raise InputError(
            f"--components {options.components}: must lie between 1 and {MAX_COMPONENTS}; more "
            "would memorise people"
        )
    photographs = neutral_photographs(
        options.photographs, lambda image: detect_face(image).landmarks
    )
    arrays = fit(photographs, options.components)
    save_model(arrays, options.out)
    size = options.out.stat().st_size / 1e6
    print(
        f"{options.out}: {options.components} components, {len(photographs)} people, {size:.1f} MB"
    )

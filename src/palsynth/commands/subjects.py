"""``palsynth subjects sample | export | fit``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from palsynth.clinical import Movement
from palsynth.commands.options import Force, MovementName, PalsyOptions
from palsynth.errors import InputError
from palsynth.progress import progress_bar

if TYPE_CHECKING:
    from palsynth.subjects import Subject

MOST_PASSED_OVER = 300
"""People who are passed over before it is said that nobody fits."""


@dataclass(frozen=True)
class SampleOptions:
    """Draws people who do not exist, one PNG each."""

    out: Path
    """Folder for the pictures."""
    count: int = 8
    """How many people."""
    seed: int = 0
    """Seed of the first; the others follow."""
    size: int = 256
    """Pixels a side, 32 to 1024."""
    age: float | None = None
    """Years, 16 to 80; beyond 40 the model extrapolates."""
    gender: Literal["woman", "man"] | None = None
    """woman or man."""
    ethnicity: Literal["white", "black", "west_asian", "east_asian"] | None = None
    """As the photographed people reported it."""
    monk: int | None = None
    """Tone of the skin by the Monk scale, of which 5 to 8 can be drawn; seeds are passed over until
    it is that one's."""
    movement: MovementName = Movement.REST
    """What they do; healthy unless a grade, a total or a palsy file is given."""
    palsy_options: Annotated[PalsyOptions, tyro.conf.arg(name="")] = field(
        default_factory=PalsyOptions
    )
    force: Force = False


@dataclass(frozen=True)
class ExportOptions:
    """Writes a dataset of people who do not exist. Start it again to go on where it stopped."""

    folder: tyro.conf.Positional[Path]
    """The dataset."""
    subjects: int = 200
    """How many people."""
    images_per_subject: int = 40
    """Images of each."""
    size: int = 112
    """Pixels a side, 32 to 512."""
    seed: int = 0
    """Decides who and what; person seeds are seed x 10,000 and on."""
    framing: Literal["recogniser", "id-photo"] = "recogniser"
    """How tight the crop is."""
    healthy: float = 0.15
    """Share of images without a palsy."""
    workers: int = 1
    """Processes; the bytes do not depend on it."""
    evaluation: bool = False
    """Allow seeds that are reserved for evaluation."""


@dataclass(frozen=True)
class FitOptions:
    """Fits the appearance model to photographs of consenting people (a London-set folder)."""

    photographs: tyro.conf.Positional[Path]
    """Folder with neutral/, info.csv and split.csv; only its train people are used."""
    out: Path
    """The model's file (.npz)."""
    components: int = 40
    """Appearance components, at most 40: more would memorise people."""
    force: Force = False


def subjects_sample(options: SampleOptions) -> None:
    """Draws people who do not exist, one PNG each."""
    import json

    from palsynth.clinical import Palsy
    from palsynth.face.images import write_png
    from palsynth.subjects import View, render

    if options.count < 1:
        raise InputError(f"--count {options.count}: must be at least 1")
    given = options.palsy_options
    if given != PalsyOptions() and not (given.grade or given.yanagihara is not None or given.palsy):
        raise InputError("say how weak: --grade, --yanagihara or --palsy")
    requested = given.grade or given.yanagihara is not None or given.palsy
    palsy = given.build() if requested else Palsy.none()
    movement = options.movement
    for subject in _drawn(options):
        try:
            portrait = render(subject, movement, palsy, view=View(size=options.size))
        except ValueError as error:
            raise InputError(str(error)) from None
        record = {
            "method": "subjects",
            "seed": subject.seed,
            "expression": movement.value,
            "palsy": palsy.to_dict(),
        }
        path = options.out / f"person-{subject.seed:07d}.png"
        write_png(
            path,
            portrait.image,
            **{"palsynth:provenance": json.dumps(record, sort_keys=True)},
        )
        older = ", beyond the ages photographed: extrapolated" if subject.extrapolated else ""
        print(
            f"{path}: {subject.gender}, about {subject.age:.0f}, {subject.ethnicity}, skin tone "
            f"{subject.monk} of 10 (Monk){older}"
        )


def _drawn(options: SampleOptions) -> Iterator[Subject]:
    """So many people as asked for, from the seed on."""
    from palsynth.subjects import sample
    from palsynth.subjects.monk import SEEN

    if options.monk is not None and not SEEN[0] <= options.monk <= SEEN[1]:
        raise InputError(
            f"--monk {options.monk}: people of the tones {SEEN[0]} to {SEEN[1]} can be drawn"
        )
    found, passed = 0, 0
    for seed in count(options.seed):
        try:
            subject = sample(
                seed, age=options.age, gender=options.gender, ethnicity=options.ethnicity
            )
        except ValueError as error:
            raise InputError(str(error)) from None
        if options.monk in (None, subject.monk):
            found, passed = found + 1, 0
            yield subject
        passed += 1
        if found == options.count:
            return
        if passed > MOST_PASSED_OVER:
            raise InputError(
                f"--monk {options.monk}: nobody among {MOST_PASSED_OVER} people has this tone; "
                "ask for less besides"
            )


def subjects_export(options: ExportOptions) -> None:
    """Writes a dataset of people who do not exist. Start it again to go on where it stopped."""
    from palsynth.generation.export import ExportPlan, check_training_seeds, export

    if not 1 <= options.workers <= 4 * (os.cpu_count() or 1):
        raise InputError(
            f"--workers {options.workers}: must lie between 1 and {4 * (os.cpu_count() or 1)}"
        )
    plan = ExportPlan(
        options.subjects,
        options.images_per_subject,
        options.size,
        options.seed,
        options.framing,
        options.healthy,
    )
    check_training_seeds(plan, options.evaluation)
    with progress_bar("images") as progress:
        rows = export(options.folder, plan, workers=options.workers, progress=progress)
    print(f"{options.folder}: {len(rows)} images of {plan.subjects} people who do not exist")


def subjects_fit(options: FitOptions) -> None:
    """Fits the appearance model to photographs of consenting people (a London-set folder)."""
    from palsynth.appearance.fit import MAX_COMPONENTS, fit, neutral_photographs
    from palsynth.appearance.model import save_model
    from palsynth.face.detect import detect_face

    if not 1 <= options.components <= MAX_COMPONENTS:
        raise InputError(
            f"--components {options.components}: 1 to {MAX_COMPONENTS}; more would memorise people"
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

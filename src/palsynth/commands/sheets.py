"""``palsynth sheet`` and ``palsynth grid``."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from palsynth.commands.options import (
    DiffusionOptions,
    Force,
    PalsyOptions,
    parse_expression,
    warn_unless_neutral,
)
from palsynth.errors import InputError

if TYPE_CHECKING:
    from palsynth.methods.base import Expression, Identity


@dataclass(frozen=True)
class SheetOptions:
    """The ten Yanagihara movements side by side, asked and measured under each."""

    photo: tyro.conf.Positional[Path | None] = None
    """A frontal photo; or give --subject."""
    subject: int | None = None
    """Seed of a synthetic subject."""
    out: Path = Path("sheet.png")
    """Where the sheet goes (PNG)."""
    palsy_options: Annotated[PalsyOptions, tyro.conf.arg(name="")] = field(
        default_factory=PalsyOptions
    )
    healthy: bool = False
    """Also show the movements without the palsy."""
    patient: Path | None = None
    """A folder with a patient's movements and rest, named by movement (rest.jpg, grin.jpg) or with
    a dataset's manifest, in place of a palsy: the photo or person given is the non-patient who
    shows them, as palsynth anonymize does; exit code 1 where the patient is recognised, or side or
    movement are not the patient's."""
    method: str | None = None
    """Method; subjects for --subject, simulator for a photo and captured with --patient where nothing
    is said (controlnet-pf-captured with --base, --controlnet or --weights)."""
    weights: Path | None = None
    """Weights of the method; what ships where nothing is said."""
    diffusion: Annotated[DiffusionOptions, tyro.conf.arg(name="")] = field(
        default_factory=DiffusionOptions
    )
    pictures: Path | None = None
    """A folder for the single pictures too, named by movement."""
    mirrored: bool = False
    """The photo is a mirrored selfie: turn it round first."""
    size: int = 320
    """Pixels of one picture's side."""
    force: Force = False


@dataclass(frozen=True)
class GridOptions:
    """People down, expressions across."""

    identities: list[str]
    """Photos, or seeds of people who do not exist."""
    expressions: list[str]
    """movement[:side[:grade]], such as rest grin:left:V close-eyes-lightly:right:IV, or photos,
    whose expressions are captured."""
    out: Path = Path("grid.png")
    """Where the grid goes (PNG)."""
    method: str | None = None
    """Method; captured where an expression is a photo, people where all identities are seeds, else
    simulator."""
    weights: Path | None = None
    """Weights of the method; what ships where nothing is said."""
    size: int = 224
    """Pixels of one picture's side."""
    force: Force = False


def sheet(options: SheetOptions) -> None:
    """The ten Yanagihara movements side by side, asked and measured under each."""
    from palsynth.generation import sheet as sheets
    from palsynth.methods.base import get_method, provenance, write_made

    _check_size(options.size)
    if (options.photo is None) == (options.subject is None):
        raise InputError("give either a photo or --subject SEED")
    palsy = options.palsy_options.build()
    words = str(options.subject) if options.photo is None else str(options.photo)
    identity, is_subject = _identity(words, subject=options.photo is None)
    if options.mirrored:
        identity = _turned_round(identity)
    if options.patient is not None:
        _of_patient(options, identity)
        return
    if options.diffusion != DiffusionOptions():
        raise InputError("--base, --controlnet and --tokenizer go with --patient")
    default = "subjects" if is_subject else "simulator"
    method = get_method(options.method or default, options.weights)
    who = f"Synthetic subject {options.subject}" if is_subject else "Simulated from a photo"
    made = sheets.sheet(
        identity,
        palsy,
        method,
        title=f"{who}: {options.palsy_options.title()}",
        size=options.size,
        healthy=options.healthy,
    )
    said = {"subject": options.subject, "palsy": palsy.to_dict()}
    record = provenance(method, 0, **said)
    if options.pictures is not None:
        for row, image in zip(made.rows, made.pictures, strict=True):
            name = row.movement.value
            write_made(
                options.pictures / f"{name}.png", image, method, {**record, "expression": name}
            )
    write_made(options.out, made.image, method, record)
    _print_table(made)
    print(f"\n{options.out}")
    if options.pictures is not None:
        print(f"{options.pictures}: {len(made.pictures)} pictures")


def _turned_round(identity: Identity) -> Identity:
    """A mirrored photo as others see its person."""
    from palsynth.face.face import Face

    if not isinstance(identity, Face):
        raise InputError("--mirrored goes with a photo")
    return identity.mirrored()


def _of_patient(options: SheetOptions, identity: Identity) -> None:
    """The sheet of ``palsynth anonymize``, on the photo or person that is given."""
    from palsynth.generation.anonymize import How, anonymize, fixed
    from palsynth.generation.anonymized_files import sheet_of, write_sheet
    from palsynth.generation.patient import read_folder
    from palsynth.progress import progress_bar

    if options.palsy_options != PalsyOptions() or options.healthy:
        raise InputError("--patient shows the palsy; leave out side, grade, palsy and --healthy")
    if options.pictures is not None:
        raise InputError("--pictures goes without --patient; palsynth anonymize writes them all")
    method = options.diffusion.method(options.method, options.weights)
    assert options.patient is not None
    if options.out.resolve().is_relative_to(options.patient.resolve()):
        raise InputError(f"{options.out}: lies in the patient's folder; give another --out")
    patient = read_folder(options.patient)
    with progress_bar("drawing") as progress:
        made = anonymize(patient, fixed(identity, 0), method, How(options.size), progress)
    drawn = sheet_of(patient, made, options.size)
    _print_table(drawn, "patient")
    print("\n" + "\n".join(write_sheet(options.out, patient, made, method, drawn)))
    if made.faults:
        sys.exit(1)


def grid(options: GridOptions) -> None:
    """People down, expressions across."""
    from palsynth.generation import sheet as sheets
    from palsynth.methods.base import ExpressionImage, get_method, provenance, write_made

    _check_size(options.size)
    requested = [_expression(text) for text in options.expressions]
    found = [_identity(text) for text in options.identities]
    default = "subjects" if all(is_subject for _, is_subject in found) else "simulator"
    if any(isinstance(expression, ExpressionImage) for expression in requested):
        default = "captured"
    method = get_method(options.method or default, options.weights)
    if not method.takes_pictures and any(isinstance(e, ExpressionImage) for e in requested):
        raise InputError(f"the method {method.name} takes no pictures; ask for movements")
    image = sheets.grid([i for i, _ in found], requested, method, size=options.size)
    said = [
        "picture" if isinstance(expression, ExpressionImage) else text
        for text, expression in zip(options.expressions, requested, strict=True)
    ]
    record = provenance(method, 0, expressions=said)
    write_made(options.out, image, method, record)
    print(options.out)


def _expression(text: str) -> Expression:
    """A photo's expression, or one in words."""
    from palsynth.capture.seen import read_expression
    from palsynth.methods.base import ExpressionImage, TargetExpression

    if Path(text).is_file() or Path(text).suffix:
        return ExpressionImage(read_expression(Path(text)))
    return TargetExpression(*parse_expression(text))


def _check_size(size: int) -> None:
    if not 64 <= size <= 512:
        raise InputError(f"--size {size}: a picture of a sheet has 64 to 512 px a side")


def _identity(text: str, subject: bool = False) -> tuple[Identity, bool]:
    """A seed -> a person, anything else -> the face in that photo."""
    from palsynth.face.detect import read_face
    from palsynth.subjects import sample

    if subject or (text.isdecimal() and not Path(text).exists()):
        seed = int(text)
        if seed < 0:
            raise InputError(f"seed {seed}: a person's seed is a whole number from 0 on")
        return sample(seed), True
    face = read_face(Path(text))
    warn_unless_neutral(face)
    return face, False


def _print_table(made, asker: str = "requested") -> None:  # type: ignore[no-untyped-def]
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"{asker.capitalize()} and measured")
    for name in (
        "movement",
        f"{asker} side",
        "measured side",
        f"{asker} item",
        "measured item",
        "asymmetry %",
    ):
        table.add_column(name, justify="left" if name == "movement" else "right")
    for row in made.rows:
        table.add_row(
            row.movement.label,
            row.requested_side.value if row.requested_side else "–",
            row.side_text,
            "–" if row.requested_score is None else str(row.requested_score),
            "–" if row.measured_score is None else str(row.measured_score),
            "–" if row.asymmetry is None else f"{row.asymmetry:+.1f}",
        )
    Console().print(table)

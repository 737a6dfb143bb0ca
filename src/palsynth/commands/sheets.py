"""``palsynth sheet`` and ``palsynth grid``."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from palsynth.commands.naming import DefaultMethodName
from palsynth.commands.options import (
    DiffusionOptions,
    Force,
    PalsyOptions,
    PictureFile,
    parse_expression,
)
from palsynth.errors import InputError
from palsynth.limits import parse_seed
from palsynth.terminal import console, say

if TYPE_CHECKING:
    from palsynth.generation.sheet import Sheet
    from palsynth.methods.base import Expression, Identity


@dataclass(frozen=True)
class SheetOptions:
    """Show the ten Yanagihara movements side by side, with requested and measured scores below."""

    photo: tyro.conf.Positional[Path | None] = None
    """A frontal photo at rest; or give --subject."""
    subject: int | None = None
    """Seed of a synthetic subject, 0 or more, instead of a photo."""
    out: PictureFile = Path("sheet.png")
    """Output sheet (PNG)."""
    palsy_options: Annotated[PalsyOptions, tyro.conf.arg(name="")] = field(
        default_factory=PalsyOptions
    )
    healthy: bool = False
    """Also show the movements without the palsy."""
    patient: Path | None = None
    """Folder of a patient's photos at rest and in movement, instead of a palsy,
    named by movement (rest.jpg, grin.jpg) or listed in a dataset's manifest:
    the photo or subject shows the patient's movements, as in palsynth anonymize.
    Exit code 1 means that the patient is recognised,
    or that a side or movement differs from the patient's."""
    method: DefaultMethodName = None
    """Name of the method; default: subjects for --subject, simulator for a photo;
    with --patient captured, or controlnet-pf-captured with --base, --controlnet or --weights."""
    weights: Path | None = None
    """Folder of the method's weights; default: those that ship."""
    diffusion: Annotated[DiffusionOptions, tyro.conf.arg(name="")] = field(
        default_factory=DiffusionOptions
    )
    pictures: Path | None = None
    """Also write each picture to this folder, named by movement."""
    mirrored: bool = False
    """The photo is a mirrored selfie: flip it first."""
    size: int = 320
    """Width and height of each picture in pixels, 64 to 512."""
    force: Force = False


@dataclass(frozen=True)
class GridOptions:
    """Show several identities (rows) with several expressions (columns)."""

    identities: list[str]
    """Photos at rest, or seeds of synthetic subjects."""
    expressions: list[str]
    """Movements as MOVEMENT[:SIDE[:GRADE]], such as rest grin:left:V (default grade: V),
    or photos, whose expressions are captured."""
    out: PictureFile = Path("grid.png")
    """Output grid (PNG)."""
    method: DefaultMethodName = None
    """Name of the method; default: captured if an expression is a photo,
    else subjects if all identities are seeds, else simulator."""
    weights: Path | None = None
    """Folder of the method's weights; default: those that ship."""
    size: int = 224
    """Width and height of each picture in pixels, 64 to 512."""
    force: Force = False


def sheet(options: SheetOptions) -> None:
    """Show the ten Yanagihara movements side by side, with requested and measured scores below."""
    from palsynth.generation import sheet as sheets
    from palsynth.methods.registry import get_method

    _check_size(options.size)
    if (options.photo is None) == (options.subject is None):
        raise InputError("give either a photo or --subject SEED")
    palsy = options.palsy_options.build()
    source = str(options.subject) if options.photo is None else str(options.photo)
    identity, is_subject = _identity(source, subject=options.photo is None)
    if options.mirrored:
        identity = _mirrored(identity)
    if options.patient is not None:
        _patient_sheet(options, identity)
        return
    if options.diffusion != DiffusionOptions():
        raise InputError("--base, --controlnet and --tokenizer go with --patient")
    default = "subjects" if is_subject else "simulator"
    method = get_method(options.method or default, options.weights)
    heading = f"Synthetic subject {options.subject}" if is_subject else "Simulated from a photo"
    result = sheets.sheet(
        identity,
        palsy,
        method,
        title=f"{heading}: {options.palsy_options.title()}",
        size=options.size,
        healthy=options.healthy,
    )
    if options.pictures is not None:
        for row, picture in zip(result.rows, result.pictures, strict=True):
            picture.write(options.pictures / f"{row.movement.value}.png")
    result.write(options.out)
    _print_table(result)
    print(f"\n{options.out}")
    if options.pictures is not None:
        print(f"{options.pictures}: {len(result.pictures)} pictures")


def _mirrored(identity: Identity) -> Identity:
    """The face of a mirrored photo, flipped. Raises InputError for a synthetic subject."""
    from palsynth.face.face import Face

    if not isinstance(identity, Face):
        raise InputError("--mirrored goes with a photo")
    return identity.mirrored()


def _patient_sheet(options: SheetOptions, identity: Identity) -> None:
    """Writes the sheet of ``palsynth anonymize`` for one identity."""
    from palsynth.generation.anonymize import RequestSettings, anonymize, single_candidate
    from palsynth.generation.anonymized_files import anonymization_sheet, write_sheet
    from palsynth.generation.patient import read_folder
    from palsynth.progress import progress_bar

    if options.palsy_options != PalsyOptions() or options.healthy:
        raise InputError(
            "--patient determines the palsy; leave out --side, --grade, --yanagihara, --kind, "
            "--palsy and --healthy"
        )
    if options.pictures is not None:
        raise InputError(
            "--pictures does not go with --patient; palsynth anonymize writes all pictures"
        )
    method = options.diffusion.method(options.method, options.weights)
    assert options.patient is not None
    if options.out.resolve().is_relative_to(options.patient.resolve()):
        raise InputError(f"{options.out}: lies in the patient's folder; give another --out")
    patient = read_folder(options.patient)
    with progress_bar("generating") as progress:
        result = anonymize(
            patient, single_candidate(identity, 0), method, RequestSettings(options.size), progress
        )
    sheet = anonymization_sheet(patient, result, options.size)
    _print_table(sheet, "patient")
    say("\n" + "\n".join(write_sheet(options.out, patient, result, sheet)))
    if result.faults:
        sys.exit(1)


def grid(options: GridOptions) -> None:
    """Show several identities (rows) with several expressions (columns)."""
    from palsynth.generation import sheet as sheets
    from palsynth.methods.base import ExpressionImage
    from palsynth.methods.registry import get_method

    _check_size(options.size)
    requested = [_expression(text) for text in options.expressions]
    identities = [_identity(text) for text in options.identities]
    default = "subjects" if all(is_subject for _, is_subject in identities) else "simulator"
    if any(isinstance(expression, ExpressionImage) for expression in requested):
        default = "captured"
    method = get_method(options.method or default, options.weights)
    image, pictures = sheets.grid([i for i, _ in identities], requested, method, size=options.size)
    sheets.write_shown(options.out, image, pictures)
    print(options.out)


def _expression(text: str) -> Expression:
    """The expression of a photo, or the one that ``movement[:side[:grade]]`` describes."""
    from palsynth.capture.seen import read_expression
    from palsynth.methods.base import ExpressionImage, TargetExpression

    if Path(text).is_file() or Path(text).suffix:
        return ExpressionImage(read_expression(Path(text)))
    return TargetExpression(*parse_expression(text))


def _check_size(size: int) -> None:
    if not 64 <= size <= 512:
        raise InputError(f"--size {size}: must lie between 64 and 512")


def _identity(text: str, subject: bool = False) -> tuple[Identity, bool]:
    """The synthetic subject of a seed or the face in a photo, and whether it is a subject."""
    from palsynth.capture.at_rest import note_unless_at_rest
    from palsynth.face.detect import read_face
    from palsynth.subjects import sample

    text = text.removeprefix("subject:") if not Path(text).exists() else text
    if subject or (text.isdecimal() and not Path(text).exists()):
        return sample(parse_seed(text)), True
    face = read_face(Path(text))
    note_unless_at_rest(face, text)
    return face, False


def _print_table(sheet: Sheet, reference: str = "requested") -> None:
    """Prints a sheet's scores; ``reference`` names what the measured ones are compared with."""
    from rich.table import Table

    table = Table(title=f"{reference.capitalize()} and measured")
    for name in (
        "movement",
        f"{reference} side",
        "measured side",
        f"{reference} item",
        "measured item",
        "asymmetry %",
    ):
        table.add_column(name, justify="left" if name == "movement" else "right")
    for row in sheet.rows:
        table.add_row(
            row.movement.label,
            row.requested_side.value if row.requested_side else "–",
            row.side_text,
            "–" if row.requested_score is None else str(row.requested_score),
            "–" if row.measured_score is None else str(row.measured_score),
            "–" if row.asymmetry is None else f"{row.asymmetry:+.1f}",
        )
    console().print(table)

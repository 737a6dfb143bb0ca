"""``palsynth anonymize``."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from palsynth import renamed
from palsynth.commands.options import DiffusionOptions, Force, MovementName
from palsynth.errors import InputError

if TYPE_CHECKING:
    from palsynth.face.face import Face
    from palsynth.generation.anonymize import Candidates
    from palsynth.generation.patient import Patient


@dataclass(frozen=True)
class AnonymizeOptions:
    """A patient's expression on somebody else, with a check of privacy and expression.

    Ends with exit code 1 where the patient is recognised, or side or movement are not the
    patient's; the picture is kept then under a name that says so.
    """

    patient: tyro.conf.Positional[Path]
    """A photo of the patient doing the movement, or a folder with the rest and movements, named by
    movement (rest.jpg, grin.jpg, close-eyes-lightly.jpg) or with a dataset's manifest."""
    as_: Annotated[str, tyro.conf.arg(name="as")]
    """Who shows it: a description such as 'woman of about 30 with dark skin', whom somebody who
    does not exist then fits; subject:7, a synthetic subject by seed; or a photo at rest of
    somebody who agreed."""
    out: Path
    """Where the picture goes (PNG); of a folder, the folder of the pictures and of sheet.png."""
    rest: Path | None = None
    """The patient at rest, of one photo: with it a lopsided face is not taken for a palsy."""
    movement: MovementName | None = None
    """What the patient was asked for, of one photo: sides are read better with it."""
    method: str | None = None
    """The method, by name; captured where nothing is said, controlnet-pf-captured with --base,
    --controlnet or --weights."""
    size: int = 512
    """Pixels a side, 128 to 1024."""
    words: str = ""
    """For the ControlNet's prompt, in place of the words that describe the subject."""
    diffusion: Annotated[DiffusionOptions, tyro.conf.arg(name="")] = field(
        default_factory=DiffusionOptions
    )
    weights: Path | None = None
    """A ControlNet tuned by palsynth train, in place of --controlnet."""
    seed: int = 0
    """Decides what is left to chance, the one who fits a description too."""
    force: Force = False


def anonymize(options: AnonymizeOptions) -> None:
    """A patient's expression on somebody else, with a check of privacy and expression."""
    from palsynth.generation import anonymize as work
    from palsynth.generation.anonymized_files import write_folder, write_one
    from palsynth.progress import progress_bar

    if options.seed < 0:
        raise InputError(f"--seed {options.seed}: must not be negative")
    if not 128 <= options.size <= 1024:
        raise InputError(f"--size {options.size}: must lie between 128 and 1024")
    candidates = _candidates(options)
    method = options.diffusion.method(options.method, options.weights)
    if options.words and method.name == "captured":
        raise InputError("--words goes with a ControlNet; say in --as whom to draw")
    patient = _patient(options)
    how = work.How(options.size, options.words)
    if options.patient.is_dir():
        with progress_bar("anonymizing") as progress:
            made = work.anonymize(patient, candidates, method, how, progress)
        print("\n".join(write_folder(options.out, patient, made, method)))
    else:
        made = work.anonymize(patient, candidates, method, how)
        print("\n".join(write_one(options.out, made, method)))
    if made.faults:
        sys.exit(1)


def _candidates(options: AnonymizeOptions) -> Candidates:
    """Who may show the expression. Raises InputError for words that cannot be drawn."""
    from palsynth.generation.anonymize import described, fixed
    from palsynth.subjects import sample
    from palsynth.subjects.description import read_description

    words = options.as_.strip()
    if not words:
        raise InputError("--as: is empty; give a description, subject:SEED or a photo")
    if words.isdecimal():
        raise InputError(f"--as {words}: a synthetic subject by seed is subject:{words}")
    words = renamed.identity(words)
    if words.startswith("subject:"):
        if (number := re.fullmatch(r"subject:(\d+)", words)) is None:
            raise InputError(f"--as {words}: the seed is a whole number from 0 on, as in subject:7")
        return fixed(sample(int(number.group(1))), options.seed)
    path = Path(words)
    try:
        is_file, is_folder = path.is_file(), path.is_dir()
    except OSError:  # longer than a file's name may be
        is_file = is_folder = False
    if is_file:
        return fixed(_at_rest(path), options.seed)
    if is_folder:
        raise InputError(f"{path}: is a folder; give a description, subject:SEED or a photo")
    if re.search(r"\.\w{2,4}$|[/\\:]", words):
        raise InputError(f"{path}: no such file; give a description, subject:SEED or a photo")
    return described(read_description(words), options.seed)


def _at_rest(path: Path) -> Face:
    """A consenting person's face. Raises InputError where the mouth is open: what the patient does
    begins from rest, and the result is read against it."""
    from palsynth.commands.options import mouth_is_open
    from palsynth.face.detect import read_face

    face = read_face(path)
    if mouth_is_open(face):
        raise InputError(f"{path}: the mouth is open; give a photo at rest")
    return face


def _patient(options: AnonymizeOptions) -> Patient:
    from palsynth.generation.patient import read_folder, read_photo

    if not options.patient.exists():
        raise InputError(f"{options.patient}: no such photo or folder")
    if not options.patient.is_dir():
        if options.out.is_dir() or options.out.suffix.lower() != ".png":
            raise InputError(f"--out {options.out}: one photo needs a picture, ending in .png")
        return read_photo(options.patient, options.rest, options.movement)
    if options.rest is not None or options.movement is not None:
        raise InputError("--rest and --movement go with one photo; a folder says both itself")
    if options.out.suffix or options.out.is_file():
        raise InputError(f"--out {options.out}: a folder of pictures needs a folder")
    if options.out.resolve().is_relative_to(options.patient.resolve()):
        raise InputError(f"{options.out}: lies in the patient's folder; give another --out")
    return read_folder(options.patient)

"""``palsynth anonymize``."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from palsynth import renamed
from palsynth.commands.naming import DefaultMethodName
from palsynth.commands.options import DiffusionOptions, Force, MovementName
from palsynth.errors import InputError
from palsynth.limits import parse_seed
from palsynth.terminal import say

if TYPE_CHECKING:
    from palsynth.face.face import Face
    from palsynth.generation.anonymize import Candidates
    from palsynth.generation.patient import Patient


@dataclass(frozen=True)
class AnonymizeOptions:
    """Show a patient's expression on another face, and check privacy and expression.

    Exit code 1 means that the patient is recognised in a picture, or that its side or movement
    differs from the patient's; the picture is then saved under a name that says so.
    """

    patient: tyro.conf.Positional[Path]
    """A photo of the patient performing the movement;
    or a folder of photos at rest and in movement, named by movement
    (rest.jpg, grin.jpg, close-eyes-lightly.jpg) or listed in a dataset's manifest."""
    as_: Annotated[str, tyro.conf.arg(name="as")]
    """The face that shows the expression:
    a description such as 'woman of about 30 with dark skin', for a synthetic subject that fits;
    subject:7, the synthetic subject of a seed;
    or a photo at rest of a consenting person."""
    out: Path
    """Output picture (PNG); for a folder of photos, the folder for pictures and sheet.png."""
    rest: Path | None = None
    """For a single photo, one of the patient at rest:
    with it, an asymmetric face is not mistaken for a palsy."""
    movement: MovementName | None = None
    """For a single photo, the movement: it makes the side more reliable."""
    method: DefaultMethodName = None
    """Name of the method; default: captured,
    or controlnet-pf-captured with --base, --controlnet or --weights."""
    size: int = 512
    """Width and height of a picture in pixels, 128 to 1024."""
    words: str = ""
    """Description of the subject for the ControlNet's prompt; default: generated."""
    diffusion: Annotated[DiffusionOptions, tyro.conf.arg(name="")] = field(
        default_factory=DiffusionOptions
    )
    weights: Path | None = None
    """Folder of a ControlNet fine-tuned by palsynth train, instead of --controlnet."""
    seed: int = 0
    """Random seed, 0 or more; it also selects the subject that fits a description."""
    force: Force = False


def anonymize(options: AnonymizeOptions) -> None:
    """Show a patient's expression on another face, and check privacy and expression."""
    from palsynth.generation import anonymize as work
    from palsynth.generation.anonymized_files import write_folder, write_one
    from palsynth.progress import progress_bar

    if options.seed < 0:
        raise InputError(f"--seed {options.seed}: must not be negative")
    if not 128 <= options.size <= 1024:
        raise InputError(f"--size {options.size}: must lie between 128 and 1024")
    _check_paths(options)
    candidates = named_candidates(options.as_, options.seed)
    method = options.diffusion.method(options.method, options.weights)
    if options.words and method.name == "captured":
        raise InputError("--words goes with a ControlNet; describe the subject in --as")
    patient = _patient(options)
    how = work.RequestSettings(options.size, options.words)
    if options.patient.is_dir():
        with progress_bar("anonymizing") as progress:
            made = work.anonymize(patient, candidates, method, how, progress)
        say("\n".join(write_folder(options.out, patient, made)))
    else:
        made = work.anonymize(patient, candidates, method, how)
        say("\n".join(write_one(options.out, made)))
    if made.faults:
        sys.exit(1)


def named_candidates(text: str, seed: int) -> Candidates:
    """The candidates that --as names.

    Args:
        text: a description, ``subject:SEED`` or the path of a photo.
        seed: seed of the requests, and of the subjects that fit a description.

    Returns:
        Identities, each with the seed of its requests.

    Raises:
        InputError: the text names nobody.
    """
    from palsynth.generation.anonymize import candidates_for, single_candidate
    from palsynth.subjects import sample
    from palsynth.subjects.description import read_description

    text = text.strip()
    if not text:
        raise InputError("--as: is empty; give a description, subject:SEED or a photo")
    if text.isdecimal():
        raise InputError(f"--as {text}: write subject:{text} for a synthetic subject by its seed")
    text = renamed.identity(text)
    if text.startswith("subject:"):
        if (number := re.fullmatch(r"subject:(\d+)", text)) is None:
            raise InputError(
                f"--as {text}: the seed must be an integer of 0 or more, as in subject:7"
            )
        return single_candidate(sample(parse_seed(number.group(1))), seed)
    path = Path(text)
    try:
        is_file, is_folder = path.is_file(), path.is_dir()
    except OSError:  # longer than a file name may be
        is_file = is_folder = False
    if is_file:
        return single_candidate(_at_rest(path), seed)
    if is_folder:
        raise InputError(f"{path}: is a folder; give a description, subject:SEED or a photo")
    if re.search(r"\.\w{2,4}$|[/\\:]", text):
        raise InputError(f"{path}: no such file; give a description, subject:SEED or a photo")
    return candidates_for(read_description(text), seed)


def _at_rest(path: Path) -> Face:
    """A consenting person's face at rest. Raises InputError if the mouth is open: the patient's
    movement starts from rest, and the result is measured against this face."""
    from palsynth.capture.at_rest import mouth_is_open, note_unless_at_rest
    from palsynth.face.detect import read_face

    face = read_face(path)
    if mouth_is_open(face):
        raise InputError(f"{path}: the mouth is open; give a photo at rest")
    note_unless_at_rest(face, str(path))
    return face


def _check_paths(options: AnonymizeOptions) -> None:
    """Raises InputError where --patient and --out do not go together."""
    if not options.patient.exists():
        raise InputError(f"{options.patient}: no such photo or folder")
    if not options.patient.is_dir():
        if options.out.is_dir() or options.out.suffix.lower() != ".png":
            raise InputError(f"--out {options.out}: one photo needs a picture, ending in .png")
        return
    if options.rest is not None or options.movement is not None:
        raise InputError("--rest and --movement go with one photo; a folder contains both already")
    if options.out.suffix or options.out.is_file():
        raise InputError(f"--out {options.out}: a folder of pictures needs a folder")
    if options.out.resolve().is_relative_to(options.patient.resolve()):
        raise InputError(f"{options.out}: lies in the patient's folder; give another --out")


def _patient(options: AnonymizeOptions) -> Patient:
    from palsynth.generation.patient import read_folder, read_photo

    if options.patient.is_dir():
        return read_folder(options.patient)
    return read_photo(options.patient, options.rest, options.movement)

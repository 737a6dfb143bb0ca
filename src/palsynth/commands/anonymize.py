"""``palsynth anonymize``."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from palsynth.commands.options import DiffusionOptions, Force
from palsynth.errors import InputError

if TYPE_CHECKING:
    from palsynth.methods.base import Identity


@dataclass(frozen=True)
class AnonymizeOptions:
    """A patient's expression on somebody else, with a check whether the patient is recognised."""

    patient: tyro.conf.Positional[Path]
    """A photo of the patient doing the movement."""
    as_: Annotated[str, tyro.conf.arg(name="as")]
    """Who gives the contour: a photo of a non-patient at rest, or a description such as
    'woman of about 30', whom somebody who does not exist then fits."""
    out: Path
    """Where the picture goes (PNG)."""
    words: str | None = None
    """A description for the prompt, in place of 'person'; a description in --as is one."""
    diffusion: Annotated[DiffusionOptions, tyro.conf.arg(name="")] = field(
        default_factory=DiffusionOptions
    )
    weights: Path | None = None
    """A ControlNet tuned by palsynth train, in place of --controlnet."""
    keep_face: bool = False
    """Tell the patient's own edges: the expression is kept better, the patient recognised more."""
    keep_nose: bool = False
    """Take the patient's nose along with eyes and mouth, as the paper does: recognised more."""
    seed: int = 0
    """Decides what is left to chance."""
    force: Force = False


def anonymize(options: AnonymizeOptions) -> None:
    """A patient's expression on somebody else, with a check whether the patient is recognised."""
    from palsynth.experiments.recognised import compare
    from palsynth.face.detect import read_face
    from palsynth.face.framing import PORTRAIT
    from palsynth.methods import Request
    from palsynth.methods.base import Picture, provenance, write_made
    from palsynth.methods.controlnet.method import (
        ControlNetMethod,
        Partial,
        PartialEyesAndMouth,
        PartialInOtherFace,
    )
    from palsynth.methods.resolve import identity_face

    if options.seed < 0:
        raise InputError(f"--seed {options.seed}: must not be negative")
    patient = read_face(options.patient)
    identity, words = _who(options)
    kind: type[ControlNetMethod] = PartialEyesAndMouth
    if options.keep_face or options.keep_nose:
        kind = Partial if options.keep_face else PartialInOtherFace
    method = kind(options.diffusion.pipeline(options.weights))
    size = method.pipeline.base.size
    request = Request(identity, Picture(patient), options.seed, size, PORTRAIT)
    image = method.with_words([request], [words])[0]
    record = provenance(method, options.seed, expression="picture", words=words)
    write_made(options.out, image, method, record)
    other = identity_face(identity, max(256, image.shape[0]))
    print(f"{options.out}\n{compare(patient.image, other.image, image)}")


def _who(options: AnonymizeOptions) -> tuple[Identity, str]:
    """The non-patient, and the words of the prompt."""
    from palsynth.face.detect import read_face
    from palsynth.methods.controlnet.prompts import WHO, described

    if not options.as_.strip():
        raise InputError("--as: is empty; give a photo or a description")
    path = Path(options.as_)
    try:
        is_file, is_folder = path.is_file(), path.is_dir()
    except OSError:  # longer than a file's name may be
        is_file = is_folder = False
    if is_file:
        return read_face(path), options.words or WHO
    if is_folder:
        raise InputError(f"{path}: is a folder; give a photo or a description")
    if re.search(r"\.\w{2,4}$", options.as_):
        raise InputError(f"{path}: no such file")
    return described(options.as_, options.seed), options.words or options.as_

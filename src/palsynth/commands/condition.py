"""``palsynth condition``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tyro

from palsynth.commands.options import Force
from palsynth.errors import InputError


@dataclass(frozen=True)
class ConditionOptions:
    """The edges that a Canny ControlNet is told: a patient's parts in a non-patient's face."""

    patient: tyro.conf.Positional[Path]
    """A photo of the patient doing the movement."""
    nonpatient: tyro.conf.Positional[Path | None] = None
    """A photo of somebody else, at rest; without it the patient's own edges are drawn."""
    out: Path = Path("condition.png")
    """Where the edges go (PNG)."""
    show: Path | None = None
    """Also write every step side by side there (PNG); it shows both faces."""
    size: int = 512
    """Pixels a side."""
    keep_contour: bool = False
    """Leave the parts in the patient's own face."""
    keep_sizes: bool = False
    """Leave the parts their size."""
    keep_nose: bool = False
    """Take the patient's nose along, as the paper does; by it the patient is recognised."""
    force: Force = False


def condition(options: ConditionOptions) -> None:
    """The edges that a Canny ControlNet is told: a patient's parts in a non-patient's face."""
    import numpy as np

    from palsynth.face.detect import read_face
    from palsynth.face.images import SHOWS_INPUT, write_png
    from palsynth.generation.sheet import labelled_grid
    from palsynth.methods.controlnet.conditioning import codc, plain

    if not 64 <= options.size <= 2048:
        raise InputError(f"--size {options.size}: must lie between 64 and 2048")
    patient = read_face(options.patient)
    if options.nonpatient is None:
        if options.keep_contour or options.keep_sizes or options.keep_nose:
            raise InputError(
                "--keep-contour, --keep-sizes and --keep-nose need a non-patient's photo"
            )
        made = plain(patient, options.size)
    else:
        made = codc(
            patient, read_face(options.nonpatient), contour=not options.keep_contour,
            organ_size=not options.keep_sizes, nose=options.keep_nose, size=options.size,
        )  # fmt: skip
    write_png(options.out, np.repeat(made.edges[..., None], 3, 2), **SHOWS_INPUT)
    if options.show is not None:
        steps = made.pictures
        write_png(
            options.show, labelled_grid({"": list(steps.values())}, list(steps)), **SHOWS_INPUT
        )
    scales = ", ".join(f"{name} x {scale:.2f}" for name, scale in made.scales.items())
    print(f"{options.out}: {scales or 'edges of the whole face'}")

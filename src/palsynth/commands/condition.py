"""``palsynth condition``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tyro

from palsynth.commands.options import Force, PictureFile
from palsynth.errors import InputError


@dataclass(frozen=True)
class ConditionOptions:
    """Write the edge map that conditions a Canny ControlNet: a patient's facial features in a
    non-patient's face."""

    patient: tyro.conf.Positional[Path]
    """Photo of the patient performing the movement."""
    nonpatient: tyro.conf.Positional[Path | None] = None
    """Photo at rest of another person; default: the edges of the patient's own face."""
    out: PictureFile = Path("condition.png")
    """Output edge map (PNG)."""
    show: PictureFile | None = None
    """Also write all steps side by side to this file (PNG); it shows both faces."""
    size: int = 512
    """Width and height of the edge map in pixels, 64 to 2048."""
    keep_contour: bool = False
    """Do not move the features into the other face: keep the patient's contour."""
    keep_sizes: bool = False
    """Do not scale the features to the other face."""
    keep_nose: bool = False
    """Transfer the patient's nose too, as the paper does; it makes the patient recognisable."""
    force: Force = False


def condition(options: ConditionOptions) -> None:
    """Write the edge map that conditions a Canny ControlNet."""
    import numpy as np

    from palsynth.face.detect import note_if_small, read_face
    from palsynth.face.images import SHOWS_INPUT, write_png
    from palsynth.generation.layout import labelled_grid
    from palsynth.methods.controlnet.conditioning import codc, patient_edges

    if not 64 <= options.size <= 2048:
        raise InputError(f"--size {options.size}: must lie between 64 and 2048")
    patient = read_face(options.patient)
    note_if_small(patient, str(options.patient))
    if options.nonpatient is None:
        if options.keep_contour or options.keep_sizes or options.keep_nose:
            raise InputError(
                "--keep-contour, --keep-sizes and --keep-nose need a non-patient's photo"
            )
        result = patient_edges(patient, options.size)
    else:
        result = codc(
            patient,
            read_face(options.nonpatient),
            contour=not options.keep_contour,
            organ_size=not options.keep_sizes,
            nose=options.keep_nose,
            size=options.size,
        )
    write_png(options.out, np.repeat(result.edges[..., None], 3, 2), **SHOWS_INPUT)
    if options.show is not None:
        steps = result.pictures
        write_png(
            options.show, labelled_grid({"": list(steps.values())}, list(steps)), **SHOWS_INPUT
        )
    scales = ", ".join(f"{name} x {scale:.2f}" for name, scale in result.scales.items())
    print(f"{options.out}: {scales or 'edges of the whole face'}")

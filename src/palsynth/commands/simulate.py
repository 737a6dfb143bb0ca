"""``palsynth simulate``."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from palsynth.clinical import Movement
from palsynth.commands.options import Force, MovementName, PalsyOptions, PictureFile


@dataclass(frozen=True)
class SimulateOptions:
    """Apply a facial palsy to a photo: move the face as a partly working facial nerve would."""

    photo: tyro.conf.Positional[Path]
    """A frontal photo of one person at rest, mouth closed."""
    out: PictureFile
    """Output picture (PNG), in the size of the photo; half of it above 50 megapixels."""
    movement: MovementName = Movement.GRIN
    """The requested movement."""
    palsy_options: Annotated[PalsyOptions, tyro.conf.arg(name="")] = field(
        default_factory=PalsyOptions
    )
    intensity: float = 1.0
    """Effort of the movement, 0 (none) to 1.2; 1 is full effort."""
    mirrored: bool = False
    """The photo is a mirrored selfie: flip it first."""
    force: Force = False


def simulate(options: SimulateOptions) -> None:
    """Apply a facial palsy to a photo: move the face as a partly working facial nerve would."""
    from palsynth.capture.at_rest import note_unless_at_rest
    from palsynth.errors import InputError
    from palsynth.face.detect import read_face
    from palsynth.face.images import is_reduced
    from palsynth.generation.measured import requested_and_measured
    from palsynth.generation.runner import generate
    from palsynth.methods.base import Request, TargetExpression
    from palsynth.methods.simulator import SimulatorMethod

    if not 0 <= options.intensity <= 1.2:
        raise InputError(f"--intensity {options.intensity:g}: must lie between 0 and 1.2")
    palsy = options.palsy_options.build()
    face = read_face(options.photo)
    if options.mirrored:
        face = face.mirrored()
    note_unless_at_rest(face, str(options.photo))
    if is_reduced(options.photo):
        print("note: over 50 megapixels; processed at half its size", file=sys.stderr)
    movement = options.movement
    target = TargetExpression(movement, palsy, options.intensity)
    (picture,) = generate(SimulatorMethod(), [Request(face, target, framing=None)])
    picture.write(options.out)
    row = requested_and_measured(picture.image, movement, palsy)
    measured = "none" if row.measured_score is None else f"{row.measured_score} ({row.side_text})"
    side = row.requested_side.value if row.requested_side else "no"
    scores = f"item score requested {row.requested_score}, measured {measured}"
    print(f"{options.out}: {movement.label}, {side} weak side; {scores}")

"""``palsynth synthesize``."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from palsynth.commands.options import Force, MovementName, PalsyOptions, warn_unless_neutral
from palsynth.errors import InputError

if TYPE_CHECKING:
    from palsynth.face.face import Face


@dataclass(frozen=True)
class SynthesizeOptions:
    """The person of one photo with the expression of another, or with one that is asked for."""

    identity: Path
    """A photo of who it is to be, at rest."""
    out: Path
    """Where the picture goes (PNG); with --count, numbered."""
    expression: Path | None = None
    """A photo of the expression; or ask for a movement."""
    rest: Path | None = None
    """The person of --expression at rest: with it a lopsided face is not taken for a palsy."""
    movement: MovementName | None = None
    """What the patient is asked for, in place of --expression."""
    palsy_options: Annotated[PalsyOptions, tyro.conf.arg(name="")] = field(
        default_factory=PalsyOptions
    )
    method: str = "captured"
    """The method, by name."""
    weights: Path | None = None
    """Weights of the method; what ships where nothing is said."""
    count: int = 1
    """How many pictures, each from another seed."""
    seed: int = 0
    """Seed of the first."""
    size: int | None = None
    """Pixels a side of an ID photo; as the identity's photo lies where nothing is said."""
    force: Force = False


def synthesize(options: SynthesizeOptions) -> None:
    """The person of one photo with the expression of another, or with one that is asked for."""
    from palsynth.capture.seen import read_expression
    from palsynth.face.detect import read_face
    from palsynth.face.framing import ID_PHOTO
    from palsynth.methods import Request, TargetExpression, get_method
    from palsynth.methods.base import Expression, ExpressionImage, provenance, write_made

    if (options.expression is None) == (options.movement is None):
        raise InputError("give either --expression, a photo, or --movement")
    if options.count < 1 or options.seed < 0:
        raise InputError("--count must be at least 1 and --seed not negative")
    if options.size is not None and not 32 <= options.size <= 2048:
        raise InputError(f"--size {options.size}: must lie between 32 and 2048")
    if options.rest is not None and options.expression is None:
        raise InputError("--rest goes with --expression")
    said: dict[str, object]
    requested: Expression
    if options.expression is not None:
        if options.palsy_options != PalsyOptions():
            raise InputError("--expression shows the palsy; leave out side, grade and palsy")
        shown = read_expression(options.expression)
        requested = ExpressionImage(shown, _rest(options, shown))
        said = {"expression": "picture", "rest": options.rest is not None}
    else:
        assert options.movement is not None
        words = TargetExpression(options.movement, options.palsy_options.build())
        requested = words
        said = {"expression": words.movement.value, "palsy": words.palsy.to_dict()}
    face = read_face(options.identity)
    warn_unless_neutral(face)
    method = get_method(options.method, options.weights)
    framing = None if options.size is None else ID_PHOTO
    seeds = range(options.seed, options.seed + options.count)
    requests = [Request(face, requested, seed, options.size or 256, framing) for seed in seeds]
    for seed, image in zip(seeds, method(requests), strict=True):
        path = options.out
        if options.count > 1:
            path = path.with_name(f"{path.stem}-{seed}{path.suffix}")
        write_made(path, image, method, provenance(method, seed, **said))
        print(path)


def _rest(options: SynthesizeOptions, face: Face) -> Face | None:
    """The expression's person at rest, if given. Raises InputError where it is somebody else."""
    from palsynth.capture.seen import read_expression
    from palsynth.encoders.published.dlib import check_same_person

    if options.rest is None:
        return None
    rest = read_expression(options.rest)
    check_same_person(face, rest, str(options.expression), str(options.rest))
    return rest

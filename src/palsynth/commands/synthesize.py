"""``palsynth synthesize``."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from palsynth.commands.naming import MethodName
from palsynth.commands.options import Force, MovementName, PalsyOptions, PictureFile
from palsynth.errors import InputError

if TYPE_CHECKING:
    from palsynth.face.face import Face


@dataclass(frozen=True)
class SynthesizeOptions:
    """Transfer an expression, of a photo or by movement and palsy, to the person of a photo."""

    identity: Path
    """Photo at rest of the person who is to be shown."""
    out: PictureFile
    """Output picture (PNG); numbered by seed if --count is above 1."""
    expression: Path | None = None
    """Photo of the expression; or give --movement."""
    rest: Path | None = None
    """Photo at rest of the person in --expression:
    with it, an asymmetric face is not mistaken for a palsy."""
    movement: MovementName | None = None
    """The requested movement, instead of --expression."""
    palsy_options: Annotated[PalsyOptions, tyro.conf.arg(name="")] = field(
        default_factory=PalsyOptions
    )
    method: MethodName = "captured"
    """Name of the method."""
    weights: Path | None = None
    """Folder of the method's weights; default: those that ship."""
    count: int = 1
    """Number of pictures, at least 1, each from the next seed."""
    seed: int = 0
    """Random seed of the first picture, 0 or more."""
    variety: bool = False
    """Vary effort, folds and light with the seed, as between pictures of one person;
    an expression that is given as a photo keeps effort and folds."""
    size: int | None = None
    """Width and height in pixels of an ID photo, 32 to 2048;
    default: size and framing of the identity's photo."""
    force: Force = False


def synthesize(options: SynthesizeOptions) -> None:
    """Transfer an expression, of a photo or by movement and palsy, to the person of a photo."""
    _check(options)  # before the imports, which take seconds
    from palsynth.capture.at_rest import note_unless_at_rest
    from palsynth.capture.seen import read_expression
    from palsynth.face.detect import read_face
    from palsynth.face.framing import ID_PHOTO
    from palsynth.generation.runner import generate
    from palsynth.generation.variety import Variety
    from palsynth.methods import Request, TargetExpression, get_method
    from palsynth.methods.base import Expression, ExpressionImage

    requested: Expression
    if options.expression is not None:
        expression_face = read_expression(options.expression)
        requested = ExpressionImage(expression_face, _rest(options, expression_face))
    else:
        assert options.movement is not None
        requested = TargetExpression(options.movement, options.palsy_options.build())
    face = read_face(options.identity)
    note_unless_at_rest(face, str(options.identity))
    method = get_method(options.method, options.weights)
    framing = None if options.size is None else ID_PHOTO
    seeds = range(options.seed, options.seed + options.count)
    requests = [Request(face, requested, seed, options.size or 256, framing) for seed in seeds]
    variety = Variety() if options.variety else None
    for picture in generate(method, requests, variety=variety):
        path = options.out
        if options.count > 1:
            path = path.with_name(f"{path.stem}-{picture.request.seed}{path.suffix}")
        picture.write(path)
        print(path)


def _check(options: SynthesizeOptions) -> None:
    """Raises InputError for options that do not go together."""
    if (options.expression is None) == (options.movement is None):
        raise InputError("give either --expression or --movement")
    if options.count < 1 or options.seed < 0:
        raise InputError("--count must be at least 1 and --seed not negative")
    if options.size is not None and not 32 <= options.size <= 2048:
        raise InputError(f"--size {options.size}: must lie between 32 and 2048")
    if options.rest is not None and options.expression is None:
        raise InputError("--rest goes with --expression")
    if re.fullmatch(r"subject:\d+", name := str(options.identity)):
        seed = name.removeprefix("subject:")
        raise InputError(
            f"--identity {name}: needs a photo; make one with: palsynth subjects sample --count 1 "
            f"--seed {seed} --out FOLDER"
        )
    if options.expression is not None and options.palsy_options != PalsyOptions():
        raise InputError(
            "--expression determines the palsy; leave out --side, --grade, --yanagihara, "
            "--kind and --palsy"
        )


def _rest(options: SynthesizeOptions, face: Face) -> Face | None:
    """The face of --rest, if given. Raises InputError if it shows another person than ``face``."""
    from palsynth.capture.at_rest import note_unless_at_rest
    from palsynth.capture.seen import read_expression
    from palsynth.encoders.published.dlib import check_same_person

    if options.rest is None:
        return None
    rest = read_expression(options.rest)
    note_unless_at_rest(rest, str(options.rest))
    check_same_person(face, rest, str(options.expression), str(options.rest))
    return rest

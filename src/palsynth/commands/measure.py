"""``palsynth measure``."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tyro

from palsynth.clinical import Movement
from palsynth.commands.options import MovementName
from palsynth.errors import InputError
from palsynth.terminal import console, literal, say

if TYPE_CHECKING:
    from palsynth.face.face import Face
    from palsynth.face.measures import Measures


@dataclass(frozen=True)
class MeasureOptions:
    """Measure both sides of a face and their asymmetry; with --movement, also estimate the item
    score.

    The column "calibrated" is left minus right, corrected for the landmark detector, which makes
    faces more symmetric than they are.
    """

    photos: tyro.conf.Positional[list[Path]]
    """Photos, or folders of photos."""
    movement: MovementName | None = None
    """The movement that the person performs; adds the estimated Yanagihara item score."""
    rest: Path | None = None
    """Photo of the same person at rest:
    movement is then measured apart from the asymmetry of the face itself."""
    mirrored: bool = False
    """The photos are mirrored selfies: flip them first."""
    json: bool = False
    """Print JSON, one object per photo and line."""


def measure(options: MeasureOptions) -> None:
    """Measure both sides of a face and their asymmetry."""
    from palsynth.capture.at_rest import note_unless_at_rest
    from palsynth.face.images import list_images

    if not options.photos:
        raise InputError("name at least one photo")
    paths = [
        p for given in options.photos for p in (list_images(given) if given.is_dir() else [given])
    ]
    if options.rest is not None and any(p.resolve() == options.rest.resolve() for p in paths):
        raise InputError(
            f"{options.rest}: is given both as a photo to measure and as --rest; give another photo"
        )
    rest = None if options.rest is None else _read(options.rest, options)
    if rest is not None:
        note_unless_at_rest(rest, str(options.rest))
    failed = 0
    for path in paths:
        try:
            record = _record(path, options, rest)
        except InputError as error:
            if len(paths) == 1:
                raise
            failed += 1
            message = {"photo": str(path), "error": str(error)}
            say(json.dumps(message) if options.json else f"{error}\n")
            continue
        if options.json:
            print(json.dumps(record))
        else:
            _print_record(record)
    if failed == len(paths):
        raise InputError(f"none of the {failed} photos could be measured")


def _read(path: Path, options: MeasureOptions) -> Face:
    from palsynth.capture.seen import read_expression

    face = read_expression(path)
    return face.mirrored() if options.mirrored else face


def _record(path: Path, options: MeasureOptions, rest: Face | None) -> dict[str, Any]:
    from palsynth.capture.measuring import measure_picture
    from palsynth.encoders.published.dlib import check_same_person
    from palsynth.face.scoring import true_asymmetry

    face = _read(path, options)
    if rest is not None:
        check_same_person(face, rest, str(path), str(options.rest))
    movement = options.movement
    measured = measure_picture(face, rest, movement)
    measures, rest_measures, reading = measured.measures, measured.rest, measured.reading
    record: dict[str, Any] = {
        "photo": str(path),
        "rest": None if options.rest is None else str(options.rest),
        "unit": measures.unit,
        "sided": {
            name: {
                "left": round(v.left, 3),
                "right": round(v.right, 3),
                "difference": round(v.asymmetry, 3),
                "asymmetry": None if corrected is None else round(corrected, 3),
                **({} if rest_measures is None else _moved(measures, rest_measures, name)),
            }
            for name, v in measures.sided.items()
            for corrected in [true_asymmetry(measures, name)]
        },
        "midline": {name: round(v, 3) for name, v in measures.midline.items()},
    }
    weak = reading.weak_side.value if reading.weak_side else None
    record["reading"] = {
        "weak_side": weak,
        "reason": reading.reason,
        "synkinesis": list(reading.synkinesis),
        **{
            name: {"left": round(region.left, 2), "right": round(region.right, 2)}
            for name, region in reading.regions.items()
        },
    }
    if movement is not None and (estimated := measured.estimate) is not None:
        record["movement"] = movement.value
        record["estimate"] = {
            "yanagihara_item": estimated.score,
            "weak_side": weak,
            "function_left": round(estimated.left, 3),
            "function_right": round(estimated.right, 3),
        }
    return record


def _moved(measures: Measures, rest: Measures, name: str) -> dict[str, float]:
    """How far each side has moved from rest, in the units of ``measures``."""
    from palsynth.face.measures import DEGREES

    scale = 1.0 if name in DEGREES else measures.outer_eye
    moved, neutral = measures.fractions().sided[name], rest.fractions().sided[name]
    return {
        "moved_left": round((moved.left - neutral.left) * scale, 3),
        "moved_right": round((moved.right - neutral.right) * scale, 3),
    }


def _print_record(record: dict[str, Any]) -> None:
    from rich.table import Table

    unit = record["unit"]
    if unit == "mm":
        unit = "mm, assuming an iris 11.77 mm wide"
    title = f"{literal(record['photo'])} ({unit}; angles in degrees)"
    table = Table(title=title, title_justify="left")
    moved = {"moved_left": "left moved", "moved_right": "right moved"} if record["rest"] else {}
    table.add_column("measure", no_wrap=True)
    for name in ("left", "right", "difference", "calibrated", *moved.values()):
        table.add_column(name, justify="right")
    for name, value in record["sided"].items():
        table.add_row(
            name,
            f"{value['left']:.2f}",
            f"{value['right']:.2f}",
            f"{value['difference']:+.2f}",
            "–" if value["asymmetry"] is None else f"{value['asymmetry']:+.2f}",
            *(f"{value[key]:+.2f}" for key in moved),
        )
    for name, value in record["midline"].items():
        table.add_row(name, "", "", "", f"{value:.2f}")
    screen = console()
    screen.print(table)
    reading = record["reading"]
    screen.print(
        f"brow left {reading['brow']['left']:+.1f} right {reading['brow']['right']:+.1f}, "
        f"mouth left {reading['mouth']['left']:+.1f} right {reading['mouth']['right']:+.1f} "
        "(up, % of the outer-eye distance); "
        f"lids left {reading['eyes']['left']:.0f} right {reading['eyes']['right']:.0f} % shut"
        + ("" if record["rest"] else "; from a single picture: --rest improves the estimate")
    )
    for line in reading["synkinesis"]:
        screen.print(f"synkinesis: {line}")
    weak = reading["weak_side"]
    side = f"the {weak} looks weaker" if weak else reading["reason"]
    if "estimate" in record:
        screen.print(
            f"{Movement(record['movement']).label}: estimated item score "
            f"{record['estimate']['yanagihara_item']} of 4; {side}. "
            "An estimate for research and teaching, not a diagnosis.\n"
        )
    else:
        screen.print(f"{side}. For research and teaching, not a diagnosis.\n")

"""``palsynth measure``."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro

from palsynth.clinical import Movement
from palsynth.commands.options import MovementName
from palsynth.errors import InputError


@dataclass(frozen=True)
class MeasureOptions:
    """Measures faces: left, right, asymmetry; for a named movement the estimated item score.

    "calibrated" is left minus right corrected for the landmark detector, which makes faces
    more symmetric than they are.
    """

    photos: tyro.conf.Positional[list[Path]]
    """Photos, or folders of them."""
    movement: MovementName | None = None
    """What the person was asked for; gives the estimated Yanagihara item score."""
    mirrored: bool = False
    """The photos are mirrored selfies."""
    json: bool = False
    """One JSON object a photo, a line each."""


def measure(options: MeasureOptions) -> None:
    """Measures faces: left, right, asymmetry; for a named movement the estimated item score."""
    from palsynth.face.images import list_images

    if not options.photos:
        raise InputError("name at least one photo")
    paths = [
        p for given in options.photos for p in (list_images(given) if given.is_dir() else [given])
    ]
    failed = 0
    for path in paths:
        try:
            record = _record(path, options)
        except InputError as error:
            if len(paths) == 1:
                raise
            failed += 1
            print(
                json.dumps({"photo": str(path), "error": str(error)})
                if options.json
                else f"{error}\n"
            )
            continue
        if options.json:
            print(json.dumps(record))
        else:
            _show(record)
    if failed == len(paths):
        raise InputError(f"none of the {failed} photos could be measured")


def _record(path: Path, options: MeasureOptions) -> dict[str, Any]:
    from palsynth.face.detect import read_face
    from palsynth.face.measures import measure as measure_face
    from palsynth.face.scoring import estimate, true_asymmetry

    face = read_face(path)
    if options.mirrored:
        face = face.mirrored()
    found = measure_face(face.landmarks)
    record: dict[str, Any] = {
        "photo": str(path),
        "unit": found.unit,
        "sided": {
            name: {
                "left": round(v.left, 3),
                "right": round(v.right, 3),
                "difference": round(v.asymmetry, 3),
                "asymmetry": round(true_asymmetry(found, name), 3),
            }
            for name, v in found.sided.items()
        },
        "midline": {name: round(v, 3) for name, v in found.midline.items()},
    }
    if options.movement is not None:
        guess = estimate(found, Movement(options.movement))
        record["movement"] = options.movement
        record["estimate"] = {
            "yanagihara_item": guess.score,
            "weak_side": guess.weak_side.value if guess.weak_side else None,
            "function_left": round(guess.left, 3),
            "function_right": round(guess.right, 3),
        }
    return record


def _show(record: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(
        title=f"{escape(record['photo'])} ({record['unit']}, angles in degrees)",
        title_justify="left",
    )
    table.add_column("measure", no_wrap=True)
    for name in ("left", "right", "left - right", "calibrated"):
        table.add_column(name, justify="right")
    for name, value in record["sided"].items():
        table.add_row(
            name,
            f"{value['left']:.2f}",
            f"{value['right']:.2f}",
            f"{value['difference']:+.2f}",
            f"{value['asymmetry']:+.2f}",
        )
    for name, value in record["midline"].items():
        table.add_row(name, "", "", "", f"{value:.2f}")
    console = Console()
    console.print(table)
    if "estimate" in record:
        guess = record["estimate"]
        side = (
            f"the {guess['weak_side']} looks weaker"
            if guess["weak_side"]
            else "both sides look alike"
        )
        console.print(
            f"{Movement(record['movement']).label}: estimated item score "
            f"{guess['yanagihara_item']} of 4; {side}. "
            "An estimate for research and teaching, not a diagnosis.\n"
        )

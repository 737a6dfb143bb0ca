"""The card of a data set: ``README.md`` as the Hugging Face Hub reads it, and a contact sheet."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined

from palsynth.clinical import Movement
from palsynth.data.hub import CONTACT_SHEET
from palsynth.data.manifest import SPLITS, Row
from palsynth.data.writer import CLIP
from palsynth.face.images import text_chunks, write_png
from palsynth.face.label import RECORDED, combined, recorded
from palsynth.files import atomic_write
from palsynth.generation.card_figures import (
    counts,
    gate_counts,
    requested_figures,
    similarities,
    weak_side,
)
from palsynth.generation.clips import shown_picture
from palsynth.generation.layout import captioned, framed, resized
from palsynth.generation.licences import UNKNOWN, licences
from palsynth.generation.plan import Plan
from palsynth.seeds import Stream, make_rng
from palsynth.training.recipe_file import to_plain

CARD = "README.md"

SHOWN, ACROSS = 24, 6
"""Pictures on the contact sheet, and in a row of it."""

TILE = 128
"""Side of a picture on the contact sheet, pixels."""

SIZES = ((1000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (10**6, "100K<n<1M"))
"""Most pictures and the size category of the Hub."""

_TEMPLATES = Environment(
    loader=PackageLoader("palsynth.generation", "assets"),
    autoescape=False,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    undefined=StrictUndefined,
)


@dataclass(frozen=True)
class Finished:
    """A data set that is made.

    Attributes:
        folder: where it lies.
        plan: its plan.
        record: all that determines its bytes: method, hash of the weights, version.
        rows: the rows of its manifest.
        left_out: pictures that did not pass the gate: file name, faults, attempts.
        gallery: (N, D) unit vectors of identities at rest, by our recogniser.
    """

    folder: Path
    plan: Plan
    record: dict[str, Any]
    rows: Sequence[Row]
    left_out: Sequence[dict[str, Any]]
    gallery: np.ndarray


def write_card(made: Finished) -> None:
    """Writes the card of a data set and its contact sheet, from what the set holds alone.

    A card that is there already stays as it is: somebody may have added to it.

    Args:
        made: the data set.
    """
    if not made.rows or (made.folder / CARD).exists():
        return
    _write_contact_sheet(made)
    with atomic_write(made.folder / CARD) as temporary:
        temporary.write_text(card_text(made), "utf-8")


def card_text(made: Finished) -> str:
    """The card of a data set.

    Args:
        made: the data set.

    Returns:
        Markdown with a YAML header.
    """
    plan = made.plan
    return _TEMPLATES.get_template("card.md").render(
        header=yaml.safe_dump(_header(made), sort_keys=False, allow_unicode=True),
        plan=plan,
        one=_one(plan),
        plan_text=yaml.safe_dump(_plan(plan), sort_keys=False, allow_unicode=True),
        record=made.record,
        images=len(made.rows),
        identities=len({row.subject_id for row in made.rows}),
        counts=counts(made.rows),
        figures=requested_figures(made.rows),
        similarities=similarities(made.rows, made.gallery),
        gate=gate_counts(made.rows, made.left_out),
        licences=licences(plan.method, plan.weights),
        source=_source(made.rows),
        last_shard=(max(sum(row.split == "train" for row in made.rows), 1) - 1) // plan.shard,
        contact_sheet=CONTACT_SHEET,
    )


def _header(made: Finished) -> dict[str, Any]:
    """The metadata that the Hub reads."""
    kinds = {
        one
        for text in licences(made.plan.method, made.plan.weights).values()
        for one in text.split(", ")
    }
    own = made.plan.identities.synthetic and made.plan.expressions.patients is None
    if own and UNKNOWN not in kinds:
        licence: dict[str, Any] = {"license": sorted(kinds) if len(kinds) > 1 else kinds.pop()}
    else:
        licence = {"license": "other", "license_name": "see-below"}
    clips = made.plan.clips.wanted
    patterns = ["{}/metadata.jsonl", f"{{}}/**/*{CLIP}"] if clips else ["{}/**"]
    if made.plan.format == "webdataset":
        patterns = ["shards/{}-*.tar"]
    splits = [split for split in SPLITS if any(row.split == split for row in made.rows)]
    size = next((name for most, name in SIZES if len(made.rows) < most), "1M<n<10M")
    return {
        **licence,
        "pretty_name": f"Facial palsy, {len(made.rows)} synthetic {_one(made.plan)}s by palsynth",
        "task_categories": ["video-classification" if clips else "image-classification"],
        "tags": ["facial-palsy", "synthetic", "faces", "palsynth"],
        "size_categories": [size],
        "configs": [
            {
                "config_name": "default",
                "data_files": [{"split": s, "path": _paths(patterns, s)} for s in splits],
            }
        ],
    }


def _paths(patterns: Sequence[str], split: str) -> str | list[str]:
    paths = [pattern.format(split) for pattern in patterns]
    return paths[0] if len(paths) == 1 else paths


def _one(plan: Plan) -> str:
    """What a file of the set is."""
    return "clip" if plan.clips.wanted else "picture"


def _plan(plan: Plan) -> dict[str, Any]:
    """The plan without paths, which may name a clinic or a person: true where one is given."""

    def named(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: named(one) for key, one in value.items()}
        return True if isinstance(value, Path) else value

    plain: dict[str, Any] = to_plain(named(dataclasses.asdict(plan)))
    return plain


def _write_contact_sheet(made: Finished) -> None:
    """Random pictures of the set, in the order of their movements."""
    rng = make_rng(made.plan.seed, Stream.CONTACT_SHEET)
    chosen = rng.permutation(len(made.rows))[:SHOWN]
    order = [movement.value for movement in Movement]
    rows = sorted(
        (made.rows[int(k)] for k in chosen),
        key=lambda row: (order.index(row.movement) if row.movement else len(order), row.file_name),
    )
    tiles = [
        captioned(resized(shown_picture(made.folder, row), TILE), *_caption(row)) for row in rows
    ]
    lines = [tiles[k : k + ACROSS] for k in range(0, len(tiles), ACROSS)]
    title = f"{len(rows)} of {len(made.rows)} {_one(made.plan)}s, at random"
    if len(rows) == len(made.rows):
        title = f"all {len(rows)} {_one(made.plan)}s"
    if made.plan.clips.wanted:
        title += ": their apexes"
    about = {**{key: made.record[key] for key in ("method", "version")}, RECORDED: _source(rows)}
    write_png(made.folder / CONTACT_SHEET, framed(lines, title, ""), **text_chunks(about))


def _source(rows: Sequence[Row]) -> str | None:
    """How all pictures together came to be."""
    source = combined(recorded(row.provenance or {}) for row in rows)
    return None if source is None else source.value


def _caption(row: Row) -> tuple[str, str]:
    head = Movement(row.movement).label if row.movement else "movement unknown"
    side = weak_side(row)
    if side == "neither":
        return head, "neither side weak"
    if side is None:
        return head, f"side unknown, {row.hb_grade}" if row.hb_grade else "palsy unknown"
    return head, f"{side} {row.hb_grade or ''}".strip()

"""How far the sides of a face move: the truth of a frame, requested and measured alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from palsynth.capture.evidence import regions
from palsynth.clinical import Side
from palsynth.simulator.drive import Drive
from palsynth.simulator.surface import field_displacement


def excursion(drive: Drive) -> dict[str, dict[str, float]]:
    """How far the regions of either side move.

    Args:
        drive: what moves the face, requested or captured.

    Returns:
        By region: ``brow`` and ``mouth`` (mean displacement upwards, per cent of the outer-eye
        distance, below 0 downwards) and ``eye`` (closure of the lids, per cent of their opening,
        below 0 wider), each with ``left``, ``right`` and ``left_weaker``: by how much more the
        right side moves, which in the mouth tells of movements upwards only.
    """
    moved = field_displacement(drive)
    sides = {}
    for side in Side:
        up = {
            name: -100 * float(moved[list(region.points[side]), 1].mean())
            for name, region in regions().items()
        }
        sides[side] = {**up, "eye": 100 * float(drive.of(side).closure)}
    left, right = sides[Side.LEFT], sides[Side.RIGHT]
    return {
        region: {
            "left": left[region],
            "right": right[region],
            "left_weaker": right[region] - left[region],
        }
        for region in left
    }


def amount_of(drive: Drive) -> float:
    """How much a face moves in all: its apex is where this is largest.

    Args:
        drive: what moves the face.

    Returns:
        Sum of the sides' excursions, in which the lids count a tenth.
    """
    found = excursion(drive)
    return sum(
        weight * (abs(found[region]["left"]) + abs(found[region]["right"]))
        for region, weight in (("brow", 1.0), ("mouth", 1.0), ("eye", 0.1))
    )


def requested_truth(drives: Sequence[Drive]) -> list[dict[str, Any]]:
    """What the frames of a clip were to show.

    Args:
        drives: what moves the face in each frame.

    Returns:
        For each frame the excursions (see :func:`excursion`), then the coefficients: ``fields``,
        ``closure`` and ``bell`` of either side, ``drag``, ``jaw`` and ``sealed``. All frames have
        the same names.
    """
    names = sorted({n for d in drives for side in Side for n in d.of(side).fields})
    return [
        {
            **excursion(drive),
            **{side.value: _coefficients(drive, side, names) for side in Side},
            "drag": float(drive.drag),
            "jaw": float(drive.jaw),
            "sealed": float(drive.sealed),
        }
        for drive in drives
    ]


def _coefficients(drive: Drive, side: Side, names: Sequence[str]) -> dict[str, float]:
    own = drive.of(side)
    fields = {name: float(own.fields.get(name, 0.0)) for name in names}
    return {"closure": float(own.closure), "bell": float(own.bell), **fields}

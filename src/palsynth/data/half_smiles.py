"""Photographed one-sided smiles with known side and share, from pairs of photographs.

Every pixel is of a photograph and no simulator has a hand in it: one half of a face is the smiling
photo, the other the neutral one, both warped to one shape. It is no palsy: the mouth is not dragged
to the healthy side, and only the smile differs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from palsynth.appearance.raster import rasterise
from palsynth.appearance.smoothstep import smoothstep
from palsynth.clinical import Side
from palsynth.errors import InputError
from palsynth.face import topology
from palsynth.face.detect import read_face
from palsynth.face.face import Face, similarity
from palsynth.face.framing import PORTRAIT, Framing
from palsynth.face.images import list_images
from palsynth.face.photographs import PhotographedSubject, reported

_STABLE = (33, 133, 362, 263, 168, 6, 197, 195, 127, 356, 10)
_MIDLINE = (
    10, 151, 9, 8, 168, 6, 197, 195, 5, 4, 1, 19, 94, 2, 164, 0, 13, 14, 17, 18, 200, 199, 152,
)  # fmt: skip
_SOFT_SHAPE, _SOFT_PIXELS = 0.12, 0.07
"""Half widths, outer-eye distances, over which one half hands over to the other."""


@dataclass(frozen=True)
class Smiler:
    """A person at rest and smiling, both cut out alike, the smile laid over the rest."""

    name: str
    rest: Face
    smile: Face
    gender: str = ""
    ethnicity: str = ""
    split: str = ""

    @property
    def corners(self) -> dict[Side, float]:
        """How far each corner of the mouth goes, outer-eye distances."""
        way = (self.smile.landmarks - self.rest.landmarks)[:, :2]
        return {
            side: float(np.linalg.norm(way[topology.COMMISSURE[side.value]]) / self.rest.outer_eyes)
            for side in Side
        }


def pair_up(name: str, rest: Face, smile: Face, size: int, framing: Framing = PORTRAIT) -> Smiler:
    """Cuts two photographs of a person alike: the smiling one lies over the neutral one by the
    points that a smile hardly moves."""
    rest = rest.aligned(framing, size)
    own = list(_STABLE)
    turn, shift = similarity(
        smile.landmarks[own, :2].astype(np.float64), rest.landmarks[own, :2].astype(np.float64)
    )
    return Smiler(name, rest, smile.warped(turn, shift, (size, size)))


def half_smile(subject: Smiler, weak: Side, share: float) -> np.ndarray:
    """The person's smile of which the weak side lacks a share 0 … 1, as large as the two."""
    rest, smile = (f.landmarks[: topology.SKIN_POINTS, :2] for f in (subject.rest, subject.smile))
    unit, size = subject.rest.outer_eyes, subject.rest.image.shape[0]
    smiles = 1 - share * _on(weak, rest[:, 0], rest[:, 1], rest, _SOFT_SHAPE * unit)
    target = rest + (smile - rest) * smiles[:, None]
    from scipy.spatial import Delaunay

    frame = _frame(size)
    points = np.vstack([target, frame])
    triangles = Delaunay(points).simplices
    corners = points[triangles]
    u, v = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    turned = u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0] < 0
    triangles[turned] = triangles[turned][:, ::-1]
    origin = np.hstack([np.vstack([rest, frame]), np.vstack([smile, frame])])
    maps, _ = rasterise(points, np.zeros(len(points)), origin, triangles, (size, size))
    still, moved = (
        cv2.remap(
            face.image,
            np.ascontiguousarray(maps[..., k]),
            np.ascontiguousarray(maps[..., k + 1]),
            cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_REPLICATE,
        ).astype(np.float32)
        for face, k in ((subject.rest, 0), (subject.smile, 2))
    )
    y, x = np.mgrid[:size, :size].astype(np.float32)
    weight = 1 - share * _on(weak, x, y, target, _SOFT_PIXELS * unit)
    out = still + (moved - still) * weight[..., None]
    return np.asarray(out.round().clip(0, 255).astype(np.uint8))


def _on(side: Side, x: np.ndarray, y: np.ndarray, points: np.ndarray, soft: float) -> np.ndarray:
    """1 on a side of the face's midline, 0 on the other, smooth over ``soft`` pixels."""
    middle = points[list(_MIDLINE)]
    order = np.argsort(middle[:, 1])
    line = np.interp(y, middle[order, 1], middle[order, 0])
    return smoothstep((side.sign * (x - line) / soft + 1) / 2)


def _frame(size: int) -> np.ndarray:
    """Points around a picture that stay where they are."""
    edge = np.linspace(0, size - 1, 9)
    low, high = np.zeros(9), np.full(9, size - 1.0)
    sides = [(edge, low), (edge, high), (low, edge), (high, edge)]
    return np.unique(np.vstack([np.column_stack(pair) for pair in sides]), axis=0)


def read_smilers(photographs: Path, size: int) -> Iterator[tuple[str, Smiler | str]]:
    """Everybody with a picture of one name in ``neutral`` and in ``smiling``: the person, or one
    line that says why there is none. ``info.csv`` and ``split.csv`` beside are used if there."""
    known = reported(photographs)
    smiling = {p.stem: p for p in list_images(photographs / "smiling")}
    for path in list_images(photographs / "neutral"):
        name = path.stem
        if name not in smiling:
            yield name, f"{path}: nobody of that name smiles in {photographs / 'smiling'}"
            continue
        try:
            rest, smile = read_face(path), read_face(smiling[name])
        except InputError as error:
            yield name, str(error)
            continue
        known_of = known.get(name, PhotographedSubject(photographs, name))
        found = pair_up(name, rest, smile, size)
        yield (
            name,
            replace(
                found, gender=known_of.gender, ethnicity=known_of.ethnicity, split=known_of.split
            ),
        )

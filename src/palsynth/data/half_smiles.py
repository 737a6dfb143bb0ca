"""One-sided smiles of known side and share, composed from pairs of photographs.

Every pixel comes from a photograph and no simulator is involved: one half of the face is the
smiling photograph, the other the neutral one, both warped to one shape. The result is not a palsy:
the mouth is not pulled to the healthy side, and only the smile differs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from scipy.spatial import Delaunay

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
"""Landmarks that a smile hardly moves."""

_MIDLINE = (
    10, 151, 9, 8, 168, 6, 197, 195, 5, 4, 1, 19, 94, 2, 164, 0, 13, 14, 17, 18, 200, 199, 152,
)  # fmt: skip
_SOFT_SHAPE, _SOFT_PIXELS = 0.12, 0.07
"""Half widths of the transition between the halves, in outer-eye distances."""


@dataclass(frozen=True)
class Smiler:
    """A photographed person at rest and smiling, the smile aligned with the face at rest.

    Attributes:
        name: the person's name in the set.
        rest: the neutral face.
        smile: the smiling face, in the same crop.
        gender: as reported by the set; may be empty.
        ethnicity: as reported by the set; may be empty.
        split: the set's split; may be empty.
    """

    name: str
    rest: Face
    smile: Face
    gender: str = ""
    ethnicity: str = ""
    split: str = ""

    @property
    def corners(self) -> dict[Side, float]:
        """Displacement of each corner of the mouth, in outer-eye distances."""
        displacement = (self.smile.landmarks - self.rest.landmarks)[:, :2]
        return {
            side: float(
                np.linalg.norm(displacement[topology.COMMISSURE[side.value]]) / self.rest.outer_eyes
            )
            for side in Side
        }


def pair_up(name: str, rest: Face, smile: Face, size: int, framing: Framing = PORTRAIT) -> Smiler:
    """Aligns two photographs of a person by the landmarks that a smile hardly moves.

    Args:
        name: the person's name.
        rest: the neutral face.
        smile: the smiling face.
        size: side of the crop in pixels.
        framing: crop of the neutral face.

    Returns:
        The pair, both faces in one crop.
    """
    rest = rest.aligned(framing, size)
    stable = list(_STABLE)
    rotation, shift = similarity(
        smile.landmarks[stable, :2].astype(np.float64),
        rest.landmarks[stable, :2].astype(np.float64),
    )
    return Smiler(name, rest, smile.warped(rotation, shift, (size, size)))


def half_smile(subject: Smiler, weak: Side, share: float) -> np.ndarray:
    """Composes a one-sided smile.

    Args:
        subject: the person at rest and smiling.
        weak: the patient's side that smiles less.
        share: share of the smile that the weak side lacks, 0 (symmetric) to 1 (at rest).

    Returns:
        (S, S, 3) uint8 RGB, of the size of the two photographs.
    """
    rest, smile = (f.landmarks[: topology.SKIN_POINTS, :2] for f in (subject.rest, subject.smile))
    unit, size = subject.rest.outer_eyes, subject.rest.image.shape[0]
    strength = 1 - share * _side_weight(weak, rest[:, 0], rest[:, 1], rest, _SOFT_SHAPE * unit)
    target = rest + (smile - rest) * strength[:, None]
    frame = _frame(size)
    points = np.vstack([target, frame])
    triangles = Delaunay(points).simplices
    corners = points[triangles]
    u, v = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    clockwise = u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0] < 0
    triangles[clockwise] = triangles[clockwise][:, ::-1]
    origin = np.hstack([np.vstack([rest, frame]), np.vstack([smile, frame])])
    maps, _ = rasterise(points, np.zeros(len(points)), origin, triangles, (size, size))
    warped_rest, warped_smile = (
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
    weight = 1 - share * _side_weight(weak, x, y, target, _SOFT_PIXELS * unit)
    out = warped_rest + (warped_smile - warped_rest) * weight[..., None]
    return np.asarray(out.round().clip(0, 255).astype(np.uint8))


def _side_weight(
    side: Side, x: np.ndarray, y: np.ndarray, points: np.ndarray, soft: float
) -> np.ndarray:
    """1 on one side of the face's midline, 0 on the other, with a transition of ``soft`` pixels
    either way."""
    midline = points[list(_MIDLINE)]
    order = np.argsort(midline[:, 1])
    midline_x = np.interp(y, midline[order, 1], midline[order, 0])
    return smoothstep((side.sign * (x - midline_x) / soft + 1) / 2)


def _frame(size: int) -> np.ndarray:
    """Fixed points around the edge of a picture."""
    edge = np.linspace(0, size - 1, 9)
    low, high = np.zeros(9), np.full(9, size - 1.0)
    sides = [(edge, low), (edge, high), (low, edge), (high, edge)]
    return np.unique(np.vstack([np.column_stack(pair) for pair in sides]), axis=0)


def read_smilers(photographs: Path, size: int) -> Iterator[tuple[str, Smiler | str]]:
    """Reads all people with a picture of the same name in ``neutral`` and in ``smiling``.

    Args:
        photographs: folder of the London set; ``info.csv`` and ``split.csv`` in it are optional.
        size: side of the crop in pixels.

    Yields:
        Each name in ``neutral``, with the person or, if there is none, one line with the reason.
    """
    known = reported(photographs)
    smiling = {p.stem: p for p in list_images(photographs / "smiling")}
    for path in list_images(photographs / "neutral"):
        name = path.stem
        if name not in smiling:
            yield name, f"{path}: no picture of that name in {photographs / 'smiling'}"
            continue
        try:
            rest, smile = read_face(path), read_face(smiling[name])
        except InputError as error:
            yield name, str(error)
            continue
        info = known.get(name, PhotographedSubject(photographs, name))
        smiler = pair_up(name, rest, smile, size)
        yield (
            name,
            replace(smiler, gender=info.gender, ethnicity=info.ethnicity, split=info.split),
        )

"""Photographed one-sided smiles with known side and share, from pairs of photographs.

Every pixel is of a photograph and no simulator has a hand in it: one half of a face is the smiling
photo, the other the neutral one, both warped to one shape. It is no palsy: the mouth is not dragged
to the healthy side, and only the smile differs.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from scipy.spatial import Delaunay

from palsynth.appearance.raster import rasterise
from palsynth.appearance.smoothstep import smoothstep
from palsynth.clinical import Movement, Palsy, Side
from palsynth.data.manifest import Row
from palsynth.data.writer import DatasetWriter
from palsynth.errors import InputError
from palsynth.experiments.benchmark_sets import Pair, write_pairs
from palsynth.face import topology
from palsynth.face.detect import read_face
from palsynth.face.face import Face, similarity
from palsynth.face.framing import PORTRAIT
from palsynth.face.images import list_images
from palsynth.files import outside

SHARES = (0.5, 1.0)
"""How much of the smile the weak side lacks."""

LEAST_SMILE = 0.04
"""Outer-eye distances that both corners must go: a side that hardly smiles cannot be named."""

CROSS = 3
"""How many other people each half-smile is put on."""

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


def pair_up(name: str, rest: Face, smile: Face, size: int, **known: str) -> Smiler:
    """Cuts two photographs of a person alike: the smiling one lies over the neutral one by the
    points that a smile hardly moves."""
    rest = rest.aligned(PORTRAIT, size)
    own = list(_STABLE)
    turn, shift = similarity(
        smile.landmarks[own, :2].astype(np.float64), rest.landmarks[own, :2].astype(np.float64)
    )
    return Smiler(name, rest, smile.warped(turn, shift, (size, size)), **known)


def half_smile(person: Smiler, weak: Side, share: float) -> np.ndarray:
    """The person's smile of which the weak side lacks a share 0 … 1, as large as the two."""
    rest, smile = (f.landmarks[: topology.SKIN_POINTS, :2] for f in (person.rest, person.smile))
    unit, size = person.rest.outer_eyes, person.rest.image.shape[0]
    smiles = 1 - share * _on(weak, rest[:, 0], rest[:, 1], rest, _SOFT_SHAPE * unit)
    target = rest + (smile - rest) * smiles[:, None]
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
        for face, k in ((person.rest, 0), (person.smile, 2))
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
    info = _table(photographs / "info.csv")
    splits = _table(photographs / "split.csv")
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
        about = info.get(name, {})
        yield (
            name,
            pair_up(
                name,
                rest,
                smile,
                size,
                gender=about.get("gender", ""),
                ethnicity=about.get("ethnicity", ""),
                split=splits.get(name, {}).get("split", ""),
            ),
        )


def _table(path: Path) -> dict[str, dict[str, str]]:
    """The rows of a CSV file by its first column; empty where there is none."""
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        key = (reader.fieldnames or [""])[0]
        return {row[key]: row for row in reader}


def half_smiles(folder: Path, photographs: Path, size: int = 256) -> Iterator[tuple[int, int]]:
    """Two sets of half-smiles, ``self`` and ``cross``, of every folder with ``neutral`` and
    ``smiling`` photographs of the same people. They must not be published.

    self: identity B at rest, expression B's own half-smile, which is also the answer. cross:
    identity B at rest, expression A's half-smile; nobody's picture is the answer. People whose
    smile is not seen on both sides are left out and listed in ``left-out.txt``. Yields how many
    people are done, and of how many.
    """
    if not (photographs / "neutral").is_dir() or not (photographs / "smiling").is_dir():
        raise InputError(
            f"{photographs}: needs the folders neutral and smiling, a picture a person of one name"
        )
    outside(folder, photographs)
    total = 2 * len(list_images(photographs / "neutral"))
    people, out = [], []
    for done, (name, found) in enumerate(read_smilers(photographs, size), 1):
        if isinstance(found, str):
            out.append(found)
        elif min(found.corners.values()) < LEAST_SMILE:
            out.append(f"{name}: a corner of the mouth goes less than {LEAST_SMILE} of the eyes")
        else:
            people.append(found)
        yield done, total
    if len(people) < 2:
        why = f"; the first left out: {out[0]}" if out else ""
        raise InputError(f"{photographs}: fewer than two people smile on both sides{why}")
    plan = {"benchmark": "half-smiles", "size": size, "framing": PORTRAIT.name}
    writers = {kind: DatasetWriter(folder / kind, plan) for kind in ("self", "cross")}
    pairs: dict[str, list[Pair]] = {"self": [], "cross": []}
    for k, person in enumerate(people):
        for writer in writers.values():
            _add(writer, f"rest/{person.name}.png", person.rest.image, person, None, 0.0)
        for weak in Side:
            for share in SHARES:
                file = f"half/{person.name}-{weak.value}-{round(100 * share):03}.png"
                image = half_smile(person, weak, share)
                for writer in writers.values():
                    _add(writer, file, image, person, weak, share)
                others = [people[(k + step) % len(people)] for step in range(1, CROSS + 1)]
                for kind, whom in (("self", [person]), ("cross", others)):
                    pairs[kind] += [
                        _pair(file, person, other, weak, share)
                        for other in whom
                        if kind == "self" or other is not person
                    ]
        yield total // 2 + round((k + 1) / len(people) * total / 2), total
    for kind, writer in writers.items():
        files = {f for p in pairs[kind] for f in (p.identity, p.expression, p.expression_identity)}
        writer.finish(sorted(files))
        write_pairs(folder / kind / "pairs.csv", pairs[kind])
        (folder / kind / "left-out.txt").write_text("".join(f"{line}\n" for line in out), "utf-8")


def _add(
    writer: DatasetWriter, file: str, image: np.ndarray, person: Smiler, weak: Side | None,
    share: float,
) -> None:  # fmt: skip
    if writer.has(file):
        return
    row = Row(
        file,
        person.name,
        movement=(Movement.REST if weak is None else Movement.GRIN).value,
        side=weak.value if weak else None,
        palsy=None if weak is None else Palsy.weakness(weak, share).to_dict(),
        split=person.split or "test",
        attributes={"gender": person.gender, "ethnicity": person.ethnicity},
    )
    writer.add(image, row)


def _pair(file: str, person: Smiler, identity: Smiler, weak: Side, share: float) -> Pair:
    """A request: ``person``'s half-smile on ``identity``; the answer only where they are one."""
    own = person is identity
    name = Path(file).name if own else f"{identity.name}-{Path(file).name}"
    return Pair(
        name,
        f"rest/{identity.name}.png",
        file,
        file if own else "",
        identity.name,
        Movement.GRIN.value,
        json.dumps(Palsy.weakness(weak, share).to_dict()),
        f"rest/{person.name}.png",
        identity.gender,
        identity.ethnicity,
    )

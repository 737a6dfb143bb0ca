"""Simulated grins compared with photographed smiles of the same people.

    python benchmarks/smiles.py LONDON [--effort 0.71] [--split test]

For the people of a split whose smile shows teeth, a healthy grin is simulated on the neutral
photograph, at the mean effort of photographed smiles and at the effort that comes nearest to the
person's smile; and the person's smile is captured and rendered. Landmark error is the mean distance
between the detected lip landmarks and those of the photographed smile, in per cent of the outer-eye
distance. Colour error is the mean CIE76 difference of the skin and of the area around the mouth,
after both pictures are warped to the canonical face and their cheeks' lightness is equalised.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import cv2
import numpy as np

from palsynth.appearance.fit import skin_mask, warp_to_texture
from palsynth.appearance.mesh import EXTENT
from palsynth.appearance.model import UNIT, canonical_mesh
from palsynth.capture import capture
from palsynth.capture.retarget import retarget
from palsynth.clinical import Movement, Palsy
from palsynth.evaluation.intervals import bootstrap
from palsynth.face import topology
from palsynth.face.detect import detect_face, read_face
from palsynth.face.face import Face
from palsynth.simulator.photo import simulate

EFFORTS = np.arange(0.3, 1.21, 0.1)
OPEN = 0.05
LIPS = [
    *topology.OUTER_UPPER_LIP,
    *topology.OUTER_LOWER_LIP,
    *topology.INNER_UPPER_LIP,
    *topology.INNER_LOWER_LIP,
]
STABLE = [33, 133, 362, 263, 168, 6, 197, 195]


def aligned(points: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Points (N, 2) aligned with the reference by the landmarks that a smile does not move."""
    affine, _ = cv2.estimateAffinePartial2D(points[STABLE], reference[STABLE], method=cv2.LMEDS)
    return np.asarray(points @ affine[:, :2].T + affine[:, 2])


def landmark_error(made: Face, photo: Face) -> float:
    """Per cent of the outer-eye distance."""
    target = photo.landmarks[:, :2].astype(np.float64)
    result = aligned(made.landmarks[:, :2].astype(np.float64), target)
    return float(100 * np.linalg.norm((result - target)[LIPS], axis=1).mean() / photo.outer_eyes)


def texture(face: Face) -> np.ndarray:
    """The skin on the canonical face, CIE L*a*b* (H, W, 3)."""
    mesh = canonical_mesh()
    flat = warp_to_texture(face.image, mesh.from_landmarks(face.landmarks)[:, :2], mesh)
    soft = cv2.GaussianBlur(flat.clip(0, 255), (0, 0), 1.0)
    return cv2.cvtColor(soft.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)


def colour_error(made: Face, photo: Face) -> tuple[float, float]:
    """CIE76 of the skin below the eyes, and around the mouth without its opening."""
    a, b = texture(made), texture(photo)
    height, width = a.shape[:2]
    y, x = np.mgrid[:height, :width] / UNIT
    x, y = x + EXTENT[0], y + EXTENT[1]
    cheeks = (np.abs(x) < 0.5) & (y > 0.15) & (y < 0.35)
    b = b + (np.median(a[cheeks], axis=0) - np.median(b[cheeks], axis=0))
    difference = np.linalg.norm(a - b, axis=-1)
    opening = np.hypot(x / 0.30, (y - 0.72) / 0.09) < 1
    skin = (np.abs(x) < 0.62) & (y > 0.12) & (y < 1.0) & ~opening
    both = np.stack([cv2.cvtColor(t, cv2.COLOR_LAB2RGB) * 255 for t in (a, b)])
    skin &= skin_mask(both[0]) & skin_mask(both[1])
    around = skin & (np.abs(x) < 0.42) & (y > 0.40) & (y < 0.95)
    return float(difference[skin].mean()), float(difference[around].mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photographs", type=Path)
    parser.add_argument("--effort", type=float, default=0.71)
    parser.add_argument("--split", default="test")
    options = parser.parse_args()
    folder: Path = options.photographs
    with (folder / "split.csv").open() as file:
        names = [r["face_id"] for r in csv.DictReader(file) if r["split"] == options.split]
    rows: dict[str, list[tuple[float, float, float]]] = {}
    for name in names:
        rest, smile = (read_face(folder / kind / f"{name}.jpg") for kind in ("neutral", "smiling"))
        upper, lower = (smile.landmarks[[k], :2] for k in (13, 14))
        if np.linalg.norm(upper - lower) < OPEN * smile.outer_eyes:
            continue
        grins = {
            e: detect_face(simulate(rest, Movement.GRIN, Palsy.none(), intensity=e).image)
            for e in {options.effort, *map(float, EFFORTS)}
        }
        nearest = min(grins.values(), key=lambda face: landmark_error(face, smile))
        own = detect_face(retarget(capture(smile, rest), rest).image)
        faces = {
            "the neutral photograph": rest,
            f"grin, effort {options.effort:g}": grins[options.effort],
            "grin, nearest effort": nearest,
            "own smile, captured": own,
        }
        for row, face in faces.items():
            found = (landmark_error(face, smile), *colour_error(face, smile))
            rows.setdefault(row, []).append(found)
    count = len(next(iter(rows.values())))
    print(f"{count} {options.split} people whose smile shows teeth; 95 % intervals over people\n")
    print("| | lip landmark error, % | skin, CIE76 | around the mouth |\n|---|---|---|---|")
    for row, found in rows.items():
        cells = [bootstrap(column).text(2) for column in np.array(found).T]
        print(f"| {row} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()

"""Movements over time: strips to look at, frames a second of one core, flicker where nothing moves.

    python benchmarks/motion.py OUT [--photo PHOTO] [--size 512]

Writes strips of twelve frames (PNG) of four synthetic subjects, and of a photo where one is given,
to OUT, and prints two tables. Still is what lies outside all triangles of the face with a corner
that moves by more than a tenth of a pixel between two frames, and further than the outer-eye
distance / 20 from them; the head does not sway for that table, and only pairs of frames count in
which something moves. JPEG: the error of quality 90 in the
same pixels of the same frames.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np

from palsynth.appearance.model import canonical_mesh
from palsynth.clinical import Grade, Movement, Muscle, Palsy, Side
from palsynth.evaluation.flicker import flicker
from palsynth.face import topology
from palsynth.face.detect import read_face
from palsynth.face.face import Face
from palsynth.face.images import write_png
from palsynth.methods.base import Request
from palsynth.methods.simulator import SimulatorMethod
from palsynth.methods.subjects import SubjectsMethod
from palsynth.simulator.motion import Moment, MotionSettings, performance
from palsynth.subjects import Subject, sample

CLIPS: tuple[tuple[int, Movement, Palsy], ...] = (
    (4, Movement.GRIN, Palsy.peripheral(Side.LEFT, Grade.IV)),
    (38, Movement.CLOSE_EYES_LIGHTLY, Palsy.peripheral(Side.RIGHT, Grade.V)),
    (12, Movement.WHISTLE, Palsy.peripheral(Side.LEFT, Grade.IV, late=True)),
    (63, Movement.PUFF_CHEEKS, Palsy.peripheral(Side.RIGHT, Grade.VI)),
    (4, Movement.WRINKLE_FOREHEAD, Palsy.peripheral(Side.RIGHT, Grade.III)),
    (38, Movement.GRIN, Palsy.peripheral(Side.LEFT, Grade.IV, late=True)),
    (12, Movement.BLINK, Palsy.peripheral(Side.LEFT, Grade.V)),
    (63, Movement.DEPRESS_LIP, Palsy.none()),
)
"""Subject, movement and palsy of each strip."""

FRAMES = 12
"""Frames of a strip."""

FPS = 25.0


def requests(identity: Subject | Face, moments: Sequence[Moment], size: int) -> list[Request]:
    """One request per moment, in one scene that sways."""
    first = Request(identity, moments[0].drive, size=size)
    return [
        replace(first, expression=moment.drive, scene=first.scene.swayed(moment.sway))
        for moment in moments
    ]


def strip(images: Sequence[np.ndarray]) -> np.ndarray:
    """Frames in two rows."""
    half = len(images) // 2
    return np.vstack([np.hstack(images[:half]), np.hstack(images[half:])])


def of_strip(moments: Sequence[Moment], number: int = FRAMES) -> list[Moment]:
    """Moments from the onset to rest, evenly spaced in what happens rather than in time."""
    forces = [
        [m.drive.of(s).forces.get(muscle, 0.0) for s in Side for muscle in Muscle] for m in moments
    ]
    change = 0.004 + np.abs(np.diff(forces, axis=0)).sum(1)
    passed = np.concatenate([[0.0], np.cumsum(change)])
    at = np.interp(np.linspace(0, passed[-1], number), passed, np.arange(len(moments)))
    return [moments[round(k)] for k in at]


def still_mask(before: np.ndarray, after: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Mask (H, W) bool of what does not move between two frames, by their landmarks (478, 2)."""
    moved = np.linalg.norm(after - before, axis=1) > 0.1
    triangles = canonical_mesh().triangles
    triangles = triangles[(triangles < topology.SKIN_POINTS).all(1)]
    triangles = triangles[moved[triangles].any(1)]
    moving = np.zeros(shape, np.uint8)
    for points in (before, after):
        cv2.fillPoly(moving, list(np.round(points[triangles]).astype(np.int32)), 1)
        polygons = {side: topology.eye_polygon(side) for side in ("left", "right")}
        for side, polygon in [*polygons.items(), ("", topology.mouth_polygon())]:
            iris = list(topology.IRIS[side]) if side else []
            if moved[[*polygon, *iris]].any():
                cv2.fillPoly(moving, [np.round(points[list(polygon)]).astype(np.int32)], 1)
    a, b = topology.OUTER_CANTHUS["left"], topology.OUTER_CANTHUS["right"]
    reach = max(1, round(float(np.linalg.norm(before[a] - before[b])) / 20))
    return cv2.dilate(moving, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)) == 0


def jpeg(image: np.ndarray, quality: int = 90) -> np.ndarray:
    """An image after a JPEG file."""
    data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    decoded: np.ndarray = cv2.imdecode(data, cv2.IMREAD_COLOR)
    return decoded


def flicker_row(seed: int, movement: Movement, palsy: Palsy, size: int) -> str:
    """A row of the table of flicker."""
    subject = sample(seed)
    settings = MotionSettings(sway=0.0, start=0.2, hold=0.4)
    moments = performance(movement, palsy, fps=FPS, settings=settings, bell=subject.bell)
    faces = SubjectsMethod().faces(requests(subject, moments, size))
    images = [face.image for face in faces]
    points = [face.landmarks[:, :2] for face in faces]
    masks = [still_mask(a, b, (size, size)) for a, b in pairwise(points)]
    moving = [k for k, mask in enumerate(masks) if not mask.all()]
    own = [flicker(images[k : k + 2], masks[k : k + 1]) for k in moving]
    error = [flicker([images[k], jpeg(images[k])], masks[k : k + 1]) for k in moving]
    still = np.mean([masks[k].mean() for k in moving])
    cells = [
        f"{np.mean([getattr(found, name) for found in pairs]):.3f}"
        for name in ("mean", "worst")
        for pairs in (own, error)
    ]
    return f"| {seed} | {movement.label} | {still:.0%} | {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--photo", type=Path, help="a face at rest; its strips are not published")
    parser.add_argument("--size", type=int, default=512)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    photo = read_face(options.photo) if options.photo else None
    print("| clip | frames | CPU seconds | frames/s |\n|---|---|---|---|")
    for number, (seed, movement, palsy) in enumerate(CLIPS):
        subject = sample(seed)
        moments = performance(movement, palsy, fps=FPS, seed=number, bell=subject.bell)
        made = {f"subject-{seed}": (subject, SubjectsMethod())}
        if photo is not None:
            made["photo"] = (photo, SimulatorMethod())
        for name, (identity, method) in made.items():
            shown = method(requests(identity, of_strip(moments), options.size))
            path = options.out / f"{number}-{movement.value}-{name}.png"
            write_png(path, strip(shown))
            begun = time.process_time()
            few = moments[:: max(1, len(moments) // 12)]
            for request in requests(identity, few, options.size):
                method([request])
            rate = len(few) / (time.process_time() - begun)
            seconds = len(moments) / rate
            print(f"| {path.stem} | {len(moments)} | {seconds:.1f} | {rate:.1f} |", flush=True)
    print("\n| subject | movement | still | flicker | JPEG 90 | flicker, worst | JPEG 90, worst |")
    print("|---|---|---|---|---|---|---|")
    for seed, movement, palsy in CLIPS[:4]:
        print(flicker_row(seed, movement, palsy, options.size), flush=True)


if __name__ == "__main__":
    cv2.setNumThreads(1)
    main()

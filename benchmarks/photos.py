"""The simulator on real photos: side, weakness, identity, support, mesh folding, speed.

    python benchmarks/photos.py FOLDER [--limit N]

FOLDER is a London-set folder (neutral/, info.csv). Every photo is moved in ten movements
on both sides, with a weakness sampled uniformly from 0 … 1. Prints the tables of
docs/measurements.md.
"""

from __future__ import annotations

import argparse
import csv
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

from identity import embedding
from palsynth.clinical import YANAGIHARA, Movement, Palsy, Side
from palsynth.face.detect import detect_faces, read_face
from palsynth.face.measures import measure
from palsynth.face.scoring import ANSWERS
from palsynth.simulator.photo import at_rest, simulate
from palsynth.simulator.surface import smallest_jacobian

REST_FROM = 0.75
"""Weakness of grade V: a face at rest is symmetric below it."""


@dataclass(frozen=True)
class Outcome:
    photo: str
    movement: Movement
    signed: float
    measured: float | None
    distance: float
    jacobian: float
    untouched: bool
    seconds: float


def run(path: Path, rng: np.random.Generator) -> list[Outcome]:
    face = read_face(path)
    own = measure(face.landmarks).fractions()
    reference = embedding(face.image, face.landmarks)
    rest = at_rest(face)
    out = []
    for movement in YANAGIHARA:
        for side in Side:
            weakness = float(rng.uniform(0, 1))
            start = time.perf_counter()
            moved = simulate(face, movement, Palsy.weakness(side, weakness))
            seconds = time.perf_counter() - start
            faces = detect_faces(moved.image)
            if not faces:
                raise SystemExit(f"{path}: no face found after {movement.value}")
            measured = None
            if movement in ANSWERS:
                answer = ANSWERS[movement]
                now = measure(faces[0].landmarks).fractions().sided[answer.measure].asymmetry
                measured = answer.sign * (now - own.sided[answer.measure].asymmetry)
            beyond = ~moved.support
            out.append(
                Outcome(
                    path.stem,
                    movement,
                    side.sign * weakness,
                    measured,
                    float(np.linalg.norm(embedding(moved.image, faces[0].landmarks) - reference)),
                    smallest_jacobian(rest.points, moved.points),
                    bool((moved.image[beyond] == face.image[beyond]).all()),
                    seconds,
                )
            )
    return out


def informative(outcomes: list[Outcome]) -> list[Outcome]:
    """Outcomes whose asymmetry depends on the weakness: not the wink, rest only from grade V up."""
    return [
        o
        for o in outcomes
        if o.measured is not None
        and not (o.movement is Movement.REST and abs(o.signed) < REST_FROM)
    ]


def summary(outcomes: list[Outcome]) -> str:
    used = informative(outcomes)
    clear = [o for o in used if abs(o.signed) >= 0.5]
    side = np.mean([np.sign(o.measured) == np.sign(o.signed) for o in clear])
    cells = [f"{side:.1%} of {len(clear)}"]
    for region in ("brow", "eye", "mouth"):
        some = [o for o in used if ANSWERS[o.movement].region == region]
        cells.append(f"{_pooled(some):.3f}")
    distance = np.array([o.distance for o in outcomes])
    cells.append(f"{distance.mean():.3f}")
    cells.append(f"{np.percentile(distance, 99):.3f}")
    return " | ".join(cells)


def _pooled(outcomes: list[Outcome]) -> float:
    """Spearman over a region, each movement's asymmetry divided by its standard deviation."""
    requested, found = [], []
    for movement in {o.movement for o in outcomes}:
        some = [o for o in outcomes if o.movement is movement]
        values = np.array([o.measured for o in some])
        requested += [o.signed for o in some]
        found += list(values / max(float(values.std()), 1e-9))
    return float(spearmanr(requested, found)[0]) if len(requested) > 2 else float("nan")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--limit", type=int, default=None)
    options = parser.parse_args()
    paths = sorted((options.folder / "neutral").glob("*.jpg"))[: options.limit]
    rng = np.random.default_rng(0)
    outcomes = [o for path in paths for o in run(path, rng)]

    print(f"{len(paths)} photos, {len(outcomes)} pictures\n")
    print("| movement | measure | Spearman | side accuracy, weakness >= 0.5 |")
    print("|---|---|---|---|")
    for movement in YANAGIHARA:
        some = informative([o for o in outcomes if o.movement is movement])
        if not some:
            print(f"| {movement.label} | none: only one eye is requested | – | – |")
            continue
        clear = [o for o in some if abs(o.signed) >= 0.5]
        rank = spearmanr([o.signed for o in some], [o.measured for o in some])[0]
        side = np.mean([np.sign(o.measured) == np.sign(o.signed) for o in clear])
        print(f"| {movement.label} | {ANSWERS[movement].measure} | {rank:.3f} | {side:.1%} |")

    with (options.folder / "info.csv").open() as file:
        info = {row["face_id"]: row for row in csv.DictReader(file)}
    print("\n| photos | side accuracy | brow | eye | mouth | dlib mean | dlib 99 % |")
    print("|---|---|---|---|---|---|---|")
    print(f"| all ({len(paths)}) | {summary(outcomes)} |")
    for column in ("gender", "ethnicity"):
        for value in sorted({info[p.stem][column] for p in paths}):
            some = [o for o in outcomes if info[o.photo][column] == value]
            people = len({o.photo for o in some})
            if people >= 5:
                print(f"| {value} ({people}) | {summary(some)} |")
    seconds = np.array([o.seconds for o in outcomes])
    print(f"\nsmallest Jacobian {min(o.jacobian for o in outcomes):.3f}")
    print(f"pixels beyond the support unchanged: {all(o.untouched for o in outcomes)}")
    print(f"photos per second on one core after landmarks: {1 / np.median(seconds):.1f} (median)")


if __name__ == "__main__":
    import cv2

    cv2.setNumThreads(1)
    main()

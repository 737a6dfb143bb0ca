"""Synthetic subjects: detected, distinct, unlike the photographed people, the same when moved.

    python benchmarks/subjects.py [--photographs FOLDER] [--count 500]

FOLDER is a London-set folder, to whose neutral photos the distances are measured. The figures are
in docs/measurements.md.
"""

from __future__ import annotations

import argparse
import csv
import time
from pathlib import Path

import numpy as np

from identity import embedding
from palsynth.clinical import YANAGIHARA, Movement, Palsy, Side
from palsynth.face.detect import detect_faces, read_face
from palsynth.face.framing import RECOGNISER
from palsynth.face.measures import SIDED, measure
from palsynth.subjects import EVALUATION_SEEDS, View, render, sample


def speed(count: int = 120) -> float:
    """Faces per second at 112 px, each with another movement, every fourth of a new subject."""
    palsy = Palsy.weakness(Side.LEFT, 0.7)
    view = View(112, RECOGNISER)
    for movement in YANAGIHARA:
        render(sample(0), movement, palsy, view=view)
    start = time.perf_counter()
    for k in range(count):
        if k % 4 == 0:
            subject = sample(10 + k)
        render(subject, YANAGIHARA[k % 10], palsy, view=view)
    return count / (time.perf_counter() - start)


def compare_with_photographed(folder: Path, stack: np.ndarray, groups: np.ndarray) -> None:
    """Distances of synthetic subjects to photographed people, and among each, by group."""
    paths = sorted((folder / "neutral").glob("*.jpg"))
    photos = [read_face(path) for path in paths]
    real = np.array([embedding(f.image, f.landmarks) for f in photos])
    with (folder / "info.csv").open() as file:
        info = {row["face_id"]: row["ethnicity"].split("/")[0] for row in csv.DictReader(file)}
    real_groups = np.array([info[p.stem] for p in paths])
    nearest = np.linalg.norm(stack[:, None] - real[None], axis=-1).min(1)
    print(
        f"distance to the nearest of {len(real)} photographed people: mean {nearest.mean():.3f}, "
        f"minimum {nearest.min():.3f}, below 0.5: {(nearest < 0.5).mean():.2%}"
    )
    among = np.linalg.norm(real[:, None] - real[None], axis=-1)
    apart = np.linalg.norm(stack[:, None] - stack[None], axis=-1)
    print("\n| group | synthetic: pairs < 0.6 | nearest photographed person < 0.5 |", end="")
    print(" photographed: pairs < 0.6 | nearest other < 0.5 |\n|---|---|---|---|---|")
    for name in ("all", *sorted(set(groups))):
        d = np.ones(len(groups), bool) if name == "all" else groups == name
        r = np.ones(len(real_groups), bool) if name == "all" else real_groups == name
        synthetic, photographed = _pairs(apart[d][:, d]), _pairs(among[r][:, r])
        others = among[r][:, r] + 9 * np.eye(r.sum())
        print(
            f"| {name} ({d.sum()}, {r.sum()}) | {(synthetic < 0.6).mean():.1%} | "
            f"{(nearest[d] < 0.5).mean():.1%} | {(photographed < 0.6).mean():.1%} | "
            f"{(others.min(1) < 0.5).mean():.1%} |"
        )
    print()


def _pairs(distances: np.ndarray) -> np.ndarray:
    return distances[np.triu_indices(len(distances), 1)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photographs", type=Path, default=None)
    parser.add_argument("--count", type=int, default=500)
    options = parser.parse_args()
    rate = speed()
    rng = np.random.default_rng(1)
    embeddings, groups, same, errors, one_sided = [], [], [], [], []
    detected: dict[str, list[float]] = {name: [] for name in SIDED}
    true: dict[str, list[float]] = {name: [] for name in SIDED}
    pictures = with_face = 0
    for seed in range(EVALUATION_SEEDS, EVALUATION_SEEDS + options.count):
        subject = sample(seed)
        neutral = render(subject, view=View(256))
        faces = detect_faces(neutral.image)
        pictures += 1
        with_face += len(faces) == 1
        if not faces:
            continue
        embeddings.append(embedding(neutral.image, faces[0].landmarks))
        groups.append(subject.ethnicity)
        for movement in rng.choice(np.array(YANAGIHARA[1:], dtype=object), 2, replace=False):
            side = Side.LEFT if rng.random() < 0.5 else Side.RIGHT
            palsy = Palsy.weakness(side, float(rng.uniform(0, 1)))
            portrait = render(subject, Movement(movement), palsy, view=View(256))
            faces = detect_faces(portrait.image)
            pictures += 1
            with_face += len(faces) == 1
            if not faces:
                continue
            same.append(
                np.linalg.norm(embedding(portrait.image, faces[0].landmarks) - embeddings[-1])
            )
            gap = faces[0].landmarks[:468, :2] - portrait.landmarks[:468]
            error = float(np.linalg.norm(gap, axis=1).mean() / faces[0].outer_eyes)
            errors.append(error)
            if (
                palsy.of(side).tone < 1
                or abs(palsy.movement_function(Movement(movement), side)) < 0.5
            ):
                one_sided.append(error)
            a, b = measure(faces[0].landmarks).fractions(), measure(portrait.landmarks).fractions()
            for name in SIDED:
                detected[name].append(a.sided[name].asymmetry)
                true[name].append(b.sided[name].asymmetry)

    found = with_face / pictures
    stack = np.array(embeddings)
    apart = _pairs(np.linalg.norm(stack[:, None] - stack[None], axis=-1))
    print(f"{options.count} subjects, {pictures} pictures; one face found in {found:.2%}")
    print(f"subject pairs: mean distance {apart.mean():.3f}, below 0.6: {(apart < 0.6).mean():.2%}")
    if options.photographs is not None:
        compare_with_photographed(options.photographs, stack, np.array(groups))
    moved, high = np.array(same), np.percentile(same, 95)
    print(f"same subject moved: mean {moved.mean():.3f}, 95th percentile {high:.3f}")
    print(
        f"landmark error, share of the outer-eye distance: all {np.mean(errors):.4f} "
        f"(95th percentile {np.percentile(errors, 95):.4f}), one-sided {np.mean(one_sided):.4f}"
    )
    print("\n| measure | detected per true asymmetry | correlation |\n|---|---|---|")
    for name in SIDED:
        x, y = np.array(true[name]), np.array(detected[name])
        print(
            f"| {name} | {(x * y).sum() / np.square(x).sum():.2f} | {np.corrcoef(x, y)[0, 1]:.3f} |"
        )
    print(f"\nfaces per second on one core at 112 px: {rate:.1f}")


if __name__ == "__main__":
    import cv2

    cv2.setNumThreads(1)
    main()

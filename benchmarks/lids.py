"""Capture of known lid closure and eyeball roll, and the recognisers behind the gate.

    python benchmarks/lids.py LONDON [--subjects 130]

Synthetic subjects (evaluation seeds; nothing was fitted to them) with their rest: both eyes closed
independently, one eye beside a shut eye, one beside an open eye. LONDON (neutral/, smiling/) shows
how often a photographed eye is read as rolled, and how often the gate's recogniser and dlib's match
pairs of photographed people, and photographed people with synthetic subjects.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from palsynth.capture import capture
from palsynth.clinical import Movement, Palsy, Side
from palsynth.encoders.published.dlib import SAME_PERSON, DlibRecogniser
from palsynth.encoders.recogniser import Recogniser
from palsynth.face.detect import detect_faces, read_face
from palsynth.face.face import Face
from palsynth.face.framing import PORTRAIT
from palsynth.generation.verdict import GATE
from palsynth.simulator.drive import drive
from palsynth.subjects import EVALUATION_SEEDS, View, random_view, render, render_drive, sample

FIRST = EVALUATION_SEEDS + 30_000
BINS = ((0.1, 0.3), (0.3, 0.45), (0.45, 0.6), (0.6, 0.75), (0.75, 0.9), (1.0, 1.01))

Closures = Callable[[np.random.Generator], tuple[float, float]]
SETS: dict[str, Closures] = {
    "both eyes independent": lambda rng: (rng.uniform(0.1, 1), rng.uniform(0.1, 1)),
    "beside a shut eye": lambda rng: (1.0, rng.choice([1.0, rng.uniform(0.2, 1)])),
    "beside an open eye": lambda rng: (rng.uniform(-0.1, 0.1), rng.choice([1, rng.uniform(0, 1)])),
}


def one_face(image: np.ndarray) -> Face | None:
    found = detect_faces(image)
    return found[0] if len(found) == 1 else None


def read_lids(num_subjects: int, first: int, shut: Closures) -> np.ndarray:
    """Rows of true closure, true roll, captured closure and captured roll, one row per eye."""
    rows = []
    for k in range(num_subjects):
        rng = np.random.default_rng([31, first + k])
        subject, size = sample(first + k), int(rng.choice([128, 224, 320, 448]))
        closures = dict(zip(rng.permutation(list(Side)), shut(rng), strict=True))
        bell = {
            s: max(1 - c, 0) * (subject.bell if rng.random() < 0.75 else 0.0)
            for s, c in closures.items()
        }
        driven = drive(Movement.CLOSE_EYES_LIGHTLY, Palsy.none())
        left, right = (
            replace(driven.of(s), closure=float(closures[s]), bell=float(bell[s]))
            for s in (Side.LEFT, Side.RIGHT)
        )
        rest = one_face(render(subject, view=random_view(rng, size, PORTRAIT)).image)
        view = random_view(rng, size, PORTRAIT)
        moved = one_face(render_drive(subject, replace(driven, left=left, right=right), view)[0])
        if rest is None or moved is None:
            continue
        found = capture(moved, rest)
        rows += [(closures[s], bell[s], found.of(s).closure, found.of(s).roll) for s in Side]
    return np.array(rows, float)


def print_gate(photographed: list[list[Face]], synthetic: list[Face]) -> None:
    """Share of pairs that either recogniser matches."""
    ours, dlib = Recogniser(), DlibRecogniser()

    def vectors(faces: list[Face]) -> tuple[np.ndarray, np.ndarray]:
        known = [dlib.describe(dlib.crop(face).image) for face in faces]
        return np.stack([ours.describe(face) for face in faces]), np.stack(known)

    (a, da), (b, db), (c, dc) = (vectors(faces) for faces in (*photographed, synthetic))
    same = np.eye(len(a), dtype=bool)
    print("\n| pairs | gate | dlib |\n|---|---|---|")
    for name, x, y, dx, dy, chosen in (
        ("one person, at rest and smiling", a, b, da, db, same),
        ("two people", a, b, da, db, ~same),
        ("photographed and synthetic", b, c, db, dc, np.ones((len(b), len(c)), bool)),
    ):
        distance = np.linalg.norm(dx[:, None] - dy[None], axis=-1)[chosen]
        by_gate = 100 * ((x @ y.T)[chosen] >= GATE).mean()
        by_dlib = 100 * (distance < SAME_PERSON).mean()
        print(f"| {name} ({chosen.sum():,}) | {by_gate:.1f} % | {by_dlib:.1f} % |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("london", type=Path)
    parser.add_argument("--subjects", type=int, default=130)
    options = parser.parse_args()
    found = [read_lids(options.subjects, FIRST + 1000 * k, s) for k, s in enumerate(SETS.values())]
    print(f"| true closure | {' | '.join(SETS)} |\n|---|---|---|---|")
    for low, high in BINS:
        cells = []
        for rows in found:
            error = (rows[:, 2] - rows[:, 0])[(rows[:, 0] >= low) & (rows[:, 0] < high)]
            text = f"{error.mean():.2f} ± {error.std():.2f} ({len(error)})"
            cells.append(text if len(error) else "–")
        print(f"| {'shut' if low == 1 else f'{low} to {high}'} | {' | '.join(cells)} |")
    rows = np.vstack(found)
    rows = rows[rows[:, 0] < 0.7]
    print("\n| true roll | captured, median | captured above 0.1 |\n|---|---|---|")
    for low, high in ((0, 0.001), (0.2, 0.4), (0.4, 0.6), (0.6, 0.8), (0.8, 1.01)):
        roll = rows[(rows[:, 1] >= low) & (rows[:, 1] < high), 3]
        cells = f"{np.median(roll):.2f} | {100 * (roll > 0.1).mean():.0f} % of {len(roll)}"
        print(f"| {f'{low} to {high}' if high > 0.1 else 'none'} | {cells} |")
    kinds = ("neutral", "smiling")
    photos = [[read_face(p) for p in sorted((options.london / k).glob("*.jpg"))] for k in kinds]
    eyes = [capture(face).of(side).roll for faces in photos for face in faces for side in Side]
    print(f"\nphotographed eyes read as rolled: {sum(r > 0 for r in eyes)} of {len(eyes)}")
    seeds = range(FIRST + 5000, FIRST + 5300)
    view = View(256, PORTRAIT)
    images = [render(sample(seed), view=view).image for seed in seeds]
    print_gate(photos, [face for image in images if (face := one_face(image)) is not None])


if __name__ == "__main__":
    main()

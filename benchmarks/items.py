"""Item scores estimated from pictures, compared with the truth, of subjects with evaluation seeds.

    python benchmarks/items.py [--subjects 50]

Every synthetic subject performs every movement at every House-Brackmann grade, with alternating
sides.
"""

from __future__ import annotations

import argparse

import numpy as np

from palsynth.clinical import YANAGIHARA, Grade, Palsy, Side, item_score
from palsynth.evaluation.agreement import weighted_kappa
from palsynth.face.detect import detect_faces
from palsynth.face.measures import measure
from palsynth.face.scoring import estimate
from palsynth.subjects import EVALUATION_SEEDS, View, render, sample


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subjects", type=int, default=50)
    options = parser.parse_args()
    print("| movement | weighted kappa | side accuracy, item < 4 | exact |\n|---|---|---|---|")
    for movement in YANAGIHARA:
        true, found, sides = [], [], []
        for seed in range(EVALUATION_SEEDS, EVALUATION_SEEDS + options.subjects):
            subject = sample(seed)
            for grade in Grade:
                side = Side.LEFT if (seed + grade.number) % 2 else Side.RIGHT
                palsy = Palsy.peripheral(side, grade)
                faces = detect_faces(render(subject, movement, palsy, view=View(256)).image)
                if not faces:
                    continue
                guess = estimate(measure(faces[0].landmarks), movement)
                true.append(item_score(palsy, movement))
                found.append(guess.score)
                if true[-1] < 4:
                    sides.append(guess.weak_side is side)
        kappa = weighted_kappa(np.array(true), np.array(found))
        exact = np.mean(np.array(true) == np.array(found))
        print(
            f"| {movement.label} | {kappa:.3f} | {np.mean(sides):.1%} | {exact:.1%} |", flush=True
        )


if __name__ == "__main__":
    main()

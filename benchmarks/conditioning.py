"""CODC on random pairs: does every part have edges, all within the contour, and how long it takes.

    python benchmarks/conditioning.py [--pairs 200] [--size 512] [--picture ten.png]

Patients are synthetic subjects, each performing a movement with a palsy; non-patients are other
synthetic subjects at rest. The picture shows ten pairs: patient, non-patient, plain edges, CODC.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import cv2
import numpy as np

from palsynth.clinical import YANAGIHARA, Palsy, Side
from palsynth.face.face import Face
from palsynth.face.framing import PORTRAIT
from palsynth.face.images import write_png
from palsynth.face.regions import region_mask
from palsynth.methods.base import TargetExpression
from palsynth.methods.controlnet.conditioning import PARTS, codc, patient_edges
from palsynth.methods.resolve import subject_face
from palsynth.subjects import EVALUATION_SEEDS, random_palsy, random_view, sample

FIRST_SEED = EVALUATION_SEEDS + 80_000


def pair(number: int, size: int) -> tuple[Face, Face]:
    rng = np.random.default_rng([88, number])
    movement = YANAGIHARA[int(rng.integers(len(YANAGIHARA)))]
    palsy = random_palsy(rng, Side.LEFT if rng.random() < 0.5 else Side.RIGHT)
    patient = subject_face(
        sample(FIRST_SEED + 2 * number),
        TargetExpression(movement, palsy),
        random_view(rng, size, PORTRAIT),
    )
    rest = TargetExpression(YANAGIHARA[0], Palsy.none())
    return patient, subject_face(
        sample(FIRST_SEED + 2 * number + 1), rest, random_view(rng, size, PORTRAIT)
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=200)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--picture", type=Path)
    options = parser.parse_args()
    beyond = empty = 0
    seconds, scales, rows = [], [], []
    for number in range(options.pairs):
        patient, other = pair(number, options.size)
        start = time.perf_counter()
        made = codc(patient, other, size=options.size)
        seconds.append(time.perf_counter() - start)
        face = other.aligned(PORTRAIT, options.size)
        within = region_mask(face.landmarks, "face", face.image.shape)
        changed = (made.edges > 0) & (made.steps["non-patient's contour"] == 0)
        beyond += int((changed & ~within).any())
        for part in PARTS:
            left, top, right, bottom = made.boxes[part.name]
            empty += int(not made.edges[top:bottom, left:right].any())
        scales += list(made.scales.values())
        if number < 10:
            own = patient_edges(patient, options.size)
            row = [own.steps["patient"], face.image, own.edges, made.edges]
            rows.append(
                np.hstack(
                    [
                        cv2.resize(
                            i if i.ndim == 3 else np.repeat(i[..., None], 3, 2),
                            (256, 256),
                            interpolation=cv2.INTER_AREA,
                        )
                        for i in row
                    ]
                )
            )
    print(
        f"{options.pairs} pairs at {options.size} px: {beyond} with edges of a part beyond the "
        f"contour, {empty} of {options.pairs * len(PARTS)} parts empty"
    )
    print(
        f"parts resized by {min(scales):.2f} to {max(scales):.2f}, median {np.median(scales):.2f}"
    )
    print(
        f"{1000 * np.median(seconds):.0f} ms per map (median), {1000 * max(seconds):.0f} ms at most"
    )
    if options.picture is not None:
        half = len(rows) // 2
        write_png(options.picture, np.hstack([np.vstack(rows[:half]), np.vstack(rows[half:])]))


if __name__ == "__main__":
    main()

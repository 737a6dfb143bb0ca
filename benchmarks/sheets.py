"""Sheets of real photos: does the measured severity match the requested one?

    python benchmarks/sheets.py LONDON

The neutral photos of the 16 test people are moved in the ten movements with a palsy of Yanagihara
total 12 and with grades II to VI; each movement is measured with and without the photo's own rest.
Then the item score estimated from the photographed smiles of all people, which are healthy grins.
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np

from palsynth.clinical import (
    YANAGIHARA,
    Grade,
    Movement,
    Palsy,
    Side,
    item_score,
    palsy_from_yanagihara,
    yanagihara_band,
)
from palsynth.face.detect import detect_face, read_face
from palsynth.face.face import Face
from palsynth.face.framing import PORTRAIT
from palsynth.face.measures import Measures, measure
from palsynth.face.scoring import estimate
from palsynth.simulator.photo import simulate


def total(face: Face, palsy: Palsy, rest: Measures | None) -> int:
    """The measured Yanagihara total of a photo moved in the ten movements."""
    scores = [
        estimate(measure(detect_face(simulate(face, m, palsy).image).landmarks), m, rest).score
        for m in YANAGIHARA
    ]
    return sum(scores)


def print_smiles(folder: Path, held_out: set[str]) -> None:
    """Separately for the people whose smiles the calibration was fitted to, and the test people."""
    scores = defaultdict(list)
    for path in sorted((folder / "smiling").glob("*.jpg")):
        people = "test people" if path.stem in held_out else "train people"
        smile = measure(read_face(path).landmarks)
        rest = measure(read_face(folder / "neutral" / path.name).landmarks)
        scores[f"{people}, with rest"].append(estimate(smile, Movement.GRIN, rest).score)
        scores[f"{people}, one picture"].append(estimate(smile, Movement.GRIN).score)
    print("\n| healthy photographed smiles | item 4 | 2 | 0 |\n|---|---|---|---|")
    for name in sorted(scores):
        found = scores[name]
        cells = " | ".join(f"{found.count(score)} of {len(found)}" for score in (4, 2, 0))
        print(f"| {name} | {cells} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    with (options.folder / "split.csv").open() as file:
        names = [r["face_id"] for r in csv.DictReader(file) if r["split"] == "test"]
    faces = [
        read_face(options.folder / "neutral" / f"{n}.jpg").aligned(PORTRAIT, 320) for n in names
    ]
    print("| requested | with rest: in the band, mean error | without rest |")
    print("|---|---|---|")
    for name, make in {
        "Yanagihara 12": lambda side: palsy_from_yanagihara(12, side),
        **{
            f"House-Brackmann {g.value}": lambda side, g=g: Palsy.peripheral(side, g)
            for g in Grade
            if g is not Grade.I
        },
    }.items():
        cells = []
        for known in (True, False):
            hits, errors = [], []
            for k, face in enumerate(faces):
                palsy = make(Side.LEFT if k % 2 else Side.RIGHT)
                requested = sum(item_score(palsy, m) for m in YANAGIHARA)
                found = total(face, palsy, measure(face.landmarks) if known else None)
                hits.append(yanagihara_band(found) == yanagihara_band(requested))
                errors.append(found - requested)
            cells.append(f"{sum(hits)} of {len(hits)}, {np.mean(errors):+.1f}")
        print(f"| {name} ({requested} of 40) | {cells[0]} | {cells[1]} |", flush=True)
    print_smiles(options.folder, set(names))


if __name__ == "__main__":
    cv2.setNumThreads(1)
    main()

"""Designs of a method, each trained with several seeds, compared over people and trainings.

    palsynth table cfcpalsy full-0=… full-1=… no-cycle-0=… no-cycle-1=… --data SET --out TABLE
    python benchmarks/designs.py SET TABLE full=full-0,full-1 no-cycle=no-cycle-0,no-cycle-1

Reads the pictures of one or more finished tables: a design is given by its folders of pictures in
TABLE. The first design is the reference of the others, picture by picture and training by training;
pictures that some row lacks are left out. Brackets are 95 % intervals over people and trainings;
after them stands the difference of each training.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from palsynth.commands.options import named_folders
from palsynth.data.pairs import read_pairs
from palsynth.errors import InputError
from palsynth.evaluation.intervals import over_trainings
from palsynth.evaluation.metrics import metric
from palsynth.scoring.features import FeatureCache
from palsynth.scoring.panel import Panel, Weights
from palsynth.scoring.patients import PatientPanel

OF_TRUTH = ("psnr_moving", "landmark_error", "identity_distance", "identity_top1", "side_accuracy")
OF_PATIENTS = (
    "patient_landmarks",
    "patient_cosine",
    "recognised",
    "leak_distance",
    "side_accuracy",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="folder of the benchmark set")
    parser.add_argument("table", type=Path, help="folder of the table")
    parser.add_argument("designs", nargs="+", help="NAME=ROW,…, a seed each")
    options = parser.parse_args()
    designs = {
        name: [options.table / row for row in str(rows).split(",")]
        for name, rows in named_folders(options.designs).items()
    }
    folders = [folder for rows in designs.values() for folder in rows]
    pairs = [
        pair
        for pair in read_pairs(options.data / "pairs.csv")
        if all((folder / pair.name).is_file() for folder in folders)
    ]
    if not pairs:
        raise InputError(f"{options.table}: the designs share no picture of {options.data}")
    kind, keys = (Panel, OF_TRUTH) if pairs[0].truth else (PatientPanel, OF_PATIENTS)
    with FeatureCache(options.table / "features.sqlite") as cache:
        panel = kind(options.data, pairs, Weights(), cache)
        values = {}
        for name, rows in designs.items():
            judged = [panel.judge(name, [row / pair.name for pair in pairs]) for row in rows]
            values[name] = {
                key: np.stack([each.per_pair[key].astype(float) for each in judged]) for key in keys
            }
    people = len(set(panel.subjects.tolist()))
    print(f"{len(pairs)} pairs of {people} people, {len(values[name][keys[0]])} trainings each")
    first = next(iter(values))
    for key in keys:
        print(f"\n{metric(key).title} (better: {metric(key).better})\n")
        print("| design | value | difference to the first | of each training |\n|---|---|---|---|")
        for name, of_design in values.items():
            change = of_design[key] - values[first][key]
            cells = [over_trainings(x, panel.subjects).text(3) for x in (of_design[key], change)]
            each = ", ".join(f"{np.nanmean(x):+.3f}" for x in change)
            print(f"| {name} | {' | '.join(cells)} | {each} |")


if __name__ == "__main__":
    main()

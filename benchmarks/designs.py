"""Designs of a method, each trained with several seeds, compared over people and trainings.

    palsynth table cfcpalsy full-0=… full-1=… no-cycle-0=… no-cycle-1=… --data SET --out TABLE
    python benchmarks/designs.py SET TABLE full=full-0,full-1 no-cycle=no-cycle-0,no-cycle-1

Reads the pictures of a finished table: a design is given by its folders of pictures in TABLE, one
each seed, with the seeds in the same order for each. The first design is the reference of the
others, picture by picture and training by training; pictures that some row lacks are left out, and
those in which no face is found have no value. Brackets are 95 % intervals over people and
trainings; after them stands the difference of each training.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from palsynth.commands.options import named_folders
from palsynth.comparison.predecessors import panel_of
from palsynth.data.pairs import read_pairs
from palsynth.evaluation.intervals import over_trainings
from palsynth.evaluation.metrics import metric
from palsynth.scoring.features import FeatureCache
from palsynth.scoring.panel import Weights

OF_TRUTH = ("psnr_moving", "landmark_error", "identity_distance", "identity_top1", "side_accuracy")
OF_PATIENTS = (
    "patient_landmarks",
    "patient_cosine",
    "recognised",
    "leak_distance",
    "side_accuracy",
)


def in_numbers(values: np.ndarray) -> np.ndarray:
    """Values (N,) of a metric as numbers; those that are met or not in per cent, as in reports."""
    return 100.0 * values if values.dtype == bool else values.astype(float)


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
    if len({len(rows) for rows in designs.values()}) > 1:
        parser.error("give each design as many trainings")
    folders = [folder for rows in designs.values() for folder in rows]
    pairs = [
        pair
        for pair in read_pairs(options.data / "pairs.csv")
        if all((folder / pair.name).is_file() for folder in folders)
    ]
    if not pairs:
        parser.error(f"{options.table}: the designs share no picture of {options.data}")
    with FeatureCache(options.table / "features.sqlite") as cache:
        panel = panel_of(options.data, pairs, Weights(), cache, lambda *_: None)
        values, keys = {}, OF_TRUTH if panel.has_truth else OF_PATIENTS
        for name, rows in designs.items():
            judged = [panel.judge(name, [row / pair.name for pair in pairs]) for row in rows]
            values[name] = {
                key: np.stack([in_numbers(each.per_pair[key]) for each in judged]) for key in keys
            }
    people = len(set(panel.subjects.tolist()))
    first = next(iter(values))
    print(f"{len(pairs)} pairs of {people} people, {len(designs[first])} trainings each")
    for key in keys:
        print(f"\n{metric(key).title} (better: {metric(key).better})\n")
        print("| design | value | difference to the first | of each training |\n|---|---|---|---|")
        for name, of_design in values.items():
            change = of_design[key] - values[first][key]
            cells = [over_trainings(x, panel.subjects).text(3) for x in (of_design[key], change)]
            known = [x[~np.isnan(x)] for x in change]
            each = ", ".join(f"{x.mean():+.3f}" if len(x) else "–" for x in known)
            print(f"| {name} | {' | '.join(cells)} | {each} |")


if __name__ == "__main__":
    main()

"""Does data from the simulator improve a grader? A small set stands for a clinic's own data.

    python benchmarks/utility.py [--work FOLDER] [--seeds 3] [--steps 600]

The "real" set shows synthetic subjects with palsies (in place of a small clinical set, split by
subject); the "synthetic" set shows neutral pictures of other subjects, moved by the simulator; the
test set shows subjects that are in neither. The figures are in docs/measurements.md.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from palsynth.cli import main as palsynth
from palsynth.clinical import YANAGIHARA, Side, house_brackmann, item_score
from palsynth.data.manifest import Row, write_manifest
from palsynth.data.writer import DatasetWriter
from palsynth.encoders.grader import GraderRecipe
from palsynth.face.detect import detect_faces
from palsynth.face.framing import RECOGNISER
from palsynth.generation.export import ExportPlan, export
from palsynth.methods.base import Request, TargetExpression, get_method
from palsynth.subjects import random_palsy, random_view, render, sample
from palsynth.training.recipe import save

REAL, TEST, SYNTHETIC = 30, 60, 200
"""Subjects of each set, with ten pictures each."""


def exported(folder: Path, num_subjects: int, seed: int, split: str) -> list[Row]:
    rows = [
        replace(r, split=split)
        for r in export(folder, ExportPlan(num_subjects, 10, seed=seed), workers=2)
    ]
    write_manifest(folder, rows)
    return rows


def simulated(folder: Path, num_subjects: int) -> None:
    """Neutral pictures of subjects, moved by the simulator, as a hospital could do with photos."""
    writer = DatasetWriter(folder, {"benchmark": "utility", "people": num_subjects})
    names, method = [], get_method("simulator")
    for k in range(num_subjects):
        subject = sample(700_000 + k)
        rng = np.random.default_rng([71, k])
        found = detect_faces(render(subject, view=random_view(rng, 224, RECOGNISER)).image)
        if len(found) != 1:
            continue
        for movement in YANAGIHARA:
            palsy = random_palsy(rng, Side.LEFT if rng.random() < 0.5 else Side.RIGHT, healthy=0.15)
            name = f"{k:04d}/{movement.value}.png"
            names.append(name)
            if writer.has(name):
                continue
            request = Request(
                found[0], TargetExpression(movement, palsy), size=112, framing=RECOGNISER
            )
            made = method([request])[0]
            weak = palsy.weak_side
            writer.add(
                made,
                Row(
                    name,
                    f"simulated-{k:04d}",
                    movement.value,
                    side=weak.value if weak else None,
                    hb_grade=house_brackmann(palsy).value,
                    yanagihara_item=item_score(palsy, movement),
                    palsy=palsy.to_dict(),
                    split="train",
                    provenance={"method": "simulator"},
                ),
            )
    writer.finish(names)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=600)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = options.work or Path(temporary)
        if not (work / "simulated" / "metadata.jsonl").exists():
            exported(work / "real", REAL, 71, "train")
            exported(work / "test", TEST, 72, "test")
            simulated(work / "simulated", SYNTHETIC)
        recipe = GraderRecipe()
        save(replace(recipe, loop=replace(recipe.loop, steps=options.steps)), work / "grader.yaml")
        arguments = {
            "--real": work / "real",
            "--synthetic": work / "simulated",
            "--test": work / "test",
            "--out": work / "utility",
            "--recipe": work / "grader.yaml",
            "--seeds": options.seeds,
        }
        palsynth(["utility", *(str(word) for pair in arguments.items() for word in pair)])
        print((work / "utility" / "utility.md").read_text())


if __name__ == "__main__":
    sys.exit(main())

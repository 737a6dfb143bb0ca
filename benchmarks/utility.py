"""What do graders learn from synthetic pictures, and does it hold on photographs?

    python benchmarks/utility.py PHOTOGRAPHS [--work FOLDER] [--seeds 3] [--features expression]

PHOTOGRAPHS is a folder of the London Set. Graders are trained on half-smiles composed of the
photographs of its train people (movement, side and share of the smile are known, no grade), on
synthetic subjects, on the train people's neutral photographs moved by the simulator, and on
half-smiles with either. They are tested on other synthetic subjects and on half-smiles of the test
people. The figures are in docs/measurements.md.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

from palsynth.cli import main as palsynth
from palsynth.clinical import Movement, Palsy, Side, item_score
from palsynth.comparison.half_smiles import MIN_SMILE
from palsynth.data.folder_source import FolderSource
from palsynth.data.half_smiles import half_smile, read_smilers
from palsynth.data.manifest import Row
from palsynth.data.writer import DatasetWriter
from palsynth.encoders.grader import GraderRecipe
from palsynth.evaluation.intervals import bootstrap
from palsynth.face.face import Face
from palsynth.face.photographs import read_subjects
from palsynth.subjects.monk import monk_tone
from palsynth.training.kinds import load_recipe
from palsynth.utility.figures import figures
from palsynth.utility.graded import Graded, grade
from palsynth.utility.protocol import train_graders

CHEEKS = (50, 280)
SHARES = (0.25, 0.5, 0.75, 1.0)
SPLITS = ("train", "validation", "test")
PLANS = {
    "subjects": "{subjects: 250, seed: 71}\nimages: 1800\nsize: 112\nseed: 71",
    "test": "{subjects: 80, seed: 172}\nimages: 640\nsize: 112\nseed: 172\nevaluation: true",
    "moved": "{photographs: %s}\nimages: 900\nsize: 112\nseed: 73",
}
"""Set -> its plan from the identities on."""


def generated(work: Path, name: str, photographs: Path) -> Path:
    """Makes a planned set; that of the photographs shows the train people only."""
    plan = PLANS[name]
    if name == "moved":
        faces = work / "faces"
        faces.mkdir(exist_ok=True)
        for person in read_subjects(photographs, "train"):
            shutil.copy(person.path("neutral"), faces)
        plan %= faces
    method = "simulator" if name == "moved" else "subjects"
    path = work / f"{name}.yaml"
    path.write_text(f"method: {method}\nidentities: {plan}\n")
    palsynth(["generate", str(path), "--out", str(work / name)])
    return work / name


def half_smiles(folder: Path, photographs: Path) -> Path:
    """Half-smiles of all people who smile on both sides, with their full smile and face at rest."""
    writer = DatasetWriter(folder, {"benchmark": "utility", "shares": list(SHARES)})
    if writer.complete:
        return folder
    names = []
    for name, smiler in read_smilers(photographs, 256):
        if isinstance(smiler, str) or min(smiler.corners.values()) < MIN_SMILE:
            continue
        shown = [
            ("rest", Movement.REST, Palsy.none(), 0.0, smiler.rest.image),
            ("smile", Movement.GRIN, Palsy.none(), 0.0, smiler.smile.image),
        ]
        for side in Side:
            for share in SHARES:
                image = half_smile(smiler, side, share)
                palsy = Palsy.weakness(side, share)
                shown.append((f"{side.value}-{share:.2f}", Movement.GRIN, palsy, share, image))
        for what, movement, palsy, share, image in shown:
            names.append(f"{name}/{what}.png")
            if writer.has(names[-1]):
                continue
            about = {"share": share, "gender": smiler.gender, "monk": tone(smiler.rest)}
            row = Row(
                names[-1],
                name,
                movement.value,
                side=palsy.weak_side.value if palsy.weak_side else None,
                yanagihara_item=item_score(palsy, movement),
                palsy=palsy.to_dict(),
                split=smiler.split,
                attributes=about,
            )
            writer.add(image, row)
    writer.finish(names)
    return folder


def smile_figures(graded: list[Graded], rows: list[Row]) -> dict[str, str]:
    """Side accuracy and rank correlation on half-smiles, over the people of a group."""
    share = np.array([row.attributes["share"] for row in rows])
    smiles = np.array([row.movement == Movement.GRIN.value for row in rows])
    tones = np.array([row.attributes["monk"] for row in rows])
    gender = np.array([row.attributes["gender"] for row in rows])
    people = graded[0].subjects
    hits = np.mean([100.0 * (g.found_sides == g.sides) for g in graded], axis=0)
    scores = np.array([g.scores for g in graded]).T

    def rank(s: np.ndarray, truth: np.ndarray) -> float:
        return float(np.mean([spearmanr(-column, truth).statistic for column in s.T]))

    out = {}
    halves = smiles & (share > 0)
    for group, members in {
        "all": smiles,
        **{g: gender == g for g in np.unique(gender)},
        "Monk 1 to 5": tones <= 5,
        "Monk 6 to 10": tones > 5,
    }.items():
        h, s = halves & members, smiles & members
        out[f"side, {group}"] = bootstrap(hits[h], groups=people[h]).text(1)
        out[f"rank, {group}"] = bootstrap(
            scores[s], share[s], groups=people[s], statistic=rank, num_resamples=500
        ).text(2)
    return out


def tone(face: Face) -> int:
    """Monk skin tone of the cheeks."""
    patches = []
    for x, y in face.landmarks[list(CHEEKS), :2].round().astype(int):
        patches.append(face.image[y - 6 : y + 7, x - 6 : x + 7].reshape(-1, 3))
    return monk_tone(np.concatenate(patches))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photographs", type=Path)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--features", default="expression")
    parser.add_argument("--recipe", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = options.work or Path(temporary)
        work.mkdir(parents=True, exist_ok=True)
        sets = {name: generated(work, name, options.photographs) for name in PLANS}
        real = half_smiles(work / "half-smiles", options.photographs)
        recipe = GraderRecipe() if options.recipe is None else load_recipe(options.recipe)
        recipe = replace(
            recipe,
            model=replace(recipe.model, features=options.features),
            data=replace(recipe.data, cache_dir=work / "features"),
        )
        weights: dict[str, list[Path]] = {}
        for name in ("subjects", "moved"):
            out = work / f"{options.features}-{name}"
            found = train_graders(recipe, real, sets[name], options.seeds, out)
            weights["half-smiles"] = found["real"]
            weights[name] = found["synthetic"]
            weights[f"half-smiles + {name}"] = found["real + synthetic"]
        every = [path for paths in weights.values() for path in paths]
        virtual = iter(grade(every, sets["test"], SPLITS))
        photographed = iter(grade(every, real, ("test",)))
        rows = FolderSource(real, ("test",)).rows
        on_virtual, on_photographs = {}, {}
        for row, paths in weights.items():
            found = figures([next(virtual) for _ in paths]).items()
            on_virtual[row] = {name: f.text(1 if "%" in name else 3) for name, f in found}
            on_photographs[row] = smile_figures([next(photographed) for _ in paths], rows)
        print("Synthetic subjects\n", markdown(on_virtual), sep="\n")
        print("\nPhotographed half-smiles\n", markdown(on_photographs), sep="\n")


def markdown(rows: dict[str, dict[str, str]]) -> str:
    """A table with a row for each training set."""
    columns = ["trained on", *next(iter(rows.values()))]
    lines = [
        columns,
        ["---"] * len(columns),
        *([row, *cells.values()] for row, cells in rows.items()),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    sys.exit(main())

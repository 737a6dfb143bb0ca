"""Does synthetic data help? A grader trained on real, on synthetic and on both, tested on real.

Every row has the same network, steps, batch and augmentation: an example more of the one is an
example less of the other, so that a row is not better for having trained longer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from palsynth.data.examples import GRADES, ITEMS, UNKNOWN, Example, stack
from palsynth.data.folder_source import FolderSource
from palsynth.data.manifest import FILE_NAME, Row
from palsynth.data.pictures import pictures
from palsynth.encoders.base import as_images
from palsynth.encoders.grader import Grader, GraderRecipe
from palsynth.errors import InputError
from palsynth.evaluation.agreement import weighted_kappa
from palsynth.evaluation.document import to_json
from palsynth.evaluation.intervals import Figure, bootstrap
from palsynth.files import atomic_write
from palsynth.scoring.features import sha256
from palsynth.training import checkpoints
from palsynth.training.loop import train

CHUNK = 64

FEW = 20
"""Test subjects below which an interval over them means little."""


@dataclass(frozen=True)
class Graded:
    """What a grader said of the test images: class numbers (N,) for item and grade, true and
    found, -1 where not known; ``subjects`` (N,) names."""

    items: np.ndarray
    found_items: np.ndarray
    grades: np.ndarray
    found_grades: np.ndarray
    subjects: np.ndarray


def mixtures(real: Path, synthetic: Path) -> dict[str, tuple[Path, ...]]:
    """Row of the table -> folders that its grader trains on."""
    return {"real": (real,), "synthetic": (synthetic,), "real + synthetic": (real, synthetic)}


def train_graders(
    recipe: GraderRecipe, real: Path, synthetic: Path, seeds: int, out: Path,
    progress: Callable[[str], None] = print,
) -> dict[str, list[Path]]:  # fmt: skip
    """Trains a grader for every row and seed into ``out/<row>-<seed>``; those that are finished
    stay, others go on. Returns their weights by row. Raises InputError where one was stopped."""
    found: dict[str, list[Path]] = {}
    for row, folders in mixtures(real, synthetic).items():
        for seed in range(seeds):
            run = out / f"{row.replace(' + ', '-and-')}-{seed}"
            data = replace(recipe.data, folders=folders, seed=seed)
            own = replace(recipe, data=data, loop=replace(recipe.loop, seed=seed))
            progress(f"{row}, seed {seed}")
            if not train(own, run, resume=bool(checkpoints.steps(run))):
                raise InputError(f"{run}: was stopped; start the same command again to go on")
            found.setdefault(row, []).append(run / "weights")
    return found


@torch.no_grad()
def grade(weights: Path, folder: Path, splits: tuple[str, ...]) -> Graded:
    """What a grader says of the images of a folder's splits."""
    source = FolderSource(folder, splits)
    grader = Grader.from_pretrained(weights, local_files_only=True).eval()
    found_items, found_grades, items, grades = [], [], [], []
    for begin in range(0, len(source.rows), CHUNK):
        part: list[Example] = [
            source.example(k) for k in range(begin, min(begin + CHUNK, len(source.rows)))
        ]
        batch = {name: torch.from_numpy(v) for name, v in stack(part).items()}
        item, grade = grader(as_images(batch["image"]), batch["movement"])
        found_items.append(item.argmax(1).numpy())
        found_grades.append(grade.argmax(1).numpy())
        known = torch.where(batch["movement"] == UNKNOWN, UNKNOWN, batch["item"])
        items.append(known.numpy())
        grades.append(batch["grade"].numpy())
    return Graded(
        np.concatenate(items),
        np.concatenate(found_items),
        np.concatenate(grades),
        np.concatenate(found_grades),
        np.array([row.subject_id for row in source.rows]),
    )


FIGURES = {
    "item kappa ↑": "quadratic weighted kappa of the Yanagihara item, its movement told",
    "item right, % ↑": "share of items scored exactly",
    "grade kappa ↑": "quadratic weighted kappa of the House-Brackmann grade",
    "grade within one, % ↑": "share of grades at most one step off",
}
"""Figure of a row -> what it is."""


def figures(graded: list[Graded]) -> dict[str, Figure]:
    """A row's figures: the mean of its seeds, with an interval over subjects, whose images stay
    together. How far other seeds would fall is not in it."""
    seed = np.concatenate([np.full(len(g.items), k) for k, g in enumerate(graded)])
    whole = {
        name: np.concatenate([getattr(g, name) for g in graded])
        for name in ("items", "found_items", "grades", "found_grades", "subjects")
    }
    out: dict[str, Figure] = {}
    for label, scale, true, found in (
        ("item", ITEMS, "items", "found_items"),
        ("grade", GRADES, "grades", "found_grades"),
    ):
        known = whole[true] != UNKNOWN
        if not known.any():
            continue
        numbers = range(len(scale))

        def kappa(t: np.ndarray, f: np.ndarray, s: np.ndarray, numbers: range = numbers) -> float:
            return float(np.mean([weighted_kappa(t[s == k], f[s == k], numbers)
                                  for k in np.unique(s)]))  # fmt: skip

        a, b = whole[true][known], whole[found][known]
        groups = whole["subjects"][known]
        out[f"{label} kappa ↑"] = bootstrap(
            a, b, seed[known], groups=groups, statistic=kappa, num_resamples=500
        )
        slack = 0 if label == "item" else 1
        name = "item right, % ↑" if label == "item" else "grade within one, % ↑"
        out[name] = bootstrap(100.0 * (np.abs(a - b) <= slack), groups=groups)
    return out


def difference(one: list[Graded], other: list[Graded]) -> Figure:
    """Item kappa of ``one`` less that of ``other`` on the same images, seed by seed, with an
    interval over subjects: whether a difference of two rows means anything."""
    known = one[0].items != UNKNOWN

    def gap(*columns: np.ndarray) -> float:
        true, rest = columns[0], columns[1:]
        half = len(rest) // 2
        kappas = [weighted_kappa(true, found, range(len(ITEMS))) for found in rest]
        return float(np.mean(kappas[:half]) - np.mean(kappas[half:]))

    found = [g.found_items[known] for g in (*one, *other)]
    groups = one[0].subjects[known]
    return bootstrap(one[0].items[known], *found, groups=groups, statistic=gap, num_resamples=500)


def check_sets(real: Path, synthetic: Path, test: Path, out: Path) -> None:
    """Notes which data the graders in ``out`` are of. Raises InputError where they are of other
    data, where a set has no labels, or where a subject is trained on and tested on."""
    if real.resolve() == synthetic.resolve():
        raise InputError(f"{synthetic}: is the real set; give another --synthetic")
    sets = {"real": (real, "train"), "synthetic": (synthetic, "train"), "test": (test, "test")}
    subjects = {}
    for name, (folder, split) in sets.items():
        rows = pictures(folder, (split,))
        if all(r.yanagihara_item is None and r.hb_grade is None for r in rows):
            raise InputError(f"{folder}: no image of split {split} has an item score or a grade")
        subjects[name] = {f"{folder.resolve()}:{r.subject_id}" for r in rows}
    for name in ("real", "synthetic"):
        if shared := sorted(subjects[name] & subjects["test"]):
            raise InputError(f"{test}: subject {shared[0].rpartition(':')[2]} is in train and test")
    record = out / "sets.json"
    text = to_json({n: sha256(f / FILE_NAME) for n, (f, _) in sets.items() if n != "test"})
    if record.exists() and record.read_text("utf-8") != text:
        raise InputError(f"{out}: holds graders of other data; give another --out")
    out.mkdir(parents=True, exist_ok=True)
    with atomic_write(record) as temporary:
        temporary.write_text(text, "utf-8")


def counted(rows: list[Row]) -> str:
    """How many images of how many subjects."""
    return f"{len(rows)} images of {len({r.subject_id for r in rows})} subjects"

"""Does synthetic data help? Graders trained on real data, on synthetic data and on both.

All are tested on real images, and have the same network, steps, batch size and augmentation: with
both, each synthetic example takes the place of a real one, so that no row trains longer.
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
from palsynth.encoders.device import default_device
from palsynth.encoders.grader import Grader, GraderRecipe
from palsynth.encoders.shipped import load_exact
from palsynth.errors import InputError
from palsynth.evaluation.agreement import weighted_kappa
from palsynth.evaluation.intervals import Figure, bootstrap
from palsynth.records import claim_folder, file_sha256, files_sha256
from palsynth.training import checkpoints
from palsynth.training.loop import train

CHUNK = 64
"""Test images per batch."""

FEW = 20
"""Test subjects below which a bootstrap interval over them is unreliable."""


@dataclass(frozen=True)
class Graded:
    """Labels and predictions of a grader on N test images, as class numbers; -1: unknown."""

    items: np.ndarray
    """True Yanagihara items, (N,) int."""
    found_items: np.ndarray
    """Predicted items, (N,) int."""
    grades: np.ndarray
    """True House-Brackmann grades, (N,) int."""
    found_grades: np.ndarray
    """Predicted grades, (N,) int."""
    subjects: np.ndarray
    """Subject of each image, (N,) strings."""


def mixtures(real: Path, synthetic: Path) -> dict[str, tuple[Path, ...]]:
    """The training sets that are compared.

    Args:
        real: folder of the real dataset.
        synthetic: folder of the synthetic dataset.

    Returns:
        Row of the table -> folders that its graders train on.
    """
    return {"real": (real,), "synthetic": (synthetic,), "real + synthetic": (real, synthetic)}


def train_graders(
    recipe: GraderRecipe,
    real: Path,
    synthetic: Path,
    seeds: int,
    out: Path,
    progress: Callable[[str], None] = print,
) -> dict[str, list[Path]]:
    """Trains one grader per row and seed into ``out/<row>-<seed>``, resuming unfinished runs.

    Args:
        recipe: the recipe of all graders, but for folders and seed.
        real: folder of the real dataset.
        synthetic: folder of the synthetic dataset.
        seeds: graders per row.
        out: folder of the runs.
        progress: called with a description of each run.

    Returns:
        Row -> weight folders of its graders.

    Raises:
        InputError: A run was interrupted.
    """
    weights: dict[str, list[Path]] = {}
    for row, folders in mixtures(real, synthetic).items():
        for seed in range(seeds):
            run = out / f"{row.replace(' + ', '-and-')}-{seed}"
            data = replace(recipe.data, folders=folders, seed=seed)
            own = replace(recipe, data=data, loop=replace(recipe.loop, seed=seed))
            progress(f"{row}, seed {seed}")
            if not train(own, run, resume=bool(checkpoints.steps(run))):
                raise InputError(f"{run}: was stopped; run the same command again to resume")
            weights.setdefault(row, []).append(run / "weights")
    return weights


@torch.no_grad()
def grade(weights: Path, folder: Path, splits: tuple[str, ...]) -> Graded:
    """Runs a grader over the images of a folder's splits.

    Args:
        weights: folder of the grader's weights.
        folder: folder of the dataset.
        splits: splits to use.

    Returns:
        Labels and predictions. Items of images with an unknown movement count as unknown.

    Raises:
        InputError: the dataset cannot be read.
    """
    source = FolderSource(folder, splits)
    device = default_device()
    grader = load_exact(Grader, weights).to(device)
    found_items, found_grades, items, grades = [], [], [], []
    for start in range(0, len(source.rows), CHUNK):
        part: list[Example] = [
            source.example(k) for k in range(start, min(start + CHUNK, len(source.rows)))
        ]
        batch = {name: torch.from_numpy(v) for name, v in stack(part).items()}
        item, grade = grader(as_images(batch["image"].to(device)), batch["movement"])
        found_items.append(item.argmax(1).cpu().numpy())
        found_grades.append(grade.argmax(1).cpu().numpy())
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
    "item kappa ↑": "quadratic weighted kappa of the Yanagihara item, given the movement; "
    "undefined where all true items are the same",
    "item right, % ↑": "share of items scored exactly",
    "grade kappa ↑": "quadratic weighted kappa of the House-Brackmann grade; undefined where all "
    "true grades are the same",
    "grade within one, % ↑": "share of grades at most one step off",
}
"""Name of a figure -> its definition."""


def figures(graded: list[Graded]) -> dict[str, Figure]:
    """The figures of a row, averaged over its seeds.

    The intervals are bootstrap intervals over subjects, whose images are resampled together; they
    do not include the variation between seeds.

    Args:
        graded: results of the graders of a row, one per seed, on the same images.

    Returns:
        Name in ``FIGURES`` -> figure; those without labels are left out. A kappa is NaN where all
        true labels are the same, and its interval is over the resamples that have two.
    """
    seed = np.concatenate([np.full(len(g.items), k) for k, g in enumerate(graded)])
    columns = {
        name: np.concatenate([getattr(g, name) for g in graded])
        for name in ("items", "found_items", "grades", "found_grades", "subjects")
    }
    out: dict[str, Figure] = {}
    for label, scale, true, found in (
        ("item", ITEMS, "items", "found_items"),
        ("grade", GRADES, "grades", "found_grades"),
    ):
        known = columns[true] != UNKNOWN
        if not known.any():
            continue
        classes = range(len(scale))

        def kappa(t: np.ndarray, f: np.ndarray, s: np.ndarray, classes: range = classes) -> float:
            by_seed = [_kappa(t[s == k], f[s == k], classes) for k in np.unique(s)]
            return float(np.mean(by_seed))

        targets, predictions = columns[true][known], columns[found][known]
        groups = columns["subjects"][known]
        out[f"{label} kappa ↑"] = bootstrap(
            targets,
            predictions,
            seed[known],
            groups=groups,
            statistic=kappa,
            num_resamples=500,
        )
        tolerance = 0 if label == "item" else 1
        name = "item right, % ↑" if label == "item" else "grade within one, % ↑"
        hits = np.abs(targets - predictions) <= tolerance
        out[name] = bootstrap(100.0 * hits, groups=groups)
    return out


def _kappa(targets: np.ndarray, predictions: np.ndarray, classes: range) -> float:
    """The weighted kappa; NaN where all targets are the same, so that it tells nothing."""
    if np.ptp(targets) == 0:
        return float("nan")
    return weighted_kappa(targets, predictions, classes)


def difference(one: list[Graded], other: list[Graded]) -> Figure:
    """Difference of the mean item kappas of two rows, with an interval over subjects.

    Args:
        one: results of the graders of a row, one per seed.
        other: those of the row to subtract, as many, on the same images.

    Returns:
        Item kappa of ``one`` less that of ``other``.
    """
    known = one[0].items != UNKNOWN

    def gap(*columns: np.ndarray) -> float:
        targets, predictions = columns[0], columns[1:]
        half = len(predictions) // 2
        kappas = [_kappa(targets, found, range(len(ITEMS))) for found in predictions]
        return float(np.mean(kappas[:half]) - np.mean(kappas[half:]))

    found = [g.found_items[known] for g in (*one, *other)]
    groups = one[0].subjects[known]
    return bootstrap(one[0].items[known], *found, groups=groups, statistic=gap, num_resamples=500)


def check_sets(real: Path, synthetic: Path, test: Path, out: Path) -> None:
    """Checks the datasets and records in ``out`` which data its graders are trained on.

    Args:
        real: folder of the real dataset, whose train split is trained on.
        synthetic: folder of the synthetic dataset, whose train split is trained on.
        test: folder of the dataset whose test split is graded.
        out: folder of the runs.

    Raises:
        InputError: ``out`` holds graders trained on other data or on data that it does not name,
            a set has no labels, real and synthetic are the same folder, or a subject is in train
            and test.
    """
    if real.resolve() == synthetic.resolve():
        raise InputError(f"{synthetic}: is the real set; give another --synthetic")
    trained = {"real": real, "synthetic": synthetic}
    subjects = {}
    shown: dict[str, Path] = {}
    for name, folder in {**trained, "test": test}.items():
        split = "test" if name == "test" else "train"
        rows = pictures(folder, (split,))
        if all(r.yanagihara_item is None and r.hb_grade is None for r in rows):
            raise InputError(f"{folder}: no image of split {split} has an item score or a grade")
        if name in trained:
            files = ((f"{name} {row.file_name}", folder / row.file_name) for row in rows)
            shown |= {key: path for key, path in files if path.is_file()}
        subjects[name] = {f"{folder.resolve()}:{r.subject_id}" for r in rows}
    for name in ("real", "synthetic"):
        if shared := sorted(subjects[name] & subjects["test"]):
            raise InputError(f"{test}: subject {shared[0].rpartition(':')[2]} is in train and test")
    claim_folder(
        out / "sets.json",
        {
            **{name: file_sha256(folder / FILE_NAME) for name, folder in trained.items()},
            "pictures": "cropped to the face",  # until 0.2 the whole picture, resized
            "pictures_sha256": files_sha256(shown),
        },
        holds="graders trained on other data",
        remedy="give another --out",
        foreign=["real-*/recipe.yaml", "synthetic-*/recipe.yaml"],
    )


def counted(rows: list[Row]) -> str:
    """Describes the size of a set.

    Args:
        rows: its rows.

    Returns:
        The numbers of images and subjects, in words.
    """
    return f"{len(rows)} images of {len({r.subject_id for r in rows})} subjects"

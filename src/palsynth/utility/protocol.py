"""Does synthetic data help? Graders trained on real data, on synthetic data and on both.

All are tested on real images, and have the same network, steps, batch size and augmentation: with
both, each synthetic example takes the place of a real one, so that no row trains longer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from palsynth.data.manifest import FILE_NAME, Row
from palsynth.data.pictures import pictures
from palsynth.encoders.grader import GraderRecipe
from palsynth.errors import InputError
from palsynth.records import claim_folder, file_sha256, files_sha256
from palsynth.training import checkpoints
from palsynth.training.loop import train

FEATURES = "features"
"""Folder of the runs that caches the features of all graders, unless their recipe names one."""

FEW = 20
"""Test subjects below which a bootstrap interval over them is unreliable."""


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
            cache = recipe.data.cache_dir or out / FEATURES
            data = replace(recipe.data, folders=folders, seed=seed, cache_dir=cache)
            own = replace(recipe, data=data, loop=replace(recipe.loop, seed=seed))
            progress(f"{row}, seed {seed}")
            if not train(own, run, resume=bool(checkpoints.steps(run))):
                raise InputError(f"{run}: was stopped; run the same command again to resume")
            weights.setdefault(row, []).append(run / "weights")
    return weights


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

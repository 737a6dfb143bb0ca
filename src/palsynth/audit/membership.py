"""Membership inference by loss: a model has a lower loss on images that it has memorised.

Yeom et al. 2018 (arXiv 1709.01604): the attack guesses that an image with a low loss was trained
on. It needs the model, which a hospital has and an external attacker has not: the worst case.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch

from palsynth.audit.findings import Finding
from palsynth.audit.protocol import membership_finding
from palsynth.data.examples import RowExamples, stack
from palsynth.data.manifest import FILE_NAME
from palsynth.data.pictures import pictures
from palsynth.encoders.device import default_device, full_precision
from palsynth.errors import InputError
from palsynth.progress import Progress, StageProgress
from palsynth.training.kinds import load_recipe
from palsynth.training.objective import Objective
from palsynth.training.randomness import make_generator
from palsynth.training.recipe import AuditableRecipe
from palsynth.training.restore import restored

NUM_SAMPLES_AVERAGED = 8
"""Losses averaged per image, each with its own random numbers (timestep and noise)."""


@dataclass(frozen=True)
class LossAttack:
    """A model, and the pictures whose membership its loss is to tell."""

    objective: Objective
    """The model with its loss, with the averaged weights of the run."""
    training: RowExamples
    """Examples of the training set, the members."""
    holdout: RowExamples
    """Examples of the hold-out, the non-members."""


def open_run(
    run: Path,
    training: Path,
    train_splits: tuple[str, ...] | None,
    holdout: Path,
    holdout_splits: tuple[str, ...] | None,
) -> LossAttack:
    """Loads the model of a training run, and finds the pictures of both sets.

    The examples are made as the run makes those that it trains on, at its own size and crop.

    Args:
        run: the run folder.
        training: folder of the training set.
        train_splits: splits of the training set to use; None for all images.
        holdout: folder of the hold-out.
        holdout_splits: splits of the hold-out to use; None for all images.

    Returns:
        The attack.

    Raises:
        InputError: the recipe or a checkpoint cannot be read, the kind of recipe gives no loss of
            single images, the model was trained on no dataset, or a set has no manifest or no
            usable pictures.
    """
    recipe = load_recipe(run / "recipe.yaml")
    if not isinstance(recipe, AuditableRecipe):
        raise InputError(
            f"{run}: kind {recipe.kind} gives no loss of single images; leave out --run"
        )
    members, others = (
        recipe.examples_of(folder, _splits(folder, splits), folder_is_trained)
        for folder, splits, folder_is_trained in (
            (training, train_splits, True),
            (holdout, holdout_splits, False),
        )
    )
    for examples in (members, others):
        _ = examples.rows  # finds the faces, before anything else takes long
    device = default_device()
    return LossAttack(restored(recipe, run).to(device), members, others)


def _splits(folder: Path, splits: tuple[str, ...] | None) -> tuple[str | None, ...]:
    if not (folder / FILE_NAME).is_file():
        raise InputError(
            f"{folder}: has no {FILE_NAME}, which --run needs to know whose pictures they are; "
            "leave out --run"
        )
    return tuple(sorted({row.split for row in pictures(folder, splits)}, key=str))


def by_loss(attack: LossAttack, progress: StageProgress | None = None) -> Finding:
    """Attacks a model by its loss.

    Args:
        attack: the model and the pictures.
        progress: called with the stage, the images done and their total.

    Returns:
        The finding: the AUC of the attack and its verdict.

    Raises:
        InputError: the objective gives no losses of single images.
    """
    score, member, subjects = [], [], []
    for examples in (attack.training, attack.holdout):
        stage = None if progress is None else partial(progress, f"{examples.folder.name}, losses")
        score.append(picture_losses(attack.objective, examples, stage))
        member.append(np.full(len(examples.rows), examples is attack.training))
        subjects.append(np.array([f"{examples.folder}:{r.subject_id}" for r in examples.rows]))
    columns = (np.concatenate(v) for v in (score, member, subjects))
    return membership_finding("by the model's loss", *columns)


@torch.no_grad()
def picture_losses(
    objective: Objective, examples: RowExamples, progress: Progress | None = None
) -> np.ndarray:
    """Mean loss of each image of a set.

    The random numbers are the same for every image, so that none has an easier timestep.

    Args:
        objective: the model's objective, on any device.
        examples: the N images.
        progress: called with the images done and their total.

    Returns:
        (N,) float64, in the order of the rows; NaN for images without the labels that the
        objective needs.

    Raises:
        InputError: the objective gives no losses of single images.
    """
    device = next((p.device for p in objective.parameters()), torch.device("cpu"))
    means = []
    for number in range(len(examples.rows)):
        arrays = stack([examples.example(number)])
        batch = {k: torch.from_numpy(v).to(device) for k, v in arrays.items()}
        losses = []
        for seed in range(NUM_SAMPLES_AVERAGED):
            generator = make_generator(seed, 0, 0, 0, device)
            with full_precision():
                found = objective(batch, generator).per_image
            if found is None:
                raise InputError(
                    f"{type(objective).__name__} gives no loss of single images; "
                    "membership by loss needs one"
                )
            losses.append(float(found[0]))
        means.append(float(np.mean(losses)))
        if progress is not None:
            progress(number + 1, len(examples.rows))
    return np.array(means)

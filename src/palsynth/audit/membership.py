"""Membership inference by loss: a model has a lower loss on images that it has memorised.

Yeom et al. 2018 (arXiv 1709.01604): the attack guesses that an image with a low loss was trained
on. It needs the model, which a hospital has and an external attacker has not: the worst case.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import torch

from palsynth.audit.image_set import ImageSet
from palsynth.audit.protocol import Finding, membership_finding
from palsynth.data.examples import stack
from palsynth.data.folder_source import FolderSource
from palsynth.errors import InputError
from palsynth.progress import Progress, StageProgress
from palsynth.training.kinds import load_recipe
from palsynth.training.objective import Objective
from palsynth.training.randomness import make_generator
from palsynth.training.restore import restored

NUM_SAMPLES_AVERAGED = 8
"""Losses averaged per image, each with its own random numbers (timestep and noise)."""


def model_of(run: Path) -> Objective:
    """Loads the objective of a training run, with its averaged weights.

    Args:
        run: the run folder.

    Returns:
        The objective.

    Raises:
        InputError: the recipe or a checkpoint cannot be read, or the model is trained on pairs.
    """
    recipe = load_recipe(run / "recipe.yaml")
    if recipe.kind == "cfcpalsy":
        raise InputError(
            f"{run}: a cfcpalsy model is trained on pairs and gives no loss of single images; "
            "leave out --run"
        )
    return restored(recipe, run)


def by_loss(
    objective: Objective,
    training: ImageSet,
    holdout: ImageSet,
    progress: StageProgress | None = None,
) -> Finding:
    """Attacks a model by its loss, over the same images as the rest of the audit.

    Args:
        objective: the model's objective.
        training: the training set, the members.
        holdout: the hold-out set, the non-members.
        progress: called with the stage, the images done and their total.

    Returns:
        The finding: the AUC of the attack and its verdict.

    Raises:
        InputError: the objective gives no losses of single images.
    """
    score, member, subjects = [], [], []
    for pictures in (training, holdout):
        source = FolderSource(pictures.folder, tuple({row.split for row in pictures.rows}))
        stage = None if progress is None else partial(progress, f"{pictures.folder.name}, losses")
        score.append(picture_losses(objective, source, stage))
        member.append(np.full(len(source.rows), pictures is training))
        subjects.append(np.array([f"{pictures.folder}:{r.subject_id}" for r in source.rows]))
    columns = (np.concatenate(v) for v in (score, member, subjects))
    return membership_finding("by the model's loss", *columns)


@torch.no_grad()
def picture_losses(
    objective: Objective, source: FolderSource, progress: Progress | None = None
) -> np.ndarray:
    """Mean loss of each image of a folder's splits.

    The random numbers are the same for every image, so that none has an easier timestep.

    Args:
        objective: the model's objective.
        source: the N images.
        progress: called with the images done and their total.

    Returns:
        (N,) float64, in the order of the source's rows; NaN for images without the labels that
        the objective needs.

    Raises:
        InputError: the objective gives no losses of single images.
    """
    means = []
    for number in range(len(source.rows)):
        batch = {k: torch.from_numpy(v) for k, v in stack([source.example(number)]).items()}
        losses = []
        for seed in range(NUM_SAMPLES_AVERAGED):
            generator = make_generator(seed, 0, 0, 0, torch.device("cpu"))
            found = objective(batch, generator).per_image
            if found is None:
                raise InputError(
                    f"{type(objective).__name__} gives no loss of single images; "
                    "membership by loss needs one"
                )
            losses.append(float(found[0]))
        means.append(float(np.mean(losses)))
        if progress is not None:
            progress(number + 1, len(source.rows))
    return np.array(means)

"""Membership by loss: a model that has learnt pictures by heart finds them easier than others.

Yeom et al. 2018 (arXiv 1709.01604): the attack guesses that a picture with a low loss was trained
on. It needs the model, which a hospital has and an outsider has not: the worst case.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch

from palsynth.audit.protocol import Finding, Pictures, StageProgress, membership_finding
from palsynth.data.examples import stack
from palsynth.data.folder_source import FolderSource
from palsynth.errors import InputError
from palsynth.training.kinds import load_recipe
from palsynth.training.objective import Objective
from palsynth.training.randomness import make_generator
from palsynth.training.restore import restored

NUM_SAMPLES_AVERAGED = 8
"""Losses of a picture that are averaged, each with other chance (timestep and noise)."""


def model_of(run: Path) -> Objective:
    """The objective of a training run, with its averaged weights."""
    return restored(load_recipe(run / "recipe.yaml"), run)


def by_loss(
    objective: Objective,
    training: Pictures,
    holdout: Pictures,
    progress: StageProgress | None = None,
) -> Finding:
    """The finding of the attack by loss, over the same pictures as the rest of the audit."""
    score, member, subjects = [], [], []
    for which in (training, holdout):
        source = FolderSource(which.folder, tuple({row.split for row in which.rows}))
        part = None if progress is None else partial(progress, f"{which.folder.name}, losses")
        score.append(picture_losses(objective, source, part))
        member.append(np.full(len(source.rows), which is training))
        subjects.append(np.array([f"{which.folder}:{r.subject_id}" for r in source.rows]))
    columns = (np.concatenate(v) for v in (score, member, subjects))
    return membership_finding("by the model's loss", *columns)


@torch.no_grad()
def picture_losses(
    objective: Objective, source: FolderSource, progress: Callable[[int, int], None] | None = None
) -> np.ndarray:
    """(N,) mean loss of each picture of a folder's splits, in the order of its rows.

    Chance is the same for every picture, so that one is not easier for an easier timestep. NaN
    where nothing is known that the objective asks for. Raises InputError where the objective does
    not say the losses of single images.
    """
    out = []
    for number in range(len(source.rows)):
        one = {k: torch.from_numpy(v) for k, v in stack([source.example(number)]).items()}
        losses = []
        for draw in range(NUM_SAMPLES_AVERAGED):
            found = objective(one, make_generator(draw, 0, 0, 0, torch.device("cpu"))).per_image
            if found is None:
                raise InputError(
                    f"{type(objective).__name__} gives no loss of single images; "
                    "membership by loss needs one"
                )
            losses.append(float(found[0]))
        out.append(float(np.mean(losses)))
        if progress is not None:
            progress(number + 1, len(source.rows))
    return np.array(out)

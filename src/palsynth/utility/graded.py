"""Graders on the images of a test set: their predictions beside the labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from palsynth.data.examples import ITEMS, UNKNOWN, RowExamples, stack
from palsynth.data.folder_source import FolderSource
from palsynth.encoders.device import default_device
from palsynth.encoders.grader_features import FeatureRows
from palsynth.encoders.grading import FeatureGrader, Grader, predict, read_grader

CHUNK = 64
"""Test images per batch."""


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
    sides: np.ndarray
    """True weak sides as indices into SIDES, (N,) int."""
    found_sides: np.ndarray
    """Predicted weak sides, (N,) int: the likelier of left and right; -1 of a grader without it."""
    scores: np.ndarray
    """Expected Yanagihara items, (N,) in 0 … 4: the mean over the grader's probabilities."""


@torch.no_grad()
def grade(weights: Sequence[Path], folder: Path, splits: tuple[str, ...]) -> list[Graded]:
    """Runs graders over the images of a folder's splits.

    Args:
        weights: folders of the graders' weights, with any recipes.
        folder: folder of the dataset.
        splits: splits to use.

    Returns:
        Labels and predictions of each grader. Items of images with an unknown movement count as
        unknown.

    Raises:
        InputError: the dataset or a grader cannot be read.
    """
    source = FolderSource(folder, splits)
    graders = [read_grader(path) for path in weights]
    batches: dict[type, list[dict[str, Tensor]]] = {}
    for kind in {type(grader) for grader in graders}:
        examples: RowExamples = source if kind is Grader else FeatureRows(source)
        batches[kind] = list(_batches(examples))  # read once for all graders
    subjects = np.array([row.subject_id for row in source.rows])
    return [_graded(grader, batches[type(grader)], subjects) for grader in graders]


def _batches(examples: RowExamples) -> Iterator[dict[str, Tensor]]:
    for start in range(0, len(examples.rows), CHUNK):
        numbers = range(start, min(start + CHUNK, len(examples.rows)))
        arrays = stack([examples.example(number) for number in numbers])
        yield {name: torch.from_numpy(array) for name, array in arrays.items()}


def _graded(
    grader: Grader | FeatureGrader, batches: Sequence[dict[str, Tensor]], subjects: np.ndarray
) -> Graded:
    device = default_device()
    grader.to(device)  # type: ignore[arg-type]
    columns: dict[str, list[np.ndarray]] = {}
    for batch in batches:
        found = predict(grader, {name: tensor.to(device) for name, tensor in batch.items()})
        known = torch.where(batch["movement"] == UNKNOWN, UNKNOWN, batch["item"])
        chances = found.item.float().softmax(1).cpu()
        part = {
            "items": known,
            "found_items": found.item.argmax(1),
            "scores": chances @ torch.tensor(ITEMS, dtype=torch.float32),
            "grades": batch["grade"],
            "found_grades": found.grade.argmax(1),
            "sides": batch["side"],
            "found_sides": torch.full_like(known, UNKNOWN),
        }
        if found.side is not None:
            part["found_sides"] = 1 + found.side[:, 1:].argmax(1)  # left or right
        for name, column in part.items():
            columns.setdefault(name, []).append(column.cpu().numpy())
    return Graded(subjects=subjects, **{n: np.concatenate(c) for n, c in columns.items()})

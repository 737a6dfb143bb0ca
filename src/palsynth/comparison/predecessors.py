"""The predecessors of both papers and the methods of today, over several benchmark sets."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np

from palsynth.clinical import Movement
from palsynth.comparison.reporting import groups_of, headed, reference_rows, result_of
from palsynth.comparison.transfer import transfer
from palsynth.data.manifest import read_manifest
from palsynth.data.pairs import Pair
from palsynth.errors import InputError
from palsynth.evaluation.report import Report
from palsynth.face.images import read_image
from palsynth.generation.layout import labelled_grid, resized
from palsynth.methods.base import Method
from palsynth.progress import StageProgress
from palsynth.scoring.features import FeatureCache
from palsynth.scoring.panel import Panel, Weights
from palsynth.scoring.patients import PatientPanel

ROWS = (
    "simulator",
    "captured",
    "pix2pix",
    "mc-gan",
    "mc-gan-normalised",
    "face-swap",
    "cyclegan",
    "ddpm-unconditional",
    "ddpm",
    "latent-diffusion",
    "cfcpalsy",
    "controlnet-pf",
    "controlnet-pf-codc",
    "controlnet-pf-captured",
)
"""The methods of the table: two without training, the predecessors, the plain ones, the papers'."""

CAPTURED = frozenset({"captured", "controlnet-pf-captured"})
"""Methods that compare the expression's person with the same person at rest."""

SHOWN_PEOPLE = 4
"""People in a report's picture."""


def some_people(pairs: list[Pair], number: int | None) -> list[Pair]:
    """The pairs of some of a set's people, evenly spaced over the set.

    Args:
        pairs: the pairs of the set.
        number: number of people; None, or more than there are, for all.

    Returns:
        Their pairs, in the order of the set.
    """
    names = list(dict.fromkeys(pair.subject for pair in pairs))
    if number is None or number >= len(names):
        return pairs
    places = np.linspace(0, len(names) - 1, number).round().astype(int)
    chosen = {names[place] for place in places}
    return [pair for pair in pairs if pair.subject in chosen]


def of_split(folder: Path, pairs: list[Pair], split: str) -> list[Pair]:
    """The pairs whose identity belongs to a split of the set.

    Args:
        folder: folder of the set, with a manifest.
        pairs: its pairs.
        split: the split.

    Returns:
        The pairs, at least one.

    Raises:
        InputError: the set has no manifest, or nobody of that split.
    """
    rows = {row.file_name: row for row in read_manifest(folder)}
    chosen = [p for p in pairs if p.identity in rows and rows[p.identity].split == split]
    if not chosen:
        raise InputError(f"{folder}: no identity belongs to the split {split}; leave out --split")
    return chosen


def panel_of(
    folder: Path, pairs: list[Pair], weights: Weights, cache: FeatureCache, progress: StageProgress
) -> Panel:
    """The judges of a set: where there is no truth, the expression images are those of patients,
    whom nobody must recognise.

    Args:
        folder: folder of the set.
        pairs: its pairs.
        weights: published weights to use in place of our own.
        cache: cache of the features.
        progress: called with the stage, the images done and their total.

    Returns:
        The panel.
    """
    kind = Panel if all(pair.truth for pair in pairs) else PatientPanel
    return kind(folder, pairs, weights, cache, progress)


def compare(
    panel: Panel, methods: Mapping[str, Method], out: Path, progress: StageProgress
) -> tuple[Report, np.ndarray]:
    """Runs and evaluates methods over a panel's pairs.

    Args:
        panel: the panel of the set.
        methods: name -> method.
        out: images go to ``out/<name>``; those that exist are not made again.
        progress: called with the stage, the images done and their total.

    Returns:
        The truth, where there is one, the copies, then every method; and a picture (H, W, 3) uint8
        RGB of one movement each of four people.

    Raises:
        InputError: ``out/<name>`` holds images of another method, weights or set.
    """
    results = [result_of(judged, reference=True) for judged in reference_rows(panel)]
    groups = []
    for name, method in methods.items():
        pictures = partial(progress, f"{name}, pictures")
        rest = name in CAPTURED
        transfer(method, panel.folder, panel.pairs, out / name, rest=rest, progress=pictures)
        judged = panel.judge(name, [out / name / pair.name for pair in panel.pairs])
        results.append(result_of(judged, reference=False))
        groups += groups_of(panel, judged)
    return headed(panel, results, groups), _side_by_side(panel, list(methods), out)


def _side_by_side(panel: Panel, names: list[str], out: Path) -> np.ndarray:
    """Rows of identity, expression, truth and every method; a column of each of four people, with
    different movements as far as they have them. All pictures get the size of the first."""
    people: dict[str, list[Pair]] = {}
    for pair in some_people(panel.pairs, SHOWN_PEOPLE):
        people.setdefault(pair.subject, []).append(pair)
    pairs = [own[(2 + 3 * k) % len(own)] for k, own in enumerate(people.values())]
    roles = ("identity", "expression", "truth") if panel.has_truth else ("identity", "expression")
    files = {role: [panel.folder / getattr(pair, role) for pair in pairs] for role in roles}
    files |= {name: [out / name / pair.name for pair in pairs] for name in names}
    size = len(read_image(files["identity"][0]))
    images = {row: [resized(read_image(p), size) for p in paths] for row, paths in files.items()}
    return labelled_grid(images, [Movement(pair.movement).label for pair in pairs])

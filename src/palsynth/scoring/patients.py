"""Evaluation of images made from patients: is the expression theirs, and the identity not?"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from palsynth.data.pairs import Pair
from palsynth.errors import InputError
from palsynth.evaluation.metric import Need, Role
from palsynth.evaluation.metrics import METRICS
from palsynth.evaluation.report import Result
from palsynth.progress import StageProgress
from palsynth.scoring import judges
from palsynth.scoring.features import FeatureCache
from palsynth.scoring.judged import Judged, figures_of
from palsynth.scoring.judges import Judge
from palsynth.scoring.panel import Panel, Weights


class PatientPanel(Panel):
    """A panel over a set whose expression images show patients, such as vp-patients.

    Every pair must name an image of its patient at rest (``expression_identity``).

    Args:
        folder: folder of the set.
        pairs: the N requests of the set, with their files.
        weights: published weights to use in place of our own.
        cache: cache of the features.
        progress: called with the stage, the images done and their total.

    Raises:
        InputError: A pair names no patient at rest, or there are fewer than two patients.
    """

    def __init__(
        self,
        folder: Path,
        pairs: list[Pair],
        weights: Weights,
        cache: FeatureCache,
        progress: StageProgress | None = None,
    ) -> None:
        super().__init__(folder, pairs, weights, cache, progress)
        unnamed = next((p.name for p in pairs if not p.expression_identity), None)
        if unnamed is not None:
            raise InputError(
                f"{folder / 'pairs.csv'}: {unnamed} names no expression_identity, the patient at "
                "rest, which recognition is evaluated against"
            )
        if len(set(self.subjects)) < 2:
            raise InputError(
                f"{folder / 'pairs.csv'}: has only one patient; the recognition threshold "
                "needs at least two"
            )

    def _judges(self) -> dict[str, Judge]:
        return {**super()._judges(), "portraits": judges.portraits()}

    def _provides(self) -> set[Need]:
        return super()._provides() | {"patients"}

    def _files_of_roles(self) -> dict[Role, list[Path]]:
        return {**super()._files_of_roles(), "rest": self.files("expression_identity")}


def tuned_and_others(judged: Judged, tuned: set[str]) -> list[Result]:
    """Splits a method's figures by whether it was tuned on the patient.

    Args:
        judged: the method's values per pair.
        tuned: names of the patients that it was tuned on.

    Returns:
        A row for the patients tuned on and one for all others; empty groups are left out.
    """
    subjects = np.array(judged.subjects)
    is_tuned = np.isin(subjects, sorted(tuned))
    metrics = tuple(metric for metric in METRICS if metric.by_tuning)
    results = []
    for chosen, which in ((is_tuned, "tuned on"), (~is_tuned, "others")):
        if not chosen.any():
            continue
        figures = figures_of(judged, chosen, metrics)
        groups = subjects[chosen]
        title = f"{judged.method}: {len(set(groups.tolist()))} {which}"
        lost = int((judged.per_pair["faces"][chosen] == 0).sum())
        notes = [f"{lost} without a face count as not recognised"] if lost else []
        results.append(Result(title, figures, judged.variants, notes))
    return results

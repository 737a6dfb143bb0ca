"""Evaluation of images made from patients: is the expression theirs, and the identity not?"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from palsynth.data.pairs import Pair
from palsynth.errors import InputError
from palsynth.evaluation.intervals import bootstrap, share
from palsynth.evaluation.privacy import FALSE_ACCEPTS, distances, recognised, threshold_at
from palsynth.evaluation.recognition import cosines
from palsynth.evaluation.report import Result
from palsynth.face import topology
from palsynth.face.face import upright
from palsynth.progress import StageProgress
from palsynth.scoring import judges
from palsynth.scoring.features import FeatureCache
from palsynth.scoring.judged import Judged
from palsynth.scoring.panel import Panel, Weights

FALSE_ACCEPT = FALSE_ACCEPTS[0]
"""Share of pairs of two different patients that the recogniser may match."""


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
        self.judges["portraits"] = judges.portraits()
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

    def judge(self, method: str, files: list[Path]) -> Judged:
        """Evaluates a method as :meth:`Panel.judge` does, and against the patients.

        Args:
            method: name of the method.
            files: its images, one per pair.

        Returns:
            Figures and values per pair.

        Raises:
            InputError: an image is missing or cannot be read.
        """
        judged = super().judge(method, files)
        self._against_patients(judged, files)
        return judged

    def _against_patients(self, judged: Judged, files: list[Path]) -> None:
        patients = self.files("expression")
        own, theirs = (
            self._features_of("landmarks", f, judged.method)[:, : topology.SKIN_POINTS]
            for f in (files, patients)
        )
        error = np.linalg.norm(upright(own) - upright(theirs), axis=-1).mean(1)
        self._mean(judged, "patient_landmarks", 100 * error)
        a, b = (self._features_of("identity", f, judged.method) for f in (files, patients))
        similarity = np.array([cosines(x[None], y[None])[0, 0] for x, y in zip(a, b, strict=True)])
        self._mean(judged, "patient_cosine", similarity)
        judged.variants["patient_cosine"] = f"cosine[{self.judges['identity'].name}]"
        self._perceptual(judged, files, patients)
        self._recognised(judged, files)

    def _perceptual(self, judged: Judged, files: list[Path], patients: list[Path]) -> None:
        """Adds the perceptual distance of aligned portraits.

        Aligned, because the position of a face in its image must not count.
        """
        if self.lpips is not None:
            crops = [
                (judges.portrait(a), judges.portrait(b))
                for a, b in zip(files, patients, strict=True)
            ]
            distance = np.array(
                [np.nan if a is None or b is None else self.lpips(a, b) for a, b in crops]
            )
            name = "LPIPS[alexnet], portraits"
        else:
            a, b = (self._features_of("portraits", f, judged.method) for f in (files, patients))
            similarity = [cosines(x[None], y[None])[0, 0] for x, y in zip(a, b, strict=True)]
            distance = 1 - np.array(similarity)
            name = f"1 - cosine[{self.judges['portraits'].name}]"
        self._mean(judged, "patient_perceptual", distance)
        judged.variants["patient_perceptual"] = name

    def _recognised(self, judged: Judged, files: list[Path]) -> None:
        """Adds the share of images that dlib matches to their patient at rest.

        The threshold matches at most one in a hundred pairs of two different patients.
        """
        rest = [self.folder / pair.expression_identity for pair in self.pairs]
        own, known = (self._features_of("dlib", f, judged.method) for f in (files, rest))
        patients = self._features_of("dlib", self.files("expression"), "patients")
        names = self.subjects
        _, first = np.unique(names, return_index=True)
        impostors = names[:, None] != names[first][None]
        threshold = threshold_at(distances(patients, known[first])[impostors], FALSE_ACCEPT)
        hits = recognised(np.linalg.norm(own - known, axis=1), threshold)
        judged.per_pair["recognised"] = hits.astype(float)
        judged.figures["recognised"] = share(hits, names)
        judged.variants["recognised"] = (
            f"matched to the patient[{self.judges['dlib'].name}, below {threshold:.3f}, "
            f"{100 * FALSE_ACCEPT:g} % false accepts]"
        )


GROUPED = ("side_accuracy", "patient_landmarks", "patient_perceptual", "patient_cosine")
"""Columns that are reported separately for the patients that a method was tuned on."""


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
    results = []
    for chosen, which in ((is_tuned, "tuned on"), (~is_tuned, "others")):
        if not chosen.any():
            continue
        groups = subjects[chosen]
        figures = {"recognised": share(judged.per_pair["recognised"][chosen] > 0, groups)}
        for key in GROUPED:
            if key not in judged.per_pair:
                continue
            rows = chosen & np.isfinite(judged.per_pair[key])
            figures[key] = bootstrap(judged.per_pair[key][rows], groups=subjects[rows])
        title = f"{judged.method}: {len(set(groups.tolist()))} {which}"
        lost = int((judged.per_pair["faces"][chosen] == 0).sum())
        notes = [f"{lost} without a face count as not recognised"] if lost else []
        results.append(Result(title, figures, judged.variants, notes))
    return results

"""Pictures made of patients, judged against them: is the expression theirs, and the face not?"""

from __future__ import annotations

from collections.abc import Callable
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
from palsynth.scoring import judges
from palsynth.scoring.features import FeatureCache
from palsynth.scoring.panel import Judged, Panel, Weights

FALSE_ACCEPT = FALSE_ACCEPTS[0]
"""Share of pairs of two patients that a recogniser may take for one person."""


class PatientPanel(Panel):
    """A panel over a set whose expression images show patients at work and whose pairs name each
    patient at rest (``expression_identity``), such as vp-patients."""

    def __init__(
        self, folder: Path, pairs: list[Pair], weights: Weights, cache: FeatureCache,
        progress: Callable[[str, int, int], None] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(folder, pairs, weights, cache, progress)
        self.judges["portraits"] = judges.portraits()
        unnamed = next((p.name for p in pairs if not p.expression_identity), None)
        if unnamed is not None:
            raise InputError(
                f"{folder / 'pairs.csv'}: {unnamed} names no expression_identity, the patient at "
                "rest, against whom recognition is judged"
            )
        if len(set(self.subjects)) < 2:
            raise InputError(
                f"{folder / 'pairs.csv'}: shows one patient alone; recognition is judged at a "
                "threshold that two patients at least have to set"
            )

    def judge(self, method: str, files: list[Path]) -> Judged:
        """As :meth:`Panel.judge`, and against the patients."""
        judged = super().judge(method, files)
        self._against(judged, files)
        return judged

    def _against(self, judged: Judged, files: list[Path]) -> None:
        patients = self.files("expression")
        here, there = (
            self._features_of("landmarks", f, judged.method)[:, : topology.SKIN_POINTS]
            for f in (files, patients)
        )
        far = np.linalg.norm(upright(here) - upright(there), axis=-1).mean(1)
        self._mean(judged, "patient_landmarks", 100 * far)
        a, b = (self._features_of("identity", f, judged.method) for f in (files, patients))
        alike = np.array([cosines(x[None], y[None])[0, 0] for x, y in zip(a, b, strict=True)])
        self._mean(judged, "patient_cosine", alike)
        judged.variants["patient_cosine"] = f"cosine[{self.judges['identity'].name}]"
        self._perceptual(judged, files, patients)
        self._recognised(judged, files)

    def _perceptual(self, judged: Judged, files: list[Path], patients: list[Path]) -> None:
        """Between faces cut out alike: where a face lies in its picture is not how it looks."""
        if self.lpips is not None:
            cut = [(judges.portrait(a), judges.portrait(b))
                   for a, b in zip(files, patients, strict=True)]  # fmt: skip
            apart = np.array([
                np.nan if a is None or b is None else self.lpips(a, b) for a, b in cut
            ])  # fmt: skip
            name = "LPIPS[alexnet], portraits"
        else:
            a, b = (self._features_of("portraits", f, judged.method) for f in (files, patients))
            apart = 1 - np.array([cosines(x[None], y[None])[0, 0]
                                  for x, y in zip(a, b, strict=True)])  # fmt: skip
            name = f"1 - cosine[{self.judges['portraits'].name}]"
        self._mean(judged, "patient_perceptual", apart)
        judged.variants["patient_perceptual"] = name

    def _recognised(self, judged: Judged, files: list[Path]) -> None:
        """Whether dlib takes a picture for its patient, at rest, at a threshold that takes at most
        one pair of two patients in a hundred for one person."""
        rest = [self.folder / pair.expression_identity for pair in self.pairs]
        own, known = (self._features_of("dlib", f, judged.method) for f in (files, rest))
        shown = self._features_of("dlib", self.files("expression"), "patients")
        names = self.subjects
        _, first = np.unique(names, return_index=True)
        impostors = names[:, None] != names[first][None]
        threshold = threshold_at(distances(shown, known[first])[impostors], FALSE_ACCEPT)
        hits = recognised(np.linalg.norm(own - known, axis=1), threshold)
        judged.per_pair["recognised"] = hits.astype(float)
        judged.figures["recognised"] = share(hits, names)
        judged.variants["recognised"] = (
            f"matched to the patient[{self.judges['dlib'].name}, below {threshold:.3f}, "
            f"{100 * FALSE_ACCEPT:g} % false accepts]"
        )


GROUPED = ("side_accuracy", "patient_landmarks", "patient_perceptual", "patient_cosine")
"""Columns that are given apart for patients that were tuned on."""


def tuned_and_others(judged: Judged, tuned: set[str]) -> list[Result]:
    """A method's figures for the patients that it was tuned on, and for all others."""
    subjects = np.array(judged.subjects)
    ours = np.isin(subjects, sorted(tuned))
    out = []
    for chosen, which in ((ours, "tuned on"), (~ours, "others")):
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
        out.append(Result(title, figures, judged.variants, notes))
    return out

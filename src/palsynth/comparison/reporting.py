"""A method's report: its row beside the truth and the copies, plots and sheets."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from palsynth.comparison.plots import (
    contact_sheet,
    distance_plot,
    requested_measured_plot,
)
from palsynth.evaluation.report import PHOTOGRAPHS, SYNTHETIC, Report, Result, blind_columns
from palsynth.scoring.panel import Judged, Panel, check_there, figures_of


def report_of(panel: Panel, name: str, files: list[Path]) -> tuple[Report, dict[str, bytes]]:
    """The report of one method's pictures (one a pair) and its pictures by caption."""
    check_there(files)
    judged = reference_rows(panel)
    own = panel.judge(name, files)
    results = [result_of(j, reference=True) for j in judged] + [result_of(own, reference=False)]
    pictures = {
        f"{name}: asked and measured weakness": requested_measured_plot(own),
        "distance to the identity": distance_plot([*judged, own]),
        f"{name}: best, median and worst by landmark error": contact_sheet(panel, own, files),
    }
    report = headed(panel, results, _groups(panel, own))
    return report, {k: v for k, v in pictures.items() if v is not None}


def reference_rows(panel: Panel) -> list[Judged]:
    """The truth, where there is one, and the two copies."""
    roles = {"copy-identity": "identity", "copy-expression": "expression"}
    if panel.has_truth:
        roles = {"truth": "truth", **roles}
    return [panel.judge(row, panel.files(role)) for row, role in roles.items()]


def headed(panel: Panel, results: list[Result], groups: list[Result]) -> Report:
    """A report over a panel's set, with what must be said of any table of it."""
    subjects = len(set(panel.subjects.tolist()))
    title = f"{panel.folder.resolve().name}: {len(panel.pairs)} pairs of {subjects} people"
    remarks = [
        "Brackets: 95 % bootstrap intervals over people, whose pictures are not independent.",
        *blind_columns(results).values(),
    ]
    notice = SYNTHETIC if panel.synthetic() else PHOTOGRAPHS
    return Report(title, results, remarks, notice, groups)


def _groups(panel: Panel, judged: Judged) -> list[Result]:
    """A method's figures for the people of each gender and ethnicity that the pairs name."""
    out = []
    for of in ("gender", "ethnicity"):
        names = np.array([getattr(pair, of) for pair in panel.pairs])
        for name in sorted(set(names.tolist()) - {""}):
            chosen = names == name
            subjects = len(set(panel.subjects[chosen].tolist()))
            title = f"{judged.method}: {of} {name}, {subjects} people"
            out.append(Result(title, figures_of(judged, chosen)))
    return out


def result_of(judged: Judged, reference: bool) -> Result:
    """The row of a method; what was not averaged is said."""
    notes = []
    for key, values in judged.per_pair.items():
        infinite = int(np.isinf(values).sum())
        if infinite:
            notes.append(f"{infinite} of {len(values)} {key} are infinite (identical pictures)")
    lost = int((judged.per_pair["faces"] == 0).sum())
    if lost:
        notes.append(f"no single face was found in {lost} of {len(judged.names)} pictures")
    return Result(judged.method, judged.figures, judged.variants, notes, reference)

"""The report of a method: its row beside the truth and the copies, plots, contact sheet."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from palsynth.comparison.plots import (
    contact_sheet,
    distance_plot,
    requested_measured_plot,
)
from palsynth.evaluation.metrics import METRICS, metric
from palsynth.evaluation.report import PHOTOGRAPHS, SYNTHETIC, Report, Result, columns_won_by_copies
from palsynth.scoring.judged import Judged, figures_of
from palsynth.scoring.panel import Panel, check_files_exist


def report_of(panel: Panel, name: str, files: list[Path]) -> tuple[Report, dict[str, bytes]]:
    """Evaluates one method and reports it beside the references.

    Args:
        panel: the panel of the benchmark set.
        name: name of the method.
        files: its images, one per pair.

    Returns:
        The report, and its pictures: caption -> PNG bytes.

    Raises:
        InputError: an image is missing, cannot be read, or differs in size from the truth.
    """
    check_files_exist(files)
    judged = reference_rows(panel)
    own = panel.judge(name, files)
    results = [result_of(j, reference=True) for j in judged] + [result_of(own, reference=False)]
    pictures = {
        f"{name}: requested and measured weakness": requested_measured_plot(own),
        "distance to the identity": distance_plot([*judged, own]),
        f"{name}: best, median and worst by landmark error": contact_sheet(panel, own, files),
    }
    report = headed(panel, results, groups_of(panel, own))
    return report, {k: v for k, v in pictures.items() if v is not None}


def reference_rows(panel: Panel) -> list[Judged]:
    """Evaluates the reference rows of a panel.

    Args:
        panel: the panel of the benchmark set.

    Returns:
        The truth, where the set has one, the copies of the identity images and those of the
        expression images.
    """
    roles = {"copy-identity": "identity", "copy-expression": "expression"}
    if panel.has_truth:
        roles = {"truth": "truth", **roles}
    return [panel.judge(row, panel.files(role)) for row, role in roles.items()]


def headed(panel: Panel, results: list[Result], groups: list[Result]) -> Report:
    """Builds a report with the title, remarks and notice of its set.

    Args:
        panel: the panel of the benchmark set.
        results: the rows.
        groups: rows for parts of the set.

    Returns:
        The report.
    """
    subjects = len(set(panel.subjects.tolist()))
    title = f"{panel.folder.resolve().name}: {len(panel.pairs)} pairs of {subjects} people"
    remarks = [
        "Brackets: 95 % bootstrap intervals over people, whose pictures are not independent.",
        *columns_won_by_copies(results).values(),
    ]
    notice = SYNTHETIC if panel.synthetic() else PHOTOGRAPHS
    if not panel.has_truth and notice is PHOTOGRAPHS:
        remarks.append(
            "The CFCPalsy paper's own aFID, PSNR and SSIM on AFLFP and MEEI are not at hand."
        )
    return Report(title, results, remarks, notice, groups)


def groups_of(panel: Panel, judged: Judged) -> list[Result]:
    """A method's figures by gender and by ethnicity, as far as the pairs give them.

    Args:
        panel: the panel of the benchmark set.
        judged: the method's figures and values per pair.

    Returns:
        A row for each group of people.
    """
    metrics = tuple(metric for metric in METRICS if metric.by_people)
    out = []
    for of in ("gender", "ethnicity"):
        names = np.array([getattr(pair, of) for pair in panel.pairs])
        for name in sorted(set(names.tolist()) - {""}):
            chosen = names == name
            subjects = len(set(panel.subjects[chosen].tolist()))
            title = f"{judged.method}: {of} {name}, {subjects} people"
            out.append(Result(title, figures_of(judged, chosen, metrics)))
    return out


def notes_on_dashes(judged: Judged) -> list[str]:
    """Says why figures have no value.

    Args:
        judged: the method's figures.

    Returns:
        A note on each.
    """
    return [f"{metric(key).title}: – ({reason})" for key, reason in judged.reasons.items()]


def result_of(judged: Judged, reference: bool) -> Result:
    """The row of a method in a report.

    Args:
        judged: the method's figures and values per pair.
        reference: whether the row is the truth or a copy, not a method.

    Returns:
        The row, with notes on figures without a value, on infinite values and on images without
        exactly one face.
    """
    notes = notes_on_dashes(judged)
    for key, values in judged.per_pair.items():
        infinite = int(np.isinf(values).sum())
        if infinite:
            notes.append(f"{infinite} of {len(values)} {key} are infinite (identical pictures)")
    lost = int((judged.per_pair["faces"] == 0).sum())
    if lost:
        notes.append(f"no single face was found in {lost} of {len(judged.names)} pictures")
    return Result(judged.method, judged.figures, judged.variants, notes, reference)

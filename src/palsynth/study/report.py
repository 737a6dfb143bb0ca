"""The report of a study: the paper's Table I, agreement of the raters, paired tests."""

from __future__ import annotations

import csv
from dataclasses import asdict
from itertools import combinations
from pathlib import Path

import numpy as np

from palsynth.comparison.plots import axes, png
from palsynth.errors import InputError
from palsynth.evaluation.document import CARE, Document, Table, write_document
from palsynth.evaluation.published import SOURCE, published_ratings
from palsynth.evaluation.study import (
    POINTS,
    QUESTIONS,
    Rating,
    holm,
    krippendorff_alpha,
    summarise,
    wilcoxon,
)
from palsynth.files import atomic_write
from palsynth.study.store import Study


def write_study_report(study: Study, out: Path) -> Table:
    """Writes study.html, .md, .json and answers.csv.

    Args:
        study: the study.
        out: folder of the report.

    Returns:
        The table of means.

    Raises:
        InputError: there are no answers yet.
    """
    answers = study.answers()
    if not answers:
        raise InputError(f"{study.path}: there are no answers yet")
    methods = sorted({a.method for a in answers})
    means = _means(answers, methods)
    items, raters = study.size()
    complete = sum(len(study.answered(r)) == items for r in range(1, raters + 1))
    started = len({a.rater for a in answers})
    remarks = [
        f"{started} of {raters} raters have started, {complete} have rated all {items} pictures.",
        "Mean ± sample standard deviation over all ratings, five points; 5 is best, also for the "
        "difference: the patient must not be recognised.",
        f"Rows in italics: {SOURCE}, 14 raters, other pictures; not comparable figure by figure.",
        "Agreement: Krippendorff's alpha for interval data; 1 perfect, 0 at chance level.",
        "Paired tests: Wilcoxon's signed-rank over the raters' means, corrected for the number of "
        "tests after Holm; a dash where too few raters rated both or all differences are zero.",
    ]
    if started == 1:
        remarks.append(
            "Only one rater has answered: no standard deviation, and agreement and paired tests "
            "are not computed."
        )
    tables = [means, _agreement(answers), *_tests(answers, methods)]
    pictures = {
        f"points by method: {text}": _bars(answers, methods, question)
        for question, text in QUESTIONS.items()
    }
    document = Document(study.title, CARE, tables, remarks, pictures)
    summary = {f"{m}/{q}": asdict(s) for (m, q), s in summarise(answers).items()}
    data = {
        "title": study.title,
        "raters": started,
        "complete": complete,
        "summary": summary,
        "alpha": {q: krippendorff_alpha(answers, q) for q in QUESTIONS},
    }
    write_document(out, "study", document, data)
    with (
        atomic_write(out / "answers.csv") as temporary,
        temporary.open("w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["rater", "pair", "method", "question", "points"])
        writer.writerows([a.rater, a.item, a.method, a.question, a.points] for a in answers)
    return means


def _means(answers: list[Rating], methods: list[str]) -> Table:
    found = summarise(answers)
    rows = [
        [m, *(found[m, q].text() if (m, q) in found else "–" for q in QUESTIONS)] for m in methods
    ]
    published = {q: published_ratings(q) for q in QUESTIONS}
    for method in published["expression"]:
        cells = [
            f"{published[q][method][0]:.2f} ± {published[q][method][1]:.2f}" for q in QUESTIONS
        ]
        rows.append([f"{method} (published)", *cells])
    quiet = set(range(len(methods), len(rows)))
    return Table("Means", ["method", *QUESTIONS], rows, quiet, ["", *QUESTIONS.values()])


def _agreement(answers: list[Rating]) -> Table:
    rows = []
    for question in QUESTIONS:
        alpha = krippendorff_alpha(answers, question)
        rows.append([question, "–" if np.isnan(alpha) else f"{alpha:.3f}"])
    return Table("Agreement of the raters", ["question", "alpha"], rows)


def _tests(answers: list[Rating], methods: list[str]) -> list[Table]:
    found = [
        (one, other, question, *wilcoxon(answers, question, one, other))
        for one, other in combinations(methods, 2)
        for question in QUESTIONS
    ]
    if not found:
        return []
    corrected = holm([row[4] for row in found])
    rows = [
        [
            f"{one} less {other}",
            question,
            "–" if np.isnan(gap) else f"{gap:+.2f}",
            "–" if np.isnan(p) else f"{p:.3f}",
            str(raters),
        ]
        for (one, other, question, gap, _, raters), p in zip(found, corrected, strict=True)
    ]
    columns = ["methods", "question", "mean difference", "p, corrected", "raters"]
    return [Table("Paired tests", columns, rows)]


def _bars(answers: list[Rating], methods: list[str], question: str) -> bytes:
    """Share of each number of points, one bar per method."""
    figure, plot = axes(QUESTIONS[question])
    colours = ("#b35900", "#e0a458", "#d8dee4", "#7fb2e5", "#0969da")
    left = np.zeros(len(methods))
    for points, colour in zip(POINTS, colours, strict=True):
        shares = []
        for method in methods:
            own = [a.points for a in answers if (a.method, a.question) == (method, question)]
            shares.append(100 * own.count(points) / max(1, len(own)))
        plot.barh(methods, shares, left=left, color=colour, label=str(points))
        left += np.array(shares)
    plot.invert_yaxis()
    plot.set_xlabel("% of the ratings")
    plot.legend(
        title="points",
        ncols=5,
        frameon=False,
        fontsize=8,
        loc="upper center",
        bbox_to_anchor=(0.5, -0.15),
    )
    return png(figure)

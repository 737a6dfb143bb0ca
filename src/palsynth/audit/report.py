"""What an audit writes: findings with a verdict, a row a picture, and if asked the worst pairs."""

from __future__ import annotations

import csv
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np

from palsynth.audit.protocol import Audit, Finding, Pictures
from palsynth.comparison.plots import axes, png
from palsynth.evaluation.document import CARE, Document, Table, write_document
from palsynth.evaluation.intervals import Figure
from palsynth.face.images import SHOWS_INPUT, read_image, write_png
from palsynth.files import atomic_write

WORST = 12
"""Pairs shown of each kind."""


def write_audit(
    out: Path, found: Audit, synthetic: Pictures, training: Pictures, holdout: Pictures
) -> None:
    """Writes audit.json, .md, .html and nearest.csv. The report shows no training picture."""
    verdict = verdict_of(found)
    rows = [
        [f.name, _text(f.found), _text(f.impostors), f.limit or "–",
         "–" if f.verdict == "shown" else f.verdict]
        for f in found.findings
    ]  # fmt: skip
    columns = ["finding", "synthetic set", "hold-out", "limit", "verdict"]
    counts = ", ".join(
        f"{name} {len(s.rows)} pictures of {len(set(s.subjects))} subjects"
        for name, s in (("synthetic", synthetic), ("training", training), ("hold-out", holdout))
    )
    remarks = [
        f"Compared: {counts}.",
        "The hold-out are people that the method has not seen: what it scores, chance scores. A "
        "picture of a synthetic set may look like somebody in training by chance, as a stranger's "
        "may.",
        "Brackets: 95 % bootstrap intervals over subjects.",
        "Passing says that these attacks found nothing; it does not prove that none would.",
        *found.remarks,
    ]
    table = Table(f"Verdict: {verdict}", columns, rows)
    pictures = {"distance to the nearest training face": _histogram(found)}
    document = Document(f"Audit of {synthetic.folder.resolve().name}", CARE, [table], remarks,
                        pictures)  # fmt: skip
    data = {"verdict": verdict, "findings": [asdict(f) for f in found.findings],
            "remarks": remarks}  # fmt: skip
    write_document(out, "audit", document, data)
    _write_nearest(out / "nearest.csv", found, synthetic, training)


def verdict_of(found: Audit) -> str:
    """The verdict over a set in one word."""
    if any(f.verdict == "FAILED" for f in found.findings):
        return "FAILED"
    return "passed" if found.passed else "undecided"


def print_findings(findings: list[Finding]) -> None:
    """A line a finding."""
    for f in findings:
        mark = "" if f.verdict == "shown" else f.verdict
        against = f"; hold-out {_text(f.impostors)}" if f.impostors else ""
        print(f"{mark:9}  {f.name}: {_text(f.found)}{against}")


def show_pairs(path: Path, found: Audit, synthetic: Pictures, training: Pictures) -> None:
    """The worst pairs side by side, synthetic left, by look (first row) and by face."""
    by_appearance = np.argsort(-found.matches.correlation)[:WORST]
    seen = np.flatnonzero(found.faces.index >= 0)
    by_face = seen[np.argsort(found.faces.distance[seen])]
    blocks = []
    for title, chosen, other in (
        ("by look", by_appearance, found.matches.index),
        ("by face", by_face[:WORST], found.faces.index),
    ):
        cells = []
        for k in chosen:
            pair = [synthetic.path(int(k)), training.path(int(other[k]))]
            shown = [cv2.resize(read_image(p), (112, 112), interpolation=cv2.INTER_AREA)
                     for p in pair]  # fmt: skip
            cells.append(np.hstack([*shown, np.full((112, 8, 3), 255, np.uint8)]))
        cells += [np.full((112, 232, 3), 255, np.uint8)] * (WORST - len(cells))
        row = np.vstack([np.hstack(cells[i : i + 4]) for i in range(0, WORST, 4)])
        band = np.full((24, row.shape[1], 3), 255, np.uint8)
        text = f"nearest {title}: synthetic, training"
        cv2.putText(band, text, (4, 17), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (40, 40, 40), 1,
                    cv2.LINE_AA)  # fmt: skip
        blocks += [band, row]
    write_png(path, np.vstack(blocks), **SHOWS_INPUT)


def _write_nearest(path: Path, found: Audit, synthetic: Pictures, training: Pictures) -> None:
    with atomic_write(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["file_name", "nearest_by_look", "correlation", "near_duplicate",
                         "nearest_by_face", "distance"])  # fmt: skip
        for k, row in enumerate(synthetic.rows):
            face = int(found.faces.index[k])
            writer.writerow([
                row.file_name, training.rows[int(found.matches.index[k])].file_name,
                f"{found.matches.correlation[k]:.4f}", int(found.near_duplicates[k]),
                training.rows[face].file_name if face >= 0 else "",
                f"{found.faces.distance[k]:.4f}" if face >= 0 else "",
            ])  # fmt: skip


def _text(figure: Figure | None) -> str:
    if figure is None or np.isnan(figure.value):
        return "–"
    return figure.text(2 if abs(figure.value) > 2 else 3)


def _histogram(found: Audit) -> bytes:
    figure, plot = axes("Distance to the nearest face in training")
    top = float(np.nanmax([np.nanmax(found.faces.distance), np.nanmax(found.impostors.distance)]))
    for name, values in (
        ("synthetic", found.faces.distance),
        ("hold-out", found.impostors.distance),
    ):
        plot.hist(values[~np.isnan(values)], np.linspace(0, top, 50), histtype="step",
                  density=True, linewidth=1.6, label=name)  # fmt: skip
    plot.set_xlabel("distance")
    plot.set_yticks([])
    plot.legend(frameon=False, fontsize=8)
    return png(figure)

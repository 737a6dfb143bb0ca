"""The report of an audit: findings and verdict, nearest matches, optionally the worst pairs."""

from __future__ import annotations

import csv
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np

from palsynth.audit.findings import Finding
from palsynth.audit.image_set import ImageSet
from palsynth.audit.protocol import Audit
from palsynth.comparison.plots import axes, png
from palsynth.evaluation.document import CARE, Document, Table, write_document
from palsynth.evaluation.intervals import Figure
from palsynth.face.images import SHOWS_INPUT, read_image, write_png
from palsynth.files import atomic_write

WORST = 12
"""Pairs shown by appearance and by face."""


def write_audit(
    out: Path, found: Audit, synthetic: ImageSet, training: ImageSet, holdout: ImageSet
) -> None:
    """Writes audit.json, .md and .html, which show no training image, and nearest.csv.

    Args:
        out: folder of the report.
        found: the audit.
        synthetic: the synthetic set.
        training: the training set.
        holdout: the hold-out set.
    """
    verdict = verdict_of(found)
    rows = [
        [
            f.name,
            _text(f.found),
            _text(f.impostors),
            f.limit or "–",
            "–" if f.verdict == "shown" else f.verdict,
        ]
        for f in found.findings
    ]
    columns = ["finding", "synthetic set", "hold-out", "limit", "verdict"]
    counts = ", ".join(
        f"{name} {len(s.rows)} pictures of {len(set(s.subjects))} subjects"
        for name, s in (("synthetic", synthetic), ("training", training), ("hold-out", holdout))
    )
    remarks = [
        f"Compared: {counts}.",
        "The hold-out shows people not in the training set: its figures are those of chance. A "
        "synthetic picture may match a training subject by chance, as a hold-out picture may.",
        "Brackets: 95 % bootstrap intervals over subjects.",
        "A set that passes withstood these attacks; other attacks may still succeed.",
        *found.remarks,
    ]
    table = Table(f"Verdict: {verdict}", columns, rows)
    pictures = {"distance to the nearest training face": _histogram(found)}
    title = f"Audit of {synthetic.folder.resolve().name}"
    document = Document(title, CARE, [table], remarks, pictures)
    data = {
        "verdict": verdict,
        "findings": [asdict(f) for f in found.findings],
        "remarks": remarks,
    }
    write_document(out, "audit", document, data)
    _write_nearest(out / "nearest.csv", found, synthetic, training)


def verdict_of(found: Audit) -> str:
    """The verdict on a whole set.

    Args:
        found: the audit.

    Returns:
        ``FAILED`` if any finding failed, else ``passed`` or ``undecided``.
    """
    if any(f.verdict == "FAILED" for f in found.findings):
        return "FAILED"
    return "passed" if found.passed else "undecided"


def print_findings(findings: list[Finding]) -> None:
    """Prints one line per finding.

    Args:
        findings: the findings of an audit.
    """
    for f in findings:
        verdict = "" if f.verdict == "shown" else f.verdict
        holdout = f"; hold-out {_text(f.impostors)}" if f.impostors else ""
        print(f"{verdict:9}  {f.name}: {_text(f.found)}{holdout}")


def show_pairs(path: Path, found: Audit, synthetic: ImageSet, training: ImageSet) -> None:
    """Writes the closest pairs side by side, the synthetic image left; shows training images.

    Args:
        path: the PNG file.
        found: the audit.
        synthetic: the synthetic set.
        training: the training set.
    """
    by_appearance = np.argsort(-found.matches.correlation)[:WORST]
    with_face = np.flatnonzero(found.faces.index >= 0)
    by_face = with_face[np.argsort(found.faces.distance[with_face])]
    blocks = []
    for title, chosen, nearest in (
        ("by appearance", by_appearance, found.matches.index),
        ("by face", by_face[:WORST], found.faces.index),
    ):
        cells = []
        for k in chosen:
            pair = [synthetic.path(int(k)), training.path(int(nearest[k]))]
            images = [
                cv2.resize(read_image(p), (112, 112), interpolation=cv2.INTER_AREA) for p in pair
            ]
            cells.append(np.hstack([*images, np.full((112, 8, 3), 255, np.uint8)]))
        cells += [np.full((112, 232, 3), 255, np.uint8)] * (WORST - len(cells))
        row = np.vstack([np.hstack(cells[i : i + 4]) for i in range(0, WORST, 4)])
        band = np.full((24, row.shape[1], 3), 255, np.uint8)
        text = f"nearest {title}: synthetic, training"
        font, grey = cv2.FONT_HERSHEY_SIMPLEX, (40, 40, 40)
        cv2.putText(band, text, (4, 17), font, 0.45, grey, 1, cv2.LINE_AA)
        blocks += [band, row]
    write_png(path, np.vstack(blocks), **SHOWS_INPUT)


def _write_nearest(path: Path, found: Audit, synthetic: ImageSet, training: ImageSet) -> None:
    with (
        atomic_write(path) as temporary,
        temporary.open("w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(
            [
                "file_name",
                "nearest_by_look",
                "correlation",
                "near_duplicate",
                "nearest_by_face",
                "distance",
            ]
        )
        for k, row in enumerate(synthetic.rows):
            face = int(found.faces.index[k])
            writer.writerow(
                [
                    row.file_name,
                    training.rows[int(found.matches.index[k])].file_name,
                    f"{found.matches.correlation[k]:.4f}",
                    int(found.near_duplicates[k]),
                    training.rows[face].file_name if face >= 0 else "",
                    f"{found.faces.distance[k]:.4f}" if face >= 0 else "",
                ]
            )


def _text(figure: Figure | None) -> str:
    if figure is None:
        return "–"
    return figure.text(2 if abs(figure.value) > 2 else 3)


def _histogram(found: Audit) -> bytes:
    figure, plot = axes("Distance to the nearest training face")
    distances = np.concatenate([found.faces.distance, found.impostors.distance])
    top = float(np.max(distances[~np.isnan(distances)], initial=0)) or 1.0
    for name, values in (
        ("synthetic", found.faces.distance),
        ("hold-out", found.impostors.distance),
    ):
        plot.hist(
            values[~np.isnan(values)],
            np.linspace(0, top, 50),
            histtype="step",
            density=True,
            linewidth=1.6,
            label=name,
        )
    plot.set_xlabel("distance")
    plot.set_yticks([])
    plot.legend(frameon=False, fontsize=8)
    return png(figure)

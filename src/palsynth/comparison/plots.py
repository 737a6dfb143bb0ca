"""What people would rather look at than read: plots and sheets of an evaluation."""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np

from palsynth.encoders.published.dlib import SAME_PERSON
from palsynth.evaluation.requested import CLEAR
from palsynth.face.images import png_bytes, read_image
from palsynth.scoring.panel import Judged, Panel

ROWS = 6
"""Pairs shown of the best, of the middle and of the worst."""


def requested_measured_plot(judged: Judged) -> bytes | None:
    """Asked against measured weakness of the patient's left, a dot a picture, as PNG."""
    requested, measured = (judged.per_pair.get(key) for key in ("requested", "measured"))
    if requested is None or measured is None or np.isnan(measured).all():
        return None
    figure, plot = axes(f"{judged.method}: asked and measured")
    clear = np.abs(requested) >= CLEAR
    plot.scatter(requested[clear], 100 * measured[clear], s=12, alpha=0.6, color="#0969da",
                 label=f"a side clearly asked for (difference of at least {CLEAR:g})")  # fmt: skip
    plot.scatter(requested[~clear], 100 * measured[~clear], s=12, alpha=0.5, color="#8c959f",
                 label="none")  # fmt: skip
    plot.axhline(0, color="#d8dee4", zorder=0)
    plot.axvline(0, color="#d8dee4", zorder=0)
    plot.set_xlabel("asked: how much weaker the patient's left is to be")
    plot.set_ylabel("measured asymmetry, % of the outer-eye distance")
    plot.legend(frameon=False, fontsize=8)
    return png(figure)


def distance_plot(methods: list[Judged]) -> bytes | None:
    """Histograms of dlib's distance to the identity image, a line a method, as PNG."""
    figure, plot = axes(
        f"Distance to the person of the identity image (dlib; below {SAME_PERSON}: the same)"
    )
    bins = np.linspace(0, 1.2, 49)
    drawn = False
    for judged in methods:
        values = judged.per_pair.get("identity_distance", np.array([]))
        values = values[np.isfinite(values)]
        if len(values) and values.max() > 0:
            plot.hist(values, bins, histtype="step", linewidth=1.6, label=judged.method)
            drawn = True
    plot.axvline(SAME_PERSON, color="#8c959f", linestyle="--", linewidth=1)
    plot.set_xlabel("distance")
    plot.set_ylabel("pictures")
    plot.legend(frameon=False, fontsize=8)
    return png(figure) if drawn else None


def contact_sheet(panel: Panel, judged: Judged, files: list[Path]) -> bytes | None:
    """Best, median and worst pairs by landmark error, as PNG: identity, expression, truth, made."""
    errors = judged.per_pair.get("landmark_error")
    if errors is None or np.isnan(errors).all():
        return None
    order = np.argsort(np.where(np.isnan(errors), np.inf, errors))
    middle = max(0, len(order) // 2 - ROWS // 2)
    parts = {"best": order[:ROWS], "median": order[middle : middle + ROWS], "worst": order[-ROWS:]}
    roles = [panel.files(role) for role in ("identity", "expression", "truth")] + [files]
    blocks = []
    for name, chosen in parts.items():
        rows = [np.hstack([read_image(role[k]) for role in roles]) for k in chosen]
        block = np.vstack(rows)
        band = np.full((26, block.shape[1], 3), 255, np.uint8)
        text = f"{name}: identity, expression, truth, made"
        cv2.putText(band, text, (4, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (40, 40, 40), 1,
                    cv2.LINE_AA)  # fmt: skip
        blocks.append(np.vstack([band, block]))
    return png_bytes(np.hstack(blocks))  # each has as many rows: ROWS, or all that there are


def axes(title: str):  # type: ignore[no-untyped-def]
    """A figure and its one plot, in the style of the reports."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), dpi=130, layout="tight")
    FigureCanvasAgg(figure)
    plot = figure.add_subplot()
    plot.set_title(title, fontsize=10)
    plot.spines[["top", "right"]].set_visible(False)
    return figure, plot


def png(figure) -> bytes:  # type: ignore[no-untyped-def]
    """A figure as PNG bytes, the same on every machine with these fonts."""
    data = io.BytesIO()
    figure.savefig(data, format="png", metadata={"Software": None})
    return data.getvalue()

"""Plots and contact sheets of an evaluation."""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from palsynth.encoders.published.dlib import SAME_PERSON
from palsynth.evaluation.requested import CLEAR
from palsynth.face.images import SHOWS_INPUT, png_bytes, read_image
from palsynth.scoring.judged import Judged
from palsynth.scoring.panel import Panel

ROWS = 6
"""Rows of each block of the contact sheet: the best, the median and the worst pairs."""


def requested_measured_plot(judged: Judged) -> bytes | None:
    """Plots the measured over the requested asymmetry, one dot per image.

    Args:
        judged: A method's values per pair.

    Returns:
        PNG bytes, or None without measured values.
    """
    requested, measured = (judged.per_pair.get(key) for key in ("requested", "measured"))
    if requested is None or measured is None or np.isnan(measured).all():
        return None
    figure, plot = axes(f"{judged.method}: requested and measured")
    clear = np.abs(requested) >= CLEAR
    for dots, alpha, colour, label in (
        (clear, 0.6, "#0969da", f"one side clearly requested (difference of at least {CLEAR:g})"),
        (~clear, 0.5, "#8c959f", "none"),
    ):
        plot.scatter(
            requested[dots], 100 * measured[dots], s=12, alpha=alpha, color=colour, label=label
        )
    plot.axhline(0, color="#d8dee4", zorder=0)
    plot.axvline(0, color="#d8dee4", zorder=0)
    plot.set_xlabel("requested: how much weaker the patient's left should be")
    plot.set_ylabel("measured asymmetry, % of the outer-eye distance")
    plot.legend(frameon=False, fontsize=8)
    return png(figure)


def distance_plot(methods: list[Judged]) -> bytes | None:
    """Plots histograms of dlib's distance to the identity image, one line per method.

    Args:
        methods: values per pair of each method; those without distances, and copies of the
            identity image, are left out.

    Returns:
        PNG bytes, or None without any distances.
    """
    figure, plot = axes(
        f"Distance to the person of the identity image (dlib; below {SAME_PERSON}: the same)"
    )
    bins = np.linspace(0, 1.2, 49)
    plotted = False
    for judged in methods:
        values = judged.per_pair.get("identity_distance", np.array([]))
        values = values[np.isfinite(values)]
        if len(values) and values.max() > 0:
            plot.hist(values, bins, histtype="step", linewidth=1.6, label=judged.method)
            plotted = True
    plot.axvline(SAME_PERSON, color="#8c959f", linestyle="--", linewidth=1)
    plot.set_xlabel("distance")
    plot.set_ylabel("pictures")
    plot.legend(frameon=False, fontsize=8)
    return png(figure) if plotted else None


def contact_sheet(panel: Panel, judged: Judged, files: list[Path]) -> bytes | None:
    """Shows the best, median and worst pairs by landmark error.

    Args:
        panel: the panel of the benchmark set.
        judged: the method's values per pair.
        files: the method's images, one per pair.

    Returns:
        PNG bytes; each row has the identity image, the expression image, the truth and the
        method's image. None where no landmark error is known.
    """
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
        font, grey = cv2.FONT_HERSHEY_SIMPLEX, (40, 40, 40)
        cv2.putText(band, text, (4, 18), font, 0.42, grey, 1, cv2.LINE_AA)
        blocks.append(np.vstack([band, block]))
    # blocks have equal heights: ROWS rows, or all pairs
    return png_bytes(np.hstack(blocks), **SHOWS_INPUT)


def axes(title: str):  # type: ignore[no-untyped-def]
    """Makes a figure in the style of the reports.

    Args:
        title: title of the plot.

    Returns:
        The matplotlib figure and its only axes.
    """
    figure = Figure(figsize=(7, 4.5), dpi=130, layout="tight")
    FigureCanvasAgg(figure)
    plot = figure.add_subplot()
    plot.set_title(title, fontsize=10)
    plot.spines[["top", "right"]].set_visible(False)
    return figure, plot


def png(figure) -> bytes:  # type: ignore[no-untyped-def]
    """Encodes a figure as PNG.

    Args:
        figure: the matplotlib figure.

    Returns:
        PNG bytes, without metadata, so that they are reproducible with the same fonts.
    """
    data = io.BytesIO()
    figure.savefig(data, format="png", metadata={"Software": None})
    return data.getvalue()

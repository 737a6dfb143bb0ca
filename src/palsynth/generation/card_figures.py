"""What a data set's card counts and compares: labels, requested against measured, identities."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from palsynth.clinical import Grade, Movement, Palsy, Side
from palsynth.data.manifest import SPLITS, Row
from palsynth.errors import InputError
from palsynth.evaluation.agreement import weighted_kappa
from palsynth.evaluation.intervals import Figure, bootstrap, share
from palsynth.evaluation.requested import (
    CLEAR,
    REGIONS,
    UNANSWERED,
    RequestedMeasures,
    rank_agreement,
)
from palsynth.face.scoring import ANSWERS
from palsynth.generation.gate import FAULTS

FEWEST = 10
"""Fewest pictures of which a figure says anything: of fewer, intervals and ranks are chance."""

RESAMPLES = 300
"""Resamples of the intervals."""

Counts = list[tuple[str, int]]


def counts(rows: Sequence[Row]) -> dict[str, Counts]:
    """Counts the pictures of a set by their labels.

    Args:
        rows: its rows.

    Returns:
        Heading of a table -> value and number of pictures, in the order of the field.
    """
    tables: dict[str, tuple[list[Any], Sequence[Any]]] = {
        "split": ([row.split for row in rows], SPLITS),
        "movement": ([row.movement for row in rows], tuple(Movement)),
        "weak side": ([weak_side(row) for row in rows], (*Side, "neither")),
        "House-Brackmann grade": ([row.hb_grade for row in rows], tuple(Grade)),
        "Yanagihara item": ([row.yanagihara_item for row in rows], (0, 2, 4)),
    }
    return {name: _ordered(values, order) for name, (values, order) in tables.items()}


def weak_side(row: Row) -> str | None:
    """The weak side of a picture by its labels.

    Args:
        row: its row.

    Returns:
        ``left``, ``right``, ``neither`` where the palsy or grade I says so, or None if unknown.
    """
    known = row.palsy is not None or row.hb_grade == Grade.I.value
    return "neither" if row.side is None and known else row.side


def _ordered(values: Sequence[Any], order: Sequence[Any]) -> Counts:
    found = Counter("unknown" if value is None else str(value) for value in values)
    names = [str(getattr(value, "value", value)) for value in order]
    return [(name, found[name]) for name in [*names, "unknown"] if found[name]]


def requested_figures(rows: Sequence[Row]) -> list[tuple[str, str, str]]:
    """Compares what was requested of pictures with what is measured in them.

    Of patients, whose palsies are not known branch by branch, the request is what their raters
    said: the weak side, and the item score.

    Args:
        rows: the rows of a set.

    Returns:
        Name, figure with its interval over subjects, and the number of pictures; a dash and the
        reason where there are too few pictures for a figure.
    """
    known = [row for row in rows if row.movement is not None]
    found = _measures(known)
    subjects = np.array([row.subject_id for row in known])
    movement = np.array([row.movement for row in known])
    clear, scored = found.clear(), found.measured_score >= 0

    def side() -> Figure:
        return share(found.side_accuracy()[clear], subjects[clear])

    def rank(region: str) -> Figure:
        chosen = (found.region == region) & ~np.isnan(found.measured) & ~np.isnan(found.requested)
        values = (found.region, movement, found.requested, found.measured)
        return bootstrap(
            *(v[chosen] for v in values),
            groups=subjects[chosen],
            statistic=partial(rank_agreement, which=region),
            num_resamples=RESAMPLES,
        )

    def kappa() -> Figure:
        return bootstrap(
            found.requested_score[scored],
            found.measured_score[scored],
            groups=subjects[scored],
            statistic=weighted_kappa,
            num_resamples=RESAMPLES,
        )

    named = f"side accuracy, %, where the sides' functions differ by {CLEAR:g} or more"
    out = [_line(named, 1, side)]
    out += [
        _line(
            f"Spearman's correlation of weakness and asymmetry, {region}", 2, partial(rank, region)
        )
        for region in REGIONS
    ]
    return [*out, _line("quadratic weighted kappa of Yanagihara items", 2, kappa)]


def _difference(row: Row, movement: Movement) -> float:
    """How much weaker the left is to look than the right, -1 to 1; NaN if that is not known.

    Raters give a side and a score: 4 is taken for no difference, 2 for half of one, 0 for all.
    """
    if row.palsy is not None:
        palsy = Palsy.from_dict(row.palsy)
        left, right = (palsy.movement_function(movement, side) for side in Side)
        return right - left
    if row.side is None or row.yanagihara_item is None:
        return float("nan")
    lost = 1 - row.yanagihara_item / 4
    return lost if row.side == Side.LEFT.value else -lost


def _measures(rows: Sequence[Row]) -> RequestedMeasures:
    """Requested and measured expressions of rows whose movement is known."""
    requested, measured, region, requested_score, measured_score = [], [], [], [], []
    for row in rows:
        movement = Movement(str(row.movement))
        answer, of_picture = ANSWERS.get(movement), row.measured or {}
        asymmetry, score = of_picture.get("asymmetry"), of_picture.get("yanagihara_item")
        known = score is not None and row.yanagihara_item is not None
        requested.append(_difference(row, movement))
        measured.append(np.nan if asymmetry is None else asymmetry)
        region.append(UNANSWERED if answer is None else answer.region)
        requested_score.append(row.yanagihara_item if known else 0)
        measured_score.append(score if known else -1)
    return RequestedMeasures(
        np.array(requested, np.float64),
        np.array(measured, np.float64),
        np.array(region, np.str_),
        np.array(requested_score, np.int64),
        np.array(measured_score, np.int64),
    )


def _line(name: str, digits: int, compute: Callable[[], Figure]) -> tuple[str, str, str]:
    try:
        figure = compute()
    except InputError as error:
        return name, "–", str(error)
    pictures = f"{figure.count} picture{'' if figure.count == 1 else 's'}"
    if figure.count < FEWEST:
        return name, "–", f"{pictures}: too few"
    text = figure.text(digits)
    return name, text, f"{pictures}: all alike" if text == "–" else pictures


def similarities(rows: Sequence[Row], gallery: np.ndarray) -> list[tuple[str, str, str]]:
    """Cosine similarities by our recogniser.

    Args:
        rows: the rows of a set, whose ``similarity`` to their identity at rest is measured.
        gallery: (N, D) unit vectors of identities at rest.

    Returns:
        What is compared, median and range, and the number of pairs.
    """
    found = [(row.measured or {}).get("similarity") for row in rows]
    own = [similarity for similarity in found if similarity is not None]
    upper = np.triu_indices(len(gallery), 1)
    between = (gallery @ gallery.T)[upper]
    return [
        ("picture and its identity at rest", *_spread(np.array(own))),
        ("two identities at rest", *_spread(between)),
    ]


def _spread(values: np.ndarray) -> tuple[str, str]:
    if not len(values):
        return "–", "there are none"
    low, middle, high = (float(v) for v in (values.min(), np.median(values), values.max()))
    return f"{middle:.2f} ({low:.2f} to {high:.2f})", f"{len(values)} pairs"


def gate_counts(rows: Sequence[Row], left_out: Sequence[dict[str, Any]]) -> Counts:
    """Counts what the quality gate did.

    Args:
        rows: the rows of the set.
        left_out: the pictures that did not pass: file name, faults, attempts.

    Returns:
        What happened, and how often: attempts, refused ones by fault (one may have several),
        pictures by the attempt that passed, and those left out by the faults of their last one.
    """
    attempts = Counter((row.measured or {}).get("attempts", 1) for row in rows)
    made = sum(number * count for number, count in attempts.items())
    made += sum(one["attempts"] for one in left_out)
    tried = [*((row.measured or {}) for row in rows), *left_out]
    refused = Counter(
        fault
        for one in tried
        for attempt in str(one.get("earlier_faults", "")).split("; ")
        for fault in attempt.split(", ")
    )
    refused.update(fault for one in left_out for fault in one["faults"])
    lines = [("pictures made", made)]
    lines += [(f"refused: {text}", refused[key]) for key, text in FAULTS.items() if refused[key]]
    lines += [(f"passed at attempt {number}", attempts[number]) for number in sorted(attempts)]
    lines.append(("left out", len(left_out)))
    faults = Counter(fault for one in left_out for fault in one["faults"])
    lines += [(f"left out: {text}", faults[key]) for key, text in FAULTS.items() if faults[key]]
    return lines

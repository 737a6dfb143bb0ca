"""The registry of metrics, which reports, tables, the documentation and the command's help read."""

from __future__ import annotations

from importlib import import_module

from palsynth.errors import InputError
from palsynth.evaluation.metric import FAMILIES, NEEDS, Metric, Weights

MODULES = (
    "fidelity",
    "identity",
    "variety",
    "expression",
    "patient",
    "distribution",
    "cycle",
    "quality",
)
"""Modules of this package that hold metrics, each in its ``METRICS``."""


def _collected() -> tuple[Metric, ...]:
    found = [m for name in MODULES for m in import_module(f"palsynth.evaluation.{name}").METRICS]
    return tuple(sorted(found, key=lambda metric: list(FAMILIES).index(metric.family)))


METRICS: tuple[Metric, ...] = _collected()
"""All metrics by family, in the order of the columns."""


def _indexed(metrics: tuple[Metric, ...]) -> dict[str, Metric]:
    out: dict[str, Metric] = {}
    for one in metrics:
        if one.key in out:
            raise InputError(f"metric '{one.key}': is registered twice; rename one of them")
        out[one.key] = one
    return out


_BY_KEY = _indexed(METRICS)


def metric(key: str) -> Metric:
    """Finds a metric.

    Args:
        key: its key.

    Returns:
        The metric.

    Raises:
        InputError: no metric has that key.
    """
    if key not in _BY_KEY:
        raise InputError(
            f"figure '{key}' is of no metric in palsynth.evaluation.metrics; register it, or use "
            "the version of palsynth that has it"
        )
    return _BY_KEY[key]


def titles(weights: Weights) -> str:
    """Names the columns of ``palsynth evaluate`` that published weights change.

    Args:
        weights: the weights.

    Returns:
        Such as ``FID and KID x 1000``.
    """
    out = [m.title for m in _of_evaluate() if m.weights == weights]
    return " and ".join([", ".join(out[:-1]), out[-1]] if len(out) > 1 else out)


def help_text() -> str:
    """Describes the columns of ``palsynth evaluate``, one line each under their family."""
    lines = []
    for family, heading in FAMILIES.items():
        found = [m for m in _of_evaluate() if m.family == family]
        if found:
            lines += [f"{heading}:", *(f"- {m.heading}: {m.meaning}" for m in found), ""]
    alone = [m.title for m in _of_evaluate() if "pairs" not in m.needs]
    return "\n".join([*lines, f"Without pairs.csv: {', '.join(alone)}."])


def markdown_table() -> str:
    """Describes all metrics in a Markdown table, for the documentation."""
    lines = ["| column | meaning | judge | needs |", "|---|---|---|---|"]
    for one in METRICS:
        needs = ", ".join(NEEDS[need] for need in one.needs)
        lines.append(f"| {one.heading} | {one.meaning} | {one.judge} | {needs} |")
    return "\n".join(lines) + "\n"


def _of_evaluate() -> list[Metric]:
    return [m for m in METRICS if not {"patients", "round trip"} & set(m.needs)]

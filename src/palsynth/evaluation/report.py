"""Reports: the figures of several methods, as JSON, Markdown and one HTML page."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from palsynth.documents import read_json
from palsynth.errors import InputError
from palsynth.evaluation import document
from palsynth.evaluation.document import CARE, Document, Table, write_document
from palsynth.evaluation.intervals import Figure
from palsynth.evaluation.metric import FAMILIES, Metric
from palsynth.evaluation.metrics import METRICS, metric
from palsynth.evaluation.published import published_tables

SYNTHETIC = f"{CARE} All pictures shown are synthetic."
"""Notice of reports without photographs."""

PHOTOGRAPHS = f"{CARE} Shows photographs of real people: do not publish it."
"""Notice of reports with photographs."""


@dataclass(frozen=True)
class Result:
    """The row of a method.

    Attributes:
        method: name of the method.
        figures: key of the metric -> figure.
        variants: key of the metric -> full name of the figure, with the weights behind it.
        notes: caveats for the reader, such as infinite values or missing faces.
        reference: the row is not a method but the truth, a copy or a published figure.

    Raises:
        InputError: a key is of no registered metric.
    """

    method: str
    figures: dict[str, Figure]
    variants: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    reference: bool = False

    def __post_init__(self) -> None:
        for key in (*self.figures, *self.variants):
            metric(key)


@dataclass(frozen=True)
class Report:
    """The figures of several methods over one set.

    Attributes:
        title: name and size of the set.
        results: the rows, references first.
        remarks: list below the tables.
        notice: text under the title.
        groups: the same figures by gender and ethnicity.
    """

    title: str
    results: list[Result]
    remarks: list[str] = field(default_factory=list)
    notice: str = SYNTHETIC
    groups: list[Result] = field(default_factory=list)

    def columns(self) -> list[Metric]:
        """The metrics that at least one row has."""
        return _columns(self.results)


def _columns(results: list[Result]) -> list[Metric]:
    return [m for m in METRICS if any(m.key in r.figures for r in results)]


def columns_won_by_copies(results: list[Result]) -> dict[str, str]:
    """Finds the columns in which a copy is at least as good as the truth.

    A figure by which copying the identity image or the expression image is at least as good as the
    truth cannot judge a method alone.

    Args:
        results: the rows, with the references "truth", "copy-identity" and "copy-expression".

    Returns:
        Key of the metric -> remark.
    """
    by_name = {r.method: r for r in results}
    out: dict[str, list[str]] = {}
    for column in METRICS:
        for copy in ("copy-identity", "copy-expression"):
            if copy not in by_name or "truth" not in by_name:
                continue
            own, truth = (by_name[n].figures.get(column.key) for n in (copy, "truth"))
            if own is None or truth is None or math.isnan(own.value) or math.isnan(truth.value):
                continue
            sign = 1 if column.better == "up" else -1
            if sign * own.value >= sign * truth.value - 1e-9:
                out.setdefault(column.key, []).append(copy)
    return {
        key: f"{metric(key).title} cannot judge a method alone: {' and '.join(copies)} "
        f"score{'s' if len(copies) == 1 else ''} no worse than the truth"
        for key, copies in out.items()
    }


def to_document(report: Report, pictures: dict[str, bytes]) -> Document:
    """Converts a report to a document.

    Args:
        report: the report.
        pictures: caption -> PNG bytes.

    Returns:
        A document with one table per family of columns, then the groups and the published figures.
    """
    tables = []
    for family, heading in FAMILIES.items():
        columns = [c for c in report.columns() if c.family == family]
        if columns:
            tables.append(_table(heading, "method", columns, report.results))
    columns = _columns(report.groups)
    if columns:
        tables.append(_table("By group", "group", columns, report.groups))
    tables += published_tables()
    return Document(report.title, report.notice, tables, _remarks(report), pictures)


def _table(heading: str, name: str, columns: list[Metric], results: list[Result]) -> Table:
    rows = [[r.method, *(_cell(r, c) for c in columns)] for r in results]
    quiet = {number for number, r in enumerate(results) if r.reference}
    hints = ["", *(c.blind for c in columns)]
    return Table(heading, [name, *(c.heading for c in columns)], rows, quiet, hints)


def to_markdown(report: Report) -> str:
    """Formats a report as Markdown: one table per family of columns, then the remarks.

    Args:
        report: the report.

    Returns:
        Markdown text.
    """
    return document.to_markdown(to_document(report, {}))


def to_html(report: Report, pictures: dict[str, bytes]) -> str:
    """Formats a report as one self-contained HTML page.

    Args:
        report: the report.
        pictures: caption -> PNG bytes.

    Returns:
        The page.
    """
    return document.to_html(to_document(report, pictures))


def read_report(path: Path) -> Report:
    """Reads a report from its JSON file.

    Args:
        path: a report.json.

    Returns:
        The report.

    Raises:
        InputError: if the file cannot be read, is not a report, or has a figure of an unknown
            metric.
    """
    data = read_json(path, "evaluate again")
    try:
        rows = {name: [_read(row) for row in data[name]] for name in ("results", "groups")}
        return TypeAdapter(Report).validate_python({**data, **rows})
    except ValidationError as error:
        fault = error.errors()[0]
        if isinstance(cause := fault.get("ctx", {}).get("error"), InputError):
            raise InputError(f"{path}: {cause}") from None
        what = f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"
    except (KeyError, TypeError, AttributeError) as error:
        what = str(error)
    raise InputError(f"{path}: is not a report of palsynth evaluate ({what})") from None


def _read(row: dict[str, Any]) -> dict[str, Any]:
    """A row in its JSON form, under today's names where 0.1 wrote other ones."""
    renamed = {"side_right": "side_accuracy"}
    figures = {
        renamed.get(key, key): {name: _nan(value) for name, value in figure.items()}
        for key, figure in row["figures"].items()
    }
    variants = {
        renamed.get(key, key): name.replace("taken for the patient[", "matched to the patient[")
        for key, name in row["variants"].items()
    }
    return {**row, "figures": figures, "variants": variants}


def join(reports: list[Report]) -> Report:
    """Joins reports of several methods over the same set.

    Args:
        reports: at least one report.

    Returns:
        One report with all rows, references first.

    Raises:
        InputError: if the figures are not comparable, because the sets or the weights behind a
            column differ, or if two methods have the same name.
    """
    first = reports[0]
    rows: dict[str, Result] = {}
    for report in reports:
        if report.title != first.title:
            raise InputError(
                f"reports of different sets do not compare: {first.title}; {report.title}"
            )
        for result in report.results:
            known = rows.get(result.method)
            if known is not None and not (known.reference and result.reference):
                raise InputError(f"two reports call their method '{result.method}'; use --name")
            for other in rows.values():
                _check_variants(other, result)
            rows[result.method] = result
    ordered = sorted(rows.values(), key=lambda r: not r.reference)
    remarks = list(dict.fromkeys(remark for report in reports for remark in report.remarks))
    groups = [group for report in reports for group in report.groups]
    return Report(first.title, ordered, remarks, first.notice, groups)


def _check_variants(one: Result, other: Result) -> None:
    for key in one.variants.keys() & other.variants.keys():
        if one.variants[key] != other.variants[key]:
            raise InputError(
                f"{metric(key).title} of {one.method} and {other.method} do not compare: "
                f"{one.variants[key]}, {other.variants[key]}; judge both with the same weights"
            )


def write_report(folder: Path, report: Report, pictures: dict[str, bytes]) -> None:
    """Writes report.json, report.md and report.html, each atomically.

    Args:
        folder: folder to write to; created if needed.
        report: the report.
        pictures: caption -> PNG bytes, for the HTML page.
    """
    write_document(folder, "report", to_document(report, pictures), asdict(report))


def _cell(result: Result, column: Metric) -> str:
    figure = result.figures.get(column.key)
    if figure is None:
        return "–"
    return figure.text(column.digits)


def _remarks(report: Report) -> list[str]:
    out = list(report.remarks)
    variants = {name for r in report.results for name in r.variants.values()}
    if variants:
        out.append("Variants: " + "; ".join(sorted(variants)) + ".")
    for result in report.results:
        out += [f"{result.method}: {note}" for note in result.notes]
    return out


def _nan(value: Any) -> Any:
    return float("nan") if value is None else value

"""Reports: one table of figures for several methods, as JSON, Markdown and one HTML page."""

from __future__ import annotations

import html
import json
import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from palsynth.errors import InputError
from palsynth.evaluation.columns import BY_KEY, COLUMNS, FAMILIES, Column
from palsynth.evaluation.intervals import Figure
from palsynth.files import written_whole

SYNTHETIC = "For research and teaching; not a medical device. All pictures shown are synthetic."
PHOTOGRAPHS = (
    "For research and teaching; not a medical device. Shows photographs of real people: "
    "do not publish it."
)


@dataclass(frozen=True)
class Result:
    """A method's row: ``figures`` by column key, ``variants`` their full names, ``notes`` what a
    reader must know (infinite values, missing faces); ``reference`` marks rows that are no
    method: the truth, copies, published figures."""

    method: str
    figures: dict[str, Figure]
    variants: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    reference: bool = False


@dataclass(frozen=True)
class Report:
    """``title`` names set and size; ``results`` are the rows, references first."""

    title: str
    results: list[Result]
    remarks: list[str] = field(default_factory=list)
    notice: str = SYNTHETIC

    def columns(self) -> list[Column]:
        """Columns that any row has."""
        return [c for c in COLUMNS if any(c.key in r.figures for r in self.results)]


def blind_columns(results: list[Result]) -> dict[str, str]:
    """Columns that a copy wins or ties, and what that means: key -> remark.

    A figure by which copying the identity image, or the expression image, is at least as good as
    the truth cannot judge a method alone.
    """
    by_name = {r.method: r for r in results}
    out: dict[str, list[str]] = {}
    for column in COLUMNS:
        for copy in ("copy-identity", "copy-expression"):
            if copy not in by_name or "truth" not in by_name:
                continue
            mine, true = (by_name[n].figures.get(column.key) for n in (copy, "truth"))
            if mine is None or true is None or math.isnan(mine.value) or math.isnan(true.value):
                continue
            sign = 1 if column.better == "up" else -1
            if sign * mine.value >= sign * true.value - 1e-9:
                out.setdefault(column.key, []).append(copy)
    return {
        key: f"{BY_KEY[key].title} cannot judge a method alone: {' and '.join(copies)} "
        f"score{'s' if len(copies) == 1 else ''} no worse than the truth"
        for key, copies in out.items()
    }


def to_markdown(report: Report) -> str:
    """The report as Markdown: a table a family, then remarks."""
    lines = [f"# {report.title}", "", report.notice, ""]
    for family, heading in FAMILIES.items():
        columns = [c for c in report.columns() if c.family == family]
        if not columns:
            continue
        lines += [
            f"## {heading}",
            "",
            "| method | " + " | ".join(c.heading for c in columns) + " |",
        ]
        lines.append("|---" * (len(columns) + 1) + "|")
        for result in report.results:
            cells = " | ".join(_cell(result, c) for c in columns)
            name = f"*{result.method}*" if result.reference else f"**{result.method}**"
            lines.append(f"| {name} | {cells} |")
        lines.append("")
    lines += [f"- {remark}" for remark in _remarks(report)]
    return "\n".join(lines) + "\n"


def to_html(report: Report, pictures: dict[str, bytes]) -> str:
    """The report as one page that needs nothing else. ``pictures`` caption -> PNG bytes."""
    import base64

    body = [f"<h1>{html.escape(report.title)}</h1><p class=notice>{html.escape(report.notice)}</p>"]
    for family, heading in FAMILIES.items():
        columns = [c for c in report.columns() if c.family == family]
        if not columns:
            continue
        head = "".join(f"<th title='{html.escape(c.blind)}'>{html.escape(c.heading)}</th>"
                       for c in columns)  # fmt: skip
        rows = []
        for result in report.results:
            cells = "".join(f"<td>{html.escape(_cell(result, c))}</td>" for c in columns)
            kind = " class=reference" if result.reference else ""
            rows.append(f"<tr{kind}><th>{html.escape(result.method)}</th>{cells}</tr>")
        body.append(
            f"<h2>{heading}</h2><div class=wide><table><tr><th>method</th>{head}</tr>"
            f"{''.join(rows)}</table></div>"
        )
    body.append("<ul>" + "".join(f"<li>{html.escape(r)}</li>" for r in _remarks(report)) + "</ul>")
    for caption, png in pictures.items():
        data = base64.b64encode(png).decode()
        text = html.escape(caption)
        body.append(
            f"<figure><img alt='{text}' src='data:image/png;base64,{data}'>"
            f"<figcaption>{text}</figcaption></figure>"
        )
    return (
        "<!doctype html><html lang=en><meta charset=utf-8>"
        "<meta name=viewport content='width=device-width, initial-scale=1'>"
        f"<title>{html.escape(report.title)}</title><style>{_STYLE}</style>{''.join(body)}</html>\n"
    )


_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:1100px;margin:2rem auto;padding:0 1rem;
color:#1b1f24;background:#fff}
h1{font-size:1.6rem}h2{font-size:1.15rem;margin-top:2rem}.notice{color:#57606a}
.wide{overflow-x:auto}table{border-collapse:collapse;font-size:.875rem;width:100%}
th,td{padding:.4rem .6rem;text-align:right;border-bottom:1px solid #d8dee4;white-space:nowrap}
th:first-child{text-align:left}tr:first-child th{white-space:normal;vertical-align:bottom}
.reference{color:#57606a;font-style:italic}figure{margin:2rem 0}
img{max-width:100%;height:auto}figcaption{color:#57606a;font-size:.875rem}
"""


def to_json(report: Report) -> str:
    """The report as JSON; numbers that are not finite are null."""
    return json.dumps(_finite(asdict(report)), indent=1) + "\n"


def read_report(path: Path) -> Report:
    """A report from its JSON file. Raises InputError where it is none."""
    try:
        data = json.loads(path.read_text("utf-8"))
        results = [
            Result(
                r["method"],
                {k: Figure(**{n: _nan(v) for n, v in f.items()}) for k, f in r["figures"].items()
                 if k in BY_KEY},
                r["variants"], r["notes"], r["reference"],
            )
            for r in data["results"]
        ]  # fmt: skip
        return Report(data["title"], results, data["remarks"], data["notice"])
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: is no report of palsynth evaluate ({error})") from None


def join(reports: list[Report]) -> Report:
    """One report of several methods over the same set.

    Raises InputError where sets, methods' names or the judges behind a column differ: such
    figures do not compare.
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
    return Report(first.title, ordered, remarks, first.notice)


def _check_variants(one: Result, other: Result) -> None:
    for key in one.variants.keys() & other.variants.keys():
        if one.variants[key] != other.variants[key]:
            raise InputError(
                f"{BY_KEY[key].title} of {one.method} and {other.method} do not compare: "
                f"{one.variants[key]}, {other.variants[key]}; judge both with the same weights"
            )


def write_report(folder: Path, report: Report, pictures: dict[str, bytes]) -> None:
    """Writes report.json, report.md and report.html, each whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (
        ("report.json", to_json(report)),
        ("report.md", to_markdown(report)),
        ("report.html", to_html(report, pictures)),
    ):
        with written_whole(folder / name) as temporary:
            temporary.write_text(text, "utf-8")


def _cell(result: Result, column: Column) -> str:
    figure = result.figures.get(column.key)
    if figure is None or math.isnan(figure.value):
        return "–"
    if math.isnan(figure.low):
        return f"{figure.value:.{column.digits}f}"
    return figure.text(column.digits)


def _remarks(report: Report) -> list[str]:
    out = list(report.remarks)
    variants = {name for r in report.results for name in r.variants.values()}
    if variants:
        out.append("Variants: " + "; ".join(sorted(variants)) + ".")
    for result in report.results:
        out += [f"{result.method}: {note}" for note in result.notes]
    return out


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(v) for key, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _nan(value: Any) -> Any:
    return float("nan") if value is None else value

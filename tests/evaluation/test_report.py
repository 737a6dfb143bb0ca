"""Reports: each figure is under its heading, in its row, in every format."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from palsynth.errors import InputError
from palsynth.evaluation.intervals import Figure
from palsynth.evaluation.report import (
    Report,
    Result,
    columns_won_by_copies,
    join,
    read_report,
    to_html,
    to_markdown,
    write_report,
)
from tests.evaluation.test_metrics import HEADINGS

NAN = float("nan")


def plain(value: float) -> Figure:
    return Figure(value, NAN, NAN, 1)


def numbered(method: str, first: int, reference: bool = False) -> Result:
    """A row whose figures are first, first + 1, … in the order of HEADINGS."""
    figures = {key: plain(float(first + k)) for k, key in enumerate(HEADINGS)}
    return Result(method, figures, reference=reference)


def tables_in(text: str) -> dict[str, dict[str, dict[str, str]]]:
    """Tables of a Markdown text: heading of the table -> row -> column -> cell."""
    found: dict[str, dict[str, dict[str, str]]] = {}
    for part in text.split("\n## ")[1:]:
        name, _, *lines = part.splitlines()
        rows = [[c.strip(" *") for c in x.split("|")[1:-1]] for x in lines if x.startswith("|")]
        head, _, *body = rows
        found[name] = {row[0]: dict(zip(head[1:], row[1:], strict=True)) for row in body}
    return found


def test_each_figure_is_under_its_own_heading_in_its_own_row() -> None:
    report = Report("t", [numbered("one", 100), numbered("two", 300)], groups=[numbered("g", 500)])
    found = tables_in(to_markdown(report))
    seen = {}
    for table in found.values():
        for row in ("one", "two", "g"):
            for heading, cell in table.get(row, {}).items():
                seen[row, heading] = float(cell)
    for first, row in ((100, "one"), (300, "two"), (500, "g")):
        assert {h: v for (r, h), v in seen.items() if r == row} == {
            heading: first + k for k, heading in enumerate(HEADINGS.values())
        }
    assert list(found["Against the ground truth"]) == ["one", "two"]
    assert list(found["By group"]) == ["g"]
    assert list(found["Round trip"]["one"]) == [
        "aFID ↓",
        "PSNR of the round trip, dB ↑",
        "SSIM of the round trip ↑",
        "dlib distance of the first image to its identity ↓",
    ]


def test_cells_contain_the_interval_or_a_dash_for_missing_figures() -> None:
    figures = {"ssim": Figure(0.5, 0.25, 0.75, 4), "psnr": plain(NAN), "fid": plain(2.345)}
    found = tables_in(to_markdown(Report("t", [Result("m", figures), Result("empty", {})])))
    assert found["Against the ground truth"]["m"] == {
        "PSNR, dB ↑": "–",
        "SSIM ↑": "0.500 [0.250, 0.750]",
    }
    assert found["Against the ground truth"]["empty"] == {"PSNR, dB ↑": "–", "SSIM ↑": "–"}
    assert found["Distribution"]["m"] == {"FID ↓": "2.35"} or found["Distribution"]["m"] == {
        "FID ↓": "2.34"
    }


def test_references_are_in_italics_and_methods_in_bold() -> None:
    text = to_markdown(Report("t", [numbered("truth", 1, reference=True), numbered("mine", 50)]))
    assert "| *truth* | 1.00 | 2.000 |" in text
    assert "| **mine** | 50.00 | 51.000 |" in text
    page = to_html(Report("t", [numbered("truth", 1, reference=True), numbered("mine", 50)]), {})
    assert "<tr class=reference><th>truth</th><td>1.00</td><td>2.000</td>" in page
    assert "<tr><th>mine</th><td>50.00</td><td>51.000</td>" in page
    hint = "people differ anyway: compare with the truth&#39;s"
    assert f"<th title='{hint}'>dlib distance to the expression&#39;s person ↑</th>" in page


def three(key: str, truth: float, identity: float, expression: float) -> list[Result]:
    names = {"truth": truth, "copy-identity": identity, "copy-expression": expression}
    return [Result(n, {key: plain(v)}, reference=True) for n, v in names.items()]


@pytest.mark.parametrize(
    ("key", "values", "remark"),
    [
        (
            "ssim",
            (0.9, 0.9, 0.8),
            "SSIM cannot judge a method alone: copy-identity scores no worse than the truth",
        ),
        (
            "ssim",
            (0.9, 0.95, 0.97),
            "SSIM cannot judge a method alone: copy-identity and "
            "copy-expression score no worse than the truth",
        ),
        ("ssim", (0.9, 0.89, 0.89), None),
        (
            "fid",
            (5.0, 6.0, 4.0),
            "FID cannot judge a method alone: copy-expression scores no worse than the truth",
        ),
        ("fid", (5.0, 6.0, 7.0), None),
        ("fid", (NAN, 6.0, 7.0), None),
    ],
)
def test_a_column_that_a_copy_wins_is_called_blind(
    key: str, values: tuple[float, float, float], remark: str | None
) -> None:
    assert columns_won_by_copies(three(key, *values)) == ({} if remark is None else {key: remark})


def test_a_method_that_is_not_a_copy_makes_no_column_blind() -> None:
    rows = [*three("ssim", 0.9, 0.1, 0.1), Result("own", {"ssim": plain(0.99)})]
    assert columns_won_by_copies(rows) == {}


def test_round_trip_of_a_report(tmp_path: Path) -> None:
    figures = {"ssim": Figure(0.5, 0.25, 0.75, 4), "fid": plain(2.0), "psnr": plain(NAN)}
    variants = {"fid": "fid[a, b, c, 4]"}
    own = Result("mine", figures, variants, ["note"])
    truth = Result("truth", {}, reference=True)
    report = Report("t", [truth, own], ["remark"], "notice", [Result("mine: women", figures)])
    write_report(tmp_path, report, {})
    found = read_report(tmp_path / "report.json")
    assert (found.title, found.remarks, found.notice) == ("t", ["remark"], "notice")
    assert [(r.method, r.reference) for r in found.results] == [("truth", True), ("mine", False)]
    assert (found.results[1].variants, found.results[1].notes) == (variants, ["note"])
    assert found.results[1].figures["ssim"] == figures["ssim"]
    assert np.isnan(found.results[1].figures["fid"].low)
    assert np.isnan(found.results[1].figures["psnr"].value)
    assert [g.method for g in found.groups] == ["mine: women"]


def test_joined_reports_have_references_first_and_refuse_other_weights() -> None:
    truth, one, other = numbered("truth", 1, reference=True), numbered("b", 5), numbered("a", 9)
    joint = join([Report("t", [truth, one], ["x"]), Report("t", [other, truth], ["x", "y"])])
    assert [r.method for r in joint.results] == ["truth", "b", "a"]
    assert joint.remarks == ["x", "y"]
    with pytest.raises(InputError, match="reports of different sets do not compare: t; u"):
        join([Report("t", [one]), Report("u", [other])])
    judged = [Result(n, {}, {"fid": f"fid[{v}]"}) for n, v in (("a", "x"), ("b", "y"))]
    with pytest.raises(InputError, match="FID of a and b do not compare"):
        join([Report("t", [r]) for r in judged])


def test_every_family_of_columns_is_printed() -> None:
    report = Report("t", [numbered("one", 0)])
    assert sum(len(t.get("one", {})) for t in tables_in(to_markdown(report)).values()) == 29
    assert [c.key for c in report.columns()] == list(HEADINGS)
    assert [c.key for c in Report("t", [Result("m", {"fid": plain(1)})]).columns()] == ["fid"]


@pytest.mark.parametrize("part", ["figures", "variants"])
def test_a_figure_of_no_metric_is_an_error(part: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="figure 'sharpness' is of no metric"):
        Result("m", **{"figures": {}, part: {"sharpness": plain(1)}})
    write_report(tmp_path, Report("t", [Result("m", {"fid": plain(1)}, {"fid": "fid[a]"})]), {})
    path = tmp_path / "report.json"
    path.write_text(path.read_text("utf-8").replace('"fid":', '"sharpness":'), "utf-8")
    with pytest.raises(InputError, match=r"report\.json: figure 'sharpness' is of no metric"):
        read_report(path)

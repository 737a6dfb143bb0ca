"""Reports of earlier versions."""

from __future__ import annotations

import json
from pathlib import Path

from palsynth.evaluation.intervals import Figure
from palsynth.evaluation.report import Report, Result, join, read_report, write_report


def _result(method: str) -> Result:
    figures = {"side_accuracy": Figure(90.0, 80.0, 95.0, 4), "ssim": Figure(0.5, 0.4, 0.6, 4)}
    figures["recognised"] = Figure(25.0, 0.0, 50.0, 4)
    variants = {"recognised": "matched to the patient[dlib, below 0.557, 1 % false accepts]"}
    return Result(method, figures, variants)


def _write_as_0_1(folder: Path, report: Report) -> Path:
    """Writes a report under the names of 0.1: the key side_right, the variant taken for …"""
    write_report(folder, report, {})
    path = folder / "report.json"
    data = json.loads(path.read_text("utf-8"))
    for row in data["results"] + data["groups"]:
        row["figures"]["side_right"] = row["figures"].pop("side_accuracy")
        known = row["variants"]["recognised"]
        row["variants"]["recognised"] = known.replace("matched to", "taken for")
    path.write_text(json.dumps(data), "utf-8")
    return path


def test_a_report_of_0_1_reads_under_todays_names(tmp_path: Path) -> None:
    report = Report("set", [_result("old")], groups=[_result("old: gender woman")])
    path = _write_as_0_1(tmp_path, report)
    assert "side_accuracy" not in path.read_text("utf-8")
    assert read_report(path) == report


def test_a_report_of_0_1_joins_with_one_of_today(tmp_path: Path) -> None:
    old = read_report(_write_as_0_1(tmp_path, Report("set", [_result("old")])))
    joint = join([old, Report("set", [_result("new")])])
    assert [r.figures["side_accuracy"].value for r in joint.results] == [90.0, 90.0]

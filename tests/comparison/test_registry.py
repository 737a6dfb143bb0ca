"""Every figure of a report is a registered metric, and some report has each of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from palsynth.clinical import Palsy, Side
from palsynth.comparison.controlnet_strategies import compare
from palsynth.comparison.reporting import report_of
from palsynth.comparison.tables import table
from palsynth.comparison.unpaired import unpaired_report
from palsynth.data.manifest import Row, write_manifest
from palsynth.evaluation.metrics import METRICS
from palsynth.evaluation.report import Report
from palsynth.methods.registry import get_method
from palsynth.scoring import judges
from palsynth.scoring.features import FeatureCache
from palsynth.scoring.panel import Panel, Weights
from palsynth.scoring.patients import PatientPanel
from palsynth.subjects import View, render, sample
from tests.scoring.fake_judges import made, pair, write_flat
from tests.scoring.fake_judges import use as use_fakes

PAIRS = [
    pair(
        k,
        subject,
        Palsy.weakness(Side.LEFT, 0.8),
        expression_identity=f"rest/{subject}.png",
        gender="woman",
    )
    for k, subject in enumerate("aabb")
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A set with all that a metric may need, and pictures of a method, there and back."""
    for part in ("identity", "rest"):
        for level, subject in ((60, "a"), (70, "b")):
            write_flat(tmp_path / part / f"{subject}.png", level)
    for k in range(4):
        write_flat(tmp_path / "expression" / f"{k}.png", 100 + k)
        write_flat(tmp_path / "truth" / f"{k}.png", 120 + k)
        for part in ("made", "noise", "noise-afid/first", "noise-afid/second", "patients/noise"):
            write_flat(tmp_path / part / f"{k}.png", 140 + k)
    eyes = render(sample(3), view=View(64)).landmarks
    points = np.column_stack([eyes, np.zeros(len(eyes))])
    every = [f"{part}/{s}.png" for part in ("identity", "rest") for s in "ab"]
    every += [f"{p}/{k}.png" for p in ("expression", "truth", "made", "noise", "first", "second",
              "real") for k in range(4)]  # fmt: skip
    use_fakes(
        monkeypatch,
        landmarks=dict.fromkeys(every, points),
        reading=dict.fromkeys(every, np.zeros(28)),
    )
    for module in ("tables", "controlnet_strategies"):  # all pictures are there
        monkeypatch.setattr(f"palsynth.comparison.{module}.transfer", lambda *_, **__: None)
    monkeypatch.setattr("palsynth.comparison.tables.round_trip", lambda *_, **__: None)
    monkeypatch.setattr(judges, "perceptual", lambda path: lambda a, b: 0.5)
    monkeypatch.setattr(judges, "portrait", lambda path: np.zeros((8, 8, 3), np.uint8))
    return tmp_path


def keys_of(report: Report) -> set[str]:
    return {key for row in [*report.results, *report.groups] for key in row.figures}


def test_every_metric_is_in_some_report_and_every_figure_is_a_metric(folder: Path) -> None:
    weights = Weights(alexnet=folder / "alexnet.pth")
    rows = [
        Row(p.name, p.subject, "grin", palsy=Palsy.weakness(Side.LEFT, 1).to_dict()) for p in PAIRS
    ]
    for k, part in [(k, part) for part in ("real", "made") for k in range(4)]:
        write_flat(folder / part / f"{k}.png", 180 + k)
        write_manifest(folder / part, rows)
    found = {}
    with FeatureCache(folder / "f.sqlite") as cache:
        panel = Panel(folder, PAIRS, weights, cache)
        found["evaluate"], _ = report_of(panel, "mine", made(folder / "made", PAIRS))
        found["unpaired"], _ = unpaired_report(
            folder / "real", folder / "made", "mine", Weights(), cache, lambda *_: None
        )
        method = {"noise": get_method("noise")}
        found["cfcpalsy"] = table(panel, method, folder, lambda *_: None)
        bare = [replace(p, truth="") for p in PAIRS]
        patients = PatientPanel(folder, bare, weights, cache)
        found["controlnet"] = compare(
            patients, iter(method.items()), {"a"}, folder / "patients", lambda *_: None
        )
    needs = {m.key: set(m.needs) for m in METRICS}
    keys = {name: keys_of(report) for name, report in found.items()}
    assert set().union(*keys.values()) == set(needs)
    special = {"patients", "round trip"}
    assert keys["evaluate"] == {k for k, needed in needs.items() if not needed & special}
    assert keys["unpaired"] == {
        k for k, needed in needs.items() if needed <= {"faces", "labels", "set"}
    }
    assert keys["cfcpalsy"] == keys["evaluate"] | {k for k, n in needs.items() if "round trip" in n}
    assert keys["controlnet"] == {
        k for k, needed in needs.items() if not needed & {"round trip", "truth", "set"}
    }

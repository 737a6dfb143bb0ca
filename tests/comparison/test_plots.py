"""Plots and contact sheets, read back from their axes and pixels."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from palsynth.comparison import plots
from palsynth.comparison.plots import (
    contact_sheet,
    distance_plot,
    requested_measured_plot,
)
from palsynth.scoring.judged import Judged
from tests.scoring.fake_judges import write_flat


@pytest.fixture(autouse=True)
def _figures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plots, "png", lambda figure: figure)


def _judged(name: str, **numbers: list[float]) -> Judged:
    return Judged(name, [], [], per_pair={k: np.array(v) for k, v in numbers.items()})


def test_the_requested_axis_is_horizontal_and_the_measured_one_vertical() -> None:
    figure = requested_measured_plot(
        _judged("mine", requested=[0.3, -0.8, 0.1], measured=[0.02, -0.03, 0.01])
    )
    plot = figure.axes[0]  # type: ignore[union-attr]
    clear, unclear = (dots.get_offsets().tolist() for dots in plot.collections)
    assert np.array(clear) == pytest.approx(np.array([[0.3, 2.0], [-0.8, -3.0]]))
    assert np.array(unclear) == pytest.approx(np.array([[0.1, 1.0]]))
    assert plot.get_xlabel() == "requested: how much weaker the patient's left should be"
    assert plot.get_ylabel() == "measured asymmetry, % of the outer-eye distance"
    assert (
        requested_measured_plot(_judged("mine", requested=[0.3], measured=[float("nan")])) is None
    )
    assert requested_measured_plot(_judged("mine")) is None


def test_each_methods_distances_have_its_label() -> None:
    near, far = [0.21, 0.22], [0.91, 0.92, float("nan")]
    figure = distance_plot(
        [_judged("near", identity_distance=near), _judged("far", identity_distance=far)]
    )
    plot = figure.axes[0]  # type: ignore[union-attr]
    heights = {
        line.get_label(): [v[0] for v in line.get_path().vertices if v[1] > 0]
        for line in plot.patches
    }
    assert set(heights) == {"near", "far"}
    assert max(heights["near"]) < 0.3
    assert min(heights["far"]) > 0.8
    assert distance_plot([_judged("none")]) is None


def test_the_sheet_shows_the_lowest_error_as_best(tmp_path: Path) -> None:
    """Of twenty pairs with decreasing errors, the last of which has no face."""
    roles = ("identity", "expression", "truth", "made")
    files = {role: [tmp_path / role / f"{k}.png" for k in range(20)] for role in roles}
    for number, role in enumerate(roles):
        for k, path in enumerate(files[role]):
            write_flat(path, 60 * number + k)
    panel = SimpleNamespace(files=files.__getitem__)
    errors = [*np.arange(19.0, 0, -1), float("nan")]
    png = contact_sheet(panel, _judged("mine", landmark_error=errors), files["made"])  # type: ignore[arg-type]
    assert png is not None
    image = cv2.imdecode(np.frombuffer(png, np.uint8), 1)

    def shown(block: int, row: int) -> list[int]:
        y, x = 26 + 32 * row + 16, 128 * block + 16
        return [int(image[y, x + 32 * column, 0]) for column in range(4)]

    def of(pair: int) -> list[int]:
        return [60 * number + pair for number in range(4)]

    assert [shown(0, row) for row in range(6)] == [of(k) for k in (18, 17, 16, 15, 14, 13)]
    assert [shown(1, row) for row in range(6)] == [of(k) for k in (11, 10, 9, 8, 7, 6)]
    assert [shown(2, row) for row in range(6)] == [of(k) for k in (4, 3, 2, 1, 0, 19)]

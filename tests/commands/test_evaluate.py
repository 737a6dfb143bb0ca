"""The help of ``palsynth evaluate`` is read from the registry of metrics."""

from __future__ import annotations

import pytest

from palsynth.cli import main
from palsynth.evaluation.metrics import METRICS


def test_the_help_lists_every_metric_of_the_command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit):
        main(["evaluate", "--help"])
    text = capsys.readouterr().out
    for metric in METRICS:
        own = not {"round trip", "patients"} & set(metric.needs)
        assert (f"- {metric.heading}: {metric.meaning}" in text) == own, metric.key
    assert "Inception weights for FID and KID x 1000; default" in text
    assert "AlexNet weights for LPIPS; default" in text
    assert "weights for cosine to the identity; default" in text

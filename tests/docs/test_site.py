"""The site builds without a warning."""

from __future__ import annotations

import html
import os
import subprocess
import sys
from pathlib import Path

from palsynth.evaluation.metrics import METRICS
from tests.docs.pages import ROOT


def test_the_site_builds_strictly(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", tmp_path],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "reference" / "clinical" / "index.html").read_text("utf-8")
    assert "Palsy" in page
    assert "fonts.googleapis" not in page  # no page asks another server for anything
    page = html.unescape((tmp_path / "evaluation" / "index.html").read_text("utf-8"))
    for metric in METRICS:
        assert f"<td>{metric.heading}</td>" in page, f"{metric.key} is not documented"
        assert metric.meaning in page, metric.key
    assert not list(tmp_path.rglob("hooks*"))

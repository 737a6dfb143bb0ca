"""Every picture of the docs says that it is synthetic."""

from __future__ import annotations

from palsynth.face.label import digital_source
from tests.docs.pages import ROOT

CHARTS = {"video-read-back.png"}
"""Pictures without a face."""


def test_committed_pictures_carry_the_label() -> None:
    found = [p for p in (ROOT / "docs").rglob("*") if p.suffix in {".jpg", ".png", ".gif"}]
    pictures = [p for p in found if p.name not in CHARTS]
    assert len(pictures) > 100
    assert [p.name for p in pictures if digital_source(p) is None] == []

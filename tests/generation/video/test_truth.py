"""The table beside a clip."""

from __future__ import annotations

from pathlib import Path

from palsynth.generation.video import FrameTruth, truth_path, write_truth


def test_a_row_per_frame(tmp_path: Path) -> None:
    path = truth_path(tmp_path / "new" / "clip.webm")
    assert path == tmp_path / "new" / "clip.csv"
    assert truth_path(tmp_path / "frames") == tmp_path / "frames.csv"
    rows = [
        FrameTruth(0.0, {"left": {"grin": -1e-9}, "movement": "grin"}),
        FrameTruth(0.04, {"left": {"grin": 1 / 3}, "movement": "grin"}, {"mouth": 2}),
        FrameTruth(0.08, {"left": {"grin": 1.0, "lid": 0.5}}, {"mouth": None}),
    ]
    write_truth(path, rows)
    assert path.read_text("utf-8") == (
        "frame,time,requested.left.grin,requested.movement,requested.left.lid,measured.mouth\n"
        "0,0.000000,0.000000,grin,,\n"
        "1,0.040000,0.333333,grin,,2\n"
        "2,0.080000,1.000000,,0.500000,\n"
    )

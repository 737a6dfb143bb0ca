from __future__ import annotations

import json
from pathlib import Path

from PIL import ExifTags, Image

from palsynth.clinical import YANAGIHARA, Grade, Side
from palsynth.generation.gallery import PAGE, Gallery, write_gallery
from palsynth.methods import get_method
from palsynth.subjects import sample


def test_every_movement_of_every_subject_at_every_grade(tmp_path: Path) -> None:
    shown = Gallery((sample(3), sample(4)), (Grade.II, Grade.VI), Side.RIGHT, 64)
    assert [shown.weak_side(subject) for subject in shown.subjects] == [Side.RIGHT, Side.LEFT]
    steps = []
    count = write_gallery(
        tmp_path, shown, get_method("subjects"), lambda done, of: steps.append((done, of))
    )
    files = sorted(tmp_path.rglob("*.jpg"))
    assert count == len(files) == len(steps) == 2 * 2 * len(YANAGIHARA)
    page = (tmp_path / PAGE).read_text("utf-8")
    assert all(f"({path.relative_to(tmp_path)})" in page for path in files)
    assert "right side weak" in page
    assert "for research and teaching; not a medical device" in page
    with Image.open(tmp_path / "person-0000003" / "VI-grin.jpg") as picture:
        assert picture.size == (64, 64)
        assert "synthetic" in picture.getexif()[ExifTags.Base.ImageDescription]
        record = json.loads(json.loads(picture.info["comment"])["palsynth:provenance"])
        assert (record["seed"], record["expression"]) == (3, "grin")
    # the first is weak on the right, the second on the left; at grade VI a side has no function
    for seed, grade, side, buccal in (
        (3, "II", "right", 0.8),
        (3, "VI", "right", 0.0),
        (4, "II", "left", 0.8),
    ):
        with Image.open(tmp_path / f"person-{seed:07d}" / f"{grade}-whistle.jpg") as picture:
            record = json.loads(json.loads(picture.info["comment"])["palsynth:provenance"])
        assert (record["seed"], record["expression"]) == (seed, "whistle")
        other = "left" if side == "right" else "right"
        assert record["palsy"][side]["function"]["buccal"] == buccal
        assert record["palsy"][other]["function"]["buccal"] == 1.0
    parts = page.split("## Subject ")[1:]
    assert [p.split(":")[0] for p in parts] == ["3", "4"]
    assert [p.splitlines()[0].rsplit(", ", 1)[1] for p in parts] == [
        "right side weak",
        "left side weak",
    ]
    assert "| | II | VI |" in page
    assert (
        "| Grin | ![Grin, grade II](person-0000003/II-grin.jpg) | "
        "![Grin, grade VI](person-0000003/VI-grin.jpg) |" in page
    )

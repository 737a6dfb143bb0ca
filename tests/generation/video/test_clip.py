"""Clips from words: frames, truth and label, whatever the number of processes."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from palsynth.clinical import Grade, Movement, Palsy, Side
from palsynth.data.clips import read_clip
from palsynth.errors import InputError
from palsynth.face.clips import inspect_clip
from palsynth.face.images import read_image
from palsynth.face.label import DigitalSource, digital_source
from palsynth.generation.video.clip import MadeClip, make_clip
from palsynth.generation.video.excursion import excursion
from palsynth.generation.video.script import ClipSettings, write_script
from palsynth.methods.base import Method, Request, Weightless
from palsynth.methods.registry import get_method
from palsynth.simulator.drive import Drive, drive
from palsynth.simulator.motion import MotionSettings
from palsynth.subjects import sample

RIGHT = Palsy.peripheral(Side.RIGHT, Grade.V)
SETTINGS = ClipSettings(
    96, 5.0, motion=MotionSettings(start=0.2, onset=0.4, hold=0.4, offset=0.4, rest=0.2, blinks=0)
)


def made(path: Path, method: Method | None = None, **more: object) -> MadeClip:
    subject = sample(38)
    takes = write_script(subject, [Movement.GRIN], RIGHT, SETTINGS, beside="title" in more)
    return make_clip(path, subject, takes, method or get_method("subjects"), SETTINGS, **more)  # type: ignore[arg-type]


def rows(table: Path) -> list[dict[str, str]]:
    with table.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_frames_truth_and_label(tmp_path: Path) -> None:
    clip = made(tmp_path / "grin.gif")
    assert len(list(read_clip(clip.path))) == clip.frames == len(rows(clip.table))
    assert digital_source(clip.path) is DigitalSource.TRAINED
    record = json.loads(json.loads(inspect_clip(clip.path).comment)["palsynth:provenance"])
    assert (record["identity"], record["expression"]) == ("subject:38", "grin")
    assert record["clip"]["fps"] == 5.0
    truth = rows(clip.table)
    weaker = [float(row["requested.mouth.left_weaker"]) for row in truth]
    assert min(weaker) < -3, "the right side is weak"
    assert {row["requested.movement"] for row in truth} == {"grin"}
    smiles = [
        [float(row[f"requested.{side}.mouthSmile"]) for row in truth] for side in ("left", "right")
    ]
    assert max(smiles[0]) > 0.8 > 2 * max(smiles[1])


def test_the_number_of_processes_changes_no_byte(tmp_path: Path) -> None:
    one, two = made(tmp_path / "one.gif"), made(tmp_path / "two.gif", workers=2)
    assert one.path.read_bytes() == two.path.read_bytes()
    assert one.table.read_bytes() == two.table.read_bytes()


def test_captions_and_the_healthy_face_beside(tmp_path: Path) -> None:
    seen: list[np.ndarray] = []
    clip = made(tmp_path / "shown", title="A title", watch=lambda _, face: seen.append(face))
    frame = read_image(clip.path / "frame-00005.png")
    assert frame.shape[0] > 96 + 30
    assert frame.shape[1] > 2 * 96
    assert [face.shape for face in seen] == [(96, 96, 3)] * clip.frames
    apex = seen[5]
    tops = [y for y in range(frame.shape[0] - 96) if (frame[y : y + 96, 112:208] == apex).all()]
    assert len(tops) == 1, "the palsied face is the right one"


def test_an_old_folder_or_table_is_not_replaced(tmp_path: Path) -> None:
    from palsynth.guards import guarded

    (tmp_path / "grin.csv").write_text("my,own\n1,2\n")
    with guarded(), pytest.raises(InputError, match=r"grin\.csv: is there already and would be"):
        made(tmp_path / "grin.gif")
    assert (tmp_path / "grin.csv").read_text() == "my,own\n1,2\n"
    assert not (tmp_path / "grin.gif").exists()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a.txt").touch()
    with pytest.raises(InputError, match="full: is not empty; give a new folder"):
        made(tmp_path / "full")


class Failing(Weightless):
    """Fails at its ninth frame, in the second batch."""

    name, takes = "failing", frozenset({Drive})

    def __init__(self) -> None:
        self.made = 0

    def __call__(self, requests: Sequence[Request]) -> list[np.ndarray]:
        self.made += len(requests)
        if self.made > 8:
            raise InputError("frame 9: bad")
        return [np.zeros((96, 96, 3), np.uint8) for _ in requests]


def test_what_fails_midway_leaves_what_was_there(tmp_path: Path) -> None:
    before = made(tmp_path / "grin.gif")
    kept = before.path.read_bytes(), before.table.read_bytes()
    with pytest.raises(InputError, match="frame 9: bad"):
        made(tmp_path / "grin.gif", Failing())
    assert (before.path.read_bytes(), before.table.read_bytes()) == kept
    assert sorted(p.name for p in tmp_path.iterdir()) == ["grin.csv", "grin.gif"]


@pytest.mark.parametrize("name", ["copy-identity", "noise"])
def test_copies_do_not_move(name: str, tmp_path: Path) -> None:
    method = get_method(name)
    if method.synthetic:
        pytest.skip("makes pictures")
    with pytest.raises(InputError, match="copies pictures, which do not move"):
        made(tmp_path / "grin.gif", method)


def test_the_excursion_tells_sides_apart() -> None:
    found = excursion(drive(Movement.GRIN, RIGHT))
    assert found["mouth"]["left"] > 5
    assert found["mouth"]["left_weaker"] == found["mouth"]["right"] - found["mouth"]["left"] < -5
    shut = excursion(drive(Movement.CLOSE_EYES_LIGHTLY, RIGHT))["eye"]
    assert shut["left"] > 95 > shut["right"]

"""Every writer, killed wherever it changes a file and started again, ends with the same bytes."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch

from palsynth.audit.findings import Finding
from palsynth.audit.protocol import Audit
from palsynth.audit.report import write_audit
from palsynth.data.cache import ShardedCache
from palsynth.data.manifest import Row
from palsynth.data.writer import DatasetWriter
from palsynth.encoders.landmarks import LandmarksRecipe
from palsynth.evaluation.duplicates import Match
from palsynth.evaluation.intervals import Figure
from palsynth.evaluation.privacy import Nearest
from palsynth.evaluation.study import QUESTIONS
from palsynth.face.images import write_jpeg, write_png
from palsynth.records import LEDGER, claim_folder
from palsynth.scoring.features import FeatureCache
from palsynth.study.report import write_study_report
from palsynth.study.store import Study, StudyItem, create
from palsynth.training import checkpoints
from palsynth.training.log import RunLog
from palsynth.training.recipe import LoopSettings
from palsynth.training.run_folder import check_folder, prepare_folder
from tests.audit.test_figures import a_set
from tests.killing import killed_in_sqlite, resumes

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

GREY = np.full((40, 40, 3), 128, np.uint8)
SHOWN = [StudyItem("a.png", method, b"made", b"patient") for method in ("x", "y")]


def record(folder: Path) -> None:
    claim_folder(folder / "new" / "sets.json", {"real": "a"}, "graders", "give another --out")


def pictures(folder: Path) -> None:
    write_png(folder / "a" / "b.png", GREY, note="x")
    write_jpeg(folder / "c.jpg", GREY, note="x")


def dataset(folder: Path) -> None:
    names = ["a/b.png", "a__b.png", "c.png"]
    writer = DatasetWriter(folder, {"seed": 0})
    for name in names:
        if not writer.has(name):
            writer.add(GREY, Row(name, name, provenance={"name": name}))
    writer.finish(names)


@dataclass(frozen=True)
class Squares(ShardedCache):
    what: ClassVar[str] = "squares"
    record_file: ClassVar[str] = "squares.json"
    stem: ClassVar[str] = "squares"
    part: ClassVar[int] = 2

    source: str
    folder: Path
    count: int

    def records(self, numbers):  # type: ignore[no-untyped-def]
        return np.array(numbers) ** 2


def cache(folder: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "palsynth.data.cache.map_in_processes", lambda work, items, _: map(work, items)
        )
        cached = Squares("integers", folder, 3)
        cached.build()
    assert [cached.record(k) for k in range(3)] == [0, 1, 4]


def training(folder: Path) -> None:
    """A run's folder, with three checkpoints of which one stays, and its log."""
    recipe, found = LandmarksRecipe(loop=LoopSettings(max_checkpoints=1)), checkpoints.steps(folder)
    for step in found:  # what is listed is complete
        checkpoint = folder / "checkpoints" / f"step-{step}"
        assert checkpoints.read_state(checkpoint) == step
        assert checkpoints.read(checkpoint, "model")["weight"].tolist() == [step] * 3
    check_folder(recipe, folder, resume=bool(found))
    prepare_folder(recipe, folder)
    start = found[-1] if found else 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "torch.utils.tensorboard", None)  # its files hold the time
        log = RunLog(folder, start, 3)
    for step in range(start + 1, 4):
        log.metrics({"step": step, "loss": 1 / step})
        log.speed(step, 1.0, 1 / step)
        tensors = {"model": {"weight": torch.full((3,), float(step))}}
        checkpoints.write(folder, step, tensors, step, max_checkpoints=1)


def audit_report(folder: Path) -> None:
    found = Audit(
        [Finding("a", Figure(1, 1, 1, 1), None, "", "shown")],
        Nearest(np.array([0]), np.array([0.5])),
        Match(np.array([0]), np.array([0.75])),
        Nearest(np.array([0]), np.array([0.5])),
        np.array([False]),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("palsynth.audit.report._histogram", lambda found: b"png")  # it is slow
        write_audit(folder, found, a_set("s", 1), a_set("t", 1), a_set("h", 1))


def study_report(folder: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("palsynth.study.report._bars", lambda *_: b"png")  # it is slow
        write_study_report(Study(folder.parent / "study.sqlite"), folder)


APPENDED = ("metrics.jsonl", "speed.jsonl", LEDGER)
"""Files that grow row by row."""

WRITERS = (record, pictures, dataset, cache, training, audit_report, study_report)


@pytest.mark.parametrize("write", WRITERS, ids=lambda write: write.__name__)
def test_a_killed_writer_ends_with_the_same_bytes(
    write: Callable[[Path], None], tmp_path: Path
) -> None:
    create(tmp_path / "study.sqlite", "Title", SHOWN, 1, seed=4)
    study = Study(tmp_path / "study.sqlite")
    for item in (1, 2):
        study.save(1, item, dict.fromkeys(QUESTIONS, item))
    resumes(write, tmp_path / "out", APPENDED)


def test_a_new_study_is_complete_or_not_there(tmp_path: Path) -> None:
    for number in count(step=40):
        path = tmp_path / f"{number}.sqlite"
        killed = killed_in_sqlite(number, lambda path=path: create(path, "T", SHOWN, 2, seed=4))
        if not killed:
            break
        assert not path.exists()
        create(path, "T", SHOWN, 2, seed=4)
        assert Study(path).size() == (2, 2)
    assert number > 100
    assert Study(path).size() == (2, 2)


def test_the_answers_to_a_picture_are_saved_all_or_none(tmp_path: Path) -> None:
    create(tmp_path / "s.sqlite", "T", SHOWN, 1, seed=4)
    study = Study(tmp_path / "s.sqlite")
    study.save(1, 1, dict.fromkeys(QUESTIONS, 1))
    for number in count(step=7):
        if not killed_in_sqlite(number, lambda: study.save(1, 1, dict.fromkeys(QUESTIONS, 5))):
            break
        assert set(study.points(1, 1).values()) in ({1}, {5})
        study.save(1, 1, dict.fromkeys(QUESTIONS, 1))
    assert number > 30
    assert study.points(1, 1) == dict.fromkeys(QUESTIONS, 5)


def test_features_are_cached_all_or_none(tmp_path: Path) -> None:
    found = {sha: np.arange(4, dtype=np.float32) for sha in ("a", "b", "c")}
    for number in count(step=11):
        path = tmp_path / f"{number}.sqlite"

        def put(path: Path = path) -> None:
            with FeatureCache(path) as features:
                features.put("judge", found)

        killed = killed_in_sqlite(number, put)
        with FeatureCache(path) as features:
            there = [features.get("judge", sha) is not None for sha in found]
        assert len(set(there)) == 1
        put()
        if not killed:
            break
    assert number > 50
    assert there == [True] * 3

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from palsynth.clinical import YANAGIHARA, Movement, Palsy, Side, item_score
from palsynth.data.check import check
from palsynth.data.manifest import read_manifest
from palsynth.errors import InputError
from palsynth.face import topology
from palsynth.generation.export import (
    ExportPlan,
    check_training_seeds,
    export,
    render_image,
)
from palsynth.subjects import random_palsy

PLAN = ExportPlan(subjects=4, images_per_subject=5, size=64, seed=3)


def state_dict_sha256(folder: Path) -> str:
    """A hash over the names and bytes of all files in a folder."""
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        total.update(str(path.relative_to(folder)).encode())
        if path.is_file():
            total.update(path.read_bytes())
    return total.hexdigest()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export") / "whole"
    export(folder, PLAN)
    return folder


def test_rows_hold_the_ground_truth(whole: Path, tmp_path: Path) -> None:
    rows = read_manifest(whole)
    assert len(rows) == 20
    checked = shutil.copytree(whole, tmp_path / "checked")  # the check notes the faces beside it
    assert check(checked) == []
    for row in rows:
        assert row.palsy is not None
        assert row.provenance is not None
        palsy = Palsy.from_dict(row.palsy)
        assert row.yanagihara_item == item_score(palsy, Movement(str(row.movement)))
        assert row.side == (palsy.weak_side.value if palsy.weak_side else None)
        assert row.subject_id == f"person-{row.provenance['seed']:07d}"
    assert len({(r.subject_id, r.split) for r in rows}) == 4


def test_measured_is_left_minus_right_of_the_true_landmarks() -> None:
    """In a grin the weak corner droops; heights count downwards, so a weak left has the larger."""
    plan = ExportPlan(subjects=12, images_per_subject=10, size=64, seed=3)
    grin, sides = YANAGIHARA.index(Movement.GRIN), set()
    for subject in range(12):
        _, row = render_image(plan, subject, grin)
        assert row.measured is not None
        assert row.palsy is not None
        points = dict(zip(topology.MULTIPIE_60, row.attributes["multipie60"], strict=True))
        left, right, eyes = points[54], points[48], (points[45], points[36])
        across = np.subtract(*eyes)  # from the patient's right eye to the left one
        down = np.array([-across[1], across[0]]) / np.square(across).sum()
        expected = float(down @ np.subtract(left, right))
        assert row.measured["commissure height"] == pytest.approx(expected, abs=0.02)
        functions = [Palsy.from_dict(row.palsy).movement_function(Movement.GRIN, s) for s in Side]
        if abs(functions[0] - functions[1]) > 0.4:
            sides.add(row.side)
            assert (row.measured["commissure height"] > 0.01) == (row.side == "left")
    assert sides == {"left", "right"}


def test_pictures_carry_their_provenance_and_are_labelled_synthetic(whole: Path) -> None:
    with Image.open(whole / read_manifest(whole)[0].file_name) as image:
        text = image.text  # type: ignore[attr-defined]
    assert "synthetic" in text["Description"]
    assert json.loads(text["palsynth:provenance"])["method"] == "subjects"


def test_exports_are_reproducible_with_any_number_of_workers(whole: Path, tmp_path: Path) -> None:
    export(tmp_path / "two", PLAN, workers=2)
    assert state_dict_sha256(tmp_path / "two") == state_dict_sha256(whole)
    export(whole, PLAN)  # a finished export is left as it is
    assert state_dict_sha256(tmp_path / "two") == state_dict_sha256(whole)


def test_an_export_killed_ten_times_ends_with_the_same_bytes(whole: Path, tmp_path: Path) -> None:
    """SIGKILL after random numbers of files; the last run ends like an uninterrupted one."""
    folder = tmp_path / "killed"
    code = (
        "import sys; from pathlib import Path;"
        "from palsynth.generation.export import ExportPlan, export;"
        "print('ready', flush=True);"
        f"export(Path(sys.argv[1]), {PLAN!r})"
    )
    rng = random.Random(0)
    # the twenty images end in twenty rows: two new files each, plus plan and folders
    stops = sorted(rng.sample(range(1, 39), 10))
    for stop in stops:
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(folder)], stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        process.stdout.readline()
        limit = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < limit:
            if sum(p.is_file() for p in _walk(folder)) >= stop:
                process.send_signal(signal.SIGKILL)
                break
        process.wait()
        process.stdout.close()
    export(folder, PLAN)
    assert state_dict_sha256(folder) == state_dict_sha256(whole)


def _walk(folder: Path) -> list[Path]:
    """All files below a folder that may change at the same time."""
    out: list[Path] = []
    for root, _, names in os.walk(folder):
        out += [Path(root) / name for name in names]
    return out


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"subjects": 0}, "must be at least 1"),
        ({"images_per_subject": 0}, "must be at least 1"),
        ({"seed": -1}, "seed -1: must be an integer of 0 or more"),
        ({"size": 1000}, "size 1000: must lie between 32 and 512"),
        ({"framing": "wide"}, "framing 'wide': choose one of id-photo"),
        ({"healthy": 1.5}, "healthy 1.5: must lie between 0 and 1"),
        ({"subjects": 20_000}, "at most 10,000 subjects"),
    ],
)
def test_invalid_plans(options: dict[str, object], text: str) -> None:
    with pytest.raises(InputError) as error:
        ExportPlan(**options)  # type: ignore[arg-type]
    assert text in str(error.value)


def test_evaluation_subjects_are_not_exported_by_accident() -> None:
    with pytest.raises(InputError, match="are for evaluation"):
        check_training_seeds(ExportPlan(seed=100))
    check_training_seeds(ExportPlan(seed=100), evaluation=True)
    check_training_seeds(ExportPlan(seed=99))


def test_random_palsies_cover_every_kind() -> None:
    from palsynth.clinical import Branch

    rng = np.random.default_rng(0)
    palsies = [random_palsy(rng, Side.LEFT, healthy=0.2) for _ in range(400)]
    healthy = np.mean([p == Palsy.none() for p in palsies])
    assert 0.13 < healthy < 0.28
    assert any(p.left.synkinesis for p in palsies)
    central = [p for p in palsies if p.left.function[Branch.TEMPORAL] == 1 and p.weak_side]
    assert central
    assert all(p.right.function[Branch.BUCCAL] == 1 for p in palsies)


def test_a_damaged_export_is_mended_and_said(
    whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(whole, folder)
    pictures = sorted(folder.rglob("*.png"))
    pictures[0].unlink()
    pictures[6].write_bytes(b"")
    pictures[7].write_bytes(pictures[8].read_bytes()[:500])
    pictures[12].write_bytes(pictures[13].read_bytes())
    counts: list[tuple[int, int]] = []
    export(folder, PLAN, progress=lambda done, of: counts.append((done, of)))
    assert state_dict_sha256(folder) == state_dict_sha256(whole)
    assert counts == [(17, 20), (19, 20), (20, 20)], "only these"
    said = capsys.readouterr().err
    assert said.count("it is made again") == 4
    for number, fault in ((0, "deleted"), (6, "emptied"), (7, "changed"), (12, "changed")):
        assert f"{pictures[number]}: has been {fault}" in said

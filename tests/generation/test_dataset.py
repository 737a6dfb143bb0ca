"""Data sets of plans: the same bytes however they are made, and nothing left out in silence."""

from __future__ import annotations

import json
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from palsynth.clinical import Grade, Movement, Palsy, Side
from palsynth.data.manifest import Row, read_manifest, write_manifest
from palsynth.errors import InputError
from palsynth.face.images import write_png
from palsynth.face.topology import MULTIPIE_60
from palsynth.generation import dataset
from palsynth.generation.dataset import LEFT_OUT, Made, make_dataset
from palsynth.generation.engines import processes
from palsynth.generation.gate import FAULTS
from palsynth.generation.plan import (
    Expressions,
    GateSettings,
    Identities,
    Palsies,
    Plan,
    load_plan,
)
from palsynth.generation.planning import request_seed
from palsynth.generation.variety import Variety
from palsynth.methods.base import Request, TargetExpression, Weightless
from palsynth.methods.registry import get_method
from palsynth.methods.simulator import SimulatorMethod
from palsynth.simulator.drive import Drive
from palsynth.subjects import Subject, View, render, sample
from tests.generation.test_engines import needs_ray
from tests.killing import contents

WHOLE = "{method: simulator, identities: {subjects: 4, seed: 3}, images: 24, size: 112, seed: 9}"


@pytest.fixture(scope="module")
def plan_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("plan") / "plan.yaml"
    path.write_text(WHOLE)
    return path


@pytest.fixture(scope="module")
def whole(plan_file: Path) -> Path:
    folder = plan_file.parent / "whole"
    make_dataset(folder, load_plan(plan_file), processes(1))
    return folder


def test_a_plan_of_five_fields_is_a_whole_data_set(whole: Path) -> None:
    rows = read_manifest(whole)
    assert len(rows) == 24
    assert {row.subject_id for row in rows} == {f"person-003000{k}" for k in range(4)}
    assert len({row.movement for row in rows}) == 10
    assert all(row.measured is not None and row.measured["attempts"] >= 1 for row in rows)
    assert all(row.measured is not None and row.measured["similarity"] > 0.3 for row in rows)
    assert (whole / LEFT_OUT).read_bytes() == b""
    assert not (whole / ".rows").exists()


WITHOUT_TORCH = """
import sys
from pathlib import Path
from palsynth.generation.dataset import make_dataset
from palsynth.generation.engines import processes
from palsynth.generation.plan import Identities, Plan

plan = Plan(method="simulator", identities=Identities(subjects=1), images=1, size=64)
make_dataset(Path(sys.argv[1]), plan, processes(1))
print("torch" in sys.modules)
"""


def test_a_method_without_networks_needs_no_torch(tmp_path: Path) -> None:
    """Every worker would take a second longer to start, and 180 MB more."""
    words = [sys.executable, "-c", WITHOUT_TORCH, str(tmp_path / "set")]
    assert subprocess.run(words, capture_output=True, text=True).stdout == "False\n"


def command(plan: Path, out: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "palsynth.cli", "generate", str(plan), f"--out={out}", *words]


def test_killed_at_random_with_files_deleted_it_ends_with_the_same_bytes(
    whole: Path, plan_file: Path, tmp_path: Path
) -> None:
    """Two workers; SIGKILL after random numbers of pictures, then random files are deleted."""
    folder, rng = tmp_path / "killed", random.Random(0)
    for stop in (3, 12, 20):
        process = subprocess.Popen(
            command(plan_file, folder, "--workers=2"), stderr=subprocess.PIPE
        )
        limit = time.monotonic() + 100
        while process.poll() is None and time.monotonic() < limit:
            if len(list(folder.glob("*/*/*.png"))) >= stop:
                process.send_signal(signal.SIGKILL)
            time.sleep(0.01)
        assert process.returncode == -signal.SIGKILL
        process.communicate()
        time.sleep(0.5)  # workers end a moment after their parent
        for path in rng.sample(sorted(folder.glob("*/*/*.png")), 2):
            path.unlink()
    make_dataset(folder, load_plan(plan_file), processes(1))
    assert contents(folder) == contents(whole)


@needs_ray
def test_ray_makes_the_same_bytes_when_a_worker_is_killed_midway(
    whole: Path, plan_file: Path, tmp_path: Path
) -> None:
    """Every worker's first group is made, and then it dies before it can say so."""
    script = tmp_path / "script.py"
    script.write_text(
        "import os, signal, sys\n"
        "from functools import partial\n"
        "from pathlib import Path\n"
        "from palsynth.generation.dataset import make_dataset\n"
        "from palsynth.generation.engines import ray_cluster\n"
        "from palsynth.generation.plan import load_plan\n"
        "def killed(work, mark, todo):\n"
        "    count = work(todo)\n"
        "    if not mark.exists():\n"
        "        mark.touch()\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return count\n"
        "def engine(work, items):\n"
        "    return ray_cluster(None, 2, 0)(partial(killed, work, Path('mark')), items)\n"
        "if __name__ == '__main__':\n"
        "    make_dataset(Path('set'), load_plan(Path(sys.argv[1])), engine)\n"
    )
    words = [sys.executable, str(script), str(plan_file)]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "mark").exists()
    assert contents(tmp_path / "set") == contents(whole)


def test_a_rerun_first_says_what_is_left(
    whole: Path, plan_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shutil.copytree(whole, tmp_path / "copy")
    moves: list[tuple[int, int]] = []
    lost, *others = sorted(folder.glob("*/*/*.png"), key=lambda path: path.name)[1:]
    lost.unlink()
    others.pop().unlink()
    times = {path: path.stat().st_mtime_ns for path in others}
    make_dataset(folder, load_plan(plan_file), processes(1), lambda *counts: moves.append(counts))
    assert contents(folder) == contents(whole)
    said = [line for line in capsys.readouterr().err.splitlines() if "is made again" not in line]
    assert said == [f"{folder}: 22 of 24 images are done, 2 are left"]
    assert moves[0] == (22, 24)
    assert moves[-1] == (24, 24)
    assert {path: path.stat().st_mtime_ns for path in others} == times, "these were there"


def test_what_was_damaged_is_made_again_and_said(
    whole: Path, plan_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shutil.copytree(whole, tmp_path / "copy")
    pictures = sorted(folder.glob("*/*/*.png"))
    pictures[0].unlink()
    pictures[6].write_bytes(b"")
    pictures[7].write_bytes(pictures[8].read_bytes()[:500])
    pictures[12].write_bytes(pictures[13].read_bytes())
    make_dataset(folder, load_plan(plan_file), processes(1))
    assert contents(folder) == contents(whole)
    said = capsys.readouterr().err
    assert said.count("it is made again") == 4
    for number, fault in ((0, "deleted"), (6, "emptied"), (7, "changed"), (12, "changed")):
        assert f"{pictures[number]}: has been {fault}" in said


def test_a_folder_of_another_plan_is_refused(whole: Path, plan_file: Path) -> None:
    other = replace(load_plan(plan_file), seed=10)
    with pytest.raises(InputError, match=r"another plan: plan\.seed is 9, not 10"):
        make_dataset(whole, other, processes(1))


def test_subjects_have_their_exact_landmarks(tmp_path: Path) -> None:
    plan = Plan(identities=Identities(subjects=1), images=2, size=96)
    for row in make_dataset(tmp_path / "set", plan, processes(1)).rows:
        points = np.array(row.attributes["multipie60"])
        assert points.shape == (len(MULTIPIE_60), 2)
        assert ((points > 0) & (points < 96)).all()


GRINS = Plan(
    method="faulty",
    identities=Identities(subjects=3),
    expressions=Expressions((Movement.GRIN,), Palsies(healthy=0, grades=(Grade.V,), central=0)),
    variety=Variety(0, 0, 0),
    images=6,
    size=128,
    seed=2,
    gate=GateSettings(retries=1),
)


class Faulty(Weightless):
    """The simulator, but for the first attempts, or all, at the first four pictures."""

    name = "faulty"
    takes = frozenset({TargetExpression, Drive})

    def __init__(self, wrong: Callable[[Request], np.ndarray], attempts: int) -> None:
        self._wrong, self._right = wrong, SimulatorMethod()
        self._seeds = {request_seed(GRINS, k, a) for k in range(4) for a in range(attempts)}

    def __call__(self, requests: Sequence[Request]) -> list[np.ndarray]:
        return [self._wrong(r) if r.seed in self._seeds else self._right([r])[0] for r in requests]


def simulated(request: Request, **changes: object) -> np.ndarray:
    return SimulatorMethod()([replace(request, **changes)])[0]  # type: ignore[arg-type]


def mirrored(request: Request) -> np.ndarray:
    drive = request.expression
    assert isinstance(drive, Drive)
    other = replace(drive, left=drive.right, right=drive.left, drag=-drive.drag, jaw=-drive.jaw)
    return simulated(request, expression=other)


def unmoved(request: Request) -> np.ndarray:
    return simulated(request, expression=TargetExpression(Movement.REST, Palsy.none()))


def empty(request: Request) -> np.ndarray:
    return np.full((request.size, request.size, 3), 128, np.uint8)


def another(request: Request) -> np.ndarray:
    assert isinstance(request.identity, Subject)
    return simulated(request, identity=sample((request.identity.seed + 1) % 3))


WRONG = {"side": mirrored, "movement": unmoved, "no-face": empty, "identity": another}


@pytest.fixture(autouse=True)
def faulty(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, int], None]:
    def use(fault: str, attempts: int) -> None:
        found = Faulty(WRONG[fault], attempts)
        known = lambda name, weights: found if name == "faulty" else get_method(name, weights)  # noqa: E731
        monkeypatch.setattr(dataset, "get_method", known)

    return use


@pytest.mark.parametrize("fault", WRONG)
def test_a_picture_with_a_fault_is_made_again_with_another_seed(
    fault: str, faulty: Callable[[str, int], None], tmp_path: Path
) -> None:
    faulty(fault, 1)
    made = make_dataset(tmp_path / "set", GRINS, processes(1))
    numbers = {int(Path(row.file_name).name[:7]): row for row in made.rows}
    tries = {k: row.measured["attempts"] for k, row in numbers.items() if row.measured is not None}
    assert tries == {0: 2, 1: 2, 2: 2, 3: 2, 4: 1, 5: 1}
    assert made.left_out == []
    for number, row in numbers.items():
        assert row.measured is not None
        earlier = row.measured["earlier_faults"]
        assert fault in earlier.split(", ") if number < 4 else earlier == ""
        assert row.provenance is not None
        assert row.provenance["seed"] == request_seed(GRINS, number, tries[number] - 1)


@pytest.mark.parametrize("fault", WRONG)
def test_after_the_last_attempt_a_picture_is_left_out_and_listed(
    fault: str, faulty: Callable[[str, int], None], tmp_path: Path
) -> None:
    faulty(fault, 2)
    folder = tmp_path / "set"
    made = make_dataset(folder, GRINS, processes(1))
    assert [int(Path(row.file_name).name[:7]) for row in made.rows] in ([4, 5], [5, 4])
    listed = [json.loads(line) for line in (folder / LEFT_OUT).read_text().splitlines()]
    assert listed == made.left_out
    assert sorted(int(Path(one["file_name"]).name[:7]) for one in listed) == [0, 1, 2, 3]
    assert all(fault in one["faults"] and one["attempts"] == 2 for one in listed)
    assert all(name in FAULTS for one in listed for name in one["faults"])
    assert all(fault in one["earlier_faults"].split(", ") for one in listed)
    before = contents(folder)
    again = make_dataset(folder, GRINS, processes(1))
    assert contents(folder) == before, "what was left out is not tried again"
    assert again == Made(made.rows, made.left_out)


def test_a_gate_that_checks_nothing_takes_everything(
    faulty: Callable[[str, int], None], tmp_path: Path
) -> None:
    faulty("identity", 2)
    gate = GateSettings(face=False, side=False, movement=False, identity=False)
    made = make_dataset(tmp_path / "set", replace(GRINS, gate=gate), processes(1))
    assert len(made.rows) == 6


def test_more_identities_than_are_compared(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(dataset, "GALLERY", 1)
    plan = Plan(identities=Identities(subjects=3), images=3, size=96)
    made = make_dataset(tmp_path / "set", plan, processes(1))
    similar = [row.measured["similarity"] for row in made.rows if row.measured is not None]
    assert len(similar) == 3
    assert min(similar) > 0.3


PATIENTS = {"Mueller-Anna": ("train", Side.LEFT), "Schmidt-Bernd": ("test", Side.RIGHT)}


@lru_cache
def patient_picture(number: int, movement: Movement, side: Side) -> np.ndarray:
    palsy = Palsy.peripheral(side, Grade.V)
    return render(sample(70 + number), movement, palsy, view=View(256)).image


@pytest.fixture
def clinic(tmp_path: Path) -> Path:
    folder, rows = tmp_path / "clinic-of-doctor-who", []
    for number, (name, (split, side)) in enumerate(PATIENTS.items()):
        for movement in (Movement.REST, Movement.GRIN):
            file_name = f"{name}/{movement.value}.png"
            (folder / name).mkdir(parents=True, exist_ok=True)
            write_png(folder / file_name, patient_picture(number, movement, side))
            labels = {"side": side.value, "hb_grade": "V", "split": split}
            rows.append(Row(file_name, name, movement.value, **labels))  # type: ignore[arg-type]
    write_manifest(folder, rows)
    return folder


def clinic_plan(folder: Path, **fields: object) -> Plan:
    expressions = Expressions(patients=folder)
    return Plan(method="captured", expressions=expressions, size=128, **fields)  # type: ignore[arg-type]


def test_patients_expressions_are_shown_by_subjects_and_name_nobody(
    clinic: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    made = make_dataset(out, clinic_plan(clinic, format="webdataset"), processes(1))
    assert len(made.rows) + len(made.left_out) == 4
    assert len(made.rows) >= 3
    sides = {split: side.value for split, side in PATIENTS.values()}
    for row in made.rows:
        assert row.subject_id.startswith("person-")
        assert row.split is not None
        assert row.file_name.startswith(f"{row.split}/{row.subject_id}/")
        assert (row.side, row.hb_grade) == (sides[row.split], "V")
        assert row.movement in ("rest", "grin")
    assert len({row.subject_id for row in made.rows}) == 2
    for name, data in contents(out).items():
        for word in ("Mueller", "Anna", "Schmidt", "Bernd", "doctor-who", str(tmp_path)):
            assert word not in name
            assert word.encode() not in data, name


def test_patients_take_turns_in_as_many_images_as_are_asked_for(
    clinic: Path, tmp_path: Path
) -> None:
    """Of more pictures than there are, some are shown again with another seed."""
    gate = GateSettings(face=False, side=False, movement=False, identity=False)
    one = make_dataset(tmp_path / "one", clinic_plan(clinic, images=1, gate=gate), processes(1))
    assert len(one.rows) == 1
    made = make_dataset(tmp_path / "six", clinic_plan(clinic, images=6, gate=gate), processes(1))
    assert len({row.file_name for row in made.rows}) == 6
    seeds = {row.provenance["seed"] for row in made.rows if row.provenance is not None}
    assert len(seeds) == 6
    record = json.loads((tmp_path / "six" / "plan.json").read_text())
    assert record["plan"]["images"] == 6


def test_changed_pictures_of_patients_do_not_mix_with_what_was_made(
    clinic: Path, tmp_path: Path
) -> None:
    make_dataset(tmp_path / "out", clinic_plan(clinic), processes(1))
    moved = clinic.rename(tmp_path / "elsewhere")
    make_dataset(tmp_path / "out", clinic_plan(moved), processes(1))
    write_png(moved / "Mueller-Anna/grin.png", patient_picture(2, Movement.GRIN, Side.LEFT))
    with pytest.raises(InputError, match="another plan: inputs_sha256 is"):
        make_dataset(tmp_path / "out", clinic_plan(moved), processes(1))


def test_more_patients_than_subjects_are_refused(clinic: Path, tmp_path: Path) -> None:
    plan = clinic_plan(clinic, identities=Identities(subjects=1))
    with pytest.raises(InputError, match=r"has 2 patients, and no identity is left for one"):
        make_dataset(tmp_path / "out", plan, processes(1))
    assert not (tmp_path / "out").exists()


def test_people_in_photographs_move_by_the_simulator(clinic: Path, tmp_path: Path) -> None:
    plan = Plan(method="simulator", identities=Identities(photographs=clinic), images=4, size=128)
    made = make_dataset(tmp_path / "out", plan, processes(1))
    assert {row.subject_id for row in made.rows} == set(PATIENTS)
    assert "grin.png" in "".join(made.unused)
    of_set = replace(plan, identities=Identities(dataset=clinic))
    rows = make_dataset(tmp_path / "other", of_set, processes(1)).rows
    assert {(row.subject_id, row.split) for row in rows} == {
        (name, split) for name, (split, _) in PATIENTS.items()
    }


def test_the_output_must_not_lie_in_an_input(clinic: Path) -> None:
    with pytest.raises(InputError, match=r"lies in .*; what is made must not be taken for"):
        make_dataset(clinic / "out", clinic_plan(clinic), processes(1))


def test_new_weights_at_a_path_are_loaded_anew_and_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With one worker the set and its groups share a method; its record says which."""
    loaded = []

    class Weighted(Faulty):
        def __init__(self, sha256: str) -> None:
            super().__init__(simulated, 0)
            self.weights_sha256 = sha256

    def load(name: str, weights: Path | None) -> Weighted:
        loaded.append(now)
        return Weighted(now)

    monkeypatch.setattr(dataset, "get_method", load)
    plan = replace(GRINS, images=2)
    for now in ("one", "other"):
        made = make_dataset(tmp_path / now, plan, processes(1))
        assert {(row.provenance or {})["weights_sha256"] for row in made.rows} == {now}
    assert loaded == ["one", "other"]


def test_methods_that_copy_pictures_are_refused(tmp_path: Path) -> None:
    plan = Plan(method="copy-identity", identities=Identities(subjects=1))
    with pytest.raises(InputError, match="copies pictures; choose one that makes them"):
        make_dataset(tmp_path / "out", plan, processes(1))

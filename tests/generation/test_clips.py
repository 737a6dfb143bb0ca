"""Clips of plans: one per picture, the same bytes however they are made, read as a data set."""

from __future__ import annotations

import csv
import io
import json
import shutil
import tarfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from palsynth.clinical import Grade, Movement, Side
from palsynth.data.check import check
from palsynth.data.clips import read_clip
from palsynth.data.hub import CONTACT_SHEET
from palsynth.data.manifest import read_manifest
from palsynth.data.shards import write_shards
from palsynth.errors import InputError
from palsynth.face.clips import inspect_clip
from palsynth.face.label import DigitalSource, digital_source
from palsynth.generation import filming
from palsynth.generation.card import CARD
from palsynth.generation.clips import RequestedClips
from palsynth.generation.dataset import make_dataset
from palsynth.generation.engines import processes
from palsynth.generation.filming import apex_picture, write_planned_clip
from palsynth.generation.identities import planned_identities
from palsynth.generation.pictures import RequestedPictures
from palsynth.generation.plan import Clips, Expressions, Identities, Palsies, Plan, load_plan
from palsynth.methods.base import Request, TargetExpression, Weightless
from palsynth.methods.registry import get_method
from palsynth.methods.simulator import SimulatorMethod
from palsynth.simulator.motion import MotionSettings
from palsynth.subjects import Subject
from tests.killing import contents

pytest.importorskip("av")

SHORT = MotionSettings(start=0.2, onset=0.2, hold=0.4, offset=0.2, rest=0.1, variation=0.0)
PLAN = Plan(
    identities=Identities(subjects=2, seed=3),
    expressions=Expressions(
        (Movement.GRIN,), Palsies(healthy=0.0, sides=(Side.LEFT,), grades=(Grade.V,), late=0.0)
    ),
    clips=Clips(fps=5.0, seconds=1.0, motion=SHORT),
    images=2,
    size=96,
    seed=4,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("clips") / "set"
    make_dataset(out, PLAN, processes(1))
    return out


def planned_clips(plan: Plan = PLAN) -> RequestedClips:
    return RequestedClips(RequestedPictures(plan, planned_identities(plan.identities).identities))


def test_every_clip_has_its_row_its_table_and_its_label(folder: Path) -> None:
    rows = read_manifest(folder)
    assert len(rows) == 2
    for row in rows:
        path = folder / row.file_name
        frames = [image for _, image in read_clip(path)]
        assert len(frames) == row.attributes["clip_frames"] == 5
        assert {frame.shape for frame in frames} == {(96, 96, 3)}
        assert digital_source(path) is DigitalSource.TRAINED
        record = json.loads(json.loads(inspect_clip(path).comment)["palsynth:provenance"])
        assert record == row.provenance
        assert (record["expression"], record["clip"]["fps"]) == ("grin", 5.0)
        assert (row.side, row.hb_grade) == ("left", "V")
        assert row.measured is not None
        assert row.measured["similarity"] > 0.3
        with path.with_suffix(".csv").open(newline="") as file:
            truth = list(csv.DictReader(file))
        weaker = [float(line["requested.mouth.left_weaker"]) for line in truth]
        assert len(weaker) == 5
        assert int(np.argmax(weaker)) == row.attributes["clip_apex"] != 0
        assert max(weaker) > 3, "the left side is weak"


def test_neither_workers_nor_a_lost_file_change_a_byte(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "set"
    make_dataset(out, PLAN, processes(2))
    whole = contents(folder)
    assert contents(out) == whole
    first, second = sorted(out.rglob("*.mp4"))
    first.unlink()
    second.with_suffix(".csv").write_text("frame,time\n")
    make_dataset(out, PLAN, processes(1))
    assert contents(out) == whole


def test_the_gate_sees_the_apex_of_the_clip() -> None:
    clips, method = planned_clips(), get_method("subjects")
    planned = clips.planned(0, 0)
    apex = apex_picture(method, PLAN, planned)
    frames = list(filming._frames(method, PLAN, planned))
    assert np.array_equal(apex.image, frames[planned.apex])
    assert not np.array_equal(frames[0], frames[planned.apex])
    assert isinstance(apex.request.expression, TargetExpression)


class Network(SimulatorMethod):
    """Darkens the simulator's pictures, and counts the frames that it makes itself."""

    name = "network"

    def __init__(self) -> None:
        self.made = 0

    def __call__(self, requests: Sequence[Request]) -> list[np.ndarray]:
        self.made += len(requests)
        return [image // 2 for image in super().__call__(requests)]


def test_a_network_makes_keyframes_and_the_apex(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filming, "Weightless", Faceless)  # so that the simulator is none
    clips = Clips(fps=8.0, keyframes=8, motion=replace(SHORT, blinks=60.0, hold=2.0))
    plan = replace(PLAN, method="simulator", clips=clips)
    planned = planned_clips(plan).planned(0, 0)
    method = Network()
    apex = apex_picture(method, plan, planned)
    assert apex.record["clip"]["keyframes"] == 8
    frames = list(filming._frames(method, plan, planned))
    assert len(frames) == len(planned.moments) > 2 * (method.made - 1)
    assert np.array_equal(apex.image, frames[planned.apex])


def test_at_the_apex_no_blink_is_under_way() -> None:
    """The lids of a blink move further than the mouth of a weak face."""
    motion = replace(SHORT, blinks=60.0, hold=2.0)
    plan = replace(PLAN, clips=Clips(fps=12.0, motion=motion))
    for number in range(2):
        planned = planned_clips(plan).planned(number, number)
        closures = [moment.drive.right.closure for moment in planned.moments]
        assert max(closures) > 0.8, "there is a blink"
        assert closures[planned.apex] < 0.5
        smiles = [moment.drive.right.fields["mouthSmile"] for moment in planned.moments]
        assert smiles[planned.apex] > 0.9 * max(smiles)


class Faceless(Weightless):
    """The subjects, but for a grey frame, the first one."""

    name, takes = "faceless", get_method("subjects").takes

    def __init__(self) -> None:
        self.made = 0

    def __call__(self, requests: Sequence[Request]) -> list[np.ndarray]:
        images = get_method("subjects")(requests)
        if not self.made:
            images[0] = np.full_like(images[0], 128)
        self.made += len(requests)
        return images


class NoWriter:
    """Writes as a data set's writer does, without rows."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add_beside(self, name: str, write: object) -> None:
        write(self.folder / name)  # type: ignore[operator]

    def add_file(self, row: object, write: object) -> None:
        write(self.folder / "clip.mp4")  # type: ignore[operator]


def test_a_frame_without_a_face_is_a_fault_and_no_clip_is_left(tmp_path: Path) -> None:
    planned = planned_clips().planned(0, 0)
    row = planned.row(apex_picture(get_method("subjects"), PLAN, planned))
    writer: object = NoWriter(tmp_path)
    faults = write_planned_clip(writer, Faceless(), PLAN, planned, row)  # type: ignore[arg-type]
    assert faults == ("no-face",)
    assert not any(path.is_file() for path in tmp_path.rglob("*"))
    whatever = replace(PLAN, gate=replace(PLAN.gate, face=False))
    assert write_planned_clip(writer, Faceless(), whatever, planned, row) == ()  # type: ignore[arg-type]
    assert (tmp_path / "clip.mp4").is_file()


def test_light_pose_and_folds_stay_and_the_head_sways() -> None:
    planned = planned_clips().planned(0, 0)
    requests = list(filming._requests(PLAN, planned))
    assert all(isinstance(request.identity, Subject) for request in requests)
    assert len({request.scene.light for request in requests}) == 1
    assert len({request.scene.backdrop for request in requests}) == 1
    yaws = [request.scene.pose.yaw for request in requests]
    assert len(set(yaws)) == 5
    assert np.ptp(yaws) < 5


def test_datasets_reads_the_clips_with_their_labels(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    rows = read_manifest(folder)
    by_name = datasets.load_dataset(
        "videofolder", data_dir=str(folder), cache_dir=str(tmp_path / "one")
    )
    by_card = datasets.load_dataset(str(folder), cache_dir=str(tmp_path / "two"))
    for found in (by_name, by_card):
        assert sum(len(part) for part in found.values()) == len(rows)
        for split, part in found.items():
            own = {str(folder / row.file_name): row for row in rows if row.split == split}
            for example in part.cast_column("video", datasets.Video(decode=False)):
                row = own[example["video"]["path"]]
                assert (example["movement"], example["side"]) == (row.movement, row.side)
                assert example["clip_apex"] == row.attributes["clip_apex"]


def test_a_clip_of_somebody_else_is_not_replaced(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "set"
    shutil.copytree(folder, out)
    first = sorted(out.rglob("*.mp4"))[0]
    first.write_bytes(
        first.read_bytes().replace(b'"Software": "palsynth"', b'"Software": "somebody"')
    )
    with pytest.raises(InputError, match=r"\.mp4: was not made here; move it away"):
        make_dataset(out, PLAN, processes(1))


def test_data_check_finds_a_damaged_clip_alone(folder: Path, tmp_path: Path) -> None:
    assert check(folder) == []
    out = tmp_path / "set"
    shutil.copytree(folder, out)
    first = sorted(out.rglob("*.mp4"))[0]
    first.write_bytes(first.read_bytes()[:400])
    (fault,) = check(out)
    assert (fault.kind, fault.about) == ("unreadable", first.relative_to(out).as_posix())


def test_the_card_counts_clips(folder: Path) -> None:
    text = (folder / CARD).read_text("utf-8")
    assert "# Facial palsy: 2 synthetic clips\n" in text
    assert 'load_dataset("videofolder"' in text
    header = yaml.safe_load(text.split("---\n")[1])
    assert header["task_categories"] == ["video-classification"]
    plan = folder.parent / "plan.yaml"
    plan.write_text(text.split("```yaml\n")[1].split("```")[0])
    assert load_plan(plan) == PLAN
    assert (folder / CONTACT_SHEET).is_file()


def test_a_shard_has_clip_row_and_table(folder: Path, tmp_path: Path) -> None:
    rows = read_manifest(folder)
    for shard in write_shards(folder, rows, tmp_path, 10):
        with tarfile.open(shard) as file:
            members = {m.name: file.extractfile(m) or io.BytesIO() for m in file.getmembers()}
            own = [row for row in rows if shard.name.startswith(str(row.split))]
            assert len(members) == 3 * len(own)
            for row in own:
                key = "_".join(Path(row.file_name).with_suffix("").parts[1:])
                assert members[f"{key}.mp4"].read() == (folder / row.file_name).read_bytes()
                assert members[f"{key}.csv"].read().startswith(b"frame,time")
                assert json.loads(members[f"{key}.json"].read())["movement"] == "grin"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("clips: {seconds: 3}", "clips: give fps too, such as 25; without it pictures are made"),
        ("clips: {fps: 500}", "clips: fps 500: must lie between 1 and 120"),
        ("clips: {fps: 25, seconds: 0}", "clips: seconds 0: must lie between 0.1 and 60"),
        (
            "{clips: {fps: 25}, expressions: {patients: set}}",
            "clips: pictures of patients do not move; leave out clips or expressions.patients",
        ),
    ],
)
def test_plans_that_cannot_be_made_are_refused(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text(text)
    with pytest.raises(InputError) as error:
        load_plan(path)
    assert message in str(error.value)

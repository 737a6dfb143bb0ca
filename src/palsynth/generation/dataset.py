"""Makes the data set of a plan: groups of pictures, checked, written where they are made."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import palsynth
from palsynth.data.hub import write_splits
from palsynth.data.manifest import Row
from palsynth.data.shards import write_shards
from palsynth.data.writer import CLIP, DatasetWriter
from palsynth.documents import read_json_lines
from palsynth.errors import InputError
from palsynth.files import atomic_write
from palsynth.generation.card import Finished, write_card
from palsynth.generation.clips import PlannedClip, RequestedClips
from palsynth.generation.engines import Engine
from palsynth.generation.filming import apex_picture, table_name, write_planned_clip
from palsynth.generation.gate import QualityGate, describe
from palsynth.generation.identities import planned_identities, usable
from palsynth.generation.measured import outline
from palsynth.generation.pictures import Group, Pictures, RequestedPictures, patient_pictures
from palsynth.generation.plan import Plan
from palsynth.generation.provenance import method_record
from palsynth.generation.runner import Generated, Planned, generate
from palsynth.generation.video import clip_format
from palsynth.guards import forbid_inside
from palsynth.locks import lock_folder
from palsynth.methods.base import Method
from palsynth.methods.registry import get_method
from palsynth.progress import Progress
from palsynth.records import files_sha256
from palsynth.terminal import say
from palsynth.training.recipe_file import to_plain

GALLERY = 200
"""Most identities with which a picture is compared."""

LEFT_OUT = "left-out.jsonl"
"""Lists the pictures that did not pass the gate, with their faults."""


_loaded: dict[tuple[Any, ...], Method] = {}
"""The one method that this process has loaded last."""


@dataclass(frozen=True)
class Job:
    """What every worker needs to know; small, as it is sent with every group."""

    folder: Path
    plan: Plan
    pictures: Pictures
    record: dict[str, Any]
    gallery: np.ndarray


@dataclass(frozen=True)
class Todo:
    """A group, and the numbers of those of its pictures that are missing."""

    group: Group
    missing: tuple[int, ...]


@dataclass
class Made:
    """A data set that was made.

    Attributes:
        rows: the rows of its manifest.
        left_out: pictures that did not pass the gate: file name, faults, attempts, and the faults
            of the earlier ones.
        unused: one line per input picture that could not be used.
    """

    rows: list[Row]
    left_out: list[dict[str, Any]] = field(default_factory=list)
    unused: list[str] = field(default_factory=list)


def make_dataset(
    folder: Path, plan: Plan, engine: Engine[Todo, int], progress: Progress | None = None
) -> Made:
    """Makes a data set, or the rest of an interrupted one.

    Args:
        folder: the data set: new, empty, or of the same plan.
        plan: what it is to hold.
        engine: what carries out the work; the set does not depend on it.
        progress: called with the number of finished pictures and their total.

    Returns:
        What was made.

    Raises:
        InputError: the plan's method, identities or patients cannot be used, or the folder cannot
            be written or holds something else.
    """
    read = plan.identities.photographs, plan.identities.dataset, plan.expressions.patients
    forbid_inside(folder, *read, reason="what is made must not be taken for what it is made of")
    method = get_method(plan.method, plan.weights)
    if not method.synthetic:
        raise InputError(f"method: {plan.method} copies pictures; choose one that makes them")
    found = planned_identities(plan.identities)
    checked = usable(found.identities)
    pictures: Pictures = RequestedPictures(plan, checked.identities)
    if plan.clips.wanted:
        clip_format(folder / f"clip{CLIP}")
        pictures = RequestedClips(RequestedPictures(plan, checked.identities))
    unused = [*found.left_out, *checked.left_out]
    if plan.expressions.patients is not None:
        pictures = of_patients = patient_pictures(plan, checked.identities)
        unused += of_patients.left_out
    groups = pictures.groups()
    names = [pictures.name(group.identity, k) for group in groups for k in group.numbers]
    plan = replace(plan, images=len(names))
    record = _record(plan, method, pictures)
    _loaded.clear()
    _loaded[_key(plan, record)] = method
    with lock_folder(folder):
        writer = DatasetWriter(folder, record, holds="a data set of another plan")
        todo = _unmade(writer, pictures, groups)
        gallery = describe([one.load() for one in pictures.identities[:GALLERY]])
        job = Job(folder, plan, pictures, record, gallery)
        _work(job, todo, engine, len(names), progress)
        left_out = _left_out(folder, names)
        missing = {one["file_name"] for one in left_out}
        rows = writer.finish([name for name in names if name not in missing])
        write_splits(folder, rows)
        write_card(Finished(folder, plan, record, rows, left_out, gallery))
        if plan.format == "webdataset":
            write_shards(folder, rows, folder / "shards", plan.shard)
    return Made(rows, left_out, unused)


def _work(
    job: Job, todo: Sequence[Todo], engine: Engine[Todo, int], total: int, progress: Progress | None
) -> None:
    left = sum(len(one.missing) for one in todo)
    if left < total:
        what = "clips" if job.plan.clips.wanted else "images"
        say(f"{job.folder}: {total - left} of {total} {what} are done, {left} are left", sys.stderr)
    report = progress or (lambda done, total: None)
    report(total - left, total)
    for count in engine(partial(make_group, job), todo):
        left -= count
        report(total - left, total)


def _record(plan: Plan, method: Method, pictures: Pictures) -> dict[str, Any]:
    """All that determines the bytes of a set: of files their contents, not their paths, which are
    those of one machine and may name a patient."""
    settings = to_plain(dataclasses.asdict(plan))
    given = {"identities": ("photographs", "dataset"), "expressions": ("patients",)}
    for part, names in given.items():
        settings[part] |= {name: settings[part][name] is not None for name in names}
    settings["weights"] = plan.weights is not None
    inputs = pictures.inputs()
    return {
        "plan": settings,
        "inputs_sha256": files_sha256(inputs) if inputs else None,
        **method_record(method),
        "identities": [one.name for one in pictures.identities],
        "version": palsynth.__version__,
    }


def make_group(job: Job, todo: Todo) -> int:
    """Makes the pictures of a group, and writes the missing ones that pass the gate.

    Args:
        job: the data set.
        todo: the group.

    Returns:
        How many pictures were missing.
    """
    group = todo.group
    writer = DatasetWriter(job.folder, job.record, holds="a data set of another plan")
    method = _method(job)
    gate = QualityGate(job.plan.gate, method, job.gallery)
    waiting = list(group.numbers)
    found: dict[int, list[str]] = {number: [] for number in group.numbers}
    for attempt in range(job.plan.gate.retries + 1):
        planned = [job.pictures.planned(group.identity, number, attempt) for number in waiting]
        failed = []
        for number, one, picture in zip(waiting, planned, _made(job, planned), strict=True):
            checked = gate.check(picture, group.identity, *one.shown)
            tried = {"attempts": attempt + 1, "earlier_faults": "; ".join(found[number])}
            faults = checked.faults
            if not faults and number in todo.missing:
                faults = _write(job, writer, one, picture, checked.measured | tried)
            if faults and attempt < job.plan.gate.retries:
                failed.append(number)
                found[number].append(", ".join(faults))
            elif faults and number in todo.missing:
                _leave_out(job.folder, one.file_name, faults, tried)
        if not failed:
            break
        waiting = failed
    return len(todo.missing)


def _unmade(writer: DatasetWriter, pictures: Pictures, groups: Sequence[Group]) -> list[Todo]:
    """The groups of which a picture neither exists nor is known not to pass the gate."""
    left_out = _known_left_out(writer.folder)

    def missing(name: str) -> bool:
        if name in left_out or _left_out_path(writer.folder, name).is_file():
            return False
        beside = not name.endswith(CLIP) or writer.has_beside(table_name(name))
        return not (writer.has(name) and beside)

    todo = [
        Todo(group, tuple(k for k in group.numbers if missing(pictures.name(group.identity, k))))
        for group in groups
    ]
    return [one for one in todo if one.missing]


def _made(job: Job, planned: Sequence[Planned]) -> list[Generated]:
    """The pictures, or the apexes of clips."""
    plan, method = job.plan, _method(job)
    clips = [one for one in planned if isinstance(one, PlannedClip)]
    if clips:
        return [apex_picture(method, plan, one) for one in clips]
    requests = [one.request for one in planned]
    return list(generate(method, requests, variety=plan.variety, camera=plan.camera))


def _write(
    job: Job, writer: DatasetWriter, planned: Planned, picture: Generated, measured: dict[str, Any]
) -> tuple[str, ...]:
    """Writes what has passed the gate; returns the faults of a clip's further frames."""
    row = planned.row(picture, **measured)
    if picture.landmarks is not None:
        row = replace(row, attributes=row.attributes | outline(picture.landmarks))
    if isinstance(planned, PlannedClip):
        return write_planned_clip(writer, _method(job), job.plan, planned, row)
    writer.add(picture.image, row)
    return ()


def _key(plan: Plan, record: dict[str, Any]) -> tuple[Any, ...]:
    """What tells methods apart: the contents of weights, which may change under their path."""
    return plan.method, plan.weights, record["weights_sha256"]


def _method(job: Job) -> Method:
    """The method of a set, loaded once in a process."""
    key = _key(job.plan, job.record)
    if key not in _loaded:
        method = get_method(job.plan.method, job.plan.weights)
        if method.weights_sha256 != job.record["weights_sha256"]:
            raise InputError(f"{job.plan.weights}: weights changed meanwhile; start a new folder")
        _loaded.clear()
        _loaded[key] = method
    return _loaded[key]


def _left_out_path(folder: Path, name: str) -> Path:
    return folder / ".rows" / f"{name}.left-out"


def _leave_out(folder: Path, name: str, faults: Sequence[str], tried: dict[str, Any]) -> None:
    path = _left_out_path(folder, name)
    line = {"file_name": name, "faults": list(faults), **tried}
    with atomic_write(path) as temporary:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(line) + "\n", "utf-8")


def _left_out(folder: Path, names: Sequence[str]) -> list[dict[str, Any]]:
    """What did not pass the gate; listed in the data set before its rows are tidied away."""
    if (folder / LEFT_OUT).is_file():
        return list(_known_left_out(folder).values())
    paths = [path for name in names if (path := _left_out_path(folder, name)).is_file()]
    with atomic_write(folder / LEFT_OUT) as temporary:
        temporary.write_text("".join(path.read_text("utf-8") for path in paths), "utf-8")
    return list(_known_left_out(folder).values())


def _known_left_out(folder: Path) -> dict[str, dict[str, Any]]:
    """File name -> what is said of a picture that did not pass, in a finished set."""
    path = folder / LEFT_OUT
    if not path.is_file() or path.stat().st_size == 0:
        return {}
    return {data["file_name"]: data for _, data in read_json_lines(path)}

"""Every writer of pictures, killed wherever it changes a file and started again, ends with the same
bytes."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from palsynth.clinical import Grade, Movement, Palsy, Side
from palsynth.commands.benchmark import AfidOptions, afid
from palsynth.comparison.afid import LIKENESS
from palsynth.comparison.benchmark_sets import london_smile, vp_transfer
from palsynth.comparison.folder_set import folder_set
from palsynth.comparison.half_smiles import half_smiles
from palsynth.comparison.transfer import transfer
from palsynth.data.faces import FoundFace
from palsynth.data.half_smiles import Smiler
from palsynth.data.manifest import Row, write_manifest
from palsynth.data.pairs import Pair, read_pairs, write_pairs
from palsynth.evaluation.intervals import Figure
from palsynth.face.face import Face
from palsynth.generation import dataset
from palsynth.generation.anonymize import Anonymization, Anonymized, RequestSettings
from palsynth.generation.anonymized_files import write_folder, write_one
from palsynth.generation.dataset import make_dataset
from palsynth.generation.engines import processes
from palsynth.generation.gallery import Gallery, write_gallery
from palsynth.generation.gate import Checked
from palsynth.generation.patient import Patient, PatientPicture
from palsynth.generation.plan import GateSettings, Identities, Plan
from palsynth.generation.runner import Generated
from palsynth.generation.sheet import Sheet
from palsynth.generation.verdict import Verdict
from palsynth.methods.base import ALL_FORMS, Request, TargetExpression, Weightless
from palsynth.methods.resolve import REST, subject_face
from palsynth.records import LEDGER
from palsynth.subjects import View, sample
from tests.killing import resumes

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

GREY = np.full((32, 32, 3), 128, np.uint8)
PALSY = json.dumps(Palsy.none().to_dict())
MANY = 1.0, 1.0, 1.0, 9


class Flat(Weightless):
    """Returns grey pictures."""

    name = "flat"
    takes = ALL_FORMS

    def __call__(self, requests: Sequence[Request]) -> list[np.ndarray]:
        return [np.full((r.size, r.size, 3), 128 + r.seed % 100, np.uint8) for r in requests]


@lru_cache
def the_face(movement: Movement = Movement.REST) -> Face:
    return subject_face(sample(5), TargetExpression(movement, Palsy.none()), View(64))


@contextmanager
def patched(module: str, **values: Any) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in values.items():
            patch.setattr(f"palsynth.{module}.{name}", value)
        yield


@pytest.fixture(autouse=True)
def inputs(tmp_path: Path) -> Path:
    """A benchmark set of two pairs, and photographs of two people; nobody looks at the pictures."""
    folder = tmp_path / "inputs"
    for kind in ("neutral", "smiling"):
        (folder / kind).mkdir(parents=True)
        for name in ("1.jpg", "2.jpg"):
            (folder / kind / name).touch()
    (folder / "split.csv").write_text("face_id,split\n1,test\n2,test\n")
    pairs = [
        Pair(f"{k}.png", "a.png", f"{k}.png", "", "a", "grin", PALSY, "b.png") for k in range(2)
    ]
    write_pairs(folder / "pairs.csv", pairs)
    for name in ("a", "b", "0", "1"):
        (folder / f"{name}.png").touch()
    rows = [Row(f"{s}/{m}.jpg", s, m, split="test") for s in "ab" for m in ("rest", "grin")]
    (folder / "clinic").mkdir()
    write_manifest(folder / "clinic", [*rows, Row("a/unknown.jpg", "a", split="test")])
    return folder


def a_transfer(folder: Path) -> None:
    with patched("comparison.transfer", read_face=lambda _: the_face()):
        inputs = folder.parent / "inputs"
        transfer(Flat(), inputs, read_pairs(inputs / "pairs.csv"), folder)


def an_afid(folder: Path) -> None:
    inputs = folder.parent / "inputs"
    flat = {"get_method": lambda *_: Flat()}
    no_face = {"read_face": lambda _: the_face(), "detect_faces": lambda _: []}
    with (
        patched("methods.registry", **flat),
        patched("comparison.transfer", **no_face, read_image=lambda _: GREY),
        patched("comparison.afid", afid_figures=lambda *_: {LIKENESS: Figure(*MANY)}),
        patched("scoring.features", FeatureCache=lambda _: nullcontext()),
    ):
        afid(AfidOptions(inputs, "flat", folder))


def a_vp_transfer(folder: Path) -> None:
    tiny = {"IDENTITIES": 1, "YANAGIHARA": [Movement.GRIN], "SubjectsMethod": Flat}
    with patched("comparison.benchmark_sets", **tiny):
        vp_transfer(folder, size=32)


def a_london_smile(folder: Path) -> None:
    with patched("comparison.benchmark_sets", read_face=lambda _: the_face()):
        london_smile(folder, folder.parent / "inputs", size=32)


def half_smile_sets(folder: Path) -> None:
    people = [(name, Smiler(name, the_face(), the_face(Movement.GRIN))) for name in ("1", "2")]
    few = {
        "read_smilers": lambda *_: [*people, ("3", "3: no face")],
        "SHARES": (1.0,),
        "Side": [Side.LEFT],
    }
    with patched("comparison.half_smiles", **few, half_smile=lambda *_: GREY):
        half_smiles(folder, folder.parent / "inputs", size=64)


def a_folder_set(folder: Path) -> None:
    found = FoundFace("", (64, 64), {n: tuple(p[:2]) for n, p in enumerate(the_face().landmarks)})
    known = {
        "find_faces": lambda _, rows, __: {row.file_name: found for row in rows},
        "read_image": lambda _: GREY,
        "detect_face": lambda _: the_face(),
    }
    with patched("comparison.folder_set", **known):
        folder_set(folder, folder.parent / "inputs" / "clinic", size=32)


def some_pairs(folder: Path) -> None:
    write_pairs(folder / "pairs.csv", [Pair("a", "b", "c", "d", "e", "grin", "")])


def generated(seed: int = 0) -> Generated:
    return Generated(GREY, Request(the_face(), REST, seed), {"method": "flat", "seed": seed})


def a_sheet() -> Sheet:
    return Sheet(GREY, [], [generated(seed) for seed in range(2)])


def sheet(folder: Path) -> None:
    a_sheet().write(folder / "new" / "sheet.png")


def gallery(folder: Path) -> None:
    plan = Gallery((sample(5),), (Grade.II, Grade.V), Side.LEFT, 64)
    with patched("generation.gallery", YANAGIHARA=[Movement.GRIN]):
        write_gallery(folder, plan, Flat(), lambda done, total: None)


def anonymized(distance: float | None, *movements: Movement) -> tuple[Patient, Anonymization]:
    pictures = [PatientPicture(m.value, m, the_face()) for m in movements]
    made = [Anonymized(picture, generated(), Verdict(distance)) for picture in pictures]
    patient = Patient(tuple(pictures), None)
    return patient, Anonymization(the_face(), 0, None, tuple(made), RequestSettings())


def an_anonymized_photo(folder: Path) -> None:
    """Two runs; the picture of the first has another fault and another name, and is deleted."""
    for distance in (None, 0.1):
        write_one(folder / "photo.png", anonymized(distance, Movement.GRIN)[1])
    assert [path.name for path in folder.glob("photo*")] == ["photo-patient-recognised.png"]


def an_anonymized_folder(folder: Path) -> None:
    with patched("generation.anonymized_files", anonymization_sheet=lambda *_: a_sheet()):
        write_folder(folder, *anonymized(0.9, Movement.GRIN, Movement.REST))


def a_planned_set(folder: Path) -> None:
    """Of two pictures, one of which does not pass the gate; in folders of splits, and shards."""
    plan = Plan(
        method="flat",
        identities=Identities(subjects=1),
        images=2,
        size=32,
        gate=GateSettings(retries=0),
        format="webdataset",
    )
    known = {
        "get_method": lambda *_: Flat(),
        "describe": lambda _: np.eye(1),
        "QualityGate": lambda *_: FirstPasses(),
    }
    dataset._loaded.clear()
    with patched("generation.dataset", **known):
        make_dataset(folder, plan, processes(1))
    dataset._loaded.clear()


class FirstPasses:
    def check(self, picture: Generated, identity: int, movement: Movement, _: Any) -> Checked:
        return Checked() if movement is Movement.REST else Checked(("side",))


LEDGERS = [f"{part}{LEDGER}" for part in ("", "first/", "second/", "self/", "cross/")]

WRITERS = (
    a_transfer,
    an_afid,
    a_vp_transfer,
    a_london_smile,
    half_smile_sets,
    a_folder_set,
    some_pairs,
    sheet,
    gallery,
    an_anonymized_photo,
    an_anonymized_folder,
    a_planned_set,
)


@pytest.mark.parametrize("write", WRITERS, ids=lambda write: write.__name__)
def test_a_killed_writer_ends_with_the_same_bytes(
    write: Callable[[Path], None], tmp_path: Path
) -> None:
    resumes(write, tmp_path / "out", LEDGERS)

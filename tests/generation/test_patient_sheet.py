"""A patient's ten movements on somebody else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from palsynth.clinical import YANAGIHARA, Grade, Movement, Palsy, Side
from palsynth.data.manifest import Row, write_manifest
from palsynth.errors import InputError
from palsynth.face.images import write_png
from palsynth.generation.patient_sheet import _row, patient_sheet, pictures_by_movement
from palsynth.generation.sheet import drawn_sheet, labelled_grid
from palsynth.methods import get_method
from palsynth.methods.resolve import identity_face
from palsynth.people import View, render, sample


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("patient")
    palsy = Palsy.peripheral(Side.LEFT, Grade.V)
    for movement in YANAGIHARA:
        image = render(sample(970_001), movement, palsy, view=View(160)).image
        write_png(folder / f"{movement.value}-00.png", image)
    return folder


def test_pictures_are_found_by_name(patient: Path) -> None:
    found = pictures_by_movement(patient)
    assert list(found) == list(YANAGIHARA)
    assert found[Movement.CLOSE_EYES_TIGHTLY].name == "close-eyes-tightly-00.png"


def test_pictures_are_found_by_manifest_and_what_is_missing_is_named(
    patient: Path, tmp_path: Path
) -> None:
    rows = []
    for number, path in enumerate(sorted(patient.glob("*.png"))[:4]):
        (tmp_path / f"{number}.png").write_bytes(path.read_bytes())
        rows.append(Row(f"{number}.png", "a", movement=path.stem[:-3]))
    write_manifest(tmp_path, rows)
    with pytest.raises(InputError, match="has no picture of rest, wrinkle-forehead, wink"):
        pictures_by_movement(tmp_path)
    write_manifest(tmp_path, [rows[0], Row("1.png", "b", movement="rest")])
    with pytest.raises(InputError, match="holds pictures of 2 subjects; give one patient's"):
        pictures_by_movement(tmp_path)


def test_the_sheet_shows_the_other_person_and_measures_both(patient: Path) -> None:
    """With the method that copies the patient both measures are the patient's."""
    other = identity_face(sample(970_002), 160)
    made = patient_sheet(patient, other, get_method("copy-expression"), size=160)
    assert len(made.rows) == 10
    grin = made.rows[[r.movement for r in made.rows].index(Movement.GRIN)]
    assert grin.asked_side is Side.LEFT
    assert grin.asked_score < 4
    assert grin.measured_score == grin.asked_score
    assert made.image.dtype == np.uint8


def test_a_patient_who_cannot_be_measured_has_no_score(patient: Path) -> None:
    blank = np.full((160, 160, 3), 128, np.uint8)
    row = _row(Movement.GRIN, blank, render(sample(970_002), view=View(160)).image)
    assert (row.asked_score, row.asked_side) == (None, None)
    assert row.measured_score is not None
    drawn = drawn_sheet([blank] * 10, [row] * 10, "", "patient")
    assert drawn.image.shape[0] > 320


def test_lines_are_named_and_columns_headed() -> None:
    tiles = [np.full((64, 64, 3), 90, np.uint8)] * 3
    image = labelled_grid({"one": tiles, "two": tiles}, ["a", "b", "c"])
    assert image.shape[1] > 3 * 64
    longer = labelled_grid({"one that has a long name": tiles}, ["a", "b", "c"])
    assert longer.shape[1] > image.shape[1] + 64
    assert image.shape[0] > 2 * 64

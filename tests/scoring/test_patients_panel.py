"""Images evaluated against their patients, computed by hand from given features."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from palsynth.comparison.controlnet_strategies import compare, side_by_side
from palsynth.data.pairs import Pair
from palsynth.evaluation.patient import FALSE_ACCEPT
from palsynth.face import topology
from palsynth.face.images import read_image
from palsynth.generation import layout
from palsynth.methods.registry import get_method
from palsynth.scoring.features import FeatureCache
from palsynth.scoring.judged import Judged
from palsynth.scoring.panel import Weights
from palsynth.scoring.patients import PatientPanel, tuned_and_others
from tests.scoring.fake_judges import NO_FACE, made, pair, use, write_flat

NOSE = 4


def _pair(number: int, patient: str, movement: str = "grin") -> Pair:
    return pair(
        number,
        patient,
        identity=f"identity/{number}.png",
        truth="",
        movement=movement,
        expression_identity=f"rest/{patient}.png",
    )


PAIRS = [_pair(0, "a"), _pair(1, "a", "whistle"), _pair(2, "b"), _pair(3, "b", "whistle")]

DLIB = {
    "rest/a.png": (0, 0), "rest/b.png": (10, 0),
    # patients moving: 6 and 9 from the other one at rest, 9 and 5
    "expression/0.png": (4, 0), "expression/1.png": (1, 0),
    "expression/2.png": (9, 0), "expression/3.png": (5, 0),
    **{f"identity/{k}.png": (50, 50) for k in range(4)},
    # from their own patient at rest: 4, 5, 4.9 and 8, of which 5 is the threshold
    "made/0.png": (0, 4), "made/1.png": (0, 5), "made/2.png": (10, 4.9), "made/3.png": (10, 8),
}  # fmt: skip

FACES = {
    **{f"expression/{k}.png": (1, 0) for k in range(4)},
    **{f"identity/{k}.png": (-1, 0) for k in range(4)},
    "made/0.png": (3, 4), "made/1.png": (4, 3), "made/2.png": (0, 1), "made/3.png": NO_FACE,
}  # fmt: skip

PORTRAITS = {
    **{f"expression/{k}.png": (0, 2) for k in range(4)},
    **{f"identity/{k}.png": (0, -1) for k in range(4)},
    "made/0.png": (0, 1), "made/1.png": (3, 4), "made/2.png": (1, 0), "made/3.png": NO_FACE,
}  # fmt: skip


def _face(nose: float, eyes: float = 100.0) -> np.ndarray:
    points = np.zeros((topology.POINTS, 3))
    points[topology.OUTER_CANTHUS["left"], 0] = eyes
    points[NOSE, 1] = nose
    return points


LANDMARKS = {
    **{f"expression/{k}.png": _face(0) for k in range(4)},
    **{f"identity/{k}.png": _face(-999) for k in range(4)},
    # the nose lies 46.8 and 93.6 px lower, of eyes 100 px apart; the last is the first, enlarged
    "made/0.png": _face(46.8), "made/1.png": _face(93.6), "made/2.png": _face(93.6, 200.0) + 7,
    "made/3.png": NO_FACE,
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for level, patient in ((20, "a"), (30, "b")):
        write_flat(tmp_path / "rest" / f"{patient}.png", level)
    for k in range(4):
        write_flat(tmp_path / "expression" / f"{k}.png", 100 + k)
        write_flat(tmp_path / "identity" / f"{k}.png", 150 + k)
        write_flat(tmp_path / "made" / f"{k}.png", 200 + k)
    return tmp_path


@pytest.fixture
def panel(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PatientPanel]:
    use(
        monkeypatch,
        dlib=DLIB,
        recogniser=FACES,
        portraits=PORTRAITS,
        landmarks=LANDMARKS,
        quality={name: NO_FACE if name == "made/3.png" else [0.5] for name in DLIB},
    )
    with FeatureCache(folder / "features.sqlite") as cache:
        yield PatientPanel(folder, PAIRS, Weights(), cache)


@pytest.fixture
def judged(panel: PatientPanel) -> Judged:
    return panel.judge("mine", made(panel.folder / "made", PAIRS))


def test_the_threshold_is_set_by_patients_and_not_by_the_evaluated_images(judged: Judged) -> None:
    """The nearest images of two patients are 5 apart; the method's own images would give 10.8."""
    assert judged.per_pair["recognised"].tolist() == [1, 0, 1, 0]
    assert judged.figures["recognised"].value == 50
    assert judged.variants["recognised"] == (
        "matched to the patient[dlib, below 5.000, 1 % false accepts]"
    )
    assert FALSE_ACCEPT == 0.01


def test_every_method_has_the_same_threshold(panel: PatientPanel) -> None:
    rows = [panel.judge(role, panel.files(role)) for role in ("identity", "expression")]
    assert len({row.variants["recognised"] for row in rows}) == 1
    assert rows[0].per_pair["recognised"].tolist() == [0, 0, 0, 0]
    assert rows[1].per_pair["recognised"].tolist() == [1, 1, 1, 0]  # 4, 1, 1 and 5 from their rest


def test_similarity_is_to_the_moving_patient(judged: Judged) -> None:
    assert judged.per_pair["patient_landmarks"][:3] == pytest.approx([0.1, 0.2, 0.1])
    assert judged.per_pair["patient_cosine"][:3] == pytest.approx([0.6, 0.8, 0])
    assert judged.per_pair["patient_perceptual"][:3] == pytest.approx([0, 0.2, 1])
    found = [judged.figures[f"patient_{k}"].value for k in ("landmarks", "cosine", "perceptual")]
    assert found == pytest.approx([0.4 / 3, 1.4 / 3, 1.2 / 3])
    assert judged.variants["patient_cosine"] == "cosine[recogniser]"
    assert judged.variants["patient_perceptual"] == "1 - cosine[portraits]"


def test_patients_tuned_on_are_reported_separately(judged: Judged) -> None:
    ours, others = tuned_and_others(judged, {"a", "not in the set"})
    assert (ours.method, others.method) == ("mine: 1 tuned on", "mine: 1 others")
    assert {k: f.value for k, f in ours.figures.items()} == pytest.approx(
        {
            "recognised": 50,
            "patient_landmarks": 0.15,
            "patient_perceptual": 0.1,
            "patient_cosine": 0.7,
        }
    )
    assert others.figures["patient_cosine"].value == 0
    assert others.figures["patient_cosine"].count == 1
    assert others.figures["recognised"].count == 2
    assert (ours.notes, others.notes) == ([], ["1 without a face count as not recognised"])
    assert [r.method for r in tuned_and_others(judged, set())] == ["mine: 2 others"]


def test_the_table_evaluates_each_methods_own_images(
    panel: PatientPanel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here copies, under the names of two methods."""
    monkeypatch.setattr("palsynth.comparison.controlnet_strategies.transfer", lambda *_, **__: None)
    for name, role in (("first", "identity"), ("second", "expression")):
        for p, file in zip(PAIRS, panel.files(role), strict=True):
            (tmp_path / "t" / name).mkdir(parents=True, exist_ok=True)
            (tmp_path / "t" / name / p.name).write_bytes(file.read_bytes())
    methods = iter([(n, get_method("noise")) for n in ("first", "second")])
    report = compare(panel, methods, {"a"}, tmp_path / "t", lambda *_: None)
    found = {r.method: r.figures["recognised"].value for r in report.results}
    assert found == {"copy-identity": 0, "copy-expression": 75, "first": 0, "second": 75}
    assert [r.reference for r in report.results] == [True, True, False, False]
    groups = {g.method: g.figures["recognised"].value for g in report.groups}
    assert groups == {
        "first: 1 tuned on": 0,
        "first: 1 others": 0,
        "second: 1 tuned on": 100,
        "second: 1 others": 50,
    }


def test_the_grid_has_the_patient_above_every_method(
    panel: PatientPanel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for offset, name in ((40, "x"), (70, "y")):
        for p in PAIRS:
            write_flat(tmp_path / name / p.name, offset + int(p.name[0]))
    seen = []

    def noted(lines: dict[str, list[np.ndarray]], heads: list[str]) -> np.ndarray:
        levels = {name: [int(i[0, 0, 0]) for i in images] for name, images in lines.items()}
        seen.append((levels, list(heads)))
        return layout.labelled_grid(lines, heads)

    monkeypatch.setattr("palsynth.comparison.controlnet_strategies.labelled_grid", noted)
    side_by_side(panel, ["x", "y"], "b", tmp_path)
    levels, heads = seen[0]
    assert levels == {"patient": [102, 103], "x": [42, 43], "y": [72, 73]}
    assert list(levels) == ["patient", "x", "y"]
    assert heads == ["Grin", "Whistle"]
    assert read_image(panel.folder / "expression" / "2.png")[0, 0, 0] == 102

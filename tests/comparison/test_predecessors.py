from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from palsynth.cli import main
from palsynth.comparison import benchmark_sets
from palsynth.comparison.benchmark_sets import vp_patients, vp_transfer
from palsynth.comparison.predecessors import (
    ROWS,
    _side_by_side,
    of_split,
    panel_of,
    some_people,
)
from palsynth.data.manifest import Row, write_manifest
from palsynth.data.pairs import read_pairs, write_pairs
from palsynth.errors import InputError
from palsynth.evaluation.report import read_report
from palsynth.face.images import read_image, write_png
from palsynth.methods.registry import METHODS
from palsynth.scoring.features import FeatureCache
from palsynth.scoring.panel import Weights
from tests.scoring.fake_judges import pair

SIZE = 64
MOVEMENTS = {"vp-transfer": {"grin", "close-eyes-tightly"}, "vp-patients": {"grin"}}
METHODS_OPTION = ["--methods", "captured", "noise"]


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Both kinds of set, with and without a truth, three people each and few movements."""
    folder = tmp_path_factory.mktemp("sets")
    made: dict[str, Callable[..., None]] = {"vp-transfer": vp_transfer, "vp-patients": vp_patients}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(benchmark_sets, "IDENTITIES", 3)
        patch.setattr(benchmark_sets, "PATIENTS", 1)
        patch.setattr(benchmark_sets, "IMAGES", 1)
        patch.setattr(benchmark_sets, "FURTHER", 2)
        for name, make in made.items():
            make(folder / name, SIZE)
            pairs = read_pairs(folder / name / "pairs.csv")
            chosen = [p for p in pairs if p.movement in MOVEMENTS[name]]
            assert {p.movement for p in chosen} == MOVEMENTS[name]
            write_pairs(folder / name / "pairs.csv", chosen)
    return {name: folder / name for name in made}


@pytest.fixture(scope="module")
def out(sets: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out")
    main(["table", "predecessors", *map(str, sets.values()), "--out", str(out), *METHODS_OPTION])
    return out


def test_the_rows_are_methods() -> None:
    assert set(ROWS) <= set(METHODS)


def test_a_set_with_a_truth_is_compared_with_it(out: Path) -> None:
    report = read_report(out / "vp-transfer" / "report.json")
    rows = {row.method: row for row in report.results}
    assert list(rows) == ["truth", "copy-identity", "copy-expression", "captured", "noise"]
    captured, noise = (rows[name].figures["psnr_moving"].value for name in ("captured", "noise"))
    assert captured > noise
    assert rows["copy-identity"].figures["identity_variety"].value == pytest.approx(1.0)


def test_a_set_of_patients_asks_whether_they_are_recognised(out: Path) -> None:
    report = read_report(out / "vp-patients" / "report.json")
    rows = {row.method: row for row in report.results}
    assert list(rows) == ["copy-identity", "copy-expression", "captured", "noise"]
    assert rows["copy-expression"].figures["recognised"].value == 100


def test_the_captured_rest_is_given_to_the_method_that_compares_with_it(out: Path) -> None:
    record = (out / "vp-transfer" / "captured" / "transfer.json").read_text("utf-8")
    assert '"rest"' in record
    assert '"rest"' not in (out / "vp-transfer" / "noise" / "transfer.json").read_text("utf-8")


def test_people_are_spaced_evenly() -> None:
    pairs = [pair(k, f"{k // 2}") for k in range(10)]
    assert [p.subject for p in some_people(pairs, 3)] == ["0", "0", "2", "2", "4", "4"]
    assert some_people(pairs, None) == some_people(pairs, 9) == pairs


def test_a_split_chooses_the_identities(tmp_path: Path) -> None:
    pairs = [pair(k, name) for k, name in enumerate("aab")]
    splits = {"a": "train", "b": "test"}
    rows = [Row(f"identity/{name}.png", name, split=split) for name, split in splits.items()]
    write_manifest(tmp_path, rows)
    assert of_split(tmp_path, pairs, "test") == pairs[2:]
    with pytest.raises(InputError, match="no identity belongs to the split validation"):
        of_split(tmp_path, pairs, "validation")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--people", "1"], "--people 1: must be at least 2"),
        (["--weights", "pix2pix=x"], "--weights pix2pix: is no row of this table"),
        (["--methods", "magic"], "no method 'magic'"),
        (["--methods", "copy-identity"], "--methods copy-identity: is a row of every table"),
        (["--split", "train"], "no identity belongs to the split train; leave out --split"),
    ],
)
def test_faults_are_said_in_one_line(
    sets: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], words, text: str
) -> None:
    arguments = [] if words[0] == "--methods" else METHODS_OPTION
    begin = ["table", "predecessors", str(sets["vp-transfer"]), "--out", str(tmp_path / "out")]
    with pytest.raises(SystemExit) as stopped:
        main([*begin, *arguments, *words])
    assert stopped.value.code == 2
    error = capsys.readouterr().err
    assert text in error
    assert "Traceback" not in error
    assert not (tmp_path / "out").exists()


def test_two_sets_of_one_name_are_refused(
    sets: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["table", "predecessors", *2 * [str(sets["vp-transfer"])], "--out", str(tmp_path)])
    assert "two sets are called vp-transfer" in capsys.readouterr().err


def test_a_table_does_not_lie_in_a_set(
    sets: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """Beside the set, the folder of its report would be the set itself."""
    folder = sets["vp-transfer"]
    for out in (folder, folder.parent, folder / "table"):
        with pytest.raises(SystemExit):
            main(["table", "predecessors", str(folder), "--out", str(out), *METHODS_OPTION])
        assert f"lies in {folder}; a report caches" in capsys.readouterr().err
    assert not list(folder.rglob("report.json"))


def test_what_has_no_weights_is_listed_and_left_out(
    sets: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("palsynth.comparison.predecessors.ROWS", ("noise", "pix2pix"))
    monkeypatch.setattr("palsynth.methods.shipped.METHODS", tmp_path / "none")
    folder = str(sets["vp-transfer"])
    main(["table", "predecessors", folder, "--out", str(tmp_path / "out"), "--people", "2"])
    assert "left out: method pix2pix: no weights ship" in capsys.readouterr().out
    report = read_report(tmp_path / "out" / "vp-transfer" / "report.json")
    assert [row.method for row in report.results if not row.reference] == ["noise"]
    assert report.title == "vp-transfer: 4 pairs of 2 people"


def test_the_picture_shows_people_with_different_movements(
    sets: dict[str, Path], out: Path, tmp_path: Path
) -> None:
    folder = sets["vp-transfer"]
    pairs = read_pairs(folder / "pairs.csv")
    of_person = {p.subject: [q for q in pairs if q.subject == p.subject] for p in pairs}
    shown = [own[k % 2] for k, own in enumerate(of_person.values())]
    assert len({p.movement for p in shown}) == 2
    with FeatureCache(tmp_path / "features.sqlite") as cache:
        panel = panel_of(folder, pairs, Weights(), cache, lambda *_: None)
        picture = _side_by_side(panel, ["noise"], out / "vp-transfer")
    for p in shown:
        for path in (folder / p.truth, out / "vp-transfer" / "noise" / p.name):
            squared = cv2.matchTemplate(picture, read_image(path), cv2.TM_SQDIFF).min()
            assert squared < 0.1 * SIZE**2, path


def test_the_picture_holds_pictures_of_any_size(
    sets: dict[str, Path], out: Path, tmp_path: Path
) -> None:
    """Sets of one's own may have them."""
    folder = tmp_path / "set"
    shutil.copytree(sets["vp-transfer"], folder)
    pairs = read_pairs(folder / "pairs.csv")
    for p in pairs[:2]:
        image = read_image(folder / p.expression)
        write_png(folder / p.expression, np.vstack([image, image]))
    with FeatureCache(tmp_path / "features.sqlite") as cache:
        panel = panel_of(folder, pairs, Weights(), cache, lambda *_: None)
        assert _side_by_side(panel, ["noise"], out / "vp-transfer").shape[1] >= 3 * SIZE

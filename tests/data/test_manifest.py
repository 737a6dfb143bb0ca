from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from palsynth.clinical import Palsy
from palsynth.data.check import check
from palsynth.data.manifest import FILE_NAME, Row, read_manifest, write_manifest
from palsynth.data.split import split_of
from palsynth.data.stats import stats, stats_picture
from palsynth.data.writer import DatasetWriter
from palsynth.errors import InputError
from palsynth.face.images import write_png


@pytest.fixture
def dataset(tmp_path: Path, neutral: np.ndarray, half_grin: np.ndarray) -> Path:
    folder = tmp_path / "set"
    rows = []
    for subject, image in (("a", neutral), ("b", half_grin)):
        name = f"{subject}/0.png"
        write_png(folder / name, image)
        rows.append(Row(name, subject, "grin", "left", "V", 0, Palsy.none().to_dict(), "train"))
    write_manifest(folder, rows)
    return folder


def test_round_trip(dataset: Path) -> None:
    rows = read_manifest(dataset)
    write_manifest(dataset, rows)
    assert read_manifest(dataset) == rows
    assert [r.subject_id for r in rows] == ["a", "b"]


def test_unknown_columns_are_kept_as_attributes(dataset: Path) -> None:
    path = dataset / FILE_NAME
    data = [json.loads(line) for line in path.read_text().splitlines()]
    data[0]["camera"] = "phone"
    path.write_text("\n".join(json.dumps(d) for d in data))
    assert read_manifest(dataset)[0].attributes["camera"] == "phone"


def test_hugging_face_opens_it_without_our_package(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    datasets = pytest.importorskip("datasets")
    # it counts its users on the way, unless it is offline
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    loaded = datasets.load_dataset(
        "imagefolder", data_dir=str(dataset), cache_dir=str(tmp_path / "cache"), split="train"
    )
    assert len(loaded) == 2
    assert loaded[0]["movement"] == "grin"
    assert loaded[0]["image"].size == (256, 256)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{not json", "metadata.jsonl:1: not a line of JSON"),
        ('["a"]', "metadata.jsonl:1: a row must be an object"),
        ('{"file_name": "x.png"}', "metadata.jsonl:1: column subject_id is missing"),
        ("", "has no rows"),
        ('{"file_name": 5, "subject_id": "s"}', "file_name must be text, not 5"),
        ('{"file_name": "../x.png", "subject_id": "s"}', "../x.png lies outside the dataset"),
        (
            '{"file_name": "x.png", "subject_id": "s", "attributes": 5}',
            "attributes must be an object",
        ),
    ],
)
def test_bad_manifests(dataset: Path, text: str, message: str) -> None:
    (dataset / FILE_NAME).write_text(text)
    with pytest.raises(InputError) as error:
        read_manifest(dataset)
    assert message in str(error.value)


def test_no_manifest(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="make one with 'palsynth data import'"):
        read_manifest(tmp_path)
    with pytest.raises(InputError, match="no such folder"):
        read_manifest(tmp_path / "nowhere")


def test_a_clean_dataset_has_no_findings(dataset: Path) -> None:
    assert check(dataset) == []


def test_every_kind_of_fault_is_found(dataset: Path) -> None:
    rows = read_manifest(dataset)
    same = (dataset / "a/0.png").read_bytes()
    (dataset / "a/1.png").write_bytes(same)
    (dataset / "a/2.png").write_bytes(same[:500])
    write_png(dataset / "a/3.png", np.full((64, 64, 3), 99, np.uint8))
    (dataset / "b/stray.png").write_bytes(same + b" ")
    rows += [
        Row("a/1.png", "a", split="test"),
        Row("a/2.png", "a", movement="juggle"),
        Row("a/3.png", "a", yanagihara_item=3),
        Row("a/3.png", "a", hb_grade="I", yanagihara_item=0),
        Row("gone.png", "c", palsy={"left": {"function": 7}}),
    ]
    write_manifest(dataset, rows)
    found = {(f.kind, f.about): f.text for f in check(dataset)}
    assert found["missing", "gone.png"] == "is in the manifest but not on disk"
    assert ("unlisted", "b/stray.png") in found
    assert "damaged" in found["unreadable", "a/2.png"]
    assert found["duplicate", "a/1.png"] == "has the same bytes as a/0.png"
    assert ("duplicate", "a/3.png") in found
    assert found["no face", "a/3.png"] == "no face found"
    assert found["leak", "a"] == "is in test and train"
    assert "movement 'juggle'" in found["label", "a/2.png"]
    assert "it must lie between 0 and 1" in found["label", "gone.png"]


@pytest.mark.parametrize(
    ("row", "text"),
    [
        (Row("x", "s", side="up"), "side 'up' is neither left nor right"),
        (Row("x", "s", hb_grade="VII"), "hb_grade 'VII' is not one of I to VI"),
        (Row("x", "s", split="dev"), "split 'dev' is not one of"),
    ],
)
def test_impossible_labels(row: Row, text: str) -> None:
    assert text in row.problems()[0]


def test_stats_count_and_draw(dataset: Path) -> None:
    found = stats(read_manifest(dataset))
    assert (found.images, found.subjects) == (2, 2)
    assert found.tables["movement"] == {"grin": 2}
    picture = stats_picture(dataset)
    assert picture.shape[1] == 1200
    assert picture.std() > 10


def test_splits_depend_on_the_name_only() -> None:
    names = [f"subject-{i}" for i in range(2000)]
    shares = [split_of(n) for n in names]
    assert shares == [split_of(n) for n in names]
    assert 0.77 < shares.count("train") / 2000 < 0.83
    assert {"train", "validation", "test"} == set(shares)


def test_a_writer_refuses_a_folder_with_other_contents(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "file").touch()
    with pytest.raises(InputError, match="is not empty; give a new folder"):
        DatasetWriter(tmp_path / "x", {"seed": 0})
    DatasetWriter(tmp_path / "y", {"seed": 0})
    with pytest.raises(InputError, match="holds an export with other settings"):
        DatasetWriter(tmp_path / "y", {"seed": 1})
    (tmp_path / "z").touch()
    with pytest.raises(InputError, match="cannot be made"):
        DatasetWriter(tmp_path / "z", {})


def test_a_writer_does_not_finish_what_is_not_written(tmp_path: Path) -> None:
    writer = DatasetWriter(tmp_path / "x", {})
    with pytest.raises(InputError, match=r"a\.png has not been written; start the export again"):
        writer.finish(["a.png"])


def test_any_text_survives_a_manifest(dataset: Path) -> None:
    rows = [Row("a/0.png", "s\u2028x", attributes={"note": "line\u0085break \n and \u00fc"})]
    write_manifest(dataset, rows)
    assert read_manifest(dataset) == rows


def test_a_picture_lost_after_the_export_is_noticed(tmp_path: Path, neutral: np.ndarray) -> None:
    writer = DatasetWriter(tmp_path / "x", {"seed": 0})
    writer.add(neutral, Row("a.png", "a"))
    writer.finish(["a.png"])
    (tmp_path / "x" / "a.png").unlink()
    with pytest.raises(InputError, match=r"a\.png has been lost since the export"):
        DatasetWriter(tmp_path / "x", {"seed": 0}).finish(["a.png"])


def test_a_kill_before_the_plan_is_in_place_does_not_block(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / ".plan.json.partial.json").touch()
    assert not DatasetWriter(tmp_path / "x", {"seed": 0}).complete

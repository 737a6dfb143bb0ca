from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from palsynth.clinical import Grade, Palsy, Side
from palsynth.data.manifest import FILE_NAME, Row, read_manifest, write_manifest
from palsynth.data.pictures import pictures
from palsynth.data.split import split_of
from palsynth.data.stats import stats, stats_picture
from palsynth.errors import InputError
from palsynth.face.images import write_png

ROW = '{"file_name": "x.png", "subject_id": "s", '
"""The start of a row."""


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


def test_unknown_columns_become_attributes(dataset: Path) -> None:
    path = dataset / FILE_NAME
    data = [json.loads(line) for line in path.read_text().splitlines()]
    data[0]["camera"] = "phone"
    path.write_text("\n".join(json.dumps(d) for d in data))
    assert read_manifest(dataset)[0].attributes["camera"] == "phone"


def test_hugging_face_opens_it_without_our_package(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    datasets = pytest.importorskip("datasets")
    # it reports its use, unless it is offline
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
        ("{not json", "metadata.jsonl:1: not JSON (Expecting"),
        ('["a"]', "metadata.jsonl:1: a row must be an object"),
        ('{"file_name": "x.png"}', "metadata.jsonl:1: column subject_id is missing"),
        ("", "has no rows"),
        (ROW + '"side": "left", "side": "right"}',
         "metadata.jsonl:1: the key 'side' stands twice"),
        ('{"file_name": ["x.png"], "subject_id": "s"}', "1: file_name must be text, not a list"),
        ('{"file_name": "x.png", "subject_id": {}}', "1: subject_id must be text, not a mapping"),
        (ROW + '"movement": []}', "1: movement must be text"),
        (ROW + '"side": {}}', "1: side must be text, not a mapping"),
        (ROW + '"hb_grade": 5}', "1: hb_grade must be text, not 5"),
        (ROW + '"split": true}', "1: split must be text, not True"),
        (ROW + '"yanagihara_item": "4"}',
         "1: yanagihara_item must be a whole number, not '4'"),
        (ROW + '"yanagihara_item": true}',
         "1: yanagihara_item must be a whole number, not True"),
        (ROW + '"palsy": "left"}', "1: palsy must be an object"),
        (ROW + '"measured": [1]}', "1: measured must be an object"),
        (ROW + '"provenance": 1}', "1: provenance must be an obj"),
        ("\n" + ROW + '"age": NaN}', "2: NaN is not a finite number"),
        ('{"file_name": "x\\u0000.png", "subject_id": "s"}', "1: text with a NUL character"),
        (ROW + '"a": ' + "[" * 9999 + "]" * 9999 + "}",
         "1: not JSON that can be read (nested deeper than 64)"),
        ('{"file_name": 5, "subject_id": "s"}', "file_name must be text, not 5"),
        ('{"file_name": "../x.png", "subject_id": "s"}', "../x.png lies outside the dataset"),
        (
            '{"file_name": "x.png", "subject_id": "s", "attributes": 5}',
            "attributes must be an object",
        ),
    ],
)  # fmt: skip
def test_bad_manifests(dataset: Path, text: str, message: str) -> None:
    (dataset / FILE_NAME).write_text(text)
    with pytest.raises(InputError) as error:
        read_manifest(dataset)
    assert message in str(error.value)


def test_a_score_that_pandas_wrote_is_a_whole_number(dataset: Path) -> None:
    (dataset / FILE_NAME).write_text(
        '\ufeff{"file_name": "a.png", "subject_id": "s", "yanagihara_item": 4.0, "side": null}\n'
    )
    [row] = read_manifest(dataset)
    assert (repr(row.yanagihara_item), row.side, row.attributes) == ("4", None, {})


def test_no_manifest(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="make one with 'palsynth data import'"):
        read_manifest(tmp_path)
    with pytest.raises(InputError, match="no such folder"):
        read_manifest(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("row", "text"),
    [
        (
            Row("x", "s", movement="juggle"),
            "movement 'juggle' is not one of rest, wrinkle-forehead",
        ),
        (Row("x", "s", side="up"), "side 'up' is neither left nor right"),
        (Row("x", "s", hb_grade="VII"), "hb_grade 'VII' is not one of I to VI"),
        (Row("x", "s", yanagihara_item=3), "yanagihara_item 3 is not 0, 2 or 4"),
        (Row("x", "s", hb_grade="I", yanagihara_item=0), "grade I (normal) cannot have item score"),
        (Row("x", "s", split="dev"), "split 'dev' is not one of train, validation, test"),
        (
            Row("x", "s", side="right", palsy=Palsy.peripheral(Side.LEFT, Grade.IV).to_dict()),
            "side 'right' is not the weak side of palsy, left",
        ),
        (Row("x", "s", palsy={"left": {"tone": 2}}), "tone is 2, it must lie between 0 and 1"),
    ],
)
def test_impossible_labels(row: Row, text: str) -> None:
    (found,) = row.problems()
    assert text in found


def test_possible_labels_are_no_problem() -> None:
    for movement, side, split in zip(
        ("rest", "grin", "blink"),
        ("left", "right", None),
        ("train", "validation", "test"),
        strict=True,
    ):
        for grade, item in (("I", 4), ("I", 2), ("II", 0), ("VI", 0), ("V", 2), (None, 0)):
            row = Row("x", "s", movement, side, grade, item, Palsy.none().to_dict(), split)
            assert row.problems() == []


def test_stats_count_every_label_and_unknown_ones() -> None:
    found = stats(
        [
            Row("1", "a", "grin", "left", "V", 0, split="train"),
            Row("2", "a", "grin", "right", "V", 2, split="train"),
            Row("3", "b", "rest", "left", "I", 0, split="test"),
            Row("4", "c"),
        ]
    )
    assert (found.images, found.subjects) == (4, 3)
    assert found.tables == {
        "split": {"test": 1, "train": 2, "unknown": 1},
        "movement": {"grin": 2, "rest": 1, "unknown": 1},
        "side": {"left": 2, "right": 1, "unknown": 1},
        "hb_grade": {"I": 1, "V": 2, "unknown": 1},
        "yanagihara_item": {"0": 2, "2": 1, "unknown": 1},
    }


def test_bars_of_the_chart_are_proportional_to_the_counts(dataset: Path) -> None:
    one, other = read_manifest(dataset)
    single = replace(one, movement="rest", side="right", hb_grade="II", yanagihara_item=4)
    write_manifest(
        dataset, [replace(single, split="test"), other, replace(other, file_name="b/1.png")]
    )
    picture = stats_picture(dataset)
    assert picture.shape[1] == 1200
    bars = (picture == (92, 141, 170)).all(-1)[150:].sum(1)
    lengths = [int(n) for n, before in zip(bars[1:], bars, strict=False) if n > before == 0]
    # test, train | grin, rest | left, right | II, V | 0, 4: the most frequent takes 780 px
    assert lengths == [391, 781, 781, 391, 781, 391, 391, 781, 781, 391]


def test_rows_of_a_folder_are_sorted_and_of_the_given_splits(dataset: Path) -> None:
    rows = read_manifest(dataset)
    lines = [replace(rows[1], split="test"), replace(rows[0], split="train")]
    (dataset / FILE_NAME).write_text("".join(row.to_json() + "\n" for row in lines))
    assert [r.file_name for r in pictures(dataset)] == ["a/0.png", "b/0.png"]
    assert [r.file_name for r in pictures(dataset, ("test",))] == ["b/0.png"]
    assert [r.file_name for r in pictures(dataset, ("train",))] == ["a/0.png"]
    with pytest.raises(InputError, match="no pictures in split validation"):
        pictures(dataset, ("validation",))
    (dataset / FILE_NAME).unlink()
    with pytest.raises(InputError, match=r"has no metadata\.jsonl that names splits"):
        pictures(dataset, ("test",))
    unlabelled = pictures(dataset)
    assert [(r.file_name, r.subject_id) for r in unlabelled] == [
        (n, n) for n in ("a/0.png", "b/0.png")
    ]


def test_splits_depend_on_the_name_only() -> None:
    names = [f"subject-{k}" for k in range(2000)]
    splits = [split_of(name) for name in names]
    others = {k: s for k, s in enumerate(splits[:30]) if s != "train"}
    assert others == {0: "validation", 12: "test", 24: "validation"}
    counts = [splits.count(s) for s in ("train", "validation", "test")]
    assert counts == [1593, 203, 204], "80, 10 and 10 %"


def test_any_text_survives_a_manifest(dataset: Path) -> None:
    rows = [Row("a/0.png", "s\u2028x", attributes={"note": "line\u0085break \n and \u00fc"})]
    write_manifest(dataset, rows)
    assert read_manifest(dataset) == rows


@pytest.mark.parametrize(
    ("second", "message"),
    [
        ("a/0.png", "jsonl:2: a/0.png is named twice; keep one row"),
        ("./a/0.png", "jsonl:2: a/0.png is named twice"),
        ("A/0.png", "jsonl:2: A/0.png and a/0.png are one file on some systems; keep one row"),
    ],
)
def test_two_rows_of_one_file_are_refused(tmp_path: Path, second: str, message: str) -> None:
    lines = [{"file_name": name, "subject_id": "s"} for name in ("a/0.png", second)]
    (tmp_path / FILE_NAME).write_text("\n".join(map(json.dumps, lines)))
    with pytest.raises(InputError) as error:
        read_manifest(tmp_path)
    assert message in str(error.value)
    assert len(read_manifest(tmp_path, unique=False)) == 2


def test_names_are_read_in_one_form_and_stay_in_the_dataset(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text('{"file_name": "./a//0.png", "subject_id": "s"}')
    assert read_manifest(tmp_path)[0].file_name == "a/0.png"
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "a").symlink_to(tmp_path)
    for name, message in (("a/0.png", "leads out of"), ("a\\0.png", "has a backslash")):
        line = json.dumps({"file_name": name, "subject_id": "s"})
        (tmp_path / "set" / FILE_NAME).write_text(line)
        with pytest.raises(InputError, match=rf"jsonl:1: .*{message}"):
            read_manifest(tmp_path / "set")

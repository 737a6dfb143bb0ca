from __future__ import annotations

import json
import os
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from openpyxl import Workbook
from PIL import Image

from palsynth.data.check import check
from palsynth.data.importers import import_dataset
from palsynth.data.manifest import Row, read_manifest, write_manifest
from palsynth.errors import InputError


def _picture(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(list(os.fsencode(path)))
    Image.fromarray(rng.integers(0, 255, (40, 40, 3), np.uint8)).save(path)


@pytest.fixture
def meei(tmp_path: Path) -> Path:
    root = tmp_path / "MEEI"
    for photo in range(1, 9):
        name = "CompleteFlaccid1"
        _picture(root / "Flaccid" / "CompleteFlaccid" / name / f"{name}_{photo}.jpg")
        _picture(root / "Normal" / "Normal3" / f"Normal3_{photo}.JPG")
    _picture(
        root
        / "Synkinetic"
        / "Complete Synkinetic"
        / "Synkinetic_Complete1"
        / "Synkinetic_Complete1_6.jpg"
    )
    (root / "Flaccid" / "CompleteFlaccid" / "CompleteFlaccid1" / "CompleteFlaccid1.mp4").touch()
    _picture(root / "Flaccid" / "Odd" / "Someone" / "Someone_2.jpg")
    _picture(root / "cover.jpg")
    book = Workbook()
    book.active.append(["Sub-category", "Category", "#", "Side", "Gender", "Age"])
    book.active.append(["Complete", "Flaccid", 1, "L", "F", 44])
    book.active.append(["Synkinetic", "Complete", 1, "Right", "M", 61])
    book.save(root / "pat_info.xlsx")
    return root


def test_meei(meei: Path, tmp_path: Path) -> None:
    rows, unplaced = import_dataset("meei", meei, tmp_path / "out")
    assert len(rows) == 17
    flaccid = {
        r.attributes["photo"]: r
        for r in rows
        if r.subject_id == "meei-flaccid-complete-completeflaccid1"
    }
    assert [flaccid[k].movement for k in range(1, 9)] == [
        "rest",
        "wrinkle-forehead",
        "close-eyes-lightly",
        "close-eyes-tightly",
        None,
        "grin",
        "whistle",
        "depress-lip",
    ]
    assert {r.side for r in flaccid.values()} == {"left"}
    assert flaccid[1].attributes == {
        "category": "flaccid",
        "level": "Complete",
        "photo": 1,
        "gender": "F",
        "age": 44,
    }
    normal = [r for r in rows if r.attributes["category"] == "normal"]
    assert {(r.side, r.hb_grade, r.subject_id) for r in normal} == {
        (None, "I", "meei-normal-normal-normal3")
    }
    (synkinetic,) = (r for r in rows if r.attributes["category"] == "synkinetic")
    assert (synkinetic.movement, synkinetic.side, synkinetic.hb_grade) == ("grin", "right", None)
    assert (synkinetic.attributes["level"], synkinetic.attributes["gender"]) == ("Complete", "M")
    rules = {item.path.name: item.rule for item in unplaced}
    assert set(rules) == {"CompleteFlaccid1.mp4", "Someone_2.jpg", "cover.jpg"}
    assert "must name a level" in rules["Someone_2.jpg"]
    assert "must lie below Flaccid/" in rules["cover.jpg"]
    assert "cut it into frames" in rules["CompleteFlaccid1.mp4"]
    assert check(tmp_path / "out", faces=False) == []


def test_pictures_are_imported_without_metadata(tmp_path: Path) -> None:
    picture = tmp_path / "src" / "p1" / "grin.jpg"
    _picture(picture)
    exif = Image.Exif()
    exif[0x013B], exif[0x0112] = "Jane Doe", 6
    exif.get_ifd(0x8825)[27] = b"a place"
    Image.open(picture).save(picture, exif=exif)
    (picture.parent / "rest.jpg").write_text("a letter")
    rows, unplaced = import_dataset("folder", tmp_path / "src", tmp_path / "out")
    assert [row.file_name for row in rows] == ["p1/grin.jpg"]
    assert [item.rule for item in unplaced] == [
        "is not a picture in a known format; use PNG or JPEG"
    ]
    copy = tmp_path / "out" / "p1" / "grin.jpg"
    assert dict(Image.open(copy).getexif()) == {0x0112: 6}
    assert b"Jane Doe" not in copy.read_bytes()
    assert b"a place" not in copy.read_bytes()
    import_dataset("folder", tmp_path / "src", tmp_path / "as-is", keep_metadata=True)
    assert (tmp_path / "as-is" / "p1" / "grin.jpg").read_bytes() == picture.read_bytes()


def test_meei_patient_sheet_with_a_missing_column(meei: Path, tmp_path: Path) -> None:
    book = Workbook()
    book.active.append(["Category", "#", "Side"])
    book.save(meei / "pat_info.xlsx")
    with pytest.raises(InputError, match=r"pat_info\.xlsx: column sub-category is missing"):
        import_dataset("meei", meei, tmp_path / "out")
    (meei / "pat_info.xlsx").write_bytes(b"no")
    with pytest.raises(InputError, match="not an Excel file"):
        import_dataset("meei", meei, tmp_path / "out")


def test_meei_levels_are_read_from_the_folder(tmp_path: Path) -> None:
    levels = ("NearNormal", "Mild", "Moderate", "Severe", "Complete")
    for level in levels:
        _picture(tmp_path / "M" / "Flaccid" / f"{level}Flaccid" / "P1" / "P1_1.jpg")
    for number in (0, 9):
        _picture(tmp_path / "M" / "Flaccid" / "MildFlaccid" / "P1" / f"P1_{number}.jpg")
    rows, unplaced = import_dataset("meei", tmp_path / "M", tmp_path / "out")
    assert {(r.attributes["level"], r.subject_id) for r in rows} == {
        (level, f"meei-flaccid-{level.lower()}-p1") for level in levels
    }
    assert {r.side for r in rows} == {None}
    assert {item.rule for item in unplaced} == {"must be called <patient>_<1..8>"}
    assert len(unplaced) == 2


def test_aflfp_and_yfp(tmp_path: Path) -> None:
    _picture(tmp_path / "a" / "007" / "smile_1.png")
    _picture(tmp_path / "a" / "top.png")
    rows, unplaced = import_dataset("aflfp", tmp_path / "a", tmp_path / "out-a")
    assert [r.subject_id for r in rows] == ["aflfp-007"]
    assert unplaced[0].rule == "must lie in a folder named after its subject"

    _picture(tmp_path / "y" / "p3" / "mouth_1.0" / "frame12.jpg")
    _picture(tmp_path / "y" / "p3" / "eye_0.5" / "frame13.jpg")
    rows, _ = import_dataset("yfp", tmp_path / "y", tmp_path / "out-y")
    assert [r.attributes for r in rows] == [{"eye_intensity": 0.5}, {"mouth_intensity": 1.0}]

    for name in ("Mouth-05_eye10_7", "mouth_1-7", "eye_0.55_7", "frame_eye_0.5"):
        _picture(tmp_path / "z" / "p3" / f"{name}.jpg")
    rows, _ = import_dataset("yfp", tmp_path / "z", tmp_path / "out-z")
    assert {r.file_name: r.attributes for r in rows} == {
        "p3/Mouth-05_eye10_7.jpg": {"mouth_intensity": 0.5, "eye_intensity": 1.0},
        "p3/mouth_1-7.jpg": {"mouth_intensity": 1.0},
        "p3/eye_0.55_7.jpg": {},
        "p3/frame_eye_0.5.jpg": {"eye_intensity": 0.5},
    }


def test_file_names_tell_the_movement(tmp_path: Path) -> None:
    names = {
        "astronaut/rest.jpg": "rest",
        "astronaut/GRIN 2.jpg": "grin",
        "astronaut/close_eyes_tightly-01.jpg": "close-eyes-tightly",
        "astronaut/Wrinkle-Nose/0007.jpg": "wrinkle-nose",
        "astronaut/p3_whistle_left.jpg": "whistle",
        "astronaut/grinning.jpg": None,
        "grin/0001.jpg": None,
    }
    for name in names:
        _picture(tmp_path / "src" / name)
    _picture(tmp_path / "src" / "astronaut" / "rest-or-grin.jpg")
    rows, unplaced = import_dataset("folder", tmp_path / "src", tmp_path / "out")
    assert {row.file_name: row.movement for row in rows} == names
    assert [item.rule for item in unplaced] == ["its name has several movements: rest, grin"]


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    root = tmp_path / "clinic"
    for name in ("p1/a.jpg", "p1/b.jpg", "p2/c.jpg", "p2/unlisted.jpg"):
        _picture(root / name)
    (root / "labels.csv").write_text(
        "picture,patient,task,weak\np1/a.jpg,1,smile,L\np1/b.jpg,1,snort,L\n"
        "p2/c.jpg,2,smile,R\np2/gone.jpg,2,smile,R\n"
    )
    (root / "map.yaml").write_text(
        "labels: labels.csv\n"
        "columns: {file_name: picture, subject_id: patient, movement: task, side: weak}\n"
        "values:\n  movement: {smile: grin}\n  side: {L: left, R: right}\n"
    )
    return root


def test_folder_with_a_mapping(labelled: Path, tmp_path: Path) -> None:
    rows, unplaced = import_dataset("folder", labelled, tmp_path / "out", labelled / "map.yaml")
    assert [(r.file_name, r.movement, r.side) for r in rows] == [
        ("p1/a.jpg", "grin", "left"),
        ("p2/c.jpg", "grin", "right"),
    ]
    rules = {item.path.name: item.rule for item in unplaced}
    assert "movement 'snort'" in rules["b.jpg"]
    assert "add it to 'values' in map.yaml" in rules["b.jpg"]
    assert rules["gone.jpg"] == "labels.csv:5 names it, but the file does not exist"
    assert rules["unlisted.jpg"] == "labels.csv has no line for it"


def test_every_field_of_a_mapping_is_taken_from_its_column(labelled: Path, tmp_path: Path) -> None:
    """Given splits are preserved; others are derived from the subject's name."""
    (labelled / "l.csv").write_text(
        "f,subject,does,weak,grade,score,part\n"
        "p1/a.jpg,subject-12,grin,left,V,0,train\n"
        "p1/b.jpg,subject-12,rest,right,II,4,test\n"
        "p2/c.jpg,subject-12,whistle,,,,\n"
    )
    (labelled / "m.yaml").write_text(
        "labels: l.csv\ncolumns: {file_name: f, subject_id: subject, movement: does, side: weak, "
        "hb_grade: grade, yanagihara_item: score, split: part}\n"
    )
    rows, _ = import_dataset("folder", labelled, tmp_path / "out", labelled / "m.yaml")
    assert rows == [
        Row("p1/a.jpg", "subject-12", "grin", "left", "V", 0, split="train"),
        Row("p1/b.jpg", "subject-12", "rest", "right", "II", 4, split="test"),
        Row("p2/c.jpg", "subject-12", "whistle", split="test"),
    ]
    assert read_manifest(tmp_path / "out") == rows
    for row in rows:
        assert (tmp_path / "out" / row.file_name).read_bytes() == (
            labelled / row.file_name
        ).read_bytes()


def test_a_small_clinic_has_patients_in_every_split(tmp_path: Path) -> None:
    """By their names alone, all four would be trained on."""
    for patient in range(1, 5):
        for name in ("rest", "grin"):
            _picture(tmp_path / "clinic" / f"patient{patient}" / f"{name}.png")
    rows, _ = import_dataset("yfp", tmp_path / "clinic", tmp_path / "out")
    assert {row.split for row in rows} == {"train", "validation", "test"}
    assert [fault.kind for fault in check(tmp_path / "out", faces=False)] == []


def test_rows_without_a_split_follow_the_others_of_their_subject(
    labelled: Path, tmp_path: Path
) -> None:
    """By its name alone, subject-12 is of the test split."""
    (labelled / "l.csv").write_text("f,s,part\np1/a.jpg,subject-12,train\np1/b.jpg,subject-12,\n")
    (labelled / "m.yaml").write_text(
        "labels: l.csv\ncolumns: {file_name: f, subject_id: s, split: part}\n"
    )
    rows, _ = import_dataset("folder", labelled, tmp_path / "out", labelled / "m.yaml")
    assert [row.split for row in rows] == ["train", "train"]


def test_folder_with_jsonl_labels(labelled: Path, tmp_path: Path) -> None:
    (labelled / "l.jsonl").write_text(json.dumps({"f": "p1/a.jpg", "s": 1, "y": "2"}) + "\n")
    (labelled / "m.yaml").write_text(
        "labels: l.jsonl\ncolumns: {file_name: f, subject_id: s, yanagihara_item: y}\n"
    )
    rows, _ = import_dataset("folder", labelled, tmp_path / "out", labelled / "m.yaml")
    assert (rows[0].subject_id, rows[0].yanagihara_item) == ("1", 2)


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ("labels: labels.csv\n", "a mapping needs 'labels' (a file) and 'columns'"),
        ("labels: x\ncolumns: {nose: y}\n", "no field nose; fields are file_name"),
        ("labels: x\ncolumns: {file_name: y}\n", "must name the column of subject_id"),
        ("labels: labels.csv\ncolumns: {file_name: f, subject_id: s}\n", "column f, s is missing"),
        ("labels: no.csv\ncolumns: {file_name: f, subject_id: s}\n", "no.csv: cannot be read"),
        ("[unclosed", "bad.yaml:1: not a YAML file"),
        ("[closed]", "not a mapping file (holds a list)"),
        ("labels: labels.csv\ncolumns: {file_name: f, subject_id: s}\nvalues: [a]", "needs tables"),
    ],
)
def test_bad_mappings(labelled: Path, tmp_path: Path, mapping: str, message: str) -> None:
    path = labelled / "bad.yaml"
    path.write_text(mapping)
    with pytest.raises(InputError) as error:
        import_dataset("folder", labelled, tmp_path / "out", path)
    assert message in str(error.value)
    assert not (tmp_path / "out").exists()


def test_what_cannot_be_imported(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no importer 'zip'; choose one of meei"):
        import_dataset("zip", tmp_path, tmp_path / "out")
    with pytest.raises(InputError, match="no such folder"):
        import_dataset("meei", tmp_path / "no", tmp_path / "out")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="nothing in it can be placed as 'aflfp'"):
        import_dataset("aflfp", tmp_path / "empty", tmp_path / "out")
    _picture(tmp_path / "src" / "a" / "b.jpg")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    with pytest.raises(InputError, match="is not empty"):
        import_dataset("aflfp", tmp_path / "src", tmp_path / "full")


def test_two_patients_of_one_name_are_two_subjects(tmp_path: Path) -> None:
    for level in ("MildFlaccid", "SevereFlaccid"):
        _picture(tmp_path / "M" / "Flaccid" / level / "1" / "1_1.jpg")
    rows, unplaced = import_dataset("meei", tmp_path / "M", tmp_path / "out")
    assert len({r.subject_id for r in rows}) == len({r.file_name for r in rows}) == 2
    assert not unplaced
    assert len(list((tmp_path / "out").rglob("*.jpg"))) == 2


def test_no_file_is_written_beyond_the_target_or_twice(labelled: Path, tmp_path: Path) -> None:
    _picture(labelled.parent / "elsewhere.jpg")
    (labelled / "labels.csv").write_text(
        "picture,patient,task,weak\n../elsewhere.jpg,1,smile,L\np1/a.jpg,1,smile,L\n"
        "p1/a.jpg,2,smile,R\n"
    )
    rows, unplaced = import_dataset(
        "folder", labelled, tmp_path / "deep" / "out", labelled / "map.yaml"
    )
    assert [r.file_name for r in rows] == ["p1/a.jpg"]
    rules = [item.rule for item in unplaced]
    assert any("lies outside the dataset" in rule for rule in rules)
    assert any("is imported under the same name" in rule for rule in rules)
    assert not (tmp_path / "deep" / "elsewhere.jpg").exists()


def test_codes_and_scores_in_a_mapping(labelled: Path, tmp_path: Path) -> None:
    (labelled / "l.csv").write_text(
        "f,s,side,y\np1/a.jpg,1,1,2\np1/b.jpg,1,2,4.9\np2/c.jpg,2,2,inf\n"
    )
    (labelled / "m.yaml").write_text(
        "labels: l.csv\ncolumns: {file_name: f, subject_id: s, side: side, yanagihara_item: y}\n"
        "values: {side: {1: left, 2: right}}\n"
    )
    rows, unplaced = import_dataset("folder", labelled, tmp_path / "out", labelled / "m.yaml")
    assert [(r.side, r.yanagihara_item) for r in rows] == [("left", 2)]
    assert sum("is not a whole number" in item.rule for item in unplaced) == 2


def test_a_target_that_is_a_file(tmp_path: Path) -> None:
    _picture(tmp_path / "src" / "a" / "b.jpg")
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="file: is a file; give a new folder"):
        import_dataset("aflfp", tmp_path / "src", tmp_path / "file")


def test_names_of_other_systems_are_imported_under_names_of_every_system(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "src"
    for folder in (os.fsdecode(b"M\xfcller"), unicodedata.normalize("NFD", "Möller"), "aux"):
        _picture(source / folder / "rest.png")
    rows, unplaced = import_dataset("aflfp", source, tmp_path / "out")
    assert unplaced == []
    assert [(row.file_name, row.subject_id) for row in rows] == [
        ("%61ux/rest.png", "aflfp-%61ux"),
        ("M%FCller/rest.png", "aflfp-M%FCller"),
        ("Möller/rest.png", "aflfp-Möller"),
    ]
    assert {row.file_name for row in read_manifest(tmp_path / "out")} == {r.file_name for r in rows}
    assert not check(tmp_path / "out", faces=False)
    line = capsys.readouterr().err
    assert line.startswith("note: 3 names are not UTF-8 or not for every system, and are written")


def test_files_of_systems_are_counted_and_broken_links_listed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "src"
    _picture(source / "p1" / "rest.png")
    for name in (".DS_Store", "p1/._rest.png", "p1/Thumbs.db", "__MACOSX/p1/rest.png"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(b"\0\5\26\7")
    (source / "p1" / "grin.png").symlink_to(source / "lost.png")
    for place in (tmp_path / "other", source / "day2"):
        _picture(place / "p2" / "grin.png")
    (source / "p2").symlink_to(source / "day2" / "p2")
    (source / "p3").symlink_to(tmp_path / "other" / "p2")
    rows, unplaced = import_dataset("aflfp", source, tmp_path / "out")
    assert [row.file_name for row in rows] == ["day2/p2/grin.png", "p1/rest.png"]
    assert [(str(u.path.relative_to(source)), u.rule.split(";")[0]) for u in unplaced] == [
        ("p1/grin.png", "is a link to nothing"),
        ("p2", "leads to a folder that is listed already, or that holds this one"),
        ("p3/grin.png", f"its name leads out of {source} through a link"),
    ]
    assert f"{source}: left out: 4 hidden or left by a system (" in capsys.readouterr().err


@pytest.mark.parametrize(("table", "disk"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_labels_and_manifests_find_a_file_whichever_way_its_accents_are_composed(
    tmp_path: Path, table: str, disk: str
) -> None:
    source = tmp_path / "src"
    stored = unicodedata.normalize(disk, "Müller/é.png")
    _picture(source / stored)
    named = unicodedata.normalize(table, "Müller/é.png")
    (source / "labels.csv").write_text(f"file,patient\n{named},1\n", "utf-8")
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text("labels: labels.csv\ncolumns: {file_name: file, subject_id: patient}\n")
    rows, unplaced = import_dataset("folder", source, tmp_path / "out", mapping)
    assert (len(rows), unplaced) == (1, [])
    (source / "metadata.jsonl").write_text(
        json.dumps({"file_name": named, "subject_id": "1"}) + "\n", "utf-8"
    )
    assert [row.file_name for row in read_manifest(source)] == [stored]
    assert not check(source, faces=False)


def test_patients_whose_names_differ_in_an_accent_alone_are_two(tmp_path: Path) -> None:
    for name in ("Müller", "Möller"):
        _picture(tmp_path / "MEEI" / "Normal" / name / f"{name}_1.png")
    rows, _ = import_dataset("meei", tmp_path / "MEEI", tmp_path / "out")
    assert len({row.subject_id for row in rows}) == 2


def test_a_dataset_is_not_imported_into_itself(tmp_path: Path) -> None:
    _picture(tmp_path / "src" / "p1" / "rest.png")
    for target in (tmp_path / "src", tmp_path / "src" / "out"):
        with pytest.raises(InputError, match=r"lies in .*src, which is imported"):
            import_dataset("aflfp", tmp_path / "src", target)
    assert [path.name for path in (tmp_path / "src").iterdir()] == ["p1"]


def test_a_new_folder_that_the_system_has_marked_is_still_new(tmp_path: Path) -> None:
    _picture(tmp_path / "src" / "p1" / "rest.png")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / ".DS_Store").touch()
    rows, _ = import_dataset("aflfp", tmp_path / "src", tmp_path / "out")
    assert len(rows) == 1


def test_only_pictures_are_imported_and_links_stay_in_their_folder(tmp_path: Path) -> None:
    source = tmp_path / "source"
    _picture(source / "1" / "grin.png")
    _picture(source / "shared" / "rest.png")
    _picture(tmp_path / "elsewhere" / "private.png")
    (source / "1" / "notes.jpg").write_text("name: Jane Doe")
    whole = (source / "1" / "grin.png").read_bytes()
    (source / "1" / "cut.png").write_bytes(whole[: len(whole) // 2])
    (source / "1" / "empty.png").touch()
    (source / "1" / "rest.png").symlink_to(source / "shared" / "rest.png")
    (source / "1" / "out.png").symlink_to(tmp_path / "elsewhere" / "private.png")
    rows, unplaced = import_dataset("aflfp", source, tmp_path / "out")
    assert [r.file_name for r in rows] == ["1/grin.png", "1/rest.png", "shared/rest.png"]
    rules = {item.path.name: item.rule for item in unplaced}
    assert "leads out of" in rules.pop("out.png")
    assert "is damaged" in rules.pop("cut.png")
    assert list(rules) == ["empty.png", "notes.jpg"]
    assert all("is not a picture" in rule for rule in rules.values())
    copies = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert len(copies) == 4
    assert not any(path.is_symlink() for path in copies)


def test_names_that_are_one_file_elsewhere_are_not_imported_twice(tmp_path: Path) -> None:
    for name in ("1/grin.png", "1/Grin.png"):
        _picture(tmp_path / "source" / name)
    rows, (item,) = import_dataset("aflfp", tmp_path / "source", tmp_path / "out")
    assert len(rows) == 1
    assert item.rule == "1/Grin.png is imported under the same name"


def test_labels_lie_in_the_folder_and_names_are_checked_first(
    labelled: Path, tmp_path: Path
) -> None:
    names = ["/etc/x.jpg", "p1\\a.jpg", "x" * 300 + ".jpg", "~/a.jpg", "p1/../p1/a.jpg"]
    lines = [
        json.dumps({"picture": name, "patient": 1, "task": "smile", "weak": "L"})
        for name in [*names, "p1/b.jpg"]
    ]
    _picture(labelled / "p1" / "b.jpg")
    (labelled / "l.jsonl").write_text("\n".join(lines))
    text = (labelled / "map.yaml").read_text()
    (labelled / "map.yaml").write_text(text.replace("labels.csv", "l.jsonl"))
    rows, unplaced = import_dataset("folder", labelled, tmp_path / "out", labelled / "map.yaml")
    assert [r.file_name for r in rows] == ["p1/b.jpg"]
    assert sum("its name" in item.rule for item in unplaced) == 5
    for name in ("../l.jsonl", str(labelled / "l.jsonl")):
        (labelled / "map.yaml").write_text(text.replace("labels.csv", name))
        with pytest.raises(InputError, match=r"map\.yaml: labels: .* lies outside the folder"):
            import_dataset("folder", labelled, tmp_path / "two", labelled / "map.yaml")


def test_a_folder_that_another_import_filled_meanwhile_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _picture(tmp_path / "source" / "1" / "grin.png")

    def meanwhile(folder: Path, rows: list[Row]) -> None:
        write_manifest(folder, rows)
        _picture(tmp_path / "out" / "of-another.png")

    monkeypatch.setattr("palsynth.data.importers.write_manifest", meanwhile)
    with pytest.raises(InputError, match="out: is not empty; give a new folder"):
        import_dataset("aflfp", tmp_path / "source", tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["of-another.png"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "source"]

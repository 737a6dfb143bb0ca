"""The study: its file, choice of images, and report."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from palsynth.cli import main
from palsynth.data.pairs import Pair, write_pairs
from palsynth.errors import InputError
from palsynth.evaluation.study import QUESTIONS, Rating
from palsynth.face.images import write_png
from palsynth.study.new import choose_pairs, read_items
from palsynth.study.report import write_study_report
from palsynth.study.store import Study, StudyItem, create

SHOWN = [
    StudyItem(f"{p}.png", m, f"{p}{m}".encode(), p.encode()) for p in "abc" for m in ("x", "y")
]


@pytest.fixture
def study(tmp_path: Path) -> Study:
    create(tmp_path / "s.sqlite", "Title", SHOWN, 3, seed=4)
    return Study(tmp_path / "s.sqlite")


def all_of(points: int) -> dict[str, int]:
    return dict.fromkeys(QUESTIONS, points)


def test_every_rater_gets_every_item_in_their_own_order(study: Study) -> None:
    assert study.size() == (6, 3)
    orders = [study.items(rater) for rater in (1, 2, 3)]
    assert all(sorted(order) == [1, 2, 3, 4, 5, 6] for order in orders)
    assert len({tuple(order) for order in orders}) > 1
    assert orders[0] == study.items(1), "and the same order after a pause"
    assert len(set(study.tokens())) == 3


def test_item_numbers_do_not_reveal_the_method(study: Study) -> None:
    base = sqlite3.connect(study.path)
    methods = [m for (m,) in base.execute("select method from item order by number")]
    assert methods != ["x", "y"] * 3
    assert methods != sorted(methods)


def test_every_rater_has_answers_of_their_own(study: Study) -> None:
    study.save(1, 3, {"expression": 1, "difference": 2, "naturalness": 3})
    study.save(2, 3, {"expression": 5, "difference": 4, "naturalness": 2})
    study.save(2, 5, all_of(1))
    assert study.points(1, 3) == {"expression": 1, "difference": 2, "naturalness": 3}
    assert study.points(2, 3) == {"expression": 5, "difference": 4, "naturalness": 2}
    assert study.points(3, 3) == study.points(1, 5) == {}
    assert [study.answered(rater) for rater in (1, 2, 3)] == [{3}, {3, 5}, set()]
    assert [study.rater(token) for token in study.tokens()] == [1, 2, 3]
    assert study.rater("guessed") is None


def test_an_answer_belongs_to_the_item_that_was_shown(study: Study) -> None:
    for item in range(1, 7):
        study.save(2, item, {"expression": 1, "difference": 2, "naturalness": 3})
    for answer in study.answers():
        assert answer.rater == "rater 2"
        assert (
            answer.points == {"expression": 1, "difference": 2, "naturalness": 3}[answer.question]
        )
    base = sqlite3.connect(study.path)
    for item, pair, method in base.execute("select number, pair, method from item"):
        shown_as = f"{pair[0]}{method}".encode()
        assert study.picture(item, "made") == shown_as
        assert study.picture(item, "patient") == pair[0].encode()
    assert study.picture(7, "made") is None
    first = base.execute("select pair, method from item where number = 1").fetchone()
    assert study.answers()[0] == Rating("rater 2", *first, "difference", 2)


def test_answers_are_saved_replaced_and_complete(study: Study) -> None:
    study.save(1, 3, all_of(5))
    study.save(1, 3, all_of(2))
    assert study.points(1, 3) == all_of(2)
    assert study.answered(1) == {3}
    with pytest.raises(InputError, match="please answer every question with 1 to 5"):
        study.save(1, 4, {**all_of(3), "naturalness": 6})
    with pytest.raises(InputError):
        study.save(1, 4, {"expression": 3})
    assert study.answered(1) == {3}, "no part of an invalid answer is saved"
    assert len(Study(study.path).answers()) == 3


def test_a_study_is_never_overwritten(study: Study) -> None:
    with pytest.raises(InputError, match="is never overwritten"):
        create(study.path, "Title", SHOWN, 3, seed=4)


def test_a_file_that_is_not_a_study(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        Study(tmp_path / "none.sqlite")
    (tmp_path / "text.sqlite").write_text("hello" * 50)
    with pytest.raises(InputError, match="cannot be used as a study"):
        Study(tmp_path / "text.sqlite")


def test_pairs_are_balanced_over_movements() -> None:
    pairs = [
        Pair(f"{m}{k}.png", "i.png", "p.png", "", "s", m, "")
        for m in ("grin", "whistle")
        for k in range(5)
    ]
    found = choose_pairs(pairs, 6, seed=1)
    assert sorted(p.movement for p in found) == ["grin"] * 3 + ["whistle"] * 3
    assert found == choose_pairs(pairs, 6, seed=1)
    assert found != choose_pairs(pairs, 6, seed=2)
    with pytest.raises(InputError, match="11 pairs are more than the set's 10"):
        choose_pairs(pairs, 11, seed=1)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    pairs = [Pair(f"{k}.png", "id.png", f"p{k}.png", "", "s", "grin", "") for k in range(4)]
    for folder in ("set", "good", "poor"):
        for pair in pairs:
            name = pair.expression if folder == "set" else pair.name
            write_png(tmp_path / folder / name, np.full((32, 32, 3), len(folder), np.uint8))
    write_pairs(tmp_path / "set" / "pairs.csv", pairs)
    return tmp_path


def test_each_method_is_shown_beside_the_moving_patient(tmp_path: Path) -> None:
    pair = Pair("0.png", "id.png", "p.png", "truth.png", "s", "grin", "")
    for place, level in (("set/p", 1), ("set/id", 2), ("set/truth", 3), ("x/0", 4), ("y/0", 5)):
        write_png(tmp_path / f"{place}.png", np.full((32, 32, 3), level, np.uint8))
    found = read_items(tmp_path / "set", [pair], {"x": tmp_path / "x", "y": tmp_path / "y"})

    def level(png: bytes) -> int:
        return int(cv2.imdecode(np.frombuffer(png, np.uint8), 1)[0, 0, 0])

    assert [(s.pair, s.method, level(s.made), level(s.patient)) for s in found] == [
        ("0.png", "x", 4, 1),
        ("0.png", "y", 5, 1),
    ]


def test_each_question_of_each_method_has_its_own_cell(tmp_path: Path) -> None:
    """A difference is of the first method less the second."""
    create(tmp_path / "s.sqlite", "T", SHOWN, 2, seed=4)
    study = Study(tmp_path / "s.sqlite")
    method = dict(sqlite3.connect(study.path).execute("select number, method from item"))
    for rater in (1, 2):
        for item in study.items(rater):
            better = method[item] == "x"
            points = (4, 3, 2) if better else (2, 2, 5)
            study.save(rater, item, dict(zip(QUESTIONS, points, strict=True)))
    table = write_study_report(study, tmp_path / "r")
    assert table.columns == ["method", "expression", "difference", "naturalness"]
    assert table.rows[:2] == [
        ["x", "4.00 ± 0.00", "3.00 ± 0.00", "2.00 ± 0.00"],
        ["y", "2.00 ± 0.00", "2.00 ± 0.00", "5.00 ± 0.00"],
    ]
    assert table.rows[4] == ["PF (published)", "4.04 ± 0.84", "3.01 ± 1.29", "4.28 ± 0.70"]
    assert table.quiet == {2, 3, 4, 5}
    text = (tmp_path / "r" / "study.md").read_text("utf-8")
    for question, gap in (
        ("expression", "+2.00"),
        ("difference", "+1.00"),
        ("naturalness", "-3.00"),
    ):
        assert f"| **x less y** | {question} | {gap} |" in text
    assert "2 of 2 raters have started, 2 have rated all 6 pictures." in text
    assert "| **expression** | 1.000 |" in text


def new(pictures: Path, *methods: str) -> None:
    main(
        [
            "study",
            "new",
            *methods,
            "--set",
            str(pictures / "set"),
            "--out",
            str(pictures / "s.sqlite"),
            "--pairs",
            "3",
            "--raters",
            "2",
        ]
    )


def test_from_new_to_report(pictures: Path, capsys) -> None:
    good, poor = (f"{name}={pictures / name}" for name in ("good", "poor"))
    new(pictures, good, poor)
    assert "6 pictures, 2 raters" in capsys.readouterr().out
    study = Study(pictures / "s.sqlite")
    assert b"palsynth" not in study.picture(1, "made"), "no text chunk reveals the method"
    with pytest.raises(SystemExit):
        main(["study", "report", str(study.path), "--out", str(pictures / "r")])
    assert "there are no answers yet" in capsys.readouterr().err
    base = sqlite3.connect(study.path)
    method = dict(base.execute("select number, method from item"))
    given = {"good": [], "poor": []}
    for rater in (1, 2):
        for item in study.items(rater)[: 6 if rater == 1 else 4]:
            points = (4 if method[item] == "good" else 2) + (rater == 2)
            given[method[item]].append(points)
            study.save(rater, item, all_of(points))
    main(["study", "report", str(study.path), "--out", str(pictures / "r")])
    text = (pictures / "r" / "study.md").read_text()
    for name, points in given.items():
        mean, deviation = np.mean(points), np.std(points, ddof=1)
        cell = f"{mean:.2f} ± {deviation:.2f}"
        assert f"| **{name}** | {cell} | {cell} | {cell} |" in text
    assert "2 of 2 raters have started, 1 have rated all 6 pictures" in text
    assert "*PF (published)* | 4.04 ± 0.84" in text
    assert "+2.00" in text
    rows = list(csv.DictReader((pictures / "r" / "answers.csv").open()))
    assert len(rows) == 30


@pytest.mark.parametrize(
    ("methods", "text"),
    [
        (["good"], "'good': name a method and its folder"),
        (["a=x", "a=y"], "there is a method a already"),
        (["a=nowhere"], "is missing; a has no picture of this pair"),
        ([], "name at least one method"),
    ],
)
def test_bad_methods(pictures: Path, methods: list[str], text: str, capsys) -> None:
    with pytest.raises(SystemExit) as end:
        new(pictures, *methods)
    assert end.value.code == 2
    assert text in capsys.readouterr().err
    assert not (pictures / "s.sqlite").exists()


def test_a_port_in_use_is_reported_before_any_link(study: Study, capsys) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(SystemExit) as end:
            main(["study", "serve", str(study.path), "--port", str(taken.getsockname()[1])])
    assert end.value.code == 2
    printed = capsys.readouterr()
    assert "cannot be served" in printed.err
    assert "/r/" not in printed.out


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="Windows has no such signal")
def test_the_end_of_the_terminal_ends_the_server_in_order(study: Study) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    command = [sys.executable, "-m", "palsynth.cli", "study", "serve", str(study.path)]
    process = subprocess.Popen(
        [*command, "--port", port],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),  # a shell may ignore it
    )
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", int(port))):
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGHUP)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (129, "palsynth: stopped by SIGHUP\n")


def test_only_its_owner_reads_a_study(study: Study, tmp_path: Path, capsys) -> None:
    create(tmp_path / "new" / "s.sqlite", "Title", SHOWN, 1, seed=0)
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "new").iterdir()]
    assert modes == [0o600]
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700
    assert study.private
    study.save(1, 3, all_of(5))
    assert study.private
    study.path.chmod(0o640)
    assert not study.private
    with pytest.raises(SystemExit):
        main(["study", "serve", str(study.path), "--port", "0"])
    printed = capsys.readouterr().err.replace("\n", " ")
    assert "other users of this machine can read it, and the pictures of patients in it" in printed
    assert f"chmod 600 {study.path}" in printed


def test_no_property_of_a_file_tells_the_method(tmp_path: Path) -> None:
    """Other sizes, formats, metadata and contents give files of one size, form and length."""
    pair = Pair("0.png", "id.png", "p.png", "", "s", "grin", "", "rest.png")
    rng = np.random.default_rng(0)
    for place, width, height in (("set/p", 300, 240), ("set/rest", 150, 130), ("x/0", 112, 112)):
        write_png(tmp_path / f"{place}.png", np.full((height, width, 3), 90, np.uint8), secret="x")
    (tmp_path / "y").mkdir()
    noise = Image.fromarray(rng.integers(0, 256, (128, 128, 3), np.uint8))
    noise.save(tmp_path / "y" / "0.png", "JPEG", comment="secret")
    found = read_items(tmp_path / "set", [pair], {"x": tmp_path / "x", "y": tmp_path / "y"})
    files = [png for item in found for png in (item.made, item.patient, item.rest)]
    assert {Image.open(io.BytesIO(png)).size for png in files} == {(112, 112)}
    assert {Image.open(io.BytesIO(png)).format for png in files} == {"PNG"}
    assert len({len(png) for png in files}) == 1
    assert not any(Image.open(io.BytesIO(png)).info for png in files)
    assert [(item.movement, len(item.rest)) for item in found] == [("grin", len(files[0]))] * 2


def test_large_pictures_are_reduced_and_wide_ones_cut(tmp_path: Path) -> None:
    pair = Pair("0.png", "id.png", "p.png", "", "s", "grin", "")
    wide = np.zeros((600, 1200, 3), np.uint8)
    wide[:, 280:920] = 200
    write_png(tmp_path / "set" / "p.png", wide)
    write_png(tmp_path / "x" / "0.png", wide[:, :700])
    (item,) = read_items(tmp_path / "set", [pair], {"x": tmp_path / "x"})
    patient = np.asarray(Image.open(io.BytesIO(item.patient)))
    assert patient.shape == (512, 512, 3)
    assert (patient == 200).all(), "the middle of the picture is shown"
    assert item.rest == b""


def test_one_rater_has_no_deviation_and_no_agreement(study: Study, tmp_path: Path) -> None:
    for item in study.items(1):
        study.save(1, item, all_of(3 + item % 2))
    table = write_study_report(study, tmp_path)
    assert [row[1][4:] for row in table.rows[:2]] == [" ± –", " ± –"]
    text = (tmp_path / "study.md").read_text("utf-8")
    assert (
        "Only one rater has answered: no standard deviation, and agreement and paired tests are"
        in text
    )
    assert "| **expression** | – |" in text
    data = json.loads((tmp_path / "study.json").read_text())
    assert data["alpha"] == dict.fromkeys(QUESTIONS)
    assert {row["deviation"] for row in data["summary"].values()} == {None}

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from palsynth.cli import main
from palsynth.clinical import YANAGIHARA, Movement
from palsynth.comparison import benchmark_sets
from palsynth.comparison.benchmark_sets import (
    london_smile,
    vp_patients,
    vp_patients_elsewhere,
    vp_transfer,
)
from palsynth.data.manifest import read_manifest
from palsynth.data.pairs import read_pairs
from palsynth.errors import InputError
from palsynth.face.face import Face
from palsynth.face.images import read_image
from palsynth.subjects import EVALUATION_SEEDS


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("IDENTITIES", 2), ("PATIENTS", 1), ("IMAGES", 2), ("FURTHER", 1)):
        monkeypatch.setattr(benchmark_sets, name, value)


def folder_sha256(folder: Path) -> str:
    paths = sorted(p for p in folder.rglob("*") if p.is_file())
    return hashlib.sha256(b"".join(p.name.encode() + p.read_bytes() for p in paths)).hexdigest()


def test_vp_transfer(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    counts = []
    vp_transfer(folder, size=64, progress=lambda *count: counts.append(count))
    assert counts[-1] == (44, 44)
    pairs = read_pairs(folder / "pairs.csv")
    rows = {row.file_name: row for row in read_manifest(folder)}
    assert len(rows) == 2 + 2 + 20 + 20
    for pair in pairs:
        truth, expression, identity = (
            rows[f] for f in (pair.truth, pair.expression, pair.identity)
        )
        assert truth.subject_id == identity.subject_id == pair.subject != expression.subject_id
        assert truth.movement == expression.movement == pair.movement
        assert truth.palsy == expression.palsy
        assert identity.movement == rows[pair.expression_identity].movement == "rest"
        assert rows[pair.expression_identity].subject_id == expression.subject_id
        assert all(r.provenance and r.provenance["seed"] >= EVALUATION_SEEDS for r in rows.values())
        movement, palsy = pair.requested()
        assert palsy is not None
        assert movement in YANAGIHARA
    moving = [row for row in rows.values() if row.file_name.startswith(("truth", "expression"))]
    for row in moving:
        assert row.palsy is not None
        works = [
            sum(row.palsy[s]["function"].values()) + row.palsy[s]["tone"] for s in ("left", "right")
        ]
        weaker = "left" if works[0] < works[1] else "right" if works[1] < works[0] else None
        assert row.side == weaker
        assert (row.hb_grade == "I") == (min(works) > 5.9)
        assert row.split == "test", "a benchmark is not for training"
    assert {row.side for row in moving} >= {"left", "right"}
    assert [(p.gender, p.ethnicity) for p in pairs] == [
        (rows[p.identity].attributes["gender"], rows[p.identity].attributes["ethnicity"])
        for p in pairs
    ]
    # where the face does not move, the truth equals the identity image in pose, light and noise
    still = next(p for p in pairs if p.movement == Movement.WHISTLE.value)
    a, b = (read_image(folder / f).astype(int) for f in (still.identity, still.truth))
    assert np.abs(a[:12] - b[:12]).max() <= 1


def test_sets_are_reproducible_and_resume(tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    vp_transfer(whole, size=48)

    def interrupt(done: int, _: int) -> None:
        if done >= 16:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        vp_transfer(broken, size=48, progress=interrupt)
    vp_transfer(broken, size=48)
    assert folder_sha256(whole) == folder_sha256(broken)
    with pytest.raises(InputError, match="holds an export with other settings"):
        vp_transfer(whole, size=64)


def test_vp_patients(tmp_path: Path) -> None:
    counts = []
    vp_patients(tmp_path / "set", size=48, progress=lambda *count: counts.append(count))
    assert counts[-1] == (32, 32)
    pairs = read_pairs(tmp_path / "set" / "pairs.csv")
    rows = {row.file_name: row for row in read_manifest(tmp_path / "set")}
    assert len(rows) == 32
    assert len(pairs) == 20
    assert not any(pair.truth for pair in pairs)
    for p in pairs:
        assert rows[p.expression_identity].subject_id == rows[p.expression].subject_id
    assert all(rows[p.identity].subject_id != rows[p.expression].subject_id for p in pairs)


def test_the_patients_of_the_other_clinic_are_the_same_people_in_other_light(
    tmp_path: Path,
) -> None:
    vp_patients(tmp_path / "here", size=48)
    vp_patients_elsewhere(tmp_path / "there", size=48)
    here, there = (read_pairs(tmp_path / name / "pairs.csv") for name in ("here", "there"))
    assert here == there
    pictures = [read_image(tmp_path / n / here[0].identity) for n in ("here", "there")]
    assert np.array_equal(*pictures), "non-patients look the same"
    before, after = (
        read_image(tmp_path / name / here[0].expression).astype(float) for name in ("here", "there")
    )
    cap = after[:6, 18:30].mean((0, 1))
    assert cap[1] > cap[2] + 10, "green"
    assert before[:6, 18:30].mean((0, 1))[2] > before[:6, 18:30].mean((0, 1))[1], "blue"
    left, right = after[:, :12].mean(), after[:, -12:].mean()
    assert right > 1.2 * left, "the lamp is at the right of the image"


def test_london_smile(tmp_path: Path, astronaut: Face, capsys: pytest.CaptureFixture[str]) -> None:
    photographs = tmp_path / "photographs"
    for kind in ("neutral", "smiling"):
        (photographs / kind).mkdir(parents=True)
        Image.fromarray(astronaut.image).save(photographs / kind / "001.jpg")
        for name in ("002", "003"):
            shutil.copy(photographs / kind / "001.jpg", photographs / kind / f"{name}.jpg")
    (photographs / "split.csv").write_text("face_id,split\n001,test\n002,test\n003,train\n")
    (photographs / "info.csv").write_text("face_id,age,gender,ethnicity\n001,24,female,white\n")
    main(
        [
            "benchmark",
            "london-smile",
            "--out",
            str(tmp_path / "set"),
            "--photographs",
            str(photographs),
        ]
    )
    pairs = read_pairs(tmp_path / "set" / "pairs.csv")
    assert [(p.identity, p.expression, p.truth) for p in pairs] == [
        ("identity/001.png", "truth/002.png", "truth/001.png"),
        ("identity/002.png", "truth/001.png", "truth/002.png"),
    ]
    assert pairs[0].gender == "female"
    (photographs / "neutral" / "004.jpg").touch()
    with pytest.raises(InputError, match="holds an export with other settings: photographs is"):
        london_smile(tmp_path / "set", photographs)
    for words, fault in (
        (["london-smile"], "london-smile needs --photographs"),
        (["vp-transfer", "--photographs", "x"], "shows synthetic subjects; leave out"),
        (["vp-transfer", "--size", "8"], "--size 8: must lie between 32 and 512"),
        (["london-smile", "--photographs", str(tmp_path)], "split.csv: cannot be read"),
    ):
        with pytest.raises(SystemExit):
            main(["benchmark", *words, "--out", str(tmp_path / "other")])
        assert fault in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("name,identity\n", "column expression, truth, subject, movement, palsy is missing"),
        ("name,identity,expression,truth,subject,movement,palsy\n", "has no rows"),
        (
            "name,identity,expression,truth,subject,movement,palsy\na,b,c,d,e,dance,\n",
            ":2: movement: 'dance' is not one of",
        ),
        ("name,identity,expression,truth,subject,movement,palsy\na,b,c,d,e,grin,{\n", ":2: "),
        (
            "name,identity,expression,truth,subject,movement,palsy\na,,c,d,e,grin,\n",
            "identity is b",
        ),
        (
            "name,identity,expression,truth,subject,movement,palsy\na,b,c,d,e,grin,,,,,x\n",
            "cell 11",
        ),
    ],
)
def test_faults_of_pairs_are_named(tmp_path: Path, text: str, fault: str) -> None:
    path = tmp_path / "pairs.csv"
    path.write_text(text)
    with pytest.raises(InputError) as error:
        read_pairs(path)
    assert fault in str(error.value)
    with pytest.raises(InputError, match="no such file; make a set with"):
        read_pairs(tmp_path / "nowhere.csv")


def test_a_method_runs_over_a_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, out = tmp_path / "set", tmp_path / "out"
    vp_transfer(folder)
    words = ["transfer", str(folder), "--method", "simulator", "--out", str(out)]
    main(words)
    assert "20 pictures by simulator" in capsys.readouterr().out
    before = folder_sha256(out)
    pairs = read_pairs(folder / "pairs.csv")
    (out / pairs[3].name).unlink()
    main(words)
    assert folder_sha256(out) == before
    for pair in pairs:
        made, identity = (read_image(p) for p in (out / pair.name, folder / pair.identity))
        assert made.shape == identity.shape
        assert np.array_equal(made[:8], identity[:8]), (
            "the face is aligned as in the identity image"
        )
    with pytest.raises(SystemExit):
        main([*words[:3], "subjects", "--out", str(out)])
    fault = "holds pictures of another method, of other weights or settings, or of another set"
    assert fault in capsys.readouterr().err
    record = out / "transfer.json"
    record.write_text(record.read_text().replace("null", '"0123"'))
    with pytest.raises(SystemExit):
        main(words)
    assert fault in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["transfer", str(folder), "--method", "subjects", "--out", str(tmp_path / "other")])
    assert "the identity must be a synthetic subject" in capsys.readouterr().err

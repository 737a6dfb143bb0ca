"""The audit on small sets of synthetic subjects, through the command line."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from PIL import Image

from palsynth.audit import protocol, reidentification
from palsynth.audit.image_set import open_set
from palsynth.audit.membership import by_loss, open_run, picture_losses
from palsynth.audit.protocol import audit, membership_finding
from palsynth.audit.reidentification import flagged
from palsynth.cli import main
from palsynth.data.augment import Augmentation
from palsynth.data.folder_source import FolderSource
from palsynth.data.manifest import read_manifest, write_manifest
from palsynth.encoders.grader import GraderData, GraderRecipe, GraderSettings
from palsynth.errors import InputError
from palsynth.evaluation.privacy import Nearest, membership_auc
from palsynth.face.images import read_image, write_png
from palsynth.scoring.features import FeatureCache
from palsynth.scoring.judges import Judge
from palsynth.training.loop import train
from palsynth.training.recipe import LoopSettings
from tests.subject_sets import subjects_plan, write_subjects


def exported(folder: Path, seed: int, splits: tuple[str, ...]) -> Path:
    """24 images of twelve subjects, assigned to the splits in turn."""
    rows = write_subjects(folder, subjects_plan(12, 2, seed))
    subjects = sorted({row.subject_id for row in rows})
    split = {s: splits[k % len(splits)] for k, s in enumerate(subjects)}
    write_manifest(folder, [replace(row, split=split[row.subject_id]) for row in rows])
    return folder


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("audit")
    exported(folder / "training", 41, ("train",))
    exported(folder / "holdout", 42, ("test",))
    exported(folder / "fresh", 43, ("train",))
    exported(folder / "leaky", 44, ("train",))
    source = read_image(sorted((folder / "training").rglob("*.png"))[3])
    write_png(sorted((folder / "leaky").rglob("*.png"))[5], np.ascontiguousarray(source[:, ::-1]))
    return folder


def run(sets: Path, synthetic: str, out: Path, *more: str) -> dict:
    main(
        [
            "audit",
            "--synthetic",
            str(sets / synthetic),
            "--training",
            str(sets / "training"),
            "--holdout",
            str(sets / "holdout"),
            "--out",
            str(out),
            *more,
        ]
    )
    return json.loads((out / "audit.json").read_text())


def test_a_set_of_new_subjects_is_not_accused_nor_passes_by_few_faces(
    sets: Path, tmp_path: Path, capsys
) -> None:
    with pytest.raises(SystemExit) as end:
        run(sets, "fresh", tmp_path)
    assert end.value.code == 1
    found = json.loads((tmp_path / "audit.json").read_text())
    assert found["verdict"] == "undecided"
    assert "FAILED" not in {one["verdict"] for one in found["findings"]}
    printed = capsys.readouterr()
    assert "near-duplicates of training pictures, %: 0.000" in printed.out
    assert "as no nearer to training faces from 100 on. Give more with --holdout" in (
        printed.out + printed.err
    )
    assert not (tmp_path / "pairs.png").exists(), "training images are shown only on request"
    rows = list(csv.DictReader((tmp_path / "nearest.csv").open()))
    assert len(rows) == 24
    assert not any(int(row["near_duplicate"]) for row in rows)
    page = (tmp_path / "audit.html").read_text()
    assert "Verdict: undecided" in page


def test_a_set_of_new_subjects_passes_with_enough_faces(
    sets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (protocol, reidentification):
        monkeypatch.setattr(module, "MIN_HOLDOUT_FACES", 20)
    assert run(sets, "fresh", tmp_path)["verdict"] == "passed"


def test_a_face_of_an_uncropped_photograph_is_caught(sets: Path, tmp_path: Path, capsys) -> None:
    """The training photographs show much beside the faces that a method is trained on."""
    rows = []
    for row in read_manifest(sets / "training"):
        image = read_image(sets / "training" / row.file_name)
        photo = cv2.copyMakeBorder(image, 70, 160, 90, 120, cv2.BORDER_REPLICATE)
        write_png(tmp_path / "training" / row.file_name, photo)
        rows.append(replace(row, attributes={}))
    write_manifest(tmp_path / "training", rows)
    for name in ("leaky", "fresh", "holdout"):
        (tmp_path / name).symlink_to(sets / name)
    with pytest.raises(SystemExit):
        run(tmp_path, "leaky", tmp_path / "out")
    caught = [
        r for r in csv.DictReader((tmp_path / "out/nearest.csv").open()) if int(r["near_duplicate"])
    ]
    planted = sorted((sets / "leaky").rglob("*.png"))[5].relative_to(sets / "leaky")
    source = sorted((sets / "training").rglob("*.png"))[3].relative_to(sets / "training")
    assert [(r["file_name"], r["nearest_by_look"]) for r in caught] == [(str(planted), str(source))]
    capsys.readouterr()
    with pytest.raises(SystemExit):
        run(tmp_path, "fresh", tmp_path / "undecided")
    assert "near-duplicates of training pictures, %: 0.000" in capsys.readouterr().out


def test_a_planted_mirrored_image_fails_the_set(sets: Path, tmp_path: Path, capsys) -> None:
    with pytest.raises(SystemExit) as end:
        run(sets, "leaky", tmp_path, "--show-pairs")
    assert end.value.code == 1
    assert json.loads((tmp_path / "audit.json").read_text())["verdict"] == "FAILED"
    caught = [
        r for r in csv.DictReader((tmp_path / "nearest.csv").open()) if int(r["near_duplicate"])
    ]
    assert [r["file_name"] for r in caught] == [read_manifest(sets / "leaky")[5].file_name]
    assert caught[0]["nearest_by_look"] == read_manifest(sets / "training")[3].file_name
    with Image.open(tmp_path / "pairs.png") as image:
        assert "was given" in image.text["Description"], "it is not called synthetic"


def test_a_set_of_training_subjects_is_recognised(sets: Path, tmp_path: Path) -> None:
    """Images of the same subjects that are not copies: the nearest faces reveal them."""
    flat = Judge("flat", lambda paths: np.zeros((len(paths), 8), np.float32))
    with FeatureCache(tmp_path / "f.sqlite") as cache:
        seen = open_set(sets / "training", None, flat, cache)
        unseen = open_set(sets / "holdout", None, flat, cache)
    subjects = {s: k for k, s in enumerate(sorted(set(seen.subjects)))}
    rng = np.random.default_rng(0)
    centre = rng.normal(size=(12, 8))
    seen = replace(seen, features=np.stack([centre[subjects[s]] for s in seen.subjects]))
    seen = replace(seen, features=seen.features + rng.normal(0, 0.05, seen.features.shape))
    own = replace(seen, features=seen.features + rng.normal(0, 0.05, seen.features.shape))
    unseen = replace(unseen, features=rng.normal(size=(24, 8)))
    found = audit(own, seen, unseen)
    by_name = {f.name.split(",")[0].split(" (")[0]: f for f in reversed(found.findings)}
    assert by_name["nearer to a training face than 99 % of impostors"].found.value == 100
    assert by_name["nearer to a training face than 99 % of impostors"].verdict == "undecided"
    assert by_name["matched to a training subject"].verdict == "FAILED"
    assert any("The hold-out has 24 faces" in remark for remark in found.remarks)
    assert by_name["membership from the nearest synthetic face"].verdict == "FAILED"
    blind = replace(unseen, features=np.full((24, 8), np.nan))
    undecided = audit(own, seen, blind)
    assert not undecided.passed, "a hold-out without faces decides no finding"
    assert {f.verdict for f in undecided.findings} == {"FAILED", "undecided", "shown"}
    assert undecided.findings[0].verdict == "FAILED", "near-duplicates need no face"


@pytest.mark.parametrize(("shift", "verdict"), [(0.0, "passed"), (2.0, "FAILED")])
def test_the_share_nearer_than_impostors(shift: float, verdict: str) -> None:
    """Harmless sets pass although the threshold is random; nearer ones do not."""
    rng = np.random.default_rng(1)
    found = []
    for _ in range(5):
        sets = [
            SimpleNamespace(subjects=np.array([f"{n}{k // 2}" for k in range(200)])) for n in "ab"
        ]
        near, far = rng.normal(size=200) - shift, rng.normal(size=200)
        finding = flagged(
            Nearest(np.zeros(200, int), near), Nearest(np.zeros(200, int), far), *sets
        )[0]
        found.append(finding.verdict)
    assert found.count(verdict) >= 4


def test_images_without_a_face_are_counted_per_set(sets: Path, tmp_path: Path) -> None:
    """With a judge that only finds or misses a face."""
    flat = Judge("flat", lambda paths: np.ones((len(paths), 2), np.float32))
    with FeatureCache(tmp_path / "f.sqlite") as cache:
        synthetic, training, holdout = (
            open_set(sets / name, None, flat, cache) for name in ("fresh", "training", "holdout")
        )
    lost = synthetic.features.copy()
    lost[[3, 5]] = np.nan
    found = audit(replace(synthetic, features=lost), training, holdout)
    assert "No single face was found in 2 of 24 synthetic pictures." in found.remarks
    assert not any("training pictures" in remark for remark in found.remarks)


def test_bad_input(sets: Path, tmp_path: Path, capsys) -> None:
    bare = tmp_path / "bare"
    for k in range(3):
        write_png(bare / f"{k}.png", np.zeros((32, 32, 3), np.uint8))
    with pytest.raises(SystemExit):
        main(
            [
                "audit",
                "--synthetic",
                str(bare),
                "--training",
                str(bare),
                "--out",
                str(tmp_path / "a"),
            ]
        )
    assert "names no splits; give --holdout" in capsys.readouterr().err
    flat = Judge("flat", lambda paths: np.zeros((len(paths), 2), np.float32))
    with FeatureCache(tmp_path / "f.sqlite") as cache:
        with pytest.raises(InputError, match="3 pictures; an audit needs at least 20 of each set"):
            open_set(bare, None, flat, cache)
        seen = open_set(sets / "training", None, flat, cache)
        first = min(row.subject_id for row in read_manifest(sets / "training"))
        fault = f"subject {first} is in the training set and in the hold-out"
        with pytest.raises(InputError, match=fault):
            audit(seen, seen, seen)
        copied = tmp_path / "copied"
        shutil.copytree(sets / "training", copied)
        with pytest.raises(InputError, match="is a training picture too; the hold-out must be"):
            audit(seen, seen, open_set(copied, None, flat, cache))
    with pytest.raises(SystemExit):
        run(sets, "fresh", sets / "fresh" / "audit")
    assert "must not be handed on with a set" in capsys.readouterr().err


def test_a_model_that_memorised_is_detected(sets: Path, tmp_path: Path) -> None:
    """The positive control of membership inference by loss."""
    still = Augmentation(0, 0, 0, 0, 0, 0, 0, 0, 0)
    loop = LoopSettings(
        steps=120, batch=24, learning_rate=3e-3, ema=0.9, checkpoint_every=120, weight_decay=0
    )
    model = GraderSettings(features="scratch", dropout=0.0)
    recipe = GraderRecipe(model=model, data=GraderData((sets / "training",), still), loop=loop)
    train(recipe, tmp_path / "run")
    attack = open_run(tmp_path / "run", sets / "training", ("train",), sets / "holdout", None)
    network = attack.objective
    members = picture_losses(network, FolderSource(sets / "training"))
    others = picture_losses(network, FolderSource(sets / "holdout", ("test",)))
    assert membership_auc(members, others) >= 0.9
    assert np.array_equal(members, picture_losses(network, FolderSource(sets / "training")))
    assert by_loss(attack).found.value == membership_auc(members, others)
    score = np.concatenate([members, others])
    member = np.arange(len(score)) < len(members)
    subjects = np.array([str(k // 2) for k in range(len(score))])
    assert membership_finding("by loss", score, member, subjects).verdict == "FAILED"


def test_a_membership_finding_without_a_signal_passes() -> None:
    rng = np.random.default_rng(0)
    member = np.arange(200) < 100
    found = membership_finding("by noise", rng.normal(size=200), member, np.arange(200))
    assert found.verdict == "passed"
    assert found.found.low < 0.5 < found.found.high

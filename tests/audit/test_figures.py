"""The figures of an audit computed by hand, and their verdicts."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from palsynth.audit import image_set, protocol
from palsynth.audit.findings import Finding, Verdict, judged
from palsynth.audit.image_set import MIN_IMAGES, ImageSet, open_set
from palsynth.audit.protocol import MEMBERSHIP, Audit, _membership, _near_duplicates
from palsynth.audit.reidentification import FLAGGED, MIN_HOLDOUT_FACES, flagged, reidentified
from palsynth.audit.report import print_findings, verdict_of, write_audit
from palsynth.commands.audit import AuditOptions
from palsynth.commands.audit import audit as command
from palsynth.data.manifest import Row, write_manifest
from palsynth.evaluation.duplicates import Match
from palsynth.evaluation.intervals import Figure
from palsynth.evaluation.privacy import Nearest
from palsynth.face.images import write_png
from palsynth.scoring.features import FeatureCache
from palsynth.scoring.judges import Judge


def a_set(name: str, *numbers: float) -> ImageSet:
    """Images of one subject each, with one feature."""
    rows = [Row(f"{k}.png", f"{name} {k}") for k in range(len(numbers))]
    return ImageSet(Path(name), rows, np.array(numbers, np.float64)[:, None])


def to(*distance: float) -> Nearest:
    return Nearest(np.zeros(len(distance), int), np.array(distance))


def of(correlation: list[float]) -> Match:
    return Match(np.zeros(len(correlation), int), np.array(correlation))


def test_the_limits_are_the_documented_ones() -> None:
    assert (FLAGGED, MIN_HOLDOUT_FACES, MEMBERSHIP, MIN_IMAGES) == (0.01, 100, 0.6, 20)


def test_near_duplicates_are_counted_from_the_limit() -> None:
    synthetic, holdout = a_set("s", 0, 0, 0, 0), a_set("h", 0, 0)
    found = _near_duplicates(of([0.92, 0.5, 0.919, 0.99]), of([0.95, 0.1]), synthetic, holdout)
    assert (found.found.value, found.verdict, found.limit) == (50, "FAILED", "none")
    assert found.impostors is not None
    assert found.impostors.value == 50
    passing = _near_duplicates(of([0.919] * 4), of([0.95, 0.99]), synthetic, holdout)
    assert (passing.found.value, passing.verdict) == (0, "passed")
    assert passing.impostors is not None
    assert passing.impostors.value == 100, "the hold-out's are shown beside it without a limit"


def test_the_threshold_is_set_by_impostors() -> None:
    """Pairs of two people are 10, 90, 120 and 20 apart: the threshold is 10."""
    training, holdout = a_set("t", 0, 100), a_set("h", 10, 120)
    synthetic = a_set("s", 0, 0, 0, 0)
    faces, impostors = to(9.9, 10.0, 3.0, np.nan), to(10.0, 20.0)
    one, other = reidentified(faces, impostors, synthetic, training, holdout)
    assert one.name == (
        "matched to a training subject, %, at FAR 1 % per comparison (distance 10.000)"
    )
    assert "at FAR 0.1 % per comparison" in other.name
    assert (one.found.value, one.found.count) == (50, 4)
    assert one.impostors is not None
    assert one.impostors.value == 0
    assert (one.limit, one.verdict) == ("not above the hold-out's", "undecided"), "too few to tell"
    assert (other.limit, other.verdict) == ("", "shown")


def people(name: str, count: int) -> ImageSet:
    """Two images of each person."""
    rows = [Row(f"{k}.png", f"{name} {k // 2}") for k in range(2 * count)]
    return ImageSet(Path(name), rows, np.full((2 * count, 1), 1000.0))


@pytest.mark.parametrize(
    ("matched", "verdict"), [(15, "FAILED"), (3, "undecided"), (0, "undecided")]
)
def test_few_hold_out_faces_accuse_a_set_but_do_not_acquit_it(matched: int, verdict: str) -> None:
    """20 subjects, of whom some are matched; none of six people of the hold-out is."""
    training = a_set("t", *np.arange(200.0))
    synthetic, holdout = people("s", 20), people("h", 6)
    faces = to(*np.where(np.arange(40) < 2 * matched, 1.0, 2000.0))
    impostors = to(*np.full(12, 1000.0))
    one, _ = reidentified(faces, impostors, synthetic, training, holdout)
    assert one.found.value == 5 * matched
    assert (one.limit, one.verdict) == ("not above the hold-out's", verdict)
    share, _ = flagged(faces, impostors, synthetic, holdout)
    assert (share.limit, share.verdict) == ("lower bound at most 1", "undecided")


def test_pictures_of_one_leaked_subject_are_not_many_witnesses() -> None:
    """Half of 80 pictures are matched, but they show one person of two."""
    training = a_set("t", *np.arange(200.0))
    rows = [Row(f"{k}.png", f"s {k // 40}") for k in range(80)]
    synthetic, holdout = ImageSet(Path("s"), rows, np.zeros((80, 1))), people("h", 6)
    faces = to(*np.repeat([1.0, 2000.0], 40))
    one, _ = reidentified(faces, to(*np.full(12, 1000.0)), synthetic, training, holdout)
    assert (one.found.value, one.verdict) == (50, "undecided")


def test_many_hold_out_faces_leave_the_verdict_to_the_share_of_nearer_ones() -> None:
    synthetic, holdout = people("s", 20), people("h", 50)
    training = a_set("t", *np.arange(200.0))
    faces, impostors = to(*np.full(40, 1.0)), to(*np.full(100, 1000.0))
    one, _ = reidentified(faces, impostors, synthetic, training, holdout)
    assert (one.found.value, one.limit, one.verdict) == (100, "", "shown")


def test_a_face_nearer_than_99_of_100_impostors_is_flagged() -> None:
    far = np.linspace(1, 2, 101)  # one in a hundred is below 1.01
    synthetic, holdout = a_set("s", 0, 0, 0, 0), a_set("h", *np.zeros(101))
    share, mean = flagged(to(1.0, 1.005, 1.02, 1.5), to(*far), synthetic, holdout)
    assert share.found.value == 50
    assert share.limit == "lower bound at most 1"
    assert mean.found.value == pytest.approx(4.525 / 4)
    assert mean.impostors is not None
    assert mean.impostors.value == pytest.approx(1.5)
    nearer, _ = flagged(to(0.5, 0.6, 0.7, 0.8), to(*far), synthetic, holdout)
    assert (nearer.found.value, nearer.verdict) == (100, "FAILED")
    farther, _ = flagged(to(5, 6, 7, 8), to(*far), synthetic, holdout)
    assert (farther.found.value, farther.verdict) == (0, "passed")


def test_a_training_set_nearer_to_the_synthetic_set_fails_it() -> None:
    synthetic = a_set("s", *range(0, 400, 10))
    near, far = a_set("t", *np.arange(0.1, 300, 10)), a_set("h", *np.arange(4.0, 304, 10))
    caught = _membership(synthetic, near, far)
    assert (caught.found.value, caught.verdict) == (1, "FAILED")
    assert caught.name == "membership from the nearest synthetic face, AUC"
    assert _membership(synthetic, far, near).found.value == 0
    assert _membership(synthetic, far, near).verdict == "passed"


@pytest.mark.parametrize(
    ("verdicts", "overall", "passed"),
    [
        (["passed", "shown"], "passed", True),
        (["passed", "undecided"], "undecided", False),
        (["undecided", "FAILED"], "FAILED", False),
    ],
)
def test_the_verdict_on_a_set(
    verdicts: list[Verdict], overall: str, passed: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    figure = Figure(0.25, 0.125, 0.5, 4)
    findings = [Finding("a", figure, None, "", v) for v in verdicts]
    found = Audit(findings, to(1), of([0.0]), to(1), np.zeros(1, bool))
    assert (verdict_of(found), found.passed) == (overall, passed)
    print_findings(findings)
    assert f"{verdicts[1].replace('shown', ''):9}  a: 0.250 [0.125, 0.500]" in (
        capsys.readouterr().out
    )
    assert judged(float("nan"), True) == "undecided"
    assert (judged(1.0, True), judged(1.0, False)) == ("passed", "FAILED")


def test_the_report_separates_the_synthetic_set_and_the_hold_out(tmp_path: Path) -> None:
    findings = [
        Finding("a", Figure(1, 1, 1, 1), Figure(0.5, 0.5, 0.5, 1), "none", "FAILED"),
        Finding("b", Figure(30, 20, 40, 1), None, "", "shown"),
    ]
    found = Audit(
        findings,
        Nearest(np.array([1, -1]), np.array([0.5, np.nan])),
        Match(np.array([2, 0]), np.array([0.75, 0.25])),
        to(1.0),
        np.array([True, False]),
    )
    synthetic, training, holdout = a_set("s", 1, 1), a_set("t", 1, 1, 1), a_set("h", 1)
    write_audit(tmp_path, found, synthetic, training, holdout)
    text = (tmp_path / "audit.md").read_text("utf-8")
    assert "| finding | synthetic set | hold-out | limit | verdict |" in text
    assert "| **a** | 1.000 [1.000, 1.000] | 0.500 [0.500, 0.500] | none | FAILED |" in text
    assert "| **b** | 30.00 [20.00, 40.00] | – | – | – |" in text
    assert (
        "Compared: synthetic 2 pictures of 2 subjects, training 3 pictures of 3 subjects, "
        "hold-out 1 pictures of 1 subjects." in text
    )
    assert (tmp_path / "nearest.csv").read_text() == (
        "file_name,nearest_by_look,correlation,near_duplicate,nearest_by_face,distance\n"
        "0.png,2.png,0.7500,1,1.png,0.5000\n1.png,0.png,0.2500,0,,\n"
    )


def test_features_compared_by_cosine_are_normalised(tmp_path: Path) -> None:
    for k in range(20):
        write_png(tmp_path / f"{k:02}.png", np.full((32, 32, 3), k, np.uint8))

    def extract(paths: list[Path]) -> np.ndarray:
        return np.array([[3.0 * (1 + int(p.stem)), 4.0 * (1 + int(p.stem))] for p in paths])

    with FeatureCache(tmp_path / "f.sqlite") as cache:
        plain = open_set(tmp_path, None, Judge("plain", extract), cache)
        unit = open_set(tmp_path, None, Judge("unit", extract, by_cosine=True), cache)
    assert plain.features[1].tolist() == [6, 8]
    assert unit.features[1] == pytest.approx([0.6, 0.8])


@pytest.mark.parametrize("holdout", [None, "other"])
def test_training_uses_the_train_split_and_the_hold_out_the_other_splits(
    holdout: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("made", "real", "other"):
        write_png(tmp_path / name / "a.png", np.zeros((32, 32, 3), np.uint8))
    write_manifest(tmp_path / "real", [Row("a.png", "a", split="train")])
    seen: list[object] = []

    def opened(folder: Path, splits: tuple[str, ...] | None, *_: object) -> str:
        seen.append((folder.name, splits))
        return f"{folder.name} {splits}"

    def compared(synthetic: str, training: str, holdout: str, *_: object) -> None:
        seen.append([synthetic, training, holdout])
        raise InterruptedError

    monkeypatch.setattr(image_set, "check_size", lambda *_: [])
    monkeypatch.setattr(image_set, "open_set", opened)
    monkeypatch.setattr(protocol, "audit", compared)
    other = None if holdout is None else Path(holdout)
    with pytest.raises(InterruptedError):
        command(AuditOptions(Path("made"), Path("real"), Path("out"), other))
    rest = ("real", ("validation", "test")) if holdout is None else ("other", None)
    assert seen == [
        ("made", None),
        ("real", ("train",)),
        rest,
        ["made None", "real ('train',)", f"{rest[0]} {rest[1]}"],
    ]


def test_members_of_the_loss_attack_are_the_training_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command passes the training set first and the hold-out second."""
    monkeypatch.chdir(tmp_path)
    for name in ("made", "real", "other"):
        write_png(tmp_path / name / "a.png", np.zeros((32, 32, 3), np.uint8))
    seen = []

    def by_loss(attack: object, progress: object) -> None:
        seen.append(attack)
        raise InterruptedError

    monkeypatch.setattr(image_set, "check_size", lambda *_: [])
    monkeypatch.setattr(image_set, "open_set", lambda folder, *_: folder.name)
    monkeypatch.setattr(protocol, "audit", lambda *_: SimpleNamespace(findings=[]))
    monkeypatch.setattr("palsynth.audit.membership.by_loss", by_loss)
    monkeypatch.setattr("palsynth.audit.membership.open_run", lambda *given: given)
    with pytest.raises(InterruptedError):
        command(AuditOptions(Path("made"), Path("real"), Path("out"), Path("other"), Path("run")))
    assert seen == [(Path("run"), Path("real"), None, Path("other"), None)]

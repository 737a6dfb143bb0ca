"""A small benchmark set evaluated end to end, through the command line."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from palsynth.cli import main
from palsynth.comparison import benchmark_sets
from palsynth.comparison.benchmark_sets import vp_transfer
from palsynth.data.pairs import read_pairs
from palsynth.evaluation.metrics import metric
from palsynth.evaluation.report import read_report
from palsynth.face.images import read_image, write_png
from palsynth.scoring.features import FeatureCache, cached_features


@pytest.fixture(scope="module")
def vp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("set") / "vp-transfer"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(benchmark_sets, "IDENTITIES", 2)
        vp_transfer(folder)
    return folder


@pytest.fixture(scope="module")
def noisy(vp: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A method that returns the truth with a little noise, and once a grey image."""
    folder = tmp_path_factory.mktemp("noisy")
    rng = np.random.default_rng(0)
    for k, pair in enumerate(read_pairs(vp / "pairs.csv")):
        image = read_image(vp / pair.truth).astype(np.float32)
        image += rng.normal(0, 6, image.shape)
        if k == 7:
            image[:] = 128
        write_png(folder / pair.name, image.clip(0, 255).astype(np.uint8))
    return folder


@pytest.fixture(scope="module")
def report(vp: Path, noisy: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("report")
    main(
        ["evaluate", "--real", str(vp), "--fake", str(noisy), "--name", "noisy", "--out", str(out)]
    )
    return out


def figure(report: Path, method: str, key: str) -> float:
    found = {r.method: r for r in read_report(report / "report.json").results}
    return found[method].figures[key].value


def test_the_truth_is_best_where_there_is_one(report: Path) -> None:
    rows = read_report(report / "report.json").results
    assert [r.method for r in rows] == ["truth", "copy-identity", "copy-expression", "noisy"]
    assert [r.reference for r in rows] == [True, True, True, False]
    for key in ("ssim", "ssim_moving", "landmark_error"):
        sign = 1 if metric(key).better == "up" else -1
        values = {r.method: sign * r.figures[key].value for r in rows}
        assert max(values, key=values.__getitem__) == "truth", key
    assert figure(report, "truth", "fid") == pytest.approx(0, abs=1e-3)
    assert figure(report, "noisy", "fid") > 0


def test_copies_are_exposed(report: Path) -> None:
    expression = ("side_accuracy", "rank_brow", "rank_eye", "rank_mouth")
    for key in expression:
        value = figure(report, "copy-identity", key)
        assert np.isnan(value) or value < figure(report, "truth", key) - 0.3, key
    assert figure(report, "copy-identity", "side_accuracy") == 0
    assert figure(report, "copy-expression", "identity_top1") < 50  # of two people, by chance
    assert figure(report, "copy-expression", "identity_distance") > 0.6
    assert figure(report, "copy-identity", "identity_distance") == 0
    assert figure(report, "noisy", "identity_top1") > 90
    text = (report / "report.md").read_text()
    assert "cannot judge a method alone: copy-identity scores no worse than the truth" in text


def test_infinite_and_missing_values_are_noted_and_not_averaged(report: Path) -> None:
    notes = {r.method: r.notes for r in read_report(report / "report.json").results}
    assert "20 of 20 psnr are infinite (identical pictures)" in notes["truth"]
    assert "no single face was found in 1 of 20 pictures" in notes["noisy"]
    assert np.isnan(figure(report, "truth", "psnr"))
    assert figure(report, "noisy", "faces") == pytest.approx(100 * 19 / 20)
    assert "– |" in (report / "report.md").read_text()


def test_variants_name_backend_and_count(report: Path) -> None:
    noisy = read_report(report / "report.json").results[-1]
    assert noisy.variants["fid"].startswith("fid[palsynth, antialiased 112, ")
    assert noisy.variants["fid"].endswith(", 20]")


def test_the_page_is_self_contained(report: Path) -> None:
    page = (report / "report.html").read_text()
    assert page.count("data:image/png;base64,") == 3
    assert not re.search(r"https?:", page)  # base64 may contain the letters, but no colon
    assert "not a medical device. All pictures shown are synthetic." in page


def test_photographs_are_not_called_synthetic(vp: Path, report: Path, tmp_path: Path) -> None:
    """A set without the provenance of every image may show real people."""
    real = tmp_path / "real"
    shutil.copytree(vp, real)
    rows = [json.loads(line) for line in (real / "metadata.jsonl").read_text().splitlines()]
    rows[0]["provenance"] = None
    (real / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    fake = tmp_path / "fake"
    fake.mkdir()
    for pair in read_pairs(vp / "pairs.csv"):
        shutil.copy(vp / pair.truth, fake / pair.name)
    main(
        [
            "evaluate",
            "--real",
            str(real),
            "--fake",
            str(fake),
            "--out",
            str(tmp_path / "out"),
            "--cache",
            str(report / "features.sqlite"),
        ]
    )
    text = (tmp_path / "out" / "report.md").read_text()
    assert "Shows photographs of real people: do not publish it." in text
    assert "All pictures shown are synthetic" not in text


def test_a_second_run_reads_all_features_from_the_cache(
    vp: Path, noisy: Path, report: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("detected again")

    monkeypatch.setattr("palsynth.scoring.judges.detect_faces", fail)
    shutil.copy(report / "features.sqlite", tmp_path / "features.sqlite")
    main(
        [
            "evaluate",
            "--real",
            str(vp),
            "--fake",
            str(noisy),
            "--name",
            "noisy",
            "--out",
            str(tmp_path),
        ]
    )
    assert (tmp_path / "report.json").read_bytes() == (report / "report.json").read_bytes()


def test_several_reports_in_one_table(
    report: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other"
    shutil.copytree(report, other)
    data = json.loads((other / "report.json").read_text())
    data["results"][-1]["method"] = "renamed"
    (other / "report.json").write_text(json.dumps(data))
    out = tmp_path / "joint"
    main(["evaluate", "compare", str(report), str(other), "--out", str(out)])
    rows = [r.method for r in read_report(out / "report.json").results]
    assert rows == ["truth", "copy-identity", "copy-expression", "noisy", "renamed"]
    with pytest.raises(SystemExit):
        main(["evaluate", "compare", str(report), str(report), "--out", str(out)])
    assert "two reports call their method 'noisy'; use --name" in capsys.readouterr().err
    data["results"][-1]["variants"]["fid"] = "fid[inception, bilinear 299, 6726825d, 20]"
    (other / "report.json").write_text(json.dumps(data))
    with pytest.raises(SystemExit):
        main(["evaluate", "compare", str(report), str(other), "--out", str(out)])
    assert "and renamed do not compare: fid[palsynth" in capsys.readouterr().err


@pytest.mark.parametrize("fault", ["missing picture", "other size", "no pairs"])
def test_faults_are_named(
    fault: str,
    vp: Path,
    noisy: Path,
    report: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fake, out = tmp_path / "fake", tmp_path / "out"
    shutil.copytree(noisy, fake)
    first = fake / read_pairs(vp / "pairs.csv")[0].name
    if fault == "missing picture":
        first.unlink()
    else:
        write_png(first, np.zeros((64, 64, 3), np.uint8))
    words = ["--real", str(vp), "--fake", str(fake), "--out", str(out)]
    if fault == "no pairs":
        words += ["--pairs", str(tmp_path / "pairs.csv")]
    with pytest.raises(SystemExit):
        main(["evaluate", *words, "--cache", str(report / "features.sqlite")])
    expected = {
        "missing picture": "is missing; make a picture for every row of the pairs",
        "other size": "is 64 x 64 px, the truth 112 x 112; all pictures of a pair must be of",
        "no pairs": "pairs.csv: no such file; make a set with",
    }
    assert expected[fault] in capsys.readouterr().err
    assert not (out / "report.json").exists()


def test_features_are_cached_by_content_in_bounded_chunks(tmp_path: Path) -> None:
    seen: list[int] = []

    def extract(paths):  # type: ignore[no-untyped-def]
        seen.append(len(paths))
        return np.array([[len(p.read_bytes())] for p in paths], np.float32)

    paths = []
    for k in range(80):
        path = tmp_path / f"{k}.bin"
        path.write_bytes(b"x" * (k % 70))  # ten of them twice
        paths.append(path)
    with FeatureCache(tmp_path / "cache" / "features.sqlite") as cache:
        found = cached_features(paths, "length", extract, cache)
        assert found[:, 0].tolist() == [k % 70 for k in range(80)]
        assert sum(seen) == 70
        assert max(seen) == 32
        assert np.array_equal(cached_features(paths[::-1], "length", extract, cache), found[::-1])
        assert sum(seen) == 70
        mode = (tmp_path / "cache" / "features.sqlite").stat().st_mode
        assert mode & 0o777 == 0o600, "features of patients' faces"
        cached_features(paths[:1], "another judge", extract, cache)
        assert sum(seen) == 71


def test_the_report_has_groups_and_published_rows(report: Path) -> None:
    text = (report / "report.md").read_text()
    assert "## By group" in text
    assert "noisy: gender " in text
    assert "noisy: ethnicity " in text
    assert "| *PF + CODC* | 0.378 | 0.335 | 0.508 |" in text
    groups = read_report(report / "report.json").groups
    counts = [g.figures["identity_distance"].count for g in groups if "gender" in g.method]
    assert sum(counts) == 19, "every picture with a face belongs to one gender"

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from palsynth.cli import main
from palsynth.comparison import benchmark_sets, tables
from palsynth.comparison.afid import afid_figures
from palsynth.comparison.benchmark_sets import vp_transfer
from palsynth.comparison.tables import table
from palsynth.data.pairs import write_pairs
from palsynth.errors import InputError
from palsynth.evaluation.fidelity import ssim
from palsynth.evaluation.report import read_report
from palsynth.methods.cfcpalsy.io.files import save_model
from palsynth.methods.registry import get_method
from palsynth.scoring.features import FeatureCache
from palsynth.scoring.panel import Panel, Weights
from tests.methods.cfcpalsy.conftest import build, default
from tests.scoring.fake_judges import pair, use, write_flat


@pytest.fixture(scope="module")
def vp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("set") / "vp-transfer"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(benchmark_sets, "IDENTITIES", 1)
        vp_transfer(folder)
    return folder


def test_the_table_has_every_row_and_column(vp: Path, tmp_path: Path, capsys) -> None:
    save_model(build(default()), tmp_path / "tiny")
    words = [
        "table",
        "cfcpalsy",
        f"tiny={tmp_path / 'tiny'}",
        "--data",
        str(vp),
        "--out",
        str(tmp_path / "out"),
    ]
    main(words)
    report = read_report(tmp_path / "out" / "report.json")
    rows = {r.method: r for r in report.results}
    assert list(rows) == ["truth", "copy-identity", "copy-expression", "simulator", "draft", "tiny"]
    for name in ("simulator", "tiny"):
        assert rows[name].variants["afid"].startswith("afid[palsynth")
    likeness = [rows[n].figures["likeness_there"].value for n in ("simulator", "tiny")]
    assert likeness[0] < 0.45, "the simulator preserves the identity"
    assert not likeness[1] < 0.45, "the other is untrained"
    assert "aFID ↓" in (tmp_path / "out" / "report.md").read_text()
    made = (tmp_path / "out" / "tiny" / "0000-grin.png").stat().st_mtime_ns
    main(words)
    assert (tmp_path / "out" / "tiny" / "0000-grin.png").stat().st_mtime_ns == made
    capsys.readouterr()
    for bad, text in (
        ("tiny", "name a method and its folder"),
        ("simulator=x", "is a row of every table"),
        ("a=nowhere", "nowhere: no such folder"),
    ):
        with pytest.raises(SystemExit):
            main([*words[:2], bad, *words[3:]])
        assert text in capsys.readouterr().err


PAIRS = [
    pair(k, subject, expression_identity=f"rest/{k % 2}.png")
    for k, subject in enumerate(("a", "a", "b"))
]


def _cycle(folder: Path, first: int, second: int) -> None:
    """Images of both ways; the second ones are the originals, a few levels lighter."""
    for k in range(3):
        write_flat(folder / "first" / f"{k}.png", first + k)
        write_flat(folder / "second" / f"{k}.png", 100 + k + (second if k < 2 else 0))


@pytest.fixture
def flat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Images of two methods in both ways, with given features."""
    for level, subject in ((10, "a"), (20, "b")):
        write_flat(tmp_path / "set" / "identity" / f"{subject}.png", level)
    for k in range(3):
        write_flat(tmp_path / "set" / "rest" / f"{k}.png", 50)
        write_flat(tmp_path / "set" / "expression" / f"{k}.png", 100 + k)
        write_flat(tmp_path / "set" / "truth" / f"{k}.png", 180 + k)
        for name, level in (("one", 230), ("two", 240)):
            write_flat(tmp_path / name / f"{k}.png", level + k)
    _cycle(tmp_path / "one-afid", 130, 10)
    _cycle(tmp_path / "two-afid", 140, 20)
    # features are by folder and file name, so both methods' first and second images share them
    numbers: dict[str, list[float]] = {"identity/a.png": [0.0, 0], "identity/b.png": [9.0, 0]}
    features: dict[str, list[float]] = {f"identity/{subject}.png": [70.0] for subject in "ab"}
    for k in range(3):
        numbers |= {f"{part}/{k}.png": [500.0, 0] for part in ("expression", "truth", "second")}
        numbers |= {f"{part}/{k}.png": [600.0, 0] for part in ("one", "two")}
        features |= {f"{part}/{k}.png": [80.0] for part in ("truth", "one", "two", "first")}
    numbers |= {"first/0.png": [0, 3], "first/1.png": [0, 5], "first/2.png": [9, 1]}
    features |= {f"expression/{k}.png": [v] for k, v in enumerate((0.0, 2.0, 4.0))}
    features |= {f"second/{k}.png": [v] for k, v in enumerate((8.0, 12.0, 4.0))}
    use(monkeypatch, dlib=numbers, distribution=features)
    return tmp_path


def _light(by: int) -> tuple[float, float]:
    """PSNR and SSIM of grey images returned lighter; PSNR leaves out identical ones."""
    grey = np.full((1, 32, 32, 3), 100, np.uint8)
    values = [ssim(grey + k + by, grey + k)[0] for k in (0, 1)] + [1.0]
    return 20 * np.log10(255 / by), float(np.mean(values))


def test_each_figure_of_the_round_trip_by_hand(flat: Path) -> None:
    with FeatureCache(flat / "f.sqlite") as cache:
        found = afid_figures(flat / "set", PAIRS, flat / "one-afid", None, cache)
    assert list(found) == [
        "afid[written, whole, none, 3]",
        "psnr back",
        "psnr back, infinite",
        "ssim back",
        "ssim back, infinite",
        "dlib distance of the first to B",
    ]
    psnr, similarity = _light(10)
    assert [f.value for f in found.values()] == pytest.approx(
        # means 8 and 2, variances 16 and 4; the first pictures are 3, 5 and 1 from B
        [36 + 16 + 4 - 2 * 8, psnr, 1, similarity, 0, 3],
        rel=1e-4,
    )


def test_each_methods_row_is_of_its_own_images(flat: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("transfer", "round_trip"):  # the images of both methods are there
        monkeypatch.setattr(tables, name, lambda *_, **__: None)
    methods = {name: get_method("noise") for name in ("one", "two")}
    with FeatureCache(flat / "f.sqlite") as cache:
        panel = Panel(flat / "set", PAIRS, Weights(), cache)
        report = table(panel, methods, flat, lambda *_: None)
    rows = {r.method: r for r in report.results}
    assert list(rows) == ["truth", "copy-identity", "copy-expression", "one", "two"]
    for name, by, level in (("one", 10, 230), ("two", 20, 240)):
        figures = {key: f.value for key, f in rows[name].figures.items()}
        psnr, similarity = _light(by)
        assert figures["psnr_back"] == pytest.approx(psnr, rel=1e-4)
        assert figures["ssim_back"] == pytest.approx(similarity, rel=1e-4)
        assert (figures["afid"], figures["likeness_there"]) == (pytest.approx(40), 3)
        assert rows[name].variants["afid"] == "afid[written, whole, none, 3]"
        assert figures["psnr"] == pytest.approx(20 * np.log10(255 / (level - 180)))
    assert not any(r.figures.keys() & {"afid", "psnr_back"} for r in report.results[:3])


def test_what_a_set_lacks_is_said_before_anything_is_judged(
    flat: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("judged")

    monkeypatch.setattr(tables, "reference_rows", fail)
    with FeatureCache(flat / "f.sqlite") as cache:
        lacking = [pair(0, "a")]
        panel = Panel(flat / "set", lacking, Weights(), cache)
        with pytest.raises(InputError, match=r"0\.png: pairs.csv has no expression_identity"):
            table(panel, {}, flat, lambda *_: None)


def test_the_command_checks_the_set_before_it_loads_a_model(
    flat: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_pairs(flat / "set" / "pairs.csv", [pair(0, "a")])
    words = ["table", "cfcpalsy", "mine=nowhere", "--data", str(flat / "set")]
    with pytest.raises(SystemExit):
        main([*words, "--out", str(flat / "new")])
    text = "has no expression_identity, the expression's person at rest"
    assert text in capsys.readouterr().err
    assert not (flat / "new").exists()

from __future__ import annotations

from pathlib import Path

import pytest

from palsynth.cli import main
from palsynth.evaluation.report import read_report
from palsynth.experiments import benchmark_sets
from palsynth.experiments.benchmark_sets import vp_transfer
from palsynth.methods.cfcpalsy.files import save_model
from tests.methods.cfcpalsy.conftest import build, default


@pytest.fixture(scope="module")
def vp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("set") / "vp-transfer"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(benchmark_sets, "IDENTITIES", 2)
        list(vp_transfer(folder))
    return folder


def test_the_table_has_every_row_and_column(vp: Path, tmp_path: Path, capsys) -> None:
    save_model(build(default()), tmp_path / "tiny")
    words = ["table", "cfcpalsy", f"tiny={tmp_path / 'tiny'}", "--data", str(vp), "--out",
             str(tmp_path / "out")]  # fmt: skip
    main(words)
    report = read_report(tmp_path / "out" / "report.json")
    rows = {r.method: r for r in report.results}
    assert list(rows) == ["truth", "copy-identity", "copy-expression", "simulator", "draft", "tiny"]
    for name in ("simulator", "tiny"):
        assert {"psnr_moving", "side_right", "fid", "afid", "likeness_there"} <= set(
            rows[name].figures
        )
        assert rows[name].variants["afid"].startswith("afid[palsynth")
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

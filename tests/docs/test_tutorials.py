"""The tutorials, done line by line as they stand, at smaller sizes."""

from __future__ import annotations

import json
import re
import runpy
import shlex
from pathlib import Path

import pytest

from palsynth.cli import main
from palsynth.data.manifest import read_manifest
from tests.docs.pages import ROOT, Block, blocks

CLINIC = ROOT / "docs" / "tutorials" / "clinic.md"

SMALLER = {
    "range(1, 4)": "range(2, 4)",
    '    "Mild": Grade.III,\n': "",
    '    "Severe": Grade.V,\n': "",
    '    "Complete": Grade.VI,\n': "",
    "--loop.steps 30 --loop.batch 8": "--loop.steps 2 --loop.batch 2",
    "--model.diffusion.steps 5": "--model.diffusion.steps 1",
    "{steps: 100, batch: 16}": "{steps: 2, batch: 4}",
    "--recipe grader.yaml": "--recipe grader.yaml --seeds 1",
}
"""Figures of the page that set sizes -> those of the test; each stands once in a block."""


def smaller(page: list[Block]) -> list[Block]:
    """The blocks with the sizes of the test."""
    for old in SMALLER:
        assert sum(block.text.count(old) for block in page) == 1, old
    out = []
    for block in page:
        text = block.text
        for old, new in SMALLER.items():
            text = text.replace(old, new)
        out.append(block._replace(text=text))
    return out


def run(line: str) -> None:
    """Runs a line of a shell block, which must end with the exit code that its comment names."""
    words = shlex.split(line, comments=True)
    named = re.search(r"# exit code (\d)", line)
    code = 0
    try:
        if words[0] == "python":
            runpy.run_path(words[1], run_name="__main__")
        else:
            assert words[0] == "palsynth", line
            main(words[1:])
    except SystemExit as end:
        code = int(end.code or 0)
    assert code == (int(named[1]) if named else 0), line


def test_from_a_folder_of_a_clinic_to_a_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "recipes").symlink_to(ROOT / "recipes")
    printed = {}
    for block in smaller(blocks(CLINIC)):
        if block.title:
            Path(block.title).write_text(block.text, "utf-8")
        elif block.language == "sh":
            for line in block.text.replace("\\\n", " ").splitlines():
                run(line)
                command = " ".join(re.findall(r"^palsynth (\w+(?: check| import)?)", line))
                printed[command] = capsys.readouterr().out
    assert "MEEI/ReadMe.txt: not a picture" in printed["data import"]
    assert "clinic: no errors found" in printed["data check"]
    assert "tilt, degrees clockwise" in printed["data check"]
    assert "FAILED     near-duplicates" in printed["audit"]
    assert {row.hb_grade for row in read_manifest(Path("clinic"))} == {"I", "II", "IV"}
    assert {row.side for row in read_manifest(Path("clinic"))} == {None, "left", "right"}
    report = json.loads(Path("table/report.json").read_text("utf-8"))["results"]
    rows = ["copy-identity", "copy-expression", "simulator", "draft", "mine"]
    assert [row["method"] for row in report] == rows
    splits = {row.split for row in read_manifest(Path("made"))}
    assert splits == {"train"}, "no test patient may be in the set that graders are trained on"
    figures = json.loads(Path("utility/utility.json").read_text("utf-8"))["figures"]
    assert set(figures) == {"real", "synthetic", "real + synthetic"}
    assert Path("one.png").exists()

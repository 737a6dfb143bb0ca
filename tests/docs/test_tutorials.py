"""The tutorials, done line by line as they stand, at smaller sizes."""

from __future__ import annotations

import json
import re
import runpy
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from palsynth.cli import main
from palsynth.data.manifest import read_manifest
from tests.docs.pages import ROOT, Block, blocks

TUTORIALS = ROOT / "docs" / "tutorials"


@dataclass(frozen=True)
class Tutorial:
    """A page, how the test makes it smaller, and what must be there at its end."""

    name: str
    """Name of the page's file."""
    smaller: Mapping[str, str]
    """Figures of the page that set sizes -> those of the test; each stands once in its blocks."""
    check: Callable[[Mapping[str, str]], None]
    """Checks the results in the working folder; gets what the commands printed, by command."""
    needs: str = ""
    """Another page whose files, all that have a title, are saved first."""


def check_clinic(printed: Mapping[str, str]) -> None:
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
    check_graders()
    assert Path("one.png").exists()


def check_graders() -> None:
    figures = json.loads(Path("utility/utility.json").read_text("utf-8"))["figures"]
    assert set(figures) == {"real", "synthetic", "real + synthetic"}


def check_grader(printed: Mapping[str, str]) -> None:
    recipe = next(
        block.text for block in blocks(TUTORIALS / "grader.md") if block.title == "grader.yaml"
    )
    assert yaml.safe_load(recipe) == yaml.safe_load(
        (ROOT / "recipes/grader.yaml").read_text("utf-8")
    )
    rows = read_manifest(Path("grader-set"))
    assert f"{len(rows)} images" in printed["generate"]
    assert f"{sum(row.split == 'train' for row in rows)} in train" in printed["look.py"]
    assert Path("grader-set/contact-sheet.png").exists()
    assert re.search(r"^item \d\.\d of 4, grade I{0,3}V?I?$", printed["grade.py"], re.M)
    patients = {row.subject_id: row.split for row in read_manifest(Path("clinic"))}
    assert {"train", "test"} <= set(patients.values())
    check_graders()


def check_privacy_copy(printed: Mapping[str, str]) -> None:
    patients, shown = read_manifest(Path("clinic")), read_manifest(Path("copy"))
    left_out = Path("copy/left-out.jsonl").read_text("utf-8").splitlines()
    assert len(shown) + len(left_out) == len(patients), "no picture is lost without a word"
    assert len({row.subject_id for row in shown}) == len({row.subject_id for row in patients})
    names = {row.subject_id for row in patients}
    assert not any(name in row.file_name for row in shown for name in names)
    assert not any(name in str(row.provenance) for row in shown for name in names)
    assert {row.split for row in shown} == {row.split for row in patients}
    assert "near-duplicates" in printed["audit"]
    assert "FAILED" not in printed["audit"]
    assert "quadratic weighted kappa" in Path("copy/README.md").read_text("utf-8")
    assert Path("report/report.html").exists()


PAGES = [
    Tutorial(
        "clinic.md",
        {
            "range(1, 4)": "range(2, 4)",
            '    "Mild": Grade.III,\n': "",
            '    "Severe": Grade.V,\n': "",
            '    "Complete": Grade.VI,\n': "",
            "--loop.steps 30 --loop.batch 8": "--loop.steps 2 --loop.batch 2",
            "--model.diffusion.steps 5": "--model.diffusion.steps 2",
            "{steps: 100, batch: 16}": "{steps: 2, batch: 4}",
            "--recipe grader.yaml": "--recipe grader.yaml --seeds 1",
        },
        check_clinic,
    ),
    Tutorial(
        "grader.md",
        {
            "range(30)": "range(0, 30, 7)",
            "--identities.subjects 40 --images 1000": "--identities.subjects 8 --images 40",
            " --workers 2": "",
            "steps: 600": "steps: 2",
            "--recipe grader.yaml": "--recipe grader.yaml --seeds 1",
        },
        check_grader,
    ),
    Tutorial(
        "privacy-copy.md",
        {" --workers 2": ""},
        check_privacy_copy,
        needs="grader.md",
    ),
]


def page_of(name: str) -> Tutorial:
    return next(page for page in PAGES if page.name == name)


def smaller(page: Tutorial) -> list[Block]:
    """The blocks of a page with the sizes of the test."""
    found = blocks(TUTORIALS / page.name)
    for old in page.smaller:
        assert sum(block.text.count(old) for block in found) == 1, old
    out = []
    for block in found:
        text = block.text
        for old, new in page.smaller.items():
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


def save(block: Block) -> None:
    Path(block.title).write_text(block.text, "utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_tutorial_runs_as_it_is_written(
    page: Tutorial,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)  # else it reports its use
    for folder in ("plans", "recipes"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    for block in smaller(page_of(page.needs)) if page.needs else []:
        if block.title:
            save(block)
    printed = {}
    for block in smaller(page):
        if block.title:
            save(block)
        elif block.language == "sh":
            for line in block.text.replace("\\\n", " ").splitlines():
                run(line)
                command = re.findall(r"^(?:python|palsynth) (\S+(?: check| import)?)", line)
                printed[" ".join(command)] = capsys.readouterr().out
    page.check(printed)


def test_every_tutorial_is_tested() -> None:
    assert {page.name for page in PAGES} == {path.name for path in TUTORIALS.glob("*.md")}

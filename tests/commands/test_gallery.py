from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from tests.commands.test_cli import complaint, run


def test_a_gallery_overwrites_itself_but_no_file_of_other_origin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["gallery", "--out", "g", "--subjects", "3", "--grades", "IV", "--size", "64"]
    assert run(*words, "--ages", "70") == 0
    assert "g/README.md: 10 pictures of 1 subjects" in capsys.readouterr().out
    page = (tmp_path / "g" / "README.md").read_text("utf-8")
    assert "palsynth gallery --subjects 3 --ages 70 --grades IV --side left --size 64" in page
    assert "age extrapolated" in page
    assert "of about 70" in (tmp_path / "g" / "README.md").read_text("utf-8")
    assert "left side weak" in (tmp_path / "g" / "README.md").read_text("utf-8")
    assert run(*words, "--side", "right") == 0
    assert "right side weak" in (tmp_path / "g" / "README.md").read_text("utf-8")
    theirs = tmp_path / "g" / "person-0000003" / "IV-grin.jpg"
    Image.new("RGB", (8, 8)).save(theirs)
    assert "was not written by palsynth" in complaint(capsys, *words)
    assert Image.open(theirs).size == (8, 8)
    assert run(*words, "--force") == 0


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        (["--subjects", "3", "3"], "give at least one seed, and none twice"),
        (["--subjects", "3", "--ages", "20", "30"], "2 ages for 1 subjects; give one each"),
        (["--subjects", "3", "--ages", "120"], "subjects can be rendered from 16 to 80 years"),
        (["--grades", "II", "II"], "give at least one, and none twice"),
        (["--size", "5000"], "--size 5000: must lie between 64 and 1024"),
        (["--method", "magic"], "magic"),
    ],
)
def test_bad_requests(
    more: list[str], fault: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fault in complaint(capsys, "gallery", "--out", str(tmp_path / "g"), *more)
    assert not (tmp_path / "g").exists()

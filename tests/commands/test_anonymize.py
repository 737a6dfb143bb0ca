"""palsynth anonymize: a patient's expression on somebody else, and the check that goes with it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from palsynth.cli import main
from palsynth.clinical import YANAGIHARA, Movement, Palsy
from palsynth.experiments.recognised import compare, count_recognised
from palsynth.face.images import write_png
from palsynth.people import View, render, sample
from tests.methods.controlnet.conftest import base_folder  # noqa: F401


@pytest.fixture
def given(base_folder: Path) -> list[str]:  # noqa: F811
    return ["--base", str(base_folder), "--controlnet", str(base_folder.parent / "controlnet")]


@pytest.mark.parametrize(
    "more", [[], ["--keep-face"], ["--keep-nose"], ["--words", "man of about 50"]]
)
def test_a_photo_gives_the_contour(
    photo: Path, given: list[str], more: list[str], tmp_path: Path, capsys
) -> None:
    other = tmp_path / "other.png"
    write_png(other, render(sample(970_300), view=View(160)).image)
    out = tmp_path / "made.png"
    main(["anonymize", str(photo), "--as", str(other), "--out", str(out), *given, *more])
    with Image.open(out) as image:
        assert image.size == (32, 32)
        assert "synthetic" in image.text["Description"]
        record = json.loads(image.text["palsynth:provenance"])
    assert record["seed"] == 0
    names = {"--keep-face": "controlnet-pf", "--keep-nose": "controlnet-pf-codc"}
    assert record["method"] == names.get(" ".join(more), "controlnet-pf-eyes-mouth")
    assert record["words"] == (more[1] if "--words" in more else "person")
    assert record["settings"]["tuned"] is None  # no patient was shown to this ControlNet
    assert record["settings"]["sampling"]["outside"] == "tuned"
    assert len(record["weights_sha256"]) == 64
    assert "privacy check: " in capsys.readouterr().out


def test_a_description_is_enough(photo: Path, given: list[str], tmp_path: Path) -> None:
    pictures = []
    for number, words in enumerate(("woman of about 30", "man of about 60")):
        out = tmp_path / f"{number}.png"
        main(["anonymize", str(photo), "--as", words, "--out", str(out), *given])
        pictures.append(out.read_bytes())
    assert pictures[0] != pictures[1]


def test_a_sheet_of_a_patient_takes_another_base(
    given: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for movement in YANAGIHARA:
        image = render(sample(970_001), movement, Palsy.none(), view=View(128)).image
        write_png(tmp_path / f"{movement.value}.png", image)
    words = ["sheet", "--person", "5", "--patient", str(tmp_path), "--out",
             str(tmp_path / "sheet" / "s.png"), "--size", "64"]  # fmt: skip
    (tmp_path / "sheet").mkdir()
    main([*words, *given, "--method", "controlnet-zero-shot"])
    assert (tmp_path / "sheet" / "s.png").is_file()
    said = capsys.readouterr().out
    assert "privacy check: " in said
    assert "Patient and measured" in said
    for more, fault in (
        (["--method", "cfcpalsy"], "the method cfcpalsy has no --base"),
        (["--weights", "x"], "give one of the two"),
    ):
        with pytest.raises(SystemExit):
            main([*words, *given, *more])
        assert fault in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["sheet", "--person", "5", *given])
    assert "--base, --controlnet and --tokenizer go with --patient" in capsys.readouterr().err


def test_the_check_says_who_is_recognised() -> None:
    def picture(seed: int, movement: Movement = Movement.REST) -> np.ndarray:
        return render(sample(seed), movement, Palsy.none(), view=View(224)).image

    patient, other = picture(970_301, Movement.GRIN), picture(970_302)
    kept = compare(patient, other, picture(970_301))
    assert "THE PATIENT IS RECOGNISED" in kept
    changed = compare(patient, other, picture(970_302, Movement.GRIN))
    assert changed.endswith("not taken for the patient by this recogniser")
    same = compare(patient, picture(970_301), picture(970_302))
    assert "THE NON-PATIENT IS TAKEN FOR THE PATIENT; give somebody else" in same
    counted = count_recognised([patient] * 3, [picture(970_301), picture(970_302), patient])
    assert "the patient is recognised in 2 of 3 pictures (dlib distance 0.000 to" in counted
    blank = np.full((224, 224, 3), 128, np.uint8)
    assert "the picture 'made' shows no single face" in compare(patient, other, blank)
    assert "not possible, no two pictures" in count_recognised([patient], [blank])


def test_a_very_long_description_is_told_so(photo: Path, given: list[str], tmp_path: Path, capsys):  # type: ignore[no-untyped-def]
    words = "woman of about 30 " + "with freckles " * 60  # longer than a file's name may be
    with pytest.raises(SystemExit):
        main(["anonymize", str(photo), "--as", words, "--out", str(tmp_path / "o.png"), *given])
    assert "describe the person in fewer words" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--as", "nobody.jpg"], "nobody.jpg: no such file"),
        (["--as", "."], ".: is a folder; give a photo or a description"),
        (["--as", "man of 200"], "description 'man of 200': age 200"),
        (["--as", "man", "--seed", "-1"], "--seed -1: must not be negative"),
        (["--as", "man", "--base", "x"], "--base needs --controlnet or --weights that fit it"),
        (["--as", "man", "--controlnet", "a", "--weights", "b"], "give one of the two"),
        (["--as", "man", "--tokenizer", "t"], "--tokenizer goes with a --base that is a single"),
        (["--as", "man", "--weights", "none"], "none: holds no such weights; give --weights"),
        (["--as", " "], "--as: is empty; give a photo or a description"),
    ],
)
def test_bad_requests(words: list[str], text: str, photo: Path, tmp_path: Path, capsys) -> None:
    with pytest.raises(SystemExit) as end:
        main(["anonymize", str(photo), "--out", str(tmp_path / "o.png"), *words])
    assert end.value.code == 2
    assert text in capsys.readouterr().err
    assert not (tmp_path / "o.png").exists()

"""Every picture that a command writes says how it came to be, as XMP that other programs read."""

from __future__ import annotations

import ast
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from PIL import Image

import palsynth
from palsynth.cli import COMMANDS
from palsynth.clinical import Grade, Movement, Palsy, Side
from palsynth.comparison import benchmark_sets
from palsynth.data.manifest import Row, write_manifest
from palsynth.data.pairs import Pair, write_pairs
from palsynth.face.framing import PORTRAIT
from palsynth.face.images import text_chunks, write_png
from palsynth.face.label import RECORDED
from palsynth.subjects import View, render, sample
from tests.commands.test_cli import run

IPTC = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType"
TRAINED = "trainedAlgorithmicMedia"
COMPOSITE = "compositeWithTrainedAlgorithmicMedia"
ALGORITHMIC = "algorithmicMedia"


def label(path: Path) -> str | None:
    """What a reader that knows RDF and the standard, but not palsynth, finds in a file."""
    with Image.open(path) as picture:
        picture.load()
        packet = picture.info.get("xmp")
    if packet is None:
        return None
    body = packet.decode().split("?>", 1)[1].rsplit("<?", 1)[0]
    (value,) = [v for e in ET.fromstring(body).iter() if (v := e.get(IPTC))]
    return str(value).rsplit("/", 1)[1]


def labels(folder: Path) -> set[str | None]:
    files = [p for p in folder.rglob("*") if p.suffix in (".png", ".jpg")]
    assert files
    return {label(path) for path in files}


@pytest.fixture
def workplace(tmp_path: Path, photo: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A photo, a patient's photos and a data set of them; none of them carries a label."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photo.png").write_bytes(photo.read_bytes())
    palsy = Palsy.peripheral(Side.LEFT, Grade.IV)
    for name, movement, shown in (
        ("rest", Movement.REST, Palsy.none()),
        ("grin", Movement.GRIN, palsy),
    ):
        image = render(sample(970_301), movement, shown, view=View(224, PORTRAIT)).image
        write_png(tmp_path / "clinic" / f"{name}.png", image)
    rows = [
        Row(f"{m}.png", "a", movement=m, palsy=palsy.to_dict(), split="test")
        for m in ("rest", "grin")
    ]
    write_manifest(tmp_path / "clinic", rows)
    pair = Pair("0.png", "rest.png", "grin.png", "", "a", "grin", "", "rest.png")
    write_pairs(tmp_path / "clinic" / "pairs.csv", [pair])
    write_png(tmp_path / "made/a/rest.png", image, **text_chunks({RECORDED: TRAINED}))
    (tmp_path / "plan.yaml").write_text(
        "{method: subjects, identities: {subjects: 2}, images: 2, size: 64}"
    )
    return tmp_path


GRADE = ("--side", "left", "--grade", "V")
SHEET = ("sheet", "photo.png", *GRADE, "--size", "64", "--out", "out.png")
GRID = ("--expressions", "grin", "--size", "64", "--out", "out.png")
SYNTHESIZE = (
    "synthesize",
    "--identity",
    "photo.png",
    "--expression",
    "clinic/grin.png",
    "--out",
    "out.png",
)
TRANSFER = ("transfer", "clinic", "--out", "out")

CASES: dict[str, tuple[tuple[str, ...], str | None]] = {
    "simulate": (
        ("simulate", "photo.png", "--movement", "grin", *GRADE, "--out", "out.png"),
        COMPOSITE,
    ),
    "sheet of a photo": (SHEET, COMPOSITE),
    "sheet of a subject": (("sheet", "--subject", "7", *SHEET[2:]), TRAINED),
    "sheet of copies": ((*SHEET, "--method", "copy-identity"), None),
    "grid of a photo and a subject": (
        ("grid", "--identities", "photo.png", "7", *GRID, "--method", "captured"),
        COMPOSITE,
    ),
    "grid of subjects": (
        ("grid", "--identities", "7", *GRID),
        TRAINED,
    ),
    "gallery": (
        ("gallery", "--out", "out", "--subjects", "3", "--grades", "IV", "--size", "64"),
        TRAINED,
    ),
    "synthesize": ((*SYNTHESIZE, "--method", "captured"), COMPOSITE),
    "synthesize by a network": ((*SYNTHESIZE, "--method", "cfcpalsy"), COMPOSITE),
    "synthesize from noise": ((*SYNTHESIZE, "--method", "noise"), ALGORITHMIC),
    "anonymize": (
        ("anonymize", "clinic", "--as", "subject:7", "--size", "128", "--out", "out"),
        TRAINED,
    ),
    "condition": (
        ("condition", "clinic/grin.png", "photo.png", "--out", "out.png", "--show", "show.png"),
        COMPOSITE,
    ),
    "generate": (("generate", "plan.yaml", "--out", "out"), TRAINED),
    "subjects sample": (
        ("subjects", "sample", "--count", "1", "--size", "64", "--out", "out"),
        TRAINED,
    ),
    "subjects export": (
        (
            "subjects",
            "export",
            "out",
            "--subjects",
            "1",
            "--images-per-subject",
            "2",
            "--size",
            "64",
        ),
        TRAINED,
    ),
    "data import": (("data", "import", "aflfp", "made", "out", "--no-faces"), TRAINED),
    "data stats": (("data", "stats", "clinic", "--out", "out.png"), None),
    "transfer": ((*TRANSFER, "--method", "captured"), COMPOSITE),
    "transfer of noise": ((*TRANSFER, "--method", "noise"), ALGORITHMIC),
    "transfer of copies": ((*TRANSFER, "--method", "copy-identity"), None),
}
"""Command line, and the label of what it writes to out, out.png and show.png."""

ELSEWHERE = {
    "benchmark": "test_benchmark_sets_of_subjects",
    "benchmark folder": "test_a_crop_has_the_label_of_its_picture",
    "afid": "writes as transfer does",
    "app": "tests/app/test_tabs.py",
    "video": "tests/commands/test_video.py",
    "audit": "test_no_picture_is_written_without_its_text",
    "evaluate": "test_no_picture_is_written_without_its_text",
    "table cfcpalsy": "test_no_picture_is_written_without_its_text",
    "table controlnet": "test_no_picture_is_written_without_its_text",
    "table timesteps": "test_no_picture_is_written_without_its_text",
    "table predecessors": "test_no_picture_is_written_without_its_text",
    "train": "test_no_picture_is_written_without_its_text",
}
"""Command that writes pictures -> how its labels are tested."""

WITHOUT = (
    *("measure", "subjects fit", "data check", "fields fit", "capture fit", "smile fit"),
    *("calibrate", "evaluate compare", "utility", "release", "convert", "doctor"),
    *("study new", "study serve", "study report"),
)
"""Commands that write no picture files. The pictures in a study's file are alike in form, so that
nothing tells a rater how they were made."""


def test_all_commands_are_known() -> None:
    lines = [" ".join(words) for words, _ in CASES.values()]
    longest = sorted(COMMANDS, key=len, reverse=True)
    run_here = {
        next(name for name in longest if f"{line} ".startswith(f"{name} ")) for line in lines
    }
    assert sorted([*run_here, *ELSEWHERE, *WITHOUT]) == sorted(COMMANDS)


@pytest.mark.parametrize("case", CASES)
def test_pictures_of_commands(case: str, workplace: Path) -> None:
    words, expected = CASES[case]
    assert run(*words) in ((0, 1) if words[0] == "anonymize" else (0, 2))
    out = [workplace / name for name in ("out.png", "show.png") if (workplace / name).exists()]
    found = {label(path) for path in out} | (
        labels(workplace / "out") if (workplace / "out").is_dir() else set()
    )
    assert found == {expected}


def test_a_chart_is_labelled_as_the_pictures_that_it_shows(workplace: Path) -> None:
    assert run("data", "import", "aflfp", "made", "out", "--no-faces") == 0
    assert run("data", "stats", "out") == 0
    assert label(workplace / "out-stats.png") == TRAINED


def test_benchmark_sets_of_subjects(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark_sets, "IDENTITIES", 1)
    monkeypatch.setattr(benchmark_sets, "YANAGIHARA", [Movement.GRIN])
    assert run("benchmark", "vp-transfer", "--out", "out", "--size", "48") == 0
    assert labels(workplace / "out") == {TRAINED}


def test_a_crop_has_the_label_of_its_picture(workplace: Path) -> None:
    rows = []
    for number, subject in enumerate("ab"):
        for movement in (Movement.REST, Movement.GRIN):
            name = f"{subject}-{movement.value}.png"
            image = render(sample(970_310 + number), movement, view=View(128)).image
            text = text_chunks({RECORDED: TRAINED} if subject == "a" else None)
            write_png(workplace / "mixed" / name, image, **text)
            rows.append(Row(name, subject, movement.value, split="test"))
    write_manifest(workplace / "mixed", rows)
    assert run("benchmark", "folder", "mixed", "--out", "out") == 0
    found = {path.name: label(path) for path in (workplace / "out").glob("*.png")}
    assert found == {
        "a-rest.png": TRAINED,
        "a-grin.png": TRAINED,
        "b-rest.png": None,
        "b-grin.png": None,
    }


def test_no_picture_is_written_without_its_text() -> None:
    """Every call of a writer of pictures is given the text chunks that say what it shows."""
    root = Path(palsynth.__file__).parent
    calls = [
        (path.relative_to(root).as_posix(), call)
        for path in sorted(root.rglob("*.py"))
        for call in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(call, ast.Call)
    ]
    writers = {"write_png", "write_jpeg", "png_bytes"}
    found = [(path, call) for path, call in calls if getattr(call.func, "id", "") in writers]
    assert len(found) > 10
    bare = [f"{path}:{c.lineno}" for path, c in found if all(k.arg for k in c.keywords)]
    assert not bare
    encoders = {
        path
        for path, call in calls
        if getattr(call.func, "attr", "") == "save"
        and any(getattr(a, "value", "") in ("PNG", "JPEG", "WEBP") for a in call.args)
    }
    # camera: in memory; study/new: what raters see must be alike in form; mirror: with its XMP
    known = {"face/images.py", "generation/camera.py", "study/new.py", "app/mirror.py"}
    assert encoders == known

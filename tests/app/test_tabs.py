"""Each tab answers as the Python API does, or with one line that says what is wrong."""

from __future__ import annotations

import re
import shutil
import sys
import zipfile
from html import unescape
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

gr = pytest.importorskip("gradio", reason="gradio is not installed")

from palsynth.app import clips  # noqa: E402
from palsynth.app.arrows import draw_arrows  # noqa: E402
from palsynth.app.nerve_diagram import to_text  # noqa: E402
from palsynth.app.sessions import Sessions  # noqa: E402
from palsynth.app.shell import build  # noqa: E402
from palsynth.app.tabs import anonymize, simulate, warming  # noqa: E402
from palsynth.app.uploads import REFUSED  # noqa: E402
from palsynth.capture import capture  # noqa: E402
from palsynth.clinical import YANAGIHARA, Grade, Movement, Palsy, Side  # noqa: E402
from palsynth.data.clips import read_clip  # noqa: E402
from palsynth.face.detect import detect_face  # noqa: E402
from palsynth.face.face import Face  # noqa: E402
from palsynth.face.images import write_png  # noqa: E402
from palsynth.face.label import DigitalSource, digital_source  # noqa: E402
from palsynth.generation.video.frames import clip_requests, make_frames  # noqa: E402
from palsynth.generation.video.script import ClipSettings, write_script  # noqa: E402
from palsynth.generation.video.write import write_clip  # noqa: E402
from palsynth.methods.registry import get_method  # noqa: E402
from palsynth.simulator.motion import MotionSettings  # noqa: E402
from palsynth.subjects import View, render, sample  # noqa: E402

VISITOR = SimpleNamespace(session_hash="visitor")
RIGHT_V = Palsy.peripheral(Side.RIGHT, Grade.V)
DIAGRAM = to_text(RIGHT_V, ("left", "V", "peripheral"))
"""The diagram after its branches were set by hand: the page starts with the left side."""


class Page:
    """The page, with its functions as a visitor calls them."""

    def __init__(self, root: Path) -> None:
        self.sessions = Sessions(root)
        blocks = build(self.sessions)
        self.functions = {fn.api_name: fn for fn in blocks.fns.values()}

    def ask(self, name: str, **values: Any) -> Any:
        """Calls a function with the values that the page starts with, but for those by label."""
        function = self.functions[name]
        given = {part: getattr(part, "value", None) for part in function.inputs}
        for label, value in values.items():
            (part,) = [p for p in given if (p.label or "").replace(" ", "_") == label]
            given[part] = value
        return function.fn(given, VISITOR)

    def upload(self, source: Path, name: str) -> str:
        path = self.sessions.upload_folder() / f"{name}{source.suffix}"
        shutil.copy(source, path)
        return str(path)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Page:
    return Page(tmp_path_factory.mktemp("sessions"))


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("patient")
    for movement in (Movement.REST, Movement.GRIN):
        image = render(sample(12), movement, RIGHT_V, view=View(256)).image
        write_png(folder / f"{movement.value}.png", image)
    return {path.stem: path for path in folder.iterdir()}


@pytest.fixture(scope="module")
def filmed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short clip of a patient whose left side is weak."""
    pytest.importorskip("av", reason="PyAV is not installed")
    motion = MotionSettings(start=0.7, onset=0.3, hold=0.4, offset=0.3, rest=0.4, blinks=0)
    settings, subject = ClipSettings(192, 8.0, motion=motion), sample(970_301)
    palsy = Palsy.peripheral(Side.LEFT, Grade.IV)
    (take,) = write_script(subject, [Movement.GRIN], palsy, settings)
    requests = clip_requests(subject, take.panels[-1].moments, settings)
    path = tmp_path_factory.mktemp("filmed") / "patient.webm"
    write_clip(path, make_frames(get_method("subjects"), requests), settings.fps, text={})
    return path


def pictures(text: str) -> list[Path]:
    return [Path(unescape(p)) for p in re.findall("src='/gradio_api/file=([^']+)'", text)]


def words(text: str) -> str:
    return unescape(re.sub(r"<[^>]+>", " ", text))


def test_a_subject_is_shown_healthy_and_with_the_palsy(page: Page) -> None:
    text, files = page.ask("simulate", Palsy=DIAGRAM, Movement="grin")
    palsied, healthy = pictures(text)
    assert files["value"] == [str(palsied)]
    with Image.open(palsied) as made:
        assert made.info["Software"] == "palsynth"
        assert "trainedAlgorithmicMedia" in made.info["XML:com.adobe.xmp"]
    assert np.abs(np.asarray(Image.open(palsied)).astype(int) - Image.open(healthy)).max() > 50
    assert re.search(r"Weak side\s+right\s+right", words(text))
    assert re.search(r"Item score, 0 to 4\s+0\s+\d", words(text))


def test_a_grade_counts_before_the_diagram_shows_it(page: Page) -> None:
    text, _ = page.ask("simulate", **{"Patient’s_weak_side": "right"})
    assert re.search(r"Weak side\s+right\s+right", words(text))


def test_a_photo_is_shown_in_its_size_and_notes_are_said(
    page: Page, tmp_path: Path, half_grin: np.ndarray
) -> None:
    write_png(tmp_path / "a.png", half_grin)
    label = "Frontal_photo_at_rest,_mouth_closed"
    photo = {label: page.upload(tmp_path / "a.png", "me"), "Face": "A photo"}
    text, _ = page.ask("simulate", **photo)
    with Image.open(pictures(text)[0]) as made:
        assert made.size == (256, 256)
    assert "the photo: the mouth is open in this photo" in words(text)


def test_the_sheet_has_ten_movements(page: Page) -> None:
    text, files = page.ask("sheet", Palsy=DIAGRAM)
    assert files["value"] == [str(pictures(text)[0])]
    for movement in YANAGIHARA:
        assert movement.label in words(text)


@pytest.mark.parametrize("beside", [False, True])
def test_a_movement_is_a_clip_with_its_table(
    page: Page, beside: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulate, "CLIP", ClipSettings(96, 4.0, seconds=1.0))
    label = "In_the_video,_the_healthy_face_beside_it"
    text, files = page.ask("video", Palsy=DIAGRAM, **{label: beside})
    (source,) = pictures(text)
    assert files["value"] == [str(source), str(source.with_suffix(".csv"))]
    assert "controls loop muted playsinline" in text
    assert "aria-label='Grin, with the palsy'" in text
    assert digital_source(source) == DigitalSource.TRAINED
    frames = [image for _, image in read_clip(source)]
    assert len(frames) == 4
    assert frames[0].shape[1] > 180 if beside else frames[0].shape == (96, 96, 3)
    assert len(source.with_suffix(".csv").read_text().splitlines()) == 5


def test_a_clip_that_is_stopped_leaves_nothing(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    make, seen = simulate.make_clip, []

    def stopping(path: Path, *given: Any, progress: Any, **named: Any) -> Any:
        seen.append(path)

        def moved(done: int, total: int) -> None:
            page.sessions.stop("visitor")
            progress(done, total)

        return make(path, *given, progress=moved, **named)

    monkeypatch.setattr(simulate, "make_clip", stopping)
    monkeypatch.setattr(simulate, "CLIP", ClipSettings(96, 4.0, seconds=1.0))
    with pytest.raises(gr.Error, match="Stopped"):
        page.ask("video")
    assert list(seen[0].parent.iterdir()) == []


def test_without_pyav_a_clip_is_a_gif(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    monkeypatch.setattr(simulate, "CLIP", ClipSettings(96, 4.0, seconds=0.5))
    text, _ = page.ask("video")
    (source,) = pictures(text)
    assert source.read_bytes().startswith(b"GIF89a")
    assert "<img" in text


def test_a_patients_clip_is_shown_by_a_subject(
    page: Page, filmed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(anonymize, "CLIP_SIZE", 192)
    file = page.upload(filmed, "erika")
    values = {"Clip": file, "The_patient_is_seen_in": "A clip", "The_clip_shows": "grin"}
    text, archive = page.ask("anonymize", Gender="man", **values)
    assert "The patient is not recognised in any of" in words(text)
    (source,) = pictures(text)
    with zipfile.ZipFile(archive["value"]) as packed:
        names = packed.namelist()
        report = packed.read("report.txt").decode()
        assert packed.read(source.name) == source.read_bytes()
    assert sorted(names) == sorted([source.name, f"{source.stem}.csv", "report.txt"])
    assert "privacy: the patient is recognised in 0 of" in report
    assert "erika" not in report + text.replace(str(page.sessions.root), "")
    assert b"erika" not in source.read_bytes()


def test_a_clip_that_is_too_long_ends_while_it_is_read(
    page: Page, filmed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clips, "SECONDS", 0.5)
    values = {"Clip": page.upload(filmed, "long"), "The_patient_is_seen_in": "A clip"}
    with pytest.raises(gr.Error, match="long: is longer than 0 seconds; cut it into parts"):
        page.ask("anonymize", **values)


def test_pictures_are_measured_against_rest(page: Page, patient: dict[str, Path]) -> None:
    files = [page.upload(path, name) for name, path in patient.items()]
    chosen = {f"Photo_{k + 1}_shows": name for k, name in enumerate(patient)}
    text = page.ask("measure", Photos=files, **chosen)
    assert re.search(r"Grin\s+\d\s+right", words(text))
    assert "No total: 8 of the ten movements are not given." in words(text)
    assert "not a diagnosis" in words(text)
    assert len(pictures(text)) == 2
    with Image.open(pictures(text)[0]) as made:
        assert made.info["Description"].startswith("shows pictures that palsynth was given")
    mirrored = page.ask("measure", Photos=files, The_photos_are_mirrored_selfies=True, **chosen)
    assert re.search(r"Grin\s+\d\s+left", words(mirrored))


def test_a_patient_is_anonymized_with_a_verdict_and_an_archive(
    page: Page, patient: dict[str, Path]
) -> None:
    files = [page.upload(path, f"erika-{name}") for name, path in patient.items()]
    chosen = {f"Photo_{k + 1}_shows": name for k, name in enumerate(patient)}
    text, archive = page.ask("anonymize", Photos=files, Gender="man", **chosen)
    assert "The patient is not recognised in any of 2" in words(text)
    with zipfile.ZipFile(archive["value"]) as packed:
        names = packed.namelist()
        report = packed.read("report.txt").decode()
    assert {"rest.png", "report.txt"} <= set(names)
    assert "subject: man of about" in report
    assert "erika" not in report + text.replace(str(page.sessions.root), "")
    assert str(page.sessions.root) not in report
    alone, archive = page.ask("anonymize", Photos=files[:1], **{"Photo_1_shows": "unknown"})
    assert "in any of 1" in words(alone)
    with zipfile.ZipFile(archive["value"]) as packed:
        assert any(name.startswith("picture") for name in packed.namelist())


def test_what_is_wrong_is_said_in_one_line(page: Page, patient: dict[str, Path]) -> None:
    no_face = page.sessions.root / "grey.png"
    write_png(no_face, np.full((128, 128, 3), 128, np.uint8))
    grey = page.upload(no_face, "grey")
    rest = page.upload(patient["rest"], "rest")
    one, two = {"Photo_1_shows": "grin"}, {"Photo_1_shows": "rest", "Photo_2_shows": "grin"}
    cases: list[tuple[str, dict[str, Any], str]] = [
        ("simulate", {"Face": "A photo"}, "choose a photo first, or a synthetic subject"),
        ("simulate", {"Seed": None}, "seed: must be a whole number from 0 to 999999"),
        ("simulate", {"Palsy": "{}x"}, "the nerve&#x27;s branches"),
        ("measure", {"Photos": None}, "choose the patient&#x27;s photos first"),
        ("measure", {"Photos": [rest, grey]}, "choose the movement of photo 1"),
        ("measure", {"Photos": [grey], **one}, "grey: no face found"),
        ("anonymize", {"Photos": [rest, grey], **two}, "grey: no face found"),
        ("anonymize", {"The_patient_is_seen_in": "A clip"}, "choose the patient&#x27;s clip first"),
        (
            "anonymize",
            {"The_patient_is_seen_in": "A clip", "Clip": grey},
            "choose a clip in MP4",
        ),
        ("anonymize", {"Photos": ["/etc/passwd"], **one}, "the file is no longer here"),
    ]
    for name, values, message in cases:
        with pytest.raises(gr.Error) as caught:
            page.ask(name, **values)
        assert message in caught.value.message, values
        assert "\n" not in caught.value.message
        assert str(page.sessions.root) not in caught.value.message


def test_work_that_is_stopped_ends(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    generate = simulate.generate

    def stopping(*given: Any) -> Any:
        page.sessions.stop("visitor")
        return generate(*given)

    monkeypatch.setattr(simulate, "generate", stopping)
    with pytest.raises(gr.Error, match="Stopped"):
        page.ask("simulate")


def test_photos_find_their_movement_by_name_and_refused_ones_say_why(page: Page) -> None:
    folder = page.sessions.upload_folder()
    paths = [folder / name for name in ("Grin-2.png", "img-1.png", f"notes{REFUSED}")]
    for path in paths:
        path.write_text("notes.txt: is not a picture")
    (show,) = [fn for fn in page.functions.values() if fn.name == "_show"][:1]
    said, *rest = show.fn([str(path) for path in paths], VISITOR)
    assert "left out: notes.txt: is not a picture" in said
    assert "not given: Rest" in said
    shown, movements = rest[:16], rest[32:]
    assert [place["visible"] for place in shown].count(True) == 2
    clip = folder / "a.mp4"
    assert "left out: a: is a clip, not a photo" in show.fn([str(paths[0]), str(clip)], VISITOR)[0]
    assert movements[:3] == ["grin", "unknown", "unknown"]


def test_arrows_show_what_moves_on_its_side(half_grin: np.ndarray, face: Face) -> None:
    grin = detect_face(half_grin)
    moved = draw_arrows(grin, capture(grin, face), 240)
    still = draw_arrows(face, capture(face, face), 240)
    changed = np.abs(moved.astype(int) - draw_arrows(grin, capture(grin, grin), 240)).max(2) > 60
    assert np.array_equal(still, draw_arrows(face, capture(face, face), 240))
    left, right = changed[120:, 120:].sum(), changed[120:, :120].sum()
    assert right > left  # the weak left side moves less
    assert right > 100


def test_what_the_first_visitor_needs_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[bytes] = []

    class Kept(warming.Mirror):
        def show(self, seen: Any) -> bytes:
            shown.append(super().show(seen))
            return shown[-1]

    monkeypatch.setattr(warming, "Mirror", Kept)
    warming.load()  # raises what a visitor would be told of
    assert len(shown[0]) > 1000  # Live has made its first picture, too

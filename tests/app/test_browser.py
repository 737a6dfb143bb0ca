"""The page in a real browser, used as a person would: no request leaves this machine."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("gradio", reason="gradio is not installed")
api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

from palsynth.clinical import Grade, Movement, Palsy, Side  # noqa: E402
from palsynth.face.images import write_png  # noqa: E402
from palsynth.generation.video.clip import make_clip  # noqa: E402
from palsynth.generation.video.script import ClipSettings, write_script  # noqa: E402
from palsynth.methods.registry import get_method  # noqa: E402
from palsynth.subjects import View, render, sample  # noqa: E402

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 60_000
"""Milliseconds until an answer; it takes one second on a machine that has nothing else to do."""

LOADED = "image => image.decode().then(() => image.naturalWidth)"
"""The width of a picture, once it has arrived."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium"),
]


class Server:
    """``palsynth app`` in a process of its own."""

    def __init__(self, folder: Path, *words: str) -> None:
        with closing(socket.socket()) as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.folder, self.address = folder, f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "palsynth", "app", "--port", str(port), *words]
        environment = {**os.environ, "TMPDIR": str(folder)}
        self.process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
        for _ in range(600):
            try:
                urllib.request.urlopen(self.address).close()
                return
            except urllib.error.HTTPError:  # it asks for the password
                return
            except OSError:
                time.sleep(0.1)
        raise AssertionError("the page does not come up")

    def files(self) -> list[Path]:
        """What visitors have uploaded and got."""
        found = self.folder.glob("palsynth-app-*/**/*")
        return [path for path in found if path.is_file() and path.name != ".lock"]

    def stop(self) -> str:
        self.process.send_signal(signal.SIGTERM)
        return self.process.communicate(timeout=30)[1]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("tmp"))
    yield server
    said = server.stop()
    assert "Traceback" not in said
    assert list(server.folder.glob("palsynth-app-*")) == []


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder, palsy = tmp_path_factory.mktemp("patient"), Palsy.peripheral(Side.RIGHT, Grade.V)
    for movement in (Movement.REST, Movement.GRIN, Movement.CLOSE_EYES_TIGHTLY):
        image = render(sample(12), movement, palsy, view=View(256)).image
        write_png(folder / f"{movement.value}.png", image)
    write_png(folder / "IMG_1.png", np.full((99, 99, 3), 128, np.uint8))
    return sorted(folder.iterdir())


@pytest.fixture(scope="module")
def filmed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short clip of a patient whose left side is weak."""
    pytest.importorskip("av", reason="PyAV is not installed")
    path, subject = tmp_path_factory.mktemp("filmed") / "patient.webm", sample(970_301)
    settings, palsy = ClipSettings(192, 8.0, seconds=2.0), Palsy.peripheral(Side.LEFT, Grade.IV)
    takes = write_script(subject, [Movement.GRIN], palsy, settings)
    make_clip(path, subject, takes, get_method("subjects"), settings)
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(params=[1280, 390])
def page(browser: Any, server: Server, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A page at the width of a desk or a phone, which fails by any fault that its browser sees."""
    scheme = "dark" if request.param == 390 else "light"
    size = {"width": request.param, "height": 800}
    context = browser.new_context(viewport=size, color_scheme=scheme, accept_downloads=True)
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    faults: list[str] = []
    page.on("request", lambda asked: faults.append(asked.url) if _outside(asked, server) else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on(
        "console", lambda said: faults.append(said.text) if "Security Policy" in said.text else None
    )
    page.goto(server.address)
    page.get_by_role("tab", name="Simulate").wait_for()
    yield page
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "scrolls sideways"
    context.close()
    assert faults == []
    for _ in range(100):  # the session has ended
        if not server.files():
            break
        time.sleep(0.1)
    assert server.files() == []


def _outside(asked: Any, server: Server) -> bool:
    return not asked.url.startswith((f"{server.address}/", "data:", "blob:"))


def choose(page: Any, tab: str, paths: list[Path]) -> Any:
    """Opens a tab and chooses pictures of a patient there."""
    page.get_by_role("tab", name=tab).click()
    panel = page.locator(f"#tab-{tab.lower()}")
    panel.locator("input[type=file]").first.set_input_files(paths)
    panel.locator(".thumb img").nth(len(paths) - 1).wait_for()
    return panel


def test_a_palsy_of_a_subject(page: Any, server: Server) -> None:
    page.get_by_role("button", name="Show", exact=True).click()
    table = page.locator("#simulated table")
    assert re.search(r"Weak side\s+left\s+left", table.inner_text())
    palsied, healthy = (page.locator("#simulated img").nth(k) for k in (0, 1))
    assert palsied.get_attribute("alt") == "Grin, with the palsy"
    assert healthy.get_attribute("alt") == "Grin, healthy"
    assert palsied.evaluate(LOADED) == 512
    line = page.get_by_role("slider", name="Line between healthy and palsied")
    line.focus()
    page.keyboard.press("End")
    compare = page.locator(".compare")
    assert compare.evaluate("box => box.style.getPropertyValue('--at')") == "100%"
    assert server.files()
    page.get_by_role("button", name="Ten movements").click()
    assert "Depress lip" in page.locator("#sheet-of-ten table").inner_text()


def playing(video: Any) -> None:
    """Plays a clip and waits until it moves."""
    video.evaluate("video => video.play()")
    video.evaluate(
        """video => new Promise((done, failed) => {
            setTimeout(() => failed(`stands at ${video.currentTime}`), 30000);
            const wait = () => video.currentTime > 0.2 ? done() : setTimeout(wait, 50);
            wait();
        })"""
    )


def test_a_movement_is_played(page: Any, tmp_path: Path) -> None:
    pytest.importorskip("av", reason="PyAV is not installed")
    page.get_by_label("In the video, the healthy face beside it").check()
    page.get_by_role("button", name="Video", exact=True).click()
    video = page.locator("#clip video")
    video.wait_for()
    assert video.get_attribute("aria-label") == "Grin, with the palsy"
    playing(video)
    assert video.evaluate("video => video.videoWidth") > 2 * 320
    with page.expect_download() as download:
        page.locator("#tab-simulate a[download]").first.click()
    download.value.save_as(tmp_path / "grin.webm")
    assert (tmp_path / "grin.webm").stat().st_size > 10_000


def test_a_patients_clip_is_anonymized(page: Any, filmed: Path, tmp_path: Path) -> None:
    page.get_by_role("tab", name="Anonymize").click()
    panel = page.locator("#tab-anonymize")
    panel.get_by_role("radio", name="A clip").check()
    field = panel.locator("input[type=file][accept*='.webm']")
    (tmp_path / "a.mp4").write_text("no clip, but words")
    field.set_input_files(tmp_path / "a.mp4")
    api.expect(page.get_by_text("a.mp4: cannot be read as a video").first).to_be_visible()
    field.set_input_files(filmed)
    panel.get_by_text("patient").first.wait_for()
    panel.get_by_role("button", name="Anonymize", exact=True).click()
    video = page.locator("#anonymized video")
    video.wait_for()
    assert "The patient is not recognised in any of" in page.locator("#anonymized").inner_text()
    playing(video)
    with page.expect_download() as download:
        panel.get_by_text("Download all (zip)").click()
    download.value.save_as(tmp_path / "all.zip")
    with zipfile.ZipFile(tmp_path / "all.zip") as packed:
        assert sorted(Path(name).suffix for name in packed.namelist()) == [".csv", ".txt", ".webm"]


def test_branches_are_set_with_the_keyboard_and_by_a_click(page: Any) -> None:
    def branch(side: str) -> Any:
        return page.get_by_role("slider", name=f"Buccal branch, patient’s {side}")

    page.get_by_role("radio", name="right").check()
    page.get_by_role("radio", name="VI", exact=True).check()
    api.expect(branch("right")).to_have_attribute("aria-valuenow", "0")
    api.expect(branch("left")).to_have_attribute("aria-valuenow", "100")
    branch("right").focus()
    for key in ("PageUp", "ArrowUp", "ArrowLeft"):
        page.keyboard.press(key)
    assert branch("right").get_attribute("aria-valuetext") == "25 per cent"
    branch("left").locator("text").click()
    assert branch("left").get_attribute("aria-valuenow") == "75"
    page.get_by_role("button", name="Show", exact=True).click()
    assert "Weak side" in page.locator("#simulated table").inner_text()
    state = page.locator("#palsy-values textarea, #palsy-values input").input_value()
    assert '"buccal":0.25' in state.replace(" ", "")
    assert '"buccal":0.75' in state.replace(" ", "")


def test_a_palsy_of_a_photo(page: Any, patient: list[Path]) -> None:
    page.get_by_role("radio", name="A photo").check()
    field = page.locator("#tab-simulate input[type=file]").first
    field.set_input_files(next(p for p in patient if p.stem == "rest"))
    page.locator("#tab-simulate img").first.wait_for()
    page.get_by_role("button", name="Show", exact=True).click()
    assert "the person of the photo" in page.locator("#simulated table").inner_text()


def test_what_is_wrong_is_said(page: Any, patient: list[Path], tmp_path: Path) -> None:
    page.get_by_role("radio", name="A photo").check()
    page.get_by_role("button", name="Show", exact=True).click()
    api.expect(page.get_by_text("choose a photo first")).to_be_visible()
    (tmp_path / "x.png").write_bytes(b"<svg/>")
    page.locator("#tab-simulate input[type=file]").first.set_input_files(tmp_path / "x.png")
    api.expect(page.get_by_text("x.png: is not a picture in JPEG").first).to_be_visible()


def test_a_clip_in_place_of_a_photo_is_said(page: Any, filmed: Path) -> None:
    page.get_by_role("radio", name="A photo").check()
    page.locator("#tab-simulate input[type=file]").first.set_input_files(filmed)
    api.expect(page.get_by_text("Invalid file type: patient.webm").first).to_be_visible()
    page.get_by_role("tab", name="Measure").click()
    panel = page.locator("#tab-measure")
    panel.locator("input[type=file]").first.set_input_files(filmed)
    api.expect(page.get_by_text("Invalid file type").first).to_be_visible()


def test_work_is_stopped_and_done_again(page: Any) -> None:
    page.get_by_role("button", name="Video", exact=True).click()
    panel = page.locator("#tab-simulate")
    panel.locator(".progress-text").first.wait_for()
    panel.get_by_role("button", name="Stop", exact=True).click()
    api.expect(page.get_by_text("Stopped.").first).to_be_visible()
    api.expect(panel.locator(".progress-text")).to_have_count(0)
    assert page.locator("#clip video").count() == 0
    page.get_by_role("button", name="Show", exact=True).click()
    page.locator("#simulated table").wait_for()


def test_a_patient_is_measured(page: Any, patient: list[Path]) -> None:
    used = [path for path in patient if path.stem != "IMG_1"]
    panel = choose(page, "Measure", used)
    panel.get_by_role("button", name="Measure", exact=True).click()
    text = page.locator("#measured table").inner_text()
    assert re.search(r"Grin\s+\d\s+right", text)
    assert page.locator("#measured img").count() == 3
    assert page.locator("#measured img").first.evaluate(LOADED) == 480


def test_a_movement_is_chosen_where_the_name_does_not_say_it(
    page: Any, patient: list[Path]
) -> None:
    panel = choose(page, "Measure", [p for p in patient if p.stem in ("IMG_1", "rest")])
    panel.get_by_role("button", name="Measure", exact=True).click()
    api.expect(page.get_by_text("choose the movement of photo 1")).to_be_visible()
    panel.get_by_label("Photo 1 shows").click()
    page.get_by_role("option", name="Whistle").click()
    panel.get_by_role("button", name="Measure", exact=True).click()
    api.expect(page.get_by_text("no face found")).to_be_visible()


def test_a_patient_is_anonymized(page: Any, patient: list[Path], tmp_path: Path) -> None:
    used = [path for path in patient if path.stem != "IMG_1"]
    panel = choose(page, "Anonymize", used)
    panel.get_by_label("Gender").click()
    page.get_by_role("option", name="woman", exact=True).click()
    panel.get_by_role("button", name="Anonymize", exact=True).click()
    page.locator("#anonymized figure").first.wait_for()
    assert "The patient is not recognised in any of 3" in page.locator("#anonymized").inner_text()
    with page.expect_download() as download:
        panel.get_by_text("Download all (zip)").click()
    download.value.save_as(tmp_path / "all.zip")
    with zipfile.ZipFile(tmp_path / "all.zip") as packed:
        assert "report.txt" in packed.namelist()
        assert len(packed.namelist()) == 5  # three pictures, the sheet and the report

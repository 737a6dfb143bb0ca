"""The tab *Live* in a real browser, whose camera is a file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

pytest.importorskip("gradio", reason="gradio is not installed")
api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

from palsynth.clinical import Movement  # noqa: E402
from palsynth.subjects import View, render, sample  # noqa: E402
from tests.app.test_browser import ARGUMENTS, CHROMIUM, PATIENCE, Server, _outside  # noqa: E402

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium"),
]

SHOTS = os.environ.get("PALSYNTH_SCREENSHOTS")
"""Folder in which screenshots are left, for whoever wants to look at them."""


@pytest.fixture(scope="module")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A subject at rest for a while, who then smiles, as YUV4MPEG2."""
    path = tmp_path_factory.mktemp("camera") / "face.y4m"
    with path.open("wb") as file:
        file.write(b"YUV4MPEG2 W640 H480 F15:1 Ip A1:1 C420jpeg\n")
        smiles = np.linspace(0, 1, 6)
        steps = [
            render(sample(12), Movement.GRIN, intensity=smile, view=View(480)).image
            for smile in smiles
        ]
        for k in range(60):
            image = steps[int(np.clip(k - 30, 0, 5))]
            wide = cv2.copyMakeBorder(image, 0, 0, 80, 80, cv2.BORDER_REPLICATE)
            file.write(b"FRAME\n" + cv2.cvtColor(wide, cv2.COLOR_RGB2YUV_I420).tobytes())
    return path


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("tmp"))
    yield server
    assert "Traceback" not in server.stop()


def fake_camera(file: Path) -> list[str]:
    """Arguments by which a browser takes a file for its camera."""
    return [
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={file}",
    ]


@pytest.fixture(params=[1280, 390])
def page(server: Server, camera: Path, request: pytest.FixtureRequest) -> Iterator[Any]:
    """The tab, at the width of a desk or a phone, which fails by any fault that its browser
    sees."""
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*ARGUMENTS, *fake_camera(camera)]
        )
        scheme = "dark" if request.param == 390 else "light"
        size = {"width": request.param, "height": 900}
        context = browser.new_context(viewport=size, color_scheme=scheme)
        context.grant_permissions(["camera"], origin=server.address)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        faults: list[str] = []
        page.on("request", lambda r: faults.append(r.url) if _outside(r, server) else None)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
        page.goto(server.address)
        page.get_by_role("tab", name="Live").click()
        yield page
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "scrolls"
        if SHOTS:
            page.screenshot(
                path=f"{SHOTS}/live-{request.param}-{request.node.originalname}.png", full_page=True
            )
        browser.close()
        assert faults == []
        assert server.files() == []


def picture(page: Any) -> np.ndarray:
    """What the canvas shows, (384, 384, 4)."""
    script = """canvas => Array.from(
        canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data)"""
    data = page.locator("#live-picture").evaluate(script)
    return np.array(data, np.uint8).reshape(384, 384, 4)


def shown(page: Any) -> None:
    api.expect(page.locator("#live-note")).to_have_text("Synthetic picture, moved by you.")


def test_the_camera_moves_a_subject(page: Any) -> None:
    page.get_by_role("button", name="Start camera").click()
    shown(page)
    page.get_by_role("button", name="Take rest").click()
    page.wait_for_timeout(4000)  # the smile comes
    before = picture(page)
    assert before[..., 3].min() == 255
    assert before[..., :3].std() > 20
    assert float(page.locator("#live-rate").inner_text()) > 0
    for stage in ("decode", "landmarks", "capture", "retarget", "encode", "browser"):
        assert float(page.locator(f"[data-stage={stage}]").inner_text()) >= 0
    page.locator("#live-seed").fill("8")
    page.locator("#live-seed").press("Tab")
    page.wait_for_timeout(1500)
    assert np.abs(picture(page).astype(int) - before).max() > 60  # somebody else
    assert page.get_by_text("Synthetic", exact=True).is_visible()


def test_an_own_face_gets_a_palsy(page: Any) -> None:
    page.locator("#live-face").select_option("own")
    page.locator("#live-side").select_option("left")
    page.get_by_role("button", name="Start camera").focus()
    page.keyboard.press("Enter")
    api.expect(page.locator("#live-note")).to_contain_text("press Take rest")
    page.get_by_role("button", name="Take rest").focus()
    page.keyboard.press("Enter")
    page.wait_for_function(
        "() => { const p = document.querySelector('#live-picture').getContext('2d')"
        ".getImageData(190, 190, 1, 1).data; return p[3] === 255; }"
    )
    page.wait_for_timeout(3000)
    assert page.get_by_text("Synthetic: simulated from a photo").is_visible()
    page.get_by_role("button", name="Stop").last.click()
    api.expect(page.locator("#live-note")).to_have_text("Stopped.")
    api.expect(page.get_by_role("button", name="Start camera")).to_be_enabled()
    assert page.locator("#live-camera").evaluate("camera => camera.srcObject === null")


def test_its_fields_have_arrows_and_its_box_a_tick(page: Any) -> None:
    shown = "field => getComputedStyle(field).appearance"
    assert page.locator("#live-face").evaluate(shown) == "auto"
    mirror = page.get_by_role("checkbox", name="As in a mirror")
    assert mirror.is_checked()
    assert mirror.evaluate(shown) == "auto"


def test_leaving_the_tab_ends_it(page: Any) -> None:
    page.get_by_role("button", name="Start camera").click()
    shown(page)
    page.get_by_role("tab", name="Measure").click()
    page.wait_for_function("() => live.socket === null && live.stream === null")
    page.get_by_role("tab", name="Live").click()


def test_it_works_behind_a_password(camera: Path, tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    (tmp_path / "password.txt").write_text("correct horse")
    server = Server(tmp_path / "tmp", "--auth", f"clinic:{tmp_path / 'password.txt'}")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*ARGUMENTS, *fake_camera(camera)]
        )
        known = {"username": "clinic", "password": "correct horse"}
        context = browser.new_context(http_credentials=known)
        context.grant_permissions(["camera"], origin=server.address)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.goto(server.address)
        page.get_by_role("tab", name="Live").click()
        page.get_by_role("button", name="Start camera").click()
        shown(page)
        browser.close()
    assert "Traceback" not in server.stop()


@pytest.mark.parametrize(
    ("error", "text"),
    [("NotAllowedError", "The camera is not allowed"), ("NotFoundError", "No camera is found")],
)
def test_no_camera_is_said(page: Any, error: str, text: str) -> None:
    page.evaluate(
        "name => navigator.mediaDevices.getUserMedia = "
        "() => Promise.reject(new DOMException('', name))",
        error,
    )
    page.get_by_role("button", name="Start camera").click()
    api.expect(page.locator("#live-note")).to_contain_text(text)
    api.expect(page.get_by_role("button", name="Start camera")).to_be_enabled()

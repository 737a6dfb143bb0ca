"""Uploads: pictures are decoded and written anew, anything else is refused in one line."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from palsynth.app import uploads
from palsynth.app.sessions import Sessions
from palsynth.app.uploads import REFUSED, SIDE, Uploads, safe_name


def picture(kind: str, size: tuple[int, int] = (64, 48), **options: object) -> bytes:
    data = io.BytesIO()
    gradient = np.linspace(0, 255, size[0] * size[1] * 3).reshape(size[1], size[0], 3)
    Image.fromarray(gradient.astype(np.uint8)).save(data, kind, **options)
    return data.getvalue()


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    routes = [Route("/", Uploads(Sessions(tmp_path)).save, methods=["POST"])]
    with TestClient(Starlette(routes=routes)) as client:
        yield client


def send(client: TestClient, *files: tuple[str, bytes]):  # type: ignore[no-untyped-def]
    return client.post("/", files=[("files", file) for file in files])


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "BMP"])
def test_a_picture_is_kept_as_its_pixels(client: TestClient, kind: str) -> None:
    (path,) = send(client, ("Grin 1.x", picture(kind))).json()
    assert Path(path).name == "grin-1.png"
    with Image.open(path) as kept:
        assert (kept.format, kept.size, kept.mode) == ("PNG", (64, 48), "RGB")
    assert [p.name for p in Path(path).parent.iterdir()] == ["grin-1.png"]


def test_nothing_but_the_pixels_is_kept(client: TestClient) -> None:
    exif = Image.Exif()
    exif[0x010E], exif[0x0112] = "Erika Musterfrau", 6
    text = PngInfo()
    text.add_text("Author", "Erika Musterfrau")
    jpeg = picture("JPEG", exif=exif) + b"<script>Erika Musterfrau</script>"
    paths = send(client, ("a.jpg", jpeg), ("b.png", picture("PNG", pnginfo=text))).json()
    for path in paths:
        assert b"Erika" not in Path(path).read_bytes()
    with Image.open(paths[0]) as kept:
        assert kept.size == (48, 64)  # upright


def test_a_large_picture_is_reduced(client: TestClient) -> None:
    (path,) = send(client, ("a.jpg", picture("JPEG", (4096, 1024)))).json()
    with Image.open(path) as kept:
        assert kept.size == (SIDE, 512)


SVG = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"


def archive() -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("x", bytes(10_000_000))
    return data.getvalue()


def bomb(width: int, height: int) -> bytes:
    """A PNG whose header announces many pixels."""
    data = bytearray(picture("PNG"))
    data[16:24] = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    import zlib

    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    return bytes(data)


@pytest.mark.parametrize(
    ("name", "data", "text"),
    [
        ("a.svg", SVG, "a.svg: is not a picture in JPEG, PNG"),
        ("a.png", archive(), "a.png: is not a picture"),
        ("a.jpg", b"%!PS-Adobe-3.0 EPSF-3.0\n", "a.jpg: is not a picture"),
        ("a.gif", picture("GIF"), "a.gif: is not a picture"),
        ("empty.jpg", b"", "empty.jpg: is not a picture"),
        ("a.png", bomb(10_000, 10_000), "has more than 50 megapixels; send a smaller picture"),
        ("a.png", bomb(60_000, 60_000), "has more than 50 megapixels"),
        ("a.jpg", picture("JPEG")[:300], "is damaged"),
        ("../../etc/x.png", b"no", "x.png: is not a picture"),
    ],
)
def test_anything_else_is_refused_in_one_line(
    client: TestClient, tmp_path: Path, name: str, data: bytes, text: str
) -> None:
    found = send(client, (name, data))
    assert found.status_code == 400
    assert text in found.text
    assert "\n" not in found.text
    assert str(tmp_path) not in found.text
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []


def test_of_several_files_those_that_are_refused_say_why(client: TestClient) -> None:
    first, second = send(client, ("rest.png", picture("PNG")), ("notes.txt", b"hello")).json()
    assert first.endswith("rest.png")
    assert second.endswith(REFUSED)
    assert Path(second).read_text().startswith("notes.txt: is not a picture")


def test_too_many_bytes_are_refused(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "FILE_BYTES", 1000)
    assert "more than 0 MB" in send(client, ("a.png", picture("PNG", (200, 200)))).text
    monkeypatch.setattr(uploads, "TOTAL_BYTES", 1000)
    found = send(client, ("a.png", bytes(2000)))
    assert (found.status_code, found.headers["connection"]) == (413, "close")
    body = (b"--x\r\nContent-Disposition: form-data; name=f; filename=a\r\n\r\n", bytes(2000))
    kind = {"content-type": "multipart/form-data; boundary=x"}
    assert client.post("/", content=iter(body), headers=kind).status_code == 413


def test_too_many_files_and_no_form_are_refused(client: TestClient) -> None:
    many = [(f"{k}.png", b"x") for k in range(uploads.MAX_FILES + 1)]
    assert "At most 24 pictures" in send(client, *many).text
    found = client.post("/", content=b"hello")
    assert (found.status_code, found.text) == (400, "There is no file in what was sent.")


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("Close_Eyes Lightly (2).JPG", "close-eyes-lightly-2"),
        ("C:\\x\\grin.jpg", "grin"),
        ("../../.bashrc", "bashrc"),
        ("…", "picture"),
        ("x" * 300, "x" * 60),
    ],
)
def test_names_lead_nowhere(name: str, kept: str) -> None:
    assert safe_name(name) == kept

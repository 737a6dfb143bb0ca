"""Uploads: pictures are decoded and written anew, clips kept, all else refused in one line."""

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

from palsynth.app import clips, uploads
from palsynth.app.sessions import Sessions
from palsynth.app.uploads import REFUSED, SIDE, Uploads, safe_name
from palsynth.generation.video import write_clip
from tests.generation.video.moving import moving


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


def clip(folder: Path, name: str = "a.webm", number: int = 5, rate: float = 25.0) -> bytes:
    pytest.importorskip("av", reason="PyAV is not installed")
    write_clip(folder / name, moving(number), rate, text={})
    return (folder / name).read_bytes()


@pytest.mark.parametrize("name", ["Grin 1.webm", "grin.MP4", "../grin.mov"])
def test_a_clip_is_kept_as_it_is(
    client: TestClient, tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    ending = ".webm" if name.endswith("webm") else ".mp4"
    data = clip(tmp_path_factory.mktemp("clip"), f"a{ending}")
    (path,) = send(client, (name, data)).json()
    assert Path(path).name == f"{safe_name(name)}{Path(name).suffix.lower()}"
    assert Path(path).read_bytes() == data


@pytest.mark.parametrize(
    ("name", "data", "text"),
    [
        ("a.mp4", b"no clip, but words", "a.mp4: cannot be read as a video; save it as MP4"),
        ("a.webm", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "a.webm: cannot be read as"),
        ("a.mp4", b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "a.mp4: cannot be read as"),
        ("a.mov", b"ffconcat version 1.0\nfile /etc/passwd\n", "a.mov: cannot be read as"),
        ("a.webm", b"GIF89a" + bytes(99), "a.webm: is not a clip in MP4, MOV or WebM"),
        ("a.mp4", picture("PNG"), "a.mp4: is a picture (PNG), not a video"),
        ("a.mp4", b"\0\0\0\x18ftypmp42" + bytes(99), "a.mp4: "),
        ("a.webm", b"\x1a\x45\xdf\xa3" + bytes(99), "a.webm: "),
        ("a.mp4", b"", "a.mp4: is empty"),
    ],
)
def test_what_is_no_clip_is_refused_in_one_line(
    client: TestClient, tmp_path: Path, name: str, data: bytes, text: str
) -> None:
    refused(client, tmp_path, name, data, text)


def test_clips_that_are_cut_or_too_large_are_refused(
    client: TestClient,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = tmp_path_factory.mktemp("clip")
    long = clip(folder, "long.mp4", 62, 1)
    refused(client, tmp_path, "long.mp4", long, "long.mp4: lasts 62 s, and at most 60 s are taken")
    refused(client, tmp_path, "cut.mp4", long[:200], "cut.mp4: ")
    short = clip(folder)
    refused(client, tmp_path, "cut.webm", short[:600], "cut.webm: was cut short before its first")
    monkeypatch.setattr(clips, "MAX_FRAMES", 4)
    refused(client, tmp_path, "a.webm", short, "a.webm: has more than 4 frames")
    monkeypatch.setattr(clips, "MAX_PIXELS", 999)
    refused(client, tmp_path, "a.webm", short, "a.webm: has frames of more than 0 megapixels")
    monkeypatch.setattr(clips, "FILE_BYTES", 999)
    refused(client, tmp_path, "a.webm", short, "a.webm: has more than 0 MB; send a smaller clip")


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
    refused(client, tmp_path, name, data, text)


def refused(client: TestClient, tmp_path: Path, name: str, data: bytes, text: str) -> None:
    """Sends a file and checks that one line says why nothing is kept."""
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

"""Files that are sent to do harm: each is kept as its pixels alone, or refused in one line, and
nothing is written outside the private folder."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

pytest.importorskip("gradio", reason="gradio is not installed")

from palsynth.app.clips import check_clip
from palsynth.app.sessions import Sessions
from palsynth.app.uploads import MAX_FILES, SIDE, read_upload
from palsynth.app.web import web_app
from palsynth.errors import InputError
from palsynth.generation.video import write_clip
from tests.app.hostile import CLIPS, KEPT, NAMES, PICTURES, picture
from tests.generation.video.moving import moving

HERE = "http://127.0.0.1:7860"


@pytest.fixture(scope="module")
def sessions(tmp_path_factory: pytest.TempPathFactory) -> Sessions:
    return Sessions(tmp_path_factory.mktemp("all") / "private")


@pytest.fixture(scope="module")
def client(sessions: Sessions) -> Iterator[TestClient]:
    sessions.root.mkdir()
    with TestClient(web_app(sessions), base_url=HERE) as client:
        yield client


@pytest.fixture(autouse=True)
def nothing_else(client: TestClient, sessions: Sessions) -> Iterator[None]:
    """Nothing lies beside the private folder, and no file in it but what is kept."""
    yield
    around = sessions.root.parent
    assert [path for path in around.rglob("*") if sessions.root not in (path, *path.parents)] == []
    for path in sessions.root.rglob("*"):
        assert not path.is_symlink()
        assert path.is_dir() or len(path.relative_to(sessions.root).parts) == 2
    for path in kept_by(sessions):
        path.unlink()


def kept_by(sessions: Sessions) -> list[Path]:
    return [path for path in sessions.root.rglob("*") if path.is_file()]


def post(client: TestClient, name: str | bytes, data: bytes):  # type: ignore[no-untyped-def]
    """Sends a file as a browser does, but under any name."""
    raw = name if isinstance(name, bytes) else name.replace('"', "%22").encode()
    body = b'--x\r\nContent-Disposition: form-data; name="files"; filename="' + raw + b'"\r\n'
    body += b"Content-Type: image/png\r\n\r\n" + data + b"\r\n--x--\r\n"
    kind = {"content-type": "multipart/form-data; boundary=x"}
    return client.post("/gradio_api/upload?upload_id=a", content=body, headers=kind)


def assert_refused(found: Any, name: str, text: str, sessions: Sessions) -> None:
    """One line says of the file what is wrong, without a path, and nothing is kept."""
    assert found.status_code == 400
    assert found.text.startswith(f"{name}: ")
    assert text in found.text
    assert "\n" not in found.text
    assert str(sessions.root) not in found.text
    assert kept_by(sessions) == []


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_kept_as_its_pixels_or_refused_in_one_line(
    client: TestClient, sessions: Sessions, name: str
) -> None:
    make, text = PICTURES[name]
    found = post(client, name, make())
    if text != KEPT:
        assert_refused(found, name, text, sessions)
        return
    assert found.status_code == 200, found.text
    (path,) = map(Path, found.json())
    assert kept_by(sessions) == [path]
    data = path.read_bytes()
    assert not any(word in data for word in (b"<script", b"PK\3\4", b"alert("))
    with Image.open(path) as kept:
        assert (kept.format, kept.mode) == ("PNG", "RGB")
        assert max(kept.size) <= SIDE
        assert getattr(kept, "n_frames", 1) == 1


@pytest.mark.parametrize("name", PICTURES)
def test_the_function_itself_raises_nothing_else(tmp_path: Path, name: str) -> None:
    path = tmp_path / "raw"
    path.write_bytes(PICTURES[name][0]())
    with contextlib.suppress(InputError):
        assert read_upload(path).dtype == np.uint8
    with pytest.raises(InputError):
        check_clip(path)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_leads_nowhere(client: TestClient, sessions: Sessions, name: str) -> None:
    found = post(client, name, picture("PNG"))
    assert found.status_code == 200, found.text
    (path,) = map(Path, found.json())
    assert path.parent.parent == sessions.root
    assert path.suffix == ".png"
    assert path.stem.replace("-", "").isalnum()
    assert path.stem.isascii()
    assert len(path.name) <= 64


@pytest.mark.parametrize("raw", [b"\xff\xfe.png", b"a\r\nX-Evil: 1\r\n.png", b"\x1b[31m.png"])
def test_bytes_that_are_no_name_harm_nobody(client: TestClient, raw: bytes) -> None:
    found = post(client, raw, b"no picture")
    assert found.status_code == 400
    assert "x-evil" not in found.headers


def test_no_file_is_no_upload(client: TestClient) -> None:
    for kind in ("multipart/form-data", "multipart/form-data; boundary=", "application/x-tar"):
        found = client.post(
            "/gradio_api/upload", content=b"--x\r\n\r\n", headers={"content-type": kind}
        )
        assert found.status_code == 400
        assert "\n" not in found.text


def test_200_megabytes_are_refused_before_they_are_read(client: TestClient) -> None:
    def body() -> Iterator[bytes]:
        raise AssertionError("the body is read")
        yield b""

    kind = {"content-type": "multipart/form-data; boundary=x", "content-length": str(200 << 20)}
    found = client.post("/gradio_api/upload", content=body(), headers=kind)
    assert (found.status_code, found.headers["connection"]) == (413, "close")
    assert found.text == "More than 128 MB were sent; send fewer or smaller pictures."


def test_too_many_parts_are_refused(client: TestClient) -> None:
    many = [("files", (f"{k}.png", b"x")) for k in range(MAX_FILES + 1)]
    found = client.post("/gradio_api/upload", files=many)
    assert (found.status_code, found.text) == (
        400,
        "At most 24 pictures can be sent at a time.",
    )


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    pytest.importorskip("av", reason="PyAV is not installed")
    folder, made = tmp_path_factory.mktemp("clips"), {}
    for ending in (".mp4", ".webm"):
        write_clip(folder / f"a{ending}", moving(3), 25.0, text={})
        made[ending] = (folder / f"a{ending}").read_bytes()
    return made


@pytest.mark.parametrize("name", CLIPS)
def test_a_clip_is_kept_or_refused_in_one_line(
    client: TestClient,
    sessions: Sessions,
    clips: dict[str, bytes],
    no_network: list[str],
    name: str,
) -> None:
    change, text = CLIPS[name]
    found = post(client, name, change(clips.get(Path(name).suffix, b"")))
    if text == KEPT:
        assert found.status_code == 200, found.text
        assert kept_by(sessions) == [Path(found.json()[0])]
    else:
        assert_refused(found, name, text, sessions)
    assert no_network == []

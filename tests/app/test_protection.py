"""Who may come in, where they may go, and what the browser may do with what it gets."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

gradio = pytest.importorskip("gradio", reason="gradio is not installed")

from palsynth.app import protection  # noqa: E402
from palsynth.app.protection import Visitor, rewritten  # noqa: E402
from palsynth.app.sessions import Sessions  # noqa: E402
from palsynth.app.web import web_app  # noqa: E402

HERE = "http://127.0.0.1:7860"


@pytest.fixture(scope="module")
def sessions(tmp_path_factory: pytest.TempPathFactory) -> Sessions:
    return Sessions(tmp_path_factory.mktemp("sessions"))


@pytest.fixture(scope="module")
def client(sessions: Sessions) -> Iterator[TestClient]:
    with TestClient(web_app(sessions), base_url=HERE) as client:
        yield client


def test_the_page_runs_its_own_scripts_only_and_asks_nobody_else(client: TestClient) -> None:
    found = client.get("/")
    assert found.status_code == 200
    policy = found.headers["content-security-policy"]
    (nonce,) = re.findall("'nonce-([^']+)'", policy)
    assert f"script-src 'self' 'nonce-{nonce}';" in policy
    assert "default-src 'self'" in policy
    assert "unsafe-eval" not in policy
    scripts = re.findall("<script[^>]*>", found.text)
    inner = [s for s in scripts if "src=" not in s]
    assert inner
    assert all(f'nonce="{nonce}"' in s for s in inner)
    assert nonce not in client.get("/").text
    assert "og:" not in found.text
    assert "iframeResizer.contentWindow" not in found.text
    own = re.findall(r"(?:src|href)=[\"']?([^\"' >]+)", found.text)
    assert own
    assert all(not re.match("https?:|//", address) for address in own)


def test_theme_and_style_ask_nobody_else(client: TestClient) -> None:
    for path in ("/theme.css", "/palsynth/app.css", "/palsynth/app.js"):
        found = client.get(path)
        assert found.status_code == 200, path
        text = found.text.replace("http://www.w3.org/2000/svg", "")  # no address, but a name
        assert not re.search(r"https?://|@import|@font-face|url\((?!['\"]?data:)", text), path
    assert "--accent:#0969da" in client.get("/palsynth/app.css").text


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/proxy=http://example.org/",
        "/gradio_api/file=/etc/passwd",
        "/gradio_api/file=http://example.org/x.png",
        "/gradio_api/info",
        "/gradio_api/openapi.json",
        "/gradio_api/runs",
        "/config",
        "/monitoring",
        "/manifest.json",
        "/gradio_api/deep_link?session_hash=a",
        "/gradio_api/vibe-code/",
        "/assets/../../../etc/passwd",
        "/docs",
        "/" + "x" * 3000,
    ],
)
def test_what_the_page_does_not_use_is_not_there(client: TestClient, path: str) -> None:
    found = client.get(path)
    assert (found.status_code, found.text) == (404, "There is nothing here.")
    assert found.headers["content-security-policy"].startswith("default-src 'none'")


@pytest.mark.parametrize(
    "path",
    ["/gradio_api/call/simulate", "/gradio_api/run/simulate", "/gradio_api/vibe-edit", "/login"],
)
def test_no_other_action_is_there(client: TestClient, path: str) -> None:
    assert client.post(path, json={"data": []}).status_code == 404
    assert client.put("/", json={}).status_code == 404


def test_files_of_sessions_are_served_and_no_others(client: TestClient, sessions: Sessions) -> None:
    folder = sessions.upload_folder()
    (folder / "a.png").write_bytes(b"x")
    (folder / "link.png").symlink_to("/etc/hostname")
    assert client.get(f"/gradio_api/file={folder}/a.png").content == b"x"
    for name in ("link.png", "../../../../../etc/hostname", "none/../../../../../etc/hostname"):
        assert client.get(f"/gradio_api/file={folder}/{name}").status_code == 404, name


@pytest.mark.parametrize(
    "file",
    [
        {"path": "/etc/passwd"},
        {"path": "http://example.org/x.png"},
        {"path": {"path": "/etc/passwd"}},
        {"path": None, "url": "data:image/png;base64,AAAA"},
        {"path": None, "url": "DATA:image/png;base64,AAAA"},
    ],
)
def test_no_action_names_a_file_of_others(
    client: TestClient, file: dict[str, object], no_network: list[str]
) -> None:
    data = {"data": [[{**file, "meta": {"_type": "gradio.FileData"}}]], "fn_index": 0}
    found = client.post("/gradio_api/queue/join", json={**data, "session_hash": "a"})
    assert (found.status_code, found.text) == (403, "That is no file of yours.")


@pytest.mark.parametrize("body", [b"{", b"[" * 30_000, b"\xff"])
def test_what_is_no_json_is_refused(client: TestClient, body: bytes) -> None:
    assert client.post("/gradio_api/queue/join", content=body).status_code == 403


def test_a_large_action_is_refused(client: TestClient) -> None:
    data = json.dumps({"data": ["x" * 70_000]})
    assert client.post("/gradio_api/queue/join", content=data).status_code == 413


def test_other_names_of_this_machine_and_other_pages_are_refused(client: TestClient) -> None:
    assert client.get("/", headers={"host": "evil.example"}).status_code == 421
    assert client.get("/", headers={"host": "127.0.0.1.evil.example:7860"}).status_code == 421
    assert client.get("/", headers={"host": "[::1]:7860"}).status_code == 200
    for origin in ("http://evil.example", "null", "http://127.0.0.1:1"):
        found = client.post("/gradio_api/cancel", json={}, headers={"origin": origin})
        assert (found.status_code, found.text) == (403, "Other pages may not use this one.")
    assert client.get("/", headers={"origin": HERE}).status_code == 200


def test_with_a_password_nothing_is_served_without_it(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protection, "_FAILED_SECONDS", 0.0)
    visitor = Visitor("clinic", "päss:wörd 1")
    folder = sessions.upload_folder()
    (folder / "a.png").write_bytes(b"x")
    paths = ("/", "/palsynth/app.css", "/theme.css", f"/gradio_api/file={folder}/a.png")
    with TestClient(web_app(sessions, visitor), base_url="http://10.0.0.7") as client:
        for path in (*paths, "/nowhere"):
            assert client.get(path).status_code == 401
        assert client.post("/gradio_api/upload").status_code == 401
        for sent in ("clinic:wrong", "other:päss:wörd 1", "clinic:", ""):
            coded = base64.b64encode(sent.encode()).decode()
            assert client.get("/", headers={"authorization": f"Basic {coded}"}).status_code == 401
        assert client.get("/", headers={"authorization": "Basic ???"}).status_code == 401
        right = "Basic " + base64.b64encode("clinic:päss:wörd 1".encode()).decode()
        for path in paths:
            assert client.get(path, headers={"authorization": right}).status_code == 200


def test_the_api_is_there_where_it_is_wanted(sessions: Sessions) -> None:
    with TestClient(web_app(sessions, api=True), base_url=HERE) as client:
        names = client.get("/gradio_api/info").json()["named_endpoints"]
        assert {"/simulate", "/sheet", "/anonymize", "/measure"} <= set(names)
        assert client.post("/gradio_api/call/simulate", json={"data": []}).status_code != 404
        bad = {"data": [{"path": "/etc/passwd"}]}
        assert client.post("/gradio_api/call/simulate", json=bad).status_code == 403


def test_a_rewritten_page_keeps_the_rest() -> None:
    page = b'<head><meta property="og:x" content="https://a/"><script>1</script></head><p>Hi</p>'
    text = rewritten(page, "N").decode()
    assert '<script nonce="N">1</script>' in text
    assert "https:" not in text
    assert text.endswith("</head><p>Hi</p>")


def test_no_path_of_this_machine_is_on_the_page(client: TestClient, sessions: Sessions) -> None:
    text = client.get("/").text
    for path in (sessions.root, Path.home(), Path.cwd()):
        assert f"{path}/" not in text

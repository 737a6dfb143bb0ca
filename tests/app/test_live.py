"""The WebSocket of the tab *Live*: who may open it, what it takes, and that it ends."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uvicorn
from PIL import Image
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect

pytest.importorskip("gradio", reason="gradio is not installed")
sync = pytest.importorskip("websockets.sync.client", reason="websockets is not installed")

from palsynth.app import limits, live, mirror, protection  # noqa: E402
from palsynth.app.limits import MESSAGE_BYTES, StreamingProtocol  # noqa: E402
from palsynth.app.protection import LIVE, Visitor  # noqa: E402
from palsynth.app.sessions import Sessions  # noqa: E402
from palsynth.app.web import web_app  # noqa: E402
from palsynth.subjects import View, render, sample  # noqa: E402

HERE, WS = "http://127.0.0.1:7860", "ws://127.0.0.1:7860"
CHOICE = json.dumps({"face": "subject", "seed": "7", "side": "none"})


def message(number: int, data: bytes, when: float | None = None) -> bytes:
    return struct.pack("<Id", number, 40.0 * number if when is None else when) + data


def parts(answer: bytes) -> tuple[dict[str, Any], bytes]:
    (length,) = struct.unpack_from("<I", answer)
    return json.loads(answer[4 : 4 + length]), answer[4 + length :]


@pytest.fixture(scope="module")
def face() -> bytes:
    data = io.BytesIO()
    Image.fromarray(render(sample(12), view=View(256)).image).save(data, "JPEG")
    return data.getvalue()


@pytest.fixture(scope="module")
def sessions(tmp_path_factory: pytest.TempPathFactory) -> Sessions:
    return Sessions(tmp_path_factory.mktemp("sessions"))


@pytest.fixture(scope="module")
def client(sessions: Sessions) -> Iterator[TestClient]:
    with TestClient(web_app(sessions), base_url=HERE) as client:
        yield client


def test_frames_come_in_and_labelled_pictures_go_out(
    client: TestClient, face: bytes, sessions: Sessions
) -> None:
    with client.websocket_connect(WS + LIVE, headers={"origin": HERE}) as socket:
        socket.send_text(CHOICE)
        socket.send_text("rest")
        for number in (1, 2, 3):
            socket.send_bytes(message(number, face))
            head, picture = parts(socket.receive_bytes())
            assert (head["number"], head["note"]) == (number, "")
            assert set(head["milliseconds"]) == {
                *("wait", "decode", "landmarks", "capture", "retarget", "encode")
            }
            assert Image.open(io.BytesIO(picture)).size == (mirror.SIZE, mirror.SIZE)
    assert list(sessions.root.iterdir()) == []


def test_bad_frames_and_choices_get_a_word_and_the_rest_goes_on(
    client: TestClient, face: bytes
) -> None:
    with client.websocket_connect(WS + LIVE) as socket:
        socket.send_bytes(message(1, face))
        assert parts(socket.receive_bytes())[0]["note"] == "Choose a face."
        socket.send_text('{"face": "subject", "side": "none", "seed": "x"}')
        socket.send_bytes(message(2, face))
        assert "Seed: must be a whole number" in parts(socket.receive_bytes())[0]["note"]
        socket.send_text(CHOICE)
        socket.send_bytes(message(3, b"GIF89a"))
        assert parts(socket.receive_bytes()) == (
            {
                "number": 3,
                "note": "The frame is not a JPEG picture",
                "dropped": 0,
                "milliseconds": parts_of_time(),
            },
            b"",
        )
        socket.send_bytes(message(4, face))
        head, picture = parts(socket.receive_bytes())
        assert head["note"] == ""
        assert picture


def parts_of_time() -> Any:
    class Times(dict[str, float]):
        def __eq__(self, other: object) -> bool:
            return isinstance(other, dict) and set(other) <= {"decode", "wait"}

    return Times()


def test_of_frames_that_wait_the_newest_is_taken(
    client: TestClient, face: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = threading.Event()
    see = mirror.Mirror.see

    def slow(self: mirror.Mirror, data: bytes, when: float) -> mirror.Seen:
        go.wait(10)
        return see(self, data, when)

    monkeypatch.setattr(mirror.Mirror, "see", slow)
    with client.websocket_connect(WS + LIVE) as socket:
        socket.send_text(CHOICE)
        for number in range(1, 8):
            socket.send_bytes(message(number, face))
            time.sleep(0.02)
        go.set()
        heads = [parts(socket.receive_bytes())[0] for _ in range(2)]
    assert [head["number"] for head in heads] == [1, 7]
    assert heads[-1]["dropped"] == 5


def test_a_fault_of_ours_ends_one_connection(
    client: TestClient, face: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fails(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(mirror.Mirror, "show", fails)
    with client.websocket_connect(WS + LIVE) as socket:
        socket.send_text(CHOICE)
        socket.send_bytes(message(1, face))
        socket.send_bytes(message(2, face))
        assert closed(socket) == (live.FAULT, "An error of ours. Please try again.")


def closed(socket: Any) -> tuple[int, str]:
    try:
        while True:
            socket.receive_bytes()
    except WebSocketDisconnect as found:
        return found.code, found.reason


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"", live.TOO_LARGE),
        (b"123", live.TOO_LARGE),
        (bytes(MESSAGE_BYTES + 1), live.TOO_LARGE),
        (message(1, b"", float("inf")), live.TOO_LARGE),
        (message(1, b"", float("nan")), live.TOO_LARGE),
        (message(1, b"", 1e300), live.TOO_LARGE),
        (message(1, b"", -1.0), live.TOO_LARGE),
        ("x" * 3000, live.TOO_LARGE),
    ],
)
def test_what_no_page_sends_ends_the_connection(
    client: TestClient, sent: bytes | str, code: int
) -> None:
    with client.websocket_connect(WS + LIVE) as socket:
        (socket.send_text if isinstance(sent, str) else socket.send_bytes)(sent)  # type: ignore[operator]
        assert closed(socket)[0] == code


def test_a_silent_connection_is_closed(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "IDLE", 0.2)
    with client.websocket_connect(WS + LIVE) as socket:
        for _ in range(3):  # text does not count
            socket.send_text("rest")
        assert closed(socket) == (live.SILENT, "No picture has come for a while.")


@pytest.mark.parametrize(("limit", "most"), [("MAX_EACH", 1), ("MAX_LIVE", 1)])
def test_one_too_many_is_told_so_and_another_may_follow(
    client: TestClient, face: bytes, monkeypatch: pytest.MonkeyPatch, limit: str, most: int
) -> None:
    monkeypatch.setattr(live, limit, most)
    with client.websocket_connect(WS + LIVE), client.websocket_connect(WS + LIVE) as second:
        code, reason = closed(second)
        assert (code, reason[:6]) == (live.FULL, "Others")
    with client.websocket_connect(WS + LIVE) as third:
        third.send_bytes(message(1, face))
        assert parts(third.receive_bytes())[0]["number"] == 1


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1"])
def test_other_pages_may_not_open_it(client: TestClient, origin: str) -> None:
    assert refused(client, LIVE, origin=origin) == 403


def test_other_names_and_paths_may_not_open_it(client: TestClient) -> None:
    assert refused(client, LIVE, host="evil.example") == 421
    for path in ("/", "/palsynth/other", "/gradio_api/queue/join", "/gradio_api/info"):
        assert refused(client, path) == 404


def refused(client: TestClient, path: str, **headers: str) -> int:
    with (
        pytest.raises(WebSocketDenialResponse) as found,
        client.websocket_connect(WS + path, headers=headers),
    ):
        pass
    return found.value.status_code


def test_with_a_password_it_is_not_opened_without(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protection, "_FAILED_SECONDS", 0.0)
    with TestClient(
        web_app(sessions, Visitor("clinic", "password")), base_url="http://10.0.0.7"
    ) as client:
        assert refused(client, LIVE) == 401
        wrong = base64.b64encode(b"clinic:wrong").decode()
        assert refused(client, LIVE, authorization=f"Basic {wrong}") == 401
        right = base64.b64encode(b"clinic:password").decode()
        with client.websocket_connect(
            WS + LIVE, headers={"authorization": f"Basic {right}"}
        ) as socket:
            socket.send_bytes(message(1, b""))
            assert parts(socket.receive_bytes())[0]["number"] == 1


@pytest.fixture
def served(sessions: Sessions, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Any]]:
    """A real server with short deadlines; opens connections to it."""
    monkeypatch.setattr(limits, "REQUEST_SECONDS", 0.5)
    monkeypatch.setattr(limits, "MAX_CONNECTIONS", 6)
    config = uvicorn.Config(
        web_app(sessions),
        port=0,
        log_level="warning",
        http=StreamingProtocol,
        ws="websockets-sansio",
        ws_max_size=MESSAGE_BYTES,
        ws_per_message_deflate=False,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    with contextlib.ExitStack() as stack:
        yield lambda: stack.enter_context(
            sync.connect(f"ws://127.0.0.1:{port}{LIVE}", max_size=None)
        )
    server.should_exit = True
    thread.join(10)
    assert not thread.is_alive()


def test_a_connection_outlives_the_deadline_of_requests(
    served: Callable[[], Any], face: bytes
) -> None:
    socket = served()
    socket.send(CHOICE)
    for number in range(1, 6):
        time.sleep(0.2)
        socket.send(message(number, face))
        assert parts(socket.recv(timeout=20))[0]["number"] == number


def test_a_large_message_is_not_read(served: Callable[[], Any]) -> None:
    from websockets.exceptions import ConnectionClosed

    socket = served()
    with contextlib.suppress(ConnectionClosed):  # closed before it has left us
        socket.send(bytes(4 * MESSAGE_BYTES))
    with pytest.raises(ConnectionClosed) as found:
        socket.recv(timeout=10)
    assert found.value.rcvd is not None
    assert found.value.rcvd.code == live.TOO_LARGE


def test_many_requests_close_no_live_connection(served: Callable[[], Any], face: bytes) -> None:
    import socket as sockets

    first = served()
    port = first.remote_address[1]
    others = [sockets.create_connection(("127.0.0.1", port)) for _ in range(12)]
    first.send(CHOICE)
    first.send(message(1, face))
    assert parts(first.recv(timeout=20))[0]["number"] == 1
    for other in others:
        other.close()


def test_memory_is_freed_with_the_connection(client: TestClient, face: bytes) -> None:
    import gc

    def mirrors() -> int:
        gc.collect()
        return sum(isinstance(one, mirror.Mirror) for one in gc.get_objects())

    before = mirrors()
    with client.websocket_connect(WS + LIVE) as socket:
        socket.send_text(CHOICE)
        socket.send_bytes(message(1, face))
        socket.receive_bytes()
        assert mirrors() == before + 1
    for _ in range(50):
        if mirrors() == before:
            break
        time.sleep(0.1)
    assert mirrors() == before


def test_the_page_of_the_tab_is_labelled() -> None:
    from palsynth.app.tabs.live import _page

    text = _page()
    for name in ("face", "gender", "group", "age", "seed", "side", "grade", "kind"):
        assert f"name={name}" in text
    assert "<span class=label>Synthetic</span>" in text
    assert np.all([f"data-do={what}" in text for what in ("start", "rest", "stop")])

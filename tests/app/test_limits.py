"""What one client may take of a server: bytes of a body, seconds, connections."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from palsynth.app import limits
from palsynth.app.limits import BODY_BYTES, LimitedBody, StreamingProtocol, TimedProtocol


async def length(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(len(await request.body())))


APP = Starlette(routes=[Route("/", length, methods=["GET", "POST"])])


def test_a_body_of_the_limit_arrives_and_a_larger_one_is_refused() -> None:
    client = TestClient(LimitedBody(APP))
    assert client.get("/").text == "0"
    assert client.post("/", content=bytes(BODY_BYTES)).text == str(BODY_BYTES)
    for content in (bytes(BODY_BYTES + 1), iter([bytes(BODY_BYTES), b"1"])):  # announced; chunks
        found = client.post("/", content=content)
        assert found.status_code == 413
        assert f"larger than {BODY_BYTES} bytes; nothing of it is saved" in found.text
        assert found.headers["connection"] == "close"


@pytest.mark.parametrize(("announced", "parts"), [(True, 0), (False, 3)])
def test_a_large_body_is_answered_before_it_has_arrived(announced: bool, parts: int) -> None:
    """Nothing is read of a body that announces its size, of an endless one a little."""
    read, sent = 0, []

    async def receive() -> dict[str, object]:
        nonlocal read
        read += 1
        return {"type": "http.request", "body": bytes(30_000), "more_body": True}

    async def send(message) -> None:  # type: ignore[no-untyped-def]
        sent.append(message)

    headers = [(b"content-length", b"100000000")] if announced else []
    scope = {"type": "http", "method": "POST", "path": "/", "headers": headers}
    asyncio.run(LimitedBody(APP)(scope, receive, send))
    assert (sent[0]["status"], read) == (413, parts)


def test_a_slow_body_is_refused() -> None:
    sent = []

    async def receive() -> dict[str, object]:
        await asyncio.sleep(0.02)
        return {"type": "http.request", "body": b"a", "more_body": True}

    async def send(message) -> None:  # type: ignore[no-untyped-def]
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/", "headers": []}
    asyncio.run(LimitedBody(APP, seconds=0.2)(scope, receive, send))
    assert sent[0]["status"] == 408
    assert b"is not saved. Please send it again" in sent[1]["body"]


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A server that gives a request one second and has at most five connections."""
    monkeypatch.setattr(limits, "REQUEST_SECONDS", 1.0)
    monkeypatch.setattr(limits, "MAX_CONNECTIONS", 5)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        number = taken.getsockname()[1]
    with serving(LimitedBody(APP), number, TimedProtocol):
        yield number


@contextlib.contextmanager
def serving(app: object, port: int, protocol: type[TimedProtocol]) -> Iterator[None]:
    config = uvicorn.Config(app, port=port, http=protocol, log_level="error", ws="none")  # type: ignore[arg-type]
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield
    server.should_exit = True
    thread.join()


def opened(port: int, text: bytes) -> socket.socket:
    out = socket.create_connection(("127.0.0.1", port), timeout=5)
    out.sendall(text)
    return out


GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: ",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\na",
    ],
)
def test_an_unfinished_request_is_closed_however_it_trickles(port: int, text: bytes) -> None:
    start = time.monotonic()
    with opened(port, text) as held:
        held.settimeout(0.2)
        closed = False
        while not closed and time.monotonic() < start + 4:
            try:
                closed = held.recv(100) == b""
            except TimeoutError:
                with contextlib.suppress(OSError):  # the next recv says that it is closed
                    held.sendall(b"a" if text and not text.endswith(b"\r\n\r\na") else b"")
            except OSError:
                closed = True
    assert 0.8 < time.monotonic() - start < 3


def test_an_answer_gives_the_next_request_the_full_time(port: int) -> None:
    with opened(port, GET) as client:
        for _ in range(4):
            assert client.recv(1000).startswith(b"HTTP/1.1 200")
            time.sleep(0.1)
            client.settimeout(0.5)
            with contextlib.suppress(TimeoutError):
                client.recv(1000)  # what is left of the answer
            client.settimeout(5)
            client.sendall(GET)
        assert client.recv(1000).startswith(b"HTTP/1.1 200")


def test_the_connection_that_has_waited_longest_makes_room(port: int) -> None:
    with contextlib.ExitStack() as all_of_them:
        held = [all_of_them.enter_context(opened(port, b"GET / ")) for _ in range(5)]
        start = time.monotonic()
        with opened(port, GET) as client:
            assert client.recv(1000).startswith(b"HTTP/1.1 200")
        assert time.monotonic() - start < 0.5
        with contextlib.suppress(ConnectionResetError):
            assert held[0].recv(1) == b"", "the first is closed"
        held[4].settimeout(0.1)
        with pytest.raises(TimeoutError):
            held[4].recv(1)


SILENCE = 0.7


async def slow(request: Request) -> StreamingResponse:
    """Says a word, then another one after longer than a connection has; or what is never read."""

    async def words() -> AsyncIterator[bytes]:
        yield b"first "
        await asyncio.sleep(2 * SILENCE)
        yield b"second"

    async def much() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield bytes(1 << 20)
            await asyncio.sleep(0)

    return StreamingResponse(much() if request.url.path == "/much" else words())


@pytest.fixture
def streaming(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setattr(limits, "REQUEST_SECONDS", SILENCE)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        number = taken.getsockname()[1]
    app = Starlette(routes=[Route("/", slow), Route("/much", slow)])
    with serving(app, number, StreamingProtocol):
        yield number


def test_an_answer_that_lasts_is_not_cut(streaming: int) -> None:
    with opened(streaming, GET) as client:
        text = b""
        while b"second" not in text and (part := client.recv(1000)):
            text += part
    assert b"first" in text
    assert b"second" in text


@pytest.mark.parametrize("text", [b"", b"GET / HTTP/1.1\r\nHost: x\r\nX: "])
def test_where_answers_last_a_request_that_does_not_end_is_cut_all_the_same(
    streaming: int, text: bytes
) -> None:
    start = time.monotonic()
    with opened(streaming, text) as held, contextlib.suppress(ConnectionError):
        assert held.recv(100) == b""
    assert 0.8 * SILENCE < time.monotonic() - start < 4 * SILENCE


def test_a_client_that_does_not_read_its_answer_is_cut(streaming: int) -> None:
    with opened(streaming, b"GET /much HTTP/1.1\r\nHost: x\r\n\r\n") as held:
        time.sleep(4 * SILENCE)
        got = 0
        with contextlib.suppress(ConnectionError):
            while part := held.recv(1 << 20):  # what had been sent before
                got += len(part)
    assert got < 64 << 20

"""What stands between visitors and the page: who may come in, where they may go, and what the
browser may do with what it gets.

Gradio serves more than the page needs. What a page does not ask for is not found here.
"""

from __future__ import annotations

import base64
import hmac
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from palsynth.app.pages import HEADERS
from palsynth.app.sessions import Sessions
from palsynth.documents import parse_json
from palsynth.errors import InputError

LOCAL = frozenset({"localhost", "127.0.0.1", "[::1]"})
"""Names of this machine, without the port."""

LIVE = "/palsynth/live"
"""Address of the WebSocket of the tab *Live*."""

_PAGE = re.compile(
    r"/|/palsynth/[\w.-]+|/(assets|static)/[\w./@+-]+|/theme\.css|/favicon\.ico"
    r"|/gradio_api/(heartbeat/\w+|queue/data|file=.+|upload_progress|startup-events)"
)
_SOCKET = re.compile(re.escape(LIVE))
_ACTIONS = re.compile(r"/gradio_api/(queue/join|cancel|upload|reset)/?")
_API = re.compile(r"/config|/gradio_api/(info|openapi\.json|call/.+|(run|api)/.+|login_check)/?")

_ICON = re.compile(rb"<meta\s+(property|name)=\"(og|twitter):[^>]*>")
_RESIZER = re.compile(rb"<script>\s*\(\(\) => \{.*?iframeResizer.*?</script>", re.S)

_FAILED_SECONDS = 1.0


@dataclass(frozen=True)
class Visitor:
    """Who may come in: a name and a password."""

    user: str
    password: str

    def is_sent(self, headers: Headers) -> bool:
        """Whether a request carries this name and password (RFC 7617).

        Args:
            headers: the headers of the request.

        Returns:
            Whether both are right; the comparison takes the same time for any wrong ones.
        """
        scheme, _, coded = headers.get("authorization", "").partition(" ")
        try:
            sent = base64.b64decode(coded, validate=True) if scheme.lower() == "basic" else b""
        except ValueError:
            sent = b""
        return hmac.compare_digest(sent, f"{self.user}:{self.password}".encode())


class Protected:
    """An application behind the checks of a page.

    Args:
        app: the application.
        sessions: the private folders; no request may name another file.
        visitor: who may come in; None lets everybody on this machine in.
        api: whether Gradio's API is served too.
    """

    def __init__(
        self, app: ASGIApp, sessions: Sessions, visitor: Visitor | None = None, api: bool = False
    ) -> None:
        self.app, self.sessions, self.visitor, self.api = app, sessions, visitor, api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles a request.

        Args:
            scope: the request, as ASGI has it.
            receive: gives the parts of its body.
            send: takes the answer.
        """
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        response = await self._refused(scope, headers)
        if scope["type"] == "websocket":
            if response is None:
                await self.app(scope, receive, send)
            else:
                await WebSocket(scope, receive, send).send_denial_response(response)
            return
        nonce = secrets.token_urlsafe(16)
        is_page = scope["path"] == "/"
        sender = _Rewriting(send, nonce) if is_page else _WithHeaders(send)
        if response is not None:
            await response(scope, receive, sender)
            return
        if is_page:  # rewritten, so not compressed
            scope = {
                **scope,
                "headers": [h for h in scope["headers"] if h[0] != b"accept-encoding"],
            }
        if scope["method"] == "POST" and not scope["path"].startswith("/gradio_api/upload"):
            body = await _body(receive)  # limited before
            if not self._names_own_files(body):
                await PlainTextResponse("That is no file of yours.", 403)(scope, receive, sender)
                return
            receive = _once(body, receive)
        await self.app(scope, receive, sender)

    async def _refused(self, scope: Scope, headers: Headers) -> PlainTextResponse | None:
        """The answer to a request that goes no further; None for others."""
        host = headers.get("host", "")
        if self.visitor is None and re.sub(r":\d+$", "", host).lower() not in LOCAL:
            return PlainTextResponse("This page is for this machine only.", 421)
        origin = headers.get("origin")
        if origin is not None and origin.partition("://")[2].lower() != host.lower():
            return PlainTextResponse("Other pages may not use this one.", 403)
        if self.visitor is not None and not self.visitor.is_sent(headers):
            if "authorization" in headers:
                await run_in_threadpool(_wait)
            realm = {"WWW-Authenticate": 'Basic realm="palsynth", charset="UTF-8"'}
            return PlainTextResponse("Please log in.", 401, realm)
        method = scope.get("method", "WEBSOCKET")
        known = {"GET": _PAGE, "HEAD": _PAGE, "POST": _ACTIONS, "WEBSOCKET": _SOCKET}.get(method)
        path = scope["path"]
        if known is None or not (known.fullmatch(path) or (self.api and _API.fullmatch(path))):
            return PlainTextResponse("There is nothing here.", 404)
        if (name := path.partition("/gradio_api/file=")[2]) and not self.sessions.holds(Path(name)):
            return PlainTextResponse("There is nothing here.", 404)
        return None

    def _names_own_files(self, body: bytes) -> bool:
        """Whether all files that an action names lie in the private folders: Gradio would fetch any
        other, from this machine or from the web."""
        try:
            data = parse_json(body.decode("utf-8") or "null", "the request")
        except (UnicodeDecodeError, InputError):
            return False
        parts = _files(data)
        return all(self.sessions.holds(Path(path)) for path in parts)


def _files(value: Any) -> Iterator[str]:
    """The paths of all files in the data of an action, and addresses that stand for contents."""
    if isinstance(value, dict):
        for key, inner in value.items():
            is_file = key == "path" and inner is not None
            if is_file or (key == "url" and str(inner).lower().startswith("data:")):
                yield str(inner)
            else:
                yield from _files(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _files(inner)


def _wait() -> None:
    import time

    time.sleep(_FAILED_SECONDS)


async def _body(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False) and message["type"] == "http.request"
    return body


def _once(body: bytes, receive: Receive) -> Receive:
    unread = [{"type": "http.request", "body": body, "more_body": False}]

    async def received() -> Message:
        return unread.pop() if unread else await receive()

    return received


class _WithHeaders:
    """Sends an answer with the headers that every answer has."""

    policy = "default-src 'none'; frame-ancestors 'none'"

    def __init__(self, send: Send) -> None:
        self.send = send

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._set(MutableHeaders(scope=message))
        await self.send(message)

    def _set(self, headers: MutableHeaders) -> None:
        stored = headers.get("cache-control")
        headers.update(HEADERS)
        if stored and "text/" not in headers.get("content-type", ""):
            headers["Cache-Control"] = stored
        headers["Content-Security-Policy"] = self.policy
        headers["Cross-Origin-Resource-Policy"] = "same-origin"


class _Rewriting(_WithHeaders):
    """Sends a page, whose scripts run by a number that nobody else knows (CSP nonce)."""

    def __init__(self, send: Send, nonce: str) -> None:
        super().__init__(send)
        self.nonce = nonce
        self.policy = (
            f"default-src 'self'; script-src 'self' 'nonce-{nonce}'; "
            "style-src 'self' 'unsafe-inline'; img-src 'self' blob: data:; "
            "media-src 'self'; object-src 'none'; "
            "base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
        )
        self._start: Message | None = None
        self._parts: list[bytes] = []

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        if message["type"] != "http.response.body":
            await self.send(message)
            return
        self._parts.append(message.get("body", b""))
        if message.get("more_body", False):
            return
        assert self._start is not None
        headers = MutableHeaders(scope=self._start)
        self._set(headers)
        body = b"".join(self._parts)
        if headers.get("content-type", "").startswith("text/html"):
            body = rewritten(body, self.nonce)
            headers["Content-Length"] = str(len(body))
        await self.send(self._start)
        await self.send({"type": "http.response.body", "body": body})


def rewritten(page: bytes, nonce: str) -> bytes:
    """Gradio's page with our look, and without what leads elsewhere.

    Args:
        page: the page, as HTML.
        nonce: the number that allows its scripts.

    Returns:
        The page.
    """
    page = _RESIZER.sub(b"", _ICON.sub(b"", page))
    page = page.replace(b'<link rel="manifest" href="/manifest.json" />', b"")
    page = re.sub(rb"<script(?=[\s>])", b'<script nonce="' + nonce.encode() + b'"', page)
    ours = (
        b"<title>palsynth</title><link rel=stylesheet href=/palsynth/app.css>"
        b"<script defer src=/palsynth/app.js></script>"
        b"<script defer src=/palsynth/live.js></script></head>"
    )
    return page.replace(b"</head>", ours, 1)

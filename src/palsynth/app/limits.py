"""Limits on what one client may take of a server: bytes of a body, seconds, connections.

A body is read whole before the application sees the request, so that no slow or endless one
occupies a thread. A connection has a deadline that only a complete answer moves; where there are
too many connections, the one that has waited longest makes room.
"""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from palsynth.app.pages import page

BODY_BYTES = 65_536
"""Largest body of a request; a form of a page has about 50 bytes."""

BODY_SECONDS = 10.0
"""Seconds in which a body must arrive."""

REQUEST_SECONDS = 30.0
"""Seconds from the start of a connection, or from its last answer, to the end of the next."""

HEADER_BYTES = 16_384
"""Largest header of a request."""

MESSAGE_BYTES = 400_000
"""Largest message of a WebSocket; a frame of 512 x 384 pixels has about 30 000."""

MAX_CONNECTIONS = 200
"""Connections that are open at the same time; few enough for any system's limit on open files."""


class LimitedBody:
    """Reads the body of every request before the application, and refuses large and slow ones.

    Args:
        app: the application.
        most: largest body, bytes; a larger one is answered with 413 as soon as that is known.
        seconds: time in which it must arrive, else the answer is 408.
    """

    def __init__(self, app: ASGIApp, most: int = BODY_BYTES, seconds: float = BODY_SECONDS) -> None:
        self.app, self.most, self.seconds = app, most, seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles a request.

        Args:
            scope: the request, as ASGI has it.
            receive: gives the parts of its body.
            send: takes the answer.
        """
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            async with asyncio.timeout(self.seconds):
                body = await self._body(Headers(scope=scope), receive)
        except TimeoutError:
            text = "Your answer took too long to arrive and is not saved. Please send it again."
            await _refusal(408, text)(scope, receive, send)
        except ClientDisconnect:
            pass
        else:
            if body is None:
                text = f"What was sent is larger than {self.most} bytes; nothing of it is saved."
                await _refusal(413, text)(scope, receive, send)
            else:
                await self.app(scope, _first(body, receive), send)

    async def _body(self, headers: Headers, receive: Receive) -> bytes | None:
        """The body; None if it is too large."""
        announced = headers.get("content-length", "")
        if announced.isdecimal() and int(announced) > self.most:
            return None
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > self.most:
                return None
        return body


def _first(body: bytes, receive: Receive) -> Receive:
    """Gives a body that has been read already, then what else is received."""
    unread = [{"type": "http.request", "body": body, "more_body": False}]

    async def received() -> Message:
        return unread.pop() if unread else await receive()

    return received


def _refusal(status: int, text: str) -> ASGIApp:
    response = page("notice.html", "Not saved", status, text=text)
    response.headers["Connection"] = "close"  # what is left of the body is not read
    return response


class TimedProtocol(H11Protocol):
    """HTTP/1.1 of uvicorn, with a deadline for every connection and a limit on their number."""

    since: float
    """When the connection began or its last answer ended, seconds of the loop's clock."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Starts the deadline, and closes the connection that has waited longest if need be.

        Args:
            transport: the connection.
        """
        super().connection_made(transport)
        self._start_deadline()
        if len(self.connections) > MAX_CONNECTIONS:
            # those that became WebSockets have limits of their own
            timed = [one for one in self.connections if isinstance(one, TimedProtocol)]
            oldest: Any = min(timed, key=lambda one: one.since)
            self.connections.discard(oldest)
            oldest.transport.abort()

    def handle_websocket_upgrade(self, event: Any) -> None:
        """Ends the deadline: the application times what becomes a WebSocket.

        Args:
            event: the request.
        """
        self._deadline.cancel()
        super().handle_websocket_upgrade(event)

    def on_response_complete(self) -> None:
        """Gives the next request the full time."""
        self._deadline.cancel()
        self._start_deadline()
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends the deadline.

        Args:
            exc: why the connection ended; None if the client closed it.
        """
        self._deadline.cancel()
        super().connection_lost(exc)

    def _start_deadline(self) -> None:
        self.since = self.loop.time()
        self._deadline = self.loop.call_later(REQUEST_SECONDS, self._expire)

    def _expire(self) -> None:
        """Closes the connection."""
        self.transport.abort()


class StreamingProtocol(TimedProtocol):
    """The same for bodies and answers that last, such as uploads and long work: from the end of its
    headers on the application times a request, and the deadline holds for a client that does not
    read its answer."""

    def resume_writing(self) -> None:
        """Moves the deadline: the client has read what was sent."""
        super().resume_writing()
        if not self.transport.is_closing():
            self._deadline.cancel()
            self._start_deadline()

    def _expire(self) -> None:
        cycle = self.cycle
        waits_for_us = cycle is not None and not cycle.response_complete
        if waits_for_us and not self.transport.get_write_buffer_size():
            self._start_deadline()
        else:
            super()._expire()

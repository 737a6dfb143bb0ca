"""The WebSocket of the tab *Live*: frames come in, pictures go out, and nothing is stored.

Of frames that wait only the newest is kept. One is measured while the last one is rendered.
A frame is 12 bytes (number, uint32, and time in milliseconds, float64, little-endian) and a JPEG
picture; an answer is the length of its head (uint32), the head as JSON, and a JPEG picture or none.
Text asks for something: ``rest`` to take the next face for the visitor's at rest, or a choice as
JSON (:func:`palsynth.app.mirror.read_choice`).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import struct
import sys
import time
from collections import Counter
from collections.abc import Iterator

from starlette.websockets import WebSocket, WebSocketDisconnect

from palsynth.app.limits import MESSAGE_BYTES
from palsynth.app.mirror import Mirror, Seen, read_choice
from palsynth.crashes import describe
from palsynth.errors import InputError

TEXT_BYTES = 2_000
"""Largest message of text."""

MAX_LIVE = 4
"""Visitors who are served at the same time; two on two cores get 13 to 17 frames a second each."""

MAX_EACH = 2
"""Connections of one address at the same time."""

RATE = 30.0
"""Most frames a second of a visitor; others are dropped."""

LATEST = 1e9
"""Largest time of a frame, seconds."""

IDLE = 30.0
"""Seconds without a frame after which a connection is closed."""

UNREAD = 10.0
"""Seconds in which an answer must be taken."""

FULL, SILENT, SLOW, TOO_LARGE, FAULT = 4001, 4002, 4003, 1009, 1011
"""Codes with which a connection is closed."""

_HEAD = struct.Struct("<Id")


class Live:
    """The live connections of a server."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()

    async def serve(self, socket: WebSocket) -> None:
        """Serves one connection until it is closed.

        Args:
            socket: the connection.
        """
        await socket.accept()
        address = socket.client.host if socket.client else ""
        if self._open.total() >= MAX_LIVE or self._open[address] >= MAX_EACH:
            await socket.close(FULL, "Others are live at the moment. Please try again later.")
            return
        self._open[address] += 1
        try:
            await _Connection(socket).run()
        finally:
            self._open[address] -= 1
            self._open += Counter()  # forgets addresses without a connection


class _Frame:
    """A frame that waits."""

    def __init__(self, message: bytes) -> None:
        self.number, milliseconds = _HEAD.unpack_from(message)
        self.when, self.data = milliseconds / 1000, message[_HEAD.size :]
        self.arrived = time.perf_counter()


class _Connection:
    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket
        self._mirror: Mirror | None = None
        self._newest: _Frame | None = None
        self._waits = asyncio.Event()
        self._dropped, self._note = 0, ""

    async def run(self) -> None:
        """Works until either side closes the connection."""
        tasks = [asyncio.create_task(part) for part in (self._receive(), self._work())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        for error in [task.exception() for task in tasks if not task.cancelled()]:
            if isinstance(error, _Closed):
                with contextlib.suppress(RuntimeError, OSError):  # the other side was faster
                    await self._socket.close(*error.args)
            elif error is not None and not isinstance(error, WebSocketDisconnect):
                raise error

    async def _receive(self) -> None:
        loop = asyncio.get_running_loop()
        last = loop.time()
        while True:
            try:
                async with asyncio.timeout_at(last + IDLE):
                    message = await self._socket.receive()
            except TimeoutError:
                raise _Closed(SILENT, "No picture has come for a while.") from None
            if message["type"] == "websocket.disconnect":
                raise WebSocketDisconnect(message.get("code", 1005))
            if (data := message.get("bytes")) is not None:
                last = loop.time()
                self._keep(data)
            else:
                await self._obey(message.get("text") or "")

    def _keep(self, data: bytes) -> None:
        if not _HEAD.size <= len(data) <= MESSAGE_BYTES:
            raise _Closed(TOO_LARGE, f"A frame has {MESSAGE_BYTES} bytes at most.")
        frame = _Frame(data)
        if not 0 <= frame.when < LATEST:
            raise _Closed(TOO_LARGE, "A frame's time is out of range.")
        self._dropped += self._newest is not None
        self._newest = frame
        self._waits.set()

    async def _obey(self, text: str) -> None:
        if len(text) > TEXT_BYTES:
            raise _Closed(TOO_LARGE, f"A text has {TEXT_BYTES} letters at most.")
        if text == "rest":
            if self._mirror is not None:
                self._mirror.take_rest()
            return
        try:
            choice = await asyncio.to_thread(read_choice, text)
        except InputError as error:
            self._note = str(error)
            return
        self._note = ""
        if self._mirror is None:
            self._mirror = Mirror(choice)
        self._mirror.choice = choice

    async def _work(self) -> None:
        """Measures the newest frame while the last one is rendered."""
        answer: asyncio.Task[None] | None = None
        try:
            while True:
                await self._waits.wait()
                self._waits.clear()
                frame, self._newest = self._newest, None
                assert frame is not None
                began = time.perf_counter()
                seen = await self._seen(frame)
                seen.seconds["wait"] = began - frame.arrived
                begin = time.perf_counter()
                if answer is not None:
                    await answer
                seen.seconds["wait"] += time.perf_counter() - begin
                answer = asyncio.create_task(self._answer(frame, seen))
                await asyncio.sleep(max(0.0, began + 1 / RATE - time.perf_counter()))
        finally:
            if answer is not None:
                answer.cancel()
                await asyncio.wait([answer])

    async def _seen(self, frame: _Frame) -> Seen:
        if self._mirror is None:
            return Seen(note=self._note or "Choose a face.")
        with _foreseen():
            return await asyncio.to_thread(self._mirror.see, frame.data, frame.when)

    async def _answer(self, frame: _Frame, seen: Seen) -> None:
        picture = b""
        if self._mirror is not None:
            with _foreseen():
                picture = await asyncio.to_thread(self._mirror.show, seen)
        note = self._note or seen.note
        head = {
            "number": frame.number,
            "note": note[:1].upper() + note[1:],
            "dropped": self._dropped,
            "milliseconds": {k: round(1000 * v, 2) for k, v in seen.seconds.items()},
        }
        text = json.dumps(head).encode()
        try:
            async with asyncio.timeout(UNREAD):
                await self._socket.send_bytes(struct.pack("<I", len(text)) + text + picture)
        except TimeoutError:
            raise _Closed(SLOW, "Answers are not taken.") from None


class _Closed(Exception):
    """The connection is closed, by a code and for a reason."""


@contextlib.contextmanager
def _foreseen() -> Iterator[None]:
    """Ends the connection by an error that no code foresaw, whose details are in a file."""
    try:
        yield
    except Exception as error:
        print(describe(error), file=sys.stderr)
        raise _Closed(FAULT, "An error of ours. Please try again.") from error

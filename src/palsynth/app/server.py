"""Serves a web application until it is interrupted."""

from __future__ import annotations

import contextlib
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from typing import Any

import uvicorn

from palsynth.app.limits import HEADER_BYTES, TimedProtocol
from palsynth.errors import InputError


def serve(
    app: Any,
    host: str,
    port: int,
    *,
    address: str | None = None,
    paths: Sequence[str] = ("/",),
    protocol: type[TimedProtocol] = TimedProtocol,
    message_bytes: int = 0,
) -> None:
    """Prints the links of an application and serves it until Ctrl-C.

    Connections are limited in number and time (:mod:`palsynth.app.limits`).

    Args:
        app: the ASGI application.
        host: address of the network interface.
        port: port, 1 to 65535.
        address: what the links begin with; default: host and port.
        paths: paths of the links.
        protocol: the limits of a connection.
        message_bytes: largest message of a WebSocket; 0 for no WebSockets.

    Raises:
        InputError: the port is out of range, or cannot be used.
    """
    if not 1 <= port <= 65535:
        raise InputError(f"--port {port}: must lie between 1 and 65535")
    shown = f"[{host}]" if ":" in host else host
    start = (address or f"http://{shown}:{port}").rstrip("/")
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise InputError(
                f"{host}:{port}: cannot be served ({error.strerror or error}); give another --port "
                "or --host"
            ) from None
    for path in paths:
        print(f"  {start}{path}", flush=True)
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_level="warning",
        http=protocol,
        ws="websockets-sansio" if message_bytes else "none",
        ws_max_size=message_bytes,
        ws_per_message_deflate=False,  # a small message could unpack to a large one
        h11_max_incomplete_event_size=HEADER_BYTES,
        timeout_graceful_shutdown=5,
        server_header=False,
    )
    _run(uvicorn.Server(config))


def _run(server: uvicorn.Server) -> None:
    """Serves until a signal; the end of the terminal ends it in order too."""
    hung_up = False

    def hang_up(number: int, frame: Any) -> None:
        nonlocal hung_up
        hung_up = server.should_exit = True

    with contextlib.ExitStack() as stack:
        in_main = threading.current_thread() is threading.main_thread()
        if in_main and hasattr(signal, "SIGHUP"):  # Windows has none
            before = signal.getsignal(signal.SIGHUP)
            if before is not signal.SIG_IGN:  # as nohup says
                signal.signal(signal.SIGHUP, hang_up)
                stack.callback(signal.signal, signal.SIGHUP, before)
        with contextlib.suppress(KeyboardInterrupt):
            server.run()
    if hung_up:
        signal.raise_signal(signal.SIGHUP)
    if not server.started:
        sys.exit(1)

"""Serves a web application until it is interrupted."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import Any

import uvicorn

from palsynth.app.limits import HEADER_BYTES, TimedProtocol
from palsynth.errors import InputError


def serve(
    app: Any, host: str, port: int, *, address: str | None = None, paths: Sequence[str] = ("/",)
) -> None:
    """Prints the links of an application and serves it until Ctrl-C.

    Connections are limited in number and time (:mod:`palsynth.app.limits`).

    Args:
        app: the ASGI application.
        host: address of the network interface.
        port: port, 1 to 65535.
        address: what the links begin with; default: host and port.
        paths: paths of the links.

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
    uvicorn.run(
        app,
        host=host,
        port=port,
        log_level="warning",
        http=TimedProtocol,
        ws="none",
        h11_max_incomplete_event_size=HEADER_BYTES,
        timeout_graceful_shutdown=5,
        server_header=False,
    )

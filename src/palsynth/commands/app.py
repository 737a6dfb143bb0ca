"""``palsynth app``."""

from __future__ import annotations

import ipaddress
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from palsynth.errors import InputError

if TYPE_CHECKING:
    from palsynth.app.protection import Visitor

BLAS_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""Environment variables that set the number of threads of linear algebra, before it is loaded."""

SHORTEST = 8
"""Fewest characters of a password."""


@dataclass(frozen=True)
class AppOptions:
    """Serve a web page to simulate, anonymize, measure and mirror faces, until interrupted.

    It works offline. Uploads are kept in a private folder and deleted when the page is closed.
    """

    host: str = "127.0.0.1"
    """Address to listen on; one that other machines reach needs --auth."""
    port: int = 7860
    """Port to listen on, 1 to 65535."""
    auth: str | None = None
    """USER:PASSWORDFILE, the name and the file with the password that visitors must give."""
    address: str | None = None
    """Public address for the printed link, such as https://palsynth.example.org;
    default: that of --host and --port."""
    api: bool = False
    """Serve Gradio's API too, for programs."""


def app(options: AppOptions) -> None:
    """Serve a web page to simulate, anonymize, measure and mirror faces, until interrupted."""
    # a picture's matrices are small: threads of BLAS would take turns more than they work
    os.environ.update(dict.fromkeys(BLAS_THREADS, "1") | os.environ)
    visitor = None if options.auth is None else _visitor(options.auth)
    if visitor is None and not _is_local(options.host):
        raise InputError(
            f"--host {options.host}: other machines could reach it; add --auth USER:PASSWORDFILE"
        )
    print("starting; this takes a few seconds", flush=True)
    from palsynth.app.limits import MESSAGE_BYTES, StreamingProtocol
    from palsynth.app.server import serve
    from palsynth.app.sessions import private_sessions
    from palsynth.app.web import warm_up, web_app

    with private_sessions() as sessions:
        application = web_app(sessions, visitor, options.api)
        warm_up()
        print("press Ctrl+C to stop:", flush=True)
        serve(
            application,
            options.host,
            options.port,
            address=options.address,
            protocol=StreamingProtocol,
            message_bytes=MESSAGE_BYTES,
        )


def _is_local(host: str) -> bool:
    """Whether only this machine reaches an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _visitor(text: str) -> Visitor:
    """The visitor that --auth names. Raises InputError for a file that holds no password."""
    from palsynth.app.protection import Visitor

    user, _, name = text.partition(":")
    if not user or not name:
        raise InputError(f"--auth {text}: give USER:PASSWORDFILE, such as clinic:password.txt")
    path = Path(name)
    try:
        password = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not a text"
        raise InputError(
            f"--auth: {path}: cannot be read ({reason}); write the password there"
        ) from None
    if len(password) < SHORTEST or "\n" in password:
        raise InputError(
            f"--auth: {path}: must hold one line, a password of {SHORTEST} characters or more"
        )
    if path.stat().st_mode & 0o077:
        print(
            f"{path}: other users of this machine can read the password; chmod 600 {path}",
            file=sys.stderr,
        )
    return Visitor(user, password)

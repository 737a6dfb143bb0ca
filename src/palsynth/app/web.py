"""The page as a web application: Gradio on our own Starlette application."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from importlib.resources import files
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute

from palsynth.app.limits import LimitedBody
from palsynth.app.look import DARK, FONT, LIGHT, properties
from palsynth.app.protection import LIVE, Protected, Visitor
from palsynth.app.sessions import Sessions
from palsynth.app.uploads import Uploads
from palsynth.errors import InputError

_ASSETS = files("palsynth.app") / "assets"


def web_app(sessions: Sessions, visitor: Visitor | None = None, api: bool = False) -> Starlette:
    """Builds the application.

    Args:
        sessions: the visitors' private folders.
        visitor: who may come in; None lets everybody on this machine in.
        api: whether Gradio's API is served too.

    Returns:
        The ASGI application.

    Raises:
        InputError: Gradio is not installed.
    """
    # Gradio reads these when it is imported
    os.environ.update(GRADIO_ANALYTICS_ENABLED="False", GRADIO_TEMP_DIR=str(sessions.root))
    try:
        import gradio as gr
    except ImportError:
        raise InputError(
            "palsynth app needs Gradio; install it with: pip install 'palsynth[app]'"
        ) from None
    from palsynth.app.live import Live
    from palsynth.app.shell import build
    from palsynth.app.theme import theme

    app = Starlette(
        routes=[
            Route("/palsynth/app.css", _style),
            Route("/palsynth/app.js", _script),
            Route("/palsynth/live.js", _script),
            WebSocketRoute(LIVE, Live().serve),
            Route("/gradio_api/upload", Uploads(sessions).save, methods=["POST"]),
            Route("/gradio_api/upload_progress", _uploaded),
        ],
        middleware=[
            Middleware(Unless, paths=("/gradio_api/upload",), wrapped=LimitedBody),
            Middleware(Protected, sessions=sessions, visitor=visitor, api=api),
        ],
    )
    page = build(sessions, api)
    any_app: Any = app  # Gradio asks for FastAPI, and uses what Starlette has too
    gr.mount_gradio_app(
        any_app,
        page,
        "/",
        footer_links=["api"] if api else [],
        run_history=False,
        ssr_mode=False,
        pwa=False,
        mcp_server=False,
        enable_monitoring=False,
        theme=theme(),
    )
    page.has_launched = page.is_running = True  # so that Gradio too checks the paths of files
    return app


def warm_up(after: float = 1.0) -> None:
    """Loads in the background what the first visitor would wait for.

    Args:
        after: seconds to wait before, in which the page is served first.
    """

    def load() -> None:
        time.sleep(after)
        from palsynth.app.tabs import warming

        with contextlib.suppress(Exception):  # a visitor would be told of it
            warming.load()

    threading.Thread(target=load, name="warm-up", daemon=True).start()


class Unless:
    """A middleware for all paths but some.

    Args:
        app: the application.
        paths: beginnings of paths that go around the middleware.
        wrapped: the middleware.
    """

    def __init__(self, app: Any, paths: tuple[str, ...], wrapped: Any) -> None:
        self.app, self.paths, self.inner = app, paths, wrapped(app)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Handles a request.

        Args:
            scope: the request, as ASGI has it.
            receive: gives the parts of its body.
            send: takes the answer.
        """
        around = scope.get("path", "").startswith(self.paths)
        await (self.app if around else self.inner)(scope, receive, send)


async def _style(request: Request) -> Response:
    text = (
        f":root{{{properties(LIGHT)}}}.dark{{{properties(DARK)}}}:root{{--font:{','.join(FONT)}}}"
    )
    return Response(text + (_ASSETS / "app.css").read_text("utf-8"), media_type="text/css")


async def _script(request: Request) -> Response:
    name = Path(request.url.path).name
    return Response((_ASSETS / name).read_text("utf-8"), media_type="text/javascript")


async def _uploaded(request: Request) -> Response:
    """The progress of an upload, which is shown by the browser: nothing is left to say."""
    return Response('data: {"msg":"done"}\n\n', media_type="text/event-stream")

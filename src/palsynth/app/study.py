"""The web pages of a study: one link per rater, one image per page, no JavaScript."""

from __future__ import annotations

import html
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from palsynth.errors import InputError
from palsynth.evaluation.study import ENDS, POINTS, QUESTIONS
from palsynth.study.store import Study

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; "
    "form-action 'self'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
}


def study_app(study: Study) -> Starlette:
    """Builds the web application of a study, which is accessible only through raters' links.

    Args:
        study: The study.

    Returns:
        The ASGI application.
    """
    pages = _Pages(study)
    return Starlette(
        routes=[
            Route("/", pages.root),
            Route("/r/{token}", pages.start),
            Route("/r/{token}/done", pages.done),
            Route("/r/{token}/{place:int}", pages.show, methods=["GET"]),
            Route("/r/{token}/{place:int}", pages.save, methods=["POST"]),
            Route("/r/{token}/{place:int}/{which}.png", pages.picture),
        ]
    )


class _Pages:
    def __init__(self, study: Study) -> None:
        self.study = study

    async def root(self, request: Request) -> Response:
        return _page(self.study.title, "<p>Please open the link that you were given.</p>")

    async def start(self, request: Request) -> Response:
        """Redirects to the first item without an answer."""
        rater = self._rater(request)
        if rater is None:
            return _unknown()
        return RedirectResponse(self._next(request, rater), 303)

    async def show(self, request: Request, problem: str = "") -> Response:
        found = self._place(request)
        if found is None:
            return _unknown()
        rater, items, place = found
        given = self.study.points(rater, items[place - 1])
        return _page(
            self.study.title,
            _form(request.path_params["token"], place, len(items), given, problem),
            400 if problem else 200,
        )

    async def save(self, request: Request) -> Response:
        found = self._place(request)
        if found is None:
            return _unknown()
        rater, items, place = found
        fields = parse_qs((await request.body()).decode("utf-8", "replace"))
        points = {
            q: int(fields[q][0]) for q in QUESTIONS if fields.get(q, [""])[0] in map(str, POINTS)
        }
        reviewed = items[place - 1] in self.study.answered(rater)
        try:
            self.study.save(rater, items[place - 1], points)
        except InputError as error:
            return await self.show(request, str(error))
        return RedirectResponse(self._next(request, rater, place if reviewed else 0), 303)

    async def done(self, request: Request) -> Response:
        if self._rater(request) is None:
            return _unknown()
        back = f"/r/{html.escape(request.path_params['token'])}/1"
        return _page(
            self.study.title,
            "<h2>Thank you.</h2><p>All your answers are saved. You may close this page, or "
            f"<a href='{back}'>look at them again</a>.</p>",
        )

    async def picture(self, request: Request) -> Response:
        found = self._place(request)
        which = request.path_params["which"]
        if found is None or which not in ("made", "patient"):
            return Response(status_code=404)
        _, items, place = found
        data = self.study.picture(items[place - 1], which)
        return Response(data, media_type="image/png", headers=_HEADERS)

    def _rater(self, request: Request) -> int | None:
        return self.study.rater(request.path_params["token"])

    def _place(self, request: Request) -> tuple[int, list[int], int] | None:
        """The rater, the rater's items in order, and the place among them, from 1."""
        rater = self._rater(request)
        if rater is None:
            return None
        items, place = self.study.items(rater), int(request.path_params["place"])
        return (rater, items, place) if 1 <= place <= len(items) else None

    def _next(self, request: Request, rater: int, after: int = 0) -> str:
        """Link of the first item without an answer, or if all have one, of the next place.

        ``after`` is the place just reviewed, 0 if none was.
        """
        answered, items = self.study.answered(rater), self.study.items(rater)
        left = [k for k, item in enumerate(items, 1) if item not in answered]
        following = after + 1 if 0 < after < len(items) else "done"
        place = left[0] if left else following
        return f"/r/{request.path_params['token']}/{place}"


def _form(token: str, place: int, count: int, given: dict[str, int], problem: str) -> str:
    here = f"/r/{html.escape(token)}/{place}"
    questions = []
    for name, text in QUESTIONS.items():
        low, high = ENDS[name]
        buttons = "".join(
            f"<label><input type=radio name={name} value={p} required"
            f"{' checked' if given.get(name) == p else ''}><span>{p}</span></label>"
            for p in POINTS
        )
        questions.append(
            f"<fieldset><legend>{html.escape(text)}</legend><div class=points>{buttons}</div>"
            f"<div class=ends><span>{html.escape(low)}</span><span>{html.escape(high)}</span></div>"
            "</fieldset>"
        )
    back = f"<a class=back href='/r/{html.escape(token)}/{place - 1}'>Back</a>" if place > 1 else ""
    warning = f"<p class=problem role=alert>{html.escape(problem)}</p>" if problem else ""
    return (
        f"<p class=place>Picture {place} of {count}</p>"
        f"<progress max={count} value={place - 1}></progress>"
        "<div class=pictures>"
        f"<figure><img src='{here}/patient.png' alt='the patient'>"
        "<figcaption>the patient</figcaption></figure>"
        f"<figure><img src='{here}/made.png' alt='the picture to judge'>"
        "<figcaption>the picture to judge</figcaption></figure></div>"
        f"{warning}<form method=post action='{here}'>{''.join(questions)}"
        f"<div class=buttons>{back}<button>Save and continue</button></div></form>"
    )


def _unknown() -> Response:
    return _page("Not found", "<p>This link is not valid. Please check it.</p>", 404)


def _page(title: str, body: str, status: int = 200) -> Response:
    text = html.escape(title)
    return HTMLResponse(
        "<!doctype html><html lang=en><meta charset=utf-8>"
        "<meta name=viewport content='width=device-width, initial-scale=1'>"
        f"<title>{text}</title><style>{_STYLE}</style><main><h1>{text}</h1>{body}"
        "<p class=care>For research and teaching; not a medical device.</p></main></html>",
        status,
        _HEADERS,
    )


_STYLE = """
*{box-sizing:border-box}
body{font:16px/1.45 system-ui,sans-serif;margin:0;color:#1b1f24;background:#f6f8fa}
main{max-width:560px;margin:0 auto;padding:1rem;background:#fff;min-height:100vh}
h1{font-size:1.1rem;margin:0 0 .5rem}
.place,.care,figcaption,.ends{color:#57606a;font-size:.875rem}
.place{margin:0}.care{margin:1.5rem 0 0}
progress{width:100%;height:6px;accent-color:#0969da}
.pictures{display:grid;grid-template-columns:1fr 1fr;gap:.75rem;margin:.75rem 0}
figure{margin:0}figure img{width:100%;aspect-ratio:1;object-fit:contain;border-radius:8px;
background:#eaeef2;display:block}figcaption{text-align:center;margin-top:.25rem}
fieldset{border:0;padding:0;margin:0 0 1rem}legend{font-weight:600;padding:0;margin-bottom:.4rem}
.points{display:grid;grid-template-columns:repeat(5,1fr);gap:.4rem}
.points input{position:absolute;opacity:0;width:1px;height:1px}
.points span{display:block;text-align:center;padding:.6rem 0;border:1px solid #8c959f;
border-radius:8px;font-weight:600;cursor:pointer}
.points input:checked+span{background:#0969da;border-color:#0969da;color:#fff}
.points input:focus-visible+span{outline:3px solid #54aeff;outline-offset:1px}
.ends{display:flex;justify-content:space-between;margin-top:.2rem}
.buttons{display:flex;gap:.75rem;align-items:center}
button{flex:1;font:inherit;font-weight:600;padding:.8rem;border:0;border-radius:8px;color:#fff;
background:#1a7f37;cursor:pointer}.back{padding:.8rem 1rem;color:#0969da}
.problem{background:#ffebe9;border-radius:8px;padding:.6rem .8rem;color:#a40e26}
"""

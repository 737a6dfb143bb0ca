"""The web pages of a study: one link per rater, one image per page, no JavaScript.

Everything that reads or writes the study's file runs in a thread, so that a request that waits for
it holds up no other.
"""

from __future__ import annotations

import logging
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from palsynth.app.limits import LimitedBody
from palsynth.app.pages import HEADERS, page
from palsynth.clinical import Movement
from palsynth.errors import InputError
from palsynth.evaluation.study import ENDS, POINTS, QUESTIONS
from palsynth.study.store import Study, StudyUnavailable

_LOG = logging.getLogger(__name__)

_PICTURES = ("made", "patient", "rest")


def study_app(study: Study) -> Starlette:
    """Builds the web application of a study, which is accessible only through raters' links.

    Args:
        study: the study.

    Returns:
        The ASGI application.
    """
    pages = _Pages(study)
    return Starlette(
        routes=[
            Route("/", pages.root),
            Route("/r/{token}", pages.start),
            Route("/r/{token}/done", pages.done),
            Route("/r/{token}/{place}", pages.show, methods=["GET"]),
            Route("/r/{token}/{place}", pages.save, methods=["POST"]),
            Route("/r/{token}/{place}/{which}.png", pages.picture),
        ],
        middleware=[Middleware(LimitedBody)],
        exception_handlers={StudyUnavailable: _unavailable},
    )


class _Pages:
    def __init__(self, study: Study) -> None:
        self.study = study

    def root(self, request: Request) -> Response:
        text = "Please open the link that you were given."
        return page("notice.html", self.study.title, text=text)

    def start(self, request: Request) -> Response:
        """Redirects to the first item without an answer."""
        rater = self._rater(request)
        if rater is None:
            return _unknown()
        return RedirectResponse(self._next(request, rater), 303, HEADERS)

    def show(self, request: Request, problem: str = "") -> Response:
        found = self._place(request)
        if found is None:
            return _unknown()
        rater, items, place = found
        movement, rest = self.study.shown(items[place - 1])
        return page(
            "item.html",
            self.study.title,
            400 if problem else 200,
            token=request.path_params["token"],
            place=place,
            count=len(items),
            movement=Movement(movement).label if movement else "",
            rest=rest,
            given=self.study.points(rater, items[place - 1]),
            problem=problem,
            questions=QUESTIONS,
            ends=ENDS,
            points=POINTS,
        )

    async def save(self, request: Request) -> Response:
        body = await request.body()
        return await run_in_threadpool(self._saved, request, body)

    def _saved(self, request: Request, body: bytes) -> Response:
        found = self._place(request)
        if found is None:
            return _unknown()
        rater, items, place = found
        item = items[place - 1]
        reviewed = item in self.study.answered(rater)
        try:
            self.study.save(rater, item, _points(body))
        except StudyUnavailable:
            raise
        except InputError as error:
            return self.show(request, str(error))
        return RedirectResponse(self._next(request, rater, place if reviewed else 0), 303, HEADERS)

    def done(self, request: Request) -> Response:
        if self._rater(request) is None:
            return _unknown()
        return page("done.html", self.study.title, token=request.path_params["token"])

    def picture(self, request: Request) -> Response:
        found = self._place(request)
        which = request.path_params["which"]
        data = None
        if found is not None and which in _PICTURES:
            _, items, place = found
            data = self.study.picture(items[place - 1], which)
        if data is None:
            return _unknown()
        return Response(data, media_type="image/png", headers=HEADERS)

    def _rater(self, request: Request) -> int | None:
        return self.study.rater(request.path_params["token"])

    def _place(self, request: Request) -> tuple[int, list[int], int] | None:
        """The rater, the rater's items in order, and the place among them, from 1."""
        rater = self._rater(request)
        if rater is None:
            return None
        items = self.study.items(rater)
        places = {str(place): place for place in range(1, len(items) + 1)}
        place = places.get(request.path_params["place"])
        return None if place is None else (rater, items, place)

    def _next(self, request: Request, rater: int, after: int = 0) -> str:
        """Link of the first item without an answer, or if all have one, of the next place.

        ``after`` is the place just reviewed, 0 if none was.
        """
        answered, items = self.study.answered(rater), self.study.items(rater)
        left = [k for k, item in enumerate(items, 1) if item not in answered]
        following = after + 1 if 0 < after < len(items) else "done"
        place = left[0] if left else following
        return f"/r/{request.path_params['token']}/{place}"


def _points(body: bytes) -> dict[str, int]:
    """The points in a form; a question without one valid number of points is left out."""
    try:
        fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=4 * len(QUESTIONS))
    except ValueError:  # more fields than any page has
        return {}
    return {q: int(fields[q][0]) for q in QUESTIONS if fields.get(q, [""])[0] in map(str, POINTS)}


def _unavailable(request: Request, error: Exception) -> Response:
    """Says that the file cannot be used now; the reason is for who serves it, not for raters."""
    _LOG.warning("%s", error)
    text = (
        "The study cannot be reached at the moment. What you have just sent is not saved: please "
        "go back and send it again in a minute. All earlier answers are saved."
    )
    response = page("notice.html", "Not saved", 503, text=text)
    response.headers["Retry-After"] = "5"
    return response


def _unknown() -> Response:
    text = "This link is not valid. Please check it."
    return page("notice.html", "Not found", 404, text=text)

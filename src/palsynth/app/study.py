"""The web pages of a study: one link per rater, one image per page, no JavaScript."""

from __future__ import annotations

from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from palsynth.app.pages import HEADERS, page
from palsynth.errors import InputError
from palsynth.evaluation.study import ENDS, POINTS, QUESTIONS
from palsynth.study.store import Study


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
            Route("/r/{token}/{place:int}", pages.show, methods=["GET"]),
            Route("/r/{token}/{place:int}", pages.save, methods=["POST"]),
            Route("/r/{token}/{place:int}/{which}.png", pages.picture),
        ]
    )


class _Pages:
    def __init__(self, study: Study) -> None:
        self.study = study

    async def root(self, request: Request) -> Response:
        text = "Please open the link that you were given."
        return page("notice.html", self.study.title, text=text)

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
        return page(
            "item.html",
            self.study.title,
            400 if problem else 200,
            token=request.path_params["token"],
            place=place,
            count=len(items),
            given=given,
            problem=problem,
            questions=QUESTIONS,
            ends=ENDS,
            points=POINTS,
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
        return page("done.html", self.study.title, token=request.path_params["token"])

    async def picture(self, request: Request) -> Response:
        found = self._place(request)
        which = request.path_params["which"]
        if found is None or which not in ("made", "patient"):
            return Response(status_code=404)
        _, items, place = found
        data = self.study.picture(items[place - 1], which)
        return Response(data, media_type="image/png", headers=HEADERS)

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


def _unknown() -> Response:
    text = "This link is not valid. Please check it."
    return page("notice.html", "Not found", 404, text=text)

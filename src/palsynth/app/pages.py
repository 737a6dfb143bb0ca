"""What all web pages share: their look, and headers that let nothing in or out."""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse

from palsynth.app.look import FONT, tokens

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; "
    "form-action 'self'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
"""Headers of every response: no scripts, nothing from elsewhere, nothing is stored."""

_TEMPLATES = Environment(
    loader=PackageLoader("palsynth.app", "assets"),
    autoescape=True,
    trim_blocks=True,
    undefined=StrictUndefined,
)
_TEMPLATES.globals.update(tokens=Markup(tokens()), font=Markup(",".join(FONT)))


def page(template: str, title: str, status: int = 200, **values: Any) -> HTMLResponse:
    """Renders a page.

    Args:
        template: name of a template in ``assets``, which extends ``page.html``.
        title: title of the page.
        status: HTTP status.
        **values: what the template shows; text is escaped.

    Returns:
        The response.
    """
    text = _TEMPLATES.get_template(template).render(title=title, **values)
    return HTMLResponse(text, status, HEADERS)

"""What all tabs do alike: they answer with results, or with one line that says what is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

import gradio as gr

from palsynth.app.sessions import Sessions, Stopped, Work
from palsynth.crashes import describe
from palsynth.errors import InputError
from palsynth.notes import collected_notes
from palsynth.progress import Progress

QUEUE = "pictures"
"""The queue of all work that makes or measures pictures."""

UNQUEUED: dict[str, Any] = {
    "api_visibility": "private",
    "concurrency_limit": None,
    "show_progress": "hidden",
}
"""How events are answered that are quick and wait for no picture."""

_WORDS = (
    (r"; specify --movement", "; choose the movement"),
    (r"try another --seed or subject", "try another seed or description"),
    (r"change the description", "change the description of the subject"),
    (r"not in the folder:", "not given:"),
)
"""What messages say on the command line -> what the page says."""


@dataclass
class Tabs:
    """What the tabs share.

    Attributes:
        sessions: the visitors' private folders.
        api: whether Gradio's API offers the tabs' functions too.
    """

    sessions: Sessions
    api: bool = False

    @property
    def visibility(self) -> Literal["public", "private"]:
        """Whether events are part of the API, as Gradio calls it."""
        return "public" if self.api else "private"

    @contextmanager
    def answering(self, request: gr.Request) -> Iterator[Work]:
        """Works for a visitor, and says in one line what went wrong.

        Args:
            request: the visitor's request.

        Yields:
            The work, with the ``notes`` that it makes.

        Raises:
            gr.Error: the input is wrong, the visitor has stopped the work, or an error that no code
                foresaw.
        """
        session = request.session_hash or ""
        try:
            with self.sessions.work(session) as work, collected_notes() as notes:
                work.notes = notes
                yield work
        except Stopped:
            raise _error("Stopped.", visible=False) from None  # as the button has said
        except InputError as error:
            raise _error(self.plain(str(error))) from None
        except gr.Error:
            raise
        except Exception as error:
            raise _error(describe(error)) from error

    def plain(self, text: str) -> str:
        """A message without the paths of uploads, and with what the page is called by.

        Args:
            text: a message of the Python API.

        Returns:
            The message for the page.
        """
        pattern = rf"{re.escape(str(self.sessions.root))}/[0-9a-f]+/([\w-]+)\.(png|mp4|mov|webm)"
        text = re.sub(pattern, r"\1", text)
        for pattern, words in _WORDS:
            text = re.sub(pattern, words, text)
        return text

    def stops(self, button: gr.Button, events: Sequence[Any]) -> None:
        """Makes a button stop the work of its visitor.

        Args:
            button: the button.
            events: the events of that work, which are taken off the queue.
        """
        button.click(self._stop, cancels=list(events), **UNQUEUED)

    def _stop(self, request: gr.Request) -> None:
        self.sessions.stop(request.session_hash or "")
        gr.Info("Stopped.")  # what the work itself says may come after it was taken off the queue


def _error(text: str, visible: bool = True) -> gr.Error:
    return gr.Error(escape(text), duration=None, visible=visible, print_exception=False)


def stoppable(work: Work, progress: gr.Progress, what: str) -> Progress:
    """Moves the bar of a page, and ends the work where its visitor has stopped it.

    Args:
        work: the work.
        progress: the bar.
        what: what is done, such as "anonymizing".

    Returns:
        The callback, which raises :class:`palsynth.app.sessions.Stopped`.
    """

    def moved(done: int, total: int) -> None:
        work.check()
        progress((done, total), desc=what)

    return moved


def picture(path: Path, alt: str) -> str:
    """A picture of a session as HTML.

    Args:
        path: the file, in a session's folder.
        alt: what it shows, for those who do not see it.

    Returns:
        An ``img``.
    """
    return f"<img src='/gradio_api/file={quote(str(path))}' alt='{escape(alt, quote=True)}'>"


def figure(path: Path, alt: str, caption: str = "") -> str:
    """A picture of a session with a caption, as HTML.

    Args:
        path: the file, in a session's folder.
        alt: what it shows, for those who do not see it.
        caption: text below; empty for none.

    Returns:
        A ``figure``.
    """
    below = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    return f"<figure>{picture(path, alt)}{below}</figure>"


def player(path: Path, label: str, caption: str = "") -> str:
    """A clip of a session as HTML.

    Args:
        path: the file, in a session's folder: a video that browsers play, or a GIF.
        label: what it shows.
        caption: text below; empty for none.

    Returns:
        A ``figure`` with a ``video``, or with an ``img`` of a GIF.
    """
    if path.suffix == ".gif":
        return figure(path, label, caption)
    below = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    return (
        "<figure><video controls loop muted playsinline preload=auto "
        f"aria-label='{escape(label, quote=True)}' src='/gradio_api/file={quote(str(path))}'>"
        f"</video>{below}</figure>"
    )


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], caption: str) -> str:
    """A table as HTML.

    Args:
        heads: the heads of the columns.
        rows: the cells of each row; the first is the row's head.
        caption: what the table holds.

    Returns:
        A ``table`` in a box that scrolls sideways where it is too wide.
    """
    head = "".join(f"<th scope=col>{escape(text)}</th>" for text in heads)
    body = "".join(
        f"<tr><th scope=row>{escape(first)}</th>"
        + "".join(f"<td>{escape(text)}</td>" for text in others)
        + "</tr>"
        for first, *others in rows
    )
    return (
        f"<div class=wide tabindex=0 role=region aria-label='{escape(caption, quote=True)}'><table>"
        f"<caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table></div>"
    )


def lines(texts: Sequence[str], kind: str = "notes") -> str:
    """Findings as a list of HTML.

    Args:
        texts: one a line.
        kind: the class of the list: ``notes`` or ``bad``.

    Returns:
        A list; empty for no lines.
    """
    items = "".join(f"<li>{escape(text)}</li>" for text in texts)
    return f"<ul class={kind}>{items}</ul>" if items else ""

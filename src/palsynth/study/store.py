"""A study in one SQLite file: images, raters' tokens, answers.

The file contains the images themselves, patients' too, and needs the same protection: only its
owner can read it.
"""

from __future__ import annotations

import contextlib
import secrets
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import UTC, datetime
from pathlib import Path

from palsynth.errors import InputError
from palsynth.evaluation.study import POINTS, QUESTIONS, Rating
from palsynth.files import atomic_write
from palsynth.seeds import Stream, make_rng

_TABLES = """
create table study (title text, seed integer, version integer);
create table item (number integer primary key, pair text, method text, made blob, patient blob,
    movement text, rest blob);
create table rater (number integer primary key, token text unique);
create table answer (rater integer references rater, item integer references item, question text,
    points integer, at text, primary key (rater, item, question));
"""

_VERSION = 2
"""Until version 1 items had neither movement nor the patient at rest."""

BUSY_SECONDS = 3.0
"""Seconds for which an access to a locked file is tried again."""


class StudyUnavailable(InputError):
    """The file of a study cannot be used at the moment: it is locked, damaged or gone."""


@dataclass(frozen=True)
class StudyItem:
    """One image to be rated."""

    pair: str
    """Name of the pair."""
    method: str
    """Name of the method."""
    made: bytes
    """The method's image, PNG."""
    patient: bytes
    """The patient's image, PNG."""
    movement: str = ""
    """The movement that the patient makes; empty if unknown."""
    rest: bytes = b""
    """The patient at rest, PNG; empty if the set has no such image."""


def create(path: Path, title: str, shown: Sequence[StudyItem], raters: int, seed: int) -> None:
    """Writes a new study. Items are numbered at random, so that numbers do not reveal methods.

    Args:
        path: the study's file.
        title: title of its pages.
        shown: the items.
        raters: how many raters get a link.
        seed: seed of the items' numbers and of each rater's order.

    Raises:
        InputError: the file exists, and may hold answers, or cannot be written.
    """
    if path.exists():
        raise InputError(f"{path}: exists; a study with its answers is never overwritten")
    order = make_rng(seed, Stream.STUDY_ITEMS).permutation(len(shown))
    with _sqlite_errors(path), atomic_write(path) as temporary:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary.touch(0o600)  # SQLite's own files beside it have the same permissions
        with contextlib.closing(sqlite3.connect(temporary)) as base:
            base.executescript(_TABLES)
            base.execute("insert into study values (?, ?, ?)", (title, seed, _VERSION))
            base.executemany(
                "insert into item values (?, ?, ?, ?, ?, ?, ?)",
                [(n, *astuple(shown[k])) for n, k in enumerate(order.tolist(), 1)],
            )
            base.executemany(
                "insert into rater values (?, ?)",
                [(n, secrets.token_urlsafe(9)) for n in range(1, raters + 1)],
            )
            base.commit()


@contextlib.contextmanager
def _sqlite_errors(path: Path) -> Iterator[None]:
    """Turns errors of SQLite into StudyUnavailable."""
    try:
        yield
    except sqlite3.Error as error:
        busy = getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
        remedy = "; end the program that holds it, or wait" if busy else ""
        raise StudyUnavailable(f"{path}: cannot be used as a study ({error}){remedy}") from None


class Study:
    """An existing study. Every access opens its own connection, so that several servers can share
    the file; what never changes in it, raters and numbers of items, is read once.

    Args:
        path: the study's file.

    Raises:
        InputError: there is no such file, or it is not a study of this version.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._uri = f"{path.resolve().as_uri()}?mode=rw"  # never makes an empty file
        if not path.is_file():
            raise InputError(f"{path}: no such file; make one with 'palsynth study new'")
        with self._open() as base:
            row = base.execute("select title, seed, version from study").fetchone()
            raters = base.execute("select token, number from rater order by number").fetchall()
            items = base.execute("select number from item order by number").fetchall()
        if row is None or row[2] not in (1, _VERSION):
            raise InputError(f"{path}: is no study of this palsynth; make a new one")
        self.title, self._seed, self._version = str(row[0]), int(row[1]), int(row[2])
        self._raters = {str(token): int(number) for token, number in raters}
        self._items = [int(number) for (number,) in items]

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with (
            _sqlite_errors(self.path),
            contextlib.closing(sqlite3.connect(self._uri, BUSY_SECONDS, uri=True)) as base,
            base,
        ):
            yield base

    @property
    def private(self) -> bool:
        """Whether only its owner can read the file; those of 0.1 have the usual permissions."""
        return not self.path.stat().st_mode & 0o077

    def tokens(self) -> list[str]:
        """The raters' secret tokens, part of their links, in order of their numbers."""
        return list(self._raters)

    def rater(self, token: str) -> int | None:
        """Looks up a rater.

        Args:
            token: the token of a link.

        Returns:
            The rater's number, from 1, or None for an unknown token.
        """
        return self._raters.get(token)

    def items(self, rater: int) -> list[int]:
        """The items in the order of a rater, random but fixed.

        Args:
            rater: the rater's number.

        Returns:
            The items' numbers.
        """
        order = make_rng(self._seed, rater, Stream.STUDY_RATER_ORDER).permutation(len(self._items))
        return [self._items[k] for k in order]

    def picture(self, item: int, which: str) -> bytes | None:
        """One image of an item.

        Args:
            item: the item's number.
            which: ``made``, ``patient`` or ``rest``, the patient at rest.

        Returns:
            PNG bytes, or None for an unknown item or an image that the study does not have.
        """
        column = {"made": "made", "patient": "patient", "rest": "rest"}[which]
        if self._version == 1 and column == "rest":
            return None
        with self._open() as base:
            row = base.execute(f"select {column} from item where number = ?", (item,)).fetchone()
        return bytes(row[0]) if row and row[0] else None

    def shown(self, item: int) -> tuple[str, bool]:
        """What the page of an item says of the patient.

        Args:
            item: the item's number.

        Returns:
            The movement, empty if unknown, and whether there is an image of the patient at rest.
        """
        if self._version == 1:
            return "", False
        with self._open() as base:
            movement, rest = base.execute(
                "select movement, length(rest) > 0 from item where number = ?", (item,)
            ).fetchone()
        return str(movement), bool(rest)

    def points(self, rater: int, item: int) -> dict[str, int]:
        """A rater's answers about an item.

        Args:
            rater: the rater's number.
            item: the item's number.

        Returns:
            Question -> points, 1 … 5; empty before the rater has answered.
        """
        with self._open() as base:
            rows = base.execute(
                "select question, points from answer where rater = ? and item = ?", (rater, item)
            ).fetchall()
        return dict(rows)

    def answered(self, rater: int) -> set[int]:
        """The items that a rater has answered.

        Args:
            rater: the rater's number.

        Returns:
            The items' numbers.
        """
        with self._open() as base:
            rows = base.execute("select distinct item from answer where rater = ?", (rater,))
            return {int(row[0]) for row in rows}

    def save(self, rater: int, item: int, points: Mapping[str, int]) -> None:
        """Saves all answers about an item, replacing earlier ones, or none of them.

        Args:
            rater: the rater's number.
            item: the item's number.
            points: question -> points, 1 … 5.

        Raises:
            InputError: A question has no valid answer.
        """
        for question in QUESTIONS:
            if points.get(question) not in POINTS:
                raise InputError("please answer every question with 1 to 5")
        now = datetime.now(UTC).isoformat(timespec="seconds")
        with self._open() as base:
            base.executemany(
                "insert or replace into answer values (?, ?, ?, ?, ?)",
                [(rater, item, question, points[question], now) for question in QUESTIONS],
            )

    def answers(self) -> list[Rating]:
        """All answers of all raters."""
        with self._open() as base:
            rows = base.execute(
                "select rater, pair, method, question, points from answer"
                " join item on item.number = answer.item order by rater, item, question"
            ).fetchall()
        return [Rating(f"rater {r}", pair, method, q, p) for r, pair, method, q, p in rows]

    def size(self) -> tuple[int, int]:
        """The numbers of items and of raters."""
        return len(self._items), len(self._raters)

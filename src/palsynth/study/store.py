"""A study in one SQLite file: images, raters' tokens, answers.

The file contains the images themselves, patients' too, and needs the same protection.
"""

from __future__ import annotations

import contextlib
import secrets
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from palsynth.errors import InputError
from palsynth.evaluation.study import POINTS, QUESTIONS, Rating
from palsynth.files import atomic_write
from palsynth.seeds import Stream, make_rng

_TABLES = """
create table study (title text, seed integer, version integer);
create table item (number integer primary key, pair text, method text, made blob, patient blob);
create table rater (number integer primary key, token text unique);
create table answer (rater integer references rater, item integer references item, question text,
    points integer, at text, primary key (rater, item, question));
"""

_VERSION = 1


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
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.closing(sqlite3.connect(temporary)) as base:
            base.executescript(_TABLES)
            base.execute("insert into study values (?, ?, ?)", (title, seed, _VERSION))
            base.executemany(
                "insert into item values (?, ?, ?, ?, ?)",
                [
                    (n, shown[k].pair, shown[k].method, shown[k].made, shown[k].patient)
                    for n, k in enumerate(order.tolist(), 1)
                ],
            )
            base.executemany(
                "insert into rater values (?, ?)",
                [(n, secrets.token_urlsafe(9)) for n in range(1, raters + 1)],
            )
            base.commit()


@contextlib.contextmanager
def _sqlite_errors(path: Path) -> Iterator[None]:
    """Turns errors of SQLite into InputError."""
    try:
        yield
    except sqlite3.Error as error:
        raise InputError(f"{path}: cannot be used as a study ({error})") from None


class Study:
    """An existing study. Every call opens its own connection, so that several servers can share it.

    Args:
        path: the study's file.

    Raises:
        InputError: there is no such file, or it is not a study of this version.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.is_file():
            raise InputError(f"{path}: no such file; make one with 'palsynth study new'")
        with self._open() as base:
            row = base.execute("select title, seed, version from study").fetchone()
        if row is None or row[2] != _VERSION:
            raise InputError(f"{path}: is no study of this palsynth; make a new one")
        self.title, self._seed = str(row[0]), int(row[1])

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with (
            _sqlite_errors(self.path),
            contextlib.closing(sqlite3.connect(self.path, timeout=10)) as base,
            base,
        ):
            yield base

    def tokens(self) -> list[str]:
        """The raters' secret tokens, part of their links, in order of their numbers."""
        with self._open() as base:
            return [row[0] for row in base.execute("select token from rater order by number")]

    def rater(self, token: str) -> int | None:
        """Looks up a rater.

        Args:
            token: the token of a link.

        Returns:
            The rater's number, from 1, or None for an unknown token.
        """
        with self._open() as base:
            row = base.execute("select number from rater where token = ?", (token,)).fetchone()
        return None if row is None else int(row[0])

    def items(self, rater: int) -> list[int]:
        """The items in the order of a rater, random but fixed.

        Args:
            rater: the rater's number.

        Returns:
            The items' numbers.
        """
        with self._open() as base:
            numbers = [row[0] for row in base.execute("select number from item order by number")]
        order = make_rng(self._seed, rater, Stream.STUDY_RATER_ORDER).permutation(len(numbers))
        return [int(numbers[k]) for k in order]

    def picture(self, item: int, which: str) -> bytes | None:
        """One image of an item.

        Args:
            item: the item's number.
            which: ``made`` or ``patient``.

        Returns:
            PNG bytes, or None for an unknown item.
        """
        column = {"made": "made", "patient": "patient"}[which]
        with self._open() as base:
            row = base.execute(f"select {column} from item where number = ?", (item,)).fetchone()
        return None if row is None else bytes(row[0])

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
        with self._open() as base:
            return tuple(
                base.execute(f"select count(*) from {table}").fetchone()[0]
                for table in ("item", "rater")
            )

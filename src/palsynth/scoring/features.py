"""What every judge sees in a picture, computed once and kept by the picture's content."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

import numpy as np

from palsynth.errors import InputError

CHUNK = 32
"""Pictures that are looked at together; no result depends on it."""


class FeatureCache:
    """Arrays by (judge, picture's SHA-256) in an SQLite file. Use as a context.

    An evaluation that was interrupted, or another method's with the same truths, finds there
    what it would compute again.
    """

    def __init__(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._base = sqlite3.connect(path)
            self._base.execute(
                "create table if not exists feature"
                " (judge text, sha text, shape text, value blob, primary key (judge, sha))"
            )
        except (OSError, sqlite3.Error) as error:
            raise InputError(f"{path}: no feature cache can be kept there ({error})") from None

    def __enter__(self) -> FeatureCache:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._base.close()

    def get(self, judge: str, sha: str) -> np.ndarray | None:
        """What a judge said of a picture, float32, or None."""
        row = self._base.execute(
            "select shape, value from feature where judge = ? and sha = ?", (judge, sha)
        ).fetchone()
        if row is None:
            return None
        shape = tuple(int(n) for n in row[0].split(",") if n)
        return np.frombuffer(row[1], np.float32).reshape(shape)

    def put(self, judge: str, found: dict[str, np.ndarray]) -> None:
        """Keeps what a judge says of pictures, by their SHA-256, all or none of them."""
        rows = [
            (judge, sha, ",".join(map(str, value.shape)), value.astype(np.float32).tobytes())
            for sha, value in found.items()
        ]
        with self._base:
            self._base.executemany("insert or replace into feature values (?, ?, ?, ?)", rows)


def sha256(path: Path) -> str:
    """SHA-256 of a file. Raises InputError where it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None


def cached_features(
    paths: Sequence[Path],
    judge: str,
    extract: Callable[[Sequence[Path]], np.ndarray],
    cache: FeatureCache,
    progress: Callable[[int], None] | None = None,
) -> np.ndarray:
    """What a judge sees in pictures, (N, …) float32, from the cache where it has looked before.

    ``extract`` gets at most CHUNK paths at a time; memory holds the features, never all pictures.
    """
    shas = [sha256(path) for path in paths]
    kept = {sha: cache.get(judge, sha) for sha in set(shas)}
    known = {sha: value for sha, value in kept.items() if value is not None}
    todo = list({s: p for s, p in zip(shas, paths, strict=True) if s not in known}.items())
    if progress is not None:
        progress(len(paths) - len(todo))
    for begin in range(0, len(todo), CHUNK):
        part = todo[begin : begin + CHUNK]
        values = extract([path for _, path in part])
        new = {sha: value for (sha, _), value in zip(part, values, strict=True)}
        cache.put(judge, new)
        known.update({sha: value.astype(np.float32) for sha, value in new.items()})
        if progress is not None:
            progress(len(part))
    return np.stack([known[sha] for sha in shas])

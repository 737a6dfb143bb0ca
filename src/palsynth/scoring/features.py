"""Features of images, computed once per judge and cached by the SHA-256 of the file."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType

import numpy as np

from palsynth.errors import InputError
from palsynth.records import file_sha256

CHUNK = 32
"""Images per batch; results do not depend on it."""


class FeatureCache:
    """Arrays by (judge, SHA-256 of the image) in an SQLite file; a context manager.

    An interrupted evaluation resumes from it, and the evaluations of several methods share the
    features of the same ground truth.

    Args:
        path: the SQLite file; created, with its folder, where it does not exist.

    Raises:
        InputError: the file cannot be created or opened.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._made = [p for p in (path, *path.parents) if not p.exists()]
        with self._errors():
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                path.touch(mode=0o600)  # features of patients' faces
            self._base = sqlite3.connect(path)
            self._base.execute(
                "create table if not exists feature"
                " (judge text, sha text, shape text, value blob, primary key (judge, sha))"
            )

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Turns errors of the file into one line that says what to do."""
        try:
            yield
        except sqlite3.OperationalError as error:  # locked, full, read-only, of another form
            raise InputError(
                f"{self._path}: cannot be used as a feature cache ({error}); {_remedy(error)}"
            ) from None
        except (OSError, sqlite3.Error, ValueError) as error:
            raise InputError(
                f"{self._path}: cannot be used as a feature cache ({error}); where it is one, it "
                "is damaged: delete it, and it is computed again"
            ) from None

    def __enter__(self) -> FeatureCache:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with suppress(OSError, sqlite3.Error):
            unused = error is not None and self._path in self._made and not self._any()
            self._base.close()
            if unused:  # what was refused leaves nothing
                self._path.unlink()
                for folder in self._made[1:]:
                    folder.rmdir()
        self._base.close()

    def _any(self) -> bool:
        return self._base.execute("select 1 from feature limit 1").fetchone() is not None

    def get(self, judge: str, sha: str) -> np.ndarray | None:
        """Looks up the features of one image.

        Args:
            judge: name of the judge.
            sha: SHA-256 of the image file, hexadecimal.

        Returns:
            The features, float32 in their original shape, or None.

        Raises:
            InputError: the file is in use, damaged or no feature cache.
        """
        with self._errors():
            row = self._base.execute(
                "select shape, value from feature where judge = ? and sha = ?", (judge, sha)
            ).fetchone()
            if row is None:
                return None
            if not isinstance(row[0], str) or not isinstance(row[1], bytes):
                raise ValueError("a row holds no features")
            shape = tuple(int(n) for n in row[0].split(",") if n)
            return np.frombuffer(row[1], np.float32).reshape(shape)

    def put(self, judge: str, found: dict[str, np.ndarray]) -> None:
        """Stores features in one transaction, as float32.

        Args:
            judge: name of the judge.
            found: SHA-256 of each image -> its features, of any shape.

        Raises:
            InputError: the disk is full, or the file is in use, damaged or no feature cache.
        """
        rows = [
            (judge, sha, ",".join(map(str, value.shape)), value.astype(np.float32).tobytes())
            for sha, value in found.items()
        ]
        with self._errors(), self._base:
            self._base.executemany("insert or replace into feature values (?, ?, ?, ?)", rows)


def _remedy(error: sqlite3.OperationalError) -> str:
    """What to do about an error of the file."""
    if "locked" in str(error):
        return "another command uses it: wait for it, or give another file"
    if "full" in str(error) or "I/O" in str(error):
        return "make room on the disk and run the command again, which resumes"
    return "give another file"


def cached_features(
    paths: Sequence[Path],
    judge: str,
    extract: Callable[[Sequence[Path]], np.ndarray],
    cache: FeatureCache,
    progress: Callable[[int], None] | None = None,
) -> np.ndarray:
    """Features of images, read from the cache or extracted and cached.

    Memory holds the features, never all images at once.

    Args:
        paths: N image files; files with the same bytes are processed once.
        judge: name of the judge, the key in the cache.
        extract: maps at most ``CHUNK`` paths to an array with one row per path.
        cache: the cache to read and to extend.
        progress: called with the number of newly finished images.

    Returns:
        (N, …) float32.

    Raises:
        InputError: A file cannot be read.
    """
    shas = [file_sha256(path) for path in paths]
    cached = {sha: cache.get(judge, sha) for sha in set(shas)}
    features = {sha: value for sha, value in cached.items() if value is not None}
    todo = list({s: p for s, p in zip(shas, paths, strict=True) if s not in features}.items())
    if progress is not None:
        progress(len(paths) - len(todo))
    for start in range(0, len(todo), CHUNK):
        part = todo[start : start + CHUNK]
        values = extract([path for _, path in part])
        new = {sha: value for (sha, _), value in zip(part, values, strict=True)}
        cache.put(judge, new)
        features.update({sha: value.astype(np.float32) for sha, value in new.items()})
        if progress is not None:
            progress(len(part))
    return np.stack([features[sha] for sha in shas])

"""A cache that cannot be used is one line, which says what to do."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from palsynth.errors import InputError
from palsynth.scoring.features import FeatureCache

FOUND = {"ab": np.arange(6, dtype=np.float32).reshape(2, 3)}


def test_features_come_back_in_their_shape(tmp_path: Path) -> None:
    with FeatureCache(tmp_path / "new" / "f.sqlite") as cache:
        assert cache.get("judge", "ab") is None
        cache.put("judge", FOUND)
        np.testing.assert_array_equal(cache.get("judge", "ab"), FOUND["ab"])


def test_a_file_that_is_no_cache_is_named(tmp_path: Path) -> None:
    path = tmp_path / "f.sqlite"
    path.write_bytes(b"no database, but long enough to be looked at" * 50)
    with pytest.raises(InputError, match=r"f.sqlite: cannot be used .*not a database.*delete it"):
        FeatureCache(path)
    path.unlink()
    with sqlite3.connect(path) as base:
        base.execute("create table feature (other text)")
    with (
        FeatureCache(path) as cache,
        pytest.raises(InputError, match=r"no such column.*give another file"),
    ):
        cache.get("judge", "ab")


def test_a_damaged_row_is_named(tmp_path: Path) -> None:
    path = tmp_path / "f.sqlite"
    for shape, value in (("2,2", b"1234"), ("x", b""), (7, b""), ("1", "text")):
        path.unlink(missing_ok=True)
        with FeatureCache(path) as cache:
            cache.put("judge", FOUND)
        with sqlite3.connect(path) as base:
            base.execute("update feature set shape = ?, value = ?", (shape, value))
        with (
            FeatureCache(path) as cache,
            pytest.raises(InputError, match=r"f.sqlite: cannot be used .* damaged: delete it"),
        ):
            cache.get("judge", "ab")


def test_a_locked_cache_and_a_full_disk_are_named(tmp_path: Path) -> None:
    path = tmp_path / "f.sqlite"
    with FeatureCache(path) as cache:
        cache._base.execute("pragma busy_timeout = 10")
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("begin exclusive")
        with pytest.raises(InputError, match=r"database is locked.*another command uses it"):
            cache.put("judge", FOUND)
        other.close()
        pages = cache._base.execute("pragma page_count").fetchone()[0]
        cache._base.execute(f"pragma max_page_count = {pages}")
        with pytest.raises(InputError, match=r"disk is full.*make room on the disk"):
            cache.put("judge", {str(k): np.zeros(4000, np.float32) for k in range(9)})


def test_a_refused_evaluation_leaves_no_empty_cache(tmp_path: Path) -> None:
    path = tmp_path / "report" / "of" / "features.sqlite"
    with pytest.raises(InputError, match="refused"), FeatureCache(path):
        raise InputError("refused")
    assert list(tmp_path.iterdir()) == []
    with contextlib.suppress(InputError), FeatureCache(path) as cache:
        cache.put("judge", {"sha": np.zeros(2, np.float32)})
        raise InputError("later")
    with pytest.raises(InputError, match="again"), FeatureCache(path):
        raise InputError("again")
    with FeatureCache(path) as cache:
        assert cache.get("judge", "sha") is not None

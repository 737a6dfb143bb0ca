"""Fixtures that many tests share: a synthetic subject, one real photo, and a blocked network.

The photo is scikit-image's astronaut, read from that package and never copied.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # tests run in parallel, one process per core

import numpy as np
import pytest

from palsynth.clinical import Grade, Movement, Palsy, Side
from palsynth.face.detect import detect_face
from palsynth.face.face import Face
from palsynth.face.images import write_png
from palsynth.subjects import Subject, View, render, sample


@pytest.fixture(autouse=True)
def no_notes_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    """A note is printed once a process; every test is one of its own."""
    monkeypatch.setattr("palsynth.notes._noted", set())


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Blocks the network: each attempt to connect to another machine fails, and so does the test,
    even if a library handles the failure."""
    attempts: list[str] = []
    connect, look_up = socket.socket.connect, socket.getaddrinfo

    def refuse(self: socket.socket, address: Any) -> None:
        host = address[0] if isinstance(address, tuple) else None
        if host is None or host in ("127.0.0.1", "::1", "localhost"):
            return connect(self, address)
        attempts.append(str(host))
        raise ConnectionRefusedError("no network in tests")

    def refuse_name(host: Any, *args: Any, **named: Any) -> Any:
        if host in (None, "", "127.0.0.1", "::1", "localhost", "0.0.0.0"):
            return look_up(host, *args, **named)
        attempts.append(str(host))
        raise socket.gaierror("no network in tests")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse_name)
    yield attempts
    assert attempts == []


@pytest.fixture(autouse=True)
def no_flush(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves out flushing to the disk, some milliseconds a file: no test cuts the power."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.fixture(scope="session")
def subject() -> Subject:
    return sample(5)


@pytest.fixture(scope="session")
def neutral(subject: Subject) -> np.ndarray:
    return render(subject, view=View(256)).image


@pytest.fixture(scope="session")
def half_grin(subject: Subject) -> np.ndarray:
    palsy = Palsy.peripheral(Side.LEFT, Grade.V)
    return render(subject, Movement.GRIN, palsy, view=View(256)).image


@pytest.fixture(scope="session")
def face(neutral: np.ndarray) -> Face:
    return detect_face(neutral)


@pytest.fixture(scope="session")
def astronaut() -> Face:
    from skimage.data import astronaut

    return detect_face(np.ascontiguousarray(astronaut()[:300, 80:380]))


@pytest.fixture
def photo(tmp_path: Path, neutral: np.ndarray) -> Path:
    path = tmp_path / "photo.png"
    write_png(path, neutral)
    return path

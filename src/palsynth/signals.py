"""Signals that ask a command to stop."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

STOPPING = ("SIGINT", "SIGTERM", "SIGHUP")
"""Ctrl-C; a polite kill; and the end of the terminal, which Windows does not have."""


@contextmanager
def tidy_end() -> Iterator[None]:
    """Ends a command that is asked to stop in order, as Ctrl-C does.

    SIGTERM and SIGHUP become SystemExit, so that temporary files, locks and worker processes go
    too; the second one ends the process at once. A signal that the caller ignores, as ``nohup``
    does, stays ignored.

    Yields:
        Nothing.
    """

    def handle(number: int, frame: Any) -> None:
        for each in before:
            signal.signal(each, signal.SIG_DFL)
        name = signal.Signals(number).name
        print(f"palsynth: stopped by {name}", file=sys.stderr)
        sys.exit(128 + number)

    before = {}
    if threading.current_thread() is threading.main_thread():
        for name in STOPPING[1:]:
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) is signal.SIG_DFL:
                before[number] = signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def kept_handlers() -> Iterator[None]:
    """Keeps what this process does at signals to stop, whatever a library sets meanwhile.

    Yields:
        Nothing.
    """
    main = threading.current_thread() is threading.main_thread()
    numbers = [getattr(signal, name) for name in STOPPING if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in numbers if main}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def ignore_signals() -> None:
    """Lets only the process that started this one decide when it ends.

    A signal to the whole group of processes reaches workers too.
    """
    for name in STOPPING:
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)


@contextmanager
def signals_blocked() -> Iterator[None]:
    """Holds back signals to stop: processes that start meanwhile never get them, this one later.

    Yields:
        Nothing.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    stopping = {getattr(signal, name) for name in STOPPING}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, stopping)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def start_resource_tracker() -> None:
    """Starts the process in which multiprocessing counts what it shares, for this process's life.

    It ignores Ctrl-C and SIGTERM, but a SIGHUP to the group would end it, with a traceback.
    """
    if not hasattr(signal, "SIGHUP"):  # Windows, which has no such process
        return
    from multiprocessing import resource_tracker

    if threading.current_thread() is not threading.main_thread():
        resource_tracker.ensure_running()
        return
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        resource_tracker.ensure_running()
    finally:
        signal.signal(signal.SIGHUP, before)

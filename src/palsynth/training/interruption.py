"""Signals that ask a training to stop."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from typing import Any

from palsynth.signals import STOPPING


@contextlib.contextmanager
def interruption() -> Iterator[list[int]]:
    """Collects the signals to stop; the second one raises KeyboardInterrupt immediately."""
    received: list[int] = []

    def handle(number: int, frame: Any) -> None:
        if received:
            raise KeyboardInterrupt
        received.append(number)

    signals = [getattr(signal, name) for name in STOPPING if hasattr(signal, name)]
    wanted = [s for s in signals if signal.getsignal(s) is not signal.SIG_IGN]  # as nohup says
    before = {s: signal.signal(s, handle) for s in wanted}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

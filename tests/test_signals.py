"""What a process does at signals to stop."""

from __future__ import annotations

import signal

from palsynth.signals import STOPPING, kept_handlers


def test_handlers_stay_as_they_are_whatever_a_library_sets() -> None:
    numbers = [getattr(signal, name) for name in STOPPING if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in numbers}
    with kept_handlers():
        for number in numbers:
            signal.signal(number, lambda *_: None)
    assert {number: signal.getsignal(number) for number in numbers} == before

"""What happens to a training when something happens to the processes that prepare its examples."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from palsynth.data.examples import Example, Source
from palsynth.errors import InputError
from palsynth.training.batches import batches
from palsynth.training.recipe import LoopSettings


class Unreadable(Source):
    """The third example is on a picture that has gone."""

    num_subjects = None

    def __getitem__(self, number: int) -> Example:
        if number == 2:
            raise InputError("b.png: cannot be read")
        return Example(np.zeros((2, 2, 3), np.uint8), number)


class Killed(Source):
    """The worker dies at the third example, as of a system without memory."""

    num_subjects = None

    def __getitem__(self, number: int) -> Example:
        if number == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return Example(np.zeros((2, 2, 3), np.uint8), number)


@pytest.mark.parametrize("workers", [0, 1])
def test_an_example_that_cannot_be_read_is_named_in_one_line(workers: int) -> None:
    loaded = batches(Unreadable(), LoopSettings(steps=3, batch=2, workers=workers), 0)
    assert next(loaded)["subject"].tolist() == [0, 1]
    with pytest.raises(InputError, match=r"^b\.png: cannot be read$"):
        next(loaded)


def test_a_killed_worker_is_said() -> None:
    loaded = batches(Killed(), LoopSettings(steps=3, batch=1, workers=1), 0)
    with pytest.raises(InputError, match=r"a worker process was killed, .* fewer --loop.workers$"):
        list(loaded)


def test_a_worker_never_gets_a_signal_to_stop_while_it_starts(tmp_path: Path) -> None:
    """Until then it does not ignore them: a kill of the group would end it."""
    script = tmp_path / "masks.py"
    script.write_text(
        "import signal\n"
        "import numpy as np\n"
        "from palsynth.data.examples import Example\n"
        "from palsynth.signals import STOPPING\n"
        "from palsynth.training.batches import batches\n"
        "from palsynth.training.recipe import LoopSettings\n"
        "class Masks:\n"
        "    def __getitem__(self, number):\n"
        "        held = signal.pthread_sigmask(signal.SIG_BLOCK, [])\n"
        "        all_held = {getattr(signal, name) for name in STOPPING} <= held\n"
        "        return Example(np.zeros((2, 2, 3), np.uint8), int(all_held))\n"
        "if __name__ == '__main__':\n"
        "    loop = LoopSettings(steps=1, batch=1, workers=1)\n"
        "    print(next(batches(Masks(), loop, 0))['subject'].tolist())\n"
        "    print(Masks()[0].subject)\n"
    )
    command = [sys.executable, str(script)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.stdout.split("\n")[:2] == ["[1]", "0"], done.stderr

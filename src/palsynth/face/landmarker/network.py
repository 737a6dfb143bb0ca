"""TensorFlow Lite networks on the CPU, through LiteRT."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Iterator
from importlib.resources import files

import numpy as np
from ai_edge_litert.interpreter import Interpreter


class Network:
    """One network that ships with the package, on one thread of the CPU."""

    def __init__(self, name: str) -> None:
        # The interpreter reads this buffer for as long as it lives.
        self._model = (files("palsynth.face.landmarker") / "assets" / f"{name}.tflite").read_bytes()
        with _without_log():
            self._interpreter = Interpreter(model_content=self._model, num_threads=1)
            self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._outputs = [d["index"] for d in self._interpreter.get_output_details()]

    def __call__(self, values: np.ndarray) -> list[np.ndarray]:
        """Runs the network.

        Args:
            values: the input tensor without its batch axis, float32.

        Returns:
            The output tensors, in the network's own order.
        """
        self._interpreter.set_tensor(self._input, values[None].astype(np.float32))
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(i) for i in self._outputs]


def probability(logits: np.ndarray) -> np.ndarray:
    """The logistic function, of any size without overflow."""
    return np.asarray(0.5 + 0.5 * np.tanh(0.5 * logits))


_loaded = threading.local()


def network(name: str) -> Network:
    """The network of a name, loaded once a thread: an interpreter serves one caller at a time."""
    if name not in vars(_loaded):
        setattr(_loaded, name, Network(name))
    found: Network = getattr(_loaded, name)
    return found


@contextlib.contextmanager
def _without_log() -> Iterator[None]:
    """Keeps the runtime's C++ log, which names its delegate, off the terminal."""
    try:
        saved = os.dup(2)
    except OSError:  # there is no standard error to keep quiet
        yield
        return
    if sys.stderr is not None:
        sys.stderr.flush()
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(saved, 2)
            os.close(saved)

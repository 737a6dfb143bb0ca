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
    """A network that ships with the package, run on one CPU thread.

    Args:
        name: file name of the network without suffix.
    """

    def __init__(self, name: str) -> None:
        # The interpreter reads from this buffer throughout its lifetime.
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
            The output tensors with their batch axis, in the order of the network.
        """
        self._interpreter.set_tensor(self._input, values[None].astype(np.float32))
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(i) for i in self._outputs]


def probability(logits: np.ndarray) -> np.ndarray:
    """The logistic function, without overflow.

    Args:
        logits: array of any shape.

    Returns:
        Array of the same shape, in 0 … 1.

    Example:
        >>> probability(np.array([-1000.0, 0.0, 1000.0])).tolist()
        [0.0, 0.5, 1.0]
    """
    return np.asarray(0.5 + 0.5 * np.tanh(0.5 * logits))


_loaded = threading.local()


def network(name: str) -> Network:
    """A network by name, loaded once per thread, as an interpreter serves one caller at a time.

    Args:
        name: file name of the network without suffix.

    Returns:
        The network, loaded once per thread.
    """
    if name not in vars(_loaded):
        setattr(_loaded, name, Network(name))
    loaded: Network = getattr(_loaded, name)
    return loaded


@contextlib.contextmanager
def _without_log() -> Iterator[None]:
    """Suppresses the runtime's C++ log on the terminal, which names its delegate."""
    try:
        saved = os.dup(2)
    except OSError:  # there is no standard error to silence
        yield
        return
    if sys.stderr is not None:
        sys.stderr.flush()
    with open(os.devnull, "w") as devnull:
        os.dup2(devnull.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(saved, 2)
            os.close(saved)

"""The quality family. SER-FIQ: quality for recognition, by how stochastic embeddings vary."""

from __future__ import annotations

import numpy as np

from palsynth.evaluation import checks
from palsynth.evaluation.metric import Inputs, Metric, Outcome


def ser_fiq(embeddings: np.ndarray) -> float:
    """Quality of one image (Terhörst et al. 2020): 2 sigmoid(-mean distance of all pairs).

    The reference code rescales this: see :func:`ser_fiq_rescaled`.

    Args:
        embeddings: (m, D) embeddings of the image with different dropout masks, normalised here
            to unit length; the paper uses m = 100.

    Returns:
        The quality, 0 to 1.

    Raises:
        InputError: there are fewer than two embeddings, or they are no numbers.
    """
    checks.dimensions("embeddings", embeddings, (None, None))
    checks.at_least("embeddings", len(embeddings), 2, "embeddings: a distance needs two")
    checks.finite("embeddings", embeddings)
    x = embeddings.astype(np.float64)
    x = x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)
    squared = np.maximum(2 - 2 * (x @ x.T), 0)
    upper = np.triu_indices(len(x), 1)
    return float(2 / (1 + np.exp(np.sqrt(squared[upper]).mean())))


def ser_fiq_rescaled(quality: float, alpha: float = 130.0, r: float = 0.88) -> float:
    """Rescales a quality as the reference code does: sigmoid(alpha (quality - r)).

    Args:
        quality: output of :func:`ser_fiq`, 0 to 1.
        alpha: slope.
        r: quality that is mapped to 0.5.

    Returns:
        The rescaled quality, 0 to 1.

    Raises:
        InputError: the quality lies outside 0 to 1.

    Example:
        >>> ser_fiq_rescaled(0.88)
        0.5
    """
    checks.within("quality", quality, 0, 1)
    return float(1 / (1 + np.exp(-alpha * (quality - r))))


def _ser_fiq(inputs: Inputs) -> Outcome:
    values = inputs.features("quality")[:, 0]
    return Outcome(values, variant=f"ser-fiq[{inputs.name('quality')}, unscaled]")


METRICS = (
    Metric(
        key="ser_fiq",
        title="SER-FIQ",
        family="quality",
        better="up",
        meaning="2 sigmoid(-mean distance) of 100 embeddings with dropout, unscaled",
        judge="our recogniser",
        needs=("faces",),
        compute=_ser_fiq,
        blind="any clear face scores high",
        by_people=True,
    ),
    Metric(
        key="faces",
        title="one face found, %",
        family="quality",
        better="up",
        meaning="share of pictures in which exactly one face is found",
        judge="MediaPipe",
        needs=("faces",),
        compute=lambda inputs: Outcome(100.0 * ~np.isnan(inputs.features("quality")[:, 0])),
        digits=1,
        blind="any face counts",
        by_people=True,
    ),
)

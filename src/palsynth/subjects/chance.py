"""Random palsies and views, for training data."""

from __future__ import annotations

import numpy as np

from palsynth.clinical import Branch, Grade, Palsy, Side, SidePalsy
from palsynth.face.framing import Framing
from palsynth.subjects.scene import HeadPose, Jitter, Light, Scene, View


def random_palsy(rng: np.random.Generator, side: Side, healthy: float = 0.0) -> Palsy:
    """Samples a palsy: graded, uneven over the branches, or sometimes central or late.

    Of 100 palsies 10 are central, 15 late peripheral and 35 peripheral, of a random grade II to
    VI; in 40 the function of each branch varies about a random level.

    Args:
        rng: source of randomness.
        side: the patient's weak side.
        healthy: probability of no palsy, 0 to 1.

    Returns:
        The palsy.
    """
    if rng.random() < healthy:
        return Palsy.none()
    kind = rng.random()
    grade = list(Grade)[int(rng.integers(1, 6))]
    if kind < 0.10:
        return Palsy.central(side, grade)
    if kind < 0.25:
        return Palsy.peripheral(side, grade, late=True)
    if kind < 0.60:
        return Palsy.peripheral(side, grade)
    level = float(rng.uniform(0, 1))
    function = {b: float(np.clip(level + rng.normal(0, 0.15), 0, 1)) for b in Branch}
    tone = float(np.clip(2 * level + rng.normal(0, 0.1), 0, 1))
    return Palsy.on(side, SidePalsy(function, tone))


def random_scene(rng: np.random.Generator) -> Scene:
    """Samples a nearly frontal pose in ordinary indoor light, slightly blurred and noisy.

    Args:
        rng: source of randomness.

    Returns:
        The scene.
    """
    return Scene(
        pose=HeadPose(*(float(rng.normal(0, s)) for s in (4.0, 3.0, 2.0))),
        light=Light(
            float(rng.uniform(-0.5, 0.5)),
            float(rng.uniform(0.88, 1.08)),
            float(rng.uniform(-0.4, 0.4)),
        ),
        jitter=Jitter(
            shift=(float(rng.normal(0, 0.008)), float(rng.normal(0, 0.008))),
            zoom=float(rng.uniform(0.97, 1.03)),
            blur=float(rng.uniform(0, 1.2)),
            noise=float(rng.uniform(0, 2.0)),
            seed=int(rng.integers(2**31)),
        ),
    )


def random_view(rng: np.random.Generator, size: int, framing: Framing) -> View:
    """Samples a view of a size and framing, in a :func:`random_scene`.

    Args:
        rng: source of randomness.
        size: image side in pixels.
        framing: the crop.

    Returns:
        The view.
    """
    return View(size, framing, random_scene(rng))

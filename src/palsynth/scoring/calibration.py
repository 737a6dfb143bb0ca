"""Calibrates the measures against pictures whose true palsy is known: people who do not exist,
whose true landmarks are known too, and photographs that the simulator moves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from palsynth.clinical import (
    YANAGIHARA,
    Movement,
    Palsy,
    Side,
    item_score,
    palsy_from_yanagihara,
)
from palsynth.evaluation.agreement import weighted_kappa
from palsynth.face.detect import detect_faces
from palsynth.face.face import Face
from palsynth.face.measures import SIDED, Measures, measure
from palsynth.face.scoring import against_rest, features, relative_function, usual_rest
from palsynth.seeds import Stream, make_rng
from palsynth.simulator.photo import simulate
from palsynth.subjects import HeadPose, Jitter, Light, View, random_palsy, render, sample

FIRST_SEED = 700_000
"""People of the calibration; never those of evaluation (from 1,000,000 on)."""

RIDGE = 2e-3

FROM_TOTALS = 0.25
"""Share of palsies that a Yanagihara total gives: they lose tone and function apart, as a grade
does not."""


MOVED = 3
"""How often more a photographed person is moved than a drawn one: there are fewer of them."""


@dataclass(frozen=True)
class Sample:
    """One picture: the palsy asked for, and measures from detected and, of drawn people, true
    landmarks; ``rest`` those detected in a picture of the same person without a palsy at rest."""

    movement: Movement
    palsy: Palsy
    seen: Measures
    true: Measures | None
    rest: Measures


def render_samples(
    movement: Movement,
    subjects: range,
    per_subject: int,
    progress: Callable[[], None] | None = None,
) -> list[Sample]:
    """Draws people doing a movement with random palsies, and measures the pictures."""
    out = []
    for seed in subjects:
        subject = sample(seed)
        still = render(subject, view=_view(make_rng(seed, Stream.CALIBRATION_REST_VIEW), seed))
        at_rest = detect_faces(still.image)
        for k in range(per_subject):
            rng = make_rng(seed, k, YANAGIHARA.index(movement))
            side = Side.LEFT if rng.random() < 0.5 else Side.RIGHT
            palsy = _palsy(rng, side)
            view = _view(rng, seed)
            intensity = float(rng.uniform(0.9, 1.1))
            portrait = render(subject, movement, palsy, intensity=intensity, view=view)
            faces = detect_faces(portrait.image)
            if faces and at_rest:
                out.append(
                    Sample(
                        movement,
                        palsy,
                        measure(faces[0].landmarks),
                        measure(portrait.landmarks),
                        measure(at_rest[0].landmarks),
                    )
                )
            if progress is not None:
                progress()
    return out


@dataclass(frozen=True)
class Photographed:
    """Somebody healthy, photographed at ``rest`` and smiling."""

    rest: Face
    smile: Face


def move_photographs(
    movement: Movement,
    subjects: Sequence[Photographed],
    per_subject: int,
    progress: Callable[[], None] | None = None,
) -> list[Sample]:
    """Moves people photographed at rest with random palsies, and measures the pictures; their own
    smiles are healthy grins."""
    out = []
    for number, subject in enumerate(subjects):
        face = subject.rest
        rest = measure(face.landmarks)
        if movement is Movement.GRIN:
            for rested, smile in (
                (face, subject.smile),
                (face.mirrored(), subject.smile.mirrored()),
            ):
                seen, still = measure(smile.landmarks), measure(rested.landmarks)
                out.append(Sample(movement, Palsy.none(), seen, None, still))
        for k in range(per_subject):
            rng = make_rng(number, k, YANAGIHARA.index(movement), Stream.CALIBRATION_PHOTOGRAPH)
            side = Side.LEFT if rng.random() < 0.5 else Side.RIGHT
            palsy = _palsy(rng, side)
            moved = simulate(face, movement, palsy, intensity=float(rng.uniform(0.9, 1.1)))
            if found := detect_faces(moved.image):
                out.append(Sample(movement, palsy, measure(found[0].landmarks), None, rest))
            if progress is not None:
                progress()
    return out


def _palsy(rng: np.random.Generator, side: Side) -> Palsy:
    if rng.random() < FROM_TOTALS:
        return _of_total(2 * int(rng.integers(21)), side)
    return random_palsy(rng, side, healthy=0.15)


@cache
def _of_total(total: int, side: Side) -> Palsy:
    return palsy_from_yanagihara(total, side)


def _view(rng: np.random.Generator, seed: int) -> View:
    pose = HeadPose(float(rng.normal(0, 3)), float(rng.normal(0, 2)), float(rng.normal(0, 2)))
    light = Light(float(rng.uniform(-0.4, 0.4)))
    jitter = Jitter(blur=float(rng.uniform(0, 1)), noise=2.0, seed=seed)
    return View(size=256, pose=pose, light=light, jitter=jitter)


def fit_item(samples: list[Sample]) -> list[float]:
    """Ridge regression from a side's measures to its function; both sides are examples."""
    x = np.array([features(s.seen, side) for s in samples for side in Side])
    y = np.array([s.palsy.movement_function(s.movement, side) for s in samples for side in Side])
    # the weak side is what the score asks about: it counts as much as all healthy ones
    weak = y < 0.95
    weight = np.where(weak, 1.0, 0.5)[:, None]
    scale = x.std(0) + 1e-6
    z = x / scale
    system = (z * weight).T @ z + RIDGE * len(z) * np.eye(z.shape[1])
    coefficients = np.linalg.solve(system, (z * weight).T @ y) / scale
    return [round(float(c), 5) for c in coefficients]


def fit_gains(samples: list[Sample]) -> dict[str, list[float]]:
    """For each measure: slope of true on seen asymmetry, and their correlation."""
    known = [(s.seen.fractions(), s.true.fractions()) for s in samples if s.true is not None]
    out = {}
    for name in SIDED:
        seen, true = np.array([[m.sided[name].asymmetry for m in pair] for pair in known]).T
        spread = np.abs(seen - np.median(seen)) < 8 * np.abs(seen - np.median(seen)).mean()
        seen, true = seen[spread], true[spread]
        slope = float((seen * true).sum() / np.square(seen).sum())
        out[name] = [round(slope, 3), round(float(np.corrcoef(seen, true)[0, 1]), 3)]
    return out


def fit_thresholds(samples: list[Sample], weights: list[float]) -> list[float]:
    """Estimated function from which an item scores 2 and 4: those with the best weighted kappa.

    A regression draws its estimates towards the middle, so the scale's own thresholds of
    0.25 and 0.75 would give too many 2s.
    """
    table = np.array(weights)
    both = [[float(np.clip(features(s.seen, d) @ table, 0, 1)) for d in Side] for s in samples]
    weaker = np.array([relative_function(*pair) for pair in both])
    true = np.array([item_score(s.palsy, s.movement) for s in samples])
    best, found = -np.inf, (0.25, 0.75)
    for low in np.arange(0.10, 0.60, 0.02):
        for high in np.arange(low + 0.05, 0.95, 0.02):
            score = np.where(weaker >= high, 4, np.where(weaker >= low, 2, 0))
            kappa = weighted_kappa(true, score)
            if kappa > best:
                best, found = kappa, (low, high)
    return [round(float(t), 2) for t in found]


def calibrate(
    subjects: int,
    per_subject: int,
    progress: Callable[[], None] | None = None,
    photographed: Sequence[Photographed] = (),
) -> dict[str, dict[str, Any]]:
    """Everything that ``face/assets/calibration.json`` holds; with people ``photographed`` they
    are moved and measured beside those who are drawn."""
    drawn = {}
    for number, movement in enumerate(YANAGIHARA):
        first = FIRST_SEED + 1000 * number
        seeds = range(first, first + subjects)
        drawn[movement] = render_samples(movement, seeds, per_subject, progress)
        drawn[movement] += move_photographs(movement, photographed, MOVED * per_subject, progress)
    usual = usual_rest([s.rest for samples in drawn.values() for s in samples])
    out: dict[str, dict[str, Any]] = {"rest": usual}
    for kind in ("", " with rest"):
        weights, thresholds = {}, {}
        for movement, samples in drawn.items():
            if kind:
                samples = [replace(s, seen=against_rest(s.seen, s.rest, usual)) for s in samples]
            weights[movement.value] = fit_item(samples)
            thresholds[movement.value] = fit_thresholds(samples, weights[movement.value])
        out["weights" + kind], out["thresholds" + kind] = weights, thresholds
    out["gains"] = fit_gains([s for samples in drawn.values() for s in samples])
    return out

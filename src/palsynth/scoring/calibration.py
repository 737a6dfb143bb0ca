"""Calibration of the facial measures on images whose palsy is known.

Two kinds of images are used: rendered synthetic subjects, whose landmarks are also known
exactly, and photographs of healthy people that the simulator moves.
"""

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
from palsynth.face.scoring import against_rest, features, mean_rest, relative_function
from palsynth.seeds import Stream, make_rng
from palsynth.simulator.photo import simulate
from palsynth.subjects import HeadPose, Jitter, Light, Scene, View, random_palsy, render, sample

FIRST_SEED = 700_000
"""First seed of the calibration subjects; disjoint from the evaluation seeds (from 1,000,000)."""

RIDGE = 2e-3
"""Ridge penalty per example."""

SHARE_FROM_TOTALS = 0.25
"""Share of palsies generated from a Yanagihara total; unlike grades, totals reduce tone and
function independently."""

IMAGES_PER_PHOTOGRAPH = 3
"""Images per photographed person for each image per synthetic subject: there are fewer
photographed people."""


@dataclass(frozen=True)
class Sample:
    """One measured image with its ground truth."""

    movement: Movement
    palsy: Palsy
    """The requested palsy."""
    seen: Measures
    """Measures from detected landmarks."""
    true: Measures | None
    """Measures from the true landmarks; None for photographs, whose true landmarks are unknown."""
    rest: Measures
    """Measures from detected landmarks of the same person at rest without a palsy."""


def render_samples(
    movement: Movement,
    subjects: range,
    per_subject: int,
    progress: Callable[[], None] | None = None,
) -> list[Sample]:
    """Renders synthetic subjects with random palsies and measures the images.

    Args:
        movement: the movement that every subject performs.
        subjects: seeds of the subjects.
        per_subject: images per subject, each with its own palsy and view.
        progress: called once per image.

    Returns:
        The samples; images in which no face is detected are left out.
    """
    samples = []
    for seed in subjects:
        subject = sample(seed)
        rest = render(subject, view=_view(make_rng(seed, Stream.CALIBRATION_REST_VIEW), seed))
        rest_faces = detect_faces(rest.image)
        for k in range(per_subject):
            rng = make_rng(seed, k, YANAGIHARA.index(movement))
            side = Side.LEFT if rng.random() < 0.5 else Side.RIGHT
            palsy = _palsy(rng, side)
            view = _view(rng, seed)
            intensity = float(rng.uniform(0.9, 1.1))
            portrait = render(subject, movement, palsy, intensity=intensity, view=view)
            faces = detect_faces(portrait.image)
            if faces and rest_faces:
                samples.append(
                    Sample(
                        movement,
                        palsy,
                        measure(faces[0].landmarks),
                        measure(portrait.landmarks),
                        measure(rest_faces[0].landmarks),
                    )
                )
            if progress is not None:
                progress()
    return samples


@dataclass(frozen=True)
class Photographed:
    """A healthy person photographed at ``rest`` and smiling."""

    rest: Face
    smile: Face


def move_photographs(
    movement: Movement,
    subjects: Sequence[Photographed],
    per_subject: int,
    progress: Callable[[], None] | None = None,
) -> list[Sample]:
    """Simulates random palsies on photographs at rest and measures the images.

    For ``Movement.GRIN`` the photographed smiles, as they are and mirrored, are included as
    samples without a palsy.

    Args:
        movement: the movement that every person performs.
        subjects: photographed people.
        per_subject: simulated images per person, each with its own palsy.
        progress: called once per simulated image.

    Returns:
        The samples, without true landmarks; images in which no face is detected are left out.
    """
    samples = []
    for number, subject in enumerate(subjects):
        face = subject.rest
        rest = measure(face.landmarks)
        if movement is Movement.GRIN:
            for rested, smile in (
                (face, subject.smile),
                (face.mirrored(), subject.smile.mirrored()),
            ):
                detected, still = measure(smile.landmarks), measure(rested.landmarks)
                samples.append(Sample(movement, Palsy.none(), detected, None, still))
        for k in range(per_subject):
            rng = make_rng(number, k, YANAGIHARA.index(movement), Stream.CALIBRATION_PHOTOGRAPH)
            side = Side.LEFT if rng.random() < 0.5 else Side.RIGHT
            palsy = _palsy(rng, side)
            moved = simulate(face, movement, palsy, intensity=float(rng.uniform(0.9, 1.1)))
            if faces := detect_faces(moved.image):
                samples.append(Sample(movement, palsy, measure(faces[0].landmarks), None, rest))
            if progress is not None:
                progress()
    return samples


def _palsy(rng: np.random.Generator, side: Side) -> Palsy:
    if rng.random() < SHARE_FROM_TOTALS:
        return _from_total(2 * int(rng.integers(21)), side)
    return random_palsy(rng, side, healthy=0.15)


@cache
def _from_total(total: int, side: Side) -> Palsy:
    return palsy_from_yanagihara(total, side)


def _view(rng: np.random.Generator, seed: int) -> View:
    pose = HeadPose(float(rng.normal(0, 3)), float(rng.normal(0, 2)), float(rng.normal(0, 2)))
    light = Light(float(rng.uniform(-0.4, 0.4)))
    jitter = Jitter(blur=float(rng.uniform(0, 1)), noise=2.0, seed=seed)
    return View(256, scene=Scene(pose, light, jitter))


def fit_item(samples: list[Sample]) -> list[float]:
    """Fits a ridge regression from a side's measures to the function of that side.

    Both sides of every sample are examples. Sides with a function of 0.95 or more have half the
    weight: the item score is about the weak side, so it counts as much as all healthy ones.

    Args:
        samples: samples of one movement.

    Returns:
        One coefficient per entry of :func:`palsynth.face.scoring.features`, rounded to 5 decimals.
    """
    x = np.array([features(s.seen, side) for s in samples for side in Side])
    y = np.array([s.palsy.movement_function(s.movement, side) for s in samples for side in Side])
    weight = np.where(y < 0.95, 1.0, 0.5)[:, None]
    scale = x.std(0) + 1e-6
    z = x / scale
    system = (z * weight).T @ z + RIDGE * len(z) * np.eye(z.shape[1])
    coefficients = np.linalg.solve(system, (z * weight).T @ y) / scale
    return [round(float(c), 5) for c in coefficients]


def fit_gains(samples: list[Sample]) -> dict[str, list[float]]:
    """Compares true and detected asymmetries of every sided measure.

    Outliers, whose detected asymmetry deviates from the median by 8 mean deviations or more, are
    left out.

    Args:
        samples: samples of any movement; those without true landmarks are ignored.

    Returns:
        Name of the measure -> [slope of the true on the detected asymmetry, their correlation].
    """
    pairs = [(s.seen.fractions(), s.true.fractions()) for s in samples if s.true is not None]
    gains = {}
    for name in SIDED:
        detected, true = np.array([[m.sided[name].asymmetry for m in pair] for pair in pairs]).T
        deviation = np.abs(detected - np.median(detected))
        inlier = deviation < 8 * deviation.mean()
        detected, true = detected[inlier], true[inlier]
        slope = float((detected * true).sum() / np.square(detected).sum())
        gains[name] = [round(slope, 3), round(float(np.corrcoef(detected, true)[0, 1]), 3)]
    return gains


def fit_thresholds(samples: list[Sample], weights: list[float]) -> list[float]:
    """Finds the estimated functions from which an item scores 2 and 4, by weighted kappa.

    A regression shrinks its estimates towards the mean, so the scale's own thresholds of 0.25 and
    0.75 would give too many 2s.

    Args:
        samples: samples of one movement.
        weights: coefficients from :func:`fit_item`.

    Returns:
        The two thresholds with the best quadratic weighted kappa, rounded to 2 decimals.
    """
    coefficients = np.array(weights)
    sides = [
        [float(np.clip(features(s.seen, side) @ coefficients, 0, 1)) for side in Side]
        for s in samples
    ]
    function = np.array([relative_function(*pair) for pair in sides])
    targets = np.array([item_score(s.palsy, s.movement) for s in samples])
    best_kappa, best = -np.inf, (0.25, 0.75)
    for low in np.arange(0.10, 0.60, 0.02):
        for high in np.arange(low + 0.05, 0.95, 0.02):
            score = np.where(function >= high, 4, np.where(function >= low, 2, 0))
            kappa = weighted_kappa(targets, score)
            if kappa > best_kappa:
                best_kappa, best = kappa, (low, high)
    return [round(float(t), 2) for t in best]


def calibrate(
    subjects: int,
    per_subject: int,
    progress: Callable[[], None] | None = None,
    photographed: Sequence[Photographed] = (),
) -> dict[str, dict[str, Any]]:
    """Fits the contents of ``face/assets/calibration.json``.

    Args:
        subjects: synthetic subjects per movement.
        per_subject: images per synthetic subject; photographed people get
            ``IMAGES_PER_PHOTOGRAPH`` times as many.
        progress: called once per image.
        photographed: photographed people to use beside the synthetic subjects.

    Returns:
        The usual measures at rest, regression weights and thresholds by movement (without and
        with the person's own measures at rest), and gains.
    """
    by_movement = {}
    for number, movement in enumerate(YANAGIHARA):
        first = FIRST_SEED + 1000 * number
        seeds = range(first, first + subjects)
        by_movement[movement] = [
            *render_samples(movement, seeds, per_subject, progress),
            *move_photographs(
                movement, photographed, IMAGES_PER_PHOTOGRAPH * per_subject, progress
            ),
        ]
    usual = mean_rest([s.rest for samples in by_movement.values() for s in samples])
    out: dict[str, dict[str, Any]] = {"rest": usual}
    for suffix in ("", " with rest"):
        weights, thresholds = {}, {}
        for movement, samples in by_movement.items():
            if suffix:
                samples = [replace(s, seen=against_rest(s.seen, s.rest, usual)) for s in samples]
            weights[movement.value] = fit_item(samples)
            thresholds[movement.value] = fit_thresholds(samples, weights[movement.value])
        out["weights" + suffix], out["thresholds" + suffix] = weights, thresholds
    out["gains"] = fit_gains([s for samples in by_movement.values() for s in samples])
    return out

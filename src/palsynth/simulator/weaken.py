"""A palsy on an expression that was not requested but seen: what the same effort would do with it.

The healthy side of a face shows how hard each muscle tries. The simulator's forward model, from
effort through nerve to skin, then says what a palsy changes of it; that difference is added to the
expression, so that all that the model does not know of stays as it was seen.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
from scipy.optimize import nnls

from palsynth.clinical import Movement, Muscle, Palsy, Side
from palsynth.simulator.drive import BELL, Attempt, Drive, SideDrive, drive_of
from palsynth.simulator.muscles import MOUTH_MUSCLES, MUSCLE_FIELDS
from palsynth.simulator.surface import side_gate

MOST = 1.2
"""Largest effort of a muscle."""

RIDGE = 0.05
"""Weight of small efforts in the least squares, so that of muscles that move the skin alike each
takes its share. A convention of this project."""


def weakened(expression: Drive, palsy: Palsy, bell: float = BELL) -> Drive:
    """Computes what a palsy makes of an expression of a healthy face.

    It is a what-if, not a prediction: the efforts are those that the skin shows, and the patient is
    taken to try no harder because of the palsy. Of jaw and breath the nerve knows nothing.

    Args:
        expression: the activation of a healthy face.
        palsy: the palsy.
        bell: strength of Bell's phenomenon, 0 (absent) … 1.

    Returns:
        The activation with the palsy; without a palsy the same.
    """
    attempts = {side: effort_of(expression.of(side)) for side in Side}
    healthy, palsied = (
        drive_of(Movement.REST, state, attempts, intensity=0.0, bell=bell)
        for state in (Palsy.none(), palsy)
    )
    left, right = (
        _changed(expression.of(side), healthy.of(side), palsied.of(side)) for side in Side
    )
    drag = expression.drag + palsied.drag - healthy.drag
    offset = expression.offset
    if offset is not None:
        offset = offset * _share_of_mouth(palsy)[:, None]
    return replace(expression, left=left, right=right, drag=drag, offset=offset)


def effort_of(side: SideDrive) -> Attempt:
    """Estimates how hard the muscles of a healthy side try, from what they do to its skin.

    Non-negative least squares of the fields, with a small ridge; the lids tell of the muscle that
    shuts them.

    Args:
        side: the activation of the side.

    Returns:
        The attempt, efforts 0 … :data:`MOST`.
    """
    names, muscles, matrix = _effects()
    shut = float(np.clip(side.closure, 0.0, 1.0))
    seen = np.array([side.fields.get(name, 0.0) for name in names])
    lids = MUSCLE_FIELDS[Muscle.ORBICULARIS_OCULI]
    seen -= shut * np.array([lids.get(name, 0.0) for name in names])
    found, _ = nnls(matrix, np.concatenate([seen, np.zeros(len(muscles))]))
    efforts = dict(zip(muscles, np.minimum(found, MOST).tolist(), strict=True))
    efforts[Muscle.ORBICULARIS_OCULI] = shut
    return Attempt(efforts, efforts, shut)


def _changed(seen: SideDrive, healthy: SideDrive, palsied: SideDrive) -> SideDrive:
    """One side with the difference that a palsy makes."""
    fields = dict(seen.fields)
    for name, value in palsied.fields.items():
        fields[name] = fields.get(name, 0.0) + value - healthy.fields.get(name, 0.0)
    folds = dict(seen.folds)
    for name, value in palsied.folds.items():
        changed = folds.get(name, 0.0) + value - healthy.folds.get(name, 0.0)
        folds[name] = float(np.clip(changed, -1.0, 1.2))
    return SideDrive(
        fields,
        closure=min(1.0, seen.closure + palsied.closure - healthy.closure),
        bell=float(np.clip(seen.bell + palsied.bell - healthy.bell, 0.0, 1.0)),
        folds=folds,
        smile=float(np.clip(seen.smile + palsied.smile - healthy.smile, 0.0, 1.2)),
        forces=palsied.forces,
    )


def _share_of_mouth(palsy: Palsy) -> np.ndarray:
    """How much (V,) of the mouth's movements is left at each vertex, 0 … 1."""
    left, right = (
        float(np.mean([palsy.of(side).strength(muscle) for muscle in sorted(MOUTH_MUSCLES)]))
        for side in Side
    )
    return np.asarray(right + (left - right) * side_gate())


@lru_cache(maxsize=1)
def _effects() -> tuple[tuple[str, ...], tuple[Muscle, ...], np.ndarray]:
    """Fields, muscles, and what each muscle at full force does to each field (F + M, M), with the
    ridge below."""
    muscles = tuple(muscle for muscle in MUSCLE_FIELDS if muscle is not Muscle.ORBICULARIS_OCULI)
    names = tuple(sorted({name for fields in MUSCLE_FIELDS.values() for name in fields}))
    effects = [[MUSCLE_FIELDS[muscle].get(name, 0.0) for muscle in muscles] for name in names]
    return names, muscles, np.vstack([effects, RIDGE * np.eye(len(muscles))])

"""Resolves what a request may leave open: a person becomes a face, a wish a picture."""

from __future__ import annotations

import numpy as np

from palsynth.clinical import Movement, Palsy
from palsynth.face.face import Face
from palsynth.face.framing import ID_PHOTO, Framing
from palsynth.methods.base import Expression, ExpressionImage, Identity, TargetExpression
from palsynth.subjects import Subject, View, render, sample


def identity_face(identity: Identity, size: int, framing: Framing = ID_PHOTO) -> Face:
    """The identity as a face at rest; a person is drawn, with true landmarks."""
    if isinstance(identity, Face):
        return identity
    return subject_face(
        identity, TargetExpression(Movement.REST, Palsy.none()), View(size, framing)
    )


def subject_face(subject: Subject, requested: TargetExpression, view: View) -> Face:
    """A person doing a movement, as a face whose landmarks are exact (depth from the scan)."""
    portrait = render(
        subject,
        requested.movement,
        requested.palsy,
        intensity=requested.intensity,
        view=view,
        wink=requested.wink,
    )
    depth = subject.landmarks[:, 2:] * view.framing.scale(view.size)
    return Face(portrait.image, np.hstack([portrait.landmarks, depth.astype(np.float32)]))


def expression_picture(expression: Expression, seed: int, size: int) -> ExpressionImage:
    """The expression as a picture, for methods that are driven by one.

    A wish in words is answered by a person, drawn from the seed, who does the movement.
    """
    if isinstance(expression, ExpressionImage):
        return expression
    return ExpressionImage(subject_face(sample(seed), expression, View(size)))

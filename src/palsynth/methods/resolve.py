"""Converts what a request holds to what a method needs: a synthetic subject is rendered as a face,
and a requested movement as an expression image."""

from __future__ import annotations

import numpy as np

from palsynth.clinical import Movement, Palsy
from palsynth.face.face import Face
from palsynth.face.framing import ID_PHOTO, Framing
from palsynth.methods.base import Expression, ExpressionImage, Identity, TargetExpression
from palsynth.subjects import Subject, View, render, sample


def identity_face(identity: Identity, size: int, framing: Framing = ID_PHOTO) -> Face:
    """The identity as a face; a synthetic subject is rendered at rest, without a palsy.

    Args:
        identity: a face, which is returned as it is, or a synthetic subject.
        size: side of the rendered image in pixels.
        framing: position and scale of the rendered face.

    Returns:
        The face; a rendered one has exact landmarks.
    """
    if isinstance(identity, Face):
        return identity
    return subject_face(
        identity, TargetExpression(Movement.REST, Palsy.none()), View(size, framing)
    )


def subject_face(subject: Subject, requested: TargetExpression, view: View) -> Face:
    """Renders a synthetic subject that performs a movement.

    Args:
        subject: the synthetic subject.
        requested: the movement, the palsy and the effort.
        view: size, framing, pose and light of the image.

    Returns:
        The face (size, size, 3) uint8 RGB with exact landmarks (478, 3) float32 in pixels; their
        depth is that of the subject's scan.
    """
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


def expression_image(expression: Expression, seed: int, size: int) -> ExpressionImage:
    """The expression as an image, for methods that are conditioned on one.

    Args:
        expression: an image, which is returned as it is, or a requested movement and palsy.
        seed: seed of the synthetic subject that performs a requested movement.
        size: side of the rendered image in pixels.

    Returns:
        The expression image; a rendered one comes without the subject at rest.
    """
    if isinstance(expression, ExpressionImage):
        return expression
    return ExpressionImage(subject_face(sample(seed), expression, View(size)))

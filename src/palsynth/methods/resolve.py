"""Converts what a request holds to what a method needs: a synthetic subject is rendered as a face,
an image is captured as coefficients, and coefficients or a requested movement become an image."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from palsynth.capture import capture, drive_of
from palsynth.clinical import Movement, Palsy
from palsynth.errors import InputError
from palsynth.face.face import Face
from palsynth.face.framing import ID_PHOTO
from palsynth.methods.base import (
    Expression,
    ExpressionImage,
    Identity,
    Method,
    Request,
    TargetExpression,
)
from palsynth.simulator.drive import BELL, Drive, drive
from palsynth.subjects import HeadPose, Subject, View, render_drive, sample
from palsynth.subjects.render import LARGEST

REST = TargetExpression(Movement.REST, Palsy.none())

EXPRESSION_SIZE = 256
"""Side in pixels of an expression image that is rendered for a method that takes images only."""


def converted(request: Request, method: Method) -> Request:
    """Converts a request's expression to a form that a method takes.

    An image becomes coefficients by capture, a requested movement becomes coefficients by the
    simulator's drive, and either becomes an image by rendering the synthetic subject of the
    request's seed. A method that copies pictures gets what was requested, and refuses what it
    cannot copy.

    Args:
        request: what is requested.
        method: the method that is to make it.

    Returns:
        The request itself where its expression needs no conversion, else a converted one.

    Raises:
        InputError: an expression image cannot be captured, or the method takes neither
            coefficients nor images.
    """
    expression = request.expression
    if type(expression) in method.takes or not method.synthetic:
        return request
    if Drive in method.takes:
        return replace(request, expression=as_drive(expression, request.identity))
    if ExpressionImage not in method.takes:
        raise InputError(
            f"method {method.name}: takes requested movements only; give a movement and a palsy"
        )
    return replace(request, expression=expression_image(expression, request.seed, EXPRESSION_SIZE))


def as_drive(expression: Expression, identity: Identity) -> Drive:
    """Converts an expression to the coefficients that drive the simulator.

    Args:
        expression: an image, which is captured, or a requested movement and palsy; coefficients
            are returned as they are.
        identity: the face that the coefficients are to move: a synthetic subject has a Bell's
            phenomenon of its own (how far the eye rolls up on attempted closure), which a requested
            movement follows. A captured expression has the captured one.

    Returns:
        The coefficients of both sides of the face.
    """
    if isinstance(expression, Drive):
        return expression
    if isinstance(expression, ExpressionImage):
        return drive_of(capture(expression.face, expression.rest))
    return drive(
        expression.movement,
        expression.palsy,
        intensity=expression.intensity,
        bell=identity.bell if isinstance(identity, Subject) else BELL,
        wink=expression.wink,
    )


def view_of(request: Request, size: int | None = None) -> View:
    """The view in which a request's synthetic subject is rendered.

    Args:
        request: what is requested.
        size: side in pixels; default: the request's.

    Returns:
        The view, at the request's framing (an ID photo where it has none) and in its scene.
    """
    return View(size or request.size, request.framing or ID_PHOTO, request.scene)


def identity_face(identity: Identity, view: View) -> Face:
    """The identity as a face; a synthetic subject is rendered at rest, without a palsy.

    Args:
        identity: a face, which is returned as it is, or a synthetic subject.
        view: how a synthetic subject is rendered.

    Returns:
        The face; a rendered one has exact landmarks.
    """
    if isinstance(identity, Face):
        return identity
    return subject_face(identity, REST, view)


def framed_face(request: Request) -> Face:
    """The identity of a request as a face, at the request's framing and size if it has a framing.

    Args:
        request: what is requested.

    Returns:
        The face at rest.
    """
    if request.framing is None:
        return identity_face(request.identity, view_of(request))
    view = view_of(request)
    if request.scene.pose != HeadPose():  # with room around a turned face, no border is repeated
        size = round(request.size * request.framing.outer_eyes / ID_PHOTO.outer_eyes)
        view = replace(view, size=min(size, LARGEST), framing=ID_PHOTO)
    return identity_face(request.identity, view).aligned(request.framing, request.size)


def subject_face(subject: Subject, expression: Expression, view: View) -> Face:
    """Renders a synthetic subject with an expression.

    Args:
        subject: the synthetic subject.
        expression: the expression, in any form.
        view: size, framing, pose and light of the image.

    Returns:
        The face (size, size, 3) uint8 RGB with exact landmarks (478, 3) float32 in pixels; their
        depth is that of the subject's scan.

    Raises:
        InputError: the size cannot be rendered.
    """
    try:
        image, landmarks = render_drive(subject, as_drive(expression, subject), view)
    except ValueError as error:
        raise InputError(str(error)) from None
    depth = subject.landmarks[:, 2:] * view.framing.scale(view.size)
    return Face(image, np.hstack([landmarks, depth.astype(np.float32)]))


def expression_image(expression: Expression, seed: int, size: int) -> ExpressionImage:
    """The expression as an image, for methods that are conditioned on one.

    Args:
        expression: an image, which is returned as it is, or another form of expression.
        seed: seed of the synthetic subject that is rendered with it.
        size: side of the rendered image in pixels.

    Returns:
        The expression image; a rendered one comes without the subject at rest.
    """
    if isinstance(expression, ExpressionImage):
        return expression
    return ExpressionImage(subject_face(sample(seed), expression, View(size)))

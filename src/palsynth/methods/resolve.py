"""Resolves what a request may leave open: a person becomes a face, a wish a picture."""

from __future__ import annotations

import numpy as np

from palsynth.clinical import Movement, Palsy
from palsynth.face.face import Face
from palsynth.face.framing import ID_PHOTO, Framing
from palsynth.methods.base import Asked, Expression, Identity, Picture
from palsynth.subjects import Person, View, render, sample


def identity_face(identity: Identity, size: int, framing: Framing = ID_PHOTO) -> Face:
    """The identity as a face at rest; a person is drawn, with true landmarks."""
    if isinstance(identity, Face):
        return identity
    return person_face(identity, Asked(Movement.REST, Palsy.none()), View(size, framing))


def person_face(person: Person, asked: Asked, view: View) -> Face:
    """A person doing a movement, as a face whose landmarks are exact (depth from the scan)."""
    portrait = render(
        person, asked.movement, asked.palsy, intensity=asked.intensity, view=view, wink=asked.wink
    )
    depth = person.landmarks[:, 2:] * view.framing.scale(view.size)
    return Face(portrait.image, np.hstack([portrait.landmarks, depth.astype(np.float32)]))


def expression_picture(expression: Expression, seed: int, size: int) -> Picture:
    """The expression as a picture, for methods that are driven by one.

    A wish in words is answered by a person, drawn from the seed, who does the movement.
    """
    if isinstance(expression, Picture):
        return expression
    return Picture(person_face(sample(seed), expression, View(size)))

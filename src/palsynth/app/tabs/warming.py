"""Loads what the first answer of each tab needs."""

from __future__ import annotations

import cv2

from palsynth.app.mirror import Choice, Mirror
from palsynth.capture import capture
from palsynth.clinical import Grade, Movement, Palsy, Side
from palsynth.face.detect import detect_face
from palsynth.face.framing import PORTRAIT
from palsynth.generation.runner import generate
from palsynth.generation.verdict import Gate, PrivacyCheck
from palsynth.methods.base import ExpressionImage, Request, TargetExpression
from palsynth.methods.registry import get_method
from palsynth.subjects import sample


def load() -> None:
    """Makes, measures, compares and mirrors a picture: models are loaded, functions compiled."""
    palsy = Palsy.peripheral(Side.LEFT, Grade.V)
    target = TargetExpression(Movement.GRIN, palsy)
    request = Request(sample(7), target, 0, 256, PORTRAIT)
    (picture,) = generate(get_method("subjects"), [request])
    face = detect_face(picture.image)
    capture(face)
    list(generate(get_method("simulator"), [Request(face, target, 0, 256)]))
    Gate([face]).takes(picture.image)
    PrivacyCheck(None).verdict(ExpressionImage(face), picture.image, None, Movement.GRIN)
    mirror = Mirror(Choice(sample(7), palsy))
    frame = cv2.imencode(".jpg", picture.image[..., ::-1])[1].tobytes()
    mirror.show(mirror.see(frame, 0.0))

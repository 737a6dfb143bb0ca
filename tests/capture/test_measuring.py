"""One picture is measured as its parts are, and what they disagree about is not sure."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from palsynth.capture import capture, measuring
from palsynth.capture.measuring import DISAGREE, measure_picture
from palsynth.capture.reading import read
from palsynth.clinical import Movement, Side
from palsynth.face.detect import detect_face
from palsynth.face.face import Face
from palsynth.face.measures import measure
from palsynth.face.scoring import estimate


def test_a_picture_is_measured_as_its_parts(half_grin: np.ndarray, face: Face) -> None:
    grin = detect_face(half_grin)
    found = measure_picture(grin, face, Movement.GRIN)
    assert found.measures == measure(grin.landmarks)
    assert found.rest == measure(face.landmarks)
    assert found.reading == read(capture(grin, face), Movement.GRIN)
    assert found.estimate == estimate(found.measures, Movement.GRIN, found.rest)
    assert found.reading.weak_side is Side.LEFT
    alone = measure_picture(grin)
    assert (alone.rest, alone.estimate) == (None, None)


def test_the_side_is_not_sure_where_capture_and_measures_disagree(
    half_grin: np.ndarray, face: Face, monkeypatch: pytest.MonkeyPatch
) -> None:
    grin = detect_face(half_grin)

    def mirrored(*given: object) -> object:
        known = estimate(*given)  # type: ignore[arg-type]
        return replace(known, left=known.right, right=known.left)

    monkeypatch.setattr(measuring, "estimate", mirrored)
    reading = measure_picture(grin, face, Movement.GRIN).reading
    assert (reading.weak_side, reading.reason) == (None, DISAGREE)

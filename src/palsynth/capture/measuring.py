"""Everything that is measured in one picture of a patient: both sides, and what is not sure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from palsynth.capture.capture import capture
from palsynth.capture.coefficients import ExpressionCoefficients
from palsynth.capture.reading import PalsyReading, read
from palsynth.clinical import Movement
from palsynth.face.face import Face
from palsynth.face.measures import Measures, measure
from palsynth.face.scoring import Estimate, estimate

DISAGREE = "not sure: capture and measures disagree about the side"


@dataclass(frozen=True)
class PictureMeasures:
    """What is measured in one picture.

    Attributes:
        measures: distances and angles of both sides.
        rest: the same of the person at rest; None without such a picture.
        coefficients: the expression as the simulator's coefficients.
        reading: the weak side by the coefficients, None where the estimate is of the other one.
        estimate: function of both sides and item score; None where the movement is not known.
    """

    measures: Measures
    rest: Measures | None
    coefficients: ExpressionCoefficients
    reading: PalsyReading
    estimate: Estimate | None


def measure_picture(
    face: Face, rest: Face | None = None, movement: Movement | None = None
) -> PictureMeasures:
    """Measures a face.

    Args:
        face: the face, from a frontal photo.
        rest: the same person at rest: movement is then measured apart from the asymmetry of the
            face itself.
        movement: the movement requested of the person, if known.

    Returns:
        The measures.
    """
    measures = measure(face.landmarks)
    rest_measures = None if rest is None else measure(rest.landmarks)
    coefficients = capture(face, rest)
    reading = read(coefficients, movement)
    if movement is None:
        return PictureMeasures(measures, rest_measures, coefficients, reading, None)
    estimated = estimate(measures, movement, rest_measures)
    weak = reading.weak_side
    if weak is not None and estimated.weak_side not in (None, weak):
        reading = replace(reading, weak_side=None, reason=DISAGREE)
    return PictureMeasures(measures, rest_measures, coefficients, reading, estimated)

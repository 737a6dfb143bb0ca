"""The patient family: the expression is a patient's, whose identity must not show."""

from __future__ import annotations

import numpy as np

from palsynth.evaluation import checks
from palsynth.evaluation.intervals import Figure, share
from palsynth.evaluation.metric import Inputs, Metric, Outcome
from palsynth.evaluation.privacy import FALSE_ACCEPTS, distances, recognised, threshold_at
from palsynth.evaluation.recognition import paired_cosines
from palsynth.face import topology
from palsynth.face.face import upright

FALSE_ACCEPT = FALSE_ACCEPTS[0]
"""Share of pairs of two different patients that the recogniser may match."""

_OTHER_FACES_SCORE_LOW = "any other face, or none, scores low"


def upright_distance(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Mean distance of the landmarks of two faces, wherever and however large they are.

    Args:
        a: (N, 478, 3) landmarks; NaN without a face.
        b: (N, 478, 3) landmarks.

    Returns:
        (N,) in per cent of the outer-eye distance, without the irises.

    Raises:
        InputError: the arrays differ in shape or hold values that are no numbers.
    """
    for name, points in (("a", a), ("b", b)):
        checks.dimensions(name, points, (len(a), topology.POINTS, 3))
        checks.finite(name, points, missing=True)
    skin = [upright(points[:, : topology.SKIN_POINTS]) for points in (a, b)]
    return np.asarray(100 * np.linalg.norm(skin[0] - skin[1], axis=-1).mean(1))


def _landmarks(inputs: Inputs) -> Outcome:
    own, patient = (inputs.features("landmarks", role) for role in ("picture", "expression"))
    return Outcome(upright_distance(own, patient))


def _perceptual(inputs: Inputs) -> Outcome:
    values, variant = inputs.portrait_distances()
    return Outcome(values, variant=variant)


def _cosine(inputs: Inputs) -> Outcome:
    own, patient = (inputs.features("identity", role) for role in ("picture", "expression"))
    return Outcome(paired_cosines(own, patient), variant=f"cosine[{inputs.name('identity')}]")


def _recognised(inputs: Inputs) -> Outcome:
    """The threshold matches at most one in a hundred pairs of two different patients."""
    own, rest = inputs.features("dlib"), inputs.features("dlib", "rest")
    _, first = np.unique(inputs.subjects, return_index=True)
    impostors = inputs.subjects[:, None] != inputs.subjects[first][None]
    between = distances(inputs.features("dlib", "expression"), rest[first])[impostors]
    threshold = threshold_at(between, FALSE_ACCEPT)
    return Outcome(
        recognised(np.linalg.norm(own - rest, axis=1), threshold).astype(float),
        variant=f"matched to the patient[{inputs.name('dlib')}, below {threshold:.3f}, "
        f"{100 * FALSE_ACCEPT:g} % false accepts]",
    )


def _share(values: np.ndarray, subjects: np.ndarray) -> Figure:
    return share(values > 0, subjects)


METRICS = (
    Metric(
        key="patient_landmarks",
        title="landmark distance to the patient, %",
        family="patient",
        better="down",
        meaning="mean distance of the aligned landmarks to the patient's, in per cent of the "
        "outer-eye distance",
        judge="MediaPipe",
        needs=("faces", "pairs", "patients"),
        compute=_landmarks,
        digits=2,
        blind="another person's face has other landmarks: low means the patient's own face",
        by_tuning=True,
    ),
    Metric(
        key="patient_perceptual",
        title="perceptual distance to the patient",
        family="patient",
        better="down",
        meaning="perceptual distance of the aligned face to the patient's",
        judge="our features, or LPIPS by --alexnet",
        needs=("faces", "pairs", "patients"),
        compute=_perceptual,
        blind="low means the patient's own appearance",
        weights="alexnet",
        by_tuning=True,
    ),
    Metric(
        key="patient_cosine",
        title="similarity to the patient",
        family="patient",
        better="down",
        meaning="cosine of the recogniser's features to those of the moving patient",
        judge="our recogniser, or AdaFace or ArcFace by --recogniser",
        needs=("faces", "pairs", "patients"),
        compute=_cosine,
        blind=_OTHER_FACES_SCORE_LOW,
        weights="recogniser",
        by_tuning=True,
    ),
    Metric(
        key="recognised",
        title="matched to the patient, %",
        family="patient",
        better="down",
        meaning="share of pictures nearer to the patient at rest than all but 1 % of the pairs of "
        "two patients",
        judge="dlib",
        needs=("faces", "pairs", "patients"),
        compute=_recognised,
        pool=_share,
        digits=1,
        blind=_OTHER_FACES_SCORE_LOW,
        by_tuning=True,
    ),
)

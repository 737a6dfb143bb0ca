"""The identity family: is it the person of the identity image, and not that of the expression?"""

from __future__ import annotations

import numpy as np

from palsynth.evaluation import checks
from palsynth.evaluation.metric import Inputs, Metric, Outcome
from palsynth.evaluation.recognition import paired_cosines

_IDENTITY_COPY_IS_PERFECT = "copying the identity image is perfect"


def reidentified(
    own: np.ndarray, subjects: np.ndarray, gallery: np.ndarray, names: np.ndarray
) -> np.ndarray:
    """Whether the nearest entry of a gallery shows the subject.

    Args:
        own: (N, D) features of the pictures; rows of NaN have no face and are never re-identified.
        subjects: (N,) names of the subjects.
        gallery: (M, D) features; rows of NaN match nobody.
        names: (M,) names of the people in the gallery.

    Returns:
        (N,) bool.

    Raises:
        InputError: features are no numbers or differ in length, there is not a name each, or the
            gallery shows fewer than two people.
    """
    checks.features("own", own)
    checks.features("gallery", gallery, own.shape[1])
    checks.same_length("own", own, "subjects", subjects)
    checks.same_length("gallery", gallery, "names", names)
    known = ~np.isnan(gallery).any(1)
    checks.at_least("gallery", int(known.sum()), 1, "faces: there is nobody to compare with")
    checks.at_least("gallery", len(set(names[known])), 2, "people: among one nobody is mistaken")
    distances = np.linalg.norm(own[:, None] - gallery[None], axis=-1)
    nearest = names[np.where(np.isnan(distances), np.inf, distances).argmin(1)]
    return np.asarray((nearest == subjects) & ~np.isnan(own).any(1))


def _distance(inputs: Inputs) -> Outcome:
    own, identity = inputs.features("dlib"), inputs.features("dlib", "identity")
    return Outcome(np.linalg.norm(own - identity, axis=1))


def _leak(inputs: Inputs) -> Outcome:
    own, expression = inputs.features("dlib"), inputs.features("dlib", "expression")
    return Outcome(np.linalg.norm(own - expression, axis=1))


def _top1(inputs: Inputs) -> Outcome:
    _, first = np.unique(inputs.identities, return_index=True)
    gallery, names = inputs.features("dlib", "identity")[first], inputs.subjects[first]
    return Outcome(100.0 * reidentified(inputs.features("dlib"), inputs.subjects, gallery, names))


def _cosine(inputs: Inputs) -> Outcome:
    values = paired_cosines(inputs.features("identity"), inputs.features("identity", "identity"))
    return Outcome(values, variant=f"cosine[{inputs.name('identity')}]")


METRICS = (
    Metric(
        key="identity_distance",
        title="dlib distance to the identity",
        family="identity",
        better="down",
        meaning="distance of the face to that of the identity image; below 0.6 is one person",
        judge="dlib, on which nothing here was trained",
        needs=("faces", "pairs"),
        compute=_distance,
        blind=_IDENTITY_COPY_IS_PERFECT,
        by_people=True,
    ),
    Metric(
        key="identity_top1",
        title="re-identified, %",
        family="identity",
        better="up",
        meaning="share of pictures whose nearest identity image is their own; without a face: "
        "wrong",
        judge="dlib",
        needs=("faces", "pairs"),
        compute=_top1,
        digits=1,
        blind=_IDENTITY_COPY_IS_PERFECT,
        by_people=True,
    ),
    Metric(
        key="identity_cosine",
        title="cosine to the identity",
        family="identity",
        better="up",
        meaning="cosine of the recogniser's features to those of the identity image",
        judge="our recogniser, or AdaFace or ArcFace by --recogniser",
        needs=("faces", "pairs"),
        compute=_cosine,
        blind=_IDENTITY_COPY_IS_PERFECT,
        weights="recogniser",
    ),
    Metric(
        key="leak_distance",
        title="dlib distance to the expression's person",
        family="identity",
        better="up",
        meaning="distance of the face to that of the expression image, which must not show through",
        judge="dlib",
        needs=("faces", "pairs"),
        compute=_leak,
        blind="people differ anyway: compare with the truth's",
        by_people=True,
    ),
)

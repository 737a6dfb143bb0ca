"""Variety: do different people look different, or has a model collapsed to a few faces?"""

from __future__ import annotations

import numpy as np

from palsynth.evaluation import checks
from palsynth.evaluation.metric import Inputs, Metric, Outcome


def distances_to_others(features: np.ndarray, subjects: np.ndarray) -> np.ndarray:
    """Mean distance of each picture to the pictures of other people.

    Args:
        features: (N, D) features of the pictures; rows of NaN have no face and are passed over.
        subjects: (N,) names of the people.

    Returns:
        (N,) mean Euclidean distances, NaN without a face or without another person's.

    Raises:
        InputError: features are infinite, or there is not a name each.

    Example:
        >>> distances_to_others(np.array([[0.0], [1.0], [3.0]]), np.array(["a", "a", "b"])).tolist()
        [3.0, 2.0, 2.5]
    """
    checks.features("features", features)
    checks.same_length("features", features, "subjects", subjects)
    distances = np.linalg.norm(features[:, None] - features[None], axis=-1)
    counted = (subjects[:, None] != subjects[None]) & ~np.isnan(distances)
    number = counted.sum(1)
    total = np.where(counted, distances, 0.0).sum(1)
    return np.where(number > 0, total / np.maximum(number, 1), np.nan)


def _identity_variety(inputs: Inputs) -> Outcome:
    own = distances_to_others(inputs.features("dlib"), inputs.subjects)
    _, first = np.unique(inputs.identities, return_index=True)
    of_identities = distances_to_others(
        inputs.features("dlib", "identity")[first], inputs.subjects[first]
    )
    known = of_identities[~np.isnan(of_identities)]
    checks.at_least("identity images", len(known), 2, "people with a face: nobody differs")
    return Outcome(own / known.mean())


METRICS = (
    Metric(
        key="identity_variety",
        title="variety of faces",
        family="identity",
        better="up",
        meaning="mean distance between pictures of different people, relative to that of the "
        "identity images; near 0 all show one face (mode collapse)",
        judge="dlib",
        needs=("faces", "pairs"),
        compute=_identity_variety,
        digits=2,
        blind="faces may differ and be of nobody",
    ),
)

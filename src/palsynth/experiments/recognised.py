"""Whether dlib's recogniser, which no model here trained on, takes two pictures for one person."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from palsynth.encoders.published.dlib import SAME_PERSON, DlibRecogniser
from palsynth.face.detect import detect_faces


def compare(patient: np.ndarray, other: np.ndarray, made: np.ndarray) -> str:
    """One line on pictures (H, W, 3) uint8 of a patient, of the non-patient and of what was made
    of the two: how far the last two are from the patient, and what that means."""
    known, given, shown = _vectors((patient, other, made))
    if known is None or given is None or shown is None:
        named = (("patient", known), ("non-patient", given), ("made", shown))
        lacking = next(name for name, vector in named if vector is None)
        return f"privacy check: not possible, the picture '{lacking}' shows no single face"
    before, after = (float(np.linalg.norm(vector - known)) for vector in (given, shown))
    if after < SAME_PERSON:
        verdict = "THE PATIENT IS RECOGNISED; try another non-patient or seed"
    elif before < SAME_PERSON:
        verdict = "THE NON-PATIENT IS TAKEN FOR THE PATIENT; give somebody else"
    else:
        verdict = "not taken for the patient by this recogniser"
    return (
        f"privacy check: dlib distance to the patient {after:.3f} (non-patient's own face "
        f"{before:.3f}); below {SAME_PERSON} is one person: {verdict}"
    )


def count_recognised(patients: Sequence[np.ndarray], made: Sequence[np.ndarray]) -> str:
    """One line on pictures (H, W, 3) uint8 of a patient and on what was made of each: in how many
    the patient is recognised."""
    known, shown = _vectors(patients), _vectors(made)
    far = [
        float(np.linalg.norm(a - b))
        for a, b in zip(known, shown, strict=True) if a is not None and b is not None
    ]  # fmt: skip
    if not far:
        return "privacy check: not possible, no two pictures show a single face each"
    hits = sum(distance < SAME_PERSON for distance in far)
    return (
        f"privacy check: the patient is recognised in {hits} of {len(far)} pictures (dlib distance "
        f"{min(far):.3f} to {max(far):.3f}; below {SAME_PERSON} is one person)"
    )


def _vectors(images: Sequence[np.ndarray]) -> list[np.ndarray | None]:
    """What the recogniser sees in each picture; None where there is no single face."""
    encoder = DlibRecogniser()
    vectors: list[np.ndarray | None] = []
    for image in images:
        found = detect_faces(image)
        if len(found) != 1:
            vectors.append(None)
            continue
        vectors.append(encoder.describe(encoder.crop(found[0]).image))
    return vectors

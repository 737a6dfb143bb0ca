"""Whether dlib's recogniser, which no model here trained on, takes two pictures for one person."""

from __future__ import annotations

import numpy as np
import torch

from palsynth.encoders.base import as_images
from palsynth.encoders.published.dlib import SAME_PERSON, DlibRecogniser
from palsynth.face.detect import detect_faces


def compare(patient: np.ndarray, other: np.ndarray, made: np.ndarray) -> str:
    """One line on pictures (H, W, 3) uint8 of a patient, of the non-patient and of what was made
    of the two: how far the last two are from the patient, and what that means."""
    names = ("patient", "non-patient", "made")
    vectors = {}
    encoder = DlibRecogniser()
    for name, image in zip(names, (patient, other, made), strict=True):
        found = detect_faces(image)
        if len(found) != 1:
            return f"privacy check: not possible, the picture '{name}' shows no single face"
        crop = as_images(torch.from_numpy(encoder.crop(found[0]).image[None]))
        vectors[name] = encoder(crop).vector[0].numpy()
    before, after = (float(np.linalg.norm(vectors[n] - vectors["patient"])) for n in names[1:])
    verdict = (
        "THE PATIENT IS RECOGNISED; try another non-patient or seed" if after < SAME_PERSON
        else "not taken for the patient by this recogniser"
    )  # fmt: skip
    return (
        f"privacy check: dlib distance to the patient {after:.2f} (non-patient's own face "
        f"{before:.2f}); below {SAME_PERSON} is one person: {verdict}"
    )

"""A face of round numbers: 100 pixels between the outer eye corners, 2 mm per pixel."""

from __future__ import annotations

import numpy as np

from palsynth.face.measures import Measures, Sided

RIGHT_BROW = (70, 63, 105, 66, 107, 46, 53, 52, 65, 55)
LEFT_BROW = (336, 296, 334, 293, 300, 285, 295, 282, 283, 276)


def hand_made() -> np.ndarray:
    """Landmarks (478, 2), with the patient's right at smaller x.

    The inner eye corners lie 4 pixels lower than the outer ones, and the lids cover the top and
    the bottom of the irises.
    """
    points = np.full((478, 2), 150.0)
    points[[33, 133, 362, 263]] = [[100, 200], [140, 204], [160, 204], [200, 200]]
    ring = np.array([[0, 0], [2.9425, 0], [0, -2.5], [-2.9425, 0], [0, 2.5]])
    points[468:473], points[473:478] = np.add(ring, [120, 200]), np.add(ring, [180, 200])
    points[list(RIGHT_BROW)], points[list(LEFT_BROW)] = [120, 170], [180, 164]
    points[[160, 159, 158]], points[[144, 145, 153]] = [120, 193], [120, 205]
    points[[385, 386, 387]], points[[380, 374, 373]] = [180, 191], [180, 207]
    points[[61, 78, 291, 308]] = [[120, 250], [124, 252], [182, 266], [180, 262]]
    points[[39, 81, 269, 311]] = [[135, 236], [135, 238], [165, 240], [165, 244]]
    points[[181, 178, 405, 402]] = [[135, 284], [135, 282], [165, 280], [165, 276]]
    points[[129, 98, 358, 327]] = [[140, 220], [142, 222], [160, 224], [158, 226]]
    points[[205, 216, 425, 436]] = [[116, 230], [120, 240], [190, 230], [186, 240]]
    points[[168, 4, 2, 0, 13, 14, 17]] = [
        [150, 205],
        [153, 222],
        [150, 230],
        [154, 250],
        [152, 252],
        [152, 262],
        [150, 290],
    ]
    return points


SIDED_MM = {  # (left, right), each by hand from the points above
    "brow height": (2 * 38, 2 * 32),
    "MRD1": (2 * 11, 2 * 9),
    "MRD2": (2 * 5, 2 * 3),
    "palpebral fissure": (2 * 16, 2 * 12),
    "commissure distance": (2 * 40, 2 * 50),
    "smile angle": (126.8699, 143.1301),
    "commissure height": (2 * 64, 2 * 51),
    "upper lip height": (2 * 42, 2 * 37),
    "lower lip height": (2 * 78, 2 * 83),
    "alar height": (2 * 25, 2 * 21),
    "cheek width": (2 * 38, 2 * 32),
}
MIDLINE_MM = {
    "dental show": 2 * 10,
    "philtrum tilt": 11.3099,
    "mouth shift": 2 * 1,
    "lip width": 2 * 62,
    "lip height": 2 * 40,
}


def by_fractions(sided: dict[str, tuple[float, float]], midline: dict[str, float]) -> Measures:
    """Measures in fractions of the outer-eye distance, (left, right) each."""
    both = {name: Sided(left, right) for name, (left, right) in sided.items()}
    return Measures(both, midline, "outer-eye fraction", 1.0)

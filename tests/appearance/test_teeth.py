from __future__ import annotations

import numpy as np

from palsynth.appearance.teeth import TOOTH_WHITE, UNITS_PER_MM, sample_mouth


def mouth(jaw: float = 0.0, sharpness: float = 300.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A wide open mouth under white light, and the canonical offsets of its pixels."""
    x, y = np.meshgrid(np.linspace(-0.3, 0.3, 151), np.linspace(-0.12, 0.12, 61))
    x, y = x.astype(np.float32), y.astype(np.float32)
    return sample_mouth(x, y, jaw, 240 * TOOTH_WHITE, sharpness), x, y


def test_teeth_are_white_and_gums_are_not() -> None:
    image, x, y = mouth()
    incisor = image[(np.abs(x - 4 * UNITS_PER_MM) < 0.02) & (np.abs(y + 0.05) < 0.02)].mean(0)
    gum = image[(np.abs(x) < 0.03) & (y < -0.115)].mean(0)
    assert incisor.min() > 190
    assert incisor.max() - incisor.min() < 35
    assert gum[0] > 1.2 * gum[1]
    assert gum.mean() < 0.85 * incisor.mean()


def test_the_dental_arch_curves_away_and_is_symmetric() -> None:
    image, x, _ = mouth()
    assert np.abs(image - image[:, ::-1]).mean() < 1
    row = (x > -1) & (np.abs(mouth()[2] + 0.045) < 0.01)
    light = {u: image[row & (np.abs(np.abs(x) - u) < 0.02)].mean() for u in (0.05, 0.24)}
    assert light[0.24] < 0.8 * light[0.05]


def test_the_lower_row_goes_down_with_the_jaw() -> None:
    shut, _, y = mouth(0.0)
    wide, *_ = mouth(0.08)
    band = (y > 0.02) & (y < 0.05)
    assert wide[band].mean() < 0.7 * shut[band].mean()
    below, before = np.abs(y[:, 0] - 0.10).argmin(), np.abs(y[:, 0] - 0.02).argmin()
    assert np.abs(wide[below] - shut[before]).max() < 1
    assert np.abs(wide[:20] - shut[:20]).max() < 1, "the upper row stays"


def test_no_dark_line_runs_along_the_teeth() -> None:
    """Between a crown and the gum no pixel is darker than both."""
    image, x, _ = mouth()
    middle = image[:, int(np.abs(x[0] - 4.25 * UNITS_PER_MM).argmin())].mean(-1)
    above_edge = middle[: len(middle) // 2 - 4]
    assert above_edge.min() > 0.9 * min(above_edge[0], above_edge[-1])

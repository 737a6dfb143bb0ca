from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from palsynth.clinical import YANAGIHARA, Movement, Palsy, Side
from palsynth.face.detect import detect_face
from palsynth.face.face import Face
from palsynth.face.measures import MIDLINE, SIDED, Measures, Sided, measure
from palsynth.face.scoring import features
from palsynth.scoring import calibration
from palsynth.scoring.calibration import (
    FIRST_SEED,
    Photographed,
    Sample,
    calibrate,
    fit_gains,
    fit_item,
    fit_thresholds,
    move_photographs,
    render_samples,
)
from palsynth.subjects import EVALUATION_SEEDS, Subject, View, render

CORNER = SIDED.index("commissure height")


def measures(outer_eye: float = 1.0, **corner: float) -> Measures:
    """Measures that are zero but for the height of the mouth corners and of the brows."""
    sided = dict.fromkeys(SIDED, Sided(0.0, 0.0))
    left, right = (outer_eye * corner.get(side, 0.0) for side in ("left", "right"))
    brows = outer_eye * corner.get("brow", 0.0)
    sided |= {"commissure height": Sided(left, right), "brow height": Sided(brows, 0.0)}
    return Measures(sided, dict.fromkeys(MIDLINE, 0.0), "mm", outer_eye)


def drooping(amount: float, side: Side, slant: float = 0.0) -> Sample:
    """A face whose weak corner droops in proportion to its weakness, beside a slant at rest."""
    own = {s.value: slant * (s is Side.LEFT) + amount * (s is side) for s in Side}
    seen, rest = measures(**own), measures(left=slant)
    return Sample(Movement.GRIN, Palsy.weakness(side, amount), seen, seen, rest)


AMOUNTS = np.round(np.arange(0, 1.01, 0.05), 2)
DROOPING = [drooping(float(a), side) for a in AMOUNTS for side in Side]


def test_the_gain_is_the_slope_of_true_on_detected_asymmetry() -> None:
    """True corners differ by three times the detected difference, true brows by minus half of it;
    face sizes vary, and one face is an outlier."""
    samples = [
        Sample(
            Movement.GRIN,
            Palsy.none(),
            measures(90.0, left=x, brow=x),
            measures(7.0, left=3 * x, brow=-x / 2),
            measures(),
        )
        for x in (-0.04, -0.03, -0.01, 0.01, 0.02, 0.05)
    ]
    gains = fit_gains(samples)
    assert gains["commissure height"] == [3.0, 1.0]
    assert gains["brow height"] == [-0.5, -1.0]
    outlier = Sample(Movement.GRIN, Palsy.none(), measures(left=50.0), measures(), measures())
    assert fit_gains([*samples * 20, outlier])["commissure height"] == [3.0, 1.0]


def test_the_regression_finds_the_function_of_each_side() -> None:
    weights = np.array(fit_item(DROOPING))
    for amount, side in ((0.2, Side.LEFT), (0.7, Side.LEFT), (0.7, Side.RIGHT), (1.0, Side.RIGHT)):
        seen = drooping(amount, side).seen
        assert features(seen, side) @ weights == pytest.approx(1 - amount, abs=0.02)
        assert features(seen, side.other) @ weights == pytest.approx(1, abs=0.02)
    assert len(weights) == len(features(DROOPING[0].seen, Side.LEFT))


def test_thresholds_separate_the_scores_of_the_estimates() -> None:
    """Items score 2 from a function of a quarter and 4 from one of three quarters, which a
    regression that shrinks towards healthy estimates as 0.40 and 0.80."""
    weights = np.zeros(len(features(DROOPING[0].seen, Side.LEFT)))
    weights[CORNER], weights[-1] = -0.8, 1.0
    low, high = fit_thresholds(DROOPING, weights.tolist())
    assert 0.355 < low <= 0.40
    assert 0.755 < high <= 0.80


def test_each_movement_is_fitted_with_and_without_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Individual asymmetry at rest misleads a regression that does not correct for it."""
    requested: dict[Movement, range] = {}

    def rendered(
        movement: Movement, subjects: range, per_subject: int, progress: Callable[[], None] | None
    ) -> list[Sample]:
        requested[movement] = subjects
        rng = np.random.default_rng(YANAGIHARA.index(movement))
        return [drooping(float(a), s, rng.normal(0, 0.4)) for a in AMOUNTS for s in Side]

    monkeypatch.setattr(calibration, "render_samples", rendered)
    monkeypatch.setattr(calibration, "fit_thresholds", lambda samples, weights: [0.1, 0.2])
    found = calibrate(7, 2)
    assert requested[Movement.REST] == range(700_000, 700_007)
    assert requested[Movement.WHISTLE] == range(707_000, 707_007)
    assert (
        set(found["weights"]) == set(found["thresholds with rest"]) == {m.value for m in YANAGIHARA}
    )
    usual = found["rest"]["commissure height"]
    level = measures(left=0.6 + usual, right=usual)
    errors = {
        kind: abs(features(level, Side.LEFT) @ np.array(found[f"weights{kind}"]["grin"]) - 0.4)
        for kind in ("", " with rest")
    }
    assert errors[" with rest"] < 0.05 < errors[""]


def test_detectors_underestimate_asymmetry() -> None:
    """On synthetic subjects true asymmetries are about a quarter larger than detected ones."""
    steps: list[int] = []
    samples = render_samples(
        Movement.GRIN, range(FIRST_SEED, FIRST_SEED + 6), 2, lambda: steps.append(1)
    )
    assert len(steps) == 12
    slope, correlation = fit_gains(samples)["commissure height"]
    assert 1.05 < slope < 1.5
    assert correlation > 0.9
    for s in samples:
        weak = s.palsy.movement_function(Movement.GRIN, Side.RIGHT) - s.palsy.movement_function(
            Movement.GRIN, Side.LEFT
        )
        gap = s.true.fractions().sided["commissure height"].asymmetry
        if abs(weak) > 0.4:
            assert np.sign(gap) == np.sign(weak), "the weak corner hangs"
        still = s.rest.fractions().sided["commissure height"].asymmetry
        assert abs(still) < 0.03, "at rest without a palsy"


def test_calibration_and_evaluation_share_no_subjects() -> None:
    assert FIRST_SEED + 11_000 < EVALUATION_SEEDS


def test_photographed_people_give_healthy_smiles_and_simulated_palsies(
    face: Face, subject: Subject
) -> None:
    smile = detect_face(render(subject, Movement.GRIN, view=View(256)).image)
    steps: list[int] = []
    subjects = [Photographed(face, smile)]
    found = move_photographs(Movement.GRIN, subjects, 3, lambda: steps.append(1))
    assert len(steps) == 3
    assert len(found) == 2 + 3
    own, mirrored, *moved = found
    assert own.palsy == mirrored.palsy == Palsy.none()
    corner, other = (s.seen.sided["commissure height"] for s in (own, mirrored))
    assert (corner.left, corner.right) == pytest.approx((other.right, other.left), rel=1e-5)
    assert own.rest.sided == measure(face.landmarks).sided
    assert all(sample.true is None for sample in found)  # true landmarks are unknown
    for sample in moved:
        seen = sample.seen.sided["commissure height"]
        assert sample.palsy.weak_side is Side.RIGHT  # for these seeds
        assert seen.right > seen.left  # lower in the image
    assert len(move_photographs(Movement.WHISTLE, subjects, 1)) == 1
    one_way = Sample(Movement.GRIN, Palsy.none(), *[measures(left=x) for x in (0.1, 0.3, 0.0)])
    other_way = Sample(Movement.GRIN, Palsy.none(), *[measures(left=-x) for x in (0.1, 0.3, 0.0)])
    assert fit_gains([one_way, other_way, *found])["commissure height"][0] == 3.0

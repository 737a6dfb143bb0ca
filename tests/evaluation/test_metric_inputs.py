"""What is no picture, no number or too few gives an error that says so, never a figure.

The second half runs over the registry, so that a new metric is covered without a line here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from palsynth.clinical import Movement, Palsy, Side
from palsynth.errors import InputError
from palsynth.evaluation.agreement import spearman, weighted_kappa
from palsynth.evaluation.compute import compute
from palsynth.evaluation.distribution import Backend, frechet_distance, kernel_distance
from palsynth.evaluation.duplicates import duplicates, prepared
from palsynth.evaluation.fidelity import landmark_error, moving, psnr, ssim
from palsynth.evaluation.identity import reidentified
from palsynth.evaluation.intervals import bootstrap, share
from palsynth.evaluation.metric import Metric, Outcome
from palsynth.evaluation.metrics import METRICS
from palsynth.evaluation.patient import upright_distance
from palsynth.evaluation.privacy import (
    distances,
    membership_auc,
    nearest,
    recognised,
    threshold_at,
)
from palsynth.evaluation.quality import ser_fiq, ser_fiq_rescaled
from palsynth.evaluation.recognition import (
    auc,
    cosines,
    paired_cosines,
    tar_at_far,
    top1,
    verification,
)
from palsynth.evaluation.requested import RequestedMeasures, rank_agreement, requested_measures
from palsynth.evaluation.study import Rating, holm
from palsynth.face import topology

NAN, INF = float("nan"), float("inf")
RNG = np.random.default_rng(0)
A = RNG.normal(size=(6, 4))
BAD, ENDLESS = A.copy(), A.copy()
BAD[3, 1], ENDLESS[3, 1] = NAN, INF
PICTURES = RNG.integers(0, 256, (2, 16, 16, 3), np.uint8)
NAMES = np.array(list("abcabc"))
V = np.arange(6.0)
VBAD = np.array([0, 1, NAN, 3, 4, 5])
POINTS = RNG.normal(size=(2, topology.POINTS, 3))
POINTS_INF = POINTS.copy()
POINTS_INF[1] = INF
SMALL = (np.zeros((2, 32, 32)), np.zeros((2, 96, 96)))
NO_NUMBER = "NaN in row 3 .counted from 0; 1 of 6 rows are no numbers"

CASES: list[tuple[Callable[..., Any], tuple[Any, ...], str]] = [
    (spearman, (V, VBAD), "b: NaN in row 2"),
    (spearman, (V, V[:5]), "b: has 5 rows, a 6"),
    (spearman, (V, A), "b: is of shape 6 x 4, must be any"),
    (
        weighted_kappa,
        (np.array([0, 3]), np.array([0, 2])),
        "targets: 3 in row 1 is none of 0, 2, 4",
    ),
    (weighted_kappa, (np.array([0, 2]), np.array([0, NAN])), "predictions: nan in row 1 is none"),
    (weighted_kappa, (np.array([0, 2]), np.array([0])), "predictions: is of shape 1, targets of 2"),
    (weighted_kappa, (np.array([]), np.array([])), "targets: 0 scores"),
    (frechet_distance, (A, BAD), f"features of the second set: {NO_NUMBER}"),
    (frechet_distance, (ENDLESS, A), "features of the first set: infinite in row 3"),
    (frechet_distance, (A, A[:, :3]), "second set: is of shape 6 x 3, must be any x 4"),
    (frechet_distance, (A[:1], A), "first set: 1 pictures: a distance of sets needs at least two"),
    (frechet_distance, (V, V), "first set: is of shape 6, must be any x 6"),
    (frechet_distance, (A.astype(str), A), "first set: holds <U32, not numbers"),
    (kernel_distance, (BAD, A), f"features of the first set: {NO_NUMBER}"),
    (kernel_distance, (A, A[:0]), "second set: 0 pictures"),
    (
        lambda a: kernel_distance(a, a, size=1),
        (A,),
        "size: 1 pictures: a subset needs at least two",
    ),
    (lambda a: kernel_distance(a, a, subsets=0), (A,), "subsets: 0 subsets"),
    (prepared, (PICTURES[0] / 255,), "image: holds float64; pictures are uint8, 0 to 255"),
    (prepared, (PICTURES[0, ..., 0],), "image: is of shape 1 x 16 x 16, must be"),
    (duplicates, (SMALL, tuple(s[:0] for s in SMALL)), "gallery: 0 pictures"),
    (duplicates, (SMALL, (SMALL[0], SMALL[1] + NAN)), "gallery at 96 px: NaN in row 0"),
    (duplicates, (SMALL[::-1], SMALL), "probes at 32 px: is of shape 2 x 96 x 96"),
    (psnr, (PICTURES, PICTURES / 255), "truth: holds float64; pictures are uint8"),
    (psnr, (PICTURES, PICTURES[:1]), "truth: is of shape 1 x 16 x 16 x 3, images of 2 x"),
    (psnr, (PICTURES[:0], PICTURES[:0]), "images: 0 pictures"),
    (psnr, (PICTURES, PICTURES, np.ones((2, 16, 15), bool)), "mask: is of shape 2 x 16 x 15"),
    (psnr, (PICTURES, PICTURES, np.ones((2, 16, 16))), "mask: holds float64; a mask is bool"),
    (ssim, (PICTURES[:, :10], PICTURES[:, :10]), "images: 10 px: smaller than the window of SSIM"),
    (ssim, (PICTURES, PICTURES[:, :12]), "truth: is of shape 2 x 12 x 16 x 3"),
    (moving, (PICTURES, PICTURES.astype(int)), "truth: holds int64"),
    (landmark_error, (POINTS, POINTS[:1]), "true: is of shape 1 x 478 x 3, must be 2 x 478 x 3"),
    (landmark_error, (POINTS_INF, POINTS), "found: infinite in row 1"),
    (upright_distance, (POINTS, POINTS[:, :5]), "b: is of shape 2 x 5 x 3"),
    (upright_distance, (POINTS_INF, POINTS), "a: infinite in row 1"),
    (reidentified, (A, NAMES, A[:0], NAMES[:0]), "gallery: 0 faces: there is nobody"),
    (reidentified, (A, NAMES, A + NAN, NAMES), "gallery: 0 faces: there is nobody"),
    (reidentified, (A, NAMES, A[:1], NAMES[:1]), "gallery: 1 people: among one nobody is mistaken"),
    (reidentified, (A, NAMES, A[:, :3], NAMES), "gallery: is of shape 6 x 3, must be any x 4"),
    (reidentified, (A, NAMES[:2], A, NAMES), "subjects: has 2 rows, own 6"),
    (reidentified, (ENDLESS, NAMES, A, NAMES), "own: infinite in row 3"),
    (bootstrap, (np.array([NAN, 1]),), "values: NaN in row 0"),
    (bootstrap, (np.array([INF, 1]),), "values: infinite in row 0"),
    (bootstrap, (), "values: 0 arrays"),
    (lambda v: bootstrap(v, groups=NAMES[:2]), (V,), "another array: has 2 rows, values 6"),
    (lambda v: bootstrap(v, num_resamples=0), (V,), "num_resamples: 0 resamples"),
    (share, (VBAD, NAMES), "hits: holds float64, must be bool"),
    (share, (V > 2, NAMES[:2]), "another array: has 2 rows"),
    (distances, (A, A[:, :3]), "b: is of shape 6 x 3"),
    (distances, (ENDLESS, A), "a: infinite in row 3"),
    (nearest, (A, A[:0]), "gallery: 0 pictures: there is nothing to compare with"),
    (nearest, (A, ENDLESS), "gallery: infinite in row 3"),
    (threshold_at, (np.array([INF]), 0.01), "impostors: infinite in row 0"),
    (threshold_at, (V, 2.0), r"far: is 2\.0, must lie between 0 and 1"),
    (recognised, (V, NAN), "threshold: there are no pairs of two people"),
    (recognised, (np.array([INF]), 0.6), "distance: infinite"),
    (membership_auc, (np.array([INF]), V), "members: infinite in row 0"),
    (membership_auc, (V, A), "others: is of shape 6 x 4"),
    (ser_fiq, (A[:1],), "embeddings: 1 embeddings: a distance needs two"),
    (ser_fiq, (BAD,), f"embeddings: {NO_NUMBER}"),
    (ser_fiq_rescaled, (NAN,), "quality: is nan, must lie between 0 and 1"),
    (cosines, (A, A[:, :3]), "b: is of shape 6 x 3"),
    (cosines, (ENDLESS, A), "a: infinite in row 3"),
    (paired_cosines, (A, A[:5]), "b: is of shape 5 x 4, a of 6 x 4"),
    (top1, (BAD, NAMES, NAMES[:4]), f"similarity: {NO_NUMBER}"),
    (top1, (A[:, :0], NAMES, NAMES[:0]), "gallery: 0 pictures: there is nobody"),
    (top1, (A[:0], NAMES[:0], NAMES[:4]), "probe: 0 pictures"),
    (top1, (A, NAMES, NAMES), "similarity: is of shape 6 x 4, must be 6 x 6"),
    (verification, (BAD, NAMES, NAMES[:4]), f"similarity: {NO_NUMBER}"),
    (auc, (VBAD, V), "same: NaN in row 2"),
    (auc, (V, V[:0]), "other: 0 pairs: at least one is needed"),
    (tar_at_far, (V[:0], V), "same: 0 pairs"),
    (tar_at_far, (V, V, -0.1), r"far: is -0\.1"),
    (tar_at_far, (V, VBAD), "other: NaN in row 2"),
    (requested_measures, ([], POINTS, POINTS), "landmarks: is of shape 2 x 478 x 3, must be 0 x"),
    (rank_agreement, (NAMES, NAMES, V, V, "nose"), "which: nose in row 0 is none of brow, eye"),
    (rank_agreement, (NAMES, NAMES, VBAD, V, "eye"), "requested: NaN in row 2"),
    (rank_agreement, (NAMES, NAMES, V, V[:3], "eye"), "measured: has 3 rows, region 6"),
    (Rating, ("r", "i", "m", "expression", 6), "r, m, i: 6 points for expression; 1 to 5 are"),
    (holm, ([0.5, 1.5],), r"p of test 1: is 1\.5"),
]


@pytest.mark.parametrize(("metric", "given", "message"), CASES)
def test_bad_arrays(metric: Callable[..., Any], given: tuple[Any, ...], message: str) -> None:
    with pytest.raises(InputError, match=message):
        metric(*given)


def test_one_value_or_one_person_has_no_interval() -> None:
    for figure in (bootstrap(np.ones(1)), bootstrap(V, groups=np.array(["a"] * 6))):
        assert np.isnan([figure.low, figure.high]).all()
    assert bootstrap(np.ones(1)).text(2) == "1.00"
    assert share(np.ones(6, bool), np.array(["a"] * 6)).text(0) == "100"
    assert bootstrap(np.array([])).text() == "–"


def test_a_statistic_without_a_value_has_no_interval() -> None:
    figure = bootstrap(VBAD, statistic=lambda v: float(v.mean()))
    assert np.isnan([figure.value, figure.low, figure.high]).all()


COUNT = 6
PALSY = Palsy.weakness(Side.LEFT, 0.8)


@dataclass
class Arrays:
    """Valid inputs of six pictures of three people; some may be replaced."""

    subjects: np.ndarray = field(default_factory=lambda: NAMES.copy())
    change: tuple[str, Callable[[Any], Any]] | None = None
    used: list[str] = field(default_factory=list)
    backend: Backend = field(default_factory=lambda: Backend("ours", "none", "0"))

    def _given(self, name: str, value: Any) -> Any:
        self.used.append(name)
        if self.change is not None and self.change[0] == name:
            return self.change[1](value)
        return value

    def _some(self, *shape: int) -> np.ndarray:
        return np.random.default_rng(len(self.used)).random((len(self.subjects), *shape))

    @property
    def identities(self) -> np.ndarray:
        return self.subjects

    def name(self, judge: str) -> str:
        return judge

    def images(self, *roles: str) -> Iterator[tuple[np.ndarray, ...]]:
        whole = self._given("images", np.repeat(PICTURES, 3, 0))
        yield from (tuple(picture for _ in roles) for picture in whole)

    def features(self, judge: str, role: str = "picture") -> np.ndarray:
        shape = (topology.POINTS, 3) if judge == "landmarks" else (4,)
        return self._given(f"features {judge} {role}", self._some(*shape))

    def pixels(self) -> np.ndarray:
        return self._given("pixels", self._some(4))

    def perceptual(self, role: str) -> np.ndarray:
        return self._given("perceptual", self._some())

    def portrait_distances(self) -> tuple[np.ndarray, str]:
        return self._given("portraits", self._some()), "ours"

    def requested(self) -> RequestedMeasures:
        region = np.array(["brow", "eye", "mouth"] * 2)[: len(self.subjects)]
        weak, score = self._some() - 0.5, np.array([0, 2, 4] * 2)[: len(self.subjects)]
        found = self._given("requested", weak + 0.1)
        return RequestedMeasures(weak, found, region, score, score)

    def readings(self) -> tuple[np.ndarray, np.ndarray]:
        return self._given("readings", self._some()), self._given("errors", self._some())

    def requests(self) -> list[tuple[Movement, Palsy]]:
        return [(Movement.GRIN, PALSY)] * len(self.subjects)


COMPUTED = [metric for metric in METRICS if metric.compute is not None]


def infinite(array: np.ndarray) -> np.ndarray:
    out = array.astype(float)
    out[1] = INF
    return out


def shorter(array: np.ndarray) -> np.ndarray:
    return array[:1]


def words(array: np.ndarray) -> np.ndarray:
    return array.astype(str)


@pytest.mark.parametrize("metric", COMPUTED, ids=lambda metric: metric.key)
def test_every_metric_refuses_bad_inputs(metric: Metric) -> None:
    """Each input that it uses, in turn, with an infinite row, too few rows and no numbers."""
    valid = Arrays()
    compute(metric, valid)
    assert valid.used, "it uses some input"
    for name in dict.fromkeys(valid.used):
        for change in (infinite, shorter, words):
            given = Arrays(change=(name, change))
            if metric.family == "fidelity" and name == "pixels" and change is infinite:
                continue  # PSNR of identical pictures is infinite
            said = what_is_said(metric, given)
            assert any(word in said for word in ("row", "shape", "holds", "pictures")), said


def what_is_said(metric: Metric, given: Arrays) -> str:
    """The error, or the reason for the dash."""
    try:
        found = compute(metric, given)
    except InputError as error:
        return str(error)
    assert np.isnan(found.figure.value), given.change
    return found.reason


@pytest.mark.parametrize("metric", COMPUTED, ids=lambda metric: metric.key)
@pytest.mark.parametrize("count", [0, 1])
def test_every_metric_of_too_few_pictures_has_a_reason_or_no_interval(
    metric: Metric, count: int
) -> None:
    found = compute(metric, Arrays(subjects=NAMES[:count]))
    if count == 0 or np.isnan(found.figure.value):
        assert np.isnan(found.figure.value)
        assert found.reason
    else:
        assert np.isnan([found.figure.low, found.figure.high]).all()


def test_a_metric_that_finds_no_figure_is_named() -> None:
    base = METRICS[0]
    for outcome, message in (
        (Outcome(np.zeros(3)), "values: is of shape 3, must be 6"),
        (Outcome(), "finds neither values nor a figure"),
        (Outcome(figure=replace(bootstrap(V), value=INF)), "is infinite"),
    ):
        wrong = replace(base, compute=lambda _, outcome=outcome: outcome)
        with pytest.raises(InputError, match=f"^{base.title}: {message}"):
            compute(wrong, Arrays())

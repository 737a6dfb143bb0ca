"""Distributions of random subjects, palsies and scenes, over many samples."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from palsynth.appearance.model import appearance_model
from palsynth.clinical import Branch, Grade, Palsy, Side
from palsynth.face import topology
from palsynth.face.framing import PORTRAIT
from palsynth.subjects import EVALUATION_SEEDS, random_palsy, random_view, sample
from palsynth.subjects import subject as subject_module


@pytest.fixture(scope="module")
def palsies() -> list[Palsy]:
    rng = np.random.default_rng(0)
    return [random_palsy(rng, Side.LEFT) for _ in range(1500)]


@pytest.mark.parametrize("side", list(Side))
def test_a_palsy_is_on_the_requested_side(side: Side) -> None:
    rng = np.random.default_rng(1)
    for _ in range(100):
        palsy = random_palsy(rng, side)
        assert palsy.of(side.other) == Palsy.none().left
        assert palsy.weak_side is side


def test_one_palsy_in_ten_is_central_and_fifteen_in_a_hundred_are_late(
    palsies: list[Palsy],
) -> None:
    late = [p for p in palsies if p.left.synkinesis]
    assert len(late) / 1500 == pytest.approx(0.15 * 4 / 5, abs=0.03), "grade VI has no synkinesis"
    known = {
        tuple(kind(Side.LEFT, grade).left.function.values()): name
        for name, kind in (("central", Palsy.central), ("whole nerve", Palsy.peripheral))
        for grade in list(Grade)[1:]
    }
    found = Counter(known.get(tuple(p.left.function.values()), "uneven") for p in palsies)
    assert found["central"] / 1500 == pytest.approx(0.10, abs=0.03)
    assert found["whole nerve"] / 1500 == pytest.approx(0.15 + 0.35, abs=0.04)
    assert found["uneven"] / 1500 == pytest.approx(0.40, abs=0.04)


def test_uneven_palsies_lose_tone_from_half_weakness_on(palsies: list[Palsy]) -> None:
    known = {tuple(Palsy.peripheral(Side.LEFT, g).left.function.values()) for g in Grade}
    uneven = [p.left for p in palsies if len(set(p.left.function.values())) == 5]
    assert len(uneven) > 400
    assert not {tuple(s.function.values()) for s in uneven} & known
    mean = np.array([np.mean([s.function[b] for b in Branch]) for s in uneven])
    tone = np.array([s.tone for s in uneven])
    assert tone[mean > 0.7].min() > 0.8
    assert tone[mean < 0.15].max() < 0.6
    assert np.corrcoef(mean[mean < 0.5], tone[mean < 0.5])[0, 1] > 0.8


def test_some_are_healthy_on_request() -> None:
    rng = np.random.default_rng(2)
    assert all(random_palsy(rng, Side.LEFT, healthy=1.0) == Palsy.none() for _ in range(20))
    found = [random_palsy(rng, Side.LEFT, healthy=0.3) == Palsy.none() for _ in range(600)]
    assert np.mean(found) == pytest.approx(0.3, abs=0.05)


def test_scenes_are_nearly_frontal_and_of_the_requested_size_and_framing() -> None:
    rng = np.random.default_rng(3)
    views = [random_view(rng, 96, PORTRAIT) for _ in range(800)]
    assert {view.size for view in views} == {96}
    assert {view.framing.name for view in views} == {"portrait"}
    scenes = [view.scene for view in views]
    turns = np.array([[s.pose.yaw, s.pose.pitch, s.pose.roll] for s in scenes])
    assert turns.std(0) == pytest.approx([4, 3, 2], rel=0.12)
    assert np.abs(turns.mean(0)).max() < 0.5
    lights = np.array([[s.light.side, s.light.exposure, s.light.warmth] for s in scenes])
    assert lights.min(0) == pytest.approx([-0.5, 0.88, -0.4], abs=0.02)
    assert lights.max(0) == pytest.approx([0.5, 1.08, 0.4], abs=0.02)
    takes = np.array([[s.jitter.zoom, s.jitter.blur, s.jitter.noise] for s in scenes])
    assert takes.min(0) == pytest.approx([0.97, 0, 0], abs=0.02)
    assert takes.max(0) == pytest.approx([1.03, 1.2, 2.0], abs=0.02)
    assert np.std([s.jitter.shift for s in scenes], axis=0) == pytest.approx(
        [0.008, 0.008], rel=0.1
    )
    assert len({s.jitter.seed for s in scenes}) == 800


def test_default_distribution_of_subjects() -> None:
    subjects = [sample(seed) for seed in range(600)]
    groups = Counter(p.ethnicity for p in subjects)
    assert {g: n / 600 for g, n in groups.items()} == pytest.approx(
        {"white": 1 / 2, "black": 1 / 6, "west_asian": 1 / 6, "east_asian": 1 / 6}, abs=0.05
    )
    assert np.mean([p.gender == "woman" for p in subjects]) == pytest.approx(0.5, abs=0.06)
    ages = np.array([p.age for p in subjects])
    assert 18 <= ages.min() < 25 < 45 < ages.max() <= 55
    assert ages.mean() == pytest.approx(30, abs=1)
    bell = np.array([p.bell for p in subjects])
    assert 0.8 < np.median(bell) <= 1
    assert bell.min() < 0.5, "the eyes of some do not roll up"
    assert EVALUATION_SEEDS == 1_000_000


def test_shape_varies_by_half_more_than_photographed_and_colour_by_a_fifth(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = sample(7)
    monkeypatch.setattr(subject_module, "VARIETY", 0.0)
    monkeypatch.setattr(subject_module, "COLOUR_VARIETY", 0.0)
    mean = sample(7)
    assert np.array_equal(mean.code, mean.plain_code), "the group's mean"
    assert one.code - mean.code == pytest.approx(1.5 / 1.2 * (one.plain_code - mean.code), abs=1e-3)
    assert np.abs(one.code - mean.code).max() > 0.1


def test_gender_age_and_group_change_the_appearance_by_the_regression(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(subject_module, "VARIETY", 0.0)
    regression = appearance_model().regression
    woman, man, older = (
        sample(7, gender=g, age=a, ethnicity="white").code
        for g, a in (("woman", 30), ("man", 30), ("man", 40))
    )
    assert woman - man == pytest.approx(regression[2], rel=1e-4, abs=0.01)
    assert older - man == pytest.approx(regression[1], rel=1e-4, abs=0.01)
    monkeypatch.setattr(subject_module, "MAX_ADMIXTURE", 0.0)
    groups = [sample(7, gender="man", age=30, ethnicity=g).code for g in subject_module.ETHNICITIES]
    for k in (1, 2, 3):
        assert groups[k] - groups[0] == pytest.approx(regression[2 + k], rel=1e-4, abs=0.01)


def test_other_groups_have_a_share_of_two_fifths_at_most(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(subject_module, "VARIETY", 0.0)
    regression = appearance_model().regression.T.astype(float)
    codes = [sample(seed, ethnicity="black").code for seed in range(60)]
    own = np.array([np.linalg.lstsq(regression, code, rcond=None)[0][3] for code in codes])
    assert 0.6 - 1e-3 <= own.min() < 0.75
    assert own.mean() == pytest.approx(1 - 0.2 + 0.2 / 4, abs=0.05)


def test_faces_are_a_third_as_asymmetric_as_their_codes() -> None:
    """Half as asymmetric as photographed people, whose variety is increased by half."""
    subject = sample(7)
    landmarks, raw = subject.landmarks, appearance_model().landmarks(subject.code)
    corners = [topology.COMMISSURE[s] for s in ("left", "right")]
    for points, share in ((landmarks, 1 / 3), (raw, 1.0)):
        left, right = points[corners]
        difference = left - right * [-1, 1, 1]
        full = raw[corners[0]] - raw[corners[1]] * [-1, 1, 1]
        assert difference == pytest.approx(share * full, abs=1e-5)
    assert landmarks[corners].mean(0) == pytest.approx(raw[corners].mean(0), abs=0.05)


def test_lines_deepen_by_22_thousandths_a_year() -> None:
    young, old = sample(9, age=30), sample(9, age=40)
    assert old.lines - young.lines == pytest.approx(0.22)
    assert np.array_equal(young.iris, old.iris)


def test_blue_eyes_occur_in_the_groups_that_have_them() -> None:
    """Blue and grey eyes have more blue than red; brown ones the other way round."""
    share = {}
    for group in ("white", "black", "west_asian", "east_asian"):
        irises = np.array([sample(seed, ethnicity=group).iris for seed in range(80)])
        share[group] = (irises[:, 2] > irises[:, 0]).mean()
    assert 0.2 < share["white"] < 0.55
    assert share["black"] == share["west_asian"] == share["east_asian"] == 0

"""The fit of the smile, on synthetic subjects with a known smile: the one that ships."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from palsynth.capture import smiles
from palsynth.capture.smiles import OPEN, SmilingPair, fit_smile, smiling_pair
from palsynth.clinical import Grade, Movement, Palsy, Side
from palsynth.face import topology
from palsynth.face.detect import detect_face
from palsynth.face.framing import PORTRAIT
from palsynth.simulator.smile import MOUTH, smile_model
from palsynth.subjects import Light, Scene, View, render, sample
from tests.capture.coefficients import make_coefficients

EFFORT = 0.8
LIPS = [*topology.OUTER_UPPER_LIP, *topology.OUTER_LOWER_LIP]


@pytest.fixture(scope="module")
def pairs() -> list[SmilingPair]:
    view = View(320, PORTRAIT)
    out = []
    for seed in range(880, 886):
        subject = sample(seed, age=28)
        rest, smiling = (
            detect_face(render(subject, m, intensity=EFFORT, view=view).image)
            for m in (Movement.REST, Movement.GRIN)
        )
        out.append(smiling_pair(rest, smiling))
    return out


def test_a_known_smile_is_recovered(pairs: list[SmilingPair]) -> None:
    """The detector underestimates the movement of lips, so displacement and effort differ from the
    rendered ones but point in their direction: the lower lip moves down beyond the scanned
    fields."""
    assert all(pair.opening > OPEN for pair in pairs)
    found = fit_smile(pairs)
    assert float(found["effort"]) == pytest.approx(EFFORT, abs=0.2)
    way, known = (w[LIPS, :2].astype(float).ravel() for w in (found["way"], smile_model().way))
    assert np.corrcoef(way, known)[0, 1] > 0.5
    light = found["light"].astype(float) * float(found["light_step"])
    known_light = smile_model().light
    fold = np.s_[195:215, 155:175]  # beside the left wing of the nose
    assert light[fold].mean() < -0.02
    assert known_light[fold].mean() < -0.02
    assert found["mouth"].shape == (2, *MOUTH, 3)


def test_the_fitted_smile_is_symmetric(pairs: list[SmilingPair]) -> None:
    found = fit_smile(pairs)
    light = found["light"].astype(float)
    assert np.abs(light).max() == 127
    assert np.abs(light - light[:, ::-1]).mean() < 0.5, "steps of the 127 that the largest has"
    assert np.allclose(found["mouth"][0], found["mouth"][0][:, ::-1], atol=1e-3)


def test_the_fitted_light_is_limited_to_the_face(pairs: list[SmilingPair]) -> None:
    light = fit_smile(pairs)["light"]
    assert light.any()
    assert not light[:60].any(), "the forehead does not smile"
    assert not light[:, :20].any()


def test_the_rendered_light_inside_the_mouth_is_recovered(pairs: list[SmilingPair]) -> None:
    found, known = fit_smile(pairs)["mouth"][0].astype(float), smile_model().mouth[0]
    assert np.corrcoef(found.ravel(), known.ravel())[0, 1] > 0.3


def test_light_is_fitted_to_the_smiling_side_whatever_the_lamp(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two subjects who smile on one side, rendered at four fifths of the exposure."""
    monkeypatch.setattr(smiles, "MIN_SEEN", 0.1)
    fold = np.s_[195:215, 155:175]
    halves = []
    for seed, side in ((880, Side.LEFT), (881, Side.RIGHT)):
        subject, palsy = sample(seed, age=28), Palsy.peripheral(side, Grade.VI)
        view = View(320, PORTRAIT)
        rest = detect_face(render(subject, view=view).image)
        dim = replace(view, scene=Scene(light=Light(exposure=0.8)))
        smiling = detect_face(render(subject, Movement.GRIN, palsy, view=dim).image)
        # a full grin of the other side
        known = make_coefficients(**{side.other.value: {"mouthSmile": 0.9}})
        halves.append(replace(smiling_pair(rest, smiling), coefficients=known))
    light = smiles._light(halves)
    assert -0.3 < light[fold].mean() < -0.02

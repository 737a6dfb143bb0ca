"""What seeds vary, and that labels, identity and given pictures stay."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from palsynth.clinical import Grade, Movement, Palsy, Side
from palsynth.errors import InputError
from palsynth.face.face import Face
from palsynth.face.framing import PORTRAIT
from palsynth.generation.runner import generate
from palsynth.generation.variety import Variety, vary
from palsynth.methods import ExpressionImage, Request, TargetExpression, get_method
from palsynth.methods.resolve import as_drive
from palsynth.simulator.drive import Drive, drive
from palsynth.subjects import Light, sample
from palsynth.subjects.scene import apply_light

GRIN = TargetExpression(Movement.GRIN, Palsy.peripheral(Side.LEFT, Grade.IV))
SUBJECT = sample(970_161)
NONE = Variety(effort=0, folds=0, light=0)


def _drive(request: Request) -> Drive:
    assert isinstance(request.expression, Drive)
    return request.expression


def test_without_variety_a_movement_is_only_converted(face: Face) -> None:
    varied = vary(Request(SUBJECT, GRIN, seed=3), NONE)
    assert _drive(varied) == as_drive(GRIN, SUBJECT)
    assert varied.scene == Request(SUBJECT, GRIN).scene
    assert vary(Request(face, GRIN, seed=3), NONE).identity is face


def test_the_seed_alone_decides() -> None:
    one, same, other = (vary(Request(SUBJECT, GRIN, seed=s), Variety()) for s in (3, 3, 4))
    assert (one.expression, one.scene) == (same.expression, same.scene)
    assert one.expression != other.expression
    assert one.scene != other.scene


def test_effort_moves_both_sides_and_not_past_the_largest() -> None:
    efforts = []
    for seed in range(200):
        varied = _drive(vary(Request(SUBJECT, GRIN, seed=seed), replace(NONE, effort=0.1)))
        efforts.append(varied.right.fields["mouthSmile"])
    full = as_drive(GRIN, SUBJECT).right.fields["mouthSmile"]
    most = as_drive(replace(GRIN, intensity=1.2), SUBJECT).right.fields["mouthSmile"]
    assert np.mean(efforts) == pytest.approx(full, rel=0.03)
    assert np.std(efforts) == pytest.approx(0.1 * full, rel=0.25)
    assert max(efforts) == pytest.approx(most)


def test_folds_vary_alone() -> None:
    plain = as_drive(GRIN, SUBJECT)
    depths = []
    for seed in range(200):
        varied = _drive(vary(Request(SUBJECT, GRIN, seed=seed), replace(NONE, folds=0.25)))
        assert (varied.left.fields, varied.jaw) == (plain.left.fields, plain.jaw)
        depths.append(varied.right.folds["nasolabial"] / plain.right.folds["nasolabial"])
        ratio = varied.left.folds["nasolabial"] / plain.left.folds["nasolabial"]
        assert ratio == pytest.approx(depths[-1]), "the sides stay in proportion"
    assert np.std(np.log(depths)) == pytest.approx(0.25, rel=0.2)


def test_coefficients_are_scaled_and_an_eye_is_at_most_shut() -> None:
    shut = drive(Movement.CLOSE_EYES_TIGHTLY, Palsy.none())
    for seed in range(20):
        varied = _drive(vary(Request(SUBJECT, shut, seed=seed), replace(NONE, effort=0.3)))
        effort = varied.left.fields["cheekRaiser"] / shut.left.fields["cheekRaiser"]
        assert varied.left.closure == pytest.approx(min(1, effort * shut.left.closure))


def test_a_picture_keeps_its_expression(face: Face) -> None:
    given = ExpressionImage(face)
    varied = vary(Request(face, given, seed=3), Variety())
    assert varied.expression is given
    assert isinstance(varied.identity, Face)
    assert not np.array_equal(varied.identity.image, face.image), "but is lit otherwise"
    assert varied.identity.landmarks is face.landmarks


def test_light_is_that_of_the_room() -> None:
    plain = np.full((8, 64, 3), 100, np.float32)
    assert np.array_equal(apply_light(plain, Light()), plain)
    exposures = [
        vary(Request(SUBJECT, GRIN, seed=s), replace(NONE, light=1)).scene.light.exposure
        for s in range(100)
    ]
    assert 0.9 <= min(exposures) < 0.93 < 1.07 < max(exposures) <= 1.1


def test_pictures_vary_and_their_record_says_how(tmp_path: Path) -> None:
    method = get_method("subjects")
    requests = [Request(SUBJECT, GRIN, seed=s, size=96, framing=PORTRAIT) for s in (1, 2)]
    plain = list(generate(method, requests))
    assert np.array_equal(plain[0].image, plain[1].image)
    assert "variety" not in plain[0].record
    varied = list(generate(method, requests, variety=Variety()))
    assert np.abs(varied[0].image.astype(int) - varied[1].image).mean() > 1
    assert varied[0].record["variety"] == {"effort": 0.1, "folds": 0.25, "light": 1.0}
    assert varied[0].record["expression"] == "grin"
    again = list(generate(method, requests[1:], variety=Variety()))
    assert np.array_equal(again[0].image, varied[1].image)


def test_cfcpalsy_samples_once_where_seeds_are_to_differ(astronaut: Face) -> None:
    method = get_method("cfcpalsy")
    request = Request(astronaut, GRIN, seed=2, size=112)
    (plain,) = generate(method, [request])
    (varied,) = generate(method, [request], variety=NONE)
    assert plain.record["settings"]["num_samples_averaged"] == 4
    assert varied.record["settings"]["num_samples_averaged"] == 1
    assert varied.record["weights_sha256"] == plain.record["weights_sha256"]
    assert not np.array_equal(plain.image, varied.image)


@pytest.mark.parametrize(("name", "value"), [("effort", -0.1), ("folds", 1.5), ("light", 2.0)])
def test_a_variety_out_of_range_is_named(name: str, value: float) -> None:
    with pytest.raises(InputError, match=f"variety of {name} {value:g}: must lie between 0 and 1"):
        Variety(**{name: value})

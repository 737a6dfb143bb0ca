"""Pose, light, camera and ground truth of a rendering, each in the documented direction."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from palsynth.clinical import Grade, Movement, Palsy, Side
from palsynth.face import topology
from palsynth.simulator.drive import SideDrive, drive
from palsynth.simulator.motion import Sway
from palsynth.subjects import HeadPose, Jitter, Light, Scene, Subject, View, render, sample
from palsynth.subjects.ageing import LINES, SAGS, aged
from palsynth.subjects.description import SKINS, _in_words, _tone
from palsynth.subjects.dress import Stage
from palsynth.subjects.monk import monk_tone
from palsynth.subjects.render import Sitting, _rotation, render_drive
from palsynth.subjects.scene import head_pose

DEAD = Palsy.peripheral(Side.LEFT, Grade.VI)


def _landmarks(subject: Subject, **view: object) -> np.ndarray:
    return render(subject, view=View(128, scene=Scene(**view))).landmarks.astype(float)  # type: ignore[arg-type]


def _nose(points: np.ndarray) -> np.ndarray:
    """Position of the tip of the nose relative to the middle of the cheeks, pixels."""
    return points[topology.NOSE_TIP] - points[[234, 454]].mean(0)


@pytest.mark.parametrize(
    ("pose", "axis", "sign"),
    [
        (HeadPose(yaw=12), 0, 1),
        (HeadPose(yaw=-12), 0, -1),
        (HeadPose(pitch=12), 1, 1),
        (HeadPose(pitch=-12), 1, -1),
    ],
)
def test_a_nose_points_right_by_yaw_and_down_by_pitch(
    subject: Subject, pose: HeadPose, axis: int, sign: int
) -> None:
    displacement = _nose(_landmarks(subject, pose=pose)) - _nose(_landmarks(subject))
    assert sign * displacement[axis] > 4
    assert abs(displacement[1 - axis]) < 3


def test_roll_tilts_clockwise_in_the_picture() -> None:
    """Towards the camera is -z: a point in front of the face moves right by yaw, down by pitch."""
    s, c = np.sin(np.radians(20)), np.cos(np.radians(20))
    front = np.array([0.0, 0.0, -1.0])
    assert _rotation(HeadPose(yaw=20)) @ front == pytest.approx([s, 0, -c])
    assert _rotation(HeadPose(pitch=20)) @ front == pytest.approx([0, s, -c])
    assert _rotation(HeadPose(roll=20)) @ [1.0, 0, 0] == pytest.approx([c, s, 0])


def test_irises_are_the_patients_right_then_left(subject: Subject) -> None:
    points = _landmarks(subject)
    for side, middle in (("right", 468), ("left", 473)):
        lids = points[[*topology.UPPER_LID[side], *topology.LOWER_LID[side]]]
        assert lids[:, 0].min() < points[middle, 0] < lids[:, 0].max()
        assert lids[:, 1].min() < points[middle, 1] < lids[:, 1].max()
        ring = points[middle + 1 : middle + 5] - points[middle]
        radius = 0.0655 * 0.30 * 128
        assert ring == pytest.approx(
            radius * np.array([[1, 0], [0, -1], [-1, 0], [0, 1]]), abs=1e-3
        )


def test_an_eye_rolls_up_by_the_bell_of_its_subject() -> None:
    whole, half, none = (
        render(replace(sample(5), bell=bell), Movement.CLOSE_EYES_LIGHTLY, DEAD).landmarks[473, 1]
        for bell in (1.0, 0.5, 0.0)
    )
    assert none - whole > 3
    assert none - half == pytest.approx((none - whole) / 2, rel=0.01)


def test_half_the_effort_is_half_the_smile(subject: Subject) -> None:
    rest, half, whole = (
        render(subject, movement, intensity=effort).landmarks[291]
        for movement, effort in ((Movement.REST, 1), (Movement.GRIN, 0.5), (Movement.GRIN, 1))
    )
    assert half - rest == pytest.approx((whole - rest) / 2, rel=0.15)
    assert (rest - whole)[1] > 3


def test_light_has_a_side_an_exposure_and_a_warmth(subject: Subject) -> None:
    plain = render(subject, view=View(64)).image.astype(float)

    def ratio(light: Light) -> np.ndarray:
        lit = render(subject, view=View(64, scene=Scene(light=light))).image.astype(float)
        return (lit / np.maximum(plain, 1))[plain.max(-1) < 180]

    assert np.median(ratio(Light(exposure=0.8)), 0) == pytest.approx([0.8] * 3, abs=0.01)
    assert np.median(ratio(Light(warmth=1)), 0) == pytest.approx([1.06, 1.0, 0.9], abs=0.01)
    assert np.median(ratio(Light(warmth=-1)), 0) == pytest.approx([0.94, 1.0, 1.1], abs=0.01)
    lamp = render(subject, view=View(64, scene=Scene(light=Light(side=1)))).image.astype(float)
    rows = plain[32:40].max((0, 2)) < 180
    columns = np.flatnonzero(rows)
    ratios = (lamp / np.maximum(plain, 1))[32:40].mean((0, 2))[columns]
    assert ratios == pytest.approx(1 + 0.28 * (2 * columns / 63 - 1), abs=0.03)


def test_jitter_shifts_zooms_blurs_and_adds_noise(subject: Subject) -> None:
    still = _landmarks(subject)
    shifted = _landmarks(subject, jitter=Jitter(shift=(0.1, -0.05)))
    assert shifted - still == pytest.approx(np.broadcast_to([12.8, -6.4], (478, 2)), abs=1e-3)
    zoomed = _landmarks(subject, jitter=Jitter(zoom=1.25))
    assert np.ptp(zoomed[[33, 263], 0]) == pytest.approx(1.25 * np.ptp(still[[33, 263], 0]))

    def image(jitter: Jitter) -> np.ndarray:
        return render(subject, view=View(128, scene=Scene(jitter=jitter))).image.astype(float)

    sharp, soft = image(Jitter()), image(Jitter(blur=4))
    assert np.abs(np.diff(soft, axis=1)).mean() < 0.9 * np.abs(np.diff(sharp, axis=1)).mean()
    one, two, same = (image(Jitter(noise=3, seed=seed)) for seed in (1, 2, 1))
    assert np.array_equal(one, same)
    assert (one - two).std() == pytest.approx(3 * np.sqrt(2), rel=0.1)


@pytest.mark.parametrize(
    ("age", "share"), [(20, 0.0), (35, 0.0), (57.5, 0.5), (80, 1.0), (90, 1.0)]
)
def test_ageing_shows_between_35_and_80(age: float, share: float) -> None:
    side = SideDrive(fields={"browOuterUp": 0.2}, folds={"forehead": 0.4, "chin": 0.6}, closure=0.3)
    old = aged(side, age, lines=0.5)
    assert old.folds == pytest.approx(
        {
            "forehead": 0.2 + share * 0.55,
            "chin": 0.3,
            "glabella": share * 0.50,
            "crow": share * 0.75,
            "nasolabial": share * 1.05,
            "marionette": share * 0.95,
        }
    )
    assert old.fields["browOuterUp"] == pytest.approx(0.2 - 0.35 * share)
    assert old.fields.get("mouthFrown", 0.0) == pytest.approx(0.35 * share)
    assert old.closure == 0.3
    assert side.fields == {"browOuterUp": 0.2}, "the given drive is not changed"
    assert (set(LINES), min(SAGS.values())) == (set(old.folds) - {"chin"}, SAGS["browOuterUp"])


@pytest.mark.parametrize(
    ("lightness", "tone"), [(57, "light"), (55, "medium"), (49, "medium"), (47, "dark")]
)
def test_tones_of_skin_by_lightness(lightness: float, tone: str) -> None:
    """Of a grey of known CIE L*."""
    grey = ((lightness + 16) / 116) ** 3
    value = 255 * (1.055 * grey ** (1 / 2.4) - 0.055)
    assert _tone(np.full((4, 4, 3), value)) == tone
    assert SKINS == ("light", "medium", "dark")


def test_the_tone_depends_on_the_order_of_the_channels() -> None:
    assert _tone(np.full((4, 4, 3), (195.0, 115.0, 80.0))) == "light"  # L* 56.4
    assert _tone(np.full((4, 4, 3), (80.0, 115.0, 195.0))) == "medium"  # 49.2


def test_nearer_points_shift_further_with_a_rotation_of_the_head() -> None:
    """Cap and neck scale with the width of the face and shift with rotation and depth."""
    stage = Stage(100, np.array([[40.0, 0, 50], [0, 40.0, 42]]), 1.1, np.array([10.0, 4.0]))
    assert stage.place(np.array([[0.5, 0.25]]), -0.5)[0] == pytest.approx([72 + 5, 52 + 2])
    assert stage.place(np.array([[0.5, 0.25]]), 0.5)[0] == pytest.approx([72 - 5, 52 - 2])


@pytest.mark.parametrize(("age", "words"), [(34, "30"), (36, "40"), (79, "70"), (16, "20")])
def test_ages_in_words_are_decades(age: float, words: str) -> None:
    assert _in_words("man", age, "dark") == f"man of about {words} with dark skin"
    assert _in_words("person", None, "light") == "person with light skin"


def test_every_swatch_of_the_monk_scale_is_its_own_tone() -> None:
    swatches = (
        "f6ede4",
        "f3e7db",
        "f7ead0",
        "eadaba",
        "d7bd96",
        "a07e56",
        "825c43",
        "604134",
        "3a312a",
        "292420",
    )
    colours = [[int(s[i : i + 2], 16) for i in (0, 2, 4)] for s in swatches]
    assert [monk_tone(np.array([c])) for c in colours] == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    half = np.array([colours[2]] * 3 + [colours[9]] * 2)
    assert monk_tone(half) == 3, "the median, not the mean"


def test_a_head_sways_from_where_it_is_held() -> None:
    scene = Scene(HeadPose(3.0, 1.0, -1.0), jitter=Jitter(noise=1.0, seed=4), backdrop=2)
    swayed = scene.swayed(Sway(0.5, -0.25, 1.0))
    assert swayed == replace(scene, pose=HeadPose(3.5, 0.75, 0.0))


def test_a_subject_who_sits_still_is_the_same_but_for_rounding() -> None:
    view = View(128, scene=Scene(pose=HeadPose(yaw=6)))
    subject, sitting = sample(3), Sitting(sample(3), view)
    for movement in (Movement.GRIN, Movement.REST, Movement.GRIN):
        expression = drive(movement, Palsy.peripheral(Side.LEFT, Grade.V))
        wanted = render_drive(subject, expression, view)[0].astype(int)
        difference = np.abs(sitting.picture(expression) - wanted)
        assert difference.max() <= 1
        assert (difference > 0).mean() < 1e-3


def test_a_pose_is_read_from_its_rotation() -> None:
    pose = HeadPose(yaw=12.0, pitch=-7.0, roll=20.0)
    found = head_pose(_rotation(pose))
    assert (found.yaw, found.pitch, found.roll) == pytest.approx((12.0, -7.0, 20.0))

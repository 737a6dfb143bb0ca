from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from palsynth.clinical import YANAGIHARA, Grade, Movement, Palsy, Side
from palsynth.face import topology
from palsynth.face.detect import detect_faces
from palsynth.face.framing import ID_PHOTO, RECOGNISER
from palsynth.simulator.drive import drive
from palsynth.subjects import HeadPose, Jitter, Light, Scene, Subject, View, render, sample
from palsynth.subjects.ageing import aged
from palsynth.subjects.monk import monk_tone


def test_a_seed_is_a_subject() -> None:
    one, two, other = sample(3), sample(3), sample(4)
    assert np.array_equal(one.code, two.code)
    assert np.array_equal(one.skin, two.skin)
    assert not np.array_equal(one.code, other.code)
    assert (one.age, one.gender, one.ethnicity) == (two.age, two.gender, two.ethnicity)
    variant = dataclasses.replace(one, seed=4)  # differs in pores and moles only
    assert 0.2 < np.abs(variant.skin.astype(float) - one.skin).mean() < 6


def test_attributes_can_be_given() -> None:
    subject = sample(3, age=30, gender="woman", ethnicity="black")
    assert (subject.age, subject.gender, subject.ethnicity) == (30, "woman", "black")
    assert not subject.extrapolated
    assert sample(3, age=60).extrapolated
    lights = [sample(s, ethnicity="white").skin.mean() for s in range(6)]
    darks = [sample(s, ethnicity="black").skin.mean() for s in range(6)]
    assert np.mean(lights) > np.mean(darks) + 20


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"age": 8}, "age 8: subjects can be rendered from 16 to 80 years"),
        ({"gender": "cat"}, "gender 'cat': choose woman or man"),
        ({"ethnicity": "martian"}, "ethnicity 'martian': choose one of white"),
    ],
)
def test_impossible_attributes_are_refused(options: dict[str, object], text: str) -> None:
    with pytest.raises(ValueError) as error:
        sample(0, **options)  # type: ignore[arg-type]
    assert text in str(error.value)


def test_negative_seeds_are_refused() -> None:
    with pytest.raises(ValueError, match="seed -1"):
        sample(-1)


def test_rendering_is_deterministic(subject: Subject) -> None:
    palsy = Palsy.peripheral(Side.LEFT, Grade.IV)
    one, two = (render(subject, Movement.GRIN, palsy).image for _ in range(2))
    assert np.array_equal(one, two)


@pytest.mark.parametrize("size", [32, 112, 256, 512])
@pytest.mark.parametrize("framing", [ID_PHOTO, RECOGNISER])
def test_a_face_of_every_size(subject: Subject, size: int, framing: object) -> None:
    portrait = render(subject, view=View(size, framing))  # type: ignore[arg-type]
    assert portrait.image.shape == (size, size, 3)
    assert portrait.image.dtype == np.uint8
    assert portrait.landmarks.shape == (478, 2)
    canthi = portrait.landmarks[[33, 263]]
    assert np.ptp(canthi[:, 0]) == pytest.approx(framing.scale(size), rel=0.12)  # type: ignore[attr-defined]


@pytest.mark.parametrize("size", [16, 1025])
def test_sizes_that_are_refused(subject: Subject, size: int) -> None:
    with pytest.raises(ValueError, match=f"size {size}: subjects are rendered from 32 to 1024 px"):
        render(subject, view=View(size))


@pytest.mark.parametrize("seed", range(1_000_100, 1_000_104))
def test_true_landmarks_agree_with_the_detector(seed: int) -> None:
    subject = sample(seed)
    for movement in YANAGIHARA:
        portrait = render(subject, movement, Palsy.peripheral(Side.RIGHT, Grade.V), view=View(256))
        faces = detect_faces(portrait.image)
        assert len(faces) == 1
        error = np.linalg.norm(faces[0].landmarks[:468, :2] - portrait.landmarks[:468], axis=1)
        assert error.mean() / faces[0].outer_eyes < 0.05


def test_all_subjects_wear_cap_and_top_on_light_blue(subject: Subject) -> None:
    image = render(subject, view=View(256)).image.astype(int)
    for y, x in ((30, 128), (12, 12), (245, 40)):  # cap, background, top
        red, green, blue = image[y, x]
        assert blue > green > red


def test_pose_rotates_the_face(subject: Subject) -> None:
    straight = render(subject, view=View(256)).landmarks
    right = render(subject, view=View(256, scene=Scene(pose=HeadPose(yaw=15)))).landmarks
    assert right[topology.NOSE_TIP, 0] - right[[234, 454], 0].mean() > (
        straight[topology.NOSE_TIP, 0] - straight[[234, 454], 0].mean() + 3
    )
    rolled = render(subject, view=View(256, scene=Scene(pose=HeadPose(roll=10)))).landmarks
    dx, dy = rolled[263] - rolled[33]
    assert np.degrees(np.arctan2(dy, dx)) == pytest.approx(10, abs=2)


def test_light_and_jitter(subject: Subject) -> None:
    plain = render(subject, view=View(112)).image.astype(float)
    lit = render(subject, view=View(112, scene=Scene(light=Light(side=1)))).image.astype(float)
    assert (lit - plain)[:, 90:].mean() > 5 > -5 > (lit - plain)[:, :22].mean()
    noisy = render(
        subject, view=View(112, scene=Scene(jitter=Jitter(noise=4, seed=1)))
    ).image.astype(float)
    assert 2 < (noisy - plain).std() < 6
    moved = render(subject, view=View(112, scene=Scene(jitter=Jitter(shift=(0.1, 0))))).landmarks
    assert moved[0, 0] - render(subject, view=View(112)).landmarks[0, 0] == pytest.approx(
        11.2, abs=0.1
    )


def test_lines_deepen_with_age() -> None:
    young, old = sample(9, age=20), sample(9, age=70)
    assert old.lines > young.lines
    smooth = dataclasses.replace(young, lines=0.0)
    palsy = Palsy.none()
    lined = render(young, Movement.WRINKLE_FOREHEAD, palsy).image.astype(float)
    plain = render(smooth, Movement.WRINKLE_FOREHEAD, palsy).image.astype(float)
    assert (lined - plain).min() < -4


@pytest.mark.parametrize("yaw", [-20, 20])
def test_cap_and_neck_rotate_with_the_head(yaw: float) -> None:
    """Both eyes remain visible and no skin shows beyond the cap."""
    portrait = render(sample(16), view=View(256, scene=Scene(pose=HeadPose(yaw=yaw))))
    faces = detect_faces(portrait.image)
    assert len(faces) == 1
    error = np.linalg.norm(faces[0].landmarks[:468, :2] - portrait.landmarks[:468], axis=1)
    assert error.mean() / faces[0].outer_eyes < 0.08
    for iris in portrait.landmarks[[468, 473]]:
        x, y = iris.round().astype(int)
        assert portrait.image[y - 2 : y + 3, x - 2 : x + 3].mean() < 110  # an iris, not cloth


def test_old_faces_have_folds_at_rest_unless_tone_is_lost() -> None:
    """A subject has folds at 70 that it lacks at 30, and a flaccid side loses them."""

    def picture(age: float, palsy: Palsy) -> np.ndarray:
        aged = dataclasses.replace(sample(1_000_203), age=age)  # all else equal
        return render(aged, Movement.REST, palsy, view=View(320)).image.astype(float)

    young, old = picture(30, Palsy.none()), picture(70, Palsy.none())
    difference = np.abs(old - young).mean(-1)
    assert difference.max() > 8
    expression = drive(Movement.REST, Palsy.peripheral(Side.LEFT, Grade.VI))
    flaccid, healthy = (aged(side, 70, 1.0).folds for side in (expression.left, expression.right))
    for name in ("forehead", "nasolabial"):
        assert flaccid[name] < 0.2 < healthy[name]


def test_brows_grey_and_sag_with_age() -> None:
    young, old = (dataclasses.replace(sample(1_000_203), age=a) for a in (40.0, 80.0))
    brow = np.s_[96:108, 40:110]  # on the texture: the right one
    dark = [float(np.percentile(p.skin[brow].mean(-1), 5)) for p in (young, old)]
    assert dark[1] > dark[0] + 10
    cheek = np.s_[170:200, 60:90]
    assert np.array_equal(young.skin[cheek], old.skin[cheek])
    height = [
        render(p, view=View(256)).landmarks[[70, 63, 105, 300, 293, 334], 1].mean()
        for p in (young, old)
    ]
    assert height[1] > height[0] + 1, "lower in the picture"


def test_skin_tones_are_on_the_monk_scale() -> None:
    lightest, darkest = monk_tone(np.array([[246, 237, 228]])), monk_tone(np.array([[41, 36, 32]]))
    assert (lightest, darkest) == (1, 10)
    assert monk_tone(np.full((4, 4, 3), (130, 92, 67))) == 7
    groups = {g: [sample(s, ethnicity=g).monk for s in range(12)] for g in ("white", "black")}
    assert np.mean(groups["white"]) < np.mean(groups["black"]) - 0.8

"""Each augmentation on its own."""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np
import pytest

from palsynth.clinical import Movement, Palsy, Side
from palsynth.data.augment import Augmentation, AugmentedSource
from palsynth.data.examples import Example, labels
from palsynth.face import topology

STILL = Augmentation(0, 0, 0, 0, 0, 0, 0, 0, mirror=0)
GREY = np.full((32, 32, 3), 128, np.uint8)


def augmented(augmentation: Augmentation, image: np.ndarray, seed: int = 0) -> np.ndarray:
    return augmentation(Example(image, 0), np.random.default_rng(seed)).image


def test_the_defaults() -> None:
    assert asdict(Augmentation()) == {
        "turn": 4.0,
        "zoom": 0.04,
        "shift": 0.015,
        "light": 0.12,
        "colour": 0.05,
        "blur": 1.0,
        "noise": 6.0,
        "grey": 0.05,
        "mirror": 0.5,
        "cover": 0.0,
        "backdrop": 0.0,
    }


def test_zero_augmentation_is_the_identity() -> None:
    image = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    assert np.abs(augmented(STILL, image).astype(int) - image).max() <= 1


def test_labels_change_sides_with_a_mirrored_picture_and_only_then() -> None:
    image = GREY.copy()
    image[:, :16] = 40
    known = labels(Movement.GRIN, Palsy.weakness(Side.LEFT, 0.8))
    example = Example(image, 0, **known)
    turned = replace(STILL, mirror=1.0)(example, np.random.default_rng(0))
    assert turned.image[5, 3, 0] > 100 > turned.image[5, 28, 0]
    assert np.allclose(turned.function, [[1.0] * 5, [0.2] * 5])
    assert turned.tone == pytest.approx([1.0, 0.4])
    same = STILL(example, np.random.default_rng(0))
    assert np.allclose(same.function, [[0.2] * 5, [1.0] * 5])
    half = replace(STILL, mirror=0.5)
    examples = [half(example, np.random.default_rng(k)) for k in range(100)]
    flipped = np.array([e.image[5, 3, 0] > 100 for e in examples])
    assert 35 < flipped.sum() < 65
    assert np.array_equal(flipped, [e.function[1, 0] < 0.5 for e in examples])


def test_points_follow_the_pixels() -> None:
    """A bright dot at a landmark is still at that landmark after a rotation."""
    image = np.zeros((64, 64, 3), np.uint8)
    image[30:33, 20:23] = 255
    points = np.full((topology.POINTS, 2), np.nan, np.float32)
    points[0] = 21, 31
    augmentation = replace(STILL, turn=8.0, zoom=0.1, shift=0.05)
    for seed in range(8):
        got = augmentation(Example(image, 0, points=points), np.random.default_rng(seed))
        rows, columns = np.nonzero(got.image[..., 0] > 100)
        assert got.points[0] == pytest.approx([columns.mean(), rows.mean()], abs=0.6)
        assert np.isnan(got.points[1]).all()


def test_pictures_rotate_about_their_centre() -> None:
    points = np.full((topology.POINTS, 2), 15.5, np.float32)
    for augmentation in (replace(STILL, turn=20.0), replace(STILL, zoom=0.3)):
        got = augmentation(Example(GREY, 0, points=points), np.random.default_rng(1))
        assert np.allclose(got.points, 15.5, atol=1e-4)
    rng = np.random.default_rng(2)
    shifted = [
        replace(STILL, shift=0.1)(Example(GREY, 0, points=points), rng).points[0]
        for _ in range(400)
    ]
    assert np.std(shifted, 0) == pytest.approx([3.2, 3.2], rel=0.15)  # a tenth of the side


def test_grey_is_the_mean_of_the_channels() -> None:
    image = np.empty_like(GREY)
    image[:] = 30, 60, 90
    assert np.unique(augmented(replace(STILL, grey=1.0), image)).tolist() == [60]


def test_light_changes_all_channels_alike_and_colour_preserves_mid_grey() -> None:
    image = GREY.copy()
    image[:16] = 60
    for seed in range(5):
        lit = augmented(replace(STILL, light=0.3), image, seed)
        assert (lit == lit[..., :1]).all()
        tinted = augmented(replace(STILL, colour=0.3), image, seed)
        assert np.abs(tinted[20].astype(int) - 128).max() <= 1  # 128 is half a level off mid-grey
        assert np.ptp(tinted[2, 2].astype(int)) > 3


def test_noise_does_not_exceed_its_largest() -> None:
    noise = [augmented(replace(STILL, noise=6.0), GREY, seed).std() for seed in range(60)]
    assert max(noise) < 6.5
    assert np.mean(noise) == pytest.approx(3.0, abs=0.6)


def test_a_cover_has_one_colour_and_a_tenth_to_two_fifths_of_the_side() -> None:
    heights, colours = [], set()
    for seed in range(40):
        out = augmented(replace(STILL, cover=1.0), np.full((100, 100, 3), 128, np.uint8), seed)
        rows, columns = np.nonzero((out != 128).any(-1))
        block = out[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1].reshape(-1, 3)
        assert len(np.unique(block, axis=0)) == 1
        colours.add(tuple(block[0]))
        heights += [np.ptp(rows) + 1, np.ptp(columns) + 1]
    assert 9 <= min(heights) < 15
    assert 35 < max(heights) <= 41
    assert len(colours) == 40


def test_a_backdrop_preserves_the_face() -> None:
    angle = np.linspace(0, 2 * np.pi, len(topology.FACE_OVAL), endpoint=False)
    points = np.zeros((topology.POINTS, 2), np.float32)
    points[list(topology.FACE_OVAL)] = 31.5 + 16 * np.column_stack([np.cos(angle), np.sin(angle)])
    example = Example(np.full((64, 64, 3), 200, np.uint8), 0, points=points)
    painted = replace(STILL, backdrop=1.0)
    images = [painted(example, np.random.default_rng(k)).image for k in range(4)]
    radius = np.hypot(*(np.mgrid[:64, :64] - 31.5))
    for image in images:
        assert np.abs(image[radius < 13].astype(int) - 200).max() <= 1
        assert np.abs(image[radius > 19].astype(int) - 200).mean() > 5
    assert len({image.tobytes() for image in images}) == 4
    unknown = Example(example.image, 0)
    assert (painted(unknown, np.random.default_rng(0)).image == 200).all()


class Plain:
    num_subjects = 9

    def __getitem__(self, number: int) -> Example:
        return Example(GREY, number)


def test_each_example_has_its_own_augmentation() -> None:
    source = AugmentedSource(Plain(), Augmentation(), seed=1)
    assert source.num_subjects == 9
    assert source[3].subject == 3
    again = AugmentedSource(Plain(), Augmentation(), seed=1)
    assert np.array_equal(source[3].image, again[3].image)
    other = AugmentedSource(Plain(), Augmentation(), seed=2)
    assert len({e.image.tobytes() for e in (source[3], source[4], other[3])}) == 3

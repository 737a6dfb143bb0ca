"""Landmarks as lines, and in the proportions of another face."""

from __future__ import annotations

import itertools
from functools import cache

import numpy as np
import pytest
import torch
from torch import Tensor

from palsynth.clinical import Grade, Movement, Palsy, Side
from palsynth.face import topology
from palsynth.face.framing import RECOGNISER
from palsynth.methods.gans.landmark_image import LIPS, PARTS, draw, normalise_shape
from palsynth.subjects import View, render, sample

SUBJECTS = range(970_200, 970_208)
SCRIPTS = (
    (Movement.GRIN, Palsy.peripheral(Side.LEFT, Grade.V)),
    (Movement.WHISTLE, Palsy.peripheral(Side.RIGHT, Grade.IV)),
)
REST = (Movement.REST, Palsy.none())
DRAWN = sorted({index for part in PARTS.values() for line in part.lines for index in line})


@cache
def points(seed: int, script: int | None = None) -> Tensor:
    """Exact landmarks (1, 478, 2) of a subject, at rest or with a script, as fractions of the side
    of a recogniser's crop."""
    movement, palsy = REST if script is None else SCRIPTS[script]
    face = render(sample(seed), movement, palsy, view=View(64, RECOGNISER))
    return torch.from_numpy((face.landmarks[None, :, :2] + 0.5) / 64).float()


def distance(a: Tensor, b: Tensor, indices: list[int]) -> float:
    """Mean distance of landmarks, in outer-eye distances."""
    return float((a - b)[:, indices].norm(dim=-1).mean()) / RECOGNISER.outer_eyes


def test_a_line_is_drawn_where_its_landmarks_are() -> None:
    face = points(SUBJECTS[0])
    image = draw(face, 64)
    assert image.shape == (1, len(PARTS), 64, 64)
    assert image.min() == 0
    assert image.max() == pytest.approx(1, abs=0.02)
    for channel, part in zip(image[0], PARTS.values(), strict=True):
        y, x = (channel > 0.3).nonzero().T
        pixels = torch.stack([x, y], 1).float()
        corners = face[0, [index for line in part.lines for index in line]] * 64 - 0.5
        corners = corners[(corners > 0).all(1) & (corners < 63).all(1)]
        assert torch.cdist(corners, pixels).min(1).values.max() < 1.5, "a line at every landmark"
        inside = (pixels >= corners.min(0).values - 2) & (pixels <= corners.max(0).values + 2)
        assert inside.all()


def test_lines_move_by_less_than_a_pixel() -> None:
    face = points(SUBJECTS[0])
    image, moved = draw(face, 64), draw(face + torch.tensor([0.25 / 64, 0.0]), 64)
    columns = torch.arange(64.0)
    centres = [(i * columns).sum((1, 2, 3)) / i.sum((1, 2, 3)) for i in (image, moved)]
    assert float(centres[1] - centres[0]) == pytest.approx(0.25, abs=0.05)


def test_landmarks_outside_the_image_or_unknown_are_drawn_without_an_error() -> None:
    assert draw(torch.full((2, 478, 2), 5.0), 16).sum() == 0
    assert draw(torch.full((1, 478, 2), float("nan")), 16).isfinite().all()
    assert draw(torch.full((1, 478, 2), -1e12), 16).sum() == 0


def test_onto_itself_a_face_at_rest_stays_as_it_is() -> None:
    face = torch.cat([points(seed) for seed in SUBJECTS])
    assert torch.allclose(normalise_shape(face, face), face, atol=1e-6)


def test_anchors_go_to_the_anchors_of_the_other_face() -> None:
    first, second = (points(seed) for seed in SUBJECTS[:2])
    mapped = normalise_shape(first, second)
    across, down = [234, 33, 263, 454], [2, topology.CHIN]
    assert torch.allclose(mapped[:, across, 0], second[:, across, 0], atol=1e-6)
    assert torch.allclose(mapped[:, down, 1], second[:, down, 1], atol=1e-6)
    assert not torch.allclose(first[:, down, 1], second[:, down, 1], atol=5e-3)


def test_normalised_landmarks_are_nearer_to_the_true_ones_of_the_other_face() -> None:
    """The same script on two subjects: what the second one's landmarks should be is known."""
    before: dict[str, list[float]] = {"nose": [], "mouth": [], "jaw": [], "all": []}
    after: dict[str, list[float]] = {name: [] for name in before}
    for (a, b), script in itertools.product(
        itertools.permutations(SUBJECTS, 2), range(len(SCRIPTS))
    ):
        moved, true = points(a, script), points(b, script)
        mapped = normalise_shape(moved, points(b))
        for name in before:
            indices = DRAWN if name == "all" else sorted(itertools.chain(*PARTS[name].lines))
            before[name].append(distance(moved, true, indices))
            after[name].append(distance(mapped, true, indices))
    for name in before:
        assert np.mean(after[name]) < 0.9 * np.mean(before[name]), name


def test_asymmetry_is_kept() -> None:
    """The weak left corner of a grinning mouth hangs below the right one as far as before."""
    first, second = points(SUBJECTS[0], 0), points(SUBJECTS[1])
    corners = [topology.COMMISSURE["left"], topology.COMMISSURE["right"]]
    heights = [(p[0, corners[0], 1] - p[0, corners[1], 1]) for p in (first, second)]
    mapped = normalise_shape(first, second)
    kept = mapped[0, corners[0], 1] - mapped[0, corners[1], 1]
    assert heights[0] > 0.01
    assert kept == pytest.approx(float(heights[0]), rel=0.25)


def test_an_open_jaw_stays_open() -> None:
    face = points(SUBJECTS[0])
    height = float(face[0, topology.CHIN, 1] - face[0, 2, 1])
    below = face[0, :, 1] > face[0, 13, 1] + 1e-4
    below[list(topology.INNER_LOWER_LIP[1:-1])] = True
    opened = face.clone()
    opened[0, below, 1] += 0.4 * height

    def gap(p: Tensor) -> float:
        return float(p[0, 14, 1] - p[0, 13, 1])

    mapped = normalise_shape(opened, face)
    assert gap(mapped) > 0.8 * gap(opened)
    assert mapped[0, topology.CHIN, 1] > face[0, topology.CHIN, 1] + 0.15 * height
    slightly = face.clone()
    slightly[0, below, 1] += 0.9 * LIPS * height
    chin = normalise_shape(slightly, face)[0, topology.CHIN, 1]
    assert chin == pytest.approx(float(face[0, topology.CHIN, 1]), abs=1e-5), "lips alone"

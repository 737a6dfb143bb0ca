"""Frames between those of a network."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from palsynth.clinical import Grade, Movement, Palsy, Side
from palsynth.face.face import Face
from palsynth.generation.video.frames import clip_requests, make_frames
from palsynth.generation.video.keyframes import key_numbers, keyframed
from palsynth.generation.video.script import ClipSettings, write_script
from palsynth.methods.base import Request
from palsynth.methods.resolve import REST, subject_face
from palsynth.methods.simulator import SimulatorMethod
from palsynth.simulator.drive import Drive
from palsynth.simulator.motion import MotionSettings
from palsynth.subjects import View, sample

SETTINGS = ClipSettings(
    128, 8.0, motion=MotionSettings(start=0.2, onset=0.5, hold=0.3, offset=0.5, blinks=0)
)


class Spotted(SimulatorMethod):
    """Like a network, it makes the simulator's picture and a change: a spot on the lip's corner."""

    name = "spotted"
    takes = frozenset({Drive})

    def __init__(self) -> None:
        self.made = 0

    def __call__(self, requests: Sequence[Request]) -> list[np.ndarray]:
        self.made += len(requests)
        return [
            spotted(image, request)
            for image, request in zip(super().__call__(requests), requests, strict=True)
        ]


def corner(request: Request) -> np.ndarray:
    """Where the simulator moves the right corner of the mouth, pixels."""
    from palsynth.generation.video.keyframes import _draw

    return _draw(request, True).points[61, :2]


def spotted(image: np.ndarray, request: Request) -> np.ndarray:
    x, y = corner(request)
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]]
    spot = 60 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 18)
    return (image.astype(np.float32) - spot[..., None]).clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def requests() -> list[Request]:
    face = subject_face(sample(4), REST, View(192))
    assert isinstance(face, Face)
    palsy = Palsy.peripheral(Side.LEFT, Grade.IV)
    (take,) = write_script(face, [Movement.GRIN], palsy, SETTINGS)
    return list(clip_requests(face, take.panels[-1].moments, SETTINGS))


def test_the_change_follows_the_face_between_keyframes(requests: list[Request]) -> None:
    method = Spotted()
    made = list(keyframed(method, requests, 5))
    numbers = key_numbers(requests, 5)
    assert method.made == len(numbers) < len(requests) / 2
    assert len(made) == len(requests)
    wanted = list(make_frames(Spotted(), requests))
    plain = list(make_frames(SimulatorMethod(), requests))
    for k, (frame, whole, without) in enumerate(zip(made, wanted, plain, strict=True)):
        off, change = (np.abs(x.astype(int) - whole).mean() for x in (frame, without))
        assert off == 0 if k in numbers else off < 0.3 * change
    path = np.array([corner(request) for request in requests])
    assert np.ptp(path[:, 0]) > 3, "the corner moves further than the spot is wide"


def test_the_apex_and_both_ends_are_keyframes(requests: list[Request]) -> None:
    numbers = key_numbers(requests, 5)
    smiles = [r.expression.right.fields.get("mouthSmile", 0.0) for r in requests]  # type: ignore[union-attr]
    assert smiles[max(numbers, key=lambda k: smiles[k])] == pytest.approx(max(smiles), rel=0.02)
    assert {0, 5, 10, len(requests) - 1} <= set(numbers)
    assert key_numbers(requests, 1) == list(range(len(requests)))

"""Healthy synthetic subjects for training, and the held-out ones."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

from palsynth.clinical import YANAGIHARA, Movement, Palsy
from palsynth.errors import InputError
from palsynth.face.framing import PORTRAIT
from palsynth.methods.controlnet.conditioning import canny_edges
from palsynth.methods.controlnet.data import healthy
from palsynth.methods.controlnet.data.healthy import HealthySource, held_out
from palsynth.methods.controlnet.prompts import DESCRIPTIONS
from palsynth.subjects import Subject, View, sample
from palsynth.subjects.description import describe


def test_images_show_healthy_subjects_at_rest_or_moving(monkeypatch: pytest.MonkeyPatch) -> None:
    rendered: list[tuple[int, Movement, float]] = []

    def render(
        subject: Subject, movement: Movement, palsy: Palsy, *, intensity: float, view: View
    ) -> Any:
        assert palsy == Palsy.none()
        assert (view.size, view.framing) == (64, PORTRAIT)
        rendered.append((subject.seed, movement, intensity))
        raise StopIteration

    monkeypatch.setattr(healthy, "render", render)
    for number in range(150):
        with pytest.raises(StopIteration):
            HealthySource(500_000, 64)[number]
    assert [seed for seed, _, _ in rendered] == list(range(500_000, 500_150))
    counts = Counter(movement for _, movement, _ in rendered)
    assert 0.3 < counts.pop(Movement.REST) / 150 < 0.5
    assert set(counts) == set(YANAGIHARA) - {Movement.REST}
    efforts = [effort for _, _, effort in rendered]
    assert min(efforts) == pytest.approx(0.6, abs=0.02)
    assert max(efforts) == pytest.approx(1.1, abs=0.02)


def test_evaluation_subjects_are_refused() -> None:
    with pytest.raises(InputError, match="subjects from seed 1,000,000 on are for evaluation"):
        HealthySource(999_999)[1]


def test_held_out_subjects_are_not_training_subjects() -> None:
    held = held_out(32)
    assert held["number"].tolist() == list(range(12))
    descriptions = [DESCRIPTIONS[n] for n in held["sentence"].tolist()]
    assert descriptions == [describe(sample(994_000 + k)) for k in range(12)]
    for image, edges in zip(held["image"].numpy(), held["edges"].numpy(), strict=True):
        assert np.array_equal(edges, canny_edges(image))

"""Edges and words in, pictures out: the same in any batch, and gated by the timestep itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers.models.controlnets.controlnet import ControlNetModel

from palsynth.errors import InputError
from palsynth.methods.controlnet.base import Base, save_base
from palsynth.methods.controlnet.files import load_pipeline, save_pipeline
from palsynth.methods.controlnet.gate import GatedControlNet
from palsynth.methods.controlnet.loading import read_base
from palsynth.methods.controlnet.pipeline import (
    ControlNetPalsyPipeline,
    Sampling,
    draw_from_words,
)
from palsynth.methods.controlnet.strategies import Strategy

SAMPLING = Sampling("ddim", steps=4, guidance=2.0)


def edges(count: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [(rng.random((32, 32)) < 0.1).astype(np.uint8) * 255 for _ in range(count)]


def test_a_picture_does_not_depend_on_its_batch(base: Base, controlnet: ControlNetModel) -> None:
    pipeline = ControlNetPalsyPipeline(base, controlnet, SAMPLING)
    told, said = edges(5), ["man", "woman", "man of about 30", "x", "woman"]
    together = pipeline(told, said, range(5))
    for k in (0, 3):
        alone = pipeline([told[k]], [said[k]], [k])[0]
        assert alone.shape == (32, 32, 3)
        assert alone.dtype == np.uint8
        assert np.abs(alone.astype(int) - together[k]).max() <= 1
    assert np.abs(together[0].astype(int) - together[1]).max() > 1


def test_edges_and_words_and_seed_decide(base: Base, controlnet: ControlNetModel) -> None:
    pipeline = ControlNetPalsyPipeline(base, controlnet, SAMPLING)
    a, b = edges(2)
    first = pipeline([a], ["man"], [1])[0]
    for other in (([b], ["man"], [1]), ([a], ["woman"], [1]), ([a], ["man"], [2])):
        assert (pipeline(*other)[0] != first).any()
    assert (pipeline([a], ["man"], [1])[0] == first).all()


class Counting(ControlNetModel):
    """Notes at which timesteps it acts, and how strongly."""

    def forward(self, sample, timestep, *args, **more):  # type: ignore[no-untyped-def]
        self.seen.append(
            (int(timestep), more.get("conditioning_scale", args[1] if len(args) > 1 else 1.0))
        )
        return super().forward(sample, timestep, *args, **more)


@pytest.mark.parametrize("sampler", ["ddim", "dpm++"])
@pytest.mark.parametrize("steps", [10, 20])
def test_outside_the_range_the_other_controlnet_acts(
    base: Base, controlnet: ControlNetModel, sampler: str, steps: int
) -> None:
    nets = []
    for _ in range(2):
        net = Counting.from_config(controlnet.config)
        net.load_state_dict(controlnet.state_dict())
        net.seen = []
        nets.append(net)
    tuned, began = nets
    partial = Strategy(first=500, last=701)
    sampling = Sampling(sampler, steps, 1.0, outside="pretrained")  # type: ignore[arg-type]
    ControlNetPalsyPipeline(base, tuned, sampling, partial, began)(edges(1), ["man"], [0])
    inside = {t for t, _ in tuned.seen}
    outside = {t for t, _ in began.seen}
    assert inside
    assert all(500 <= t < 701 for t in inside)
    assert not any(500 <= t < 701 for t in outside)
    assert len(inside) + len(outside) == steps


def test_with_none_outside_nothing_is_added_there(controlnet: ControlNetModel, base: Base) -> None:
    gated = GatedControlNet(controlnet, None, 500, 701)
    inputs = (torch.randn(1, 4, 16, 16), base.words(["man"]), torch.rand(1, 3, 32, 32))

    def added(t: int) -> float:
        down, middle = gated(inputs[0], torch.tensor(t), inputs[1], inputs[2], return_dict=False)
        return float(sum(x.abs().sum() for x in (*down, middle)))

    assert added(600) > 0
    assert added(500) > 0
    assert added(700) > 0
    assert added(499) == 0
    assert added(701) == 0


def test_pretrained_outside_needs_one(base: Base, controlnet: ControlNetModel) -> None:
    with pytest.raises(InputError, match="needs the ControlNet that tuning began with"):
        ControlNetPalsyPipeline(base, controlnet, Sampling(outside="pretrained"))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [({"steps": 0}, "0 steps: must lie between 1 and 999"),
     ({"steps": 1000}, "1000 steps: must lie between 1 and 999"),
     ({"guidance": 0.5}, "guidance must be at least 1")],
)  # fmt: skip
def test_settings_that_draw_nothing_are_refused(wrong: dict, words: str) -> None:
    with pytest.raises(InputError, match=words):
        Sampling(**wrong)


@pytest.mark.parametrize("sampler", ["ddim", "dpm++"])
def test_a_base_draws_the_same_once_saved_and_read(
    base: Base, controlnet: ControlNetModel, sampler: str, tmp_path: Path
) -> None:
    """Defaults that a scheduler's file leaves out must not decide."""
    save_base(base, tmp_path / "base")
    sampling = Sampling(sampler, 4, 1.5)  # type: ignore[arg-type]
    a, b = (
        ControlNetPalsyPipeline(x, controlnet, sampling)(edges(1), ["man"], [0])[0]
        for x in (base, read_base(tmp_path / "base"))
    )
    assert np.array_equal(a, b)


def test_a_pipeline_saved_whole_draws_the_same_wherever_it_lies(
    base: Base, controlnet: ControlNetModel, tmp_path: Path
) -> None:
    other = ControlNetModel.from_config(controlnet.config)
    gated = Sampling("ddim", 4, 1.5, outside="pretrained")
    pipeline = ControlNetPalsyPipeline(
        base, controlnet, gated, Strategy(first=500, last=701), other
    )
    save_pipeline(pipeline, tmp_path / "here")
    (tmp_path / "here").rename(tmp_path / "there")
    again = load_pipeline(tmp_path / "there")
    assert again.strategy == pipeline.strategy
    assert again.sampling == gated
    a, b = (p(edges(1), ["man"], [0])[0] for p in (pipeline, again))
    assert np.array_equal(a, b)


def test_the_base_alone_draws_from_words(base: Base) -> None:
    made = draw_from_words(base, ["man", "woman"], (0, 0), SAMPLING)
    assert [m.shape for m in made] == [(32, 32, 3)] * 2


def test_what_the_safety_checker_holds_back_is_black_and_said(
    base: Base, controlnet: ControlNetModel, capsys: pytest.CaptureFixture[str]
) -> None:
    class Strict(torch.nn.Module):
        dtype, device = torch.float32, torch.device("cpu")

        def forward(self, images, clip_input):  # type: ignore[no-untyped-def]
            images[0] = 0
            return images, [True] + [False] * (len(images) - 1)

    class Extractor:
        def __call__(self, images, return_tensors):  # type: ignore[no-untyped-def]
            import types

            found = types.SimpleNamespace(pixel_values=torch.zeros(1))
            found.to = lambda device: found
            return found

    base.checker, base.extractor = Strict(), Extractor()
    made = ControlNetPalsyPipeline(base, controlnet, SAMPLING)(edges(2), ["man", "woman"], [0, 1])
    assert made[0].max() == 0
    assert made[1].max() > 0
    assert "a picture of seed 0 was held back by the safety checker" in capsys.readouterr().err

"""Edges and words in, pictures out: the same in any batch, and gated by the timestep itself."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from diffusers.models.controlnets.controlnet import ControlNetModel
from diffusers.pipelines.controlnet.pipeline_controlnet import StableDiffusionControlNetPipeline

from palsynth.errors import InputError
from palsynth.methods.controlnet.base import Base, noise_scheduler, save_base
from palsynth.methods.controlnet.gate import GatedControlNet
from palsynth.methods.controlnet.io.files import load_pipeline, save_pipeline
from palsynth.methods.controlnet.io.loading import read_base
from palsynth.methods.controlnet.pipeline import (
    ControlNetPalsyPipeline,
    Sampling,
    sample_from_prompts,
)
from palsynth.methods.controlnet.strategies import Strategy

SAMPLING = Sampling("ddim", steps=4, guidance=2.0)


def edges(count: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [(rng.random((32, 32)) < 0.1).astype(np.uint8) * 255 for _ in range(count)]


def test_a_picture_does_not_depend_on_its_batch(base: Base, controlnet: ControlNetModel) -> None:
    pipeline = ControlNetPalsyPipeline(base, controlnet, SAMPLING)
    examples, said = edges(5), ["man", "woman", "man of about 30", "x", "woman"]
    together = pipeline(examples, said, range(5))
    for k in (0, 3):
        alone = pipeline([examples[k]], [said[k]], [k])[0]
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


INSIDE = {"ddim": [651, 601, 551, 501], "dpm++": [699, 649, 599, 549, 500]}
"""Of 20 steps those at timesteps 500 to 700: as many as each sampler visits there."""


def noting(controlnet: ControlNetModel) -> Counting:
    net = Counting.from_config(controlnet.config)
    net.load_state_dict(controlnet.state_dict())
    net.seen = []
    return net


@pytest.mark.parametrize("sampler", ["ddim", "dpm++"])
@pytest.mark.parametrize("outside", ["tuned", "pretrained", "none"])
def test_who_acts_at_which_of_twenty_steps(
    base: Base, controlnet: ControlNetModel, sampler: str, outside: str
) -> None:
    tuned, began = noting(controlnet), noting(controlnet)
    partial = Strategy(first=500, last=701)
    sampling = Sampling(sampler, 20, 1.0, 0.8, outside)  # type: ignore[arg-type]
    ControlNetPalsyPipeline(base, tuned, sampling, partial, began)(edges(1), ["man"], [0])
    steps = ([*range(951, 0, -50)] if sampler == "ddim"
             else [*range(999, 500, -50), *range(500, 49, -50)])  # fmt: skip
    others = [t for t in steps if t not in INSIDE[sampler]]
    acting = [t for t, scale in tuned.seen if scale == 0.8]
    silent = [t for t, scale in tuned.seen if scale == 0.0]
    assert len(tuned.seen) == len(acting) + len(silent)
    assert acting == (steps if outside == "tuned" else INSIDE[sampler])
    assert silent == (others if outside == "none" else [])
    assert began.seen == ([(t, 0.8) for t in others] if outside == "pretrained" else [])


def test_a_controlnet_that_was_tuned_everywhere_acts_everywhere(
    base: Base, controlnet: ControlNetModel
) -> None:
    tuned, began = noting(controlnet), noting(controlnet)
    sampling = Sampling("ddim", 4, 1.0, outside="pretrained")
    ControlNetPalsyPipeline(base, tuned, sampling, Strategy(), began)(edges(1), ["man"], [0])
    assert [t for t, _ in tuned.seen] == [751, 501, 251, 1]
    assert began.seen == []


def test_the_defaults_of_sampling_and_of_the_bases_noise() -> None:
    assert asdict(Sampling()) == {"sampler": "dpm++", "steps": 20, "guidance": 7.5, "scale": 1.0,
                                  "outside": "tuned"}  # fmt: skip
    alphas = noise_scheduler().alphas_cumprod
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2
    assert torch.allclose(alphas, torch.cumprod(1 - betas, 0), atol=1e-6)


def test_edges_reach_the_controlnet_and_guidance_the_words(
    base: Base, controlnet: ControlNetModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    requested: dict[str, Any] = {}

    def call(self: object, prompt: list[str], **more: Any) -> Any:
        requested.update(prompt=prompt, **more)
        return SimpleNamespace(images=np.full((2, 4, 4, 3), 0.8), nsfw_content_detected=None)

    monkeypatch.setattr(StableDiffusionControlNetPipeline, "__call__", call)
    two = edges(2)
    made = ControlNetPalsyPipeline(base, controlnet, Sampling("ddim", 7, 3.5, 0.6))(
        two, ["man", "woman"], [5, 6]
    )
    assert requested["prompt"] == ["man", "woman"]
    assert (requested["num_inference_steps"], requested["guidance_scale"]) == (7, 3.5)
    assert requested["controlnet_conditioning_scale"] == 0.6
    assert [g.initial_seed() for g in requested["generator"]] == [5, 6]
    assert requested["image"].shape == (2, 3, 32, 32)
    for channel in requested["image"].unbind(1):
        assert np.array_equal(channel.numpy() * 255, np.stack(two)), "white lines on black"
    assert [image[0, 0].tolist() for image in made] == [[204, 204, 204]] * 2


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
    made = sample_from_prompts(base, ["man", "woman"], (0, 0), SAMPLING)
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

"""Edges and prompts in, images out: the same in any batch, and gated by the timestep itself."""

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
from palsynth.methods.controlnet.config import Sampling
from palsynth.methods.controlnet.io.layout import save_base
from palsynth.methods.controlnet.io.loading import read_base
from palsynth.methods.controlnet.networks.base import Base, noise_scheduler
from palsynth.methods.controlnet.networks.gate import GatedControlNet
from palsynth.methods.controlnet.pipeline import ControlNetPalsyPipeline, sample_from_prompts
from palsynth.methods.controlnet.strategies import Strategy

SAMPLING = Sampling("ddim", steps=4, guidance=2.0)


def edges(count: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [(rng.random((32, 32)) < 0.1).astype(np.uint8) * 255 for _ in range(count)]


def test_an_image_does_not_depend_on_its_batch(base: Base, controlnet: ControlNetModel) -> None:
    pipeline = ControlNetPalsyPipeline(base, controlnet, SAMPLING)
    examples, prompts = edges(5), ["man", "woman", "man of about 30", "x", "woman"]
    together = pipeline(examples, prompts, range(5))
    for k in (0, 3):
        alone = pipeline([examples[k]], [prompts[k]], [k])[0]
        assert alone.shape == (32, 32, 3)
        assert alone.dtype == np.uint8
        assert np.abs(alone.astype(int) - together[k]).max() <= 1
    assert np.abs(together[0].astype(int) - together[1]).max() > 1


def test_edges_prompt_and_seed_each_change_the_image(
    base: Base, controlnet: ControlNetModel
) -> None:
    pipeline = ControlNetPalsyPipeline(base, controlnet, SAMPLING)
    a, b = edges(2)
    first = pipeline([a], ["man"], [1])[0]
    for other in (([b], ["man"], [1]), ([a], ["woman"], [1]), ([a], ["man"], [2])):
        assert (pipeline(*other)[0] != first).any()
    assert (pipeline([a], ["man"], [1])[0] == first).all()


class RecordingControlNet(ControlNetModel):
    """Records at which timesteps it is called, and with which conditioning scale."""

    def forward(self, sample, timestep, *args, **more):  # type: ignore[no-untyped-def]
        self.calls.append(
            (int(timestep), more.get("conditioning_scale", args[1] if len(args) > 1 else 1.0))
        )
        return super().forward(sample, timestep, *args, **more)


IN_RANGE = {"ddim": [651, 601, 551, 501], "dpm++": [699, 649, 599, 549, 500]}
"""Of 20 steps those at timesteps 500 to 700: as many as each sampler visits there."""


def recording(controlnet: ControlNetModel) -> RecordingControlNet:
    copy = RecordingControlNet.from_config(controlnet.config)
    copy.load_state_dict(controlnet.state_dict())
    copy.calls = []
    return copy


@pytest.mark.parametrize("sampler", ["ddim", "dpm++"])
@pytest.mark.parametrize("outside", ["tuned", "pretrained", "none"])
def test_which_controlnet_acts_at_each_of_twenty_steps(
    base: Base, controlnet: ControlNetModel, sampler: str, outside: str
) -> None:
    tuned, pretrained = recording(controlnet), recording(controlnet)
    partial = Strategy(first=500, last=701)
    sampling = Sampling(sampler, 20, 1.0, 0.8, outside)  # type: ignore[arg-type]
    ControlNetPalsyPipeline(base, tuned, sampling, partial, pretrained)(edges(1), ["man"], [0])
    ddim = [*range(951, 0, -50)]
    steps = ddim if sampler == "ddim" else [*range(999, 500, -50), *range(500, 49, -50)]
    out_of_range = [t for t in steps if t not in IN_RANGE[sampler]]
    acting = [t for t, scale in tuned.calls if scale == 0.8]
    silent = [t for t, scale in tuned.calls if scale == 0.0]
    assert len(tuned.calls) == len(acting) + len(silent)
    assert acting == (steps if outside == "tuned" else IN_RANGE[sampler])
    assert silent == (out_of_range if outside == "none" else [])
    expected = [(t, 0.8) for t in out_of_range] if outside == "pretrained" else []
    assert pretrained.calls == expected


def test_a_controlnet_that_was_tuned_everywhere_acts_everywhere(
    base: Base, controlnet: ControlNetModel
) -> None:
    tuned, pretrained = recording(controlnet), recording(controlnet)
    sampling = Sampling("ddim", 4, 1.0, outside="pretrained")
    ControlNetPalsyPipeline(base, tuned, sampling, Strategy(), pretrained)(edges(1), ["man"], [0])
    assert [t for t, _ in tuned.calls] == [751, 501, 251, 1]
    assert pretrained.calls == []


def test_defaults_of_sampling_and_of_the_noise_schedule() -> None:
    assert asdict(Sampling()) == {
        "sampler": "dpm++",
        "steps": 20,
        "guidance": 7.5,
        "scale": 1.0,
        "outside": "tuned",
    }
    alphas = noise_scheduler().alphas_cumprod
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2
    assert torch.allclose(alphas, torch.cumprod(1 - betas, 0), atol=1e-6)


def test_edges_prompts_and_sampling_reach_the_pipeline_of_diffusers(
    base: Base, controlnet: ControlNetModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    call: dict[str, Any] = {}

    def record(self: object, prompt: list[str], **more: Any) -> Any:
        call.update(prompt=prompt, **more)
        return SimpleNamespace(images=np.full((2, 4, 4, 3), 0.8), nsfw_content_detected=None)

    monkeypatch.setattr(StableDiffusionControlNetPipeline, "__call__", record)
    two = edges(2)
    images = ControlNetPalsyPipeline(base, controlnet, Sampling("ddim", 7, 3.5, 0.6))(
        two, ["man", "woman"], [5, 6]
    )
    assert call["prompt"] == ["man", "woman"]
    assert (call["num_inference_steps"], call["guidance_scale"]) == (7, 3.5)
    assert call["controlnet_conditioning_scale"] == 0.6
    assert [g.initial_seed() for g in call["generator"]] == [5, 6]
    assert call["image"].shape == (2, 3, 32, 32)
    for channel in call["image"].unbind(1):
        assert np.array_equal(channel.numpy() * 255, np.stack(two)), "white lines on black"
    assert [image[0, 0].tolist() for image in images] == [[204, 204, 204]] * 2


def test_without_a_pretrained_controlnet_none_acts_at_other_timesteps(
    controlnet: ControlNetModel, base: Base
) -> None:
    gated = GatedControlNet(controlnet, None, 500, 701)
    inputs = (torch.randn(1, 4, 16, 16), base.words(["man"]), torch.rand(1, 3, 32, 32))

    def residuals(t: int) -> float:
        down, middle = gated(inputs[0], torch.tensor(t), inputs[1], inputs[2], return_dict=False)
        return float(sum(x.abs().sum() for x in (*down, middle)))

    assert residuals(600) > 0
    assert residuals(500) > 0
    assert residuals(700) > 0
    assert residuals(499) == 0
    assert residuals(701) == 0


def test_outside_pretrained_needs_a_pretrained_controlnet(
    base: Base, controlnet: ControlNetModel
) -> None:
    with pytest.raises(InputError, match="needs the ControlNet that tuning started from"):
        ControlNetPalsyPipeline(base, controlnet, Sampling(outside="pretrained"))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"steps": 0}, "0 steps: must lie between 1 and 999"),
        ({"steps": 1000}, "1000 steps: must lie between 1 and 999"),
        ({"guidance": 0.5}, "guidance must be at least 1"),
    ],
)
def test_invalid_sampling_settings_are_refused(wrong: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Sampling(**wrong)


@pytest.mark.parametrize("sampler", ["ddim", "dpm++"])
def test_a_base_generates_the_same_once_saved_and_loaded(
    base: Base, controlnet: ControlNetModel, sampler: str, tmp_path: Path
) -> None:
    """Defaults that a scheduler's file leaves out must not matter."""
    save_base(base, tmp_path / "base")
    sampling = Sampling(sampler, 4, 1.5)  # type: ignore[arg-type]
    a, b = (
        ControlNetPalsyPipeline(x, controlnet, sampling)(edges(1), ["man"], [0])[0]
        for x in (base, read_base(tmp_path / "base"))
    )
    assert np.array_equal(a, b)


def test_a_saved_pipeline_generates_the_same_after_its_folder_moved(
    base: Base, controlnet: ControlNetModel, tmp_path: Path
) -> None:
    pretrained = ControlNetModel.from_config(controlnet.config)
    gated = Sampling("ddim", 4, 1.5, outside="pretrained")
    pipeline = ControlNetPalsyPipeline(
        base, controlnet, gated, Strategy(first=500, last=701), pretrained
    )
    pipeline.save_pretrained(tmp_path / "here")
    (tmp_path / "here").rename(tmp_path / "there")
    loaded = ControlNetPalsyPipeline.from_pretrained(tmp_path / "there")
    assert loaded.strategy == pipeline.strategy
    assert loaded.sampling == gated
    a, b = (p(edges(1), ["man"], [0])[0] for p in (pipeline, loaded))
    assert np.array_equal(a, b)


def test_the_base_alone_generates_from_prompts(base: Base) -> None:
    images = sample_from_prompts(base, ["man", "woman"], (0, 0), SAMPLING)
    assert [image.shape for image in images] == [(32, 32, 3)] * 2


def test_an_image_blocked_by_the_safety_checker_is_black_and_reported(
    base: Base, controlnet: ControlNetModel, capsys: pytest.CaptureFixture[str]
) -> None:
    class Strict(torch.nn.Module):
        dtype, device = torch.float32, torch.device("cpu")

        def forward(self, images, clip_input):  # type: ignore[no-untyped-def]
            images[0] = 0
            return images, [True] + [False] * (len(images) - 1)

    class Extractor:
        def __call__(self, images, return_tensors):  # type: ignore[no-untyped-def]
            inputs = SimpleNamespace(pixel_values=torch.zeros(1))
            inputs.to = lambda device: inputs
            return inputs

    base.checker, base.extractor = Strict(), Extractor()
    images = ControlNetPalsyPipeline(base, controlnet, SAMPLING)(edges(2), ["man", "woman"], [0, 1])
    assert images[0].max() == 0
    assert images[1].max() > 0
    assert "the safety checker blocked the image of seed 0" in capsys.readouterr().err

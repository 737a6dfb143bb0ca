"""Our small Stable Diffusion: its vocabulary, and that it has the published one's classes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from diffusers.pipelines.controlnet.pipeline_controlnet import StableDiffusionControlNetPipeline
from transformers import CLIPTokenizer

from palsynth.errors import InputError
from palsynth.methods.controlnet.data.examples import shorten_captions
from palsynth.methods.controlnet.networks.base import Base
from palsynth.methods.controlnet.prompts import (
    DESCRIPTIONS,
    PROMPT,
    SENTENCES,
    prompt,
    shorter,
)
from palsynth.methods.controlnet.small.networks import (
    AutoencoderSettings,
    SmallUNetSettings,
    small_tokenizer,
)
from palsynth.subjects import sample
from palsynth.subjects.description import describe


def test_words_that_describe_people_are_one_token_each_and_others_are_spelt() -> None:
    tokenizer = small_tokenizer()
    tokens = tokenizer.tokenize(prompt("woman of about 30 with dark skin"))
    assert {"woman</w>", "dark</w>", "surgical</w>", "skin</w>"} <= set(tokens)
    assert len(tokens) < 60
    spelt = tokenizer.tokenize("zebra")
    assert len(spelt) > 1
    assert "".join(spelt).replace("</w>", "") == "zebra"
    assert tokenizer.unk_token not in tokenizer.tokenize("élan 7!")


def test_the_tokenizer_is_the_same_once_saved_and_loaded(tmp_path: Path) -> None:
    tokenizer = small_tokenizer()
    tokenizer.save_pretrained(tmp_path)
    loaded = CLIPTokenizer.from_pretrained(tmp_path)
    for sentence in SENTENCES[:3]:
        assert loaded(sentence).input_ids == tokenizer(sentence).input_ids
    assert loaded.model_max_length == 77


def test_only_the_description_changes_in_the_papers_prompt() -> None:
    cap = (
        "wearing light-blue surgical cap and top, frontal headshot centered, even lighting, "
        "light-blue background, ultra-realistic, sharp focus"
    )
    assert prompt() == PROMPT == f"ID photo of person {cap}"
    assert prompt("woman of  about 30") == f"ID photo of woman of about 30 {cap}"
    assert prompt("man").count("person") == 0
    with pytest.raises(
        InputError, match="description '': describe the person, as in 'woman of about 30"
    ):
        prompt(" ")


def test_prompts_are_refused_rather_than_truncated(base: Base) -> None:
    base.check_prompts(SENTENCES)
    for read in (base.words, base.check_prompts):
        with pytest.raises(InputError, match=r"has \d+ tokens, \d+ more than the text encoder"):
            read([prompt("man with " + "x" * 90)])


def test_a_new_network_predicts_zero() -> None:
    settings = SmallUNetSettings(channels=(16, 32), text=16, text_layers=1)
    embeddings = torch.randn(1, 7, 16)
    assert not settings.unet(16, 4)(torch.randn(1, 4, 16, 16), 500, embeddings).sample.any()


@pytest.mark.parametrize(
    ("chances", "description"),
    [
        ((0.0, 0.499), "woman of about 30 with light skin"),
        ((0.5, 0.649), "woman of about 30"),
        ((0.65, 0.749), "woman"),
        ((0.75, 0.999), "person"),
    ],
)
def test_descriptions_are_shortened_as_users_give_fewer_details(
    chances: tuple[float, float], description: str
) -> None:
    for chance in chances:
        assert shorter("woman of about 30 with light skin", chance) == description
        assert shorter("person", chance) == "person"


def test_each_caption_is_shortened_by_its_own_random_number() -> None:
    whole = ("woman of about 30 with light skin", "man of about 50 with dark skin", "person")
    rng = torch.Generator().manual_seed(2)
    chances = torch.rand(12, generator=torch.Generator().manual_seed(2)).tolist()
    numbers = shorten_captions(torch.tensor([DESCRIPTIONS.index(d) for d in whole * 4]), rng)
    assert [DESCRIPTIONS[n] for n in numbers] == [
        shorter(d, c) for d, c in zip(whole * 4, chances, strict=True)
    ]
    first, second = (DESCRIPTIONS[n] for n in numbers[:2])
    assert (first, second) == ("woman of about 30", whole[1])


def test_subjects_are_described_in_words_that_training_uses() -> None:
    known = set(SENTENCES)
    descriptions = [describe(sample(seed)) for seed in range(25)]
    assert {prompt(d) for d in descriptions} <= known
    assert len(set(descriptions)) > 8
    assert {d.split()[-2] for d in descriptions} == {"light", "medium", "dark"}


def test_it_has_fewer_than_20_million_parameters() -> None:
    tokenizer, unet = small_tokenizer(), SmallUNetSettings()
    networks = (AutoencoderSettings().build(), unet.unet(32, 4), unet.text_encoder(tokenizer))
    assert sum(p.numel() for n in networks for p in n.parameters()) < 20e6


def test_diffusers_loads_it_as_any_other_base(base_folder: Path) -> None:
    pipeline = StableDiffusionControlNetPipeline.from_pretrained(
        base_folder, controlnet=None, local_files_only=True
    )
    assert type(pipeline.unet).__name__ == "UNet2DConditionModel"
    ids = pipeline.tokenizer(prompt("man"), return_tensors="pt").input_ids
    assert pipeline.text_encoder(ids).last_hidden_state.shape[-1] == 16
    assert torch.isfinite(pipeline.vae.decode(torch.zeros(1, 4, 16, 16)).sample).all()

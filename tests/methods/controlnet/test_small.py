"""Our small Stable Diffusion: its words, and that it is made of the published one's classes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from diffusers.pipelines.controlnet.pipeline_controlnet import StableDiffusionControlNetPipeline
from transformers import CLIPTokenizer

from palsynth.errors import InputError
from palsynth.methods.controlnet.base import Base
from palsynth.methods.controlnet.data.examples import shorten_captions
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


def test_words_of_people_are_one_token_each_and_others_are_spelt() -> None:
    tokenizer = small_tokenizer()
    tokens = tokenizer.tokenize(prompt("woman of about 30 with dark skin"))
    assert {"woman</w>", "dark</w>", "surgical</w>", "skin</w>"} <= set(tokens)
    assert len(tokens) < 60
    spelt = tokenizer.tokenize("zebra")
    assert len(spelt) > 1
    assert "".join(spelt).replace("</w>", "") == "zebra"
    assert tokenizer.unk_token not in tokenizer.tokenize("élan 7!")


def test_the_tokenizer_survives_its_files(tmp_path: Path) -> None:
    tokenizer = small_tokenizer()
    tokenizer.save_pretrained(tmp_path)
    again = CLIPTokenizer.from_pretrained(tmp_path)
    for sentence in SENTENCES[:3]:
        assert again(sentence).input_ids == tokenizer(sentence).input_ids
    assert again.model_max_length == 77


def test_only_the_person_changes_in_the_papers_prompt() -> None:
    cap = ("wearing light-blue surgical cap and top, frontal headshot centered, even lighting, "
           "light-blue background, ultra-realistic, sharp focus")  # fmt: skip
    assert prompt() == PROMPT == f"ID photo of person {cap}"
    assert prompt("woman of  about 30") == f"ID photo of woman of about 30 {cap}"
    assert prompt("man").count("person") == 0
    with pytest.raises(InputError, match="description '': say who, as in 'woman of about 30"):
        prompt(" ")


def test_no_word_of_a_prompt_is_cut_off(base: Base) -> None:
    base.check_words(SENTENCES)
    for said in (base.words, base.check_words):
        with pytest.raises(InputError, match=r"has \d+ tokens, \d+ more than the text encoder"):
            said([prompt("man with " + "x" * 90)])


def test_a_new_network_predicts_nothing() -> None:
    settings = SmallUNetSettings(channels=(16, 32), text=16, text_layers=1)
    words = torch.randn(1, 7, 16)
    assert not settings.unet(16, 4)(torch.randn(1, 4, 16, 16), 500, words).sample.any()


@pytest.mark.parametrize(
    ("draws", "said"),
    [
        ((0.0, 0.499), "woman of about 30 with light skin"),
        ((0.5, 0.649), "woman of about 30"),
        ((0.65, 0.749), "woman"),
        ((0.75, 0.999), "person"),
    ],
)
def test_training_hears_less_at_times_as_users_say_less(
    draws: tuple[float, float], said: str
) -> None:
    for draw in draws:
        assert shorter("woman of about 30 with light skin", draw) == said
        assert shorter("person", draw) == "person"


def test_each_sentence_is_shortened_by_its_own_draw() -> None:
    who = ("woman of about 30 with light skin", "man of about 50 with dark skin", "person")
    rng = torch.Generator().manual_seed(2)
    draws = torch.rand(12, generator=torch.Generator().manual_seed(2)).tolist()
    found = shorten_captions(torch.tensor([DESCRIPTIONS.index(w) for w in who * 4]), rng)
    assert [DESCRIPTIONS[n] for n in found] == [
        shorter(w, d) for w, d in zip(who * 4, draws, strict=True)
    ]
    whole = DESCRIPTIONS[found[1]]
    assert (DESCRIPTIONS[found[0]], whole) == ("woman of about 30", who[1])


def test_people_are_described_in_words_that_training_uses() -> None:
    known = set(SENTENCES)
    words = [describe(sample(seed)) for seed in range(25)]
    assert {prompt(w) for w in words} <= known
    assert len(set(words)) > 8
    assert {w.split()[-2] for w in words} == {"light", "medium", "dark"}


def test_it_is_as_small_as_promised() -> None:
    tokenizer, unet = small_tokenizer(), SmallUNetSettings()
    networks = (AutoencoderSettings().build(), unet.unet(32, 4), unet.text_encoder(tokenizer))
    assert sum(p.numel() for n in networks for p in n.parameters()) < 20e6


def test_diffusers_reads_it_as_any_other(base_folder: Path) -> None:
    pipeline = StableDiffusionControlNetPipeline.from_pretrained(
        base_folder, controlnet=None, local_files_only=True
    )
    assert type(pipeline.unet).__name__ == "UNet2DConditionModel"
    ids = pipeline.tokenizer(prompt("man"), return_tensors="pt").input_ids
    assert pipeline.text_encoder(ids).last_hidden_state.shape[-1] == 16
    assert torch.isfinite(pipeline.vae.decode(torch.zeros(1, 4, 16, 16)).sample).all()

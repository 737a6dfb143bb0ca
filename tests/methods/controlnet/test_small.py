"""Our small Stable Diffusion: its words, and that it is made of the published one's classes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from diffusers.pipelines.controlnet.pipeline_controlnet import StableDiffusionControlNetPipeline
from transformers import CLIPTokenizer

from palsynth.errors import InputError
from palsynth.methods.controlnet.base import Base
from palsynth.methods.controlnet.pictures import shortened
from palsynth.methods.controlnet.prompts import (
    DESCRIPTIONS,
    PROMPT,
    SENTENCES,
    prompt,
)
from palsynth.methods.controlnet.small import AutoencoderSettings, UNetSettings, small_tokenizer
from palsynth.people import sample
from palsynth.people.description import describe


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


def test_only_the_person_changes_in_the_prompt() -> None:
    assert prompt() == PROMPT
    assert prompt("woman of  about 30").startswith("ID photo of woman of about 30 wearing")
    assert prompt("man").count("person") == 0
    with pytest.raises(InputError, match="description '': say who, as in 'woman of about 30"):
        prompt(" ")


def test_no_word_of_a_prompt_is_cut_off(base: Base) -> None:
    base.check_words(SENTENCES)
    for said in (base.words, base.check_words):
        with pytest.raises(InputError, match=r"has \d+ tokens, \d+ more than the text encoder"):
            said([prompt("man with " + "x" * 90)])


def test_a_new_network_predicts_nothing() -> None:
    settings = UNetSettings(channels=(16, 32), text=16, text_layers=1)
    words = torch.randn(1, 7, 16)
    assert not settings.unet(16, 4)(torch.randn(1, 4, 16, 16), 500, words).sample.any()


def test_training_hears_less_at_times_as_users_say_less() -> None:
    whole = DESCRIPTIONS.index("woman of about 30 with light skin")
    said = shortened(torch.tensor([whole] * 400), torch.Generator().manual_seed(0))
    shares = {DESCRIPTIONS[n]: said.count(n) / 400 for n in set(said)}
    assert shares == pytest.approx(
        {
            "woman of about 30 with light skin": 0.5,
            "woman of about 30": 0.15,
            "woman": 0.1,
            "person": 0.25,
        },
        abs=0.06,
    )
    person = DESCRIPTIONS.index("person")  # as patients and photos have it
    assert set(shortened(torch.tensor([person] * 40), torch.Generator().manual_seed(1))) == {person}


def test_people_are_described_in_words_that_training_uses() -> None:
    known = set(SENTENCES)
    words = [describe(sample(seed)) for seed in range(25)]
    assert {prompt(w) for w in words} <= known
    assert len(set(words)) > 8
    assert {w.split()[-2] for w in words} == {"light", "medium", "dark"}


def test_it_is_as_small_as_promised() -> None:
    tokenizer, unet = small_tokenizer(), UNetSettings()
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

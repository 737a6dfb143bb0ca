"""The methods pix2pix, mc-gan and mc-gan-normalised."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from palsynth.errors import InputError
from palsynth.face.face import Face
from palsynth.face.framing import RECOGNISER
from palsynth.methods import ExpressionImage, Request, get_method
from palsynth.methods.compositing import paste
from palsynth.methods.gans.io.conditional import load_generator
from palsynth.methods.gans.networks.condition import Conditioner
from palsynth.methods.networks import state_dict_sha256
from tests.methods.gans.paired import SIZE, TINY, save_tiny


@pytest.mark.parametrize("name", TINY)
def test_the_crop_of_the_identity_is_generated_and_pasted(
    name: str, face: Face, astronaut: Face, tmp_path: Path
) -> None:
    save_tiny(name, tmp_path)
    method = get_method(name, tmp_path)
    (image,) = method([Request(face, ExpressionImage(astronaut), framing=None)])
    crop = face.aligned(RECOGNISER, SIZE)
    identity, expression = (
        torch.from_numpy(f.image).permute(2, 0, 1)[None] / 127.5 - 1
        for f in (crop, astronaut.aligned(RECOGNISER, SIZE))
    )
    generator = method.pipeline.generator  # type: ignore[attr-defined]
    with torch.no_grad():
        condition = Conditioner(TINY[name].condition)(identity, expression)
        made = generator(identity, condition).image[0].permute(1, 2, 0).numpy()
    expected = paste(face.image, 127.5 * (made + 1), crop.onto(face))
    assert np.abs(image.astype(int) - expected).max() <= 1
    assert (image != face.image).any()


@pytest.mark.parametrize("name", TINY)
def test_weights_of_another_condition_are_refused_in_a_line(name: str, tmp_path: Path) -> None:
    save_tiny(name, tmp_path)
    assert get_method(name, tmp_path).weights_sha256
    for other in TINY.keys() - {name}:
        with pytest.raises(InputError) as error:
            get_method(other, tmp_path)
        assert str(error.value) == (
            f"{tmp_path}: method {other}: is a {TINY[other].generator} generator with the "
            f"condition {TINY[other].condition}, the weights are {TINY[name].generator} with "
            f"{TINY[name].condition}; give other weights or another method"
        )


def test_the_landmark_encoder_counts_among_the_weights(tmp_path: Path) -> None:
    """It does not lie in the folder, so that a later release may bring another one."""
    for name, counts in (("pix2pix", False), ("mc-gan", True)):
        save_tiny(name, tmp_path / name)
        generator = load_generator(tmp_path / name)[0]
        alone = state_dict_sha256(generator)
        assert (get_method(name, tmp_path / name).weights_sha256 != alone) == counts


def test_settings_that_the_generator_does_not_have_are_refused(tmp_path: Path) -> None:
    save_tiny("pix2pix", tmp_path)
    settings = tmp_path / "settings.yaml"
    settings.write_text(settings.read_text().replace("levels: 3", "levels: 4"))
    with pytest.raises(InputError) as error:
        get_method("pix2pix", tmp_path)
    assert str(error.value).startswith(f"{tmp_path}: its UNetGenerator has levels 3, its settings")

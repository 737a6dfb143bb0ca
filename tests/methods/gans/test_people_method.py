"""The methods face-swap and cyclegan."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from palsynth.encoders.base import upright_crop
from palsynth.encoders.shipped import load_ours
from palsynth.errors import InputError
from palsynth.face.face import Face
from palsynth.face.framing import RECOGNISER
from palsynth.methods import ExpressionImage, Request, get_method
from palsynth.methods.compositing import paste
from palsynth.methods.gans.pipeline.people import PeoplePipeline
from palsynth.notes import collected_notes
from tests.methods.gans.tiny_people import KNOWN, SIZE, save_tiny


def images_of(face: Face) -> torch.Tensor:
    crop = face.aligned(RECOGNISER, SIZE).image
    return torch.from_numpy(crop).permute(2, 0, 1)[None] / 127.5 - 1


@pytest.mark.parametrize("name", KNOWN)
def test_the_expression_is_decoded_as_the_most_similar_person_and_pasted(
    name: str, face: Face, astronaut: Face, tmp_path: Path
) -> None:
    model = save_tiny(name, tmp_path)
    method = get_method(name, tmp_path)
    person = min(1, len(KNOWN[name]) - 1)
    similar = np.eye(len(KNOWN[name]))[[person]]
    method.pipeline.similarities = lambda identities: similar  # type: ignore[attr-defined]
    with collected_notes() as notes:
        (image,) = method([Request(face, ExpressionImage(astronaut), framing=None)])
    assert notes == [f"method {name}: shows one of the people that it knows, not the identity"]
    with torch.no_grad():
        made = model.network(images_of(astronaut), torch.tensor([person]))
        if model.restoration is not None:
            restored = model.restoration(made)
            assert not torch.allclose(restored, made)
            made = restored
    sample = 127.5 * (made[0].permute(1, 2, 0).numpy() + 1)
    expected = paste(face.image, sample, face.aligned(RECOGNISER, SIZE).onto(face))
    assert np.abs(image.astype(int) - expected).max() <= 1
    assert (image != face.image).any()


def test_similarity_is_that_of_our_recogniser(face: Face, astronaut: Face, tmp_path: Path) -> None:
    """A model that knows the astronaut finds the astronaut most similar to the astronaut."""
    model = save_tiny("face-swap", tmp_path)
    recogniser = load_ours("identity")
    vectors = []
    for known in (face, astronaut):
        crop = torch.from_numpy(upright_crop(known).image).permute(2, 0, 1)[None] / 255
        with torch.no_grad():
            vectors.append(torch.nn.functional.normalize(recogniser(crop).vector)[0])
    model.network.vectors[:2] = torch.stack(vectors)
    found = PeoplePipeline(model, "face-swap").similarities([face, astronaut])
    assert found.shape == (2, 3)
    assert np.allclose(found[:, :2].diagonal(), 1, atol=1e-4)
    assert found[:, :2].argmax(1).tolist() == [0, 1]
    assert found[0, 1] < 0.9


def test_whom_it_knows_is_recorded(tmp_path: Path) -> None:
    for name, known in KNOWN.items():
        save_tiny(name, tmp_path / name)
        method = get_method(name, tmp_path / name)
        assert method.settings == {"people": list(known), "restoration": name == "cyclegan"}


def test_the_restoration_network_counts_as_weights(tmp_path: Path) -> None:
    model = save_tiny("cyclegan", tmp_path)
    method = get_method("cyclegan", tmp_path)
    before = method.weights_sha256
    assert model.restoration is not None
    plain = PeoplePipeline(model.__class__(model.network, None, model.settings), "cyclegan")
    assert type(method)(plain).weights_sha256 != before  # type: ignore[call-arg]


def test_weights_of_another_kind_are_refused_in_a_line(tmp_path: Path) -> None:
    save_tiny("face-swap", tmp_path)
    with pytest.raises(InputError) as error:
        get_method("cyclegan", tmp_path)
    assert "face-swap" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_request_in_coefficients_is_refused(face: Face, tmp_path: Path) -> None:
    save_tiny("face-swap", tmp_path)
    method = get_method("face-swap", tmp_path)
    with pytest.raises(InputError, match=r"^method face-swap: give an expression image$"):
        method([Request(face, None)])  # type: ignore[arg-type]
    assert method([]) == []


@pytest.mark.parametrize(
    ("before", "after", "error"),
    [
        (f"size: {SIZE}", "size: 64", f"its FaceSwap has size {SIZE}, its settings.yaml 64"),
        ("- ben\n", "", "its FaceSwap has people 3, its settings.yaml 2"),
    ],
)
def test_networks_are_those_of_the_settings(
    before: str, after: str, error: str, tmp_path: Path
) -> None:
    save_tiny("face-swap", tmp_path)
    file = tmp_path / "settings.yaml"
    assert before in file.read_text()
    file.write_text(file.read_text().replace(before, after))
    with pytest.raises(InputError, match=error):
        get_method("face-swap", tmp_path)

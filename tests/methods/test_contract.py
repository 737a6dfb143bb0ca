"""What holds for every method, those of other packages too."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from palsynth.clinical import Grade, Movement, Palsy, Side
from palsynth.errors import InputError
from palsynth.face.face import Face
from palsynth.face.framing import PORTRAIT
from palsynth.generation.provenance import method_record
from palsynth.generation.runner import generate
from palsynth.methods import ExpressionImage, Method, Request, TargetExpression, get_method
from palsynth.methods.base import ALL_FORMS, Identity
from palsynth.methods.controlnet.config import Sampling
from palsynth.methods.controlnet.pipeline import ControlNetPalsyPipeline
from palsynth.methods.diffusion.io.files import save_model
from palsynth.methods.registry import METHODS, method_class, method_names
from palsynth.methods.resolve import subject_face
from palsynth.simulator.drive import drive
from palsynth.subjects import Subject, View, sample
from tests.docs.pages import ROOT, blocks, install_method
from tests.methods.cfcpalsy.conftest import saved
from tests.methods.controlnet.conftest import tiny_base, tiny_controlnet
from tests.methods.diffusion.conftest import MODELS, build
from tests.methods.gans import paired, tiny_people

__all__ = ["saved"]

SIZE = 80
GRIN = TargetExpression(Movement.GRIN, Palsy.peripheral(Side.LEFT, Grade.V))
WINK = TargetExpression(Movement.WINK, Palsy.peripheral(Side.RIGHT, Grade.III), 0.8)
RANDOM = {"noise", "cfcpalsy", *MODELS}  # and all ControlNets
NEGATIVE = ROOT / "docs" / "contributing" / "method.md"


@pytest.fixture(scope="module", autouse=True)
def example(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The method of docs/contributing, as if its package were installed."""
    folder = tmp_path_factory.mktemp("example")
    install_method(blocks(NEGATIVE), folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        yield


@pytest.fixture(scope="module")
def controlnet_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, base = tmp_path_factory.mktemp("controlnet"), tiny_base()
    sampling = Sampling("ddim", 2, 1.0)
    ControlNetPalsyPipeline(base, tiny_controlnet(base), sampling).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def gan_folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Method -> a folder of weights, of the GANs."""
    folders = {name: tmp_path_factory.mktemp(name) for name in (*paired.TINY, *tiny_people.KNOWN)}
    for name, folder in folders.items():
        (paired if name in paired.TINY else tiny_people).save_tiny(name, folder)
    return folders


ALL = [*METHODS, "negative"]


@pytest.fixture(scope="module", params=ALL)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def diffusion_folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folders = {name: tmp_path_factory.mktemp(name) for name in MODELS}
    for name, folder in folders.items():
        save_model(build(MODELS[name]), folder)
    return folders


@pytest.fixture(scope="module")
def weights(
    name: str,
    saved: Path,
    controlnet_folder: Path,
    diffusion_folders: dict[str, Path],
    gan_folders: dict[str, Path],
) -> Path | None:
    if name.startswith("controlnet"):
        return controlnet_folder
    folders = {**diffusion_folders, **gan_folders}
    if name in folders:
        return folders[name]
    return saved if name == "cfcpalsy" else None


@pytest.fixture(scope="module")
def method(name: str, weights: Path | None) -> Method:
    return get_method(name, weights)


@pytest.fixture(scope="module")
def picture() -> ExpressionImage:
    return ExpressionImage(subject_face(sample(970_161), GRIN, View(160)))


@pytest.fixture(scope="module")
def expressions(picture: ExpressionImage) -> list[object]:
    return [picture, GRIN, drive(GRIN.movement, GRIN.palsy)]


@pytest.fixture
def identity(name: str, astronaut: Face) -> Identity:
    """A photo, but for the method that has no use for one."""
    return sample(970_162) if name == "subjects" else astronaut


@pytest.fixture
def request_(identity: Identity, method: Method, picture: ExpressionImage) -> Request:
    expression = picture if ExpressionImage in method.takes else GRIN
    return Request(identity, expression, 3, SIZE, PORTRAIT)


def test_every_method_is_found_by_name() -> None:
    assert set(ALL) == set(method_names())
    with pytest.raises(InputError, match=r"no method 'magic'; choose one of .*negative, noise"):
        get_method("magic")


def test_a_method_has_all_members(name: str, method: Method) -> None:
    assert method.name == method_class(name).name == name
    assert method.takes
    assert method.takes <= ALL_FORMS
    assert isinstance(method.synthetic, bool)


def test_an_image_has_the_requested_size(method: Method, request_: Request) -> None:
    (image,) = method([request_])
    assert (image.shape, image.dtype) == ((SIZE, SIZE, 3), np.uint8)
    assert image.std() > 1
    assert method([]) == []


def test_without_a_framing_it_has_the_photos_size(
    name: str, method: Method, request_: Request, astronaut: Face
) -> None:
    if name == "subjects":
        pytest.skip("takes no photos")
    (image,) = method([replace(request_, framing=None)])
    expected = astronaut.image.shape
    if name == "copy-expression":
        assert isinstance(request_.expression, ExpressionImage)
        expected = request_.expression.face.image.shape
    assert image.shape == expected


def test_the_same_request_gives_the_same_image_in_any_batch(
    method: Method, request_: Request
) -> None:
    """A network's sums are rounded otherwise in another batch: rarely, a value differs by one."""
    second = replace(request_, expression=request_.expression, seed=4)
    requests = [request_, second, replace(request_, size=64)]
    together = method(requests)
    alone = [method([request])[0] for request in reversed(requests)][::-1]
    for a, b in zip(together, alone, strict=True):
        difference = np.abs(a.astype(int) - b)
        if method.weights_sha256 is None:
            assert not difference.any()
        assert difference.max() <= 1
        assert difference.mean() < 1e-3


def test_randomness_comes_from_the_seed(name: str, method: Method, request_: Request) -> None:
    one, other = method([request_, replace(request_, seed=4)])
    random = name in RANDOM or name.startswith("controlnet")
    assert np.array_equal(one, other) != random


def test_every_expression_is_taken_or_refused_in_words(
    name: str, method: Method, request_: Request, expressions: list[object]
) -> None:
    for expression in expressions:
        request = replace(request_, expression=expression)
        if type(expression) in method.takes:
            assert method([request])[0].shape == (SIZE, SIZE, 3)
        else:
            with pytest.raises(InputError) as error:
                method([request])
            assert "\n" not in str(error.value)
            assert any(word in str(error.value) for word in ("expression image", "movement"))


def test_the_runner_makes_every_expression(
    name: str, method: Method, request_: Request, expressions: list[object]
) -> None:
    if name == "copy-expression":
        pytest.skip("copies pictures only, which the test above shows")
    requests = [replace(request_, expression=expression) for expression in expressions]
    for picture in generate(method, requests):
        assert picture.image.shape == (SIZE, SIZE, 3)


def test_photos_and_subjects_are_taken_or_refused_in_words(
    name: str, method: Method, request_: Request, astronaut: Face
) -> None:
    refused = {"subjects": Face, "copy-identity": Subject, "noise": Subject}
    for identity in (astronaut, sample(970_162)):
        request = replace(request_, identity=identity)
        if isinstance(identity, refused.get(name, ())):
            with pytest.raises(InputError, match=r"^[^\n]*identity[^\n]*$"):
                method([request])
        else:
            assert method([request])[0].shape == (SIZE, SIZE, 3)


def test_a_picture_says_what_made_it(
    name: str, weights: Path | None, method: Method, request_: Request
) -> None:
    (picture,) = generate(method, [request_])
    record = json.loads(json.dumps(picture.record))
    assert (record["method"], record["seed"]) == (name, 3)
    assert (record["weights_sha256"] is None) == (weights is None)
    assert weights is None or len(record["weights_sha256"]) == 64
    assert method_record(get_method(name, weights)) == method_record(method)
    assert ("palsynth:provenance" in picture.chunks) == method.synthetic


def test_weights_that_do_not_fit_are_refused_in_words(name: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "empty", tmp_path / "nowhere"):
        with pytest.raises(InputError) as error:
            get_method(name, folder)
        assert "\n" not in str(error.value)
        assert str(folder) in str(error.value)


def test_saved_and_loaded_it_gives_the_same_image(
    name: str, method: Method, request_: Request, tmp_path: Path
) -> None:
    method.save_pretrained(tmp_path / "weights")
    if method.weights_sha256 is None:
        assert not (tmp_path / "weights").exists()
        return
    loaded = get_method(name, tmp_path / "weights")
    assert method_record(loaded) == method_record(method)
    assert np.array_equal(loaded([request_])[0], method([request_])[0])

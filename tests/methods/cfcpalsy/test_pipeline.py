"""Files, the pipeline, the method and the command."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from palsynth.cli import main
from palsynth.clinical import Grade, Movement, Palsy, Side
from palsynth.errors import InputError
from palsynth.evaluation.requested import requested_measures
from palsynth.face.detect import detect_face
from palsynth.face.face import Face
from palsynth.face.framing import PORTRAIT, RECOGNISER
from palsynth.face.images import write_png
from palsynth.methods.base import ExpressionImage, Request, TargetExpression
from palsynth.methods.captured import draft
from palsynth.methods.cfcpalsy.config import CFCPalsySettings
from palsynth.methods.cfcpalsy.io.files import load_model, save_model
from palsynth.methods.cfcpalsy.method import CFCPalsyMethod
from palsynth.methods.cfcpalsy.networks.model import ImageBatch
from palsynth.methods.cfcpalsy.pipeline import CFCPalsyPipeline
from palsynth.methods.compositing import _fade, add_change, paste
from palsynth.methods.registry import get_method
from palsynth.methods.resolve import expression_image
from palsynth.subjects import View, render, sample
from tests.methods.cfcpalsy.conftest import build, default, small

TARGET = TargetExpression(Movement.GRIN, Palsy.peripheral(Side.LEFT, Grade.V))


@pytest.fixture(scope="module")
def expression() -> Face:
    return detect_face(render(sample(31), TARGET.movement, TARGET.palsy, view=View(192)).image)


def test_a_model_survives_a_round_trip_to_disk(saved: Path, tmp_path: Path) -> None:
    model = load_model(saved)
    original = build(default())
    for (name, a), (_, b) in zip(
        model.state_dict().items(), original.state_dict().items(), strict=True
    ):
        assert a.equal(b), name
    assert model.settings == default()
    save_model(model, tmp_path)
    files = sorted(p.relative_to(saved) for p in saved.rglob("*") if p.is_file())
    assert files == sorted(p.relative_to(tmp_path) for p in tmp_path.rglob("*") if p.is_file())
    assert all((saved / f).read_bytes() == (tmp_path / f).read_bytes() for f in files)
    assert not any(f.suffix in (".bin", ".pt", ".pkl") for f in files)


@pytest.mark.parametrize(
    ("damage", "text"),
    [
        (lambda f: (f / "settings.yaml").unlink(), "holds no cfcpalsy weights"),
        (lambda f: (f / "settings.yaml").write_text("unet: {sorcery: 1}"), "unet.sorcery"),
        (lambda f: (f / "settings.yaml").write_text("{"), "not a YAML file"),
        (lambda f: shutil.rmtree(f / "conditioner"), "conditioner: holds no weights"),
        (
            lambda f: (f / "unet/diffusion_pytorch_model.safetensors").write_bytes(b"x" * 99),
            "diffusion_pytorch_model.safetensors",
        ),
    ],
)
def test_damaged_folders_are_named(saved: Path, tmp_path: Path, damage, text: str) -> None:
    folder = tmp_path / "model"
    shutil.copytree(saved, folder)
    damage(folder)
    with pytest.raises(InputError, match=text):
        load_model(folder)


def test_the_method_takes_images_and_targets_in_any_batch(
    saved: Path, face: Face, astronaut: Face, expression: Face
) -> None:
    method = get_method("cfcpalsy", saved)
    requests = [
        Request(face, ExpressionImage(expression), 1, framing=None),
        Request(astronaut, TARGET, 2, 160, PORTRAIT),
        Request(sample(4), TARGET, 3, 128),
    ]
    together = method(requests)
    assert [i.shape for i in together] == [face.image.shape, (160, 160, 3), (128, 128, 3)]
    for request, image in zip(requests, together, strict=True):
        alone = method([request])[0]
        assert np.abs(alone.astype(int) - image).max() <= 1


def test_only_the_crop_changes(saved: Path, astronaut: Face, expression: Face) -> None:
    """Even an untrained model changes the crop only; the photo around it stays as it is."""
    pipeline = CFCPalsyPipeline.from_pretrained(saved)
    made = pipeline([astronaut], [ExpressionImage(expression)], [0])[0]
    unchanged = np.abs(made.astype(int) - astronaut.image).max(-1) == 0
    assert 0.2 < unchanged.mean() < 0.95


class Recorder:
    """A model that records its inputs and returns its draft, or grey."""

    def __init__(self, settings: CFCPalsySettings) -> None:
        self.model = build(settings)
        self.model.sample = self.sample  # type: ignore[method-assign]

    def sample(self, images: ImageBatch, seeds: list[int], *options: object) -> torch.Tensor:
        self.images, self.seeds = images, list(seeds)
        return images.get("draft", torch.full_like(images["identity"], 0.5))

    def received(self, name: str, images: list[np.ndarray]) -> bool:
        recorded = (self.images[name] * 255).round().byte().permute(0, 2, 3, 1).numpy()
        return bool(np.array_equal(recorded, np.stack(images)))


def test_the_model_receives_identity_expression_and_draft(
    face: Face, astronaut: Face, expression: Face
) -> None:
    """And if the model returns its draft, the draft is the image."""
    recorder = Recorder(default())
    method = CFCPalsyMethod(CFCPalsyPipeline(recorder.model))
    given = ExpressionImage(expression, face)
    made = method(
        [Request(astronaut, given, 7, framing=None), Request(face, TARGET, 8, 150, PORTRAIT)]
    )
    framed = face.aligned(PORTRAIT, 150)
    rendered = expression_image(TARGET, 8, 224).face
    assert recorder.seeds == [7, 8]
    assert recorder.received(
        "identity", [f.aligned(RECOGNISER, 56).image for f in (astronaut, framed)]
    )
    assert recorder.received(
        "expression", [f.aligned(RECOGNISER, 56).image for f in (expression, rendered)]
    )
    drafts = [draft(astronaut, given), draft(framed, TARGET)]
    assert recorder.received(
        "draft",
        [
            Face(d, f.landmarks).aligned(RECOGNISER, 56).image
            for d, f in zip(drafts, (astronaut, framed), strict=True)
        ],
    )
    for image, expected in zip(made, drafts, strict=True):
        assert np.array_equal(image, expected)


def test_the_draft_is_unchanged_around_the_face(face: Face, expression: Face) -> None:
    """Whatever the model does in the corners of the crop."""
    recorder = Recorder(default())
    recorder.model.sample = lambda images, *options: (images["draft"] + 0.2).clamp(0, 1)
    requested = [TargetExpression(Movement.REST, Palsy.none())]
    pipeline = CFCPalsyPipeline(recorder.model)
    made = pipeline([face], [ExpressionImage(expression)], [0], requested)[0]
    change = made.astype(int) - draft(face, requested[0])
    crop = face.aligned(RECOGNISER, 56)
    for point, low, high in (((28.0, 30.0), 30, 51), ((6.0, 50.0), 0, 0), ((50.0, 50.0), 0, 0)):
        x, y = (crop.onto(face) @ [*point, 1.0]).round().astype(int)
        assert low <= change[y, x].max() <= high, point


def test_without_a_draft_the_crop_is_pasted_into_the_identity_image(
    astronaut: Face, expression: Face
) -> None:
    recorder = Recorder(small())
    made = CFCPalsyPipeline(recorder.model)([astronaut], [ExpressionImage(expression)], [3])[0]
    assert set(recorder.images) == {"identity", "expression"}
    x, y = astronaut.landmarks[4, :2].round().astype(int)
    assert np.abs(made[y, x].astype(int) - 128).max() <= 1
    assert np.array_equal(made[:10], astronaut.image[:10])


def test_a_crop_fades_at_its_border_and_a_zero_change_has_no_effect(face: Face) -> None:
    """Over 8 of 100 pixels: the first has half a step, 0.0625."""
    assert _fade(100)[50, :9].tolist() == pytest.approx(
        [0.0625, 0.1875, 0.3125, 0.4375, 0.5625, 0.6875, 0.8125, 0.9375, 1.0]
    )
    assert np.array_equal(_fade(100), _fade(100)[::-1, ::-1].T)
    zero = np.zeros((56, 56, 3), np.float32)
    to_image = np.array([[3.0, 0.0, 20.0], [0.0, 3.0, 30.0]])
    assert np.array_equal(add_change(face.image, zero, to_image), face.image)
    brighter = add_change(np.full_like(face.image, 100), zero + np.float32([8, 0, -4]), to_image)
    assert brighter[114, 104].tolist() == [108, 100, 96]
    red = paste(face.image, np.full((56, 56, 3), [255, 0, 0], np.uint8), to_image)
    assert np.array_equal(red[114, 104], [255, 0, 0])
    assert np.array_equal(red[:25], face.image[:25])


def test_the_methods_settings_are_those_of_the_sampling(saved: Path) -> None:
    """Settings of training are none of them: they change no image of given weights."""
    method = CFCPalsyMethod.from_pretrained(saved)
    assert method.settings == {
        "sampler": "dpm++",
        "steps": 3,
        "eta": 1.0,
        "num_samples_averaged": 1,
        "guidance": 1.0,
    }


def test_a_change_is_composited_at_its_place(astronaut: Face, expression: Face) -> None:
    """Also in a face that is itself cropped from a photo: a model that brightens the middle of the
    crop brightens the middle of the face."""
    model = build(default())

    def brighten(images, *options):
        made = images["draft"].clone()
        made[:, :, 20:36, 20:36] += 0.2
        return made.clamp(0, 1)

    model.sample = brighten
    pipeline = CFCPalsyPipeline(model)
    cropped = astronaut.aligned(PORTRAIT, 240)
    for face in (astronaut, cropped, cropped.aligned(PORTRAIT, 150)):
        requested = [TargetExpression(Movement.REST, Palsy.none())]
        made = pipeline([face], [ExpressionImage(expression)], [0], requested)[0]
        change = (made.astype(int) - face.image).sum(-1)
        rows, columns = np.nonzero(change > 20)
        crop = model.conditioner.crop(face, 56)
        middle = np.array([27.5, 27.5, 1.0])
        to_face = np.linalg.solve(
            np.vstack([face.to_source, [0, 0, 1]]), np.vstack([crop.to_source, [0, 0, 1]])
        )
        expected = (to_face @ middle)[:2]
        assert np.abs([columns.mean(), rows.mean()] - expected).max() < 0.06 * face.image.shape[0]
        assert (np.abs(face.landmarks[4, :2] - expected) < 0.5 * face.outer_eyes).all()


def test_the_draft_method_simulates_what_is_recognised(face: Face, expression: Face) -> None:
    method = get_method("draft")
    from_image, from_target = method(
        [
            Request(face, ExpressionImage(expression), framing=None),
            Request(face, TARGET, framing=None),
        ]
    )
    requested = [(TARGET.movement, TARGET.palsy)] * 2
    points = np.stack([detect_face(image).landmarks for image in (from_image, from_target)])
    found = requested_measures(requested, points, np.stack([face.landmarks] * 2))
    assert found.side_accuracy().all()
    assert not np.array_equal(from_image, from_target), "recognised, not given"


def test_synthesize(saved: Path, photo: Path, tmp_path: Path, capsys, half_grin) -> None:
    write_png(tmp_path / "b.png", half_grin)
    main(
        f"synthesize --identity {photo} --expression {tmp_path / 'b.png'} --method cfcpalsy "
        f"--weights {saved} --out {tmp_path / 'c.png'} --count 2 --seed 4".split()
    )
    assert capsys.readouterr().out.split() == [str(tmp_path / f"c-{s}.png") for s in (4, 5)]
    with Image.open(tmp_path / "c-5.png") as image:
        record = json.loads(image.text["palsynth:provenance"])
        assert record["method"] == "cfcpalsy"
        assert record["seed"] == 5
        assert "synthetic" in image.text["Description"]
    main(
        f"synthesize --identity {photo} --movement grin --grade IV --method simulator "
        f"--out {tmp_path / 'd.png'} --size 96".split()
    )
    with Image.open(tmp_path / "d.png") as image:
        assert image.size == (96, 96)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ([], "give either --expression or --movement"),
        (["--movement", "grin", "--count", "0"], "--count must be at least 1"),
        (["--movement", "grin", "--size", "9"], "--size 9: must lie between 32 and 2048"),
        (
            ["--movement", "grin", "--method", "cfcpalsy", "--weights", "no"],
            "no: no such folder",
        ),
        (["--movement", "grin", "--method", "magic"], "no method 'magic'"),
    ],
)
def test_bad_requests(arguments: list[str], text: str, photo: Path, tmp_path: Path, capsys) -> None:
    with pytest.raises(SystemExit) as end:
        main(["synthesize", "--identity", str(photo), "--out", str(tmp_path / "o.png"), *arguments])
    assert end.value.code == 2
    assert text in capsys.readouterr().err
    assert not (tmp_path / "o.png").exists()

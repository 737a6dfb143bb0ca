"""Files, the pipeline, the method, the command, and training through the one loop."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from palsynth.cli import main
from palsynth.clinical import Grade, Movement, Palsy, Side
from palsynth.errors import InputError
from palsynth.experiments.kinds import load_recipe
from palsynth.face.detect import detect_face
from palsynth.face.face import Face
from palsynth.face.framing import PORTRAIT
from palsynth.methods.base import Asked, Picture, Request, get_method
from palsynth.methods.cfcpalsy.files import load_model, save_model
from palsynth.methods.cfcpalsy.pipeline import CFCPalsyPipeline, _changed, _pasted
from palsynth.methods.cfcpalsy.reading import read_asked
from palsynth.methods.cfcpalsy.recipe import CFCPalsyRecipe, PairsSettings
from palsynth.people import View, render, sample
from palsynth.training.loop import train
from palsynth.training.recipe import LoopSettings, save
from tests.methods.cfcpalsy.conftest import build, default, small

ASKED = Asked(Movement.GRIN, Palsy.peripheral(Side.LEFT, Grade.V))


@pytest.fixture(scope="module")
def expression() -> Face:
    return detect_face(render(sample(31), ASKED.movement, ASKED.palsy, view=View(192)).image)


def test_a_model_comes_back_from_its_folder(saved: Path, tmp_path: Path) -> None:
    model = load_model(saved)
    again = build(default())
    for (name, a), (_, b) in zip(model.state_dict().items(), again.state_dict().items(),
                                 strict=True):  # fmt: skip
        assert a.equal(b), name
    assert model.settings == default()
    save_model(model, tmp_path)
    files = sorted(p.relative_to(saved) for p in saved.rglob("*") if p.is_file())
    assert files == sorted(p.relative_to(tmp_path) for p in tmp_path.rglob("*") if p.is_file())
    assert all((saved / f).read_bytes() == (tmp_path / f).read_bytes() for f in files)
    assert not any(f.suffix in (".bin", ".pt", ".pkl") for f in files)


@pytest.mark.parametrize(
    ("break_", "text"),
    [
        (lambda f: (f / "settings.yaml").unlink(), "holds no CFCPalsy model"),
        (lambda f: (f / "settings.yaml").write_text("unet: {sorcery: 1}"), "unet.sorcery"),
        (lambda f: (f / "settings.yaml").write_text("{"), "not a YAML file"),
        (lambda f: shutil.rmtree(f / "conditioner"), "conditioner: holds no weights"),
        (lambda f: (f / "unet/diffusion_pytorch_model.safetensors").write_bytes(b"x" * 99),
         "diffusion_pytorch_model.safetensors"),
    ],
)  # fmt: skip
def test_damaged_folders_are_named(saved: Path, tmp_path: Path, break_, text: str) -> None:
    folder = tmp_path / "model"
    shutil.copytree(saved, folder)
    break_(folder)
    with pytest.raises(InputError, match=text):
        load_model(folder)


def test_the_method_answers_pictures_and_words_in_any_batch(
    saved: Path, face: Face, astronaut: Face, expression: Face
) -> None:
    method = get_method("cfcpalsy", saved)
    requests = [
        Request(face, Picture(expression), 1, framing=None),
        Request(astronaut, ASKED, 2, 160, PORTRAIT),
        Request(sample(4), ASKED, 3, 128),
    ]
    together = method(requests)
    assert [i.shape for i in together] == [face.image.shape, (160, 160, 3), (128, 128, 3)]
    for request, image in zip(requests, together, strict=True):
        alone = method([request])[0]
        assert np.abs(alone.astype(int) - image).max() <= 1


def test_only_the_crop_changes(saved: Path, astronaut: Face, expression: Face) -> None:
    """An untrained change lies within the crop; the photo around it stays as it is."""
    made = CFCPalsyPipeline.from_pretrained(saved)([astronaut], [Picture(expression)], [0])[0]
    outside = np.abs(made.astype(int) - astronaut.image).max(-1) == 0
    assert 0.2 < outside.mean() < 0.95


def test_a_change_of_nothing_changes_nothing(face: Face) -> None:
    still = np.zeros((56, 56, 3), np.float32)
    there = np.array([[3.0, 0.0, 20.0], [0.0, 3.0, 30.0]])
    assert np.array_equal(_changed(face.image, still, there), face.image)
    red = _pasted(face.image, np.full((56, 56, 3), [255, 0, 0], np.uint8), there)
    assert np.array_equal(red[114, 104], [255, 0, 0])
    assert np.array_equal(red[:25], face.image[:25])


def test_the_change_lands_where_it_was_made(astronaut: Face, expression: Face) -> None:
    """Also in a face that was cut from a photo itself: a model that brightens the crop's middle
    brightens the middle of the face."""
    model = build(default())

    def brighten(shown, *rest):
        made = shown["draft"].clone()
        made[:, :, 20:36, 20:36] += 0.2
        return made.clamp(0, 1)

    model.draw = brighten
    pipeline = CFCPalsyPipeline(model)
    once = astronaut.aligned(PORTRAIT, 240)
    for face in (astronaut, once, once.aligned(PORTRAIT, 150)):
        asked = [Asked(Movement.REST, Palsy.none())]
        made = pipeline([face], [Picture(expression)], [0], asked)[0]
        change = (made.astype(int) - face.image).sum(-1)
        rows, columns = np.nonzero(change > 20)
        crop = model.conditioner.crop(face, 56)
        middle = np.array([27.5, 27.5, 1.0])
        to_face = np.linalg.solve(np.vstack([face.to_source, [0, 0, 1]]),
                                  np.vstack([crop.to_source, [0, 0, 1]]))  # fmt: skip
        expected = (to_face @ middle)[:2]
        assert np.abs([columns.mean(), rows.mean()] - expected).max() < 0.06 * face.image.shape[0]
        assert (np.abs(face.landmarks[4, :2] - expected) < 0.5 * face.outer_eyes).all()


def test_what_a_picture_asks_for_is_read(expression: Face) -> None:
    from palsynth.face.framing import RECOGNISER

    found = read_asked([expression.aligned(RECOGNISER, 112).image])[0]
    assert found.movement is Movement.GRIN
    left, right = (np.mean(list(found.palsy.of(s).function.values())) for s in Side)
    assert left < right - 0.3, "the left is the weak side"


def test_the_draft_alone_does_what_is_read(face: Face, expression: Face) -> None:
    from palsynth.evaluation.asked import expressed

    draft = get_method("draft")
    by_picture, by_words = draft([Request(face, Picture(expression), framing=None),
                                  Request(face, ASKED, framing=None)])  # fmt: skip
    asked = [(ASKED.movement, ASKED.palsy)] * 2
    points = np.stack([detect_face(image).landmarks for image in (by_picture, by_words)])
    found = expressed(asked, points, np.stack([face.landmarks] * 2))
    assert found.side_right().all()
    assert not np.array_equal(by_picture, by_words), "the picture was read, not told"


def recipe(folder: Path, **loop: int) -> CFCPalsyRecipe:
    data = PairsSettings(people=8, first_person=700, groups=2, keep=folder / "groups",
                         drawing_workers=1)  # fmt: skip
    return CFCPalsyRecipe(
        model=small(), data=data,
        loop=LoopSettings(**{"steps": 4, "batch": 2, "log_every": 1, "checkpoint_every": 2,
                             "ema": 0.9, **loop}),
    )  # fmt: skip


def test_training_resumes_bit_for_bit_and_its_weights_draw(tmp_path: Path, face: Face,
                                                           expression: Face) -> None:  # fmt: skip
    whole, halves = tmp_path / "whole", tmp_path / "halves"
    assert train(recipe(tmp_path), whole)
    train(recipe(tmp_path, steps=2), halves)
    shutil.rmtree(halves / "weights")
    assert train(recipe(tmp_path), halves, resume=True)
    for name in ("unet", "conditioner"):
        file = f"weights/{name}/diffusion_pytorch_model.safetensors"
        assert (whole / file).read_bytes() == (halves / file).read_bytes(), name
    rows = [json.loads(line) for line in (whole / "metrics.jsonl").read_text().splitlines()]
    assert {"noise", "identity", "landmarks", "second_noise"} <= set(rows[0])
    method = get_method("cfcpalsy", whole / "weights")
    image = method([Request(face, Picture(expression), framing=None)])[0]
    assert image.shape == face.image.shape


def test_a_training_begins_with_other_weights(saved: Path, tmp_path: Path) -> None:
    """All of them, or the U-Net's alone; weights of another architecture are refused."""
    there = load_model(saved)
    torch.manual_seed(1)
    first = replace(recipe(tmp_path), model=default(), begin=saved)
    whole = first.objective().model
    assert all(a.equal(b) for a, b in zip(whole.state_dict().values(),
                                          there.state_dict().values(), strict=True))  # fmt: skip
    assert any(p.requires_grad for p in whole.unet.parameters())
    assert not any(p.requires_grad for p in whole.conditioner.expression_net.parameters())
    alone = replace(first, begin_with="unet").objective().model
    assert alone.unet.stem.weight.equal(there.unet.stem.weight)
    assert not alone.conditioner.fusion.out.weight.equal(there.conditioner.fusion.out.weight)
    with pytest.raises(InputError, match="its CFCPalsyUNet has conditions 3, the recipe 0"):
        replace(recipe(tmp_path), begin=saved).objective()
    other = replace(default(), condition=replace(default().condition, cross=False))
    with pytest.raises(InputError, match="its Conditioner has cross True, the recipe False"):
        replace(first, model=other).objective()
    with pytest.raises(InputError, match="holds no CFCPalsy model"):
        replace(first, begin=tmp_path).objective()
    with pytest.raises(InputError, match="nowhere: no such folder to begin with"):
        replace(first, begin=tmp_path / "nowhere").source()
    assert not (tmp_path / "groups").exists(), "said before anything is drawn"


def test_the_recipe_says_everything(tmp_path: Path) -> None:
    save(recipe(tmp_path), tmp_path / "r.yaml")
    assert load_recipe(tmp_path / "r.yaml") == recipe(tmp_path)
    with pytest.raises(InputError, match="are for validation and evaluation"):
        PairsSettings(first_person=990_000)
    clinical = CFCPalsyRecipe(model=default(), data=PairsSettings(dataset=tmp_path))
    with pytest.raises(InputError, match="pairs of a dataset have no draft"):
        clinical.objective()


def test_synthesize(saved: Path, photo: Path, tmp_path: Path, capsys, half_grin) -> None:
    from palsynth.face.images import write_png

    write_png(tmp_path / "b.png", half_grin)
    main(["synthesize", "--identity", str(photo), "--expression", str(tmp_path / "b.png"),
          "--method", "cfcpalsy", "--weights", str(saved), "--out", str(tmp_path / "c.png"),
          "--count", "2", "--seed", "4"])  # fmt: skip
    assert capsys.readouterr().out.split() == [str(tmp_path / f"c-{s}.png") for s in (4, 5)]
    with Image.open(tmp_path / "c-5.png") as image:
        record = json.loads(image.text["palsynth:provenance"])
        assert record["method"] == "cfcpalsy"
        assert record["seed"] == 5
        assert "synthetic" in image.text["Description"]
    main(["synthesize", "--identity", str(photo), "--movement", "grin", "--grade", "IV",
          "--method", "simulator", "--out", str(tmp_path / "d.png"), "--size", "96"])  # fmt: skip
    with Image.open(tmp_path / "d.png") as image:
        assert image.size == (96, 96)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ([], "give either --expression, a photo, or --movement"),
        (["--movement", "grin", "--count", "0"], "--count must be at least 1"),
        (["--movement", "grin", "--size", "9"], "--size 9: must lie between 32 and 2048"),
        (
            ["--movement", "grin", "--method", "cfcpalsy", "--weights", "no"],
            "no: no such folder",
        ),
        (["--movement", "grin", "--method", "magic"], "no method 'magic'"),
    ],
)
def test_bad_requests(words: list[str], text: str, photo: Path, tmp_path: Path, capsys) -> None:
    with pytest.raises(SystemExit) as end:
        main(["synthesize", "--identity", str(photo), "--out", str(tmp_path / "o.png"), *words])
    assert end.value.code == 2
    assert text in capsys.readouterr().err
    assert not (tmp_path / "o.png").exists()

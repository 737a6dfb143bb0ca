"""Training with the common loop: pairs, initialisation, and bit-exact resumption."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch

from palsynth.clinical import Grade, Movement, Palsy, Side
from palsynth.data.folder_pairs import FolderPairs
from palsynth.data.groups import GroupsSource
from palsynth.data.pair_settings import PairsSettings, pairs_source
from palsynth.data.training_pairs import PairsSource
from palsynth.errors import InputError
from palsynth.face.detect import detect_face
from palsynth.face.face import Face
from palsynth.methods.base import ExpressionImage, Request, TargetExpression
from palsynth.methods.cfcpalsy.config import CFCPalsySettings, ConditionSettings, EncoderSettings
from palsynth.methods.cfcpalsy.io.files import load_model
from palsynth.methods.cfcpalsy.recipe import CFCPalsyRecipe
from palsynth.methods.registry import get_method
from palsynth.subjects import View, render, sample
from palsynth.training import checkpoints
from palsynth.training.kinds import load_recipe
from palsynth.training.loop import train
from palsynth.training.recipe import LoopSettings
from palsynth.training.recipe_file import save
from tests.methods.cfcpalsy.conftest import clinical_set, default, small

RECIPES = Path(__file__).parents[3] / "recipes"

TARGET = TargetExpression(Movement.GRIN, Palsy.peripheral(Side.LEFT, Grade.V))


@pytest.fixture(scope="module")
def expression() -> Face:
    return detect_face(render(sample(31), TARGET.movement, TARGET.palsy, view=View(192)).image)


def recipe(folder: Path, **loop: int) -> CFCPalsyRecipe:
    data = PairsSettings(
        subjects=8, first_subject=700, groups=2, cache_dir=folder / "groups", render_workers=1
    )
    return CFCPalsyRecipe(
        model=small(),
        data=data,
        loop=LoopSettings(
            **{"steps": 4, "batch": 2, "log_every": 1, "checkpoint_every": 2, "ema": 0.9, **loop}
        ),
    )


def test_training_resumes_bit_for_bit_and_its_weights_can_sample(
    tmp_path: Path, face: Face, expression: Face
) -> None:
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
    image = method([Request(face, ExpressionImage(expression), framing=None)])[0]
    assert image.shape == face.image.shape


def test_the_published_training_resumes_bit_for_bit(tmp_path: Path) -> None:
    """One identity image a patient, no clipping, an identity network in training mode; not in fp16,
    which CPUs are slow in."""
    published = load_recipe(RECIPES / "cfcpalsy-paper-meei.yaml")
    tiny = replace(
        published,
        model=replace(small(), condition=replace(published.model.condition, dim=64)),
        data=replace(published.data, dataset=clinical_set(tmp_path / "set")),
        loop=replace(
            published.loop, steps=2, batch=2, precision="bf16", workers=0, checkpoint_every=1
        ),
    )
    whole, halves = tmp_path / "whole", tmp_path / "halves"
    assert train(tiny, whole)
    train(replace(tiny, loop=replace(tiny.loop, steps=1)), halves)
    shutil.rmtree(halves / "weights")
    assert train(tiny, halves, resume=True)
    files = [p.relative_to(whole) for p in whole.rglob("*.safetensors")]
    assert len(files) == 2 * 3 + 2
    differing = [f for f in files if (whole / f).read_bytes() != (halves / f).read_bytes()]
    assert differing == []
    first, second = (checkpoints.read(whole / f"checkpoints/step-{k}", "model") for k in (1, 2))
    moved = {name.split(".")[2] for name in first if not first[name].equal(second[name])}
    assert {"identity_net", "fusion"} <= moved
    statistics = "model.conditioner.identity_net.head.0.running_mean"
    assert not first[statistics].equal(second[statistics])


def test_a_training_is_initialised_from_other_weights(saved: Path, tmp_path: Path) -> None:
    """From all of them or the U-Net's alone; weights of another architecture are refused."""
    pretrained = load_model(saved)
    torch.manual_seed(1)
    tuning = replace(recipe(tmp_path), model=default(), init_from=saved)
    whole = tuning.objective().model
    assert all(
        a.equal(b)
        for a, b in zip(whole.state_dict().values(), pretrained.state_dict().values(), strict=True)
    )
    assert any(p.requires_grad for p in whole.unet.parameters())
    assert not any(p.requires_grad for p in whole.conditioner.expression_net.parameters())
    unet_only = replace(tuning, init_modules="unet").objective().model
    assert unet_only.unet.stem.weight.equal(pretrained.unet.stem.weight)
    assert not unet_only.conditioner.fusion.out.weight.equal(
        pretrained.conditioner.fusion.out.weight
    )
    with pytest.raises(InputError, match="its CFCPalsyUNet has conditions 3, the recipe 0"):
        replace(recipe(tmp_path), init_from=saved).objective()
    other = replace(default(), condition=replace(default().condition, cross=False))
    with pytest.raises(InputError, match="its Conditioner has cross True, the recipe False"):
        replace(tuning, model=other).objective()
    with pytest.raises(InputError, match="holds no cfcpalsy weights"):
        replace(tuning, init_from=tmp_path).objective()
    with pytest.raises(InputError, match="nowhere: no such folder to initialise from"):
        replace(tuning, init_from=tmp_path / "nowhere").source()
    assert not (tmp_path / "groups").exists(), "raised before anything is rendered"


@pytest.mark.parametrize(("name", "steps"), [("aflfp", 1408), ("meei", 360)])
def test_the_published_recipes_are_the_papers(name: str, steps: int) -> None:
    """AdamW at 1e-4, batch 32, EMA up to 0.9999 with power 3/4; no clipping, fp16, one identity
    image a subject, and an identity network whose norms are in training mode."""
    published = load_recipe(RECIPES / f"cfcpalsy-paper-{name}.yaml")
    assert published.model == CFCPalsySettings(
        condition=ConditionSettings(identity_train_mode=True)
    )
    assert published.data == PairsSettings(dataset=Path(f"{name}-set"), fixed_identity=True)
    assert published.encoders == EncoderSettings()
    assert published.init_from == "scratch"
    loop = published.loop
    assert (loop.steps, loop.batch, loop.learning_rate) == (steps, 32, 1e-4)
    assert (loop.ema, loop.ema_power) == (0.9999, 0.75)
    assert (loop.clip, loop.precision) == (0.0, "fp16")


def test_pairs_are_of_training_subjects_by_default() -> None:
    assert asdict(PairsSettings()) == {
        "dataset": None,
        "subjects": 6000,
        "first_subject": 200_000,
        "photographs": None,
        "mixed": 0.35,
        "smiling": 0.0,
        "groups": 1500,
        "cache_dir": Path("runs/cache-groups"),
        "render_workers": 2,
        "crossed": True,
        "fixed_identity": False,
        "healthy": 0.12,
        "mirror": 0.5,
        "seed": 0,
    }
    assert PairsSettings(first_subject=984_000).first_subject + 6000 == 990_000, "the last allowed"
    with pytest.raises(InputError, match="are for validation and evaluation"):
        PairsSettings(first_subject=984_001)


def test_pairs_have_the_recipes_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = PairsSettings(
        subjects=9,
        first_subject=710,
        mixed=0.2,
        smiling=0.1,
        groups=5,
        cache_dir=tmp_path,
        crossed=False,
        healthy=0.4,
        mirror=0.3,
        seed=6,
    )
    source = pairs_source(settings, 56, build_cache=False)
    assert isinstance(source, PairsSource)
    assert (source.crossed, source.size, source.mirror, source.seed) == (False, 56, 0.3, 6)
    cached = source.groups
    assert (cached.folder, cached.count, cached.uncached) == (tmp_path, 5, True)
    assert cached.source == GroupsSource(710, 9, None, 0.2, 0.1, 112, 0.4, 6)
    prepared: list[FolderPairs] = []
    monkeypatch.setattr(FolderPairs, "prepare", lambda pairs: prepared.append(pairs))
    clinical = pairs_source(replace(settings, dataset=tmp_path / "set"), 56)
    assert isinstance(clinical, FolderPairs)
    assert (clinical.folder, clinical.size, clinical.seed) == (tmp_path / "set", 56, 6)
    assert not clinical.fixed_identity
    assert prepared == [clinical], "faces are found before workers are started"


def test_a_recipe_survives_a_round_trip_to_disk(tmp_path: Path) -> None:
    save(recipe(tmp_path), tmp_path / "r.yaml")
    assert load_recipe(tmp_path / "r.yaml") == recipe(tmp_path)
    clinical = CFCPalsyRecipe(model=default(), data=PairsSettings(dataset=tmp_path))
    with pytest.raises(InputError, match="pairs of a dataset have no draft"):
        clinical.objective()

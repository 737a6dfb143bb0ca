"""Fine-tuning with the training loop: what trains, and that a run resumes bit for bit."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from palsynth.audit.membership import by_loss, open_run
from palsynth.clinical import Movement, Palsy
from palsynth.data.manifest import Row, read_manifest, write_manifest
from palsynth.errors import InputError
from palsynth.face.detect import read_face
from palsynth.face.framing import PORTRAIT
from palsynth.face.images import SHOWS_INPUT, read_image, write_png
from palsynth.methods.base import ExpressionImage, Request, TargetExpression
from palsynth.methods.controlnet.conditioning import canny_edges
from palsynth.methods.controlnet.config import ControlNetSettings, PatientsSettings, Sampling
from palsynth.methods.controlnet.data.examples import collate
from palsynth.methods.controlnet.data.healthy import held_out
from palsynth.methods.controlnet.data.patients import patients_source
from palsynth.methods.controlnet.io.loading import read_base
from palsynth.methods.controlnet.method import Partial, PartialInOtherFace, ZeroShot
from palsynth.methods.controlnet.objective import on_edges
from palsynth.methods.controlnet.pipeline import ControlNetPalsyPipeline
from palsynth.methods.controlnet.prompts import SENTENCES
from palsynth.methods.controlnet.recipe import ControlNetRecipe
from palsynth.methods.controlnet.strategies import Strategy
from palsynth.methods.controlnet.weighting import Weighting
from palsynth.methods.resolve import subject_face
from palsynth.subjects import View, render, sample
from palsynth.training.loop import build, train
from palsynth.training.recipe import LoopSettings


@pytest.fixture(scope="module")
def patients(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two patients with three images each, one with a single image, and a healthy subject."""
    folder = tmp_path_factory.mktemp("patients")
    rows = []
    for patient, count in ((0, 3), (1, 3), (2, 1)):
        for number in range(count):
            name = f"{patient}-{number}.png"
            write_png(folder / name, render(sample(970_100 + patient), view=View(96)).image)
            rows.append(Row(name, f"patient-{patient}", movement="rest", split="train"))
    write_png(folder / "well.png", render(sample(970_103), view=View(96)).image)
    rows.append(Row("well.png", "well", movement="rest", hb_grade="I", split="train"))
    write_manifest(folder, rows)
    return folder


@pytest.fixture
def recipe(base_folder: Path, patients: Path) -> ControlNetRecipe:
    return ControlNetRecipe(
        init_from=base_folder.parent / "controlnet",
        model=ControlNetSettings(
            str(base_folder),
            strategy=Strategy(first=500, last=701),
            sampling=Sampling("ddim", 2, 1.0),
        ),
        patients=PatientsSettings(patients, patients=2),
        loop=LoopSettings(
            steps=4,
            batch=2,
            learning_rate=1e-3,
            log_every=2,
            checkpoint_every=2,
            validate_every=4,
            device="cpu",
        ),
    )


def tensors(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "controlnet" / "diffusion_pytorch_model.safetensors")


def test_fine_tuning_runs_resumes_bit_for_bit_and_is_used(
    recipe: ControlNetRecipe, tmp_path: Path
) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert train(recipe, whole)
    shorter = replace(recipe, loop=replace(recipe.loop, steps=2))
    assert train(shorter, parts)
    assert train(recipe, parts, resume=True)
    a, b = tensors(whole / "weights"), tensors(parts / "weights")
    assert a.keys() == b.keys()
    assert all(torch.equal(a[name], b[name]) for name in a)
    before = load_file(Path(recipe.init_from) / "diffusion_pytorch_model.safetensors")
    assert any(not torch.equal(a[name], before[name]) for name in a)
    rows = [json.loads(line) for line in (whole / "metrics.jsonl").read_text().splitlines()]
    binned = {key for row in rows for key in row if key.startswith("loss/t")}
    assert binned <= {"loss/t500-599", "loss/t600-699", "loss/t700-799"}
    assert binned
    thirds = {key for row in rows for key in row if key.startswith("validation/")}
    assert thirds == {"validation/t000-332", "validation/t333-666", "validation/t667-999"}
    with Image.open(whole / "samples" / "step-4.png") as sheet:  # it shows patients
        assert sheet.text["Description"] == SHOWS_INPUT["Description"]  # type: ignore[attr-defined]

    pipeline = ControlNetPalsyPipeline.from_pretrained(whole / "weights")
    assert (pipeline.strategy.first, pipeline.strategy.last) == (500, 701)
    identity = sample(970_150)
    patient = ExpressionImage(_face(sample(970_151)))
    requests = [Request(identity, patient, seed, size=48) for seed in (1, 2)]
    for kind in (Partial, PartialInOtherFace):
        images = kind(pipeline)(requests)
        assert [image.shape for image in images] == [(48, 48, 3)] * 2
        assert np.abs(images[1].astype(int) - kind(pipeline)(requests[1:])[0]).max() <= 1
    kind(pipeline).save_pretrained(tmp_path / "saved")
    loaded = kind.from_pretrained(tmp_path / "saved")(requests)
    assert np.abs(loaded[0].astype(int) - images[0]).max() <= 1


def _face(subject):  # type: ignore[no-untyped-def]
    return subject_face(subject, TargetExpression(Movement.GRIN, Palsy.none()), View(96))


def test_layer_freezing_saves_the_base_it_changed(recipe: ControlNetRecipe, tmp_path: Path) -> None:
    inner = replace(recipe, model=replace(recipe.model, strategy=Strategy("inner")))
    short = replace(inner, loop=replace(inner.loop, steps=1, validate_every=0))
    assert train(short, tmp_path / "run")
    weights = tmp_path / "run" / "weights"
    changed = ControlNetPalsyPipeline.from_pretrained(weights).base.unet.state_dict()
    original = read_base(recipe.model.base).unet.state_dict()
    differ = {name for name in original if not torch.equal(original[name], changed[name])}
    assert any(name.startswith("up_blocks.0.") for name in differ)
    assert all(name.startswith("up_blocks.0.") or ".attn2." in name for name in differ)
    checkpoint = load_file(tmp_path / "run" / "checkpoints" / "step-1" / "model.safetensors")
    assert not any("vae" in name or "text_encoder" in name for name in checkpoint)
    (weights / "base").rename(tmp_path / "elsewhere")
    with pytest.raises(InputError, match=r"the base that was tuned with it is missing \(base/\)"):
        ControlNetPalsyPipeline.from_pretrained(weights)


def test_examples_without_edges_train_the_base_alone(recipe: ControlNetRecipe) -> None:
    both = replace(recipe, model=replace(recipe.model, strategy=Strategy("both")))
    batch = collate([recipe.source()[0], recipe.source()[1]])
    inverted = batch | {"edges": 255 - batch["edges"]}
    for control_dropout, conditioned in ((0.0, True), (1 - 1e-9, False)):
        objective = build(replace(both, control_dropout=control_dropout))
        losses = [objective(b, torch.Generator().manual_seed(3)).total for b in (batch, inverted)]
        assert bool(losses[0] != losses[1]) == conditioned
        losses[0].backward()
        assert any(bool(p.grad.any()) for p in objective.unet.parameters() if p.grad is not None)
        gradients = [p.grad for p in objective.controlnet.parameters() if p.grad is not None]
        assert any(bool(g.any()) for g in gradients) == conditioned
    with pytest.raises(InputError, match="control_dropout 1: must lie in 0 … 1, 1 excluded"):
        replace(both, control_dropout=1.0)
    with pytest.raises(
        InputError, match=r"control_dropout: only a base that trains too .* learns from examples"
    ):
        replace(recipe, control_dropout=0.1)


def test_errors_on_an_edge_may_weigh_more(recipe: ControlNetRecipe) -> None:
    edges = torch.zeros(1, 32, 32, dtype=torch.uint8)
    edges[0, 7, 13] = 255
    assert on_edges(edges, 2).nonzero().tolist() == [[0, 3, 6]]
    batch = collate([recipe.source()[0], recipe.source()[1]])
    everywhere = batch | {"edges": torch.full_like(batch["edges"], 255)}
    objective = build(replace(recipe, edge_loss_weight=5.0))
    weighted, even = (objective(b, torch.Generator().manual_seed(3)) for b in (batch, everywhere))
    assert weighted.total != weighted.parts["noise"]  # the logged loss is unweighted
    assert torch.allclose(even.total, even.parts["noise"])
    with pytest.raises(InputError, match="edge_loss_weight 0: must be above 0"):
        replace(recipe, edge_loss_weight=0.0)


def test_a_new_controlnet_has_no_effect(recipe: ControlNetRecipe) -> None:
    from_scratch = replace(recipe, init_from="scratch")
    objective = build(from_scratch)
    inputs = (
        torch.randn(1, 4, 16, 16),
        torch.tensor([5]),
        objective.base.words(["man"]),
        torch.rand(1, 3, 32, 32),
    )
    down, middle = objective.controlnet(*inputs, return_dict=False)
    assert not any(x.detach().abs().max() for x in (*down, middle))


def test_the_recipe_reaches_the_objective(recipe: ControlNetRecipe) -> None:
    """Fine-tuning on patients is validated on the other patient, else on healthy subjects."""
    objective = build(replace(recipe, weighting=Weighting(5.0, 20.0), edge_loss_weight=3.0))
    assert objective.weights[[0, 999]].tolist() == pytest.approx([0.00427, 20.0], rel=0.01)
    assert (objective.control_dropout, objective.edge_loss_weight) == (0.0, 3.0)
    assert objective.strategy == recipe.model.strategy
    assert objective.sampling == recipe.model.sampling
    assert len(objective.held["image"]) == 1
    healthy = build(replace(recipe, patients=PatientsSettings()))
    assert torch.equal(healthy.held["image"], held_out(32)["image"])


def test_which_patients_are_tuned_on(recipe: ControlNetRecipe, patients: Path) -> None:
    source = recipe.source()
    assert source.subjects_used() == ("patient-0", "patient-1")
    assert {source[n].number for n in range(6)} == set(range(6))  # one epoch has all
    assert source[0].image.shape == (32, 32, 3)
    first = source[0]
    assert np.array_equal(first.edges, canny_edges(first.image))
    assert SENTENCES[first.sentence].startswith("ID photo of person wearing"), "the fixed prompt"
    (held,) = source.held(5)  # the patient that is not tuned on, not the healthy subject
    portrait = read_face(patients / "2-0.png").aligned(PORTRAIT, 32).image
    assert np.array_equal(held.image, portrait)
    chosen = patients_source(PatientsSettings(patients, subjects=("patient-2",)), 32)
    assert chosen.subjects_used() == ("patient-2",)
    with pytest.raises(InputError, match="has no images of subject unknown"):
        _ = patients_source(PatientsSettings(patients, subjects=("unknown",)), 32).rows
    with pytest.raises(InputError, match="holds 4 subjects to train on, not 9"):
        _ = patients_source(PatientsSettings(patients, patients=9), 32).rows


def test_patients_pictures_without_a_face_are_listed(
    recipe: ControlNetRecipe, patients: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = read_manifest(patients)
    for row in rows:
        write_png(tmp_path / row.file_name, read_image(patients / row.file_name))
    for name, subject in (("wall", "patient-0"), ("sky", "patient-1"), ("sea", "patient-2")):
        write_png(tmp_path / f"{name}.png", np.full((64, 64, 3), 99, np.uint8))
        rows.append(Row(f"{name}.png", subject, movement="rest", split="train"))
    write_manifest(tmp_path, rows)
    settings = PatientsSettings(tmp_path, patients=2)
    source = replace(recipe, patients=settings).source()
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == (f"note: {tmp_path}: 2 of 8 pictures have no usable face and are left out:")
    assert [line.split(":")[0].strip() for line in lines[1:]] == ["sky.png", "wall.png"]
    assert np.array_equal(source[0].image, recipe.source()[0].image)
    assert {source[n].number for n in range(6)} == set(range(6))
    (held,) = source.held(5)
    assert np.array_equal(held.image, recipe.source().held(5)[0].image)
    write_manifest(tmp_path, [row for row in rows if row.file_name != "2-0.png"])
    with pytest.raises(InputError, match=r"1 of 1 pictures have no usable face, such as sea\.png"):
        patients_source(PatientsSettings(tmp_path, subjects=("patient-2",)), 32).prepare()
    with pytest.raises(InputError, match="no picture of subject patient-2 has a usable face"):
        patients_source(
            PatientsSettings(tmp_path, subjects=("patient-2", "patient-1")), 32
        ).prepare()


def test_faces_of_patients_are_found_once(
    recipe: ControlNetRecipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = recipe.source()[0]

    def search(image: np.ndarray, where: str) -> object:
        raise AssertionError(f"{where} is searched again")

    monkeypatch.setattr("palsynth.face.detect.detect_face", search)
    assert np.array_equal(recipe.source()[0].image, first.image)


def test_an_audit_attacks_a_run_with_its_patients_portraits(
    recipe: ControlNetRecipe, patients: Path, tmp_path: Path
) -> None:
    """Members are the patients that were tuned on, not the rest of the train split."""
    short = replace(recipe, loop=replace(recipe.loop, steps=1, validate_every=0))
    assert train(short, tmp_path / "run")
    others = tmp_path / "others"
    for number in range(2):
        write_png(others / f"{number}.png", read_image(patients / f"{number}-0.png"))
    write_png(others / "wall.png", np.full((64, 64, 3), 99, np.uint8))
    rows = [Row(f"{name}.png", name, split="test") for name in ("0", "1", "wall")]
    write_manifest(others, rows)
    attack = open_run(tmp_path / "run", patients, ("train",), others, None)
    source = recipe.source()
    assert [row.file_name for row in attack.training.rows] == [r.file_name for r in source.rows]
    assert [row.file_name for row in attack.holdout.rows] == ["0.png", "1.png"]
    member, other = attack.training.example(0), attack.holdout.example(0)
    assert np.array_equal(member.image, other.image)
    assert np.array_equal(member.image, read_face(patients / "0-0.png").aligned(PORTRAIT, 32).image)
    assert np.array_equal(member.edges, canny_edges(member.image))
    assert member.number != other.number, "latents are cached by number"
    found = by_loss(attack).found
    assert (found.count, found.value) == (8, 0.5), "each patient's pictures are all alike"


def test_gradient_checkpointing_gives_the_same_gradients(recipe: ControlNetRecipe) -> None:
    gradients = []
    for checkpointing in (False, True):
        objective = build(replace(recipe, gradient_checkpointing=checkpointing))
        source = recipe.source()
        losses = objective(collate([source[0], source[1]]), torch.Generator().manual_seed(3))
        losses.total.backward()
        gradients.append([p.grad for p in objective.controlnet.parameters()])
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(*gradients, strict=True))


def test_contradictory_initialisations_are_refused() -> None:
    for trains in ("inner", "inner-controlnet", "lora"):
        with pytest.raises(InputError, match=f"init_from scratch: {trains} trains parts of a pre"):
            ControlNetRecipe(
                init_from="scratch", model=ControlNetSettings(strategy=Strategy(trains))
            )
    gated = ControlNetSettings(sampling=Sampling(outside="pretrained"))
    with pytest.raises(InputError, match="no pretrained ControlNet can act at other timesteps"):
        ControlNetRecipe(init_from="scratch", model=gated)
    for trains in ("inner", "both"):
        with pytest.raises(InputError, match="outside must be 'tuned'"):
            ControlNetSettings(strategy=Strategy(trains), sampling=Sampling(outside="none"))
    with pytest.raises(InputError, match="patients 0: must be at least 1"):
        PatientsSettings(Path("x"), patients=0)
    for without in ({"patients": 4}, {"subjects": ("a",)}, {"seed": 1}):
        with pytest.raises(InputError, match="patients of no dataset; give its folder as dataset"):
            PatientsSettings(**without)
    with pytest.raises(InputError, match="patients of no dataset; give its folder as dataset"):
        patients_source(PatientsSettings(), 32)


def test_tuned_weights_are_not_zero_shot(recipe: ControlNetRecipe, tmp_path: Path) -> None:
    short = replace(recipe, loop=replace(recipe.loop, steps=1, validate_every=0))
    assert train(short, tmp_path / "run")
    weights, saved = tmp_path / "run" / "weights", tmp_path / "saved"
    tuned = Partial.from_pretrained(weights)
    assert tuned.settings["tuned"]["first"] == 500
    tuned.save_pretrained(saved)
    for folder in (weights, saved):
        with pytest.raises(InputError, match=r"were tuned on patients .*, which is not zero-shot"):
            ZeroShot.from_pretrained(folder)
    for given in (weights, weights / "controlnet"):
        with pytest.raises(InputError, match=r"was tuned on patients .*; give it as --weights"):
            ControlNetPalsyPipeline.untuned(recipe.model, given)


def test_a_missing_weights_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such weights; give --weights"):
        ControlNetPalsyPipeline.from_pretrained(tmp_path / "none")

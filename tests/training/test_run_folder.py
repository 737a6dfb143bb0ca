"""The folder of a run: what it refuses, and what a killed run left in it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from palsynth.encoders.landmarks import LandmarksRecipe
from palsynth.errors import InputError
from palsynth.training import checkpoints
from palsynth.training.log import RunLog
from palsynth.training.recipe import LoopSettings
from palsynth.training.recipe_file import save
from palsynth.training.run_folder import check_folder, prepare_folder

RECIPE = LandmarksRecipe(loop=LoopSettings(max_checkpoints=2))


def checkpoint(run: Path, step: int) -> None:
    tensors = {"model": {"weight": torch.zeros(1)}}
    checkpoints.write(run, step, tensors, {"step": step}, max_checkpoints=9)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "recipe.yaml: is empty; correct the file"),
        (b"kind: landmarks\nloop: {ste", "recipe.yaml:2: not a YAML file"),
        (b"\xff\xfe\x00", "recipe.yaml: not UTF-8 but UTF-16"),
        (b"kind: landmarks\nloop: 5\n", "recipe.yaml: loop: "),
        (None, "recipe.yaml: cannot be read"),
    ],
)
def test_a_run_whose_recipe_is_damaged_is_not_resumed(
    tmp_path: Path, content: bytes | None, text: str
) -> None:
    checkpoint(tmp_path, 1)
    if content is not None:
        (tmp_path / "recipe.yaml").write_bytes(content)
    with pytest.raises(InputError) as error:
        check_folder(RECIPE, tmp_path, resume=True)
    assert text in str(error.value)
    assert "\n" not in str(error.value)


def test_a_run_of_another_recipe_is_named_by_its_first_difference(tmp_path: Path) -> None:
    checkpoint(tmp_path, 1)
    save(LandmarksRecipe(loop=LoopSettings(batch=8, seed=3)), tmp_path / "recipe.yaml")
    with pytest.raises(InputError, match=r"was started with loop\.batch 8, not 32; resume with"):
        check_folder(RECIPE, tmp_path, resume=True)


def test_a_run_that_starts_again_has_only_its_own_logs_and_samples(tmp_path: Path) -> None:
    samples = tmp_path / "samples"
    samples.mkdir(parents=True)
    for path in (samples / "step-5.png", samples / "mine.png", tmp_path / "metrics.jsonl"):
        path.touch()
    checkpoint(tmp_path, 5)
    prepare_folder(RECIPE, tmp_path)
    assert (samples / "step-5.png").exists(), "a run that resumes keeps them"
    assert (tmp_path / "metrics.jsonl").exists()
    (tmp_path / "checkpoints" / "step-5").rename(tmp_path / "checkpoints" / ".step-5.old")
    prepare_folder(RECIPE, tmp_path)
    assert [path.name for path in samples.iterdir()] == ["mine.png"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "checkpoints",
        "recipe.yaml",
        "samples",
    ]
    assert list((tmp_path / "checkpoints").iterdir()) == []


def test_old_checkpoints_go_when_a_run_resumes(tmp_path: Path) -> None:
    for step in (1, 2, 10):
        checkpoint(tmp_path, step)
    prepare_folder(RECIPE, tmp_path)
    assert checkpoints.steps(tmp_path) == [2, 10]


@pytest.mark.parametrize("file", ["model.safetensors", "state.json"])
@pytest.mark.parametrize("kind", ["deleted", "emptied", "truncated"])
def test_an_older_checkpoint_that_is_damaged_is_named(tmp_path: Path, file: str, kind: str) -> None:
    for step in (1, 2, 10):
        checkpoint(tmp_path, step)
    save(RECIPE, tmp_path / "recipe.yaml")
    check_folder(RECIPE, tmp_path, resume=True)
    path = tmp_path / "checkpoints" / "step-2" / file
    data = path.read_bytes()
    path.write_bytes(b"" if kind == "emptied" else data[:-3])
    if kind == "deleted":
        path.unlink()
    with pytest.raises(InputError, match=rf"step-2/{file}: .* damaged: delete .*step-2, and"):
        check_folder(RECIPE, tmp_path, resume=True)


def test_a_log_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    with RunLog(tmp_path, 0, 1) as log:
        (tmp_path / "metrics.jsonl").mkdir()
        with pytest.raises(InputError, match=r"metrics\.jsonl: cannot be written \("):
            log.metrics({"step": 1})


@pytest.mark.parametrize("damage", [b"\x00\x00", b"\xff\n", b"[]\n", b"{}\n", b'{"step": "x"}\n'])
def test_a_log_is_continued_from_its_last_whole_row(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b'{"step": 1}\n' + damage)
    with RunLog(tmp_path, 5, 9):
        assert path.read_text() == '{"step": 1}\n'

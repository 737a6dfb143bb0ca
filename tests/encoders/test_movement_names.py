"""Networks identify movements by the names in their config, whatever this version adds."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from palsynth.clinical import Movement
from palsynth.encoders.judge import JudgeNet
from palsynth.encoders.load import expression_head
from palsynth.encoders.reading import ReadingHead, class_indices
from palsynth.encoders.shipped import load_ours
from palsynth.errors import InputError
from palsynth.training.release import release


def test_a_network_saves_the_names_of_its_movements(tmp_path: Path) -> None:
    names = ("grin", "rest", "whistle")
    judge = JudgeNet((4, 4, 4, 4), (1, 1, 1, 1), 4, 8, 0.0, names).eval()
    judge.save_pretrained(tmp_path)
    loaded = load_ours("judge", tmp_path)
    assert loaded.head.movements == (Movement.GRIN, Movement.REST, Movement.WHISTLE)
    images = torch.rand(2, 3, 112, 112)
    assert loaded(images).movement.shape == (2, 3)
    assert torch.equal(loaded(images).movement, judge(images).movement)
    assert class_indices(loaded.head.movements, [Movement.WHISTLE, Movement.GRIN]) == [2, 0]
    with pytest.raises(InputError, match="does not know the movement 'wink'"):
        class_indices(loaded.head.movements, [Movement.REST, Movement.WINK])
    with pytest.raises(InputError, match="movement 'frown', which this palsynth does not"):
        JudgeNet(movements=("rest", "frown"))


def test_networks_of_the_first_version_know_its_eleven_movements() -> None:
    """Their config lists none."""
    assert load_ours("judge").head.movements == tuple(Movement)[:11]
    assert expression_head().movements == tuple(Movement)[:11]


def test_a_release_preserves_the_names_of_the_head(tmp_path: Path) -> None:
    head = ReadingHead(8, ("rest", "grin"))
    run = tmp_path / "run"
    (run / "weights").mkdir(parents=True)
    path = run / "weights" / "head.safetensors"
    save_file(head.state_dict(), path, metadata={"movements": '["rest", "grin"]'})
    (run / "metrics.jsonl").write_text("{}\n")
    (run / "recipe.yaml").write_text("{}\n")
    release(run, tmp_path / "out")
    assert expression_head(tmp_path / "out").movements == (Movement.REST, Movement.GRIN)

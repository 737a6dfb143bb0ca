from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from palsynth.errors import InputError
from palsynth.training.release import release


def test_weights_are_halved_and_documented(tmp_path: Path) -> None:
    run, out = tmp_path / "run", tmp_path / "out"
    (run / "weights").mkdir(parents=True)
    tensors = {"w": torch.rand(4), "large": torch.tensor([1e6]), "count": torch.tensor(3)}
    save_file(tensors, run / "weights" / "model.safetensors")
    (run / "weights" / "recipe.yaml").write_text("kind: identity\n")
    rows = [{"step": 1, "loss": 3.0}, {"step": 2, "loss": 2.0}, {"step": 2, "top1": 0.9}]
    (run / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (run / "weights" / "config.json").write_text('{"_name_or_path": "/home/me", "dim": 4}')
    out.mkdir()
    (out / "README.md").write_text("card")
    size = release(run, out)
    got = load_file(out / "model.safetensors")
    assert size == (out / "model.safetensors").stat().st_size
    assert got["w"].dtype == torch.float16
    assert torch.allclose(got["w"].float(), tensors["w"], atol=1e-3)
    assert got["large"].item() == 1e6, "half precision cannot represent it"
    assert got["count"].item() == 3
    assert json.loads((out / "metrics.json").read_text()) == {"step": 2, "loss": 2.0, "top1": 0.9}
    assert (out / "README.md").read_text() == "card"
    assert (out / "recipe.yaml").exists()
    assert json.loads((out / "config.json").read_text()) == {"dim": 4}


def test_an_unfinished_run_is_not_released(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no weights; finish its training first"):
        release(tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("file", "content", "fault"),
    [
        ("metrics.jsonl", None, "metrics.jsonl: cannot be read"),
        ("metrics.jsonl", b'{"step": 1}\n{"st', "metrics.jsonl:2: not JSON"),
        ("metrics.jsonl", b"[1]\n", "metrics.jsonl:1: a row must be an object"),
        ("weights/config.json", b"\xff", "config.json:1: not UTF-8"),
        ("weights/config.json", b"[]", "config.json: holds a list, no settings; train again"),
        ("weights/model.safetensors", b"half", "model.safetensors: cannot be read"),
        ("weights/model.safetensors", None, "weights: holds no safetensors file"),
    ],
)
def test_a_damaged_run_is_not_released(
    tmp_path: Path, file: str, content: bytes | None, fault: str
) -> None:
    run, out = tmp_path / "run", tmp_path / "out"
    (run / "weights").mkdir(parents=True)
    save_file({"w": torch.rand(4)}, run / "weights" / "model.safetensors")
    (run / "metrics.jsonl").write_text('{"step": 1}\n')
    (run / "weights" / "config.json").write_text("{}")
    for own in (run, run / "weights", run / "weights" / "half"):
        with pytest.raises(InputError, match="holds the run's own weights; give another --out"):
            release(run, own)
    if content is None:
        (run / file).unlink()
    else:
        (run / file).write_bytes(content)
    with pytest.raises(InputError, match=fault):
        release(run, out)
    assert not out.exists()


def test_weights_that_are_not_finite_are_not_released(tmp_path: Path) -> None:
    (tmp_path / "run" / "weights").mkdir(parents=True)
    save_file({"w": torch.tensor([float("nan")])}, tmp_path / "run/weights/model.safetensors")
    with pytest.raises(InputError, match=r"model.safetensors: tensor w has values that are not"):
        release(tmp_path / "run", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_a_link_leads_to_is_not_released(tmp_path: Path) -> None:
    (tmp_path / "run" / "weights").mkdir(parents=True)
    save_file({"w": torch.ones(1)}, tmp_path / "run/weights/model.safetensors")
    (tmp_path / "run/metrics.jsonl").write_text('{"step": 1}\n')
    (tmp_path / "secret").write_text("of others")
    (tmp_path / "run/weights/notes.txt").symlink_to(tmp_path / "secret")
    with pytest.raises(InputError, match=r"weights: notes.txt leads out of .* copy the file"):
        release(tmp_path / "run", tmp_path / "out")
    assert not (tmp_path / "out").exists()

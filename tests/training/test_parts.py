"""Unit tests of randomness, averages, checkpoints, windows and batches."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from palsynth.data.examples import Example
from palsynth.errors import InputError
from palsynth.training import checkpoints
from palsynth.training.batches import batches
from palsynth.training.ema import Ema
from palsynth.training.log import RunLog, Window, loss_vector
from palsynth.training.objective import Losses
from palsynth.training.randomness import derive_seed, make_generator
from palsynth.training.recipe import LoopSettings

CPU = torch.device("cpu")


def test_neighbouring_steps_and_ranks_have_different_seeds() -> None:
    numbers = {
        derive_seed(s, t, r, m)
        for s in range(3)
        for t in range(9)
        for r in range(3)
        for m in range(3)
    }
    assert len(numbers) == 3 * 9 * 3 * 3
    assert all(0 <= n < 2**63 for n in numbers)
    assert derive_seed(1, 2) == derive_seed(1, 2) != derive_seed(2, 1)


def test_derived_seeds_never_change() -> None:
    """A run that is resumed by a later version continues with the same random numbers."""
    assert derive_seed(0) == 6375474604893067239
    assert derive_seed(7, 3, 1, 2) == 4651114350542137209
    rng = make_generator(7, 3, 1, 2, CPU)
    assert rng.initial_seed() == torch.initial_seed() == 4651114350542137209


def test_generators_are_a_function_of_their_numbers() -> None:
    one = torch.randn(4, generator=make_generator(0, 5, 1, 0, CPU)), torch.rand(4)
    torch.rand(100)
    other = torch.randn(4, generator=make_generator(0, 5, 1, 0, CPU)), torch.rand(4)
    assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_ema_follows_its_formula() -> None:
    weights = {"w": torch.zeros(3), "count": torch.tensor(0)}
    ema = Ema(weights, decay=0.9, power=0.75)
    expected = 0.0
    for step in range(50):
        weights["w"].fill_(step)
        weights["count"].fill_(step)
        ema.update(step)
        decay = min(0.9, 1 - (1 + step) ** -0.75)
        expected = decay * expected + (1 - decay) * step
    assert ema.averaged["w"].tolist() == pytest.approx([expected] * 3, rel=1e-5)
    assert ema.averaged["count"] == 49
    with ema.in_place():
        assert weights["w"][0] == pytest.approx(expected, rel=1e-5)
    assert weights["w"][0] == 49


def test_the_decay_of_averages_rises_to_its_maximum() -> None:
    ema = Ema({}, decay=0.9999, power=0.75)
    assert [ema.decay_at(s) for s in (0, 15, 80)] == pytest.approx([0, 7 / 8, 26 / 27])
    assert ema.decay_at(215_000) < 0.9999 == ema.decay_at(216_000)


def test_ema_restores_the_weights_after_an_error() -> None:
    weights = {"w": torch.ones(1)}
    ema = Ema(weights, 0.5, 1.0)
    weights["w"].fill_(2.0)
    try:
        with ema.in_place():
            assert weights["w"] == 1
            raise RuntimeError
    except RuntimeError:
        assert weights["w"] == 2


def test_a_checkpoint_reads_back(tmp_path: Path) -> None:
    model = torch.nn.Linear(3, 2)
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    state = dict(model.named_parameters())
    saved = checkpoints.optimizer_tensors(optimizer)
    checkpoints.write(
        tmp_path, 4, {"model": state, "optimizer": saved}, {"step": 4}, max_checkpoints=1
    )

    other = torch.nn.Linear(3, 2)
    fresh = torch.optim.AdamW(other.parameters())
    folder = tmp_path / "checkpoints" / "step-4"
    checkpoints.fill(dict(other.named_parameters()), checkpoints.read(folder, "model"), folder)
    checkpoints.fill_optimizer(fresh, checkpoints.read(folder, "optimizer"), folder)
    assert torch.equal(model.weight, other.weight)
    assert checkpoints.read_state(folder) == {"step": 4}
    again = checkpoints.optimizer_tensors(fresh)
    assert saved.keys() == again.keys()
    assert all(torch.equal(saved[name], again[name]) for name in saved)


def test_a_partial_checkpoint_does_not_count(tmp_path: Path) -> None:
    checkpoints.write(tmp_path, 2, {}, {}, max_checkpoints=2)
    (tmp_path / "checkpoints" / ".step-4.partial").mkdir()
    assert checkpoints.steps(tmp_path) == [2]
    checkpoints.write(tmp_path, 4, {}, {}, max_checkpoints=2)
    assert checkpoints.steps(tmp_path) == [2, 4]


def test_damaged_checkpoints_are_named(tmp_path: Path) -> None:
    tensors = {"model": {"w": torch.ones(2)}}
    folder = checkpoints.write(tmp_path, 2, tensors, {}, max_checkpoints=2)
    (folder / "model.safetensors").write_bytes(b"half")
    (folder / "state.json").write_text("{")
    with pytest.raises(InputError, match=r"model.safetensors: cannot be read .*delete .*step-2"):
        checkpoints.read(folder, "model")
    with pytest.raises(InputError, match=r"state.json: cannot be read"):
        checkpoints.read_state(folder)


def test_tensors_that_do_not_fit_are_named() -> None:
    weights, where = {"w": torch.ones(2)}, Path("here")
    with pytest.raises(InputError, match="tensor w is missing"):
        checkpoints.fill(weights, {}, where)
    with pytest.raises(InputError, match="tensor v does not belong"):
        checkpoints.fill(weights, {"w": torch.ones(2), "v": torch.ones(1)}, where)
    with pytest.raises(InputError, match=r"tensor w is \(3,\), this recipe needs \(2,\)"):
        checkpoints.fill(weights, {"w": torch.ones(3)}, where)


def test_a_window_averages_and_bins() -> None:
    timesteps = torch.tensor([0, 99, 100, 999])
    per_image = torch.tensor([1.0, 3.0, 5.0, 7.0])
    losses = Losses(per_image.mean(), {"part": torch.tensor(2.0)}, timesteps, per_image)
    window = Window()
    window.add(loss_vector([losses, losses], ranks=1))
    again = Window(json.loads(json.dumps(window.rows())))
    assert again.mean(["part"]) == window.mean(["part"])
    assert window.mean(["part"]) == {
        "loss": 4.0,
        "part": 2.0,
        "loss/t000-099": 2.0,
        "loss/t100-199": 5.0,
        "loss/t900-999": 7.0,
    }


def test_vectors_are_means_over_micro_steps_and_ranks() -> None:
    def losses(total: float, part: float, timestep: int) -> Losses:
        numbers = torch.tensor(total), {"part": torch.tensor(part)}
        return Losses(*numbers, torch.tensor([timestep]), torch.tensor([total]))

    one = loss_vector([losses(1.0, 10.0, 5), losses(3.0, 30.0, 5)], ranks=2)
    other = loss_vector([losses(5.0, 50.0, 999), losses(7.0, 70.0, 500)], ranks=2)
    window = Window()
    for _ in range(2):
        window.add(one + other)
    assert window.mean(["part"]) == {
        "loss": 4.0,
        "part": 40.0,
        "loss/t000-099": 2.0,
        "loss/t500-599": 7.0,
        "loss/t900-999": 5.0,
    }
    plain = loss_vector([Losses(torch.tensor(4.0), {})], ranks=2)
    assert plain.tolist() == [2.0]


def test_the_log_drops_rows_that_a_resumed_run_repeats(tmp_path: Path) -> None:
    log = tmp_path / "metrics.jsonl"
    log.write_text('{"step": 5}\n{"step": 10}\n{"step": 15}\n{"st')
    with RunLog(tmp_path, 10, 20) as run:
        run.metrics({"step": 15, "loss": float("nan")})
    assert log.read_text() == '{"step": 5}\n{"step": 10}\n{"step": 15, "loss": null}\n'


class Numbers:
    num_subjects = None

    def __getitem__(self, number: int) -> Example:
        return Example(np.zeros((2, 2, 3), np.uint8), number)


def test_batches_start_at_any_step_and_are_split_over_ranks() -> None:
    loop = LoopSettings(steps=4, batch=3, accumulate=2)
    all_batches = [b["subject"].tolist() for b in batches(Numbers(), loop, 0)]
    assert all_batches == [list(range(k * 3, k * 3 + 3)) for k in range(8)]
    assert [b["subject"].tolist() for b in batches(Numbers(), loop, 2)] == all_batches[4:]
    ranks = [[b["subject"].tolist() for b in batches(Numbers(), loop, 0, r, 2)] for r in range(2)]
    seen = sorted(n for rank in ranks for batch in rank for n in batch)
    assert seen == list(range(4 * 3 * 2 * 2))


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"step": 3}, "state.json: is of step 3; the checkpoint is damaged: delete"),
        ({"step": "x"}, "state.json: step: Input should be a valid integer"),
        ({"ranks": 0}, "state.json: ranks: Input should be greater than 0"),
        ({"window": [[1.0], [1.0, 2.0]]}, "state.json: window: its rows differ in length"),
        (
            {"window": [[float("nan")]]},
            r"state.json: cannot be read \(NaN is not a finite number\)",
        ),
        ({"window": None}, "state.json: window: Input should be a valid list"),
    ],
)
def test_a_damaged_state_is_named(tmp_path: Path, change: dict[str, object], fault: str) -> None:
    state = {"step": 2, "ranks": 1, "window": [[1.0]]}
    folder = checkpoints.write(tmp_path, 2, {}, state, max_checkpoints=2)
    assert checkpoints.read_run_state(folder, None).window == [[1.0]]
    with pytest.raises(InputError, match=r"state.json: scaler: holds other values"):
        checkpoints.read_run_state(folder, {"scale"})
    checkpoints.write(tmp_path, 2, {}, {**state, **change}, max_checkpoints=2)
    with pytest.raises(InputError, match=fault):
        checkpoints.read_run_state(folder, None)


def test_a_damaged_optimizer_is_named(tmp_path: Path) -> None:
    model = torch.nn.Linear(3, 2)
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    saved = checkpoints.optimizer_tensors(optimizer)
    file = tmp_path / "checkpoints" / "step-2" / "optimizer.safetensors"
    for wrong in ({"7.step": torch.ones(())}, {"x": torch.ones(())}, {"0.step": torch.ones(5)}):
        with pytest.raises(InputError, match=r"optimizer.safetensors: tensor .* fits no parameter"):
            checkpoints.fill_optimizer(optimizer, {**saved, **wrong}, file)
    del saved["1.exp_avg"]
    with pytest.raises(InputError, match=r"optimizer.safetensors: tensor 1.exp_avg is missing"):
        checkpoints.fill_optimizer(optimizer, saved, file)


def test_what_only_looks_like_a_checkpoint_does_not_count(tmp_path: Path) -> None:
    for name in ("step-²", "step-007", "step--1", "step-x", "step-5"):
        (tmp_path / "checkpoints" / name).mkdir(parents=True)
    (tmp_path / "checkpoints" / "step-9").touch()
    assert checkpoints.steps(tmp_path) == [5]

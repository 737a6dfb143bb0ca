"""Where training starts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from palsynth.encoders.irnet import IRNet
from palsynth.errors import InputError
from palsynth.training.init import InitSettings, check_init, init_network, init_networks, init_path

SIZES = ((4, 4, 4, 4), (1, 1, 1, 1), 4, 8)


def build() -> dict[str, Any]:
    return {"first": IRNet(*SIZES), "second": IRNet(*SIZES)}


@pytest.fixture
def trained() -> dict[str, Any]:
    torch.manual_seed(7)
    return {name: network.requires_grad_(False).eval() for name, network in build().items()}


def equal(a: torch.nn.Module, b: torch.nn.Module) -> bool:
    states = a.state_dict(), b.state_dict()
    return all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_from_scratch_nothing_is_loaded() -> None:
    def load(path: Path | None) -> dict[str, Any]:
        raise AssertionError(path)

    torch.manual_seed(3)
    expected = build()
    torch.manual_seed(3)
    found = init_networks(InitSettings(), build, load)
    assert all(equal(found[name], expected[name]) for name in expected)


@pytest.mark.parametrize("modules", [None, ["first"]])
def test_chosen_modules_are_initialised_and_trainable(
    modules: list[str] | None, trained: dict[str, Any], tmp_path: Path
) -> None:
    asked: list[Path | None] = []

    def load(path: Path | None) -> dict[str, Any]:
        asked.append(path)
        return trained

    for start in (tmp_path, "shipped"):
        found = init_networks(InitSettings(init_from=start), build, load, modules)  # type: ignore[arg-type]
        assert equal(found["first"], trained["first"])
        assert equal(found["second"], trained["second"]) == (modules is None)
        assert all(p.requires_grad for p in found["first"].parameters())
        assert found["first"] is not trained["first"]
    assert asked == [tmp_path, None]


def test_another_architecture_is_refused_in_one_line(tmp_path: Path) -> None:
    start = InitSettings(init_from=tmp_path)
    with pytest.raises(InputError) as error:
        init_network(start, lambda: IRNet(*SIZES), lambda path: IRNet((4, 4, 8, 4), *SIZES[1:]))
    assert str(error.value) == (
        f"{tmp_path}: its IRNet has widths [4, 4, 8, 4], the recipe [4, 4, 4, 4]; "
        "give weights of the same model, or change the recipe"
    )


def test_fields_that_may_differ_are_those_of_the_weights(tmp_path: Path) -> None:
    start = InitSettings(init_from=tmp_path)
    found = init_network(
        start,
        lambda: IRNet(*SIZES, dropout=0.1),
        lambda path: IRNet(*SIZES, dropout=0.3),
        ignore=("dropout",),
    )
    assert found.config["dropout"] == 0.3


def test_a_network_that_the_weights_lack_is_named(trained: dict[str, Any], tmp_path: Path) -> None:
    start, first = InitSettings(init_from=tmp_path), {"first": trained["first"]}
    with pytest.raises(
        InputError, match=r"holds no second; set init_modules to what it holds \(first\)"
    ):
        init_networks(start, build, lambda path: first)
    assert equal(
        init_networks(start, build, lambda path: first, ["first"])["first"], first["first"]
    )


def test_missing_weights_are_named(tmp_path: Path) -> None:
    for start in ("scratch", "shipped", tmp_path):
        check_init(InitSettings(init_from=start))  # type: ignore[arg-type]
    with pytest.raises(InputError, match="nowhere: no such folder to initialise from; train it"):
        check_init(InitSettings(init_from=tmp_path / "nowhere"))
    with pytest.raises(InputError, match="init_from scratch: names no weights; give their folder"):
        init_path("scratch")
    assert init_path("shipped") is None
    assert init_path(tmp_path) == tmp_path


def test_a_fine_tuning_cannot_start_from_scratch() -> None:
    class FineTuning(InitSettings):
        needs_weights = True

    assert FineTuning(init_from="shipped").init_from == "shipped"
    with pytest.raises(InputError, match="a recipe of kind mine starts from trained weights; give"):
        FineTuning(kind="mine")

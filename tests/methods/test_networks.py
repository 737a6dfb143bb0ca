"""What identifies the networks of a method."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from palsynth.methods import get_method
from palsynth.methods.networks import default_device, state_dict_sha256


def network(bias: float = 0.0) -> nn.Module:
    torch.manual_seed(0)
    found = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)).bfloat16()
    with torch.no_grad():
        found[0].bias[0] += bias
    return found


def test_networks_differ_where_one_number_does() -> None:
    assert state_dict_sha256(network()) == state_dict_sha256(network())
    assert state_dict_sha256(network()) != state_dict_sha256(network(1.0))
    assert state_dict_sha256(network(), network(1.0)) != state_dict_sha256(network(1.0), network())
    renamed = nn.ModuleDict({"a": network()[0], "b": network()[1]})
    assert state_dict_sha256(renamed) != state_dict_sha256(network()), "names count too"


def test_a_method_says_what_acts_wherever_its_files_lie(tmp_path: Path) -> None:
    assert get_method("simulator").weights_sha256 is None
    ships = get_method("cfcpalsy")
    assert ships.weights_sha256 is not None
    assert len(ships.weights_sha256) == 64
    ships.save_pretrained(tmp_path)
    assert get_method("cfcpalsy", tmp_path).weights_sha256 == ships.weights_sha256


def test_a_gpu_is_taken_where_there_is_one() -> None:
    assert default_device().type == ("cuda" if torch.cuda.is_available() else "cpu")

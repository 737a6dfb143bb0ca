"""The hash and the device of a method's networks."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from palsynth.methods import get_method
from palsynth.methods.networks import default_device, state_dict_sha256


def network(bias: float = 0.0) -> nn.Module:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)).bfloat16()
    with torch.no_grad():
        network[0].bias[0] += bias
    return network


def test_the_hash_depends_on_every_weight_and_on_the_order() -> None:
    assert state_dict_sha256(network()) == state_dict_sha256(network())
    assert state_dict_sha256(network()) != state_dict_sha256(network(1.0))
    assert state_dict_sha256(network(), network(1.0)) != state_dict_sha256(network(1.0), network())
    renamed = nn.ModuleDict({"a": network()[0], "b": network()[1]})
    assert state_dict_sha256(renamed) != state_dict_sha256(network()), "names count too"


def test_the_hash_is_independent_of_the_location_of_the_weights(tmp_path: Path) -> None:
    assert get_method("simulator").weights_sha256 is None
    shipped = get_method("cfcpalsy")
    assert shipped.weights_sha256 is not None
    assert len(shipped.weights_sha256) == 64
    shipped.save_pretrained(tmp_path)
    assert get_method("cfcpalsy", tmp_path).weights_sha256 == shipped.weights_sha256


def test_a_gpu_is_used_where_there_is_one() -> None:
    assert default_device().type == ("cuda" if torch.cuda.is_available() else "cpu")

"""Weight files that pickle more than weights: none of it is run, and tensors load if they can."""

from __future__ import annotations

import os
import pickle
from argparse import Namespace
from collections import OrderedDict, defaultdict, deque
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from palsynth.encoders.load import identity_encoder, landmark_encoder
from palsynth.encoders.published.files import read_tensors
from palsynth.errors import InputError
from tests.encoders.test_published import random_values


class Trap:
    def __reduce__(self) -> tuple[Any, ...]:
        return (print, ("this must never be run",))


@pytest.mark.parametrize("old", [False, True], ids=["zip", "bare pickle"])
def test_code_in_a_pickle_is_refused(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], old: bool
) -> None:
    path = tmp_path / "trap.ckpt"
    if old:
        path.write_bytes(pickle.dumps({"state_dict": Trap()}, protocol=2))
    else:
        torch.save({"state_dict": Trap()}, path)
    with pytest.raises(InputError, match=r"trap.ckpt: holds code, not only weights; it is not"):
        identity_encoder(path)
    assert "never" not in capfd.readouterr().out


class Blocked:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, (str(self.path),))


class Stateful:
    """Its state would be taken up by code of ours."""

    def __setstate__(self, state: Any) -> None:
        print("this must never be run")

    def __getstate__(self) -> dict[str, Any]:
        return {"trap": Trap()}


def test_callables_beside_the_tensors_are_passed_over(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """As training tools pickle their settings: nothing is imported, called or restored."""
    beside = {
        "trap": Trap(),
        "state": Stateful(),
        "partial": partial(print, "this must never be run", end=""),
        "namespace": Namespace(lr=0.1, path=tmp_path),
        "types": [torch.optim.AdamW, dict, Path],
        "dict": defaultdict(list, a=[1]),
        "method": [].append,
        "array": np.arange(3),
    }
    tensors = OrderedDict(random_values("mobilefacenet"))
    torch.save({"hyper_parameters": beside, "state_dict": tensors}, tmp_path / "last.ckpt")
    found = read_tensors(tmp_path / "last.ckpt")
    assert all(torch.equal(found[name], tensor) for name, tensor in tensors.items())
    assert list(found) == list(tensors)
    assert "never" not in capfd.readouterr().out
    with pytest.raises(pickle.UnpicklingError):  # what was passed over stays unknown to torch
        torch.load(tmp_path / "last.ckpt", weights_only=True)


def test_what_cannot_be_passed_over_is_refused_and_not_run(tmp_path: Path) -> None:
    tensors, made = random_values("mobilefacenet"), tmp_path / "made"
    for beside in (Blocked(made), deque([1])):
        torch.save({"beside": beside, "state_dict": tensors}, tmp_path / "trap.ckpt")
        with pytest.raises(InputError, match=r"trap.ckpt: holds code, not only weights; it is not"):
            landmark_encoder(tmp_path / "trap.ckpt")
    assert not made.exists()


def test_code_in_the_place_of_a_tensor_is_refused(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    tensors = random_values("mobilefacenet") | {"conv1.conv.weight": Trap()}
    torch.save({"state_dict": tensors}, tmp_path / "trap.ckpt")
    with pytest.raises(InputError, match=r"trap.ckpt: holds code, not only weights; it is not"):
        landmark_encoder(tmp_path / "trap.ckpt")
    assert "never" not in capfd.readouterr().out

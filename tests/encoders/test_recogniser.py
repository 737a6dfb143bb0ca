"""Our recogniser without torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from palsynth.encoders.base import as_images
from palsynth.encoders.export import export_onnx
from palsynth.encoders.identity import IRNetSettings
from palsynth.encoders.load import identity_encoder
from palsynth.encoders.recogniser import ONNX, Recogniser
from palsynth.errors import InputError
from palsynth.face.face import Face


def _by_torch(network, face: Face) -> np.ndarray:  # type: ignore[no-untyped-def]
    images = as_images(torch.from_numpy(network.crop(face).image[None]))
    vector = network(images).vector[0].detach().numpy()
    return np.asarray(vector / np.linalg.norm(vector))


def test_the_shipped_onnx_file_matches_the_shipped_weights(face: Face, astronaut: Face) -> None:
    for person in (face, astronaut):
        vector = Recogniser().describe(person)
        assert np.abs(vector - _by_torch(identity_encoder(), person)).max() < 1e-3


def test_a_network_is_written_in_half_precision(tmp_path: Path, face: Face) -> None:
    torch.manual_seed(0)
    network = IRNetSettings(widths=(8, 16, 24, 32), depths=(1, 1, 1, 1), narrow=8).build().eval()
    for parameter in network.parameters():
        parameter.data = parameter.data.half().float()
    path = tmp_path / "run" / ONNX
    export_onnx(network, path)
    assert np.abs(Recogniser(path).describe(face) - _by_torch(network, face)).max() < 1e-4
    size = sum(p.numel() for p in network.parameters())
    assert path.stat().st_size < 2.6 * size
    assert sorted(p.name for p in path.parent.iterdir()) == [ONNX]


def test_a_missing_or_damaged_file_is_an_error_of_one_line(tmp_path: Path, face: Face) -> None:
    with pytest.raises(InputError, match=r"none\.onnx: no such file; release the recogniser's"):
        Recogniser(tmp_path / "none.onnx")
    bad = tmp_path / "bad.onnx"
    bad.write_bytes(b"no network")
    with pytest.raises(InputError, match=r"bad\.onnx: damaged; release the weights again"):
        Recogniser(bad).describe(face)

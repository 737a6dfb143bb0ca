"""A further movement is data only: it can be requested, and existing results do not change."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import palsynth
from palsynth.capture.basis import basis

SCRIPT = """
import sys
import numpy as np
from palsynth.capture.basis import basis
from palsynth.cli import main
from palsynth.clinical import YANAGIHARA, Movement, Palsy, yanagihara_total
from palsynth.encoders.load import expression_head
from palsynth.encoders.shipped import load_ours
from palsynth.errors import InputError
from palsynth.encoders.grader import Grader
from palsynth.scoring.judges import reading_errors
import torch

photo, out, precision = sys.argv[1:]
pout = Movement("pout")
assert len(Movement) == 12 and len(YANAGIHARA) == 10 and pout not in YANAGIHARA
assert yanagihara_total(Palsy.none()) == 40
assert np.array_equal(basis().precision, np.load(precision))
for network in (load_ours("judge"), load_ours("reader")):
    assert len(network.head.movements) == 11 and pout not in network.head.movements
assert len(expression_head().movements) == 11
grader = Grader((4, 4, 4, 4), narrow=4, dim=8, dropout=0.0)
grader.eval()(torch.rand(2, 3, 112, 112), torch.tensor([8, -1]))
for refused in (
    lambda: reading_errors([(pout, Palsy.none())], np.zeros((1, 28), np.float32)),
    lambda: grader(torch.rand(1, 3, 112, 112), torch.tensor([11])),
):
    try:
        refused()
    except InputError as error:
        assert "does not know the movement 'pout'" in str(error)
    else:
        raise AssertionError("not refused")
main(["simulate", photo, "--movement", "pout", "--side", "left", "--out", out])
"""


@pytest.fixture(scope="module")
def package_with_pout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as symbolic links, except the list of movements, which has one more."""
    here = Path(palsynth.__file__).parent
    root = tmp_path_factory.mktemp("pout")
    _link(here, root / "palsynth", exclude="clinical")
    _link(here / "clinical", root / "palsynth" / "clinical", exclude="movements.py")
    text = (here / "clinical" / "movements.py").read_text("utf-8")
    blink = '    BLINK = "blink"\n'
    effort = "_EFFORT: dict[Movement, dict[Muscle, float]] = {\n"
    assert blink in text
    assert effort in text
    text = text.replace(blink, blink + '    POUT = "pout"\n')
    text = text.replace(effort, effort + "    Movement.POUT: {Muscle.MENTALIS: 1.0},\n")
    (root / "palsynth" / "clinical" / "movements.py").write_text(text, "utf-8")
    return root


def _link(source: Path, target: Path, exclude: str) -> None:
    target.mkdir()
    for path in source.iterdir():
        if path.name not in (exclude, "__pycache__"):
            (target / path.name).symlink_to(path)


def test_a_further_movement_can_be_requested_and_changes_no_other_result(
    package_with_pout: Path, photo: Path, tmp_path: Path
) -> None:
    np.save(tmp_path / "precision.npy", basis().precision)
    arguments = [str(photo), str(tmp_path / "pout.png"), str(tmp_path / "precision.npy")]
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments],
        env=os.environ | {"PYTHONPATH": str(package_with_pout), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert result.returncode == 0, result.stderr
    assert "Pout, left weak side" in result.stdout
    assert (tmp_path / "pout.png").exists()

"""Inference is independent of training."""

from __future__ import annotations

import subprocess
import sys

PACKAGE = "palsynth.methods.controlnet"
INFERENCE = ("pipeline", "method")
TRAINING = ("data", "small", "objective", "recipe")
"""Modules of the package that only training needs."""


def test_inference_imports_no_training_module() -> None:
    modules = ", ".join(f"{PACKAGE}.{name}" for name in INFERENCE)
    code = f"import sys, {modules}; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stderr == "", "no library warns of what is not needed"
    loaded = set(run.stdout.split())
    assert {f"{PACKAGE}.{name}" for name in INFERENCE} <= loaded
    assert not {f"{PACKAGE}.{name}" for name in TRAINING} & loaded

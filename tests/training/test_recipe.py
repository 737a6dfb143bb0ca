from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from palsynth.encoders.identity import IdentityRecipe
from palsynth.errors import InputError
from palsynth.training.recipe import LoopSettings, check_resumable


@dataclass(frozen=True)
class _Inner:
    width: int = 1


@dataclass(frozen=True)
class _Outer:
    inner: _Inner = field(default_factory=_Inner)
    loop: Any = field(default_factory=lambda: IdentityRecipe().loop)


def test_what_may_change_on_resume() -> None:
    old = _Outer()
    other = LoopSettings(
        steps=9,
        batch=4,
        accumulate=2,
        learning_rate=1e-3,
        warmup=5,
        schedule="cosine",
        weight_decay=0.1,
        clip=0.5,
        ema=0.9,
        ema_power=0.5,
        precision="bf16",
        seed=3,
        workers=3,
        device="cpu",
        log_every=7,
        checkpoint_every=8,
        max_checkpoints=5,
        validate_every=6,
    )
    refused = {}
    for name in LoopSettings.__dataclass_fields__:
        new = replace(old, loop=replace(old.loop, **{name: getattr(other, name)}))
        try:
            check_resumable(old, new, Path("run"))
        except InputError as error:
            refused[name] = str(error)
    assert refused.keys() == {
        "batch",
        "accumulate",
        "learning_rate",
        "warmup",
        "schedule",
        "weight_decay",
        "clip",
        "ema",
        "ema_power",
        "precision",
        "seed",
    }
    assert refused["batch"].startswith("run: was started with loop.batch 32, not 4; resume with")
    with pytest.raises(InputError, match=r"run: was started with inner.width 1, not 2"):
        check_resumable(old, replace(old, inner=_Inner(2)), Path("run"))

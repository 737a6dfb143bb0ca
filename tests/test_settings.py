"""No number is infinite, NaN or endless: in settings, rows, palsies, coefficients, options."""

from __future__ import annotations

import importlib
import math
import pkgutil
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any, get_args, get_type_hints

import numpy as np
import pytest

import palsynth
from palsynth.capture.coefficients import ExpressionCoefficients, SideCoefficients
from palsynth.cli import main
from palsynth.clinical import Movement, Palsy, Side, SidePalsy
from palsynth.data.manifest import Row
from palsynth.documents.checks import LARGEST
from palsynth.errors import InputError
from palsynth.methods.base import TargetExpression
from palsynth.settings import FiniteNumbers, Settings, check_numbers
from palsynth.subjects.scene import HeadPose

BAD = (math.nan, math.inf, -math.inf, np.float32("nan"))


def subclasses(kind: type) -> Iterator[type]:
    for sub in kind.__subclasses__():
        yield sub
        yield from subclasses(sub)


def fields_of(kind: Any, *types: type) -> list[str]:
    hints = get_type_hints(kind)
    return [f.name for f in fields(kind) if {hints[f.name], *get_args(hints[f.name])} & {*types}]


def test_every_setting_is_finite() -> None:
    for module in pkgutil.walk_packages(palsynth.__path__, "palsynth."):
        if "__main__" not in module.name:
            importlib.import_module(module.name)
    kinds = [k for k in subclasses(Settings) if k.__module__.startswith("palsynth.")]
    assert len(kinds) > 25
    checked = 0
    for kind in kinds:
        try:
            good: Any = kind()
        except (InputError, TypeError):  # a setting has no default
            continue
        for name in fields_of(kind, float):
            for value in BAD:
                with pytest.raises(InputError, match=rf"^{name} \S+: must be a finite number$"):
                    replace(good, **{name: value})
            checked += 1
        for name in fields_of(kind, int):
            with pytest.raises(InputError, match=rf"^{name}: must lie within ±{LARGEST} "):
                replace(good, **{name: 10**40})
    assert checked > 25


@pytest.mark.parametrize("bad", BAD)
def test_what_python_builds_is_finite(bad: float) -> None:
    side = SideCoefficients({"smile": 0.5})
    good = ExpressionCoefficients(
        side, side, {}, 0.0, np.zeros((468, 3), np.float32), {}, False, 0.0, {}
    )
    for build in (
        lambda: SidePalsy(tone=bad),
        lambda: SidePalsy(dict.fromkeys(SidePalsy().function, bad)),
        lambda: Palsy.from_dict({"left": {"function": float(bad)}}),
        lambda: Palsy.weakness(Side.LEFT, bad),
        lambda: SideCoefficients({"smile": bad}),
        lambda: SideCoefficients({}, closure=bad),
        lambda: replace(good, drag=bad),
        lambda: replace(good, residual=np.full((468, 3), bad)),
        lambda: replace(good, errors={("smile", "left"): bad}),
        lambda: Row("a.png", "s", measured={"asymmetry": bad}),
        lambda: Row("a.png", "s", attributes={"points": [[1, bad]]}),
        lambda: TargetExpression(Movement.GRIN, Palsy.none(), bad),
        lambda: HeadPose(yaw=bad),
    ):
        with pytest.raises(ValueError, match="finite"):
            build()


def test_an_endless_number_is_named() -> None:
    with pytest.raises(ValueError, match=r"palsy.left.tone: must lie within ±9223372036854775807"):
        Palsy.from_dict({"left": {"tone": 10**400}})
    with pytest.raises(InputError, match=r"^a.b: must lie"):
        check_numbers({"a": {"b": [1, 2**63]}})
    check_numbers({"a": [LARGEST, -LARGEST, 1.5, None, "nan", np.float32(1), np.int64(3)]})


def test_the_base_is_used_rightly() -> None:
    """A subclass that checks more has checked its numbers too."""
    for kind in subclasses(FiniteNumbers):
        own = kind.__dict__.get("__post_init__")
        if is_dataclass(kind) and own is not None and kind.__module__.startswith("palsynth."):
            assert "super" in own.__code__.co_names, kind


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("subjects sample --out o --age nan", "age nan: must be a finite number"),
        ("subjects export o --healthy nan", "healthy nan: must be a finite number"),
        ("subjects export o --healthy 1e999", "healthy inf: must be a finite number"),
        ("data import aflfp a b --frames 1 inf", "frames inf: must be a finite number"),
        (f"subjects sample --out o --seed {'9' * 40}", "seed: must lie within ±922337203685477"),
        (f"subjects sample --out o --seed {'9' * 5000}", "seed: must lie within ±922337203685477"),
    ],
)  # fmt: skip
def test_options_are_finite(
    words: str,
    text: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(words.split())
    error = capsys.readouterr().err
    assert ended.value.code == 2
    assert error.startswith(f"palsynth: {text}")
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())

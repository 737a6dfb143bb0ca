from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from palsynth.errors import InputError
from palsynth.methods import (
    ExpressionImage,
    Request,
    TargetExpression,
    get_method,
    method_names,
    registry,
)
from palsynth.methods.base import Weightless
from palsynth.methods.registry import METHODS, method_class
from palsynth.simulator.drive import Drive


def test_every_name_has_its_own_class() -> None:
    assert {name: path.rsplit(":")[1] for name, path in METHODS.items()} == {
        "subjects": "SubjectsMethod",
        "simulator": "SimulatorMethod",
        "copy-identity": "CopyIdentity",
        "copy-expression": "CopyExpression",
        "noise": "Noise",
        "captured": "CapturedMethod",
        "draft": "DraftMethod",
        "cfcpalsy": "CFCPalsyMethod",
        "ddpm": "DDPMMethod",
        "ddpm-unconditional": "UnconditionalDDPM",
        "latent-diffusion": "LatentDiffusion",
        "controlnet-zero-shot": "ZeroShot",
        "controlnet-pf": "Partial",
        "controlnet-pf-codc": "PartialInOtherFace",
        "controlnet-pf-eyes-mouth": "PartialEyesAndMouth",
        "controlnet-pf-captured": "PartialCaptured",
        "pix2pix": "Pix2Pix",
        "mc-gan": "MCGAN",
        "mc-gan-normalised": "NormalisedMCGAN",
        "face-swap": "FaceSwapMethod",
        "cyclegan": "CycleGANMethod",
    }
    for name in METHODS:
        cls = method_class(name)
        assert cls.name == name
        copies = ("copy-identity", "copy-expression", "noise")
        assert cls.synthetic == (name not in copies), "a copy must not be labelled synthetic"
        assert (ExpressionImage in cls.takes) == (name not in ("subjects", "simulator"))
    assert method_names() == sorted(METHODS)
    with pytest.raises(InputError, match=r"no method 'magic'; choose one of .*simulator, subjects"):
        get_method("magic")


def test_a_method_of_another_package_that_lacks_a_member_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Old:
        name, takes_pictures, synthetic = "old", True, True

        @classmethod
        def from_pretrained(cls, path: Path | None = None) -> Old:
            return cls()

        def __call__(self, requests: list[Request]) -> list[np.ndarray]:
            return []

    monkeypatch.setattr(registry, "method_class", lambda name: Old)
    with pytest.raises(InputError) as error:
        get_method("old")
    assert str(error.value).startswith(
        "method 'old' of another package has no takes, weights_sha256, settings, save_pretrained; "
        "see palsynth.methods.base.Method"
    )


@pytest.mark.parametrize(
    ("name", "takes", "fault"),
    [
        ("other", frozenset({Drive}), "calls itself 'other'"),
        ("mine", frozenset(), "takes neither ExpressionImage nor Drive; set takes = ALL_FORMS"),
        ("mine", frozenset({TargetExpression}), "takes neither ExpressionImage nor Drive"),
        ("mine", [Drive], "takes neither ExpressionImage nor Drive"),
        ("mine", frozenset({"movement"}), "takes neither ExpressionImage nor Drive"),
    ],
)
def test_a_faulty_method_of_another_package_is_named(
    name: str, takes: object, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    members = {"name": name, "takes": takes, "__call__": lambda self, requests: []}
    kind = type("Mine", (Weightless,), members)
    monkeypatch.setattr(registry, "method_class", lambda name: kind)
    with pytest.raises(InputError, match=f"^method 'mine' of another package {fault}"):
        get_method("mine")


def test_a_package_that_fails_while_it_is_imported_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_method.py").write_text("def (", "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(registry, "method_places", lambda: {"broken": "broken_method:Mine"})
    with pytest.raises(InputError) as error:
        get_method("broken")
    assert str(error.value).startswith(
        "method 'broken' of another package: broken_method:Mine cannot be imported (invalid syntax"
    )

"""``palsynth doctor``."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import platform
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import palsynth


@dataclass(frozen=True)
class Component:
    """One line of the report; ``needed`` says whether the main job fails without it."""

    name: str
    fine: bool
    text: str
    needed: bool = True


_HEADLESS = "--force-reinstall --no-deps opencv-python-headless"


def doctor() -> None:
    """Says what is installed, what is missing and what to do.

    Exit code 1 where the main job would fail.
    """
    found = examine()
    width = max(len(f.name) for f in found)
    for finding in found:
        mark = "ok     " if finding.fine else ("MISSING" if finding.needed else "optional")
        print(f"{mark:<9}{finding.name:<{width}}  {finding.text}")
    if any(not f.fine and f.needed for f in found):
        sys.exit(1)


def examine() -> list[Component]:
    """Looks at everything that the commands need."""
    version = platform.python_version()
    found = [
        Component("palsynth", True, palsynth.__version__),
        Component(
            "python",
            sys.version_info >= (3, 11),
            f"{version} (3.11 or newer is needed)",
        ),
    ]
    for name, module, cure in (
        (
            "opencv",
            "cv2",
            f"pip install {_HEADLESS}",
        ),
        ("numpy", "numpy", "pip install numpy"),
        ("numba", "numba", "pip install numba"),
        ("scipy", "scipy", "pip install scipy"),
        ("pillow", "PIL", "pip install pillow"),
        ("torch", "torch", "pip install torch"),
        ("torchmetrics", "torchmetrics", "pip install torchmetrics"),
        ("diffusers", "diffusers", "pip install diffusers"),
        ("transformers", "transformers", "pip install transformers"),
        ("peft", "peft", "pip install peft"),
        ("accelerate", "accelerate", "pip install accelerate"),
        ("ai-edge-litert", "ai_edge_litert.interpreter", "pip install ai-edge-litert"),
    ):
        found.append(_import(name, module, cure))
    found.append(_asset("face networks", _load_face_networks))
    found.append(_asset("appearance model", _load_appearance))
    found.append(_asset("expression fields", _load_fields))
    found.append(_asset("neutral faces", _load_neutral))
    found.append(_asset("calibration", _load_calibration))
    found.append(_asset("identity judge", _load_dlib))
    for name in ("identity", "expression", "landmarks", "reader", "judge"):
        found.append(_asset(f"{name} encoder", partial(_load_encoder, name)))
    for name in ("cfcpalsy", "controlnet-pf-eyes-mouth"):
        found.append(_asset(name, partial(_load_method, name)))
    for name, module, use, extra in (
        ("openpyxl", "openpyxl", "pat_info.xlsx of MEEI", "fit"),
        ("onnxruntime", "onnxruntime", "recognisers published as ONNX", "onnx"),
        ("tensorboard", "tensorboard", "logs of trainings in TensorBoard", "tensorboard"),
    ):  # fmt: skip
        there = importlib.util.find_spec(module) is not None
        text = _version(module) if there else f"needed for {use}: pip install 'palsynth[{extra}]'"
        found.append(Component(name, there, text, needed=False))
    return found


def _import(name: str, module: str, cure: str) -> Component:
    try:
        importlib.import_module(module)
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        hint = cure
        if "libGL" in reason:
            hint = (
                f"another package brought the OpenCV build that needs libGL; "
                f"run: pip install {_HEADLESS}"
            )
        return Component(name, False, f"{reason}; {hint}")
    return Component(name, True, _version(module))


def _version(module: str) -> str:
    package = module.split(".")[0]
    found = {"dlib": ["dlib-bin"], **importlib.metadata.packages_distributions()}.get(package)
    return importlib.metadata.version(found[0]) if found else "not installed"


def _asset(name: str, load: Callable[[], str]) -> Component:
    try:
        return Component(name, True, load())
    except Exception as error:
        return Component(name, False, f"cannot be loaded ({error}); install palsynth anew")


def _load_face_networks() -> str:
    from palsynth.face.landmarker.network import network

    names = ("face_detection", "face_landmarks", "face_blendshapes")
    for name in names:
        network(name)
    return f"{len(names)} networks"


def _load_appearance() -> str:
    from palsynth.appearance.model import appearance_model

    model = appearance_model()
    return f"{len(model.texture_scale)} components, {len(model.mesh.vertices)} vertices"


def _load_fields() -> str:
    from palsynth.simulator.surface import fields

    return f"{len(fields()) - 1} fields"


def _load_neutral() -> str:
    from palsynth.capture.neutral import neutral_model

    return f"{len(neutral_model().components)} components"


def _load_calibration() -> str:
    from palsynth.face.scoring import calibration

    return f"{len(calibration()['weights'])} movements"


def _load_encoder(name: str) -> str:
    from palsynth.encoders.shipped import load_ours

    return f"{sum(p.numel() for p in load_ours(name).parameters()) / 1e6:.1f} M parameters"


def _load_method(name: str) -> str:
    from palsynth.methods.base import get_method

    sha256 = get_method(name).weights_sha256 or ""
    return f"weights {sha256[:12]}"


def _load_dlib() -> str:
    from palsynth.encoders.published.dlib import DlibRecogniser

    DlibRecogniser()
    return f"dlib {_version('dlib')}"

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
    """One line of the report: a package or a file that ships, and its state.

    ``fine`` means that it works; ``text`` gives its version or size, or the remedy; ``needed`` is
    false for what only optional features use.
    """

    name: str
    fine: bool
    text: str
    needed: bool = True


_HEADLESS = "--force-reinstall --no-deps opencv-python-headless"


def doctor() -> None:
    """Check the installation and print, for what is missing, how to repair it.

    Exit code 1 if a required component is missing.
    """
    components = examine()
    width = max(len(c.name) for c in components)
    for component in components:
        mark = "ok     " if component.fine else ("MISSING" if component.needed else "optional")
        print(f"{mark:<9}{component.name:<{width}}  {component.text}")
    if any(not c.fine and c.needed for c in components):
        sys.exit(1)


def examine() -> list[Component]:
    """Checks every package and every shipped file that the commands need."""
    version = platform.python_version()
    components = [
        Component("palsynth", True, palsynth.__version__),
        Component("python", sys.version_info >= (3, 11), f"{version} (3.11 or newer is needed)"),
    ]
    for name, module, remedy in (
        ("opencv", "cv2", f"pip install {_HEADLESS}"),
        ("numpy", "numpy", "pip install numpy"),
        ("numba", "numba", "pip install numba"),
        ("scipy", "scipy", "pip install scipy"),
        ("pillow", "PIL", "pip install pillow"),
        ("openpyxl", "openpyxl", "pip install openpyxl"),
        ("matplotlib", "matplotlib", "pip install matplotlib"),
        ("jinja2", "jinja2", "pip install jinja2"),
        ("starlette", "starlette", "pip install starlette"),
        ("uvicorn", "uvicorn", "pip install uvicorn"),
        ("torch", "torch", "pip install torch"),
        ("torchmetrics", "torchmetrics", "pip install torchmetrics"),
        ("diffusers", "diffusers", "pip install diffusers"),
        ("transformers", "transformers", "pip install transformers"),
        ("peft", "peft", "pip install peft"),
        ("accelerate", "accelerate", "pip install accelerate"),
        ("ai-edge-litert", "ai_edge_litert.interpreter", "pip install ai-edge-litert"),
    ):
        components.append(_import(name, module, remedy))
    components.append(_asset("face networks", _load_face_networks))
    components.append(_asset("appearance model", _load_appearance))
    components.append(_asset("expression fields", _load_fields))
    components.append(_asset("neutral faces", _load_neutral))
    components.append(_asset("calibration", _load_calibration))
    components.append(_asset("identity judge", _load_dlib))
    for name in ("identity", "expression", "landmarks", "reader", "judge"):
        components.append(_asset(f"{name} encoder", partial(_load_encoder, name)))
    for name in (
        *("cfcpalsy", "controlnet-pf-eyes-mouth"),
        *("ddpm", "ddpm-unconditional", "latent-diffusion"),
        *("pix2pix", "mc-gan", "mc-gan-normalised", "face-swap", "cyclegan"),
    ):
        components.append(_asset(name, partial(_load_method, name)))
    for name, module, use, extra in (
        ("onnxruntime", "onnxruntime", "recognisers published as ONNX", "onnx"),
        ("tensorboard", "tensorboard", "training logs in TensorBoard", "tensorboard"),
        ("av", "av", "clips as WebM and MP4", "video"),
        ("gradio", "gradio", "the page in a browser", "app"),
        ("websockets", "websockets", "the page's tab Live", "app"),
    ):
        installed = importlib.util.find_spec(module) is not None
        hint = f"needed for {use}: pip install 'palsynth[{extra}]'"
        text = _version(module) if installed else hint
        components.append(Component(name, installed, text, needed=False))
    return components


def _import(name: str, module: str, remedy: str) -> Component:
    try:
        importlib.import_module(module)
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        hint = remedy
        if "libGL" in reason:
            hint = (
                f"another package installed the OpenCV build that needs libGL; "
                f"run: pip install {_HEADLESS}"
            )
        return Component(name, False, f"{reason}; {hint}")
    return Component(name, True, _version(module))


def _version(module: str) -> str:
    package = module.split(".")[0]
    names = {"dlib": ["dlib-bin"], **importlib.metadata.packages_distributions()}.get(package)
    return importlib.metadata.version(names[0]) if names else "not installed"


def _asset(name: str, load: Callable[[], str]) -> Component:
    try:
        return Component(name, True, load())
    except Exception as error:
        return Component(name, False, f"cannot be loaded ({error}); reinstall palsynth")


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
    from palsynth.methods.registry import get_method

    sha256 = get_method(name).weights_sha256 or ""
    return f"weights {sha256[:12]}"


def _load_dlib() -> str:
    from palsynth.encoders.published.dlib import DlibRecogniser

    DlibRecogniser()
    return f"dlib {_version('dlib')}"

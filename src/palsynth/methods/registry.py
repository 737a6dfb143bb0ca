"""Methods by name: ours, and those that other installed packages offer."""

from __future__ import annotations

from pathlib import Path

from palsynth import renamed
from palsynth.errors import InputError
from palsynth.face.label import DigitalSource
from palsynth.methods.base import ALL_FORMS, Method, SaysSource, TargetExpression
from palsynth.plugins import load_class, with_others

METHODS = {
    "subjects": "palsynth.methods.subjects:SubjectsMethod",
    "simulator": "palsynth.methods.simulator:SimulatorMethod",
    "copy-identity": "palsynth.methods.copies:CopyIdentity",
    "copy-expression": "palsynth.methods.copies:CopyExpression",
    "noise": "palsynth.methods.copies:Noise",
    "captured": "palsynth.methods.captured:CapturedMethod",
    "draft": "palsynth.methods.cfcpalsy.method:DraftMethod",
    "cfcpalsy": "palsynth.methods.cfcpalsy.method:CFCPalsyMethod",
    "ddpm": "palsynth.methods.diffusion.method:DDPMMethod",
    "ddpm-unconditional": "palsynth.methods.diffusion.method:UnconditionalDDPM",
    "latent-diffusion": "palsynth.methods.diffusion.method:LatentDiffusion",
    "controlnet-zero-shot": "palsynth.methods.controlnet.method:ZeroShot",
    "controlnet-pf": "palsynth.methods.controlnet.method:Partial",
    "controlnet-pf-codc": "palsynth.methods.controlnet.method:PartialInOtherFace",
    "controlnet-pf-eyes-mouth": "palsynth.methods.controlnet.method:PartialEyesAndMouth",
    "controlnet-pf-captured": "palsynth.methods.controlnet.method:PartialCaptured",
    "pix2pix": "palsynth.methods.gans.method.conditional:Pix2Pix",
    "mc-gan": "palsynth.methods.gans.method.conditional:MCGAN",
    "mc-gan-normalised": "palsynth.methods.gans.method.conditional:NormalisedMCGAN",
    "face-swap": "palsynth.methods.gans.method.people:FaceSwapMethod",
    "cyclegan": "palsynth.methods.gans.method.people:CycleGANMethod",
}
"""Name of a method -> where its class is; it is imported on first use. A new method adds a line."""

MEMBERS = ("name", "takes", "synthetic", "weights_sha256", "settings", "save_pretrained")
"""What every method has."""

ENTRY_POINTS = "palsynth.methods"
"""Group of the entry points under which other packages offer methods."""


def method_places() -> dict[str, str]:
    """Name -> ``module:class`` of every method, those of other installed packages too.

    A name of our own cannot be replaced by another package.
    """
    return with_others(METHODS, ENTRY_POINTS)


def method_names() -> list[str]:
    """The names of all known methods, sorted."""
    return sorted(method_places())


def method_class(name: str) -> type[Method]:
    """Finds a method's class without loading any weights.

    Args:
        name: name of the method, see :func:`method_places`; former names are accepted.

    Returns:
        The class.

    Raises:
        InputError: no method has this name, or the package that offers it cannot be imported.
    """
    name, places = renamed.method(name), method_places()
    if name not in places:
        raise InputError(f"no method '{name}'; choose one of {', '.join(method_names())}")
    kind: type[Method] = load_class(name, places[name], METHODS, "method")
    return kind


def get_method(name: str, weights: Path | None = None) -> Method:
    """Loads a method.

    Args:
        name: name of the method, see :func:`method_places`.
        weights: folder of weights; None means the weights that ship with the package.

    Returns:
        The method, ready to be called.

    Raises:
        InputError: no method has this name, the folder holds no weights for it, or a method of
            another package lacks a member of :class:`Method` or has a faulty one.
    """
    kind = method_class(name)
    missing = [member for member in ("from_pretrained", "__call__") if not hasattr(kind, member)]
    if missing:
        raise _faulty(name, f"has no {', '.join(missing)}")
    method = kind.from_pretrained(weights)
    missing = [member for member in MEMBERS if not hasattr(method, member)]
    if missing:
        raise _faulty(name, f"has no {', '.join(missing)}")
    if method.name != renamed.method(name):
        raise _faulty(name, f"calls itself '{method.name}'")
    if isinstance(method, SaysSource) and not isinstance(method.digital_source, DigitalSource):
        raise _faulty(
            name, f"has the digital_source {method.digital_source!r}, not one of DigitalSource"
        )
    taken = method.takes
    if not isinstance(taken, frozenset) or not taken <= ALL_FORMS or taken <= {TargetExpression}:
        raise _faulty(
            name,
            "takes neither ExpressionImage nor Drive; set takes = ALL_FORMS, or a frozenset with "
            "one of the two",
        )
    return method


def _faulty(name: str, fault: str) -> InputError:
    return InputError(
        f"method '{name}' of another package {fault}; see palsynth.methods.base.Method"
    )

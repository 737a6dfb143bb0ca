"""Loads encoders by path: a folder for a trained one, a file for a published one, None for ours."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import torch
from safetensors import safe_open

from palsynth.documents import parse_json
from palsynth.encoders.base import Encoder
from palsynth.encoders.expression import HEAD, ExpressionEncoder
from palsynth.encoders.irnet import IRNet
from palsynth.encoders.judge import JudgeNet
from palsynth.encoders.landmarks import LandmarkNet
from palsynth.encoders.published.files import holds, load_exactly, read_tensors, take
from palsynth.encoders.published.ir import DEPTHS, AdaFaceIR, ArcFaceIR
from palsynth.encoders.published.mobilefacenet import MobileFaceNet
from palsynth.encoders.published.onnx import OnnxRecogniser
from palsynth.encoders.reading import MOVEMENTS_OF_0_1, ReadingHead
from palsynth.encoders.shipped import ASSETS, load_ours
from palsynth.errors import InputError

M = TypeVar("M", bound=torch.nn.Module)

_IDENTITY = ("recognition_model.backbone.", "id_model.backbone.", "model.", "module.")
_EXPRESSION = ("face_model.backbone.", "model.", "module.")
_LANDMARKS = ("landmark_detector.", "module.")


def identity_encoder(path: Path | None = None) -> Encoder:
    """Loads a recogniser: ours, or AdaFace / ArcFace IR-50 or IR-101 from a published file.

    The family and the depth of a published network are inferred from its keys.

    Args:
        path: folder of a trained encoder, or a file (``.ckpt``, ``.pth``, ``.pt``,
            ``.safetensors`` or ``.onnx``), from a CFCPalsy checkpoint its recogniser; default:
            ours.

    Returns:
        The frozen encoder.

    Raises:
        InputError: the weights cannot be loaded.
    """
    if path is None or path.is_dir():
        ours: IRNet = load_ours("identity", path)
        return _frozen(ours)
    if path.suffix == ".onnx":
        return OnnxRecogniser(path)
    return _frozen(_published_ir(path, _IDENTITY))


def expression_encoder(face: Path | None = None, identity: Path | None = None) -> ExpressionEncoder:
    """Loads E_Face - E_ID: ours, or two published IR networks of the same kind.

    Args:
        face: folder or file of E_Face; a CFCPalsy checkpoint holds both networks; default: ours.
        identity: folder or file of E_ID; default: ours, or the one in the file of E_Face.

    Returns:
        The frozen encoder.

    Raises:
        InputError: the weights cannot be loaded, one network is missing, or the two differ in kind.
    """
    if face is None or face.is_dir():
        tuned = load_ours("expression", face)
        return _frozen(ExpressionEncoder(tuned, load_ours("identity", identity)))
    if identity is None and not holds(face, _IDENTITY[0]):
        raise InputError(
            f"{face}: holds one network only; the expression is a difference of two, so give the "
            "recogniser's file too (a CFCPalsy checkpoint holds both)"
        )
    tuned = _published_ir(face, _EXPRESSION)
    identity_net = _published_ir(identity or face, _IDENTITY)
    if type(tuned) is not type(identity_net):
        raise InputError(
            f"{face}: is {type(tuned).__name__}, {identity} is {type(identity_net).__name__}; "
            "the expression is a difference of two networks of one kind"
        )
    return _frozen(ExpressionEncoder(tuned, identity_net))


def expression_head(folder: Path | None = None) -> ReadingHead:
    """Loads the head that predicts movement, side and weakness from our expression feature.

    Args:
        folder: folder of a trained expression encoder; default: ours.

    Returns:
        The frozen head.

    Raises:
        InputError: the weights cannot be loaded.
    """
    path = (folder or ASSETS / "expression") / HEAD
    tensors = {name: tensor.float() for name, tensor in read_tensors(path).items()}
    if "linear.weight" not in tensors:
        raise InputError(f"{path}: key linear.weight of ReadingHead is missing")
    with safe_open(path, "pt") as file:
        names = (file.metadata() or {}).get("movements")
    movements = MOVEMENTS_OF_0_1 if names is None else parse_json(names, path)
    head = ReadingHead(tensors["linear.weight"].shape[1], movements)
    load_exactly(head, tensors, path)
    return _frozen(head)


def landmark_encoder(path: Path | None = None) -> LandmarkNet | MobileFaceNet:
    """Loads a landmark network: ours (478 points) or MobileFaceNet (68 points).

    Args:
        path: folder of a trained network, or the published file of MobileFaceNet; default: ours.

    Returns:
        The frozen network.

    Raises:
        InputError: the weights cannot be loaded.
    """
    if path is None or path.is_dir():
        ours: LandmarkNet = load_ours("landmarks", path)
        return _frozen(ours)
    model = MobileFaceNet()
    load_exactly(model, take(read_tensors(path), _LANDMARKS), path)
    return _frozen(model.eval())


def judge(path: Path | None = None) -> JudgeNet:
    """Loads the judge of expressions.

    Args:
        path: folder of a trained judge; default: ours.

    Returns:
        The frozen judge.

    Raises:
        InputError: the weights cannot be loaded.
    """
    ours: JudgeNet = load_ours("judge", path)
    return _frozen(ours)


def _frozen(model: M) -> M:
    return model.requires_grad_(False).eval()


def _published_ir(path: Path, prefixes: tuple[str, ...]) -> AdaFaceIR | ArcFaceIR:
    tensors = take(read_tensors(path), prefixes)
    tensors = {n: t for n, t in tensors.items() if not n.startswith("head.")}  # of training
    adaface = "input_layer.0.weight" in tensors
    if not adaface and "conv1.weight" not in tensors:
        raise InputError(
            f"{path}: neither AdaFace's nor ArcFace's IR network (no key input_layer.0.weight, "
            f"no key conv1.weight; it begins with {next(iter(tensors), 'no key')})"
        )
    stem = "body.{}.res_layer.1.weight" if adaface else "layer3.{}.conv1.weight"
    is_101 = stem.format(24 if adaface else 14) in tensors
    depths = DEPTHS[101 if is_101 else 50]
    model = AdaFaceIR(depths) if adaface else ArcFaceIR(depths)
    load_exactly(model, tensors, path)
    return model.eval()

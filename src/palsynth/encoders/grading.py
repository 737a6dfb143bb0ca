"""The networks of graders: from an image or its features to item score, grade and weak side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn
from torch.nn import functional

from palsynth.clinical import Movement
from palsynth.data.examples import GRADES, ITEMS, MOVEMENTS, SIDES
from palsynth.documents import read_json
from palsynth.encoders.base import as_images
from palsynth.encoders.grader_features import DIM, encoders_sha256
from palsynth.encoders.irnet import IRNet
from palsynth.encoders.reading import MOVEMENTS_OF_0_1, class_indices, known_movements
from palsynth.encoders.shipped import load_exact
from palsynth.errors import InputError


class GraderPrediction(NamedTuple):
    """Predictions for N images."""

    item: Tensor
    """(N, 3) logits of the item score of the requested movement, in the order of ITEMS."""
    grade: Tensor
    """(N, 6) logits of the House-Brackmann grade, in the order of GRADES."""
    side: Tensor | None
    """(N, 3) logits of the weak side, in the order of SIDES; None of a grader without it."""


def _classes(known: Sequence[Movement], movement: Tensor) -> list[int]:
    """Class numbers in a network of movements (N,); rest where they are unknown."""
    return class_indices(known, [MOVEMENTS[number] for number in movement.clamp(min=0).tolist()])


class Grader(ModelMixin, ConfigMixin):  # type: ignore[misc]
    """A grader that is trained from scratch: images and their movements to a prediction.

    The movement is an input, because a grader knows which one was requested of the patient.

    Args:
        widths: see :class:`IRNet`.
        depths: see :class:`IRNet`.
        narrow: see :class:`IRNet`.
        dim: see :class:`IRNet`.
        dropout: see :class:`IRNet`.
        movements: names of the movements that the network is trained on, in class order.
        predict_side: whether it predicts the weak side; graders of palsynth 0.1 do not.
    """

    @register_to_config
    def __init__(
        self,
        widths: tuple[int, ...] = (16, 32, 64, 128),
        depths: tuple[int, ...] = (1, 1, 1, 1),
        narrow: int = 16,
        dim: int = 128,
        dropout: float = 0.2,
        movements: tuple[str, ...] = MOVEMENTS_OF_0_1,
        predict_side: bool = False,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.trunk = IRNet(widths, depths, narrow, dim, dropout)
        self.movements = known_movements(movements)
        self.item = nn.Linear(dim, len(movements) * len(ITEMS))
        self.grade = nn.Linear(dim, len(GRADES))
        self.side = nn.Linear(dim, len(SIDES)) if predict_side else None

    def forward(self, images: Tensor, movement: Tensor) -> GraderPrediction:
        """Images (N, 3, H, W), RGB in 0 … 1, and class numbers of their movements (N,)."""
        feature = self.trunk(images).vector
        items = self.item(feature).view(-1, len(self.movements), len(ITEMS))
        scores = items[torch.arange(len(items)), _classes(self.movements, movement)]
        side = None if self.side is None else self.side(feature)
        return GraderPrediction(scores, self.grade(feature), side)


class FeatureGrader(ModelMixin, ConfigMixin):  # type: ignore[misc]
    """A small head on features of an image and of its mirror image, from encoders that ship.

    The layers see the pair in either order and share their weights. So the mirror image of a face
    gets the same item score and grade, and the other side.

    Args:
        hidden: units of the hidden layer.
        dropout: before the outputs; half of it at the input.
        movements: names of the movements that the network is trained on, in class order.
        encoders: SHA-256 of the encoders whose features it is trained on; empty: of any.
    """

    @register_to_config
    def __init__(
        self,
        hidden: int = 256,
        dropout: float = 0.5,
        movements: tuple[str, ...] = MOVEMENTS_OF_0_1,
        encoders: str = "",
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.movements = known_movements(movements)
        self.body = nn.Sequential(
            nn.Dropout(dropout / 2),
            nn.Linear(2 * DIM + len(movements), hidden),
            nn.GELU(),
            nn.Dropout(dropout),
        )
        self.item = nn.Linear(hidden, len(ITEMS))
        self.grade = nn.Linear(hidden, len(GRADES))
        self.equal = nn.Linear(hidden, 1)
        self.left = nn.Linear(hidden, 1)

    def forward(self, features: Tensor, movement: Tensor) -> GraderPrediction:
        """Features (N, 2, DIM) of images and mirror images, class numbers of movements (N,)."""
        classes = torch.tensor(_classes(self.movements, movement), device=features.device)
        shown = functional.one_hot(classes, len(self.movements)).to(features.dtype)
        image, mirror = features.unbind(1)
        seen = self.body(torch.cat([image, mirror, shown], 1))
        mirrored = self.body(torch.cat([mirror, image, shown], 1))
        both = (seen + mirrored) / 2
        side = torch.cat([self.equal(both), self.left(seen), self.left(mirrored)], 1)
        return GraderPrediction(self.item(both), self.grade(both), side)


def predict(grader: Grader | FeatureGrader, batch: dict[str, Tensor]) -> GraderPrediction:
    """Runs a grader on a batch of the examples that it takes.

    Args:
        grader: the network.
        batch: ``movement`` (N,), and ``features`` (N, 2, DIM) or, of a grader from scratch,
            ``image`` (N, H, W, 3) uint8 RGB.

    Returns:
        Its prediction.
    """
    seen = as_images(batch["image"]) if isinstance(grader, Grader) else batch["features"]
    return grader(seen, batch["movement"])


def read_grader(folder: Path | None) -> Grader | FeatureGrader:
    """Loads a trained grader.

    Args:
        folder: its weights; None is refused, since no grader ships.

    Returns:
        The grader, in evaluation mode.

    Raises:
        InputError: the folder does not hold exactly the weights of a grader, or those of one that
            is trained on features of other encoders than those that ship.
    """
    if folder is None:
        raise InputError("init_from shipped: no grader ships; give the folder of a trained one")
    if not _has_features(folder):
        return load_exact(Grader, folder)
    grader = load_exact(FeatureGrader, folder)
    if grader.config["encoders"] not in ("", encoders_sha256()):
        raise InputError(
            f"{folder}: was trained on features of other encoders than this palsynth has; train it "
            "again, or use the version that trained it"
        )
    return grader


def _has_features(folder: Path) -> bool:
    """Whether a folder holds a grader on features; any fault of it is left to load_exact."""
    try:
        return read_json(folder / "config.json")["_class_name"] == FeatureGrader.__name__
    except (InputError, TypeError, KeyError):
        return False

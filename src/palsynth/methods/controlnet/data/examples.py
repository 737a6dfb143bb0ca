"""One training example of a ControlNet: an image with its edges and its caption."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from palsynth.data.examples import stack
from palsynth.methods.controlnet.prompts import DESCRIPTIONS, shorter

NUMBERS = {description: number for number, description in enumerate(DESCRIPTIONS)}
"""Description -> its index, which is that of its prompt too."""


@dataclass(frozen=True)
class ControlNetExample:
    """``image`` (S, S, 3) uint8 RGB, its Canny ``edges`` (S, S) uint8, ``sentence`` the index of
    its caption, and ``number`` its own index among the images of the source, under which its
    latents are cached."""

    image: np.ndarray
    edges: np.ndarray
    sentence: int
    number: int

    def arrays(self) -> dict[str, np.ndarray]:
        """The fields by name, for a batch."""
        return {name: np.asarray(getattr(self, name)) for name in self.__dataclass_fields__}


def shorten_captions(sentences: Tensor, rng: torch.Generator) -> list[int]:
    """Shortens captions at random (:func:`.prompts.shorter`), so that less detailed prompts work
    too.

    Args:
        sentences: (N,) integers, indices of captions.
        rng: random numbers, one per caption.

    Returns:
        N indices of the shortened captions.
    """
    chances = torch.rand(len(sentences), generator=rng, device=rng.device).tolist()
    return [
        NUMBERS[shorter(DESCRIPTIONS[n], chance)]
        for n, chance in zip(sentences.tolist(), chances, strict=True)
    ]


def collate(examples: list[ControlNetExample]) -> dict[str, Tensor]:
    """Stacks examples as the training loop does.

    Args:
        examples: B examples of one size.

    Returns:
        ``image`` (B, S, S, 3) and ``edges`` (B, S, S) uint8, ``sentence`` and ``number`` (B,)
        int64.
    """
    return {name: torch.from_numpy(array) for name, array in stack(examples).items()}

"""One example of a ControlNet's training: a picture with its edges and its sentence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from palsynth.data.examples import stack
from palsynth.methods.controlnet.prompts import DESCRIPTIONS, shorter

NUMBERS = {who: number for number, who in enumerate(DESCRIPTIONS)}
"""Description -> the number of its sentence."""


@dataclass(frozen=True)
class ControlNetExample:
    """``image`` (S, S, 3) uint8 RGB, its Canny ``edges`` (S, S) uint8, the number of its
    ``sentence``, and its own ``number`` among the pictures there are, from which it is known
    again."""

    image: np.ndarray
    edges: np.ndarray
    sentence: int
    number: int

    def arrays(self) -> dict[str, np.ndarray]:
        """The fields by name, for a batch."""
        return {name: np.asarray(getattr(self, name)) for name in self.__dataclass_fields__}


def shorten_captions(sentences: Tensor, rng: torch.Generator) -> list[int]:
    """Numbers (N,) of sentences, some of them cut short: whoever draws later may say less, too."""
    draws = torch.rand(len(sentences), generator=rng, device=rng.device).tolist()
    return [
        NUMBERS[shorter(DESCRIPTIONS[n], chance)]
        for n, chance in zip(sentences.tolist(), draws, strict=True)
    ]


def in_batch(examples: list[ControlNetExample]) -> dict[str, Tensor]:
    """Pictures as a batch of the loop holds them."""
    return {name: torch.from_numpy(array) for name, array in stack(examples).items()}

"""What a conditional GAN is given of the expression: the image itself, or its landmarks drawn."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from palsynth.encoders.load import landmark_encoder
from palsynth.methods.gans.config.conditional import Condition
from palsynth.methods.gans.landmark_image import PARTS, draw, normalise_shape


def channels_of(condition: Condition) -> int:
    """Channels of a condition.

    Args:
        condition: its kind.

    Returns:
        The channels of an image, or one for each part of the face that is drawn.
    """
    return 3 if condition == "image" else len(PARTS)


class Conditioner(nn.Module):
    """Makes the condition from the expression image, in training and at inference alike.

    Landmarks come from our landmark encoder, of crops of the size that the model has, in single
    precision: elsewhere half of it would move a point by a quarter of a pixel.

    Args:
        condition: what the generator is given.
    """

    def __init__(self, condition: Condition) -> None:
        super().__init__()
        self.condition = condition
        self.landmarks = None if condition == "image" else landmark_encoder()

    @torch.no_grad()
    def forward(self, identity: Tensor, expression: Tensor) -> Tensor:
        """Makes the conditions of a batch.

        Args:
            identity: (N, 3, S, S) identity images, -1 … 1.
            expression: (N, 3, S, S) expression images, -1 … 1.

        Returns:
            (N, C, S, S), -1 … 1, where C is :func:`channels_of` the condition.
        """
        if self.landmarks is None:
            return expression
        with torch.autocast(expression.device.type, enabled=False):
            points = self.landmarks((expression + 1) / 2).points
            if self.condition == "normalised-landmarks":
                points = normalise_shape(points, self.landmarks((identity + 1) / 2).points)
        return 2 * draw(points, expression.shape[-1]) - 1

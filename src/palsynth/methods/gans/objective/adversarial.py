"""Adversarial losses, and the pool of generated images that a discriminator looks back at."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss, softplus

from palsynth.methods.gans.config.adversarial import AdversarialLoss


def discriminator_loss(real: Tensor, fake: Tensor, loss: AdversarialLoss) -> Tensor:
    """What a discriminator minimises, halved to slow it down (Isola et al. 2017, section 3.3).

    Args:
        real: judgements of real images, of any shape.
        fake: judgements of generated images.
        loss: the loss.

    Returns:
        (), not negative.

    Example:
        >>> one = torch.ones(2)
        >>> float(discriminator_loss(real=one, fake=0 * one, loss="least-squares"))
        0.0
    """
    if loss == "logistic":
        return (softplus(-real).mean() + softplus(fake).mean()) / 2
    return (mse_loss(real, torch.ones_like(real)) + mse_loss(fake, torch.zeros_like(fake))) / 2


def generator_loss(fake: Tensor, loss: AdversarialLoss) -> Tensor:
    """What a generator minimises: how far its images are from being judged real.

    Args:
        fake: judgements of generated images, of any shape.
        loss: the loss.

    Returns:
        (), not negative.
    """
    if loss == "logistic":
        return softplus(-fake).mean()
    return mse_loss(fake, torch.ones_like(fake))


class ImagePool(nn.Module):
    """Generated images of earlier steps, half of which replace new ones before a discriminator
    (Shrivastava et al. 2017; CycleGAN, section 4). It keeps a discriminator from forgetting.

    The images are buffers, so that checkpoints hold them and a resumed training continues with the
    same ones.

    Args:
        size: number of images; 0 passes new images on.
        shape: (C, S, S) of an image.
    """

    images: Tensor
    filled: Tensor

    def __init__(self, size: int, shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.register_buffer("images", torch.zeros(size, *shape))
        self.register_buffer("filled", torch.zeros((), dtype=torch.long))

    @torch.no_grad()
    def query(self, images: Tensor, rng: torch.Generator) -> Tensor:
        """Exchanges images with the pool.

        Args:
            images: (N, C, S, S) new images.
            rng: decides which of them are exchanged, each with probability one half.

        Returns:
            (N, C, S, S): new images, and older ones in place of those that are now in the pool.
        """
        size = len(self.images)
        if size == 0:
            return images
        exchanged = torch.rand(len(images), generator=rng, device=images.device) < 0.5
        places = torch.randint(size, (len(images),), generator=rng, device=images.device)
        out = images.detach().clone()
        for k, image in enumerate(images.detach()):
            if self.filled < size:
                self.images[int(self.filled)] = image
                self.filled += 1
            elif exchanged[k]:
                place = int(places[k])
                out[k] = self.images[place]
                self.images[place] = image
        return out

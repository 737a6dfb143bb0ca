"""LPIPS (Zhang et al. 2018): distances of AlexNet's features, weighted by human judgements.

The trunk is torchvision's AlexNet file (``alexnet-owt-7be5be79.pth``), given by path. The heads,
about a thousand numbers, come with torchmetrics or from a file of the authors.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import torch
from torch import Tensor, nn

from palsynth.encoders.published.files import load_exactly, read_tensors

CHANNELS = (64, 192, 384, 256, 256)
_CONVOLUTIONS = {0: (11, 4, 2), 3: (5, 1, 2), 6: (3, 1, 1), 8: (3, 1, 1), 10: (3, 1, 1)}
"""Layer number in the file -> size, stride, padding."""


class AlexNetTrunk(nn.Module):
    """AlexNet's convolutions, with the output of each after its ReLU."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Identity() for _ in range(13)]
        previous = 3
        for (number, shape), channels in zip(_CONVOLUTIONS.items(), CHANNELS, strict=True):
            layers[number] = nn.Conv2d(previous, channels, *shape)
            layers[number + 1] = nn.ReLU()
            previous = channels
        for number in (2, 5):
            layers[number] = nn.MaxPool2d(3, 2)
        self.features = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Normalised images (N, 3, H, W) to five feature maps."""
        out = []
        for layer in self.features:
            x = layer(x)
            if isinstance(layer, nn.ReLU):
                out.append(x)
        return out


class Lpips(nn.Module):
    """Perceptual distance of two batches of images, 0 for identical images.

    Args:
        trunk: torchvision's weight file of AlexNet.
        heads: the authors' weight file of the heads; default: the one in torchmetrics.

    Raises:
        InputError: a file cannot be read or holds another network.
    """

    def __init__(self, trunk: Path, heads: Path | None = None) -> None:
        super().__init__()
        self.trunk = AlexNetTrunk()
        tensors = read_tensors(trunk)
        convolutions = {n: t for n, t in tensors.items() if not n.startswith("classifier.")}
        load_exactly(self.trunk, convolutions, trunk)
        where = heads or Path(
            str(files("torchmetrics") / "functional" / "image" / "lpips_models" / "alex.pth")
        )
        self.heads = nn.ModuleDict(
            {
                f"lin{k}": nn.Conv2d(channels, 1, 1, bias=False)
                for k, channels in enumerate(CHANNELS)
            }
        )
        named = {n.replace(".model.1.", "."): t for n, t in read_tensors(where).items()}
        load_exactly(self.heads, named, where)
        self.shift: Tensor
        self.scale: Tensor
        self.register_buffer("shift", torch.tensor([-0.030, -0.088, -0.188]).view(1, 3, 1, 1))
        self.register_buffer("scale", torch.tensor([0.458, 0.448, 0.450]).view(1, 3, 1, 1))
        self.requires_grad_(False).eval()

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """Distances (N,) of images (N, 3, H, W), RGB in 0 … 1, at least 63 px a side."""
        x, y = ((2 * images - 1 - self.shift) / self.scale for images in (a, b))
        total = torch.zeros(len(a), device=a.device)
        for head, a_map, b_map in zip(
            self.heads.values(), self.trunk(x), self.trunk(y), strict=True
        ):
            total = total + head((_unit(a_map) - _unit(b_map)).square()).mean((1, 2, 3))
        return total


def _unit(features: Tensor) -> Tensor:
    """Features (N, C, H, W) normalised to unit length over the channels at every position."""
    return features / (features.square().sum(1, keepdim=True).sqrt() + 1e-10)

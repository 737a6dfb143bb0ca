"""How far a CFCPalsy model without a draft depends on the expression image.

    python benchmarks/cfcpalsy_expression.py NAME=WEIGHTS [NAME=WEIGHTS ...]

Given noise alone (the last timestep), the model predicts how the picture changes. Printed is the
mean cosine of that with the true change of the identity image, over the validation pairs: with the
expression image, and with that of another pair. Equal cosines mean that it is ignored.
"""

from __future__ import annotations

import argparse

import torch
from torch.nn.functional import cosine_similarity

from palsynth.commands.options import named_folders
from palsynth.data.pair_settings import validation_pairs
from palsynth.encoders.base import as_images
from palsynth.methods.cfcpalsy.io.files import load_model
from palsynth.methods.cfcpalsy.networks.model import CFCPalsyModel, ImageBatch
from palsynth.methods.diffusion_process import STEPS, predict_x0

OTHER = 7
"""How many pairs on the other expression image is."""


@torch.no_grad()
def cosines(model: CFCPalsyModel) -> tuple[float, float]:
    """Compares the predicted with the true change.

    Args:
        model: the model.

    Returns:
        The mean cosine with the expression image, and with another one.
    """
    batch = validation_pairs(model.settings.unet.size)
    images = {name: as_images(batch[name]) for name in ("identity", "expression", "target")}
    target, identity = images.pop("target"), images["identity"]
    noise = torch.randn(target.shape, generator=torch.Generator().manual_seed(1))
    t = torch.full((len(target),), STEPS - 1)
    found = []
    for shift in (0, OTHER):
        given = ImageBatch({**images, "expression": images["expression"].roll(shift, 0)})
        predicted = model.predict(noise, t, model.encode_conditions(given), given).float()
        made = model.from_diffused(predict_x0(model.noise, noise, predicted, t), given)
        change = (made - identity).flatten(1), (target - identity).flatten(1)
        found.append(float(cosine_similarity(*change).mean()))
    return found[0], found[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="+", help="NAME=WEIGHTS")
    print("| model | with the expression image | with another one |\n|---|---|---|")
    for name, folder in named_folders(parser.parse_args().models).items():
        right, other = cosines(load_model(folder).eval())
        print(f"| {name} | {right:.2f} | {other:.2f} |")


if __name__ == "__main__":
    main()

"""On which conditions CFCPalsy's ablations depend, measured by the loss, without sampling.

    python benchmarks/cfcpalsy_ablation.py full=FULL-0,FULL-1 no-cycle=NO-CYCLE-0,NO-CYCLE-1

A design is given by the weights of its trainings, one each seed. The first design is the reference
of the others, training by training. All predict from the same noisy pictures of subjects on whom
nothing was trained: the same pairs (one subject at rest and moved, as in the paper; with
``--crossed``, with the expression images of another subject, as at synthesis), the same noise and
the same ten timesteps, so that models can be compared whose samples look alike. A model that
depends on a condition has a larger error with another identity image or another expression image:
the last two columns. Errors are mean squared errors of the prediction, times 1000; brackets are
95 % intervals over subjects and trainings.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from palsynth.commands.options import named_folders
from palsynth.data.examples import stack
from palsynth.data.groups import MEMBERS, SCRIPTS, GroupsSource
from palsynth.data.training_pairs import make_pair
from palsynth.encoders.base import as_images
from palsynth.evaluation.intervals import over_trainings
from palsynth.methods.cfcpalsy.io.files import load_model
from palsynth.methods.cfcpalsy.networks.model import CFCPalsyModel, ImageBatch
from palsynth.methods.diffusion_process import per_image, q_sample, target
from palsynth.subjects import VALIDATION_SEEDS

TIMESTEPS = range(50, 1000, 100)
BATCH = 24


def pairs(groups: int, size: int, crossed: bool) -> tuple[dict[str, Tensor], np.ndarray]:
    """Pairs of every member and script of some groups, and the number of each pair's subject."""
    source = GroupsSource(VALIDATION_SEEDS + 2000, 500, seed=98, healthy=0.1)
    samples, subjects = [], []
    for number in range(groups):
        group = source[number]
        for script in range(SCRIPTS):  # adjacent pairs: other subjects, same expressions
            for member in range(MEMBERS):
                shown = (member + 2) % MEMBERS if crossed else member
                samples.append(make_pair(group, member, script, shown, size))
                subjects.append(MEMBERS * number + member)
    return {n: torch.from_numpy(a) for n, a in stack(samples).items()}, np.array(subjects)


@torch.no_grad()
def errors(model: CFCPalsyModel, batch: dict[str, Tensor], shift: dict[str, int]) -> np.ndarray:
    """Errors (N,) over all timesteps; ``shift`` says by how many pairs a condition is shifted."""
    count, out = len(batch["target"]), []
    for start in range(0, count, BATCH):
        rows = torch.arange(start, min(start + BATCH, count))
        images = {
            name: as_images(batch[name][(rows + shift.get(name, 0)) % count])
            for name in ("identity", "expression", "draft")
        }
        true, conditions = as_images(batch["target"][rows]), ImageBatch(images)
        conditioning = model.encode_conditions(conditions)
        hidden = model.to_diffused(true, conditions)
        rng, squares = torch.Generator().manual_seed(start), []
        for step in TIMESTEPS:
            t = torch.full((len(rows),), step)
            noise = torch.randn(hidden.shape, generator=rng)
            predicted = model.predict(
                q_sample(model.noise, hidden, noise, t), t, conditioning, conditions
            )
            squares.append(per_image((predicted - target(model.noise, hidden, noise, t)).square()))
        out.append(torch.stack(squares).mean(0))
    return torch.cat(out).double().numpy()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("designs", nargs="+", help="NAME=FOLDER,… of trained weights, a seed each")
    parser.add_argument("--groups", type=int, default=10)
    parser.add_argument("--crossed", action="store_true", help="expressions of other subjects")
    options = parser.parse_args()
    torch.manual_seed(0)
    first: np.ndarray | None = None
    batch: dict[str, Tensor] = {}
    for name, folders in named_folders(options.designs).items():
        models = [load_model(Path(folder)) for folder in str(folders).split(",")]
        if first is None:
            size = models[0].settings.unet.size
            batch, subjects = pairs(options.groups, size, options.crossed)
            print(f"{len(subjects)} pairs of {len(set(subjects))} subjects, ", end="")
            print(f"{len(TIMESTEPS)} timesteps, {len(models)} trainings\n")
            print(
                "| model | error | difference to the first | of each training | another identity "
                "image | another expression image |\n|---|---|---|---|---|---|"
            )
        own = np.stack([errors(model, batch, {}) for model in models])
        first = own if first is None else first
        # The next member is another subject. The next script is another expression; after the last
        # script of a group it is the next group's, which also shows another subject.
        shifts = ({"identity": 1}, {"expression": MEMBERS})
        identity, expression = (
            np.stack([errors(model, batch, shift) for model in models]) - own for shift in shifts
        )
        cells = [
            over_trainings(1000 * values, subjects).text(2)
            for values in (own, own - first, identity, expression)
        ]
        each = ", ".join(f"{1000 * change:+.2f}" for change in (own - first).mean(1))
        print(f"| {name} | {' | '.join([*cells[:2], each, *cells[2:]])} |", flush=True)


if __name__ == "__main__":
    main()

"""What CFCPalsy's ablations hear, before any picture is drawn.

    python benchmarks/cfcpalsy_ablation.py full=runs/full/weights no-cross=runs/no-cross/weights

The first model is what the others are held against. Each predicts the same noisy pictures of
people whom nothing trained on: the same pairs (one person at rest and moved, as the paper pairs),
the same noise, the same ten timesteps, so models differ in figures where their pictures look alike.
A model that listens errs more when told of another person, or of another expression: the last two
columns. Errors are mean squares of what is predicted, times 1000; brackets 95 % intervals over
people, not over trainings: one seed of a design says little about the design.
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
from palsynth.data.training_pairs import pair_of
from palsynth.encoders.base import as_images
from palsynth.encoders.validation import FIRST
from palsynth.evaluation.intervals import bootstrap
from palsynth.methods.cfcpalsy.diffusion import per_image, q_sample, target
from palsynth.methods.cfcpalsy.files import load_model
from palsynth.methods.cfcpalsy.model import CFCPalsyModel, ImageBatch

TIMESTEPS = range(50, 1000, 100)
BATCH = 24


def pairs(groups: int, size: int) -> tuple[dict[str, Tensor], np.ndarray]:
    """Pairs of every member and script of some groups, and the number of each one's person."""
    source = GroupsSource(FIRST + 2000, 500, seed=98, healthy=0.1)
    found, people = [], []
    for number in range(groups):
        group = source[number]
        for script in range(SCRIPTS):  # neighbours are other people, who do the same
            for who in range(MEMBERS):
                found.append(pair_of(group, who, script, who, size))
                people.append(MEMBERS * number + who)
    return {n: torch.from_numpy(a) for n, a in stack(found).items()}, np.array(people)


@torch.no_grad()
def errors(model: CFCPalsyModel, batch: dict[str, Tensor], shift: dict[str, int]) -> np.ndarray:
    """(N,) errors over all timesteps, with some condition images ``shift`` pairs off."""
    count, out = len(batch["target"]), []
    for init_from in range(0, count, BATCH):
        rows = torch.arange(init_from, min(init_from + BATCH, count))
        images = {
            name: as_images(batch[name][(rows + shift.get(name, 0)) % count])
            for name in ("identity", "expression", "draft")
        }
        true, shown = as_images(batch["target"][rows]), ImageBatch(images)
        conditioning, hidden = model.encode_conditions(shown), model.hidden(true, shown)
        rng, each = torch.Generator().manual_seed(init_from), []
        for step in TIMESTEPS:
            t = torch.full((len(rows),), step)
            noise = torch.randn(hidden.shape, generator=rng)
            predicted = model.predict(
                q_sample(model.noise, hidden, noise, t), t, conditioning, shown
            )
            each.append(per_image((predicted - target(model.noise, hidden, noise, t)).square()))
        out.append(torch.stack(each).mean(0))
    return torch.cat(out).double().numpy()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="+", help="NAME=FOLDER of trained weights")
    parser.add_argument("--groups", type=int, default=10)
    options = parser.parse_args()
    torch.manual_seed(0)
    first: np.ndarray | None = None
    batch: dict[str, Tensor] = {}
    for name, folder in named_folders(options.models).items():
        model = load_model(Path(folder))
        if first is None:
            batch, people = pairs(options.groups, model.settings.unet.size)
            print(f"{len(people)} pairs of {len(set(people))} people, {len(TIMESTEPS)} timesteps\n")
            print("| model | error | more than the first | told of another person | "
                  "told of another expression |\n|---|---|---|---|---|")  # fmt: skip
        right = errors(model, batch, {})
        first = right if first is None else first
        # the next member is another person; a script on is another expression, after a group's last
        # script that of the next group, which shows another person too
        subject = errors(model, batch, {"identity": 1}) - right
        expression = errors(model, batch, {"expression": MEMBERS}) - right
        cells = [
            bootstrap(1000 * values, groups=people).text(2)
            for values in (right, right - first, subject, expression)
        ]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()

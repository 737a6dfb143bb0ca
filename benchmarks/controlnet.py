"""Stable Diffusion 1.5 and its ControlNet at full size, with random weights, on this CPU.

    python benchmarks/controlnet.py [--folder DIR] [--size 512]

They are saved in the published layout and loaded again; one step of partial fine-tuning (batch 1,
gradient checkpointing) and one sampling step follow. Prints seconds and the peak memory of the
process so far. Needs about 8 GB of disk in DIR (default: a temporary folder) and 20 GB of memory.
Speed and memory do not depend on the weights.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch

from palsynth.methods.controlnet.config import ControlNetSettings, InferenceSettings, Sampling
from palsynth.methods.controlnet.data.examples import ControlNetExample, collate
from palsynth.methods.controlnet.io.layout import save_base
from palsynth.methods.controlnet.io.loading import read_base, read_controlnet
from palsynth.methods.controlnet.io.single_file import sd15_controlnet, sd15_networks
from palsynth.methods.controlnet.networks.base import Base, noise_scheduler
from palsynth.methods.controlnet.objective import ControlNetObjective
from palsynth.methods.controlnet.pipeline import ControlNetPalsyPipeline
from palsynth.methods.controlnet.small.networks import small_tokenizer
from palsynth.methods.controlnet.strategies import Strategy


@contextmanager
def timed(stage: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    gib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"| {stage} | {time.perf_counter() - start:.1f} s | {gib:.1f} GiB |", flush=True)


def save_random_weights(folder: Path) -> None:
    vae, text, unet = sd15_networks()
    save_base(Base(vae, text, small_tokenizer(), unet, noise_scheduler()), folder / "base")
    sd15_controlnet().save_pretrained(folder / "controlnet")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--size", type=int, default=512)
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="sd15-"))
    if not (folder / "controlnet").is_dir():
        save_random_weights(folder)
    print("| full size, random weights | seconds | peak memory |\n|---|---|---|")
    with timed("load base and ControlNet"):
        base = read_base(folder / "base")
        controlnet = read_controlnet(str(folder / "controlnet"), base)
    networks = {
        "VAE": base.vae,
        "text encoder": base.text_encoder,
        "U-Net": base.unet,
        "ControlNet": controlnet,
    }
    print(
        ", ".join(
            f"{name} {sum(p.numel() for p in n.parameters()) / 1e6:.1f} M"
            for name, n in networks.items()
        )
    )
    rng = np.random.default_rng(0)
    size = options.size
    image = rng.integers(0, 256, (size, size, 3), np.uint8)
    edges = (rng.random((size, size)) < 0.05).astype(np.uint8) * 255
    batch = collate([ControlNetExample(image, edges, 0, 0)])
    with timed(f"sample at {size} px, 1 step of DDIM"), torch.no_grad():
        ControlNetPalsyPipeline(base, controlnet, Sampling("ddim", 1, 1.0))([edges], ["man"], [0])
    partial = ControlNetSettings(strategy=Strategy(first=500, last=701))
    settings = InferenceSettings(model=partial)
    objective = ControlNetObjective(base, controlnet, settings, batch).train()
    controlnet.enable_gradient_checkpointing()
    base.unet.enable_gradient_checkpointing()
    optimizer = torch.optim.AdamW([p for p in objective.parameters() if p.requires_grad], 1e-5)
    with timed(f"fine-tune at {size} px, 1 step of batch 1, bf16"):
        with torch.autocast("cpu", torch.bfloat16):
            losses = objective(batch, torch.Generator().manual_seed(0))
        losses.total.backward()
        optimizer.step()
    assert 500 <= int(losses.timesteps[0]) < 701


if __name__ == "__main__":
    main()

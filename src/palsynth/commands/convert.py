"""``palsynth convert``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tyro


@dataclass(frozen=True)
class ConvertOptions:
    """Convert a published CFCPalsy checkpoint into a folder for --weights."""

    checkpoint: tyro.conf.Positional[Path]
    """The published checkpoint (.ckpt)."""
    out: Path
    """Output folder of the model."""


def convert(options: ConvertOptions) -> None:
    """Convert a published CFCPalsy checkpoint into a folder for --weights."""
    from palsynth.methods.cfcpalsy.io.convert import convert as read
    from palsynth.methods.cfcpalsy.io.files import save_model

    model = read(options.checkpoint)
    save_model(model, options.out)
    count = sum(p.numel() for p in model.parameters()) / 1e6
    print(f"{options.out}: {count:.1f} million parameters; give it as --weights {options.out}")

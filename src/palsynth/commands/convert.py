"""``palsynth convert``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tyro


@dataclass(frozen=True)
class ConvertOptions:
    """Converts a published CFCPalsy checkpoint into a folder that --weights takes."""

    checkpoint: tyro.conf.Positional[Path]
    """The published file (.ckpt)."""
    out: Path
    """Folder of the model."""


def convert(options: ConvertOptions) -> None:
    """Converts a published CFCPalsy checkpoint into a folder that --weights takes."""
    from palsynth.methods.cfcpalsy.convert import convert as read
    from palsynth.methods.cfcpalsy.files import save_model

    model = read(options.checkpoint)
    save_model(model, options.out)
    count = sum(p.numel() for p in model.parameters()) / 1e6
    print(f"{options.out}: {count:.1f} million parameters; give it as --weights {options.out}")

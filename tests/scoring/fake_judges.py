"""Flat test images, and fake judges with given features for each file.

The figures of a table can then be computed by hand from the features.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from palsynth.clinical import Palsy
from palsynth.data.pairs import Pair
from palsynth.evaluation.distribution import Backend
from palsynth.face import topology
from palsynth.face.images import write_png
from palsynth.scoring import judges
from palsynth.scoring.judges import Judge

NO_FACE = None
"""Stands for the features of an image without a face."""

Features = Mapping[str, object]
"""File, such as ``made/0.png`` -> its features, or NO_FACE."""


def write_flat(path: Path, level: int, left: int | None = None, columns: int = 16) -> None:
    """Writes a grey image of 32 px, whose left columns may have a level of their own."""
    image = np.full((32, 32, 3), level, np.uint8)
    if left is not None:
        image[:, :columns] = left
    write_png(path, image)


def use(monkeypatch: pytest.MonkeyPatch, **features: Features) -> None:
    """Replaces the judges ``landmarks``, ``dlib``, ``recogniser``, ``reading``, ``quality``,
    ``portraits`` and ``distribution`` by fakes; those without given features return ones."""

    def judge(name: str, by_cosine: bool = False) -> Judge:
        known = features.get(name)
        values = [v for v in (known or {}).values() if v is not NO_FACE]
        shape = (topology.POINTS, 3) if name == "landmarks" else (2,)
        shape = np.shape(values[0]) if values else shape

        def extract(paths: Sequence[Path]) -> np.ndarray:
            if known is None:
                return np.ones((len(paths), *shape), np.float32)
            found = [known[f"{p.parent.name}/{p.name}"] for p in paths]
            missing = np.full(shape, np.nan)
            return np.stack([missing if v is NO_FACE else np.asarray(v) for v in found])

        return Judge(name, extract, by_cosine)

    for name in ("landmarks", "dlib", "reading", "quality", "portraits"):
        monkeypatch.setattr(judges, name, lambda name=name: judge(name))
    monkeypatch.setattr(judges, "recogniser", lambda path: judge("recogniser", True))
    backend = Backend("written", "whole", "none")
    monkeypatch.setattr(judges, "distribution", lambda path: (judge("distribution"), backend))


def pair(number: int, subject: str, palsy: Palsy | None = None, **more: str) -> Pair:
    """A request with the identity ``subject``; files are named by the number."""
    requested = "" if palsy is None else json.dumps(palsy.to_dict())
    given = {
        "name": f"{number}.png",
        "identity": f"identity/{subject}.png",
        "expression": f"expression/{number}.png",
        "truth": f"truth/{number}.png",
        "subject": subject,
        "movement": "grin",
        "palsy": requested,
    }
    return Pair(**{**given, **more})


def made(folder: Path, pairs: Sequence[Pair]) -> list[Path]:
    """A method's files, one per pair."""
    return [folder / pair.name for pair in pairs]

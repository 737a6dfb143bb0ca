"""A set of plain pictures, and judges whose sight is written down beside them.

Each figure of a table can then be worked out by hand from what was seen in which picture.
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
"""What a judge sees in a picture without a face."""

Seen = Mapping[str, object]
"""File, as in ``made/0.png`` -> what a judge sees there, or NO_FACE."""


def write_flat(path: Path, level: int, left: int | None = None, columns: int = 16) -> None:
    """A grey picture of 32 px, whose columns on the left may have a level of their own."""
    image = np.full((32, 32, 3), level, np.uint8)
    if left is not None:
        image[:, :columns] = left
    write_png(path, image)


def use(monkeypatch: pytest.MonkeyPatch, **seen: Seen) -> None:
    """Puts written sights in place of the judges: ``landmarks``, ``dlib``, ``recogniser``,
    ``reading``, ``quality``, ``portraits`` and ``distribution``; others see the same everywhere."""

    def judge(name: str, by_cosine: bool = False) -> Judge:
        known = seen.get(name)
        values = [v for v in (known or {}).values() if v is not NO_FACE]
        shape = (topology.POINTS, 3) if name == "landmarks" else (2,)
        shape = np.shape(values[0]) if values else shape

        def extract(paths: Sequence[Path]) -> np.ndarray:
            if known is None:
                return np.ones((len(paths), *shape), np.float32)
            found = [known[f"{p.parent.name}/{p.name}"] for p in paths]
            nothing = np.full(shape, np.nan)
            return np.stack([nothing if v is NO_FACE else np.asarray(v) for v in found])

        return Judge(name, extract, by_cosine)

    for name in ("landmarks", "dlib", "reading", "quality", "portraits"):
        monkeypatch.setattr(judges, name, lambda name=name: judge(name))
    monkeypatch.setattr(judges, "recogniser", lambda path: judge("recogniser", True))
    backend = Backend("written", "whole", "none")
    monkeypatch.setattr(judges, "distribution", lambda path: (judge("distribution"), backend))


def pair(number: int, who: str, palsy: Palsy | None = None, **more: str) -> Pair:
    """A request of a set in which ``who`` is the identity; files are named by the number."""
    requested = "" if palsy is None else json.dumps(palsy.to_dict())
    given = {
        "name": f"{number}.png", "identity": f"identity/{who}.png",
        "expression": f"expression/{number}.png", "truth": f"truth/{number}.png",
        "subject": who, "movement": "grin", "palsy": requested,
    }  # fmt: skip
    return Pair(**{**given, **more})


def made(folder: Path, pairs: Sequence[Pair]) -> list[Path]:
    """A method's files, one a pair."""
    return [folder / pair.name for pair in pairs]

"""The half-smiles benchmark: photographed one-sided smiles, and who is to show them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from palsynth.clinical import Movement, Palsy, Side
from palsynth.data.half_smiles import Smiler, half_smile, read_smilers
from palsynth.data.manifest import Row
from palsynth.data.pairs import Pair, write_pairs
from palsynth.data.writer import DatasetWriter
from palsynth.errors import InputError
from palsynth.face.framing import PORTRAIT
from palsynth.face.images import list_images
from palsynth.files import outside

SHARES = (0.5, 1.0)
"""How much of the smile the weak side lacks."""

LEAST_SMILE = 0.04
"""Outer-eye distances that both corners must go: a side that hardly smiles cannot be named."""

CROSS = 3
"""How many other people each half-smile is put on."""


def half_smiles(folder: Path, photographs: Path, size: int = 256) -> Iterator[tuple[int, int]]:
    """Two sets of half-smiles, ``self`` and ``cross``, of every folder with ``neutral`` and
    ``smiling`` photographs of the same people. They must not be published.

    self: identity B at rest, expression B's own half-smile, which is also the answer. cross:
    identity B at rest, expression A's half-smile; nobody's picture is the answer. People whose
    smile is not seen on both sides are left out and listed in ``left-out.txt``. Yields how many
    people are done, and of how many.
    """
    if not (photographs / "neutral").is_dir() or not (photographs / "smiling").is_dir():
        raise InputError(
            f"{photographs}: needs the folders neutral and smiling, a picture a person of one name"
        )
    outside(folder, photographs)
    total = 2 * len(list_images(photographs / "neutral"))
    subjects, out = [], []
    for done, (name, found) in enumerate(read_smilers(photographs, size), 1):
        if isinstance(found, str):
            out.append(found)
        elif min(found.corners.values()) < LEAST_SMILE:
            out.append(f"{name}: a corner of the mouth goes less than {LEAST_SMILE} of the eyes")
        else:
            subjects.append(found)
        yield done, total
    if len(subjects) < 2:
        why = f"; the first left out: {out[0]}" if out else ""
        raise InputError(f"{photographs}: fewer than two people smile on both sides{why}")
    plan = {"benchmark": "half-smiles", "size": size, "framing": PORTRAIT.name}
    writers = {kind: DatasetWriter(folder / kind, plan) for kind in ("self", "cross")}
    pairs: dict[str, list[Pair]] = {"self": [], "cross": []}
    for k, subject in enumerate(subjects):
        for writer in writers.values():
            _add(writer, f"rest/{subject.name}.png", subject.rest.image, subject, None, 0.0)
        for weak in Side:
            for share in SHARES:
                file = f"half/{subject.name}-{weak.value}-{round(100 * share):03}.png"
                image = half_smile(subject, weak, share)
                for writer in writers.values():
                    _add(writer, file, image, subject, weak, share)
                others = [subjects[(k + step) % len(subjects)] for step in range(1, CROSS + 1)]
                for kind, whom in (("self", [subject]), ("cross", others)):
                    pairs[kind] += [
                        _pair(file, subject, other, weak, share)
                        for other in whom
                        if kind == "self" or other is not subject
                    ]
        yield total // 2 + round((k + 1) / len(subjects) * total / 2), total
    for kind, writer in writers.items():
        files = {f for p in pairs[kind] for f in (p.identity, p.expression, p.expression_identity)}
        writer.finish(sorted(files))
        write_pairs(folder / kind / "pairs.csv", pairs[kind])
        (folder / kind / "left-out.txt").write_text("".join(f"{line}\n" for line in out), "utf-8")


def _add(
    writer: DatasetWriter, file: str, image: np.ndarray, subject: Smiler, weak: Side | None,
    share: float,
) -> None:  # fmt: skip
    if writer.has(file):
        return
    row = Row(
        file,
        subject.name,
        movement=(Movement.REST if weak is None else Movement.GRIN).value,
        side=weak.value if weak else None,
        palsy=None if weak is None else Palsy.weakness(weak, share).to_dict(),
        split=subject.split or "test",
        attributes={"gender": subject.gender, "ethnicity": subject.ethnicity},
    )
    writer.add(image, row)


def _pair(file: str, subject: Smiler, identity: Smiler, weak: Side, share: float) -> Pair:
    """A request: ``subject``'s half-smile on ``identity``; the answer only where they are one."""
    own = subject is identity
    name = Path(file).name if own else f"{identity.name}-{Path(file).name}"
    return Pair(
        name,
        f"rest/{identity.name}.png",
        file,
        file if own else "",
        identity.name,
        Movement.GRIN.value,
        json.dumps(Palsy.weakness(weak, share).to_dict()),
        f"rest/{subject.name}.png",
        identity.gender,
        identity.ethnicity,
    )

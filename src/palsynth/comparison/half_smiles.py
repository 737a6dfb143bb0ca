"""The half-smiles benchmark: one-sided smiles composed of photographs, and their pairs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

import palsynth
from palsynth.clinical import Movement, Palsy, Side
from palsynth.data.half_smiles import Smiler, half_smile, read_smilers
from palsynth.data.manifest import Row
from palsynth.data.pairs import Pair, write_pairs
from palsynth.data.writer import DatasetWriter
from palsynth.errors import InputError
from palsynth.face.framing import PORTRAIT
from palsynth.face.images import list_images
from palsynth.face.photographs import photographs_sha256
from palsynth.files import atomic_write
from palsynth.guards import forbid_inside
from palsynth.locks import lock_folder
from palsynth.progress import Progress

SHARES = (0.5, 1.0)
"""Shares of the smile that the weak side lacks."""

MIN_SMILE = 0.04
"""Least movement of both mouth corners, in outer-eye distances: the weak side of a smaller smile
cannot be determined."""

CROSS = 3
"""Other people to whom each half-smile is transferred."""


def half_smiles(
    folder: Path, photographs: Path, size: int = 256, progress: Progress | None = None
) -> None:
    """Makes the sets ``self`` and ``cross`` from photographs of neutral and smiling faces.

    In ``self``, identity B is at rest and the expression is B's own half-smile, which is also the
    truth. In ``cross``, identity B is at rest and the expression is A's half-smile; there is no
    truth. People without a visible smile on both sides are left out and listed in
    ``left-out.txt``. The sets show real people and must not be published.

    Args:
        folder: folder of the two sets.
        photographs: folder with ``neutral`` and ``smiling``, in which the two photographs of a
            person have the same name.
        size: side of the images, pixels.
        progress: called with the number of finished steps and their total.

    Raises:
        InputError: A folder is missing, ``folder`` lies inside ``photographs`` or holds sets of
            other photographs, or fewer than two people smile on both sides.
    """
    if not (photographs / "neutral").is_dir() or not (photographs / "smiling").is_dir():
        raise InputError(
            f"{photographs}: needs the folders neutral and smiling, with one picture per person "
            "under the same name in both"
        )
    forbid_inside(folder, photographs)
    total = 2 * len(list_images(photographs / "neutral"))

    def report(done: int) -> None:
        if progress is not None:
            progress(done, total)

    subjects, left_out = [], []
    for done, (name, found) in enumerate(read_smilers(photographs, size), 1):
        if isinstance(found, str):
            left_out.append(found)
        elif min(found.corners.values()) < MIN_SMILE:
            left_out.append(
                f"{name}: a mouth corner moves less than {MIN_SMILE} outer-eye distances"
            )
        else:
            subjects.append(found)
        report(done)
    if len(subjects) < 2:
        why = f"; the first left out: {left_out[0]}" if left_out else ""
        raise InputError(f"{photographs}: fewer than two people smile on both sides{why}")
    plan = {
        "benchmark": "half-smiles",
        "size": size,
        "framing": PORTRAIT.name,
        "photographs": photographs_sha256(photographs),
        "version": palsynth.__version__,
    }
    with lock_folder(folder):
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
                    pairs["self"].append(_pair(file, subject, subject, weak, share))
                    pairs["cross"] += [
                        _pair(file, subject, other, weak, share)
                        for other in others
                        if other is not subject
                    ]
            report(total // 2 + round((k + 1) / len(subjects) * total / 2))
        _finish(folder, writers, pairs, left_out)


def _finish(
    folder: Path,
    writers: dict[str, DatasetWriter],
    pairs: dict[str, list[Pair]],
    left_out: list[str],
) -> None:
    """Writes manifest, pairs and ``left-out.txt`` of both sets."""
    for kind, writer in writers.items():
        files = {f for p in pairs[kind] for f in (p.identity, p.expression, p.expression_identity)}
        writer.finish(sorted(files))
        write_pairs(folder / kind / "pairs.csv", pairs[kind])
        with atomic_write(folder / kind / "left-out.txt") as temporary:
            temporary.write_text("".join(f"{line}\n" for line in left_out), "utf-8")


def _add(
    writer: DatasetWriter,
    file: str,
    image: np.ndarray,
    subject: Smiler,
    weak: Side | None,
    share: float,
) -> None:
    """Adds an image with its row; ``weak`` is None at rest."""
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
    """Requests the half-smile of ``subject`` on ``identity``; has a truth only if they are one."""
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

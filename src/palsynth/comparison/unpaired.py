"""Evaluation without pairs: a set against a set of real images, and each image by its labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from palsynth.clinical import Movement, Palsy
from palsynth.comparison.reporting import notes_on_dashes
from palsynth.data.manifest import Row
from palsynth.data.pictures import pictures
from palsynth.errors import InputError
from palsynth.evaluation.metric import Need
from palsynth.evaluation.metrics import metric
from palsynth.evaluation.report import PHOTOGRAPHS, SYNTHETIC, Report, Result
from palsynth.face import topology
from palsynth.face.framing import FRAMINGS
from palsynth.face.images import SHOWS_INPUT, png_bytes, read_image
from palsynth.progress import StageProgress
from palsynth.scoring import judges
from palsynth.scoring.features import FeatureCache, cached_features
from palsynth.scoring.inputs import JudgeSet, PictureInputs
from palsynth.scoring.judged import Judged, judge_pictures
from palsynth.scoring.panel import Weights

MIN_SUBJECTS = 4
"""Least images per set: each half of the real set needs two for a distance."""

ALIKE = 1.25
"""Largest ratio of the sizes of faces, as shares of the width, in two sets that are compared."""

SHOWN = 18
"""Images of each set in the contact sheet."""


def unpaired_report(
    real: Path,
    fake: Path,
    name: str,
    weights: Weights,
    cache: FeatureCache,
    progress: StageProgress,
) -> tuple[Report, dict[str, bytes]]:
    """Evaluates a folder of images against a folder of real ones.

    Args:
        real: folder of real images.
        fake: folder of the method's images.
        name: name of the method.
        weights: published weights to use in place of our own.
        cache: cache of the features.
        progress: called with the stage, the images done and their total.

    Returns:
        The report, whose reference row compares two halves of the real subjects, and its contact
        sheet: caption -> PNG bytes.

    Raises:
        InputError: A folder has too few images, the real ones show only one subject, or faces are
            framed differently in the two folders.
    """
    rows = {folder: pictures(folder) for folder in (real, fake)}
    for folder, found in rows.items():
        if len(found) < MIN_SUBJECTS:
            raise InputError(f"{folder}: {len(found)} pictures; at least {MIN_SUBJECTS} are needed")
    files = {f: [f / row.file_name for row in found] for f, found in rows.items()}
    _check_framing(files, cache)
    distribution, backend = judges.distribution(weights.inception)
    faces = {"quality": judges.quality(), "reading": judges.reading()}
    judge = _Judging(JudgeSet({"set": distribution, **faces}, backend), cache, progress)
    first = _half_of_subjects(rows[real])
    halves = [[files[real][k] for k in np.flatnonzero(half)] for half in (first, ~first)]
    if min(map(len, halves)) < 2:
        raise InputError(f"{real}: pictures of one subject only; the reference row needs two")
    title = (
        f"real, half of the people against half ({len(halves[0])} and {len(halves[1])} pictures)"
    )
    half = [row for row, chosen in zip(rows[real], first, strict=True) if chosen]
    of_halves = judge("real", halves[0], half, {"set"}, halves[1])
    of_pictures = judge("real", files[real], rows[real], {"faces", "labels"})
    reference = Result(title, {**of_halves.figures, **of_pictures.figures}, reference=True)
    judged = judge(name, files[fake], rows[fake], {"set", "faces", "labels"}, files[real])
    variants = {k: text for k, text in judged.variants.items() if "set" in metric(k).needs}
    own = Result(name, judged.figures, variants, notes_on_dashes(judged))
    remarks = [
        "Brackets: 95 % bootstrap intervals over subjects.",
        "FID falls with the number of pictures: the halves are a reference, not a lower bound.",
    ]
    made = all(row.provenance is not None for row in [*rows[real], *rows[fake]])
    report = Report(
        f"against {real.resolve().name}, {len(files[real])} pictures",
        [reference, own],
        remarks,
        SYNTHETIC if made else PHOTOGRAPHS,
    )
    return report, {f"above real, below {name}": _sheet(files[real], files[fake])}


def _check_framing(files: Mapping[Path, Sequence[Path]], cache: FeatureCache) -> None:
    """Raises InputError where faces differ in size between two folders: an FID of whole pictures
    would then measure how they are cropped."""
    if len(files) == 1:  # a folder against itself
        return
    judge = judges.landmarks()
    shares = {}
    for folder, paths in files.items():
        points = cached_features(paths, judge.name, judge.extract, cache)
        right, left = (points[:, n, :2] for n in topology.OUTER_CANTHUS.values())
        widths = np.array([read_image(path).shape[1] for path in paths])
        found = np.linalg.norm(left - right, axis=1) / widths
        shares[folder] = float(np.median(found[found > 0])) if (found > 0).any() else np.nan
    (real, one), (fake, other) = shares.items()
    if max(one, other) > ALIKE * min(one, other):  # False without a face in a folder
        raise InputError(
            f"{fake}: eye corners are {100 * other:.0f} % of the width apart, in {real} "
            f"{100 * one:.0f} %; FID would compare the crops. "
            f"{_advice(real, one, other)}"
        )


def _advice(real: Path, one: float, other: float) -> str:
    """How to crop two sets alike whose eye corners are ``one`` and ``other`` apart, as shares."""
    nearest = min(FRAMINGS.values(), key=lambda f: abs(f.outer_eyes - one))
    if max(nearest.outer_eyes, one) <= ALIKE * min(nearest.outer_eyes, one):
        return f"Make the set with --framing {nearest.name}, as {real} is"
    nearest = min(FRAMINGS.values(), key=lambda f: abs(f.outer_eyes - other))
    return (
        f"Crop the faces by 'palsynth benchmark folder {real} --framing {nearest.name}', and "
        "compare with that set by --unpaired"
    )


def _half_of_subjects(rows: list[Row]) -> np.ndarray:
    """(N,) bool, the images of a random half of the subjects."""
    subjects = sorted({row.subject_id for row in rows})
    order = np.random.default_rng(0).permutation(len(subjects))
    first = {subjects[k] for k in order[::2]}
    return np.array([row.subject_id in first for row in rows])


@dataclass(frozen=True)
class _Judging:
    """Judges the pictures of a row, without pairs."""

    judges: JudgeSet
    cache: FeatureCache
    progress: StageProgress

    def __call__(
        self,
        name: str,
        files: list[Path],
        rows: list[Row],
        by: set[Need],
        others: Sequence[Path] = (),
    ) -> Judged:
        """Computes the metrics that need no more than ``by``: the set ``others``, faces, labels."""
        requests = [_requested(row) for row in rows]
        inputs = PictureInputs(
            title=name,
            files={"picture": files, "set": others},
            subjects=np.array([row.subject_id for row in rows]),
            provides=frozenset(by if any(requests) else by - {"labels"}),
            judges=self.judges,
            cache=self.cache,
            requested_of=requests,
            progress=self.progress,
        )
        return judge_pictures(name, [row.file_name for row in rows], inputs)


def _requested(row: Row) -> tuple[Movement, Palsy] | None:
    """The labels of an image, if it has both."""
    if not (row.movement and row.palsy):
        return None
    return Movement(row.movement), Palsy.from_dict(row.palsy)


def _sheet(real: list[Path], fake: list[Path]) -> bytes:
    """Random images of both sets, the real ones above."""
    rng = np.random.default_rng(0)
    rows = []
    for files in (real, fake):
        chosen = rng.permutation(len(files))[:SHOWN]
        cells = [
            cv2.resize(read_image(files[k]), (112, 112), interpolation=cv2.INTER_AREA)
            for k in chosen
        ]
        cells += [np.full((112, 112, 3), 255, np.uint8)] * (SHOWN - len(cells))
        rows += [np.hstack(cells[: SHOWN // 2]), np.hstack(cells[SHOWN // 2 :])]
    return png_bytes(np.vstack(rows), **SHOWS_INPUT)

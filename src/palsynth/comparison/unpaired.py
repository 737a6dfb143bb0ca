"""Evaluation without pairs: a set against a set of real images, and each image by its labels."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from palsynth.clinical import Movement, Palsy
from palsynth.data.manifest import Row
from palsynth.data.pictures import pictures
from palsynth.errors import InputError
from palsynth.evaluation.distribution import frechet_distance, kernel_distance
from palsynth.evaluation.intervals import Figure, bootstrap
from palsynth.evaluation.report import PHOTOGRAPHS, SYNTHETIC, Report, Result
from palsynth.face.images import png_bytes, read_image
from palsynth.progress import StageProgress
from palsynth.scoring import judges
from palsynth.scoring.features import FeatureCache, cached_features
from palsynth.scoring.judges import Judge
from palsynth.scoring.panel import Weights

MIN_SUBJECTS = 4
"""Least images per set: each half of the real set needs two for a distance."""

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
        InputError: A folder has too few images, or the real ones show only one subject.
    """
    rows = {folder: pictures(folder) for folder in (real, fake)}
    for folder, found in rows.items():
        if len(found) < MIN_SUBJECTS:
            raise InputError(f"{folder}: {len(found)} pictures; at least {MIN_SUBJECTS} are needed")
    files = {f: [f / row.file_name for row in found] for f, found in rows.items()}
    judge, backend = judges.distribution(weights.inception)
    features = {f: _features(judge, paths, cache, progress) for f, paths in files.items()}
    first = _half_of_subjects(rows[real])
    halves = features[real][first], features[real][~first]
    if min(map(len, halves)) < 2:
        raise InputError(f"{real}: pictures of one subject only; the reference row needs two")
    reference = Result(
        f"real, half of the people against half ({first.sum()} and {(~first).sum()} pictures)",
        {**_distances(*halves), **_labels(rows[real], files[real], cache, progress)},
        reference=True,
    )
    own = Result(
        name,
        {
            **_distances(features[fake], features[real]),
            **_labels(rows[fake], files[fake], cache, progress),
        },
        {key: backend.column(key, len(files[fake])) for key in ("fid", "kid")},
    )
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


def _half_of_subjects(rows: list[Row]) -> np.ndarray:
    """(N,) bool, the images of a random half of the subjects."""
    subjects = sorted({row.subject_id for row in rows})
    order = np.random.default_rng(0).permutation(len(subjects))
    first = {subjects[k] for k in order[::2]}
    return np.array([row.subject_id in first for row in rows])


def _features(
    judge: Judge, files: list[Path], cache: FeatureCache, progress: StageProgress
) -> np.ndarray:
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        progress(judge.name, done, len(files))

    return cached_features(files, judge.name, judge.extract, cache, advance)


def _distances(a: np.ndarray, b: np.ndarray) -> dict[str, Figure]:
    nan = float("nan")
    mean, _ = kernel_distance(a, b, size=min(len(a), len(b), 250))
    return {
        "fid": Figure(frechet_distance(a, b), nan, nan, len(a)),
        "kid": Figure(1000 * mean, nan, nan, len(a)),
    }


def _labels(
    rows: list[Row], files: list[Path], cache: FeatureCache, progress: StageProgress
) -> dict[str, Figure]:
    """Quality of every image, and the judge's readings of those with labels."""
    subjects = np.array([row.subject_id for row in rows])
    quality = _features(judges.quality(), files, cache, progress)[:, 0]
    has_face = ~np.isnan(quality)
    figures = {
        "ser_fiq": bootstrap(quality[has_face], groups=subjects[has_face]),
        "faces": bootstrap(100.0 * has_face, groups=subjects),
    }
    labelled = [k for k, row in enumerate(rows) if row.movement and row.palsy]
    if labelled:
        labels = [(rows[k].movement or "", rows[k].palsy or {}) for k in labelled]
        requested = [(Movement(movement), Palsy.from_dict(palsy)) for movement, palsy in labels]
        reading = _features(judges.reading(), [files[k] for k in labelled], cache, progress)
        right, error = judges.reading_errors(requested, reading)
        groups = subjects[labelled]
        known = ~np.isnan(error)
        figures["judge_movement"] = bootstrap(100.0 * right, groups=groups)
        figures["judge_weakness"] = bootstrap(error[known], groups=groups[known])
    return figures


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
    return png_bytes(np.vstack(rows))

"""aFID, the round-trip metric of CFCPalsy (arXiv 2409.07271).

The expression of person A is transferred to person B, and from that result back to A, whose fixed
identity image is used, never the original. aFID is the FID between the returned images and the
originals. A method that copies the expression image scores 0; only the identity distance of the
first results to B exposes it, so that distance is reported beside aFID.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from palsynth.comparison.needs import check_needs
from palsynth.comparison.transfer import transfer
from palsynth.data.pairs import Pair
from palsynth.evaluation.distribution import frechet_distance
from palsynth.evaluation.fidelity import psnr, ssim
from palsynth.evaluation.intervals import Figure, bootstrap
from palsynth.face.images import read_image
from palsynth.methods.base import Method
from palsynth.progress import Progress
from palsynth.scoring import judges
from palsynth.scoring.features import FeatureCache, cached_features

LIKENESS = "dlib distance of the first to B"
"""Name of the figure that exposes a method which copies the expression image."""


def round_trip(
    method: Method,
    folder: Path,
    pairs: list[Pair],
    out: Path,
    progress: Progress | None = None,
) -> None:
    """Makes ``out/first`` (A's expression on B) and ``out/second`` (transferred back to A).

    Args:
        method: the method to run.
        folder: folder of the benchmark set.
        pairs: the requests of the set.
        out: folder of the two subfolders; images that exist there are not made again.
        progress: called with the number of finished images and their total, twice the number of
            pairs.

    Raises:
        InputError: a pair lacks what the method or the way back needs, which is checked first.
    """
    check_needs(folder, pairs, rest=True)

    def report(done: int, before: int) -> None:
        if progress is not None:
            progress(before + done, 2 * len(pairs))

    transfer(method, folder, pairs, out / "first", progress=lambda done, _: report(done, 0))
    transfer(
        method,
        folder,
        way_back(pairs),
        out / "second",
        made=True,
        expressions=out,
        progress=lambda done, total: report(done, total),
    )


def way_back(pairs: list[Pair]) -> list[Pair]:
    """The requests of the return: from the first results back to the people they came from.

    Args:
        pairs: the requests of the set.

    Returns:
        One request per pair. Its expression image lies in the folder given to :func:`round_trip`;
        its truth is the original expression image.
    """
    return [
        replace(
            pair,
            identity=pair.expression_identity,
            expression=f"first/{pair.name}",
            truth=pair.expression,
        )
        for pair in pairs
    ]


def afid_figures(
    folder: Path, pairs: list[Pair], out: Path, inception: Path | None, cache: FeatureCache
) -> dict[str, Figure]:
    """Figures over the images that :func:`round_trip` made.

    Args:
        folder: folder of the benchmark set.
        pairs: the requests of the set.
        out: the folder given to :func:`round_trip`.
        inception: weights of Inception; our own features if None.
        cache: cache of the features.

    Returns:
        Name -> figure: aFID with its variant (NaN for one pair), PSNR and SSIM of the returned
        images and how many are infinite, and dlib's distance of the first results to B (0.6 and
        above: another person).
    """
    second = [out / "second" / pair.name for pair in pairs]
    originals = [folder / pair.expression for pair in pairs]
    first = [out / "first" / pair.name for pair in pairs]
    judge, backend = judges.distribution(inception)
    a, b = (
        cached_features(files, judge.name, judge.extract, cache) for files in (second, originals)
    )
    nan = float("nan")
    distance = frechet_distance(a, b) if len(pairs) > 1 else nan
    figures = {backend.column("afid", len(pairs)): Figure(distance, nan, nan, len(pairs))}
    subjects = np.array([pair.expression_identity for pair in pairs])
    for name, metric in (("psnr back", psnr), ("ssim back", ssim)):
        values = np.array(
            [
                metric(read_image(x)[None], read_image(y)[None])[0]
                for x, y in zip(second, originals, strict=True)
            ]
        )
        finite = np.isfinite(values)
        figures[name] = bootstrap(values[finite], groups=subjects[finite])
        figures[f"{name}, infinite"] = Figure(float((~finite).sum()), nan, nan, len(values))
    dlib = judges.dlib()
    own = cached_features(first, dlib.name, dlib.extract, cache)
    identities = cached_features(
        [folder / pair.identity for pair in pairs], dlib.name, dlib.extract, cache
    )
    distances = np.linalg.norm(own - identities, axis=1)
    known = ~np.isnan(distances)
    figures[LIKENESS] = bootstrap(distances[known], groups=subjects[known])
    return figures

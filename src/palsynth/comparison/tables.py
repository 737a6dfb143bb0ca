"""The table of methods over one set: images, figures and aFID of each."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from palsynth.comparison.afid import LIKENESS, afid_figures, round_trip
from palsynth.comparison.needs import check_needs
from palsynth.comparison.reporting import headed, reference_rows, result_of
from palsynth.comparison.transfer import transfer
from palsynth.evaluation.intervals import Figure
from palsynth.evaluation.report import Report
from palsynth.methods.base import Method
from palsynth.progress import StageProgress
from palsynth.scoring.panel import Panel


def table(panel: Panel, methods: dict[str, Method], out: Path, progress: StageProgress) -> Report:
    """Runs and evaluates methods over a panel's set, with aFID.

    Args:
        panel: the panel of the benchmark set.
        methods: name -> method.
        out: images go to ``out/<name>`` and ``out/<name>-afid``; those that exist are not made
            again.
        progress: called with the stage, the images done and their total.

    Returns:
        The truth, where there is one, the copies, then every method.

    Raises:
        InputError: A folder holds images of another method, weights or set, or a pair lacks what
            a method or the way back of aFID needs, which is checked first.
    """
    check_needs(panel.folder, panel.pairs, rest=True)
    results = [result_of(judged, reference=True) for judged in reference_rows(panel)]
    for name, method in methods.items():
        pictures = partial(progress, f"{name}, pictures")
        transfer(method, panel.folder, panel.pairs, out / name, progress=pictures)
        files = [out / name / pair.name for pair in panel.pairs]
        own = result_of(panel.judge(name, files), reference=False)
        cycle = out / f"{name}-afid"
        both_ways = partial(progress, f"{name}, round trip")
        round_trip(method, panel.folder, panel.pairs, cycle, both_ways)
        figures, variant = _cycle(panel, cycle)
        results.append(
            replace(
                own,
                figures={**own.figures, **figures},
                variants={**own.variants, "afid": variant},
            )
        )
    return headed(panel, results, [])


def _cycle(panel: Panel, folder: Path) -> tuple[dict[str, Figure], str]:
    found = afid_figures(panel.folder, panel.pairs, folder, panel.weights.inception, panel.cache)
    variant = next(name for name in found if name.startswith("afid["))
    keys = {
        "afid": variant,
        "psnr_back": "psnr back",
        "ssim_back": "ssim back",
        "likeness_there": LIKENESS,
    }
    return {key: found[name] for key, name in keys.items()}, variant

"""``palsynth audit``."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from palsynth.errors import InputError
from palsynth.guards import forbid_inside
from palsynth.progress import stages_bar
from palsynth.terminal import say


@dataclass(frozen=True)
class AuditOptions:
    """Test whether a synthetic set leaks the people it was trained on. Exit code 1 unless it
    passes.

    Run the command again to resume. Features of all faces, patients' included, are cached in
    features.sqlite: protect that file as you protect the pictures.
    """

    synthetic: Path
    """Folder of the synthetic pictures."""
    training: Path
    """Dataset folder that the method was trained on:
    its train split, or all pictures if it has no manifest."""
    out: Path
    """Output folder of audit.html, .md, .json and nearest.csv."""
    holdout: Path | None = None
    """Folder of people that the method was not trained on, photographed like the training set;
    default: the validation and test splits of --training."""
    run: Path | None = None
    """Folder of the method's training run, for membership inference by loss; of kind cfcpalsy,
    controlnet, diffusion or grader, trained on a dataset. Runs on a GPU where there is one."""
    recogniser: Path | None = None
    """AdaFace or ArcFace weights; default: dlib's recogniser."""
    show_pairs: bool = False
    """Also write pairs.png, which shows training pictures."""


def audit(options: AuditOptions) -> None:
    """Test whether a synthetic set leaks the people it was trained on."""
    from palsynth.audit.image_set import check_size, open_set
    from palsynth.audit.protocol import audit as compare
    from palsynth.audit.report import (
        print_findings,
        show_pairs,
        verdict_of,
        write_audit,
    )
    from palsynth.data.manifest import FILE_NAME
    from palsynth.face.images import list_images
    from palsynth.scoring import judges
    from palsynth.scoring.features import FeatureCache

    list_images(options.training)  # report a wrong path before anything else
    has_manifest = (options.training / FILE_NAME).is_file()
    if options.holdout is None and not has_manifest:
        raise InputError(
            f"{options.training}: names no splits; give --holdout, a folder of people that the "
            "method was not trained on"
        )
    forbid_inside(options.out, options.synthetic, options.training, options.holdout)
    judge = judges.recogniser(options.recogniser) if options.recogniser else judges.dlib()
    train_splits = ("train",) if has_manifest else None
    holdout_folder = options.holdout or options.training
    holdout_splits = None if options.holdout else ("validation", "test")
    for folder, splits in (
        (options.synthetic, None),
        (options.training, train_splits),
        (holdout_folder, holdout_splits),
    ):
        check_size(folder, splits)
    attack = None
    if options.run is not None:
        from palsynth.audit.membership import by_loss, open_run

        attack = open_run(
            options.run, options.training, train_splits, holdout_folder, holdout_splits
        )
    with FeatureCache(options.out / "features.sqlite") as cache, stages_bar() as progress:
        synthetic = open_set(options.synthetic, None, judge, cache, progress)
        training = open_set(options.training, train_splits, judge, cache, progress)
        holdout = open_set(holdout_folder, holdout_splits, judge, cache, progress)
        result = compare(synthetic, training, holdout, progress)
        if attack is not None:
            result.findings.append(by_loss(attack, progress))
    write_audit(options.out, result, synthetic, training, holdout)
    if options.show_pairs:
        show_pairs(options.out / "pairs.png", result, synthetic, training)
    print_findings(result.findings)
    for remark in result.remarks:
        say(f"note: {remark}")
    print(f"{options.out / 'audit.html'}: {verdict_of(result)}")
    if not result.passed:
        sys.exit(1)

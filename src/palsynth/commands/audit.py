"""``palsynth audit``."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from palsynth.errors import InputError
from palsynth.files import outside
from palsynth.progress import stages_bar


@dataclass(frozen=True)
class AuditOptions:
    """Does a synthetic set give away whom it was made from? Ends with exit code 1 unless it passed.

    Start it again to go on: features of the faces are kept in features.sqlite, patients' too, so
    treat that file as the pictures are to be treated.
    """

    synthetic: Path
    """Folder of the synthetic pictures."""
    training: Path
    """Dataset folder that the method was made from; its train split, or all without a manifest."""
    out: Path
    """Folder of audit.html, .md, .json and nearest.csv."""
    holdout: Path | None = None
    """Folder of people the method has not seen, pictured like the training set; the validation
    and test splits of --training where nothing is said."""
    run: Path | None = None
    """The method's training run, for membership by loss; of a kind that tells the losses of single
    images (graders, diffusion models)."""
    recogniser: Path | None = None
    """AdaFace or ArcFace weights; dlib's recogniser where nothing is said."""
    show_pairs: bool = False
    """Also write pairs.png, which shows training pictures."""


def audit(options: AuditOptions) -> None:
    """Does a synthetic set give away whom it was made from?"""
    from palsynth.audit.protocol import audit as compare
    from palsynth.audit.protocol import check_size, open_set
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

    list_images(options.training)  # a wrong path is told before anything else
    listed = (options.training / FILE_NAME).is_file()
    if options.holdout is None and not listed:
        raise InputError(
            f"{options.training}: names no splits; give --holdout, a folder of people whom the "
            "method has not seen"
        )
    outside(options.out, options.synthetic, options.training, options.holdout)
    network = None
    if options.run is not None:
        from palsynth.audit.membership import by_loss, model_of

        network = model_of(options.run)
    judge = judges.recogniser(options.recogniser) if options.recogniser else judges.dlib()
    seen = ("train",) if listed else None
    other = options.holdout or options.training
    unseen = None if options.holdout else ("validation", "test")
    for folder, splits in ((options.synthetic, None), (options.training, seen), (other, unseen)):
        check_size(folder, splits)
    with FeatureCache(options.out / "features.sqlite") as cache, stages_bar() as progress:
        synthetic = open_set(options.synthetic, None, judge, cache, progress)
        training = open_set(options.training, seen, judge, cache, progress)
        holdout = open_set(other, unseen, judge, cache, progress)
        found = compare(synthetic, training, holdout, progress)
        if network is not None:
            found.findings.append(by_loss(network, training, holdout, progress))
    write_audit(options.out, found, synthetic, training, holdout)
    if options.show_pairs:
        show_pairs(options.out / "pairs.png", found, synthetic, training)
    print_findings(found.findings)
    for remark in found.remarks:
        print(f"note: {remark}")
    print(f"{options.out / 'audit.html'}: {verdict_of(found)}")
    if not found.passed:
        sys.exit(1)

"""The privacy audit: does a synthetic set reveal its training subjects?

Three sets are compared: the synthetic set, the training set of the method, and a hold-out of
people not in the training set, photographed like it. A figure of the synthetic set is meaningful
only beside the same figure of the hold-out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from palsynth.audit.findings import Finding, judged, share
from palsynth.audit.image_set import ImageSet
from palsynth.audit.reidentification import MIN_HOLDOUT_FACES, flagged, reidentified
from palsynth.errors import InputError
from palsynth.evaluation.duplicates import DUPLICATE, Match, duplicates, prepared
from palsynth.evaluation.intervals import bootstrap
from palsynth.evaluation.privacy import Nearest, membership_auc, nearest
from palsynth.progress import StageProgress
from palsynth.records import file_sha256

MEMBERSHIP = 0.6
"""AUC of a membership attack; a set fails if the lower bound reaches it."""


@dataclass(frozen=True)
class Audit:
    """The findings of an audit, and the matches of every synthetic image behind them."""

    findings: list[Finding]
    faces: Nearest
    """Nearest training face of each of the N synthetic images."""
    matches: Match
    """Most similar training image of each synthetic image."""
    impostors: Nearest
    """Nearest training face of each hold-out image."""
    near_duplicates: np.ndarray
    """Whether a synthetic image is a near-duplicate of a training image, (N,) bool."""
    remarks: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether every finding with a limit has passed."""
        return all(f.verdict in ("passed", "shown") for f in self.findings)


def audit(
    synthetic: ImageSet,
    training: ImageSet,
    holdout: ImageSet,
    progress: StageProgress | None = None,
) -> Audit:
    """Audits a synthetic set.

    Args:
        synthetic: the synthetic set.
        training: the training set of the method.
        holdout: people not in the training set.
        progress: called with the stage, the images done and their total.

    Returns:
        Findings on near-duplicates, re-identification and membership.

    Raises:
        InputError: training set and hold-out share a subject or an image.
    """
    _check_disjoint(training, holdout)
    remarks = []
    for name, s in (("synthetic", synthetic), ("training", training), ("hold-out", holdout)):
        lost = int(np.isnan(s.features).any(1).sum())
        if lost:
            remarks.append(f"No single face was found in {lost} of {len(s.rows)} {name} pictures.")
    known = int((~np.isnan(holdout.features).any(1)).sum())
    if known < MIN_HOLDOUT_FACES:
        remarks.append(
            f"The hold-out has {known} faces; a set can pass as no nearer to training faces from "
            f"{MIN_HOLDOUT_FACES} on. Give more with --holdout."
        )
    faces = nearest(synthetic.features, training.features)
    impostors = nearest(holdout.features, training.features)
    matches, of_holdout = _duplicates(synthetic, training, holdout, progress)
    findings = [
        _near_duplicates(matches, of_holdout, synthetic, holdout),
        *reidentified(faces, impostors, synthetic, training, holdout),
        *flagged(faces, impostors, synthetic, holdout),
        _membership(synthetic, training, holdout),
    ]
    return Audit(findings, faces, matches, impostors, matches.correlation >= DUPLICATE, remarks)


def _check_disjoint(training: ImageSet, holdout: ImageSet) -> None:
    shared = sorted(set(training.subjects) & set(holdout.subjects))
    if shared:
        raise InputError(
            f"{training.folder}: subject {shared[0].rpartition(':')[2]} is in the training set and "
            "in the hold-out; the sets must not share people (see 'palsynth data check')"
        )
    known = {file_sha256(training.path(k)) for k in range(len(training.rows))}
    for k in range(len(holdout.rows)):
        if file_sha256(holdout.path(k)) in known:
            raise InputError(
                f"{holdout.path(k)}: is a training picture too; the hold-out must be of people "
                "not in the training set"
            )


def _duplicates(
    synthetic: ImageSet, training: ImageSet, holdout: ImageSet, progress: StageProgress | None
) -> tuple[Match, Match]:
    """Matches of the synthetic set and of the hold-out with the training set.

    Whole pictures are compared, and faces too where photographs are not cropped: a method that is
    trained on their faces shows no more of a photograph that it has memorised.
    """
    sets = (training, synthetic, holdout)
    whole = _matches([_prepared(s, "pictures", s.image, progress) for s in sets])
    if not any(s.has_photographs for s in sets):
        return whole
    faces = _matches([_prepared(s, "faces", s.face, progress) for s in sets])
    return _nearer(whole[0], faces[0]), _nearer(whole[1], faces[1])


def _prepared(
    images: ImageSet,
    what: str,
    read: Callable[[int], np.ndarray],
    progress: StageProgress | None,
) -> tuple[np.ndarray, np.ndarray]:
    pairs = []
    for k in range(len(images.rows)):
        pairs.append(prepared(read(k)))
        if progress is not None:
            progress(f"{images.folder.name}, near-duplicate {what}", k + 1, len(images.rows))
    return np.stack([a for a, _ in pairs]), np.stack([b for _, b in pairs])


def _matches(stacks: list[tuple[np.ndarray, np.ndarray]]) -> tuple[Match, Match]:
    gallery, of_synthetic, of_holdout = stacks
    return duplicates(of_synthetic, gallery), duplicates(of_holdout, gallery)


def _nearer(one: Match, other: Match) -> Match:
    """The more similar of two matches of each probe."""
    first = one.correlation >= other.correlation
    index = np.where(first, one.index, other.index)
    return Match(index, np.where(first, one.correlation, other.correlation))


def _near_duplicates(
    matches: Match, of_holdout: Match, synthetic: ImageSet, holdout: ImageSet
) -> Finding:
    found = share(matches.correlation >= DUPLICATE, synthetic.subjects)
    impostors = share(of_holdout.correlation >= DUPLICATE, holdout.subjects)
    verdict = judged(found.value, found.value == 0)
    return Finding("near-duplicates of training pictures, %", found, impostors, "none", verdict)


def _membership(synthetic: ImageSet, training: ImageSet, holdout: ImageSet) -> Finding:
    """Attacks membership by the distance to the nearest synthetic face."""
    sets = (training, holdout)
    score = np.concatenate([nearest(s.features, synthetic.features).distance for s in sets])
    member = np.concatenate([np.full(len(s.rows), s is training) for s in sets])
    subjects = np.concatenate([s.subjects for s in sets])
    return membership_finding("from the nearest synthetic face", score, member, subjects)


def membership_finding(
    how: str, score: np.ndarray, member: np.ndarray, subjects: np.ndarray
) -> Finding:
    """The finding of a membership inference attack.

    Args:
        how: what the attack uses, for the name of the finding.
        score: (N,) float, lower for images that look like members; NaN is left out.
        member: whether each image was trained on, (N,) bool.
        subjects: subject of each image, (N,) strings, the unit of the bootstrap.

    Returns:
        The AUC and its verdict.
    """
    found = bootstrap(
        score,
        member,
        groups=subjects,
        num_resamples=300,
        statistic=lambda s, m: membership_auc(s[m], s[~m]),
    )
    return Finding(
        f"membership {how}, AUC",
        found,
        None,
        f"lower bound below {MEMBERSHIP:g}",
        judged(found.value, found.low < MEMBERSHIP),
    )

"""The audit: does a synthetic set give away whom it was made from?

Three sets of pictures: synthetic, training (what the method has seen), and hold-out (people that
it has not seen, pictured like the training set). Everything is told by comparison: a figure of
the synthetic set means something only beside the same figure of the hold-out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from palsynth.data.manifest import Row
from palsynth.data.pictures import pictures
from palsynth.errors import InputError
from palsynth.evaluation.duplicates import DUPLICATE, Match, duplicates, prepared
from palsynth.evaluation.intervals import Figure, bootstrap
from palsynth.evaluation.privacy import (
    FALSE_ACCEPTS,
    Nearest,
    distances,
    membership_auc,
    nearest,
    recognised,
    threshold_at,
)
from palsynth.face.images import read_image
from palsynth.scoring.features import FeatureCache, cached_features, sha256
from palsynth.scoring.judges import Judge

FLAGGED = 0.01
"""Share of hold-out pictures that the re-identification of a whole set may accuse."""

LEAST_FACES = 100
"""Hold-out faces from which a share of 1 % of them can be told."""

MEMBERSHIP = 0.6
"""AUC of a membership attack from which its lower bound fails the set."""

LEAST = 20
"""Pictures that a set must have for its rates to mean anything."""

StageProgress = Callable[[str, int, int], None]

Verdict = Literal["passed", "FAILED", "undecided", "shown"]
"""``shown`` figures are not judged; ``undecided`` ones could not be and do not count as passed."""


@dataclass(frozen=True)
class Pictures:
    """A set under audit: rows and files, (N,) each, and the features of their faces (N, D)."""

    folder: Path
    rows: list[Row]
    features: np.ndarray

    def path(self, number: int) -> Path:
        """The file of a picture."""
        return self.folder / self.rows[number].file_name

    @property
    def subjects(self) -> np.ndarray:
        """(N,) names, those of another folder being others."""
        return np.array([f"{self.folder.resolve()}:{row.subject_id}" for row in self.rows])


@dataclass(frozen=True)
class Finding:
    """A figure, the same figure of the hold-out where there is one, the limit, the verdict."""

    name: str
    found: Figure
    impostors: Figure | None
    limit: str
    verdict: Verdict


def judged(figure: float, passed: bool) -> Verdict:
    """The verdict over a figure; none over one that could not be computed."""
    return "undecided" if np.isnan(figure) else "passed" if passed else "FAILED"


@dataclass(frozen=True)
class Audit:
    """Findings, and what stands behind them for every synthetic picture."""

    findings: list[Finding]
    faces: Nearest
    matches: Match
    impostors: Nearest
    near_duplicates: np.ndarray
    """(N,) bool, near-duplicates."""
    remarks: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether everything that is judged has passed."""
        return all(f.verdict in ("passed", "shown") for f in self.findings)


def check_size(folder: Path, splits: tuple[str, ...] | None) -> list[Row]:
    """The rows of a set. Raises InputError where they are too few for rates to mean anything."""
    rows = pictures(folder, splits)
    if len(rows) < LEAST:
        which = f" in split {' and '.join(splits)}" if splits else ""
        raise InputError(
            f"{folder}: {len(rows)} pictures{which}; an audit needs at least {LEAST} of each set "
            "(--holdout names another hold-out)"
        )
    return rows


def open_set(
    folder: Path, splits: tuple[str, ...] | None, judge: Judge, cache: FeatureCache,
    progress: StageProgress | None = None,
) -> Pictures:  # fmt: skip
    """A folder's pictures and their faces' features. Raises InputError where they are too few."""
    rows = check_size(folder, splits)
    done = 0

    def more(count: int) -> None:
        nonlocal done
        done += count
        if progress is not None:
            progress(f"{folder.name}, {judge.name}", done, len(rows))

    files = [folder / row.file_name for row in rows]
    features = cached_features(files, judge.name, judge.extract, cache, more)
    if judge.by_cosine:
        features = features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-9)
    return Pictures(folder, rows, features)


def audit(
    synthetic: Pictures,
    training: Pictures,
    holdout: Pictures,
    progress: StageProgress | None = None,
) -> Audit:
    """Compares the sets. Raises InputError where training and hold-out share a subject or a
    picture."""
    _check_apart(training, holdout)
    remarks = []
    for name, s in (("synthetic", synthetic), ("training", training), ("hold-out", holdout)):
        lost = int(np.isnan(s.features).any(1).sum())
        if lost:
            remarks.append(f"No single face was found in {lost} of {len(s.rows)} {name} pictures.")
    if (~np.isnan(holdout.features).any(1)).sum() < LEAST_FACES:
        remarks.append(
            f"The hold-out has fewer than {LEAST_FACES} faces: too few to judge by 1 % of them."
        )
    faces = nearest(synthetic.features, training.features)
    impostors = nearest(holdout.features, training.features)
    matches, of_holdout = _duplicates(synthetic, training, holdout, progress)
    findings = [
        _near_duplicates(matches, of_holdout, synthetic, holdout),
        *_reidentified(faces, impostors, synthetic, training, holdout),
        *_flagged(faces, impostors, synthetic, holdout),
        _membership(synthetic, training, holdout),
    ]
    return Audit(findings, faces, matches, impostors, matches.correlation >= DUPLICATE, remarks)


def _check_apart(training: Pictures, holdout: Pictures) -> None:
    shared = sorted(set(training.subjects) & set(holdout.subjects))
    if shared:
        raise InputError(
            f"{training.folder}: subject {shared[0].rpartition(':')[2]} is in the training set and "
            "in the hold-out; they must be other people (see 'palsynth data check')"
        )
    known = {sha256(training.path(k)) for k in range(len(training.rows))}
    for k in range(len(holdout.rows)):
        if sha256(holdout.path(k)) in known:
            raise InputError(
                f"{holdout.path(k)}: is a training picture too; the hold-out must be of people "
                "whom the method has not seen"
            )


def _share(flags: np.ndarray, groups: np.ndarray) -> Figure:
    return bootstrap(100.0 * flags, groups=groups)


def _duplicates(
    synthetic: Pictures, training: Pictures, holdout: Pictures, progress: StageProgress | None
) -> tuple[Match, Match]:
    stacks = []
    for which in (training, synthetic, holdout):
        seen = []
        for k in range(len(which.rows)):
            seen.append(prepared(read_image(which.path(k))))
            if progress is not None:
                progress(f"{which.folder.name}, for near-duplicates", k + 1, len(which.rows))
        stacks.append((np.stack([a for a, _ in seen]), np.stack([b for _, b in seen])))
    gallery, *probes = stacks
    one, other = (duplicates(p, gallery) for p in probes)
    return one, other


def _near_duplicates(
    matches: Match, other: Match, synthetic: Pictures, holdout: Pictures
) -> Finding:
    found = _share(matches.correlation >= DUPLICATE, synthetic.subjects)
    impostors = _share(other.correlation >= DUPLICATE, holdout.subjects)
    verdict = judged(found.value, found.value == 0)
    return Finding("near-duplicates of training pictures, %", found, impostors, "none", verdict)


def _reidentified(
    faces: Nearest, impostors: Nearest, synthetic: Pictures, training: Pictures, holdout: Pictures
) -> list[Finding]:
    """Shares in which a training person is recognised, at false-accept rates per comparison."""
    rng = np.random.default_rng(0)
    sample = rng.permutation(len(training.rows))[:2000]
    apart = distances(holdout.features, training.features[sample]).ravel()
    out = []
    for far in FALSE_ACCEPTS:
        threshold = threshold_at(apart, far)
        found = _share(recognised(faces.distance, threshold), synthetic.subjects)
        other = _share(recognised(impostors.distance, threshold), holdout.subjects)
        name = f"looks like somebody in training, %, at FAR {100 * far:g} % a comparison"
        name += f" (distance {threshold:.3f})"
        out.append(Finding(name, found, other, "", "shown"))
    return out


def _flagged(
    faces: Nearest, impostors: Nearest, synthetic: Pictures, holdout: Pictures
) -> list[Finding]:
    """The same with the threshold that accuses 1 % of strangers: their whole gallery counts."""
    near, far = faces.distance, impostors.distance
    kept = [~np.isnan(near), ~np.isnan(far)]
    groups = np.concatenate([synthetic.subjects[kept[0]], holdout.subjects[kept[1]]])
    score = np.concatenate([near[kept[0]], far[kept[1]]])
    own = np.arange(len(score)) < kept[0].sum()

    def flagged(score: np.ndarray, own: np.ndarray) -> float:
        """The threshold is drawn anew with the strangers: it is no more certain than they."""
        if own.all() or not own.any():
            return float("nan")
        return float(100 * (score[own] < np.quantile(score[~own], FLAGGED)).mean())

    found = bootstrap(score, own, groups=groups, statistic=flagged, num_resamples=500)
    enough = kept[1].sum() >= LEAST_FACES
    verdict: Verdict = judged(found.value, found.low <= 100 * FLAGGED) if enough else "shown"
    mean, theirs = (bootstrap(score[which], groups=groups[which]) for which in (own, ~own))
    limit = "lower bound at most 1" if enough else ""
    return [
        Finding("nearer to a training face than 99 % of strangers, %", found, None, limit, verdict),
        Finding("distance to the nearest training face, mean", mean, theirs, "", "shown"),
    ]


def _membership(synthetic: Pictures, training: Pictures, holdout: Pictures) -> Finding:
    """Whether distance to the nearest synthetic face tells training pictures from others."""
    sets = (training, holdout)
    score = np.concatenate([nearest(s.features, synthetic.features).distance for s in sets])
    member = np.concatenate([np.full(len(s.rows), s is training) for s in sets])
    subjects = np.concatenate([s.subjects for s in sets])
    return membership_finding("from the nearest synthetic face", score, member, subjects)


def membership_finding(
    how: str, score: np.ndarray, member: np.ndarray, subjects: np.ndarray
) -> Finding:
    """The finding of a membership attack: ``score`` (N,) lower for those it takes for members."""
    found = bootstrap(
        score, member, groups=subjects, num_resamples=300,
        statistic=lambda s, m: membership_auc(s[m], s[~m]),
    )  # fmt: skip
    return Finding(
        f"membership {how}, AUC", found, None, f"lower bound below {MEMBERSHIP:g}",
        judged(found.value, found.low < MEMBERSHIP),
    )  # fmt: skip

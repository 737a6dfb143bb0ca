"""The audit: does a synthetic set give away whom it was made from?

Three sets of pictures: synthetic, training (what the method has seen), and hold-out (people that
it has not seen, pictured like the training set). Everything is told by comparison: a figure of
the synthetic set means something only beside the same figure of the hold-out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

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
from palsynth.experiments.features import FeatureCache, look
from palsynth.experiments.judges import Judge
from palsynth.face.images import read_image

ACCUSED = 0.01
"""Share of hold-out pictures that the re-identification of a whole set may accuse."""

MEMBERSHIP = 0.6
"""AUC of a membership attack from which its lower bound fails the set."""

LEAST = 20
"""Pictures that a set must have for its rates to mean anything."""

Tell = Callable[[str, int, int], None]


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
        """(N,) names."""
        return np.array([row.subject_id for row in self.rows])


@dataclass(frozen=True)
class Finding:
    """A figure, the same figure of the hold-out where there is one, the limit and the verdict
    (None: shown, not judged)."""

    name: str
    found: Figure
    strangers: Figure | None
    limit: str
    passed: bool | None


@dataclass(frozen=True)
class Audit:
    """Findings, and what stands behind them for every synthetic picture."""

    findings: list[Finding]
    faces: Nearest
    looks: Match
    strangers: Nearest
    twins: np.ndarray
    """(N,) bool, near-duplicates."""
    remarks: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether nothing that is judged fails."""
        return all(f.passed is not False for f in self.findings)


def open_set(
    folder: Path, splits: tuple[str, ...] | None, judge: Judge, cache: FeatureCache,
    tell: Tell | None = None,
) -> Pictures:  # fmt: skip
    """A folder's pictures and their faces' features. Raises InputError where they are too few."""
    rows = pictures(folder, splits)
    if len(rows) < LEAST:
        raise InputError(f"{folder}: {len(rows)} pictures; an audit needs at least {LEAST}")
    done = 0

    def more(count: int) -> None:
        nonlocal done
        done += count
        if tell is not None:
            tell(f"{folder.name}, {judge.name}", done, len(rows))

    files = [folder / row.file_name for row in rows]
    return Pictures(folder, rows, look(files, judge.name, judge.see, cache, more))


def audit(
    synthetic: Pictures, training: Pictures, holdout: Pictures, tell: Tell | None = None
) -> Audit:
    """Compares the sets. Raises InputError where training and hold-out share a subject."""
    shared = set(training.subjects) & set(holdout.subjects)
    if shared and training.folder == holdout.folder:
        raise InputError(
            f"{training.folder}: subject {sorted(shared)[0]} is in the training split and in "
            "another; run 'palsynth data check'"
        )
    remarks = []
    for name, s in (("synthetic", synthetic), ("training", training), ("hold-out", holdout)):
        lost = int(np.isnan(s.features).any(1).sum())
        if lost:
            remarks.append(f"No single face was found in {lost} of {len(s.rows)} {name} pictures.")
    faces = nearest(synthetic.features, training.features)
    strangers = nearest(holdout.features, training.features)
    looks, of_holdout = _duplicates(synthetic, training, holdout, tell)
    findings = [
        _twins(looks, of_holdout, synthetic, holdout),
        *_reidentified(faces, strangers, synthetic, training, holdout),
        *_accused(faces, strangers, synthetic, holdout),
        _membership(synthetic, training, holdout),
    ]
    return Audit(findings, faces, looks, strangers, looks.correlation >= DUPLICATE, remarks)


def _share(flags: np.ndarray, groups: np.ndarray) -> Figure:
    return bootstrap(100.0 * flags, groups=groups)


def _duplicates(
    synthetic: Pictures, training: Pictures, holdout: Pictures, tell: Tell | None
) -> tuple[Match, Match]:
    stacks = []
    for which in (training, synthetic, holdout):
        seen = []
        for k in range(len(which.rows)):
            seen.append(prepared(read_image(which.path(k))))
            if tell is not None:
                tell(f"{which.folder.name}, for near-duplicates", k + 1, len(which.rows))
        stacks.append((np.stack([a for a, _ in seen]), np.stack([b for _, b in seen])))
    gallery, *probes = stacks
    one, other = (duplicates(p, gallery) for p in probes)
    return one, other


def _twins(looks: Match, other: Match, synthetic: Pictures, holdout: Pictures) -> Finding:
    found = _share(looks.correlation >= DUPLICATE, synthetic.subjects)
    strangers = _share(other.correlation >= DUPLICATE, holdout.subjects)
    return Finding("near-duplicates of training pictures, %", found, strangers, "none",
                   found.value == 0)  # fmt: skip


def _reidentified(
    faces: Nearest, strangers: Nearest, synthetic: Pictures, training: Pictures, holdout: Pictures
) -> list[Finding]:
    """Shares in which a training person is recognised, at false-accept rates per comparison."""
    rng = np.random.default_rng(0)
    sample = rng.permutation(len(training.rows))[:2000]
    impostors = distances(holdout.features, training.features[sample]).ravel()
    out = []
    for far in FALSE_ACCEPTS:
        threshold = threshold_at(impostors, far)
        found = _share(recognised(faces.distance, threshold), synthetic.subjects)
        other = _share(recognised(strangers.distance, threshold), holdout.subjects)
        name = f"looks like somebody in training, %, at FAR {100 * far:g} % a comparison"
        name += f" (distance {threshold:.3f})"
        out.append(Finding(name, found, other, "", None))
    return out


def _accused(
    faces: Nearest, strangers: Nearest, synthetic: Pictures, holdout: Pictures
) -> list[Finding]:
    """The same with the threshold that accuses 1 % of strangers: their whole gallery counts."""
    threshold = threshold_at(strangers.distance, ACCUSED)
    found = _share(recognised(faces.distance, threshold), synthetic.subjects)
    name = f"nearer to a training face than 99 % of strangers, % (distance {threshold:.3f})"
    other = _share(recognised(strangers.distance, threshold), holdout.subjects)
    near = bootstrap(faces.distance[~np.isnan(faces.distance)])
    far = bootstrap(strangers.distance[~np.isnan(strangers.distance)])
    return [
        Finding(name, found, other, "lower bound at most 1", bool(found.low <= 100 * ACCUSED)),
        Finding("distance to the nearest training face, mean", near, far, "", None),
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
        score, member, groups=subjects, draws=300,
        statistic=lambda s, m: membership_auc(s[m], s[~m]),
    )  # fmt: skip
    return Finding(
        f"membership {how}, AUC", found, None, f"lower bound below {MEMBERSHIP:g}",
        not found.low >= MEMBERSHIP,
    )  # fmt: skip

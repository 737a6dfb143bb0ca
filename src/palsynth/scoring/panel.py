"""One method's pictures, judged: from pairs and files to figures with intervals."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from palsynth.data.manifest import FILE_NAME, read_manifest
from palsynth.data.pairs import Pair
from palsynth.errors import InputError
from palsynth.evaluation.agreement import weighted_kappa
from palsynth.evaluation.distribution import frechet_distance, kernel_distance
from palsynth.evaluation.fidelity import moving, psnr, ssim
from palsynth.evaluation.intervals import Figure, bootstrap
from palsynth.evaluation.recognition import cosines
from palsynth.evaluation.requested import REGIONS, rank_agreement, requested_measures
from palsynth.face import topology
from palsynth.face.images import read_image
from palsynth.scoring import judges
from palsynth.scoring.features import FeatureCache, cached_features, sha256
from palsynth.scoring.judges import Judge


@dataclass(frozen=True)
class Weights:
    """Published weights by path; what is not given is ours, left out, or dlib."""

    inception: Path | None = None
    alexnet: Path | None = None
    recogniser: Path | None = None


@dataclass(frozen=True)
class Judged:
    """A method's figures by column key, and per pair the numbers behind them, (N,) each."""

    method: str
    names: list[str]
    subjects: list[str]
    figures: dict[str, Figure] = field(default_factory=dict)
    per_pair: dict[str, np.ndarray] = field(default_factory=dict)
    variants: dict[str, str] = field(default_factory=dict)
    """Column key -> full name with backend, resize, weights and count."""


BY_GROUP = (
    "landmark_error", "identity_distance", "identity_top1", "leak_distance", "side_accuracy",
    "judge_movement", "judge_weakness", "ser_fiq", "faces",
)  # fmt: skip
"""Columns that are given for the people of one gender or ethnicity too."""


def figures_of(judged: Judged, chosen: np.ndarray) -> dict[str, Figure]:
    """The figures of some pairs, (N,) bool, in the columns that are given by group."""
    out = {}
    subjects = np.array(judged.subjects)
    for key in BY_GROUP:
        if key in judged.per_pair:
            rows = chosen & np.isfinite(judged.per_pair[key])
            out[key] = bootstrap(judged.per_pair[key][rows], groups=subjects[rows])
    return out


def check_there(files: list[Path]) -> None:
    """Raises InputError naming the first picture that is missing, and how many are."""
    missing = [path for path in files if not path.is_file()]
    if missing:
        others = f" (and {len(missing) - 1} others)" if len(missing) > 1 else ""
        raise InputError(
            f"{missing[0]}: is missing{others}; make a picture for every row of the pairs"
        )


class Panel:
    """All judges over one set: the pictures of the set are looked at once for all methods."""

    def __init__(
        self, folder: Path, pairs: list[Pair], weights: Weights, cache: FeatureCache,
        progress: Callable[[str, int, int], None] | None = None,
    ) -> None:  # fmt: skip
        self.folder, self.pairs, self.cache, self._progress = folder, pairs, cache, progress
        self.weights = weights
        self.subjects = np.array([p.subject for p in pairs])
        self.has_truth = all(p.truth for p in pairs)
        self.requested = [p.requested() for p in pairs]
        self.judges = {
            "landmarks": judges.landmarks(),
            "dlib": judges.dlib(),
            "identity": judges.recogniser(weights.recogniser),
            "reading": judges.reading(),
            "quality": judges.quality(),
        }
        self.judges["set"], self.backend = judges.distribution(weights.inception)
        self.lpips = judges.perceptual(weights.alexnet) if weights.alexnet else None

    def files(self, role: str) -> list[Path]:
        """Files of a role of the set: identity, expression or truth, one a pair."""
        return [self.folder / getattr(pair, role) for pair in self.pairs]

    def synthetic(self) -> bool:
        """Whether the set's manifest says of every picture how it was made."""
        if not (self.folder / FILE_NAME).is_file():
            return False
        return all(row.provenance is not None for row in read_manifest(self.folder))

    def judge(self, method: str, files: list[Path]) -> Judged:
        """Judges a method's pictures, one a pair. Raises InputError naming one that is missing."""
        check_there(files)
        names = [pair.name for pair in self.pairs]
        judged = Judged(method, names, self.subjects.tolist())
        for part in (self._fidelity, self._identity, self._expression, self._set, self._quality):
            part(judged, files)
        return judged

    def _features_of(self, judge: str, files: list[Path], what: str) -> np.ndarray:
        which: Judge = self.judges[judge]
        done = 0

        def progress(more: int) -> None:
            nonlocal done
            done += more
            if self._progress is not None:
                self._progress(f"{what}, {judge}", done, len(files))

        return cached_features(files, which.name, which.extract, self.cache, progress)

    def _mean(self, judged: Judged, key: str, values: np.ndarray) -> None:
        """A column that is a mean over pairs. Infinite and missing values are not averaged."""
        judged.per_pair[key] = values
        finite = np.isfinite(values)
        judged.figures[key] = bootstrap(values[finite], groups=self.subjects[finite])

    def _fidelity(self, judged: Judged, files: list[Path]) -> None:
        if not self.has_truth:
            return
        truths, identities = self.files("truth"), self.files("identity")
        keys = ("psnr", "ssim", "psnr_moving", "ssim_moving")
        rows = np.array(list(self._pixel_rows(files, truths, identities)))
        for column, key in enumerate(keys):
            self._mean(judged, key, rows[:, column])
        if self.lpips is not None:
            found = np.array(
                [
                    self.lpips(read_image(a), read_image(b))
                    for a, b in zip(files, truths, strict=True)
                ]
            )
            self._mean(judged, "lpips", found)
        seen, true = (self._features_of("landmarks", f, judged.method) for f in (files, truths))
        eyes = [topology.OUTER_CANTHUS[s] for s in ("left", "right")]
        apart = np.linalg.norm(true[:, eyes[0], :2] - true[:, eyes[1], :2], axis=-1)
        far = np.linalg.norm(seen[..., :2] - true[..., :2], axis=-1).mean(1) / apart
        self._mean(judged, "landmark_error", 100 * far)

    def _pixel_rows(
        self, files: list[Path], truths: list[Path], identities: list[Path]
    ) -> Iterator[np.ndarray]:
        for triple in zip(files, truths, identities, strict=True):
            key = hashlib.sha256("".join(sha256(path) for path in triple).encode()).hexdigest()
            kept = self.cache.get("pixels-1", key)
            if kept is None:
                made, truth, identity = (read_image(path)[None] for path in triple)
                for path, image in zip(triple, (made, truth, identity), strict=True):
                    if image.shape != truth.shape:
                        raise InputError(
                            f"{path}: is {image.shape[2]} x {image.shape[1]} px, the truth "
                            f"{truth.shape[2]} x {truth.shape[1]}; all pictures of a pair must "
                            "be of one size"
                        )
                mask = moving(identity, truth)
                rows = (psnr(made, truth), ssim(made, truth), psnr(made, truth, mask),
                        ssim(made, truth, mask))  # fmt: skip
                kept = np.concatenate(rows).astype(np.float32)  # as the cache gives it back
                self.cache.put("pixels-1", {key: kept})
            yield kept

    def _identity(self, judged: Judged, files: list[Path]) -> None:
        own = self._features_of("dlib", files, judged.method)
        identities = self._features_of("dlib", self.files("identity"), "identity images")
        other = self._features_of("dlib", self.files("expression"), "expression images")
        self._mean(judged, "identity_distance", np.linalg.norm(own - identities, axis=1))
        self._mean(judged, "leak_distance", np.linalg.norm(own - other, axis=1))
        _, first = np.unique([p.identity for p in self.pairs], return_index=True)
        apart = np.linalg.norm(own[:, None] - identities[first][None], axis=-1)
        nearest = self.subjects[first][np.where(np.isnan(apart), np.inf, apart).argmin(1)]
        right = (nearest == self.subjects) & ~np.isnan(own).any(1)
        self._mean(judged, "identity_top1", 100.0 * right)
        a = self._features_of("identity", files, judged.method)
        b = self._features_of("identity", self.files("identity"), "identity images")
        pairwise = np.array([cosines(x[None], y[None])[0, 0] for x, y in zip(a, b, strict=True)])
        self._mean(judged, "identity_cosine", pairwise)
        judged.variants["identity_cosine"] = f"cosine[{self.judges['identity'].name}]"

    def _expression(self, judged: Judged, files: list[Path]) -> None:
        requested = [(movement, palsy) for movement, palsy in self.requested if palsy is not None]
        if len(requested) < len(self.requested):
            return
        points = self._features_of("landmarks", files, judged.method)
        rest = self._features_of("landmarks", self.files("identity"), "identity images")
        found = requested_measures(requested, points, rest)
        movement = np.array([m.value for m, _ in requested])
        judged.per_pair.update({"requested": found.requested, "measured": found.measured})
        side = np.where(found.clear(), 100.0 * found.side_accuracy(), np.nan)
        self._mean(judged, "side_accuracy", side)
        for which in REGIONS:
            judged.figures[f"rank_{which}"] = bootstrap(
                found.region, movement, found.requested, found.measured, groups=self.subjects,
                statistic=lambda r, m, a, b, which=which: rank_agreement(r, m, a, b, which),
                num_resamples=300,
            )  # fmt: skip
        scored = found.measured_score >= 0
        judged.figures["item_kappa"] = bootstrap(
            found.requested_score[scored], found.measured_score[scored],
            groups=self.subjects[scored], statistic=weighted_kappa, num_resamples=300,
        )  # fmt: skip
        reading = self._features_of("reading", files, judged.method)
        right, apart = judges.read_right(requested, reading)
        self._mean(judged, "judge_movement", 100.0 * right)
        self._mean(judged, "judge_weakness", apart)

    def _set(self, judged: Judged, files: list[Path]) -> None:
        if not self.has_truth:
            return
        a = self._features_of("set", files, judged.method)
        b = self._features_of("set", self.files("truth"), "truths")
        nothing = float("nan")
        judged.figures["fid"] = Figure(frechet_distance(a, b), nothing, nothing, len(a))
        mean, _ = kernel_distance(a, b, size=min(len(a), 250))
        judged.figures["kid"] = Figure(1000 * mean, nothing, nothing, len(a))
        judged.variants.update({key: self.backend.column(key, len(a)) for key in ("fid", "kid")})

    def _quality(self, judged: Judged, files: list[Path]) -> None:
        quality = self._features_of("quality", files, judged.method)[:, 0]
        self._mean(judged, "ser_fiq", quality)
        judged.variants["ser_fiq"] = f"ser-fiq[{self.judges['quality'].name}, unscaled]"
        self._mean(judged, "faces", 100.0 * ~np.isnan(quality))

"""Evaluation of one method on a benchmark set: from pairs and files to figures with intervals."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
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
from palsynth.progress import StageProgress
from palsynth.scoring import judges
from palsynth.scoring.features import FeatureCache, cached_features, sha256
from palsynth.scoring.judged import Judged
from palsynth.scoring.judges import Judge


@dataclass(frozen=True)
class Weights:
    """Files of published weights."""

    inception: Path | None = None
    """Inception for FID and KID; default: our own features."""
    alexnet: Path | None = None
    """AlexNet for LPIPS; default: no LPIPS."""
    recogniser: Path | None = None
    """ArcFace or AdaFace for the cosine to the identity; default: our own recogniser."""


def check_files_exist(files: list[Path]) -> None:
    """Checks that all images of a method exist.

    Args:
        files: the image files, one per pair.

    Raises:
        InputError: files are missing; names the first and counts the rest.
    """
    missing = [path for path in files if not path.is_file()]
    if missing:
        others = f" (and {len(missing) - 1} others)" if len(missing) > 1 else ""
        raise InputError(
            f"{missing[0]}: is missing{others}; make a picture for every row of the pairs"
        )


class Panel:
    """All judges over one benchmark set, whose own images are scored once for all methods.

    Args:
        folder: folder of the set.
        pairs: the N requests of the set, with their files.
        weights: published weights to use in place of our own.
        cache: cache of the features.
        progress: called with the stage, the images done and their total.

    Raises:
        InputError: weights cannot be read or do not fit.
    """

    def __init__(
        self,
        folder: Path,
        pairs: list[Pair],
        weights: Weights,
        cache: FeatureCache,
        progress: StageProgress | None = None,
    ) -> None:
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
        """The set's own files.

        Args:
            role: A field of :class:`Pair` that holds a file: ``identity``, ``expression`` or
                ``truth``.

        Returns:
            One path per pair.
        """
        return [self.folder / getattr(pair, role) for pair in self.pairs]

    def synthetic(self) -> bool:
        """Whether the set has a manifest that gives the provenance of every image."""
        if not (self.folder / FILE_NAME).is_file():
            return False
        return all(row.provenance is not None for row in read_manifest(self.folder))

    def judge(self, method: str, files: list[Path]) -> Judged:
        """Evaluates the images of a method.

        Args:
            method: name of the method.
            files: its images, one per pair.

        Returns:
            Figures and values per pair.

        Raises:
            InputError: an image is missing, cannot be read, or differs in size from the truth.
        """
        check_files_exist(files)
        names = [pair.name for pair in self.pairs]
        judged = Judged(method, names, self.subjects.tolist())
        for score in (self._fidelity, self._identity, self._expression, self._set, self._quality):
            score(judged, files)
        return judged

    def _features_of(self, judge: str, files: list[Path], stage: str) -> np.ndarray:
        which: Judge = self.judges[judge]
        done = 0

        def progress(count: int) -> None:
            nonlocal done
            done += count
            if self._progress is not None:
                self._progress(f"{stage}, {judge}", done, len(files))

        return cached_features(files, which.name, which.extract, self.cache, progress)

    def _mean(self, judged: Judged, key: str, values: np.ndarray) -> None:
        """Adds a column that is a mean over pairs, leaving out infinite and missing values."""
        judged.per_pair[key] = values
        finite = np.isfinite(values)
        judged.figures[key] = bootstrap(values[finite], groups=self.subjects[finite])

    def _fidelity(self, judged: Judged, files: list[Path]) -> None:
        """Adds PSNR, SSIM, LPIPS and the landmark error against the truth, where there is one."""
        if not self.has_truth:
            return
        truths, identities = self.files("truth"), self.files("identity")
        keys = ("psnr", "ssim", "psnr_moving", "ssim_moving")
        rows = np.array(list(self._pixel_rows(files, truths, identities)))
        for column, key in enumerate(keys):
            self._mean(judged, key, rows[:, column])
        if self.lpips is not None:
            distances = [
                self.lpips(read_image(a), read_image(b)) for a, b in zip(files, truths, strict=True)
            ]
            self._mean(judged, "lpips", np.array(distances))
        predicted, true = (
            self._features_of("landmarks", f, judged.method) for f in (files, truths)
        )
        left, right = (topology.OUTER_CANTHUS[side] for side in ("left", "right"))
        outer_eyes = np.linalg.norm(true[:, left, :2] - true[:, right, :2], axis=-1)
        error = np.linalg.norm(predicted[..., :2] - true[..., :2], axis=-1).mean(1) / outer_eyes
        self._mean(judged, "landmark_error", 100 * error)

    def _pixel_rows(
        self, files: list[Path], truths: list[Path], identities: list[Path]
    ) -> Iterator[np.ndarray]:
        """Yields PSNR, SSIM and both where the truth moves, (4,) float32, for each pair."""
        for triple in zip(files, truths, identities, strict=True):
            key = hashlib.sha256("".join(sha256(path) for path in triple).encode()).hexdigest()
            row = self.cache.get("pixels-1", key)
            if row is None:
                image, truth, identity = (read_image(path)[None] for path in triple)
                for path, other in zip(triple, (image, truth, identity), strict=True):
                    if other.shape != truth.shape:
                        raise InputError(
                            f"{path}: is {other.shape[2]} x {other.shape[1]} px, the truth "
                            f"{truth.shape[2]} x {truth.shape[1]}; all pictures of a pair must "
                            "be of one size"
                        )
                mask = moving(identity, truth)
                values = (
                    psnr(image, truth),
                    ssim(image, truth),
                    psnr(image, truth, mask),
                    ssim(image, truth, mask),
                )
                row = np.concatenate(values).astype(np.float32)  # the precision of the cache
                self.cache.put("pixels-1", {key: row})
            yield row

    def _identity(self, judged: Judged, files: list[Path]) -> None:
        """Adds distances and cosine to the identity image, top-1 accuracy and identity leakage."""
        own = self._features_of("dlib", files, judged.method)
        identities = self._features_of("dlib", self.files("identity"), "identity images")
        expressions = self._features_of("dlib", self.files("expression"), "expression images")
        self._mean(judged, "identity_distance", np.linalg.norm(own - identities, axis=1))
        self._mean(judged, "leak_distance", np.linalg.norm(own - expressions, axis=1))
        _, first = np.unique([p.identity for p in self.pairs], return_index=True)
        distances = np.linalg.norm(own[:, None] - identities[first][None], axis=-1)
        nearest = self.subjects[first][np.where(np.isnan(distances), np.inf, distances).argmin(1)]
        hits = (nearest == self.subjects) & ~np.isnan(own).any(1)
        self._mean(judged, "identity_top1", 100.0 * hits)
        a = self._features_of("identity", files, judged.method)
        b = self._features_of("identity", self.files("identity"), "identity images")
        pairwise = np.array([cosines(x[None], y[None])[0, 0] for x, y in zip(a, b, strict=True)])
        self._mean(judged, "identity_cosine", pairwise)
        judged.variants["identity_cosine"] = f"cosine[{self.judges['identity'].name}]"

    def _expression(self, judged: Judged, files: list[Path]) -> None:
        """Adds side accuracy, rank agreement, item kappa and the judge's readings.

        Left out where the palsy of a pair is unknown.
        """
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
        for region in REGIONS:
            judged.figures[f"rank_{region}"] = bootstrap(
                found.region,
                movement,
                found.requested,
                found.measured,
                groups=self.subjects,
                statistic=lambda r, m, a, b, region=region: rank_agreement(r, m, a, b, region),
                num_resamples=300,
            )
        scored = found.measured_score >= 0
        judged.figures["item_kappa"] = bootstrap(
            found.requested_score[scored],
            found.measured_score[scored],
            groups=self.subjects[scored],
            statistic=weighted_kappa,
            num_resamples=300,
        )
        reading = self._features_of("reading", files, judged.method)
        right, error = judges.reading_errors(requested, reading)
        self._mean(judged, "judge_movement", 100.0 * right)
        self._mean(judged, "judge_weakness", error)

    def _set(self, judged: Judged, files: list[Path]) -> None:
        """Adds FID and KID against the truths, where there are any."""
        if not self.has_truth:
            return
        a = self._features_of("set", files, judged.method)
        b = self._features_of("set", self.files("truth"), "truths")
        nan = float("nan")
        judged.figures["fid"] = Figure(frechet_distance(a, b), nan, nan, len(a))
        mean, _ = kernel_distance(a, b, size=min(len(a), 250))
        judged.figures["kid"] = Figure(1000 * mean, nan, nan, len(a))
        judged.variants.update({key: self.backend.column(key, len(a)) for key in ("fid", "kid")})

    def _quality(self, judged: Judged, files: list[Path]) -> None:
        """Adds SER-FIQ and the share of images with exactly one face."""
        quality = self._features_of("quality", files, judged.method)[:, 0]
        self._mean(judged, "ser_fiq", quality)
        judged.variants["ser_fiq"] = f"ser-fiq[{self.judges['quality'].name}, unscaled]"
        self._mean(judged, "faces", 100.0 * ~np.isnan(quality))

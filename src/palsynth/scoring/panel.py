"""Evaluation of one method on a benchmark set: from pairs and files to figures with intervals."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from palsynth.data.manifest import FILE_NAME, read_manifest
from palsynth.data.pairs import Pair
from palsynth.errors import InputError
from palsynth.evaluation.metric import Need, Role
from palsynth.progress import StageProgress
from palsynth.scoring import judges
from palsynth.scoring.features import FeatureCache
from palsynth.scoring.inputs import JudgeSet, PictureInputs
from palsynth.scoring.judged import Judged, judge_pictures
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
        requested = [p.requested() for p in pairs]
        self.requests = [None if palsy is None else (m, palsy) for m, palsy in requested]
        distribution, backend = judges.distribution(weights.inception)
        lpips = judges.perceptual(weights.alexnet) if weights.alexnet else None
        self.judges = JudgeSet({**self._judges(), "set": distribution}, backend, lpips)

    def _judges(self) -> dict[str, Judge]:
        """The judges of faces, by the names that metrics ask for."""
        return {
            "landmarks": judges.landmarks(),
            "dlib": judges.dlib(),
            "identity": judges.recogniser(self.weights.recogniser),
            "reading": judges.reading(),
            "quality": judges.quality(),
        }

    def _provides(self) -> set[Need]:
        """The needs of metrics that the set meets."""
        provides: set[Need] = {"faces", "pairs"}
        if self.has_truth:
            provides |= {"truth", "set"}
        if None not in self.requests:
            provides.add("labels")
        if self.judges.lpips is not None:
            provides.add("alexnet")
        return provides

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
        inputs = PictureInputs(
            title=method,
            files={"picture": files, **self._files_of_roles()},
            subjects=self.subjects,
            provides=frozenset(self._provides()),
            judges=self.judges,
            cache=self.cache,
            requested_of=self.requests,
            progress=self._progress,
        )
        return judge_pictures(method, [pair.name for pair in self.pairs], inputs)

    def _files_of_roles(self) -> dict[Role, list[Path]]:
        files: dict[Role, list[Path]] = {
            "identity": self.files("identity"),
            "expression": self.files("expression"),
        }
        if self.has_truth:
            files |= {"truth": self.files("truth"), "set": self.files("truth")}
        return files

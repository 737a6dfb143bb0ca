"""The arrays that metrics take, of one method's pictures: images from their files, features of the
judges from the cache."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from palsynth.clinical import Movement, Palsy
from palsynth.errors import InputError
from palsynth.evaluation.distribution import Backend
from palsynth.evaluation.fidelity import moving, psnr, ssim
from palsynth.evaluation.metric import Need, Role
from palsynth.evaluation.recognition import paired_cosines
from palsynth.evaluation.requested import RequestedMeasures, requested_measures
from palsynth.face.images import read_image
from palsynth.progress import StageProgress
from palsynth.records import file_sha256
from palsynth.scoring import judges
from palsynth.scoring.features import FeatureCache, cached_features
from palsynth.scoring.judges import Judge

Perceptual = Callable[[np.ndarray, np.ndarray], float]
"""Distance of two images (H, W, 3) uint8."""


@dataclass(frozen=True)
class JudgeSet:
    """The judges of an evaluation.

    Attributes:
        by_name: name, as metrics ask for it -> judge.
        backend: names the features of the judge ``set``.
        lpips: LPIPS; None without its weights.
    """

    by_name: Mapping[str, Judge]
    backend: Backend
    lpips: Perceptual | None = None


@dataclass(frozen=True, eq=False)
class PictureInputs:
    """The inputs of N pictures, for metrics (:class:`palsynth.evaluation.metric.Inputs`).

    Attributes:
        title: the method, for the progress bar.
        files: role -> files, N each but for the set.
        subjects: (N,) names of the subjects.
        provides: the needs of metrics that these pictures meet.
        judges: the judges.
        cache: cache of the features.
        requested_of: N requested movements and palsies, None where they are not known.
        progress: called with the stage, the images done and their total.
    """

    title: str
    files: Mapping[Role, Sequence[Path]]
    subjects: np.ndarray
    provides: frozenset[Need]
    judges: JudgeSet
    cache: FeatureCache
    requested_of: Sequence[tuple[Movement, Palsy] | None]
    progress: StageProgress | None = None
    _known: dict[tuple[str, Role], np.ndarray] = field(default_factory=dict, init=False)

    @property
    def identities(self) -> np.ndarray:
        """(N,) names of the identity images."""
        return np.array([str(path) for path in self.files["identity"]])

    @property
    def backend(self) -> Backend:
        """The features that sets are compared by."""
        return self.judges.backend

    def name(self, judge: str) -> str:
        """The name of a judge with its weights.

        Args:
            judge: the judge, as for :meth:`features`.

        Returns:
            The name.
        """
        return self.judges.by_name[judge].name

    def requests(self) -> Sequence[tuple[Movement, Palsy] | None]:
        """The requested movement and palsy of each picture, None where it is not known."""
        return self.requested_of

    def images(self, *roles: Role) -> Iterator[tuple[np.ndarray, ...]]:
        """Reads the images of one picture after the other.

        Args:
            *roles: which images.

        Yields:
            For each picture one (H, W, 3) uint8 per role.
        """
        for paths in zip(*(self.files[role] for role in roles), strict=True):
            yield tuple(read_image(path) for path in paths)

    def features(self, judge: str, role: Role = "picture") -> np.ndarray:
        """What a judge extracts from the images, from the cache where it holds them.

        Args:
            judge: the judge.
            role: which images.

        Returns:
            (N, …) float32, NaN where there is not exactly one face.
        """
        if (judge, role) not in self._known:
            self._known[judge, role] = self._extract(judge, self.files[role], role)
        return self._known[judge, role]

    def _extract(self, judge: str, files: Sequence[Path], role: Role) -> np.ndarray:
        which, done = self.judges.by_name[judge], 0
        stage = self.title if role == "picture" else f"{self.title}, {role}"

        def advance(count: int) -> None:
            nonlocal done
            done += count
            if self.progress is not None:
                self.progress(f"{stage}, {judge}", done, len(files))

        return cached_features(files, which.name, which.extract, self.cache, advance)

    def pixels(self) -> np.ndarray:
        """PSNR and SSIM against the truth, over all pixels and those that move, (N, 4).

        Raises:
            InputError: the images of a pair differ in size.
        """
        return self._pixels

    @cached_property
    def _pixels(self) -> np.ndarray:
        roles: tuple[Role, ...] = ("picture", "truth", "identity")
        triples = zip(*(self.files[role] for role in roles), strict=True)
        return np.array([self._pixels_of(triple) for triple in triples])

    def _pixels_of(self, triple: tuple[Path, ...]) -> np.ndarray:
        """PSNR, SSIM and both where the truth moves, (4,) float32, of one pair."""
        key = hashlib.sha256("".join(file_sha256(path) for path in triple).encode()).hexdigest()
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
        return row

    def perceptual(self, role: Role) -> np.ndarray:
        """LPIPS of whole pictures.

        Args:
            role: the images to compare with.

        Returns:
            (N,) distances.

        Raises:
            InputError: the weights are missing.
        """
        if self.judges.lpips is None:
            raise InputError("LPIPS: needs the weights of AlexNet; give --alexnet")
        return np.array([self.judges.lpips(a, b) for a, b in self.images("picture", role)])

    def portrait_distances(self) -> tuple[np.ndarray, str]:
        """Perceptual distances (N,) of faces to those of the expression images, with their variant.

        Faces are aligned, because the position of a face in its image must not count.
        """
        if self.judges.lpips is None:
            a, b = (self.features("portraits", role) for role in ("picture", "expression"))
            return 1 - paired_cosines(a, b), f"1 - cosine[{self.name('portraits')}]"
        distances = []
        for paths in zip(self.files["picture"], self.files["expression"], strict=True):
            faces = [face for face in map(judges.portrait, paths) if face is not None]
            distances.append(self.judges.lpips(*faces) if len(faces) == 2 else np.nan)
        return np.array(distances), "LPIPS[alexnet], portraits"

    def requested(self) -> RequestedMeasures:
        """Requested and measured expressions; every picture must have a request."""
        return self._requested

    @cached_property
    def _requested(self) -> RequestedMeasures:
        requested = [request for request in self.requested_of if request is not None]
        points, rest = (self.features("landmarks", role) for role in ("picture", "identity"))
        return requested_measures(requested, points, rest)

    def readings(self) -> tuple[np.ndarray, np.ndarray]:
        """Whether the judge reads the requested movement, and its error of the weakness, both (N,);
        NaN where nothing is requested."""
        return self._readings

    @cached_property
    def _readings(self) -> tuple[np.ndarray, np.ndarray]:
        known = [k for k, request in enumerate(self.requested_of) if request is not None]
        requested = [request for request in self.requested_of if request is not None]
        files = [self.files["picture"][k] for k in known]
        out = np.full((2, len(self.requested_of)), np.nan)
        out[:, known] = judges.reading_errors(requested, self._extract("reading", files, "picture"))
        return out[0], out[1]

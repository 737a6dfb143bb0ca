"""What a metric is: how reports show it, what it needs, and how it is computed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np

from palsynth.clinical import Movement, Palsy
from palsynth.errors import InputError
from palsynth.evaluation.intervals import Figure, bootstrap

if TYPE_CHECKING:  # both have metrics of their own
    from palsynth.evaluation.distribution import Backend
    from palsynth.evaluation.requested import RequestedMeasures

FAMILIES = {
    "fidelity": "Against the ground truth",
    "identity": "Identity",
    "expression": "Requested expression",
    "patient": "Distance from the patient",
    "distribution": "Distribution",
    "cycle": "Round trip",
    "quality": "Image quality",
}
"""Family of metrics -> heading of its table."""

Need = Literal["faces", "pairs", "truth", "set", "labels", "patients", "alexnet", "round trip"]

NEEDS: dict[Need, str] = {
    "faces": "pictures of faces",
    "pairs": "pairs.csv",
    "truth": "the truth of every pair",
    "set": "truths or real pictures to compare with",
    "labels": "requested movement and palsy",
    "patients": "the patient at rest (expression_identity)",
    "alexnet": "--alexnet",
    "round trip": "pictures of both ways (palsynth table cfcpalsy)",
}
"""What a metric may need -> its description."""

Weights = Literal["inception", "alexnet", "recogniser"]
"""Published weights that a metric can use; options of ``palsynth evaluate``."""

Role = Literal["picture", "identity", "expression", "truth", "set", "rest"]
"""Of N pictures: the method's own, the files of their pairs, the set that they are compared with
(whose size may differ), and the expressions' people at rest."""


class Inputs(Protocol):
    """The arrays of N pictures that metrics take, read or computed when they are asked for."""

    @property
    def subjects(self) -> np.ndarray:
        """(N,) names of the subjects, who are resampled as a whole."""

    @property
    def identities(self) -> np.ndarray:
        """(N,) names of the identity images."""

    @property
    def backend(self) -> Backend:
        """The features that sets are compared by."""

    def name(self, judge: str) -> str:
        """The name of a judge with its weights.

        Args:
            judge: as for :meth:`features`.

        Returns:
            The name.
        """

    def images(self, *roles: Role) -> Iterator[tuple[np.ndarray, ...]]:
        """Reads the images of one picture after the other.

        Args:
            *roles: which images.

        Yields:
            For each picture one (H, W, 3) uint8 per role.
        """

    def features(self, judge: str, role: Role = "picture") -> np.ndarray:
        """What a judge extracts from the images.

        Args:
            judge: ``landmarks``, ``dlib``, ``identity``, ``reading``, ``quality``, ``portraits``
                or ``set``.
            role: which images.

        Returns:
            (N, …) float32, NaN where there is not exactly one face.
        """

    def pixels(self) -> np.ndarray:
        """PSNR and SSIM against the truth, over all pixels and those that move, (N, 4)."""

    def perceptual(self, role: Role) -> np.ndarray:
        """LPIPS of whole pictures.

        Args:
            role: the images to compare with.

        Returns:
            (N,) distances.
        """

    def portrait_distances(self) -> tuple[np.ndarray, str]:
        """Perceptual distances (N,) of aligned faces to the patient's, and what computed them."""

    def requested(self) -> RequestedMeasures:
        """Requested and measured expressions."""

    def readings(self) -> tuple[np.ndarray, np.ndarray]:
        """Whether the judge of expressions reads the requested movement, and its error of the
        weakness, both (N,); NaN where nothing is requested."""

    def requests(self) -> Sequence[tuple[Movement, Palsy] | None]:
        """The requested movement and palsy of each picture, None where it is not known."""


@dataclass(frozen=True)
class Outcome:
    """What a metric finds: a value per picture, or a figure of the whole set.

    Attributes:
        values: (N,) values, which :attr:`Metric.pool` makes a figure of.
        figure: the figure, if it is not pooled from values.
        variant: full name of the figure with the weights behind it; empty if it has no variants.
    """

    values: np.ndarray | None = None
    figure: Figure | None = None
    variant: str = ""


def mean(values: np.ndarray, subjects: np.ndarray) -> Figure:
    """Averages values over pictures, leaving out infinite and missing ones.

    Args:
        values: (N,) values.
        subjects: (N,) names of the subjects.

    Returns:
        The mean with its interval over subjects.
    """
    finite = np.isfinite(values)
    return bootstrap(values[finite], groups=subjects[finite])


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A metric: one column of the reports.

    Attributes:
        key: key of the figure in report.json.
        title: heading with the unit, without arrow.
        family: key of FAMILIES.
        better: whether higher or lower is better.
        meaning: what it says, in one sentence.
        judge: who looks at the pictures.
        needs: keys of NEEDS; a report that lacks one of them leaves the metric out.
        compute: the metric; None if a protocol computes it with pictures of its own.
        pool: makes a figure of values per picture.
        digits: decimals shown.
        blind: what it cannot judge; empty if there is no such caveat.
        weights: the published weights that it can use.
        by_people: whether it is repeated by gender and by ethnicity.
        by_tuning: whether it is repeated for the patients that a method was tuned on.

    Raises:
        InputError: the family or a need is unknown.
    """

    key: str
    title: str
    family: str
    better: Literal["up", "down"]
    meaning: str
    judge: str
    needs: tuple[Need, ...]
    compute: Callable[[Inputs], Outcome] | None = None
    pool: Callable[[np.ndarray, np.ndarray], Figure] = mean
    digits: int = 3
    blind: str = ""
    weights: Weights | None = None
    by_people: bool = False
    by_tuning: bool = False

    def __post_init__(self) -> None:
        if self.family not in FAMILIES:
            raise InputError(
                f"metric '{self.key}': no family '{self.family}'; use one of {', '.join(FAMILIES)}"
            )
        for need in self.needs:
            if need not in NEEDS:
                raise InputError(
                    f"metric '{self.key}': no need '{need}'; use some of {', '.join(NEEDS)}"
                )

    @property
    def heading(self) -> str:
        """Title with an arrow."""
        return f"{self.title} {'↑' if self.better == 'up' else '↓'}"

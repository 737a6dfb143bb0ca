"""Computes a metric: its inputs are checked before it sees them, and what it finds after that."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from palsynth.clinical import Movement, Palsy
from palsynth.errors import InputError
from palsynth.evaluation import checks
from palsynth.evaluation.distribution import Backend
from palsynth.evaluation.intervals import Figure
from palsynth.evaluation.metric import Inputs, Metric, Outcome, Role
from palsynth.evaluation.requested import RequestedMeasures

NO_VALUE = "not defined: too few pictures give a value, or all give the same"
"""Why a figure is NaN though nothing is wrong with what it is computed of."""


@dataclass(frozen=True)
class Computed:
    """A metric of some pictures.

    Attributes:
        figure: the figure; NaN where it has none.
        values: (N,) values per picture; None for a figure of the whole set.
        variant: full name of the figure with the weights behind it; empty if it has no variants.
        reason: why the figure is NaN; empty if it is not.
    """

    figure: Figure
    values: np.ndarray | None = None
    variant: str = ""
    reason: str = ""


def compute(metric: Metric, inputs: Inputs) -> Computed:
    """Computes a metric.

    Args:
        metric: the metric, which a report can compute.
        inputs: the inputs of N pictures.

    Returns:
        The figure, with the reason where there are too few samples for it.

    Raises:
        InputError: an input has the wrong shape, type or range, or the metric finds something that
            is no figure of N pictures; the message names both.
    """
    count = len(inputs.subjects)
    if metric.compute is None:
        raise InputError(f"{metric.title}: is computed by a protocol of its own")
    try:
        checks.at_least("pictures", count, 1, "pictures: at least one is needed")
        outcome = metric.compute(CheckedInputs(inputs))
        figure = _figure(metric, outcome, inputs.subjects)
    except checks.TooFewError as error:
        nan = float("nan")
        return Computed(Figure(nan, nan, nan, count), reason=str(error))
    except InputError as error:
        raise InputError(f"{metric.title}: {error}") from None
    infinite = outcome.values is not None and np.isinf(outcome.values).any()  # reported as such
    reason = NO_VALUE if math.isnan(figure.value) and not infinite else ""
    return Computed(figure, outcome.values, outcome.variant, reason)


def _figure(metric: Metric, outcome: Outcome, subjects: np.ndarray) -> Figure:
    if outcome.values is not None:
        checks.dimensions("values", outcome.values, (len(subjects),))
    figure = outcome.figure
    if figure is None:
        if outcome.values is None:
            raise InputError("finds neither values nor a figure")
        figure = metric.pool(outcome.values, subjects)
    if math.isinf(figure.value):
        raise InputError("is infinite")
    return figure


@dataclass(frozen=True)
class CheckedInputs:
    """Inputs whose arrays are checked as they are handed out.

    Attributes:
        inputs: the inputs of N pictures.
    """

    inputs: Inputs

    @property
    def subjects(self) -> np.ndarray:
        """(N,) names of the subjects, who are resampled as a whole."""
        return self.inputs.subjects

    @property
    def identities(self) -> np.ndarray:
        """(N,) names of the identity images."""
        return self._of_pictures("identities", self.inputs.identities)

    @property
    def backend(self) -> Backend:
        """The features that sets are compared by."""
        return self.inputs.backend

    def name(self, judge: str) -> str:
        """The name of a judge with its weights.

        Args:
            judge: as for :meth:`features`.

        Returns:
            The name.
        """
        return self.inputs.name(judge)

    def images(self, *roles: Role) -> Iterator[tuple[np.ndarray, ...]]:
        """Reads the images of one picture after the other.

        Args:
            *roles: which images.

        Yields:
            For each picture one (H, W, 3) uint8 per role.

        Raises:
            InputError: an image has another shape or type.
        """
        for number, pictures in enumerate(self.inputs.images(*roles)):
            for role, picture in zip(roles, pictures, strict=True):
                checks.images(f"{role} {number}", picture[None])
            yield pictures

    def features(self, judge: str, role: Role = "picture") -> np.ndarray:
        """What a judge extracts from the images.

        Args:
            judge: the judge.
            role: which images.

        Returns:
            (N, …) float, NaN where there is not exactly one face.

        Raises:
            InputError: there are not as many as pictures, or they are infinite.
        """
        what = f"features of {judge}, {role}"
        found = self.inputs.features(judge, role)
        if found.ndim < 2:
            checks.dimensions(what, found, (None, None))
        if judge != "set":  # sets may differ in size
            self._of_pictures(what, found)
        checks.finite(what, found, missing=True)
        return found

    def pixels(self) -> np.ndarray:
        """PSNR and SSIM against the truth, over all pixels and those that move, (N, 4)."""
        found = self.inputs.pixels()
        checks.dimensions("pixels", found, (len(self.subjects), 4))
        checks.finite("SSIM of pixels", found[:, [1, 3]], missing=True)
        return found

    def perceptual(self, role: Role) -> np.ndarray:
        """LPIPS of whole pictures.

        Args:
            role: the images to compare with.

        Returns:
            (N,) distances.
        """
        return self._numbers(f"perceptual distances, {role}", self.inputs.perceptual(role))

    def portrait_distances(self) -> tuple[np.ndarray, str]:
        """Perceptual distances (N,) of aligned faces to the patient's, and what computed them."""
        found, name = self.inputs.portrait_distances()
        return self._numbers("distances of portraits", found), name

    def requested(self) -> RequestedMeasures:
        """Requested and measured expressions."""
        found = self.inputs.requested()
        for name in ("requested", "measured", "requested_score", "measured_score"):
            self._numbers(name, getattr(found, name))
        return found

    def readings(self) -> tuple[np.ndarray, np.ndarray]:
        """Whether the judge of expressions reads the requested movement, and its error of the
        weakness, both (N,); NaN where nothing is requested."""
        right, error = self.inputs.readings()
        return self._numbers("readings", right), self._numbers("errors of weakness", error)

    def requests(self) -> Sequence[tuple[Movement, Palsy] | None]:
        """The requested movement and palsy of each picture, None where it is not known."""
        found = self.inputs.requests()
        checks.same_length("pictures", self.subjects, "requests", found)
        return found

    def _of_pictures(self, what: str, found: np.ndarray) -> np.ndarray:
        checks.same_length("pictures", self.subjects, what, found)
        return found

    def _numbers(self, what: str, found: np.ndarray) -> np.ndarray:
        """Checks (N,) numbers, of which some may be missing."""
        checks.dimensions(what, found, (len(self.subjects),))
        checks.finite(what, found, missing=True)
        return found

"""Synthetic subjects: an identity sampled from a seed."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import cv2
import numpy as np

from palsynth.appearance.mesh import EXTENT
from palsynth.appearance.model import (
    ETHNICITIES,
    UNIT,
    appearance_model,
    attribute_row,
    texture_shape,
    to_texture,
)
from palsynth.seeds import Stream, make_rng
from palsynth.subjects.ageing import grey_brows
from palsynth.subjects.monk import monk_tone

EVALUATION_SEEDS = 1_000_000
"""Seeds from this one on are for evaluation only and must not be trained on."""

VALIDATION_SEEDS = EVALUATION_SEEDS - 10_000
"""Seeds from here to EVALUATION_SEEDS are for validation during training: of subjects that are used
neither for training nor for evaluation."""

YOUNGEST, OLDEST = 16, 80
"""Range of ages in years."""

EXTRAPOLATED_FROM = 40.0
"""Few of the photographed people are older: beyond this age the model extrapolates."""

MAX_MODEL_AGE = 42.0
"""Older subjects have the model's appearance at this age: its regression, extrapolated, would
make skin ever darker."""

VARIETY = 1.5
"""Standard deviation of shape and features about the group's mean, relative to that of the
photographed people. With 1.0 more pairs of subjects are matched as one person, and more subjects
resemble a photographed person; from 2.0 on, faces look like caricatures."""

COLOUR_VARIETY = 1.2
"""The same for skin colour and low-frequency shading, which look like stains if they vary more."""

MAX_ADMIXTURE = 0.4
"""Largest share of other groups in a subject's appearance."""

_SHARES = (1 / 2, 1 / 6, 1 / 6, 1 / 6)
"""Default probability of each group: closer to equal than among the photographed people (63, 16,
11 and 9 %), whose few members limit the variety of the smaller groups."""

_IRISES = {
    "dark brown": (62.0, 42.0, 32.0),
    "brown": (94.0, 64.0, 44.0),
    "hazel": (116.0, 96.0, 62.0),
    "green": (112.0, 122.0, 96.0),
    "blue": (106.0, 130.0, 152.0),
    "grey": (122.0, 132.0, 140.0),
}
_IRIS_SHARES = {
    "white": (0.05, 0.27, 0.20, 0.13, 0.25, 0.10),
    "black": (0.75, 0.25, 0.0, 0.0, 0.0, 0.0),
    "west_asian": (0.45, 0.45, 0.08, 0.02, 0.0, 0.0),
    "east_asian": (0.60, 0.40, 0.0, 0.0, 0.0, 0.0),
}
"""Plausible shares of iris colours; a convention of this project."""


def subject_name(seed: int) -> str:
    """The identifier of a subject in datasets.

    Args:
        seed: the seed that it is sampled from.

    Returns:
        ``person-`` and the seed in seven digits.

    Example:
        >>> subject_name(7)
        'person-0000007'
    """
    return f"person-{seed:07d}"


@dataclass(frozen=True)
class Subject:
    """A synthetic subject.

    Attributes:
        seed: the seed that it was sampled from.
        age: age in years.
        gender: "woman" or "man".
        ethnicity: one of ETHNICITIES.
        code: coefficients of the appearance model for shape and features.
        plain_code: coefficients for colour and low-frequency shading.
        iris: (3,) RGB of the iris.
        bell: how far the eye rolls up on attempted closure (Bell's phenomenon), 0 to 1; some
            subjects lack it.
        teeth: brightness factor of the teeth.
        lines: depth of the folds, relative to the average.
    """

    seed: int
    age: float
    gender: str
    ethnicity: str
    code: np.ndarray = field(repr=False)
    plain_code: np.ndarray = field(repr=False)
    iris: np.ndarray = field(repr=False)
    bell: float = 1.0
    teeth: float = 1.0
    lines: float = 1.0

    @property
    def name(self) -> str:
        """The subject's identifier in datasets, see :func:`subject_name`."""
        return subject_name(self.seed)

    @property
    def extrapolated(self) -> bool:
        """Whether the age is beyond those of the photographed people."""
        return self.age > EXTRAPOLATED_FROM

    @cached_property
    def monk(self) -> int:
        """Skin tone in the middle of the face on the Monk scale, 1 (lightest) to 10."""
        height, width = self.skin.shape[:2]
        return monk_tone(self.skin[height // 3 : height * 2 // 3, width // 3 : width * 2 // 3])

    @cached_property
    def landmarks(self) -> np.ndarray:
        """Neutral landmarks (478, 3) float32, canonical units.

        About half as asymmetric as those of the photographed people, so that a healthy face is
        not mistaken for a slight palsy.
        """
        model = appearance_model()
        points = model.landmarks(self.code)
        mirrored = points[model.landmark_mirror] * np.array([-1, 1, 1], np.float32)
        asymmetry = 0.5 / VARIETY
        mean, difference = (points + mirrored) / 2, (points - mirrored) / 2
        return np.asarray(mean + asymmetry * difference, np.float32)

    @cached_property
    def skin(self) -> np.ndarray:
        """Skin texture (H, W, 3) uint8 RGB at the mean shape, with grain and moles."""
        model = appearance_model()
        texture = model.texture(self.plain_code)
        texture += _high_pass(model.lightness(self.code - self.plain_code))[..., None]
        _soften_seams(texture)
        rng = make_rng(self.seed, Stream.SUBJECT_SKIN)
        texture += _grain(rng, model.grain)[..., None]
        _moles(texture, rng)
        grey_brows(texture, self.age)
        # the texture's edge is extended outwards, so that no black bleeds in from beyond it
        beyond = ~model.inside
        texture = texture.clip(0, 255).astype(np.uint8)
        extended = _extend(texture, model.inside)
        texture[beyond] = extended[beyond]
        return texture


def sample(
    seed: int,
    *,
    age: float | None = None,
    gender: str | None = None,
    ethnicity: str | None = None,
) -> Subject:
    """Samples a subject; the same seed and attributes give the same subject everywhere.

    Args:
        seed: seed, at least 0; seeds from EVALUATION_SEEDS on are for evaluation.
        age: age in years, 16 to 80; default: sampled.
        gender: "woman" or "man"; default: sampled.
        ethnicity: one of ETHNICITIES; default: sampled.

    Returns:
        The subject.

    Raises:
        ValueError: if an argument is out of range.
    """
    if seed < 0:
        raise ValueError(f"seed {seed}: a subject's seed is a whole number from 0 on")
    if age is not None and not YOUNGEST <= age <= OLDEST:
        raise ValueError(f"age {age:g}: subjects can be rendered from {YOUNGEST} to {OLDEST} years")
    if gender not in (None, "woman", "man"):
        raise ValueError(f"gender '{gender}': choose woman or man")
    if ethnicity is not None and ethnicity not in ETHNICITIES:
        raise ValueError(f"ethnicity '{ethnicity}': choose one of {', '.join(ETHNICITIES)}")
    rng = make_rng(seed, Stream.SUBJECT_ATTRIBUTES)
    # all attributes are sampled, so that a given one does not change the others
    random_age = float(np.clip(rng.gamma(6.0, 2.2) + 17, 18, 55))
    random_gender = "woman" if rng.random() < 0.5 else "man"
    random_ethnicity = str(rng.choice(ETHNICITIES, p=_SHARES))
    subject_age = random_age if age is None else float(age)
    subject_gender = gender or random_gender
    subject_ethnicity = ethnicity or random_ethnicity

    model = appearance_model()
    known_age = min(subject_age, MAX_MODEL_AGE)
    row = attribute_row(known_age, subject_gender == "woman", subject_ethnicity)
    share = rng.uniform(0, MAX_ADMIXTURE)
    row[3:] = (1 - share) * row[3:] + share * rng.dirichlet(np.full(len(ETHNICITIES), 0.6))[1:]
    noise = np.clip(rng.standard_normal(model.code_length), -2.0, 2.0)
    centre, deviation = row @ model.regression, model.spread @ noise
    code = (centre + VARIETY * deviation).astype(np.float32)
    plain_code = (centre + COLOUR_VARIETY * deviation).astype(np.float32)
    shares = np.array(_IRIS_SHARES[subject_ethnicity])
    colour = np.array(list(_IRISES.values())[int(rng.choice(len(shares), p=shares))])
    iris = np.clip(colour * rng.normal(1.0, 0.08) + rng.normal(0, 5, 3), 20, 200)
    return Subject(
        seed=seed,
        age=round(subject_age, 1),
        gender=subject_gender,
        ethnicity=subject_ethnicity,
        code=code,
        plain_code=plain_code,
        iris=iris,
        bell=float(np.clip(rng.normal(0.9, 0.25), 0, 1)),
        teeth=float(rng.uniform(0.9, 1.05)),
        lines=float(np.clip(0.55 + 0.022 * (subject_age - 18) + rng.normal(0, 0.1), 0.4, 1.5)),
    )


def _high_pass(light: np.ndarray) -> np.ndarray:
    """Removes the low frequencies of (H, W), which would look like stains."""
    small = cv2.resize(light, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    broad = cv2.GaussianBlur(small, (0, 0), 5)
    return np.asarray(light - cv2.resize(broad, light.shape[::-1]))


def _soften_seams(texture: np.ndarray) -> None:
    """Blurs, in place, the regions beside the brows in which the photographed people's hair was
    replaced: the model's variation ends there in a vertical edge."""
    height, width = texture.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32) / UNIT
    x, y = np.abs(x + EXTENT[0]), y + EXTENT[1]
    weight = np.exp(-np.square((x - 0.62) / 0.045)) * np.clip((y + 0.45) / 0.1, 0, 1)
    weight *= np.clip((0.05 - y) / 0.1, 0, 1)
    soft = cv2.GaussianBlur(texture, (0, 0), sigmaX=7, sigmaY=3)
    texture += (soft - texture) * weight[..., None]


def _grain(rng: np.random.Generator, amount: np.ndarray) -> np.ndarray:
    """Pores and fine texture (H, W), of the strength that the model's components lack."""
    white = rng.standard_normal(texture_shape()).astype(np.float32)
    fine = cv2.GaussianBlur(white, (0, 0), 0.7) - cv2.GaussianBlur(white, (0, 0), 1.6)
    broad = cv2.GaussianBlur(white, (0, 0), 2.0) - cv2.GaussianBlur(white, (0, 0), 5.0)
    noise = 0.8 * fine / fine.std() + 0.4 * broad / broad.std()
    return noise * np.minimum(amount.astype(np.float32), 6.0) * 0.55


def _moles(texture: np.ndarray, rng: np.random.Generator) -> None:
    """Adds a few moles, in place."""
    for _ in range(int(rng.poisson(2.2))):
        x, y = to_texture(np.array([rng.uniform(-0.6, 0.6), rng.uniform(-0.4, 1.1)], np.float32))
        size, depth = rng.uniform(0.7, 1.5), rng.uniform(0.25, 0.55)
        left, top = int(x) - 6, int(y) - 6
        grid_y, grid_x = np.mgrid[top : top + 13, left : left + 13]
        spot = np.exp(-(np.square(grid_x - x) + np.square(grid_y - y)) / (2 * size**2))
        window = texture[top : top + 13, left : left + 13]
        window *= 1 - (depth * spot)[..., None] * np.array([0.8, 1.0, 1.05])


def _extend(texture: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Extrapolates colours beyond a mask by normalised blurs of the region inside, at a quarter of
    the size."""
    height, width = mask.shape
    weight = mask.astype(np.float32)
    small = cv2.resize(
        texture.astype(np.float32) * weight[..., None],
        (width // 4, height // 4),
        interpolation=cv2.INTER_AREA,
    )
    share = cv2.resize(weight, (width // 4, height // 4), interpolation=cv2.INTER_AREA)
    near = cv2.GaussianBlur(small, (0, 0), 1.5), cv2.GaussianBlur(share, (0, 0), 1.5)[..., None]
    far = cv2.GaussianBlur(small, (0, 0), 8), cv2.GaussianBlur(share, (0, 0), 8)[..., None]
    extended = np.where(
        near[1] > 0.05, near[0] / np.maximum(near[1], 0.05), far[0] / np.maximum(far[1], 1e-3)
    )
    return np.asarray(cv2.resize(extended, (width, height)).clip(0, 255), np.uint8)

"""People who do not exist: who somebody is, drawn from a seed."""

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
"""Seeds from here on are for evaluation only; nothing trains on them."""

YOUNGEST, OLDEST = 16, 80
"""Years between which people can be drawn."""

OLDEST_PHOTOGRAPHED = 40.0
"""Few of the photographed people were older: beyond this age the model extrapolates."""

OLDEST_KNOWN = 42.0
"""The model's looks are those of this age for whoever is older: its regression, carried on, would
make their skin darker and darker."""

VARIETY = 1.5
"""Spread of people's shape and features about their group's mean, relative to those who were
photographed. With 1.0 more pairs are taken for one person, and more people resemble somebody
photographed; from 2.0 on, faces look drawn by a caricaturist."""

COLOUR_VARIETY = 1.2
"""The same for skin colour and broad light, which look like stains where they vary more."""

MOST_MIXED = 0.4
"""Largest share of other groups that anybody's looks are mixed from."""

_SHARES = (1 / 2, 1 / 6, 1 / 6, 1 / 6)
"""How often each group is drawn where none is asked for: nearer to equal than among the
photographed people (63, 16, 11 and 9 %), whose few members limit the smaller groups' variety."""

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


@dataclass(frozen=True)
class Subject:
    """Somebody who does not exist.

    ``code`` the numbers of the appearance model that give shape and features, ``plain_code``
    those that give colour and broad light; ``iris`` (3,) RGB; ``bell`` 0 … 1 how far the eye
    rolls up on attempted closure (not everybody's does); ``teeth`` factor of tooth white;
    ``lines`` how deep folds are.
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
    def extrapolated(self) -> bool:
        """Whether the age lies beyond those photographed."""
        return self.age > OLDEST_PHOTOGRAPHED

    @cached_property
    def monk(self) -> int:
        """Tone of the skin by the Monk scale, 1 (lightest) … 10, in the middle of the face."""
        height, width = self.skin.shape[:2]
        return monk_tone(self.skin[height // 3 : height * 2 // 3, width // 3 : width * 2 // 3])

    @cached_property
    def landmarks(self) -> np.ndarray:
        """Neutral landmarks (478, 3), canonical units.

        About half as lopsided as the photographed people's, so that a healthy face is not
        taken for a slightly palsied one.
        """
        model = appearance_model()
        points = model.landmarks(self.code)
        mirrored = points[model.landmark_mirror] * np.array([-1, 1, 1], np.float32)
        lopsided = 0.5 / VARIETY
        mean, gap = (points + mirrored) / 2, (points - mirrored) / 2
        return np.asarray(mean + lopsided * gap, np.float32)

    @cached_property
    def skin(self) -> np.ndarray:
        """Skin (H, W, 3) uint8 RGB at the mean shape, with grain and moles."""
        model = appearance_model()
        texture = model.texture(self.plain_code)
        texture += _fine_part(model.lightness(self.code - self.plain_code))[..., None]
        _soften_seams(texture)
        rng = make_rng(self.seed, Stream.SUBJECT_SKIN)
        texture += _grain(rng, model.grain)[..., None]
        _moles(texture, rng)
        grey_brows(texture, self.age)
        # the texture's rim is repeated outwards, so that no black creeps in where it ends
        outside = ~model.inside
        texture = texture.clip(0, 255).astype(np.uint8)
        blurred = _extend(texture, model.inside)
        texture[outside] = blurred[outside]
        return texture


def sample(
    seed: int,
    *,
    age: float | None = None,
    gender: str | None = None,
    ethnicity: str | None = None,
) -> Subject:
    """Draws a person. The same seed and attributes give the same person everywhere.

    ``age`` in years (16 to 80), ``gender`` "woman" or "man", ``ethnicity`` one of
    ETHNICITIES; what is not asked for is drawn. Raises ValueError for anything else.
    """
    if seed < 0:
        raise ValueError(f"seed {seed}: a person's seed is a whole number from 0 on")
    if age is not None and not YOUNGEST <= age <= OLDEST:
        raise ValueError(f"age {age:g}: people can be drawn from {YOUNGEST} to {OLDEST} years")
    if gender not in (None, "woman", "man"):
        raise ValueError(f"gender '{gender}': choose woman or man")
    if ethnicity is not None and ethnicity not in ETHNICITIES:
        raise ValueError(f"ethnicity '{ethnicity}': choose one of {', '.join(ETHNICITIES)}")
    rng = make_rng(seed, Stream.SUBJECT_ATTRIBUTES)
    drawn_age = float(np.clip(rng.gamma(6.0, 2.2) + 17, 18, 55))
    drawn_gender = "woman" if rng.random() < 0.5 else "man"
    drawn_ethnicity = str(rng.choice(ETHNICITIES, p=_SHARES))
    subject_age = drawn_age if age is None else float(age)
    subject_gender = gender or drawn_gender
    subject_ethnicity = ethnicity or drawn_ethnicity

    model = appearance_model()
    known_age = min(subject_age, OLDEST_KNOWN)
    row = attribute_row(known_age, subject_gender == "woman", subject_ethnicity)
    share = rng.uniform(0, MOST_MIXED)
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


def _fine_part(light: np.ndarray) -> np.ndarray:
    """What is left of (H, W) without its broad patches, which would look like stains."""
    small = cv2.resize(light, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    broad = cv2.GaussianBlur(small, (0, 0), 5)
    return np.asarray(light - cv2.resize(broad, light.shape[::-1]))


def _soften_seams(texture: np.ndarray) -> None:
    """Blurs, in place, where beside the brows the photographed people's hair was replaced: what the
    model varies there ends in an upright edge."""
    height, width = texture.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32) / UNIT
    x, y = np.abs(x + EXTENT[0]), y + EXTENT[1]
    weight = np.exp(-np.square((x - 0.62) / 0.045)) * np.clip((y + 0.45) / 0.1, 0, 1)
    weight *= np.clip((0.05 - y) / 0.1, 0, 1)
    soft = cv2.GaussianBlur(texture, (0, 0), sigmaX=7, sigmaY=3)
    texture += (soft - texture) * weight[..., None]


def _grain(rng: np.random.Generator, amount: np.ndarray) -> np.ndarray:
    """Pores and fine unevenness (H, W), as strong as the model's components leave out."""
    white = rng.standard_normal(texture_shape()).astype(np.float32)
    fine = cv2.GaussianBlur(white, (0, 0), 0.7) - cv2.GaussianBlur(white, (0, 0), 1.6)
    broad = cv2.GaussianBlur(white, (0, 0), 2.0) - cv2.GaussianBlur(white, (0, 0), 5.0)
    noise = 0.8 * fine / fine.std() + 0.4 * broad / broad.std()
    return noise * np.minimum(amount.astype(np.float32), 6.0) * 0.55


def _moles(texture: np.ndarray, rng: np.random.Generator) -> None:
    """A few moles, in place."""
    for _ in range(int(rng.poisson(2.2))):
        x, y = to_texture(np.array([rng.uniform(-0.6, 0.6), rng.uniform(-0.4, 1.1)], np.float32))
        size, depth = rng.uniform(0.7, 1.5), rng.uniform(0.25, 0.55)
        left, top = int(x) - 6, int(y) - 6
        grid_y, grid_x = np.mgrid[top : top + 13, left : left + 13]
        spot = np.exp(-(np.square(grid_x - x) + np.square(grid_y - y)) / (2 * size**2))
        window = texture[top : top + 13, left : left + 13]
        window *= 1 - (depth * spot)[..., None] * np.array([0.8, 1.0, 1.05])


def _extend(texture: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Colours beyond the region's rim: a blur, at a quarter of the size, that only it feeds."""
    height, width = inside.shape
    weight = inside.astype(np.float32)
    small = cv2.resize(
        texture.astype(np.float32) * weight[..., None],
        (width // 4, height // 4),
        interpolation=cv2.INTER_AREA,
    )
    share = cv2.resize(weight, (width // 4, height // 4), interpolation=cv2.INTER_AREA)
    near = cv2.GaussianBlur(small, (0, 0), 1.5), cv2.GaussianBlur(share, (0, 0), 1.5)[..., None]
    far = cv2.GaussianBlur(small, (0, 0), 8), cv2.GaussianBlur(share, (0, 0), 8)[..., None]
    both = np.where(
        near[1] > 0.05, near[0] / np.maximum(near[1], 0.05), far[0] / np.maximum(far[1], 1e-3)
    )
    return np.asarray(cv2.resize(both, (width, height)).clip(0, 255), np.uint8)

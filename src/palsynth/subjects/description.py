"""Descriptions of faces in words: subjects that match a description, and descriptions of subjects.

The vocabulary is small, because each word must have an effect on the image: gender, age, skin tone
and group. Other words are refused by name, so that none is silently ignored.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from palsynth.errors import InputError
from palsynth.face.face import Face
from palsynth.face.framing import RECOGNISER
from palsynth.subjects.subject import OLDEST, YOUNGEST, Subject, sample

GENDERS = {
    "woman": {"woman", "female", "lady", "girl"},
    "man": {"man", "male", "gentleman", "boy"},
}
"""Gender -> words for it."""

TONES = {
    "light": {"light", "fair", "pale"},
    "medium": {"medium", "olive", "tan"},
    "dark": {"dark", "brown"},
}
"""Skin tone -> words for it."""

SKINS = tuple(TONES)
"""The skin tones, lightest first."""

_GROUPS = {
    "west asian": "west_asian",
    "east asian": "east_asian",
    "white": "white",
    "black": "black",
}
"""Words for a group -> its name in the appearance model."""

_STOP_WORDS = {
    "a",
    "an",
    "the",
    "of",
    "about",
    "around",
    "age",
    "aged",
    "with",
    "and",
    "person",
    "somebody",
    "someone",
    "adult",
    "in",
    "her",
    "his",
    "their",
    "skin",
    "skinned",
    "tone",
    "toned",
}
"""Words that are ignored."""

_LIGHTNESS = (56.0, 48.0)
"""Lightness (CIE L*, 0 to 100) above which skin is called light, and medium."""

_MAX_TRIALS = 400
"""Subjects sampled in a row without a match before a description is given up."""

VOCABULARY = (
    "use woman or man, an age such as 'about 30', light, medium or dark skin, white, black, East "
    "Asian or West Asian"
)
"""The vocabulary, for error messages."""


@dataclass(frozen=True)
class Description:
    """A description of a subject; attributes that are None are sampled.

    Attributes:
        words: the words as given.
        gender: "woman" or "man".
        age: age in years.
        group: one of the appearance model's ETHNICITIES.
        skin: one of SKINS.
    """

    words: str
    gender: str | None = None
    age: float | None = None
    group: str | None = None
    skin: str | None = None

    def subjects(self, seed: int) -> Iterator[Subject]:
        """Samples the subjects that match the description.

        Subject seeds start at an offset that depends on the description, so that a change of its
        words does not give the same face with another skin.

        Args:
            seed: added to the offset.

        Yields:
            Matching subjects, with increasing seeds.

        Raises:
            InputError: if 400 subjects in a row do not match.
        """
        attributes = repr((self.gender, self.age, self.group, self.skin))
        seed += 10 * (zlib.crc32(attributes.encode()) % 90_000)
        trials = 0
        while trials < _MAX_TRIALS:
            subject = sample(seed, gender=self.gender, age=self.age, ethnicity=self.group)
            if self.skin is None or skin_of(subject) == self.skin:
                trials = 0
                yield subject
            trials += 1
            seed += 1
        raise InputError(
            f"description '{self.words}': no match among {_MAX_TRIALS} subjects; use fewer words"
        )


def read_description(words: str) -> Description:
    """Parses a description.

    Args:
        words: such as "woman of about 30 with dark skin".

    Returns:
        The description.

    Raises:
        InputError: if there is no word, a word is not in the vocabulary, words contradict each
            other, or the age is out of range.

    Example:
        >>> read_description("a black lady of 40").group
        'black'
    """
    rest = " ".join(re.findall(r"[a-z0-9]+", words.lower()))
    if not rest:
        raise InputError(f"description '{words}': is empty; {VOCABULARY}")
    rest = re.sub(r"\byears?( old)?\b", "", rest)
    groups = []
    for phrase, name in _GROUPS.items():
        if re.search(rf"\b{phrase}\b", rest):
            rest = re.sub(rf"\b{phrase}\b", "", rest)
            groups.append(name)
    genders, skins = list[str](), list[str]()
    ages, unknown = list[float](), list[str]()
    for word in rest.split():
        if number := re.fullmatch(r"(\d{1,3})s?", word):
            ages.append(float(number.group(1)))
        elif gender := next((g for g, names in GENDERS.items() if word in names), None):
            genders.append(gender)
        elif skin := next((s for s, names in TONES.items() if word in names), None):
            skins.append(skin)
        elif word not in _STOP_WORDS:
            unknown.append(word)
    if unknown:
        raise InputError(
            f"description '{words}': '{' '.join(unknown)}' cannot be rendered; {VOCABULARY}"
        )
    for values in (genders, skins, [f"{age:g}" for age in ages], groups):
        if len(set(values)) > 1:
            listed = " and ".join(values).replace("_", " ")
            raise InputError(f"description '{words}': contains {listed}; use one of them")
    if ages and not YOUNGEST <= ages[0] <= OLDEST:
        raise InputError(
            f"description '{words}': subjects can be rendered from {YOUNGEST} to {OLDEST} years"
        )
    gender, group, skin = (next(iter(values), None) for values in (genders, groups, skins))
    return Description(words, gender, next(iter(ages), None), group, skin)


def describe(subject: Subject) -> str:
    """Describes a synthetic subject in the vocabulary of :func:`read_description`.

    Our small Stable Diffusion is trained on these descriptions.

    Args:
        subject: the subject.

    Returns:
        Such as "woman of about 30 with dark skin".
    """
    return _in_words(subject.gender, subject.age, skin_of(subject))


def describe_face(face: Face, gender: str = "", age: float | None = None) -> str:
    """Describes a photographed face in the same vocabulary; the skin tone is measured.

    Args:
        face: the face.
        gender: one of the words in GENDERS; others, or none, give "person".
        age: age in years; default: left out.

    Returns:
        Such as "person with light skin".
    """
    known = next((name for name, words in GENDERS.items() if gender.lower() in words), "person")
    return _in_words(known, age, skin_in(face))


def _in_words(noun: str, age: float | None, skin: str) -> str:
    """A description; the age is rounded to the decade, 70 at most."""
    about = "" if age is None else f" of about {min(round(age / 10), 7) * 10}"
    return f"{noun}{about} with {skin} skin"


def skin_of(subject: Subject) -> str:
    """The skin tone of a synthetic subject, by the lightness of the middle of the face.

    Args:
        subject: the subject.

    Returns:
        One of SKINS.
    """
    height, width = subject.skin.shape[:2]
    return _tone(subject.skin[height // 3 : height * 2 // 3, width // 3 : width * 2 // 3])


def skin_in(face: Face) -> str:
    """The apparent skin tone in a photo, by the lightness of the middle of the face.

    Args:
        face: the face; the light of the photo is not corrected.

    Returns:
        One of SKINS.
    """
    crop = face.aligned(RECOGNISER, 96).image
    return _tone(crop[30:70, 20:76])


def _tone(skin: np.ndarray) -> str:
    lab = cv2.cvtColor(np.ascontiguousarray(skin, np.float32) / 255, cv2.COLOR_RGB2LAB)
    lightness = float(np.median(lab[..., 0]))
    return SKINS[sum(lightness < limit for limit in _LIGHTNESS)]

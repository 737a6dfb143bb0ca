"""People in words, both ways: whom a description fits, and how somebody is described.

The words are few, because each must mean something that can be drawn: gender, age, tone of skin and
group. A word that cannot be drawn is refused by name, so that nobody believes it was heard.
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
"""What people can be drawn as -> words that say so."""

TONES = {
    "light": {"light", "fair", "pale"},
    "medium": {"medium", "olive", "tan"},
    "dark": {"dark", "brown"},
}
"""Tone of skin -> words that say so."""

SKINS = tuple(TONES)

_GROUPS = {
    "west asian": "west_asian",
    "east asian": "east_asian",
    "white": "white",
    "black": "black",
}
"""Words for a group -> its name in the appearance model."""

_WITHOUT_MEANING = {
    "a", "an", "the", "of", "about", "around", "age", "aged", "with", "and", "person", "somebody",
    "someone", "adult", "in", "her", "his", "their", "skin", "skinned", "tone", "toned",
}  # fmt: skip

_LIGHTNESS = (56.0, 48.0)
"""Lightness (CIE L*, 0 … 100) of the skin above which it is called light, and medium."""

_MOST_TRIED = 400
"""People who are drawn before it is said that nobody fits."""

CAN_BE_SAID = (
    "say woman or man, an age such as 'about 30', light, medium or dark skin, white, black, East "
    "Asian or West Asian"
)


@dataclass(frozen=True)
class Description:
    """Whom to draw; what is None is left to chance. ``age`` in years, ``group`` one of the
    appearance model's, ``skin`` one of SKINS."""

    words: str
    gender: str | None = None
    age: float | None = None
    group: str | None = None
    skin: str | None = None

    def subjects(self, seed: int) -> Iterator[Subject]:
        """Everybody whom it fits. Where they begin depends on the description too, so that other
        words do not give the same face with other skin; ``seed`` goes on from there.

        Raises InputError where nobody fits.
        """
        said = repr((self.gender, self.age, self.group, self.skin))
        seed += 10 * (zlib.crc32(said.encode()) % 90_000)
        tried = 0
        while tried < _MOST_TRIED:
            subject = sample(seed, gender=self.gender, age=self.age, ethnicity=self.group)
            if self.skin is None or skin_of(subject) == self.skin:
                tried = 0
                yield subject
            tried += 1
            seed += 1
        raise InputError(
            f"description '{self.words}': nobody fits among {_MOST_TRIED} people; say less"
        )


def read_description(words: str) -> Description:
    """A description such as "woman of about 30 with dark skin".

    Raises InputError naming words that cannot be drawn or contradict each other, or the age.
    """
    rest = " ".join(re.findall(r"[a-z0-9]+", words.lower()))
    if not rest:
        raise InputError(f"description '{words}': is empty; {CAN_BE_SAID}")
    rest = re.sub(r"\byears?( old)?\b", "", rest)
    groups = []
    for said, name in _GROUPS.items():
        if re.search(rf"\b{said}\b", rest):
            rest = re.sub(rf"\b{said}\b", "", rest)
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
        elif word not in _WITHOUT_MEANING:
            unknown.append(word)
    if unknown:
        raise InputError(
            f"description '{words}': '{' '.join(unknown)}' cannot be drawn; {CAN_BE_SAID}"
        )
    for found in (genders, skins, [f"{age:g}" for age in ages], groups):
        if len(set(found)) > 1:
            both = " and ".join(found).replace("_", " ")
            raise InputError(f"description '{words}': says {both}; say one of them")
    if ages and not YOUNGEST <= ages[0] <= OLDEST:
        raise InputError(
            f"description '{words}': people can be drawn from {YOUNGEST} to {OLDEST} years"
        )
    gender, group, skin = (next(iter(found), None) for found in (genders, groups, skins))
    return Description(words, gender, next(iter(ages), None), group, skin)


def describe(subject: Subject) -> str:
    """Somebody who does not exist in words that :func:`read_description` understands and our small
    Stable Diffusion has learnt, "woman of about 30 with dark skin"."""
    return _in_words(subject.gender, subject.age, skin_of(subject))


def describe_face(face: Face, gender: str = "", age: float | None = None) -> str:
    """Somebody in a photo in the same words: the tone of skin is seen in it, gender and age are not
    and are left out where they are not known; without a gender it is a "person"."""
    known = next((name for name, words in GENDERS.items() if gender.lower() in words), "person")
    return _in_words(known, age, skin_in(face))


def _in_words(who: str, age: float | None, skin: str) -> str:
    """Age in years, to the decade, 70 at most."""
    about = "" if age is None else f" of about {min(round(age / 10), 7) * 10}"
    return f"{who}{about} with {skin} skin"


def skin_of(subject: Subject) -> str:
    """One of SKINS, by the lightness of the middle of the face."""
    height, width = subject.skin.shape[:2]
    return _tone(subject.skin[height // 3 : height * 2 // 3, width // 3 : width * 2 // 3])


def skin_in(face: Face) -> str:
    """One of SKINS as a photo shows it, in the light it was taken in, by the middle of the face."""
    cut = face.aligned(RECOGNISER, 96).image
    return _tone(cut[30:70, 20:76])


def _tone(skin: np.ndarray) -> str:
    lab = cv2.cvtColor(np.ascontiguousarray(skin, np.float32) / 255, cv2.COLOR_RGB2LAB)
    lightness = float(np.median(lab[..., 0]))
    return SKINS[sum(lightness < limit for limit in _LIGHTNESS)]

"""The words that go with a picture: one fixed sentence in which only the person changes."""

from __future__ import annotations

import re

import cv2
import numpy as np

from palsynth.errors import InputError
from palsynth.people import Person, sample

PROMPT = (
    "ID photo of person wearing light-blue surgical cap and top, frontal headshot centered, even "
    "lighting, light-blue background, ultra-realistic, sharp focus"
)
"""The prompt of Tajima, Seo & Chen 2026; at synthesis "person" gives way to a description."""

WHO = "person"

GENDERS = {
    "woman": {"woman", "female", "lady", "girl", "she", "her"},
    "man": {"man", "male", "gentleman", "boy", "he", "his"},
}
"""What people can be drawn as -> words that say so."""

SKINS = ("light", "medium", "dark")
_LIGHTNESS = (56.0, 48.0)
"""Lightness (CIE L*, 0 … 100) of the skin above which it is called light, and medium."""


def prompt(who: str = WHO) -> str:
    """The sentence with a description, such as "woman of about 30", in place of "person".

    Raises InputError for an empty one.
    """
    words = " ".join(who.split())
    if not words:
        raise InputError("description '': say who, as in 'woman of about 30 with light skin'")
    return PROMPT.replace(WHO, words, 1)


def describe(person: Person) -> str:
    """A person who does not exist in the words that our small Stable Diffusion has learnt."""
    decade = round(person.age / 10) * 10
    return f"{person.gender} of about {decade} with {skin_of(person)} skin"


def skin_of(person: Person) -> str:
    """One of SKINS, by the lightness of the middle of the face."""
    height, width = person.skin.shape[:2]
    middle = person.skin[height // 3 : height * 2 // 3, width // 3 : width * 2 // 3]
    lab = cv2.cvtColor(middle.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    lightness = float(np.median(lab[..., 0]))
    return SKINS[sum(lightness < limit for limit in _LIGHTNESS)]


def _descriptions() -> list[str]:
    people = [
        f"{gender} of about {decade}" for gender in ("woman", "man") for decade in range(20, 80, 10)
    ]
    skins = [f"{who} with {skin} skin" for who in people for skin in SKINS]
    return [WHO, "woman", "man", *people, *skins]


def shorter(who: str, draw: float) -> str:
    """A description as people give it, by a draw from 0 … 1: whole in half of all cases, else
    without skin, without age too, or nothing but "person"."""
    if draw < 0.5:
        return who
    if draw < 0.65:
        return who.split(" with ")[0]
    return who.split(" of ")[0] if draw < 0.75 else WHO


def described(words: str, seed: int) -> Person:
    """Somebody who does not exist, drawn from the seed, whom a description fits: its woman or man
    and its age, such as "woman of about 30"."""
    said = set(re.findall(r"[a-z]+", words.lower()))
    gender = next((g for g, names in GENDERS.items() if said & names), None)
    number = re.search(r"\d+", words)
    age = float(number.group()) if number else None
    try:
        return sample(seed, gender=gender, age=age)
    except ValueError as error:
        raise InputError(f"description '{words}': {error}") from None


DESCRIPTIONS = tuple(_descriptions())
"""Every description of a person who does not exist, and what :func:`shorter` makes of them."""

SENTENCES = tuple(prompt(who) for who in DESCRIPTIONS)
"""Every prompt that training uses; an example holds the number of its own."""

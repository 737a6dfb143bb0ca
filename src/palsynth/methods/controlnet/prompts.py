"""The words that go with a picture: one fixed sentence in which only the person changes."""

from __future__ import annotations

from palsynth.errors import InputError
from palsynth.subjects.description import SKINS

PROMPT = (
    "ID photo of person wearing light-blue surgical cap and top, frontal headshot centered, even "
    "lighting, light-blue background, ultra-realistic, sharp focus"
)
"""The prompt of Tajima, Seo & Chen 2026; at synthesis "person" gives way to a description."""

ANYBODY = "person"


def prompt(description: str = ANYBODY) -> str:
    """The sentence with a description, such as "woman of about 30", in place of "person".

    Raises InputError for an empty one.
    """
    words = " ".join(description.split())
    if not words:
        raise InputError("description '': say who, as in 'woman of about 30 with light skin'")
    return PROMPT.replace(ANYBODY, words, 1)


def _descriptions() -> list[str]:
    subjects = [
        f"{gender} of about {decade}" for gender in ("woman", "man") for decade in range(20, 80, 10)
    ]
    skins = [f"{description} with {skin} skin" for description in subjects for skin in SKINS]
    return [ANYBODY, "woman", "man", *subjects, *skins]


def shorter(description: str, chance: float) -> str:
    """A description as people give it, by a draw from 0 … 1: whole in half of all cases, else
    without skin, without age too, or nothing but "person"."""
    if chance < 0.5:
        return description
    if chance < 0.65:
        return description.split(" with ")[0]
    return description.split(" of ")[0] if chance < 0.75 else ANYBODY


DESCRIPTIONS = tuple(_descriptions())
"""Every description of a person who does not exist, and what :func:`shorter` makes of them."""

SENTENCES = tuple(prompt(description) for description in DESCRIPTIONS)
"""Every prompt that training uses; an example holds the number of its own."""

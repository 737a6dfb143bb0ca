"""Prompts: one fixed sentence in which only the description of the person changes."""

from __future__ import annotations

from palsynth.errors import InputError
from palsynth.subjects.description import SKINS

PROMPT = (
    "ID photo of person wearing light-blue surgical cap and top, frontal headshot centered, even "
    "lighting, light-blue background, ultra-realistic, sharp focus"
)
"""The prompt of all training images in Tajima, Seo & Chen 2026, section IV.A; at synthesis a
description replaces "person"."""

DEFAULT_DESCRIPTION = "person"


def prompt(description: str = DEFAULT_DESCRIPTION) -> str:
    """The fixed sentence with a description in place of "person".

    Args:
        description: the subject in a few words, such as "woman of about 30"; runs of white space
            become one space.

    Returns:
        The whole prompt.

    Raises:
        InputError: the description is empty.

    Example:
        >>> prompt("woman of about 30")[:40]
        'ID photo of woman of about 30 wearing li'
    """
    words = " ".join(description.split())
    if not words:
        raise InputError(
            "description '': describe the person, as in 'woman of about 30 with light skin'"
        )
    return PROMPT.replace(DEFAULT_DESCRIPTION, words, 1)


def _descriptions() -> list[str]:
    subjects = [
        f"{gender} of about {decade}" for gender in ("woman", "man") for decade in range(20, 80, 10)
    ]
    skins = [f"{description} with {skin} skin" for description in subjects for skin in SKINS]
    return [DEFAULT_DESCRIPTION, "woman", "man", *subjects, *skins]


def shorter(description: str, chance: float) -> str:
    """Shortens a description at random, because users describe people in more or less detail.

    Args:
        description: one of :data:`DESCRIPTIONS`.
        chance: a uniform random number, 0 … 1.

    Returns:
        The whole description in half of all cases; else it without the skin (0.15), without the
        age too (0.1), or "person" (0.25).

    Example:
        >>> shorter("woman of about 30 with light skin", 0.6)
        'woman of about 30'
    """
    if chance < 0.5:
        return description
    if chance < 0.65:
        return description.split(" with ")[0]
    return description.split(" of ")[0] if chance < 0.75 else DEFAULT_DESCRIPTION


DESCRIPTIONS = tuple(_descriptions())
"""Every description of a synthetic subject, and their shortened forms (:func:`shorter`)."""

SENTENCES = tuple(prompt(description) for description in DESCRIPTIONS)
"""Every prompt used in training; an example stores the index of its own."""

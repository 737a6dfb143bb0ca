"""House-Brackmann grades, and what each means for the nerve's branches."""

from __future__ import annotations

from enum import StrEnum


class Grade(StrEnum):
    """House-Brackmann grades (House & Brackmann 1985)."""

    I = "I"  # noqa: E741
    II = "II"
    III = "III"
    IV = "IV"
    V = "V"
    VI = "VI"

    @property
    def number(self) -> int:
        """The grade as a number, 1 … 6."""
        return list(Grade).index(self) + 1


GRADE_FUNCTION: dict[Grade, tuple[float, float, float, float]] = {
    # temporal, zygomatic, buccal, marginal and cervical
    Grade.I: (1.0, 1.0, 1.0, 1.0),
    Grade.II: (0.8, 0.9, 0.8, 0.8),
    Grade.III: (0.45, 0.75, 0.55, 0.55),
    Grade.IV: (0.0, 0.5, 0.35, 0.35),
    Grade.V: (0.0, 0.2, 0.12, 0.12),
    Grade.VI: (0.0, 0.0, 0.0, 0.0),
}
"""Function of the branches in each grade. The grades are defined in words (forehead "none" and
eye closure incomplete from IV, mouth "slight movement" in V); the numbers are a convention of
this project."""


GRADE_TONE = {Grade.V: 0.5, Grade.VI: 0.0}
"""At rest only grades V and VI differ from a healthy face."""


GRADE_SYNKINESIS = {Grade.II: 0.15, Grade.III: 0.5, Grade.IV: 0.8, Grade.V: 0.2}

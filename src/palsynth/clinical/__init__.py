"""The facial nerve, the standard movements and the grading scales, in plain Python."""

from palsynth.clinical.grades import Grade
from palsynth.clinical.movements import EYE_CLOSURES, YANAGIHARA, Movement, effort
from palsynth.clinical.nerve import SUPPLY, Branch, Muscle, Side
from palsynth.clinical.palsy import Palsy, SidePalsy
from palsynth.clinical.scales import (
    Sunnybrook,
    house_brackmann,
    item_score,
    palsy_from_yanagihara,
    score_of_function,
    sunnybrook,
    yanagihara_band,
    yanagihara_total,
)

__all__ = [
    "EYE_CLOSURES",
    "SUPPLY",
    "YANAGIHARA",
    "Branch",
    "Grade",
    "Movement",
    "Muscle",
    "Palsy",
    "Side",
    "SidePalsy",
    "Sunnybrook",
    "effort",
    "house_brackmann",
    "item_score",
    "palsy_from_yanagihara",
    "score_of_function",
    "sunnybrook",
    "yanagihara_band",
    "yanagihara_total",
]

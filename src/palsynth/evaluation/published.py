"""Published figures, on other data and pictures: shown beside ours, not comparable to them.

Tajima, Seo & Chen 2026, Tables I (questionnaire, 14 raters) and II. The figures of CFCPalsy
(arXiv 2409.07271) on AFLFP and MEEI were not available; their protocol is ``palsynth afid``.
"""

from __future__ import annotations

from dataclasses import dataclass

from palsynth.evaluation.document import Table

SOURCE = "Tajima, Seo & Chen 2026"


@dataclass(frozen=True)
class Published:
    """A row of the paper. Ratings are mean and standard deviation on five points, 5 best; None
    if the paper gives none.

    Attributes:
        method: name of the method.
        lpips: LPIPS.
        similarity: ArcFace similarity to the patient.
        ser_fiq: SER-FIQ.
        expression: rating of the expression.
        difference: rating of the difference from the patient.
        naturalness: rating of the naturalness.
    """

    method: str
    lpips: float
    similarity: float
    ser_fiq: float
    expression: tuple[float, float] | None = None
    difference: tuple[float, float] | None = None
    naturalness: tuple[float, float] | None = None


ROWS = (
    Published("layer freezing", 0.351, 0.592, 0.484),
    Published("LoRA", 0.353, 0.501, 0.351),
    Published("zero-shot", 0.456, 0.131, 0.490, (2.31, 1.07), (3.64, 1.60), (3.16, 1.36)),
    Published("conventional", 0.247, 0.520, 0.596, (3.79, 0.96), (3.01, 1.17), (3.95, 0.83)),
    Published("PF", 0.217, 0.417, 0.560, (4.04, 0.84), (3.01, 1.29), (4.28, 0.70)),
    Published("PF + CODC", 0.378, 0.335, 0.508, (3.38, 1.13), (3.80, 1.32), (3.50, 1.25)),
)


def published_tables() -> list[Table]:
    """The paper's figures as a table of reference rows."""
    rows = [[r.method, f"{r.lpips:.3f}", f"{r.similarity:.3f}", f"{r.ser_fiq:.3f}"] for r in ROWS]
    columns = ["method", "LPIPS ↓", "ArcFace similarity to the patient ↓", "SER-FIQ ↑"]
    heading = f"Published, on other data and with other weights ({SOURCE})"
    return [Table(heading, columns, rows, set(range(len(rows))))]


def published_ratings(question: str) -> dict[str, tuple[float, float]]:
    """The paper's ratings for a question of the questionnaire.

    Args:
        question: a key of :data:`palsynth.evaluation.study.QUESTIONS`.

    Returns:
        Method -> mean and standard deviation.
    """
    ratings = {r.method: getattr(r, question) for r in ROWS}
    return {method: rating for method, rating in ratings.items() if rating is not None}

from __future__ import annotations

from palsynth.evaluation.published import published_ratings, published_tables


def test_the_papers_tables_figure_by_figure() -> None:
    """Tajima, Seo & Chen 2026, Tables II and I."""
    (table,) = published_tables()
    assert table.columns == [
        "method",
        "LPIPS ↓",
        "ArcFace similarity to the patient ↓",
        "SER-FIQ ↑",
    ]
    assert table.rows == [
        ["layer freezing", "0.351", "0.592", "0.484"],
        ["LoRA", "0.353", "0.501", "0.351"],
        ["zero-shot", "0.456", "0.131", "0.490"],
        ["conventional", "0.247", "0.520", "0.596"],
        ["PF", "0.217", "0.417", "0.560"],
        ["PF + CODC", "0.378", "0.335", "0.508"],
    ]
    assert table.quiet == {0, 1, 2, 3, 4, 5}
    assert published_ratings("expression") == {
        "zero-shot": (2.31, 1.07),
        "conventional": (3.79, 0.96),
        "PF": (4.04, 0.84),
        "PF + CODC": (3.38, 1.13),
    }
    assert published_ratings("difference") == {
        "zero-shot": (3.64, 1.60),
        "conventional": (3.01, 1.17),
        "PF": (3.01, 1.29),
        "PF + CODC": (3.80, 1.32),
    }
    assert published_ratings("naturalness") == {
        "zero-shot": (3.16, 1.36),
        "conventional": (3.95, 0.83),
        "PF": (4.28, 0.70),
        "PF + CODC": (3.50, 1.25),
    }

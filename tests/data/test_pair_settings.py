"""Settings of training pairs that make none are refused in one line."""

from __future__ import annotations

from typing import Any

import pytest

from palsynth.data.pair_settings import PairsSettings
from palsynth.errors import InputError


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"mirror": 3.0}, "mirror 3: must lie in 0 … 1"),
        ({"mixed": -0.5}, "mixed -0.5: must lie in 0 … 1"),
        ({"healthy": 1.5}, "healthy 1.5: must lie in 0 … 1"),
        ({"smiling": 2.0}, "smiling 2: must lie in 0 … 1"),
        ({"groups": 0}, "groups 0: must be at least 1"),
        ({"first_subject": 989_000, "subjects": 2000}, "first_subject 989000 with subjects 2000: "),
    ],
)
def test_impossible_pairs_are_refused(fields: dict[str, Any], fault: str) -> None:
    with pytest.raises(InputError, match=f"^{fault}[^\n]*$"):
        PairsSettings(**fields)

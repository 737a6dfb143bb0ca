"""From requests to pictures and files: the runner, datasets, anonymized folders, sheets."""

from palsynth.generation.runner import Generated, generate
from palsynth.generation.variety import Variety

__all__ = ["Generated", "Variety", "generate"]
